//! How two images differ, for `imagebot diff`.

use super::facts::facts_behind;
use super::report::ProblemReport;
use super::setup::Setup;
use crate::image::Reference;
use crate::plan::{ImageDiff, ImageFacts, Pointer};

/// Compares two images. An error is the first image that cannot be read, with the reason.
pub async fn image_diff(
    setup: &Setup,
    old: &Reference,
    new: &Reference,
) -> Result<ImageDiff, ProblemReport> {
    let (old, new) = (read(setup, old).await?, read(setup, new).await?);
    Ok(ImageDiff::new(&old, &new))
}

async fn read(setup: &Setup, reference: &Reference) -> Result<ImageFacts, ProblemReport> {
    let problem = |code: &str, message: String, help: Option<String>| ProblemReport {
        help,
        ..ProblemReport::new(code, message)
    };
    let digest = reference.digest.clone().map(Pointer::Digest);
    let tag = || reference.tag.clone().map(Pointer::Tag);
    let Some(pointer) = digest.or_else(tag) else {
        let message = format!("{reference} has neither a tag nor a digest");
        return Err(problem("no-tag", message, None));
    };
    let lookup = setup.lookup(&reference.name, None, None);
    let lookup = lookup.map_err(|error| ProblemReport::new("login-unavailable", error))?;
    let Some(lookup) = lookup else {
        let host = reference.name.host();
        let message = format!("{host} is not a listed registry, so it is not contacted");
        let help = format!("[[registry]]\nhost = \"{host}\"");
        return Err(problem("registry-not-configured", message, Some(help)));
    };
    let facts = facts_behind(setup, &lookup, &pointer).await;
    let facts = facts.map_err(|error| {
        let help = setup.help(&error);
        problem(error.code(), error.to_string(), help)
    })?;
    // Even an image without any settings has a manifest with a platform, layers or annotations.
    match facts == ImageFacts::default() {
        true => Err(problem(
            "not-found",
            format!("{reference} does not exist, or this login may not see it"),
            None,
        )),
        false => Ok(facts),
    }
}
