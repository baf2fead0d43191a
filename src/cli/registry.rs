//! `imagebot registry`.

use super::ended::Ended;
use super::output::Format;
use super::page::{Page, Role};
use super::personal::PersonalArgument;
use super::session::{setup, wait};
use crate::image::{ImageName, Reference, RegistryHost, Tag};
use crate::redact::Redactor;
use crate::registry::{DockerFiles, DoctorOutcome, DoctorStep, Goal};
use crate::run::{FoundLogin, Setup};
use anyhow::Context as _;
use clap::Subcommand;
use serde::Serialize;

/// Check access to registries.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Doctor(Doctor),
}

/// Diagnose access to a registry or an image step by step.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  imagebot registry doctor docker.io/library/node")]
struct Doctor {
    /// A host, an image or an image with a tag [default: every configured registry]
    #[arg(value_name = "HOST|IMAGE")]
    subject: Option<String>,
    #[command(flatten)]
    config: PersonalArgument,
    /// Output format
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

#[derive(Serialize)]
struct Walk {
    subject: String,
    steps: Vec<StepOutput>,
}

#[derive(Serialize)]
struct StepOutput {
    name: &'static str,
    outcome: &'static str,
    detail: String,
    help: Option<String>,
}

#[derive(Serialize)]
struct Output {
    version: u32,
    registries: Vec<Walk>,
}

pub(super) fn run(arguments: Arguments, redactor: &Redactor) -> anyhow::Result<Ended> {
    let Command::Doctor(arguments) = arguments.command;
    let (config, unlisted) = arguments.config.load()?;
    let walks = wait(async {
        let setup = setup(config, unlisted, redactor).await?;
        let subjects = match &arguments.subject {
            Some(subject) => vec![parse(subject, &setup)?],
            None => {
                let hosts = setup.config.registries.iter();
                hosts
                    .map(|registry| Subject::host(&registry.host))
                    .collect()
            }
        };
        let mut walks = Vec::new();
        for subject in subjects {
            walks.push(walk(&setup, &subject).await);
        }
        Ok(walks)
    })?;
    let failed = walks
        .iter()
        .flat_map(|walk| &walk.steps)
        .any(|step| step.outcome == "failed");
    let output = Output {
        version: 1,
        registries: walks,
    };
    arguments
        .format
        .print(&output, |output| render(&output.registries))?;
    Ok(Ended::failed_if(failed))
}

/// The registry, and the image on it, that is checked.
struct Subject {
    host: RegistryHost,
    image: Option<ImageName>,
    tag: Option<Tag>,
}

impl Subject {
    fn host(host: &RegistryHost) -> Self {
        Self {
            host: host.clone(),
            image: None,
            tag: None,
        }
    }
}

async fn walk(setup: &Setup, subject: &Subject) -> Walk {
    let mut steps = Vec::new();
    let login = match found(setup, subject) {
        FoundLogin::Login(login) => Some(login),
        FoundLogin::None => {
            steps.push(without_login(nothing_in(setup.docker_files()), None));
            None
        }
        FoundLogin::Unusable(error) => {
            steps.push(without_login(error.what, error.help));
            None
        }
    };
    let goal = Goal {
        host: &subject.host,
        image: subject.image.as_ref(),
        tag: subject.tag.as_ref(),
    };
    let walked = setup.registries.doctor(goal, login.as_ref()).await;
    steps.extend(walked.into_iter().map(output));
    let image = subject.image.as_ref().map(ImageName::canonical);
    let name = image.unwrap_or_else(|| subject.host.to_string());
    let tag = subject.tag.as_ref();
    Walk {
        subject: tag.map_or_else(|| name.clone(), |tag| format!("{name}:{tag}")),
        steps,
    }
}

/// The login for the image, or for any image of the host.
fn found(setup: &Setup, subject: &Subject) -> FoundLogin {
    let any = || ImageName::parse(&format!("{}/any", subject.host)).ok();
    let image = subject.image.clone().or_else(any);
    image.map_or(FoundLogin::None, |image| setup.login_for(&image))
}

fn nothing_in(files: &DockerFiles) -> String {
    let files: Vec<String> = files
        .paths()
        .map(|path| path.display().to_string())
        .collect();
    match files.is_empty() {
        true => "none is configured".to_owned(),
        false => format!("none is configured, and none is in {}", files.join(", ")),
    }
}

fn without_login(detail: String, help: Option<String>) -> StepOutput {
    StepOutput {
        name: "login",
        outcome: "skipped",
        detail,
        help,
    }
}

/// A configured host, a text with a dot, or `localhost` is a host; everything else is an image as Docker reads it, such
/// as `node:20`.
fn parse(subject: &str, setup: &Setup) -> anyhow::Result<Subject> {
    let configured = |host: &RegistryHost| {
        let mut registries = setup.config.registries.iter();
        registries.any(|registry| registry.host == *host)
    };
    let name = subject.split(':').next().unwrap_or_default();
    if !subject.contains('/')
        && let Ok(host) = RegistryHost::parse(subject)
        && (configured(&host) || name.contains('.') || name == "localhost")
    {
        return Ok(Subject::host(&host));
    }
    let reference = Reference::parse(subject)
        .with_context(|| format!("{subject:?} is neither a host nor an image"))?;
    let image = setup.resolve(&reference.name);
    Ok(Subject {
        host: image.host().clone(),
        image: Some(image),
        tag: reference.tag,
    })
}

fn output(step: DoctorStep) -> StepOutput {
    let outcome = match step.outcome {
        DoctorOutcome::Ok => "ok",
        DoctorOutcome::Failed => "failed",
        DoctorOutcome::Skipped => "skipped",
    };
    StepOutput {
        name: step.name,
        outcome,
        detail: step.detail,
        help: step.help,
    }
}

fn render(walks: &[Walk]) -> Page {
    let mut page = Page::default();
    for walk in walks {
        page.line(0).put(Role::Strong, walk.subject.as_str());
        for step in &walk.steps {
            let role = match step.outcome {
                "ok" => Role::Good,
                "skipped" => Role::Faint,
                _ => Role::Bad,
            };
            page.line(2)
                .put(role, format!("{:8}", step.outcome))
                .hanging(9)
                .plain(format!("{}: {}", step.name, step.detail));
            if let Some(help) = &step.help {
                page.fix(11, help);
            }
        }
    }
    page
}
