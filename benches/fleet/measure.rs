//! Runs `imagebot run` as cron does, and measures it.

use super::images::Server;
use super::process::Process;
use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

/// The bot with its configuration and its cache.
pub(crate) struct Bot {
    folder: tempfile::TempDir,
    /// What the forge is called in the store.
    pub(crate) forge: String,
    /// Its URL.
    pub(crate) url: String,
}

/// What a pass took.
pub(crate) struct Figures {
    wall: f64,
    cpu: f64,
    mebibytes: f64,
    api: usize,
    git: usize,
    registry: usize,
    open: usize,
}

impl Bot {
    pub(crate) fn new(kind: &str, url: &str, token: &str, registry: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("token"), token).unwrap();
        std::fs::set_permissions(path("token"), std::fs::Permissions::from_mode(0o600)).unwrap();
        let text = format!(
            "cache = \"cache\"\npublic_registries = false\n\
             [[forge]]\nkind = \"{kind}\"\nurl = \"{url}\"\ntoken = {{ file = \"token\" }}\npause = \"0s\"\n\
             [[registry]]\nhost = \"{registry}\"\nplain_http = true\nrate = \"10000/s\"\n\
             [limits]\nmax_open = 100000\nmax_new_per_hour = 100000\n"
        );
        std::fs::write(path("config.toml"), text).unwrap();
        Self {
            folder,
            forge: url.strip_prefix("http://").unwrap().to_owned(),
            url: url.to_owned(),
        }
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.folder.path().join("cache/store.sqlite")
    }

    /// One pass, in which nothing may go wrong.
    pub(crate) async fn run(&self, hub: &mut Process, server: &Server) -> Figures {
        let Server::Open(registry) = server else {
            unreachable!("the registry is open")
        };
        hub.counts();
        let asked = registry.log().len();
        let took = self.folder.path().join("took");
        // `time` counts what git takes, too; its memory is that of the largest process.
        let output = Command::new("/usr/bin/time")
            .args(["-f", "%e %U %S %M", "-o"])
            .arg(&took)
            .arg(env!("CARGO_BIN_EXE_imagebot"))
            .args(["run", "--config"])
            .arg(self.folder.path().join("config.toml"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        let took = std::fs::read_to_string(took).unwrap();
        let numbers: Vec<f64> = took
            .split_whitespace()
            .map(|n| n.parse().unwrap())
            .collect();
        let (api, git, open) = hub.counts();
        Figures {
            wall: numbers[0],
            cpu: numbers[1] + numbers[2],
            mebibytes: numbers[3] / 1024.0,
            api,
            git,
            registry: registry.log().len() - asked,
            open,
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            wall,
            cpu,
            mebibytes,
            api,
            git,
            registry,
            open,
        } = self;
        write!(
            f,
            "{wall:.2} | {cpu:.2} | {mebibytes:.0} | {api} | {git} | {registry} | {open}"
        )
    }
}
