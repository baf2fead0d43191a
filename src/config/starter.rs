//! What `imagebot init` writes.

/// What an operator's configuration begins with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Starter {
    /// Where the repositories are; `None`: an example to be changed.
    pub forge: Option<StarterForge>,
    /// The hosts of private registries.
    pub registries: Vec<String>,
}

/// Where the repositories are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StarterForge {
    /// A GitLab.
    GitLab {
        /// The address of its web interface.
        url: String,
        /// The groups whose repositories are registered; empty: those that the token's user is a member of.
        groups: Vec<String>,
    },
    /// GitHub.
    GitHub {
        /// The users or organisations whose repositories are registered; empty: all that the token sees.
        owners: Vec<String>,
    },
    /// A folder of bare repositories.
    Local {
        /// The folder.
        path: String,
    },
}

const HEAD: &str = "# imagebot: the operator's configuration. `imagebot config check` reads it without running anything;
# every key is described in config/config.toml of imagebot's repository and by `imagebot config schema --operator`.
";

const REGISTRIES: &str = r#"
# Only listed registries are ever contacted; docker.io, ghcr.io, quay.io and other public ones are, anonymously.
# [[registry]]
# host = "registry.example.com"
# login = { username = "bot", password = { env = "REGISTRY_PASSWORD" } }
"#;

const SETTINGS: &str = r#"
[defaults]
digest = "refresh"             # refresh | pin | with-tag | off
# min_age = "3 days"           # how long a tag or digest must have been there before it is proposed

# [[rule]]
# images = ["**/postgres"]
# max = "minor"
# reason = "the data folder changes between majors"
"#;

impl Starter {
    /// A commented `config.toml`.
    pub fn text(&self) -> String {
        let example = StarterForge::GitLab {
            url: "https://gitlab.example.com".to_owned(),
            groups: vec!["platform".to_owned()],
        };
        let forge = self.forge.as_ref().unwrap_or(&example).text();
        let registries: String = match self.registries.is_empty() {
            true => REGISTRIES.to_owned(),
            false => self.registries.iter().map(|host| registry(host)).collect(),
        };
        format!("{HEAD}{forge}{registries}{SETTINGS}")
    }
}

impl StarterForge {
    fn text(&self) -> String {
        match self {
            Self::GitLab { url, groups } => format!(
                "\n[[forge]]\nkind = \"gitlab\"\nurl = {}\ntoken = {{ env = \"IMAGEBOT_GITLAB_TOKEN\" }}   # `imagebot forge \
                 doctor` shows what it lacks\n{}",
                quoted(url),
                repos(groups)
            ),
            Self::GitHub { owners } => format!(
                "\n[[forge]]\nkind = \"github\"\ntoken = {{ env = \"IMAGEBOT_GITHUB_TOKEN\" }}   # or an App, see \
                 docs/github.md\n{}",
                repos(owners)
            ),
            Self::Local { path } => format!(
                "\n[[forge]]\nkind = \"local\"                 # a folder of bare git repositories\npath = {}\nrepos = \
                 [\"**\"]                 # globs on the repositories' paths; \"!\" excludes, the last match decides\n",
                quoted(path)
            ),
        }
    }
}

/// The repositories below some groups; "!" excludes, the last match decides.
fn repos(groups: &[String]) -> String {
    let globs = groups
        .iter()
        .map(|group| quoted(&format!("{}/**", group.trim_matches('/'))));
    let globs: Vec<String> = globs.collect();
    let note = "# globs on the paths; \"!\" excludes, the last match decides";
    match globs.is_empty() {
        true => format!("# repos = [\"platform/**\"]       {note}\n"),
        false => format!("repos = [{}]       {note}\n", globs.join(", ")),
    }
}

fn registry(host: &str) -> String {
    let host = quoted(host);
    format!(
        "\n[[registry]]\nhost = {host}\n# login = {{ username = \"bot\", password = {{ env = \"REGISTRY_PASSWORD\" }} }}   # \
         default: docker's or podman's login\n"
    )
}

/// A text as a TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A commented `imagebot.toml` to begin with.
pub const REPOSITORY_STARTER: &str = r#"# imagebot: settings of this repository. `imagebot check .` shows their effect.

# exclude = ["examples/**"]    # files that are not read

# [args]                       # build arguments that CI passes; they override an ARG's default
# REGISTRY = "registry.example.com/acme"

# [[rule]]
# images = ["docker.io/library/node"]
# max = "minor"
"#;
