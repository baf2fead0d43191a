//! The command line: one file per command. Nothing is decided here.

mod build_order;
mod cascade;
mod changes;
mod check;
mod completions;
mod config;
mod counts;
mod demo;
mod diff;
mod edit;
mod ended;
mod forge;
mod found;
mod freshness;
mod graph;
mod groups;
mod init;
mod mr;
mod names;
mod output;
mod page;
mod personal;
mod progress;
mod registry;
mod repos;
mod run;
mod scan;
mod session;
mod tags;
mod terminal;
mod update;

pub use ended::Ended;
pub use output::complain;

use clap::{CommandFactory as _, Parser, Subcommand};
use output::Amount;
use tracing::level_filters::LevelFilter;

/// Keeps families of container images up to date.
#[derive(Debug, Parser)]
#[command(
    name = "imagebot",
    version,
    about,
    propagate_version = true,
    help_template = groups::template(Command::augment_subcommands(clap::Command::new("imagebot"))),
    arg_required_else_help = true
)]
pub struct Cli {
    /// Show what stayed as it was, and log more on stderr (repeatable)
    #[arg(short, long, action = clap::ArgAction::Count, global = true, conflicts_with = "quiet")]
    verbose: u8,
    /// Show only the requested data and errors: no progress, no remarks, no warnings
    #[arg(short, long, global = true)]
    quiet: bool,
    /// When to use colours; NO_COLOR and CLICOLOR_FORCE are respected
    #[arg(
        long,
        value_enum,
        value_name = "WHEN",
        default_value = "auto",
        global = true
    )]
    color: terminal::Color,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Arguments),
    Check(check::Arguments),
    Update(update::Arguments),
    Cascade(cascade::Arguments),
    BuildOrder(build_order::Arguments),
    #[command(hide = true)]
    Plan(build_order::OldArguments),
    Scan(scan::Arguments),
    Tags(tags::Arguments),
    Edit(edit::Arguments),
    Registry(registry::Arguments),
    Forge(forge::Arguments),
    Freshness(freshness::Arguments),
    Diff(diff::Arguments),
    Graph(graph::Arguments),
    Repos(repos::Arguments),
    Config(config::Arguments),
    Init(init::Arguments),
    Mr(mr::Arguments),
    Demo(demo::Arguments),
    Completions(completions::Arguments),
}

impl Cli {
    /// The least important messages that are logged.
    pub fn log_level(&self) -> LevelFilter {
        match self.verbose {
            _ if self.quiet => LevelFilter::ERROR,
            0 => LevelFilter::WARN,
            1 => LevelFilter::INFO,
            2 => LevelFilter::DEBUG,
            _ => LevelFilter::TRACE,
        }
    }

    fn amount(&self) -> Amount {
        match (self.quiet, self.verbose) {
            (true, _) => Amount::Quiet,
            (false, 0) => Amount::Usual,
            (false, _) => Amount::Everything,
        }
    }

    /// Runs the command. An error is a usage or configuration error, and is printed by the caller.
    pub fn execute(self, redactor: &crate::redact::Redactor) -> anyhow::Result<Ended> {
        output::redact_with(redactor);
        output::set_amount(self.amount());
        terminal::colour(self.color);
        match self.command {
            Command::Run(arguments) => run::run(arguments, redactor),
            Command::Check(arguments) => check::run(arguments, redactor),
            Command::Update(arguments) => update::run(arguments, redactor),
            Command::Cascade(arguments) => cascade::run(arguments, redactor),
            Command::BuildOrder(arguments) => build_order::run(arguments, redactor),
            Command::Plan(arguments) => build_order::run(arguments.now, redactor),
            Command::Scan(arguments) => scan::run(&arguments),
            Command::Tags(arguments) => tags::run(arguments, redactor),
            Command::Edit(arguments) => edit::run(&arguments),
            Command::Registry(arguments) => registry::run(arguments, redactor),
            Command::Graph(arguments) => graph::run(arguments, redactor),
            Command::Forge(arguments) => forge::run(arguments, redactor),
            Command::Freshness(arguments) => freshness::run(arguments, redactor),
            Command::Diff(arguments) => diff::run(arguments, redactor),
            Command::Repos(arguments) => repos::run(arguments, redactor),
            Command::Config(arguments) => config::run(arguments),
            Command::Init(arguments) => init::run(&arguments),
            Command::Mr(arguments) => mr::run(arguments, redactor),
            Command::Demo(arguments) => demo::run(arguments, redactor),
            Command::Completions(arguments) => completions::run(&arguments, &mut Self::command()),
        }
    }
}
