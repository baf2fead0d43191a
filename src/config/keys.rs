//! Every key of both files: its type, its default and one line about its meaning.
//!
//! This is the one list: the readers check against it, the schema is printed from it, and a test holds the samples
//! under `config/` against it. A key that is planned but does not work yet is listed in [`LATER`], not here.

use super::setting_types::SettingType;
use crate::coded::Coded as _;
use crate::image::Platform;
use crate::policy::{
    Age, CiMode, DigestMode, Hold, LabelNames, NamedScheme, Settings, Trust, UserNames,
    settings_table,
};
use crate::scheme::{Allow, Bump, CodenameMode, Ignore, Level, VariantMode};

/// A key.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// One line, shown by editors.
    pub(super) about: &'static str,
    /// The default in TOML, unless `about` says it.
    pub(super) default: fn() -> Option<String>,
}

impl Key {
    /// What editors show: the meaning and the default.
    pub(super) fn description(&self) -> String {
        match (self.default)() {
            Some(default) => format!("{} Default: {default}.", self.about),
            None => self.about.to_owned(),
        }
    }
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
    /// User-defined names with text values.
    Map,
    Table(&'static [Key]),
    Tables(&'static [Key]),
}

macro_rules! keys {
    ($($name:literal: $kind:expr, $about:literal;)*) => {
        &[$(Key { name: $name, kind: $kind, about: $about, default: || None },)*]
    };
}

use Kind::{Bool, Map, Number, Numbers, OneOf, Secret, Table, Tables, Text, Texts, VersionFile};

macro_rules! setting_keys {
    ($($name:ident: $type:ty = $default:expr, $about:literal;)*) => {
        &[$(Key {
            name: stringify!($name),
            kind: <$type as SettingType>::KIND,
            about: $about,
            default: || Some(default_of(stringify!($name))),
        },)*]
    };
}

/// The keys that a rule can set.
pub(super) const SETTINGS: &[Key] = settings_table!(setting_keys);

fn default_of(setting: &str) -> String {
    let defaults = Settings::default();
    let mut rows = defaults.rows().into_iter();
    rows.find(|(name, ..)| *name == setting)
        .map(|(_, value, _)| value)
        .unwrap_or_default()
}

/// The keys by which a rule is matched.
pub(super) const MATCHERS: &[Key] = keys! {
    "images": Texts, "Globs on image names with their host: \"docker.io/library/node\", \"registry.example.com/acme/**\", \"**/postgres\".";
    "repos": Texts, "Globs on repository paths.";
    "paths": Texts, "Globs on file paths in the repository.";
    "kinds": Texts, "Kinds of places: from, copy-from, mount-from, syntax, onbuild-from, gipgee-base.";
    "tags": Texts, "Globs on tags as written in the file.";
};

pub(super) const LOGIN: &[Key] = keys! {
    "username": Text, "The user name.";
    "password": Secret, "The password or token; a file or command is read again every 30 min, and when the registry refuses it.";
    "helper": Text, "A credential helper instead of username and password: \"ecr-login\" runs docker-credential-ecr-login.";
    "google": OneOf(&["metadata"]), "Instead of username and password, the token of the Google Cloud machine that imagebot runs on; for Google's registries.";
    "repos": Texts, "Globs on the repositories that may use the login. Default: all.";
};

pub(super) const REGISTRY: &[Key] = keys! {
    "host": Text, "The exact host or host:port, as in image names.";
    "login": Table(LOGIN), "The login. Without it, the files of docker and podman are used (see docker_config), then anonymous access.";
    "auth_realms": Texts, "Other origins that may receive this login, such as \"https://gitlab.example.com\".";
    "ca_file": Text, "A PEM file with CA certificates for this host, besides the system's.";
    "plain_http": Bool, "Whether to use http instead of https. Default: false.";
    "rate": Text, "Maximum request rate: \"50/s\", \"100/min\". Default: \"50/s\".";
    "concurrency": Number, "Maximum number of parallel requests. Default: 8.";
    "aliases": Texts, "Names in files that mean this registry; * matches one or more parts of the path.";
    "redirects": Texts, "Other origins that tags and manifests may be redirected to, such as \"https://mirror.example.com\"; no login is sent there. Default: [].";
    "rebase_links": Bool, "Whether to fetch pages of tags that name another origin from this one, for a reverse proxy that does not rewrite links. Default: false.";
};

/// The keys of a GitHub App.
pub(super) const APP: &[Key] = keys! {
    "id": Number, "The App's id.";
    "installation": Number, "The id of its installation. Default: its only one.";
    "key": Secret, "Its private key, PEM.";
};

/// The keys of a token for a part of a forge.
pub(super) const TOKENS: &[Key] = keys! {
    "prefix": Text, "Prefix of the paths of its repositories, in whole parts: \"apps\" is apps/web, not apps2/web.";
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
/// Keys of a `[[forge]]` that are for GitHub only.
pub(super) const OF_GITHUB: &[&str] = &["auto_merge"];
/// Keys of a `[[forge]]` that are for folders only.
pub(super) const OF_FOLDERS: &[&str] = &["path", "owners"];

/// Which repositories publish which images, as the operator declares it.
pub(super) const PUBLISHES: &[Key] = keys! {
    "repo": Text, "A glob on the repositories that publish the images.";
    "images": Texts, "Names of images that they publish, or globs on names they may claim with [[image]]. {repo} is the repository's path, {name} its last part.";
};

/// An image that a repository publishes.
pub(super) const IMAGE: &[Key] = keys! {
    "name": Text, "Its name with its registry, without a tag.";
    "published": Texts, "Other names it is published under. Default: [].";
    "context": Text, "Its build context. Default: the root of the repository.";
    "dockerfile": Text, "Its Dockerfile, in the folder. Default: \"Dockerfile\".";
    "target": Text, "The stage that is built. Default: the last one.";
    "version_file": VersionFile, "The file that holds its version: a path, or { path, kind, key, pattern }. The version is bumped in the merge request that changes a reference of the image.";
    "bump": OneOf(Bump::CODES), "Which part of its version is bumped; same: the level of the largest change. Needs version_file.";
    "watch": Texts, "Globs on the files whose change requires a rebuild, from the root of the repository. Default: the files of its build context.";
};

/// Where in its file a version is, unless the file's name implies it.
pub(super) const VERSION_FILE: &[Key] = keys! {
    "path": Text, "The file, from the root of the repository.";
    "kind": OneOf(&["text", "edn", "toml", "yaml", "json", "arg", "label", "regex"]), "Its format. Default: from its name.";
    "key": Text, "edn, toml, yaml, json: the key, with dots between names; arg, label: the name. Default: version, package.version in Cargo.toml, project.version in pyproject.toml, VERSION for an ARG, org.opencontainers.image.version for a LABEL.";
    "pattern": Text, "regex: a regular expression with one group, which is the version; ^ and $ are the ends of lines.";
};

/// Where in other files images are.
pub(super) const SOURCE: &[Key] = keys! {
    "files": Texts, "Globs on the files. They are read although their names are not recognised, also for # imagebot: comments. Definitions of CI are not.";
    "format": OneOf(&["yaml", "json", "toml", "hcl", "env"]), "The format of data files, in which the paths below lead to values.";
    "at": Text, "The path of a whole reference: keys and numbers with dots between; * is one of them, ** any depth, [key=text] a condition.";
    "image": Text, "The name of the image, if the files have only its tag or digest.";
    "registry": Text, "The path of the registry, if it has a field of its own.";
    "repository": Text, "The path of the name.";
    "tag": Text, "The path of the tag.";
    "digest": Text, "The path of the digest.";
    "pattern": Text, "For text: a regular expression that is compared with each line. Its named groups are image, repository, registry, tag, digest.";
};

/// A dependency of a repository besides the references in its files.
pub(super) const DEPENDS: &[Key] = keys! {
    "repo": Text, "A repository's path, or its address.";
    "image": Text, "An image's name.";
};

pub(super) const FORGE: &[Key] = keys! {
    "kind": OneOf(&["local", "gitlab", "github"]), "local: a folder of bare git repositories.";
    "path": Text, "local: the folder.";
    "owners": Numbers, "local: user ids, besides the one that runs imagebot, whose repositories may be used. Default: [].";
    "url": Text, "gitlab, github: the address of the web interface, including a relative URL root. Default for github: https://github.com.";
    "token": Secret, "gitlab, github: the token.";
    "app": Table(APP), "github: an App instead of a token.";
    "tokens": Tables(TOKENS), "gitlab, github: tokens for parts of the forge; the longest matching prefix is used.";
    "repos": Texts, "Globs on the repositories' paths; \"!\" excludes, the last match decides. The part before the first * is the group that is listed. Default: [\"**\"].";
    "topics": Texts, "gitlab, github: only repositories with one of these topics. Default: [].";
    "registry": Text, "github: the registry of an Enterprise Server, containers.HOST; its API does not name it.";
    "auto_merge": Bool, "github: if a requirement is missing, enable GitHub's own auto-merge, which stays enabled when a user with write access pushes. Default: false.";
    "archived": Bool, "gitlab, github: archived repositories too. Default: false.";
    "forks": Bool, "gitlab, github: forks too. Default: false.";
    "mirrors": Bool, "gitlab, github: mirrors too. Default: false.";
    "ca_file": Text, "gitlab, github: a PEM file with CA certificates, besides the system's.";
    "publishes": Tables(PUBLISHES), "Which repositories publish which images, if their names do not show it.";
    "pause": Text, "gitlab, github: minimum time between two requests that change something. Default: \"1s\" for github, \"0s\" for gitlab.";
};

pub(super) const LIMITS: &[Key] = keys! {
    "max_open": Number, "Maximum number of open merge requests in total. Default: 50.";
    "max_new_per_hour": Number, "Maximum number of merge requests opened per hour. Default: 20.";
};

pub(super) const CEILING: &[Key] = keys! {
    "automerge": <Option<Level> as SettingType>::KIND, "The largest change that an imagebot.toml may merge automatically. Default: \"never\".";
    "min_age": Text, "The shortest min_age that an imagebot.toml may choose. Default: the operator's.";
};

pub(super) const MERGE_REQUEST: &[Key] = keys! {
    "title": Text, "A template of the title; see docs/merge-requests.md.";
    "body": Text, "A template of the text; see docs/merge-requests.md.";
    "rebase_label": Text, "The label that keeps a branch rebased on its target. Default: \"imagebot:rebase\".";
    "stop_label": Text, "The label that stops imagebot from changing a merge request. Default: \"imagebot:stop\".";
    "notices": Bool, "Whether to open an issue in a repository whose imagebot.toml is invalid. Default: true.";
};

pub(super) const GIT: &[Key] = keys! {
    "name": Text, "The author's name on commits. Default: \"imagebot\".";
    "email": Text, "The author's address on commits. Default: \"imagebot@localhost\".";
    "commit_prefix": Text, "Prefix of every commit message, for push rules that require one. Default: \"\".";
};

pub(super) const SCHEME: &[Key] = keys! {
    "name": Text, "The name that rules use.";
    "pattern": Text, "A regular expression with named groups: major, minor, patch, build, revision, date, prerelease, compatibility, variant.";
    "order": Texts, "The order in which the groups are compared, if not the default.";
};

/// `config.toml`.
pub(super) const OPERATOR: &[Key] = keys! {
    "cache": Text, "The folder for caches; it may be deleted at any time. Default: the platform's cache folder.";
    "public_registries": Bool, "Whether docker.io, ghcr.io, quay.io and other public registries are listed, anonymously. Default: true.";
    "git": Table(GIT), "The author of commits.";
    "docker_config": Texts, "Files with docker's or podman's logins, or Kubernetes' .dockerconfigjson; the first that names the registry is used. Default: docker's and podman's own files.";
    "docker_helpers": Bool, "Whether the credential helpers that these files name are run. Default: false.";
    "forge": Tables(FORGE), "A place with repositories: GitLab, GitHub or a folder.";
    "registry": Tables(REGISTRY), "A registry; only listed hosts are ever contacted.";
    "scheme": Tables(SCHEME), "A custom tag scheme.";
    "source": Tables(SOURCE), "Files of all repositories with images, and the places of the images in them; they may be definitions of CI.";
    "limits": Table(LIMITS), "Limits on merge requests of the whole fleet; what they hold back is reported.";
    "budget": Table(super::budget::KEYS), "How much work one repository or registry may cause per pass; what a budget holds back is reported.";
    "ceiling": Table(CEILING), "How far an imagebot.toml may go beyond the operator's rules.";
    "merge_request": Table(MERGE_REQUEST), "Settings of all merge requests.";
    "defaults": Table(SETTINGS), "Settings that apply unless a rule overrides them.";
    "rule": Tables(&[]), "A rule: what it matches, what it sets. Every matching rule applies, in order; a later one wins key by key.";
};

/// `imagebot.toml`.
pub(super) const REPOSITORY: &[Key] = keys! {
    "enabled": Bool, "Whether the repository is scanned. Default: true.";
    "include": Texts, "Globs on the files to read. They select among files whose names are recognised; a glob whose last part has three letters or digits also adds other files. Default: all recognised files.";
    "exclude": Texts, "Globs on files that are not read. Default: none.";
    "vendored": Bool, "Whether vendor/, node_modules/, third_party/ and generated files are read too. Default: false.";
    "discover": Bool, "Whether images that files name count as dependencies of the repository. Default: true.";
    "image": Tables(IMAGE), "An image that the repository publishes.";
    "depends": Tables(DEPENDS), "An additional dependency.";
    "source": Tables(SOURCE), "Other files with images, and the places of the images in them.";
    "args": Map, "Build arguments that CI passes: they override an ARG's default, and their ARGs are not edited.";
    "rule": Tables(&[]), "A rule: what it matches, what it sets. It comes after the operator's.";
};

/// Keys that are planned, each with the table that it will belong to.
pub(super) const LATER: &[&str] = &["store"];

/// The tables of a file that have a key of this name, as they are written. A table is not meant as a key for text.
pub(super) fn elsewhere(
    file: &'static [Key],
    name: &str,
    is_table: bool,
) -> impl Iterator<Item = String> {
    let rule = SETTINGS.iter().chain(MATCHERS).any(|key| key.name == name);
    file.iter().filter_map(move |key| {
        let (keys, shown) = match key.kind {
            Kind::Table(keys) => (keys, format!("[{}]", key.name)),
            Kind::Tables(keys) => (keys, format!("[[{}]]", key.name)),
            _ => (&[][..], String::new()),
        };
        let fits = |key: &Key| key.name == name && !(is_table && matches!(key.kind, Text));
        let knows = keys.iter().any(fits) || key.name == "rule" && rule;
        knows.then_some(shown)
    })
}

/// A header as it is written in the file.
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
        name => format!("write [{name}] on its own line and its keys below"),
    }
}
