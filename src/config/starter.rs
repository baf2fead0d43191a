//! What `imagebot init` writes.

/// A commented `config.toml` to begin with.
pub const OPERATOR_STARTER: &str = r#"# imagebot: the operator's configuration. `imagebot config check` reads it without running anything;
# every key is described in config/config.toml of imagebot's repository and by `imagebot config schema`.

[[forge]]
kind = "local"                 # a folder of bare git repositories
path = "/srv/git"
repos = ["**"]                 # globs on the repositories' paths; "!" excludes, the last match decides

# [[forge]]
# kind = "gitlab"              # or "github"; `imagebot forge doctor` says what the token lacks
# url = "https://gitlab.example.com"
# token = { env = "IMAGEBOT_GITLAB_TOKEN" }
# repos = ["platform/**", "apps/*", "!apps/legacy-*"]

# Only listed registries are ever contacted; docker.io, ghcr.io, quay.io and other public ones are, anonymously.
# [[registry]]
# host = "registry.example.com"
# login = { username = "bot", password = { env = "REGISTRY_PASSWORD" } }

[defaults]
digest = "refresh"             # refresh | pin | with-tag | off
# min_age = "3 days"           # how long a tag or digest must have been there before it is proposed

# [[rule]]
# images = ["**/postgres"]
# max = "minor"
# reason = "the data folder changes between majors"
"#;

/// A commented `imagebot.toml` to begin with.
pub const REPOSITORY_STARTER: &str = r#"# imagebot: settings of this repository. `imagebot check .` shows their effect.

# exclude = ["examples/**"]    # files that are not read

# [args]                       # build arguments that CI passes; they override an ARG's default
# REGISTRY = "registry.example.com/acme"

# [[rule]]
# images = ["docker.io/library/node"]
# max = "minor"
"#;
