//! Names that cannot be made: paths that lead out of a repository, branches that git refuses (T12, T40).

use imagebot::repo::{Branch, RepoPath};
use proptest::prelude::*;

/// Words that mean something in paths and branches, glued together.
fn odd() -> impl Strategy<Value = String> {
    let words = [
        "a", "B", "..", ".", "/", "//", "-", "--", ".git", ".GIT", ".gIt", ".lock", "@", "@{", "~",
        "^", ":", "?", "*", "[", "\\", " ", "\n", "\u{0}", "\u{1b}", "\u{7f}", "\u{202e}",
        "\u{e9}", "refs", "HEAD", "sha256:", "1.0",
    ];
    prop::collection::vec(prop::sample::select(words.to_vec()), 0..10)
        .prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(3_000) })]

    #[test]
    fn t12_a_path_never_leads_out_of_its_repository(text in odd()) {
        let Ok(path) = RepoPath::parse(&text) else {
            return Ok(());
        };
        prop_assert_eq!(path.as_str(), text.as_str());
        prop_assert!(!text.starts_with('/') && text.len() <= 4096);
        prop_assert!(!text.chars().any(|c| c.is_control()));
        for part in text.split('/') {
            prop_assert!(!part.is_empty() && part != "." && part != "..", "{:?}", text);
            prop_assert!(!part.eq_ignore_ascii_case(".git"), "{:?}", text);
        }
    }

    #[test]
    fn t40_every_branch_of_ours_is_one_that_git_takes(readable in odd(), hash in "[0-9a-f]{64}") {
        let branch = Branch::ours(&readable, &hash);
        let text = branch.as_str();
        prop_assert!(branch.is_ours() && text.starts_with("imagebot/"));
        prop_assert!(text.ends_with(&hash[..8]), "{}", text);
        prop_assert!(text.len() <= 255);
        prop_assert_eq!(Branch::parse(text).ok(), Some(branch.clone()));
        // `git help check-ref-format`
        for bad in ["..", "@{", "//"] {
            prop_assert!(!text.contains(bad), "{}", text);
        }
        prop_assert!(!text.ends_with(".lock") && !text.ends_with('.') && !text.ends_with('/'));
        prop_assert!(text.split('/').all(|part| !part.starts_with('.') && !part.ends_with(".lock")));
        prop_assert!(text.bytes().all(|b| b.is_ascii_graphic() && !b"~^:?*[\\".contains(&b)), "{}", text);
        // Two keys give two branches, whatever they are called.
        let other = format!("{:08x}", u32::from_str_radix(&hash[..8], 16).unwrap_or_default() ^ 1);
        prop_assert_ne!(Branch::ours(&readable, &format!("{other}{}", &hash[8..])), branch);
    }
}
