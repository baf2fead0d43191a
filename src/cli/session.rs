//! Loads the configuration and prepares everything that it names; most commands begin here.

use super::found::{Found, VARIABLE, find};
use super::output::remark;
use super::personal;
use crate::config::{self, Config};
use crate::http::install_crypto;
use crate::redact::Redactor;
use crate::registry::Unlisted;
use crate::run::Setup;
use anyhow::Context as _;
use jiff::Zoned;
use jiff::civil::Date;
use std::future::Future;
use std::path::{Path, PathBuf};

/// The configuration file to use.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ConfigArgument {
    /// The operator's configuration [default: $IMAGEBOT_CONFIG, ./imagebot-config.toml, ./config.toml,
    /// ~/.config/imagebot/config.toml, /etc/imagebot/config.toml]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl ConfigArgument {
    /// The configuration, and whether unlisted hosts may be contacted, which they may only if there is no file.
    pub(super) fn load(&self) -> anyhow::Result<(Config, Unlisted)> {
        let found = self.find(false);
        if let (None, Some(why)) = (&found.used, &found.passed_over) {
            remark(&format!("note: {why}"));
        }
        match found.used {
            Some(path) => Ok((load(&path)?, Unlisted::Refuse)),
            None => Ok((personal::without_file(), Unlisted::PublicOnly)),
        }
    }

    /// As [`ConfigArgument::load`], for commands that need a file.
    pub(super) fn needed(&self) -> anyhow::Result<Config> {
        let found = self.find(true);
        if let Some(path) = found.used {
            return load(&path);
        }
        let places = found.places.iter().map(|path| path.display().to_string());
        let passed_over = found.passed_over.map(|why| format!("\nhelp: {why}"));
        anyhow::bail!(
            "no configuration found: none of {} is one\nhelp: `imagebot init --operator` writes a commented one; \
             name it with --config FILE or {VARIABLE}{}",
            places.collect::<Vec<_>>().join(", "),
            passed_over.unwrap_or_default()
        )
    }

    /// As [`ConfigArgument::needed`], for commands that need registered repositories.
    pub(super) fn with_forges(&self) -> anyhow::Result<Config> {
        let config = self.needed()?;
        if config.forges.is_empty() {
            let path = self.path().unwrap_or_default();
            anyhow::bail!(
                "{} has no [[forge]], so no repositories are registered\nhelp: add one: [[forge]] with kind = \"gitlab\", \
                 \"github\" or \"local\"; `imagebot init --operator` writes an example of each",
                path.display()
            );
        }
        Ok(config)
    }

    /// The file that a command uses that needs one.
    pub(super) fn path(&self) -> Option<PathBuf> {
        self.find(true).used
    }

    fn find(&self, is_needed: bool) -> Found {
        match &self.config {
            Some(path) => Found {
                used: Some(path.clone()),
                ..Found::default()
            },
            None => find(is_needed),
        }
    }
}

fn load(path: &Path) -> anyhow::Result<Config> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("the configuration {} cannot be read", path.display()))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    Ok(config::parse(&path.display().to_string(), &text, folder)?)
}

/// Prepares everything that the configuration names, for a command that only reads.
pub(super) async fn setup(
    config: Config,
    unlisted: Unlisted,
    redactor: &Redactor,
) -> anyhow::Result<Setup> {
    Ok(Setup::to_read(config, unlisted, redactor.clone()).await?)
}

/// The same for a command that writes to forges.
pub(super) async fn setup_to_write(
    config: Config,
    unlisted: Unlisted,
    redactor: &Redactor,
) -> anyhow::Result<Setup> {
    Ok(Setup::new(config, unlisted, redactor.clone()).await?)
}

/// Runs a command until it ends or a signal arrives.
pub(super) fn wait<T>(command: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    install_crypto();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.context("cannot start the async runtime")?;
    let ended = runtime.block_on(async {
        tokio::select! {
            ended = command => ended,
            signal = signalled() => Err(Stopped(signal?).into()),
        }
    });
    // Dropping the command stops its git processes and removes its temporary files (F57).
    runtime.shutdown_timeout(GRACE);
    ended
}

/// How long tasks that cannot be stopped at once may still run.
const GRACE: std::time::Duration = std::time::Duration::from_secs(1);

/// A command was stopped by a signal.
#[derive(Debug, thiserror::Error)]
#[error("stopped by signal {0}; the next run continues from here")]
pub(super) struct Stopped(pub(super) u8);

/// Waits for the first signal that asks the process to end. SIGHUP is not one of them, because of `nohup`.
async fn signalled() -> std::io::Result<u8> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(tokio::select! {
        _ = interrupt.recv() => 2,
        _ = terminate.recv() => 15,
    })
}

/// Today, by the machine's clock and time zone.
pub(super) fn today() -> Date {
    Zoned::now().date()
}
