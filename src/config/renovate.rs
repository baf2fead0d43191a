//! What is written here instead of Renovate's keys, for errors and for `imagebot init --from`.

/// A key of Renovate, and what is here instead.
const KEYS: &[(&[&str], &str)] = &[
    (
        &["extends"],
        "there are no presets; `imagebot init --from renovate.json` writes what Renovate's own presets set",
    ),
    (&["packageRules"], "write a [[rule]] for each of them"),
    (
        &[
            "matchPackageNames",
            "matchDepNames",
            "matchPackagePatterns",
            "matchDepPatterns",
            "matchPackagePrefixes",
            "matchDepPrefixes",
            "matchImageNames",
            "packageNames",
            "packagePatterns",
        ],
        "write `images` in a [[rule]], with globs on names: \"docker.io/library/node\", \"**/postgres\"",
    ),
    (
        &[
            "excludePackageNames",
            "excludePackagePatterns",
            "excludePackagePrefixes",
            "excludeDepNames",
            "excludeDepPatterns",
        ],
        "write a second [[rule]] below, whose `images` are the exceptions; a later rule overrides an earlier one",
    ),
    (
        &["matchFileNames", "matchPaths"],
        "write `paths` in a [[rule]]",
    ),
    (
        &["matchManagers", "matchCategories", "enabledManagers"],
        "write `kinds` in a [[rule]], for example kinds = [\"from\", \"compose-*\"]",
    ),
    (
        &["matchDatasources"],
        "leave it out: every reference is a container image",
    ),
    (&["matchRepositories"], "write `repos` in a [[rule]]"),
    (
        &["matchCurrentValue", "matchCurrentVersion"],
        "write `tags` in a [[rule]], with globs on the tag in the file",
    ),
    (
        &["matchUpdateTypes"],
        "write `max`, the largest change that is proposed, or `automerge`, the largest that is merged",
    ),
    (
        &["allowedVersions"],
        "write `allow`, with a \"/regex/\" or a range such as \">=3.11 <4\"",
    ),
    (
        &["ignoreDeps"],
        "write a [[rule]] with `images` and `enabled = false`",
    ),
    (&["ignorePaths"], "write `exclude` at the top of the file"),
    (&["includePaths"], "write `include` at the top of the file"),
    (&["groupName", "groupSlug"], "write `group`"),
    (
        &["minimumReleaseAge", "stabilityDays"],
        "write `min_age`, for example min_age = \"3 days\"",
    ),
    (
        &[
            "internalChecksFilter",
            "prCreation",
            "minimumReleaseAgeBehaviour",
        ],
        "`min_age` waits before it opens a merge request",
    ),
    (&["pinDigests"], "write `digest = \"pin\"`"),
    (
        &["addLabels"],
        "write `labels` with all of them; a later list replaces an earlier one",
    ),
    (&["draftPR"], "write `draft = true`"),
    (
        &["additionalReviewers"],
        "write `reviewers` with all of them; a later list replaces an earlier one",
    ),
    (
        &["assigneesFromCodeOwners", "reviewersFromCodeOwners"],
        "code owners are not read; write `assignees` and `reviewers`, or let the forge request their approval",
    ),
    (
        &["prConcurrentLimit", "branchConcurrentLimit"],
        "write `max_open`",
    ),
    (
        &["prHourlyLimit", "commitHourlyLimit"],
        "the operator sets `max_new_per_hour` under [limits] in config.toml",
    ),
    (
        &["versioning"],
        "mostly nothing is needed: `imagebot tags IMAGE` shows how tags are parsed; otherwise write `scheme`",
    ),
    (
        &["ignoreUnstable"],
        "write `prerelease = true` to allow prereleases",
    ),
    (&["separateMajorMinor"], "write `separate_major`"),
    (
        &[
            "separateMinorPatch",
            "separateMultipleMajor",
            "separateMultipleMinor",
        ],
        "there is one merge request for the newest tag; only major changes can be separate",
    ),
    (
        &[
            "schedule",
            "automergeSchedule",
            "timezone",
            "updateNotScheduled",
        ],
        "there are no schedules yet; start `imagebot run` at the times at which updates are wanted",
    ),
    (
        &[
            "automergeType",
            "automergeStrategy",
            "automergeComment",
            "platformAutomerge",
        ],
        "imagebot merges a merge request after its pipeline succeeded; `squash` and the operator's `auto_merge` are what can be set",
    ),
    (
        &["ignoreTests"],
        "a merge request is merged automatically only after its pipeline succeeded",
    ),
    (
        &["hostRules", "dockerAuth"],
        "the operator writes a [[registry]] with `login` in config.toml; a repository cannot set hosts or logins",
    ),
    (
        &["registryAliases", "registryUrls", "defaultRegistryUrls"],
        "the operator writes `aliases` in a [[registry]] of config.toml; variables in files get their values under [args]",
    ),
    (
        &["customManagers", "regexManagers", "matchStrings"],
        "write a [[source]] with `files` and `pattern`",
    ),
    (
        &["fileMatch", "managerFilePatterns"],
        "write the files into `include`, or a [[source]] for files with other formats",
    ),
    (
        &["baseBranches", "baseBranchPatterns", "useBaseBranchConfig"],
        "only the default branch is updated",
    ),
    (
        &[
            "dependencyDashboard",
            "dependencyDashboardApproval",
            "dependencyDashboardTitle",
            "dependencyDashboardAutoclose",
        ],
        "there is no dashboard; `imagebot check` and `imagebot graph` show the same",
    ),
    (
        &["vulnerabilityAlerts", "osvVulnerabilityAlerts"],
        "vulnerabilities are not read",
    ),
    (
        &[
            "commitMessage",
            "commitMessagePrefix",
            "commitMessageAction",
            "commitMessageTopic",
            "commitMessageExtra",
            "commitMessageSuffix",
            "commitBody",
            "semanticCommits",
            "semanticCommitType",
            "semanticCommitScope",
            "gitAuthor",
        ],
        "the operator sets the author and `commit_prefix` under [git] in config.toml",
    ),
    (
        &[
            "prTitle",
            "prBodyTemplate",
            "prBodyNotes",
            "prBodyColumns",
            "prHeader",
            "prFooter",
        ],
        "the operator sets `title` and `body` under [merge_request] in config.toml",
    ),
    (
        &[
            "branchPrefix",
            "branchName",
            "branchTopic",
            "additionalBranchPrefix",
        ],
        "the names of branches are fixed: imagebot/…",
    ),
    (
        &[
            "rebaseWhen",
            "rebaseStalePrs",
            "rebaseLabel",
            "stopUpdatingLabel",
            "keepUpdatedLabel",
        ],
        "a branch is rebased when it conflicts or has the label imagebot:rebase; the operator names the labels under [merge_request]",
    ),
    (
        &["recreateWhen", "recreateClosed"],
        "an update that was closed is not opened again; `imagebot mr reopen` gives it back",
    ),
    (
        &["followTag"],
        "imagebot keeps a tag such as `latest` and follows its digest: write `digest = \"pin\"`",
    ),
    (
        &[
            "replacementName",
            "replacementVersion",
            "replacementNameTemplate",
        ],
        "an image is never replaced by another one",
    ),
    (
        &["postUpgradeTasks", "postUpdateOptions", "allowedCommands"],
        "no commands are run for a repository",
    ),
    (
        &[
            "rangeStrategy",
            "lockFileMaintenance",
            "constraints",
            "bumpVersion",
            "updateLockFiles",
        ],
        "it does not concern container images",
    ),
    (
        &[
            "onboarding",
            "requireConfig",
            "configMigration",
            "onboardingConfig",
        ],
        "no onboarding is needed: the operator lists the repositories in config.toml",
    ),
    (
        &["extractVersion", "versionCompatibility"],
        "write a [[scheme]] with a `pattern` in the operator's config.toml, and name it in `scheme`",
    ),
    (
        &["changelogUrl", "fetchChangeLogs", "sourceUrl"],
        "a merge request shows the labels of the images, and no release notes",
    ),
];

/// What is here instead of a key of Renovate; `None` for other names.
pub fn renovate_key(name: &str) -> Option<&'static str> {
    let mut rows = KEYS.iter();
    let (_, here) = rows.find(|(names, _)| names.contains(&name))?;
    Some(here)
}

/// The keys of Renovate that have an answer.
pub fn renovate_keys() -> impl Iterator<Item = &'static str> {
    KEYS.iter().flat_map(|(names, _)| names.iter().copied())
}
