//! Every key that the files know: its type, its default, one line of what it means.
//!
//! This is the one list: the readers check against it, the schema is printed from it, and a test holds the samples
//! under `config/` against it. A key that is planned but does not work yet is in [`LATER`], not here.

/// A key.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// One line for editors and people.
    pub(super) about: &'static str,
}

/// What a key holds.
#[derive(Debug)]
pub(super) enum Kind {
    Bool,
    Text,
    Number,
    OneOf(&'static [&'static str]),
    Texts,
    Numbers,
    /// `{ env = … }`, `{ file = … }` or `{ command = […] }`.
    Secret,
    /// A path, or a table of these keys.
    VersionFile,
    /// Names of one's own with text values.
    Map,
    Table(&'static [Key]),
    Tables(&'static [Key]),
}

macro_rules! keys {
    ($($name:literal: $kind:expr, $about:literal;)*) => {
        &[$(Key { name: $name, kind: $kind, about: $about },)*]
    };
}

use Kind::{Bool, Map, Number, Numbers, OneOf, Secret, Table, Tables, Text, Texts, VersionFile};

/// What a rule can set.
pub(super) const SETTINGS: &[Key] = keys! {
    "enabled": Bool, "Whether the references are looked at. Default: true.";
    "scheme": Text, "How tags are read as versions: auto, semver, floating, or the name of a [[scheme]]. Default: \"auto\".";
    "max": OneOf(&["major", "minor", "patch", "build", "digest"]), "The widest change that is proposed. Default: \"major\".";
    "separate_major": Bool, "Whether a major change is a merge request of its own. Default: true.";
    "prerelease": Bool, "Whether prereleases may be chosen. Default: false.";
    "variant": OneOf(&["keep", "follow"]), "Whether a number in the variant may rise, alpine3.18 to alpine3.20. Default: \"keep\".";
    "codename": OneOf(&["hold", "follow"]), "Whether a distribution's codename may change. Default: \"hold\".";
    "digest": OneOf(&["refresh", "pin", "with-tag", "off"]), "refresh: where a digest stands it follows its tag; pin: every reference gets one; with-tag: only together with a new tag; off: references with a digest are left alone. Default: \"refresh\".";
    "pin_args": Bool, "With digest = \"pin\": also behind a tag that an ARG makes; nothing may override that ARG in CI. Default: false.";
    "platforms": Texts, "The platforms that must exist in what is chosen; empty: those of the current digest. Default: [].";
    "allow": Text, "The tags that may be chosen: \"/regex/\", \"!/regex/\" or a range such as \">=3.11 <4 || 5\". Default: \"\".";
    "ignore": Texts, "Tags that are never chosen: exact, \"/regex/\" or a range. Default: [].";
    "group": Text, "References with one group share a merge request; empty: the image's name. Default: \"\".";
    "labels": Texts, "The labels of the merge request; one that a person removes is not put back. Default: [\"imagebot\"].";
    "assignees": Texts, "User names of those whom the merge request is assigned to. Default: [].";
    "reviewers": Texts, "User names of those who are asked for a review. Default: [].";
    "milestone": Text, "The title of the merge request's milestone; empty: none. Default: \"\".";
    "draft": Bool, "Whether the merge request is opened as a draft. Default: false.";
    "squash": Bool, "Whether its commits are squashed when it is merged. Default: as the repository has it.";
    "remove_source_branch": Bool, "Whether its branch is removed when it is merged. Default: true.";
    "min_age": Text, "How long a tag or digest must have been there before it is proposed: \"3 days\", \"36h\". Default: \"0 days\".";
    "min_age_trust": OneOf(&["seen", "created"]), "What tells how long: seen, when imagebot saw it first or proposed it; created, also the date in the image. Default: \"seen\".";
    "automerge": OneOf(&["never", "digest", "build", "patch", "minor", "major"]), "The widest change that is merged without a person, once its pipeline succeeded; needs min_age. Default: \"never\".";
    "max_open": Number, "The most open merge requests of a repository. Default: 5.";
    "hold": OneOf(&["family", "off"]), "Whether references to images of registered repositories wait until everything above them is at rest. Default: \"family\".";
    "hold_for": Text, "The longest that something holds: \"24h\", or \"never\" for as long as it takes. Default: \"24h\".";
    "hold_majors": Bool, "Whether an open major change of a parent holds too. Default: false.";
    "settle": Text, "How long a parent's new commit is waited for to get its pipeline. Default: \"10min\".";
    "reason": Text, "Why the rule exists, shown wherever it decides something.";
};

/// What a rule can look at.
pub(super) const MATCHERS: &[Key] = keys! {
    "images": Texts, "Globs on image names with their host: \"docker.io/library/node\", \"registry.example.com/acme/**\", \"**/postgres\".";
    "repos": Texts, "Globs on repository paths.";
    "paths": Texts, "Globs on file paths in the repository.";
    "kinds": Texts, "Kinds of places: from, copy-from, mount-from, syntax, onbuild-from, gipgee-base.";
    "tags": Texts, "Globs on tags as they stand in the file.";
};

const LOGIN: &[Key] = keys! {
    "username": Text, "The user name.";
    "password": Secret, "The password or token.";
    "repos": Texts, "Globs on the repositories that the login serves; others never use it. Default: all.";
};

const REGISTRY: &[Key] = keys! {
    "host": Text, "The exact host or host:port, as in image names.";
    "login": Table(LOGIN), "The login; without it docker's config.json, else anonymous.";
    "auth_realms": Texts, "Other origins that may ask for this login, such as \"https://gitlab.example.com\".";
    "ca_file": Text, "A PEM file with CA certificates for this host, besides the system's.";
    "plain_http": Bool, "Whether the host is asked over http. Default: false.";
    "rate": Text, "The most requests in a time: \"50/s\", \"100/min\". Default: \"50/s\".";
    "concurrency": Number, "The most requests at once. Default: 8.";
    "aliases": Texts, "Names in files that mean this registry; * stands for one or more parts of the path.";
    "redirects": Texts, "Other origins that tags and manifests may be redirected to, such as \"https://mirror.example.com\"; they are asked without a login. Default: [].";
    "rebase_links": Bool, "Whether pages of tags that name another origin are asked for at this one: behind a proxy that leaves its own name out. Default: false.";
};

/// What a GitHub App is known by.
pub(super) const APP: &[Key] = keys! {
    "id": Number, "The App's id.";
    "installation": Number, "The id of its installation. Default: its only one.";
    "key": Secret, "Its private key, PEM.";
};

/// A narrower token of a forge.
pub(super) const TOKENS: &[Key] = keys! {
    "prefix": Text, "What the paths of its repositories begin with, whole parts: \"apps\" is apps/web, not apps2/web.";
    "token": Secret, "The token.";
    "app": Table(APP), "github: an App instead of a token.";
};

/// Keys of a `[[forge]]` that are for servers only.
pub(super) const OF_SERVERS: &[&str] = &[
    "url",
    "token",
    "app",
    "tokens",
    "topics",
    "archived",
    "forks",
    "mirrors",
    "ca_file",
    "pause",
    "registry",
    "auto_merge",
];
/// Those that are for GitHub only.
pub(super) const OF_GITHUB: &[&str] = &["auto_merge"];
/// Those that are for folders only.
pub(super) const OF_FOLDERS: &[&str] = &["path", "owners"];

/// What the operator says of who publishes which images.
pub(super) const PUBLISHES: &[Key] = keys! {
    "repo": Text, "A glob on the repositories that it is said of.";
    "images": Texts, "Names of images that they publish, or globs within which they may say so with [[image]]. {repo} stands for the repository's path, {name} for its last part.";
};

/// An image that a repository publishes.
pub(super) const IMAGE: &[Key] = keys! {
    "name": Text, "Its name with its registry, without a tag.";
    "published": Texts, "Further names that it is published under. Default: [].";
    "context": Text, "The folder that it is built in. Default: the repository's top.";
    "dockerfile": Text, "Its Dockerfile, in the folder. Default: \"Dockerfile\".";
    "target": Text, "The stage that is built. Default: the last one.";
    "version_file": VersionFile, "The file that holds its version: a path, or { path, kind, key, pattern }. It rises in the merge request that changes a reference of the image.";
    "bump": OneOf(&["patch", "minor", "major", "same"]), "How far its version rises; same: as far as the widest of the changes. Stands beside version_file.";
    "watch": Texts, "Globs on the files, from the repository's top, whose change asks for another build. Default: those of its folder.";
};

/// Where a version stands, if its file's name does not say it.
pub(super) const VERSION_FILE: &[Key] = keys! {
    "path": Text, "The file, from the repository's top.";
    "kind": OneOf(&["text", "edn", "toml", "yaml", "json", "arg", "label", "regex"]), "What it is. Default: by its name.";
    "key": Text, "edn, toml, yaml, json: the key, with dots between names; arg, label: the name. Default: version, package.version in Cargo.toml, project.version in pyproject.toml, VERSION for an ARG, org.opencontainers.image.version for a LABEL.";
    "pattern": Text, "regex: a regular expression with one group, which is the version; ^ and $ are the ends of lines.";
};

/// Something that a repository depends on besides what its files name.
pub(super) const DEPENDS: &[Key] = keys! {
    "repo": Text, "A repository's path, or its address.";
    "image": Text, "An image's name.";
};

pub(super) const FORGE: &[Key] = keys! {
    "kind": OneOf(&["local", "gitlab", "github"]), "local: a folder of bare git repositories.";
    "path": Text, "local: the folder.";
    "owners": Numbers, "local: user ids, besides the one that runs imagebot, whose repositories may be used. Default: [].";
    "url": Text, "gitlab, github: where people open it, its relative root included. Default for github: https://github.com.";
    "token": Secret, "gitlab, github: the token.";
    "app": Table(APP), "github: an App instead of a token.";
    "tokens": Tables(TOKENS), "gitlab, github: narrower tokens; the longest prefix that fits a repository decides.";
    "repos": Texts, "Globs on the repositories' paths; \"!\" excludes, the last match decides. What stands before the first * is the group that is listed. Default: [\"**\"].";
    "topics": Texts, "gitlab, github: only repositories with one of these topics. Default: [].";
    "registry": Text, "github: the registry of an Enterprise Server, containers.HOST; its API does not name it.";
    "auto_merge": Bool, "github: where something required is missing, switch on GitHub's own auto-merge, which stays on when somebody with write access pushes. Default: false.";
    "archived": Bool, "gitlab, github: archived repositories too. Default: false.";
    "forks": Bool, "gitlab, github: forks too. Default: false.";
    "mirrors": Bool, "gitlab, github: mirrors too. Default: false.";
    "ca_file": Text, "gitlab, github: a PEM file with CA certificates, besides the system's.";
    "publishes": Tables(PUBLISHES), "Who publishes which images, where that does not follow from their names.";
    "pause": Text, "gitlab, github: the least time between two requests that change something. Default: \"1s\" for github, \"0s\" for gitlab.";
};

const LIMITS: &[Key] = keys! {
    "max_open": Number, "The most open merge requests in all. Default: 50.";
    "max_new_per_hour": Number, "The most merge requests opened within an hour. Default: 20.";
};

const CEILING: &[Key] = keys! {
    "automerge": OneOf(&["never", "digest", "build", "patch", "minor", "major"]), "The widest change that an imagebot.toml may have merged without a person. Default: \"never\".";
    "min_age": Text, "The shortest min_age that an imagebot.toml may choose. Default: the operator's.";
};

const MERGE_REQUEST: &[Key] = keys! {
    "title": Text, "A template of the title; see docs/merge-requests.md.";
    "body": Text, "A template of the text; see docs/merge-requests.md.";
    "rebase_label": Text, "The label that keeps a branch on top of its target. Default: \"imagebot:rebase\".";
    "stop_label": Text, "The label that makes imagebot leave a merge request alone. Default: \"imagebot:stop\".";
    "notices": Bool, "Whether a repository whose imagebot.toml cannot be read is told on itself. Default: true.";
};

const GIT: &[Key] = keys! {
    "name": Text, "The author's name on commits. Default: \"imagebot\".";
    "email": Text, "The author's address on commits. Default: \"imagebot@localhost\".";
    "commit_prefix": Text, "What stands before the first line of every commit message, where a push rule asks for it. Default: \"\".";
};

const SCHEME: &[Key] = keys! {
    "name": Text, "The name that rules use.";
    "pattern": Text, "A regular expression with named groups: major, minor, patch, build, revision, date, prerelease, compatibility, variant.";
    "order": Texts, "The order in which the groups are compared, if not the usual one.";
};

/// `config.toml`.
pub(super) const OPERATOR: &[Key] = keys! {
    "cache": Text, "The folder for caches; it may be deleted at any time. Default: the platform's cache folder.";
    "public_registries": Bool, "Whether docker.io, ghcr.io, quay.io and other public registries are listed, anonymously. Default: true.";
    "git": Table(GIT), "The author of commits.";
    "forge": Tables(FORGE), "Where repositories are.";
    "registry": Tables(REGISTRY), "A registry; only listed hosts are ever contacted.";
    "scheme": Tables(SCHEME), "A tag scheme of one's own.";
    "limits": Table(LIMITS), "The most merge requests of the whole fleet; what they hold back is told.";
    "budget": Table(super::budget::KEYS), "How much work one repository and one registry may cause in a pass; what a budget holds back is reported.";
    "ceiling": Table(CEILING), "How far an imagebot.toml may go beyond the operator's rules.";
    "merge_request": Table(MERGE_REQUEST), "What all merge requests have in common.";
    "defaults": Table(SETTINGS), "What holds where no rule says otherwise.";
    "rule": Tables(&[]), "A rule: what it matches, what it sets. Every matching rule applies, in order; a later one wins key by key.";
};

/// `imagebot.toml`.
pub(super) const REPOSITORY: &[Key] = keys! {
    "enabled": Bool, "Whether the repository is looked at. Default: true.";
    "include": Texts, "Globs on the files that are read, of those whose names say that they hold references; one whose last part has three letters or digits adds the files that it names. Default: all.";
    "exclude": Texts, "Globs on files that are not read. Default: none.";
    "discover": Bool, "Whether the images that files name are what the repository stands on. Default: true.";
    "image": Tables(IMAGE), "An image that the repository publishes.";
    "depends": Tables(DEPENDS), "Something that it stands on besides.";
    "args": Map, "What CI passes as build arguments: wins over an ARG's default, and what it sets is not edited.";
    "rule": Tables(&[]), "A rule: what it matches, what it sets. It comes after the operator's.";
};

/// Keys that are planned, each with the table it will stand in.
pub(super) const LATER: &[&str] = &["store"];

/// The tables of a file that know a key, as they are written.
pub(super) fn elsewhere(file: &'static [Key], name: &str) -> impl Iterator<Item = String> {
    let rule = SETTINGS.iter().chain(MATCHERS).any(|key| key.name == name);
    file.iter().filter_map(move |key| {
        let (keys, shown) = match key.kind {
            Kind::Table(keys) => (keys, format!("[{}]", key.name)),
            Kind::Tables(keys) => (keys, format!("[[{}]]", key.name)),
            _ => (&[][..], String::new()),
        };
        let knows = keys.iter().any(|key| key.name == name) || key.name == "rule" && rule;
        knows.then_some(shown)
    })
}

/// How a table is written.
pub(super) fn example(name: &str) -> String {
    match name {
        "login" => "write login = { username = \"bot\", password = { env = \"REGISTRY_TOKEN\" } }"
            .to_owned(),
        "token" => "write token = { env = \"IMAGEBOT_TOKEN\" }".to_owned(),
        "password" => "write password = { env = \"REGISTRY_TOKEN\" }".to_owned(),
        "key" => "write key = { file = \"app.pem\" }".to_owned(),
        "app" => "write app = { id = 1234, key = { file = \"app.pem\" } }".to_owned(),
        "version_file" => {
            "write version_file = { path = \"version.txt\", kind = \"text\" }".to_owned()
        }
        name => format!("write [{name}] on a line by itself, and its keys below"),
    }
}
