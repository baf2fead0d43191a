//! The messages of servers whose rules reject a push, and what to do about each.

/// Whether a push was rejected because the token may not change workflows.
pub(super) fn is_of_workflows(why: &str) -> bool {
    why.contains("refusing to allow") && why.contains("workflow")
}

/// The help for a rejected push, found by the server's message (F58, F59).
pub(super) fn push_help(why: &str) -> Option<&'static str> {
    let why = why.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| why.contains(word));
    if has(&[
        "push protection",
        "push cannot contain secrets",
        "secret scanning",
    ]) {
        Some("the server found what looks like a secret in the file; check the file by hand")
    } else if has(&[
        "author's",
        "author '",
        "author email",
        "commit author",
        "committer",
        "email",
    ]) {
        Some("[git]\nname = \"…\"\nemail = \"…\"   # an author the push rule allows")
    } else if has(&["branch name"]) {
        Some("allow branches under imagebot/ in the push rule for branch names")
    } else if has(&["forbidden pattern"]) {
        Some(
            "the push rule forbids part of the commit message: change `commit_prefix` under [git], or the rule",
        )
    } else if has(&[
        "commit message",
        "does not follow the pattern",
        "commit regex",
    ]) {
        Some("[git]\ncommit_prefix = \"…\"   # what the push rule requires")
    } else if has(&[
        "protected branch",
        "gh006",
        "gh013",
        "rule violations",
        "you are not allowed to push",
    ]) {
        Some(
            "allow imagebot to push to branches under imagebot/, or exclude them from the protection",
        )
    } else if has(&["workflow"]) {
        Some("the token may not change workflows; imagebot needs that right only to edit one")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::push_help;

    /// Messages of servers whose rules reject a push, each with a word that the help must contain.
    #[test]
    fn row_27_the_help_fits_the_rule() {
        for (said, expect) in [
            (
                "GitLab: Committer's email 'bot@a' does not follow the pattern '@b$'",
                "email =",
            ),
            (
                "GitLab: Author's email 'bot@a' does not follow the pattern '@b$'",
                "email =",
            ),
            (
                "GitLab: Committer's name 'bot' does not follow the pattern",
                "name =",
            ),
            (
                "GitLab: Branch name 'imagebot/a' does not follow the pattern '^x'",
                "branch names",
            ),
            (
                "GitLab: Commit message contains the forbidden pattern 'Update'",
                "forbids",
            ),
            (
                "GitLab: Commit message does not follow the pattern '^chore'",
                "commit_prefix =",
            ),
            (
                "error: GH013: Repository rule violations found for refs/heads/imagebot/a. - Commit message must match",
                "commit_prefix =",
            ),
            (
                "error: GH013: Repository rule violations found for refs/heads/a. - GITHUB PUSH PROTECTION - Push cannot contain secrets",
                "secret",
            ),
            (
                "error: GH013: Repository rule violations found for refs/heads/a. - Cannot create ref due to creations being restricted.",
                "under imagebot/",
            ),
            (
                "error: GH006: Protected branch update failed for refs/heads/a.",
                "under imagebot/",
            ),
            (
                "error: GH006: Protected branch update failed for refs/heads/a. You're not authorized to push to this branch.",
                "under imagebot/",
            ),
            (
                "GitLab: You are not allowed to push code to protected branches on this project.",
                "under imagebot/",
            ),
        ] {
            let help = push_help(said).unwrap_or_default();
            assert!(help.contains(expect), "{said}: {help}");
        }
        assert_eq!(push_help("disk full"), None);
    }
}
