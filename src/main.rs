//! Arguments, logging, exit code; nothing else.

use clap::Parser as _;
use imagebot::cli::{Cli, Ended, complain};
use imagebot::redact::Redactor;
use std::process::ExitCode;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let redactor = Redactor::new();
    log(cli.log_level(), redactor.clone());
    match cli.execute(&redactor) {
        Ok(ended) => ended.into(),
        Err(error) => {
            complain(&error);
            Ended::of(&error).into()
        }
    }
}

/// Logs to stderr; every line goes through the redactor.
fn log(level: LevelFilter, redactor: Redactor) {
    let targets = tracing_subscriber::filter::Targets::new().with_target("imagebot", level);
    let writer = move || Redacted(redactor.clone());
    let layer = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_target(false)
        .without_time()
        .with_writer(writer);
    tracing_subscriber::registry()
        .with(targets)
        .with(layer)
        .init();
}

/// Stderr with the redactor in front of it. A log line arrives in one write.
struct Redacted(Redactor);

impl std::io::Write for Redacted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        std::io::stderr()
            .lock()
            .write_all(self.0.redact(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().lock().flush()
    }
}
