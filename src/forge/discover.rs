//! Which repositories of a server are worked on, and what a listing says about them.
//!
//! The same for every server: the configuration says which lists are read and which repositories are named, each is
//! judged once, those that are worked on get their heads, and all become one [`Listing`]. A [`Server`] only answers
//! what it is asked. A repository that can't be read is unknown, never gone.

mod roll;
mod server;

pub(super) use server::{Extent, Heads, Listed, Lists, Named, Server};

use self::roll::{Candidate, Roll, invalid_name};
use super::error::ForgeError;
use super::scope::{Scope, Verdict};
use super::traits::{KnownIds, LeftOut, Listing, Repository};
use crate::git::Remote;
use crate::repo::RepoName;

/// All registered repositories.
pub(super) async fn discover<S: Server>(
    server: &mut S,
    scope: &Scope,
    known: &KnownIds,
) -> Result<Listing, ForgeError> {
    let mut roll = Roll::new(scope);
    let (sources, named) = scope.sources();
    let named = roll.wanted(named);
    let lists = server.list(&sources).await?;
    roll.failed.extend(lists.failed);
    let listed = roll.take_listed(lists.found);
    let missing = roll.find_in_lists(named, &listed, known);
    let found = server.find(&missing, known).await?;
    roll.take_named(found);
    roll.keep_the_registered(&listed);
    finish(server, roll, Extent::All).await
}

/// Some repositories that were listed before; nothing else is asked for.
pub(super) async fn look<S: Server>(
    server: &S,
    scope: &Scope,
    wanted: &KnownIds,
) -> Result<Listing, ForgeError> {
    let mut roll = Roll::new(scope);
    let names = wanted.keys().cloned().collect();
    roll.take_named(server.find(&names, wanted).await?);
    finish(server, roll, Extent::Some).await
}

/// Reads the heads of what is worked on, and makes the listing.
async fn finish<S: Server>(
    server: &S,
    mut roll: Roll<'_, S::Detail>,
    extent: Extent,
) -> Result<Listing, ForgeError> {
    let chosen = roll.chosen();
    let listed = chosen.iter().map(|(candidate, _)| &candidate.listed);
    let listed: Vec<&Listed<S::Detail>> = listed.collect();
    let unlisted = listed.iter().find(|listed| listed.facts.is_none());
    let registry = server.registry(unlisted.map(|listed| listed.id)).await;
    let heads = server.heads(&listed, extent).await?;
    let mut repositories = Vec::new();
    for ((candidate, why), heads) in chosen.into_iter().zip(heads) {
        let path = candidate.listed.path.clone();
        let made = heads.and_then(|heads| made(server, roll.scope, candidate, why, heads));
        match made {
            Ok(Ok(repository)) => repositories.push(Repository {
                registry: registry.clone(),
                ..repository
            }),
            Ok(Err(left)) => drop(roll.left_out.insert(left.name, left.why)),
            Err(error) => roll.failed.push((path, error)),
        }
    }
    repositories.sort_by(|a, b| a.name.cmp(&b.name));
    let left_out = roll.left_out.into_iter();
    Ok(Listing {
        repositories,
        left_out: left_out.map(|(name, why)| LeftOut { name, why }).collect(),
        failed: roll.failed,
    })
}

/// A repository, unless its heads show that it isn't worked on.
fn made<S: Server>(
    server: &S,
    scope: &Scope,
    candidate: Candidate<S::Detail>,
    why: String,
    heads: Heads,
) -> Result<Result<Repository, LeftOut>, ForgeError> {
    let Candidate { listed, named } = candidate;
    let (path, facts) = match (heads.now, listed.facts) {
        (Some((path, now)), facts) => (path, now.with(facts.as_ref())),
        (None, facts) => (listed.path, facts.unwrap_or_default()),
    };
    let now = RepoName::parse(&path).ok();
    let name = now.or(named.clone()).ok_or_else(invalid_name)?;
    let why = match scope.verdict(named.as_ref().unwrap_or(&name), &facts) {
        Verdict::Out(why) => return Ok(Err(LeftOut { name: path, why })),
        Verdict::In(why) => why,
        Verdict::Unasked => why,
    };
    let settings = server.settings();
    let remote = Remote::http(
        &settings.git_url(&name),
        Some(server.credential()),
        settings.ca_file.clone(),
        settings.proxy,
    )?;
    Ok(Ok(Repository {
        id: listed.id.to_string(),
        name,
        remote,
        head: heads.head,
        branches: heads.branches,
        open: heads.open,
        why,
        registry: None,
    }))
}
