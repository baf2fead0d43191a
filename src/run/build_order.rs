//! The build order of the images in a folder or in all registered repositories, and whether each needs a build. Writes
//! only to the cache.

mod published;
mod step;
mod watched;

use self::published::{asked, head_of, whys_of};
use self::step::Source;
pub use self::step::{BuildOrder, BuildStep};
use self::watched::watched;
use super::decide::{decide_all, folder as fleet_of_folder};
use super::edges::Edges;
use super::lookup::answer;
use super::options::Options;
use super::pass::begin;
use super::read::Depth;
use super::report::Report;
use super::setup::Setup;
use crate::family::{Graph, ImageSpec, Member, NO_REGISTRY, Publishes};
use crate::fleet::{Access, Fleet, ParsedRepo, listed, member};
use crate::image::ImageName;
use crate::plan::{BuildNeed, BuildReason, Decision, Question};
use crate::policy::{Age, Changes, DigestMode, Rule, Set, SettingOrigin};
use crate::repo::{Glob, RepoName};
use crate::scheme::Level;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The build order of the images in a folder.
pub async fn build_order_of_folder(
    setup: &Setup,
    parsed: ParsedRepo,
    options: &Options,
) -> BuildOrder {
    let setup = Arc::new(setup.clone());
    let mut fleet = fleet_of_folder(&setup, only_digests(parsed));
    order(&setup, &mut fleet, None, options, BuildOrder::default()).await
}

/// The build order of the images in all registered repositories.
pub async fn build_order_of_all(setup: &Arc<Setup>, options: &Options) -> BuildOrder {
    let setup = &setup.for_pass();
    let mut found = BuildOrder::default();
    let mut report = Report::new(true);
    let Some((mut fleet, mut edges)) = begin(setup, options, Depth::Files, &mut report) else {
        return found;
    };
    edges.fetch_all(&mut fleet, &mut report, listed).await;
    found.problems.extend(report.problems);
    for repository in report.repositories {
        found.problems.extend(repository.problems);
    }
    for repo in &mut fleet.repos {
        let id = repo.id.as_ref();
        if let Some(report) = id.and_then(|id| edges.reports.remove(id)) {
            found.problems.extend(report.problems);
        }
        if let Some(parsed) = Arc::get_mut(&mut repo.parsed) {
            let empty = ParsedRepo::empty(&setup.operator, None);
            *parsed = only_digests(std::mem::replace(parsed, empty));
        }
        repo.lookups = Some(edges.lookups_of(repo));
    }
    fleet.retain(|repo| !repo.is_skipped);
    order(setup, &mut fleet, Some(&edges), options, found).await
}

async fn order(
    setup: &Arc<Setup>,
    fleet: &mut Fleet,
    edges: Option<&Edges>,
    options: &Options,
    mut found: BuildOrder,
) -> BuildOrder {
    for repo in &fleet.repos {
        let of = repo.parsed.name.as_ref().map(|repo| format!("{repo}: "));
        let of = of.unwrap_or_default();
        let findings = repo.parsed.findings.iter();
        found
            .findings
            .extend(findings.map(|line| format!("{of}{line}")));
    }
    let progress = Arc::clone(&options.progress);
    let ticked = move |done, total| progress.tick("registries", done, total);
    let decisions = decide_all(setup, fleet, options.now, &ticked).await;
    let sources: Vec<Source> = fleet
        .repos
        .iter()
        .map(|repo| {
            let registered = repo.id.as_ref().zip(edges);
            let registered = registered.and_then(|(id, edges)| edges.registered.get(id));
            Source {
                history: registered.and_then(|(_, listed)| {
                    let (_, head) = repo.base.clone()?;
                    Some((listed.remote.clone(), head))
                }),
                registry: registered.and_then(|(_, listed)| listed.registry.clone()),
                is_folder: repo.access == Access::Read && repo.id.is_none(),
            }
        })
        .collect();
    let all: Vec<Arc<ParsedRepo>> = fleet
        .repos
        .iter()
        .map(|repo| Arc::clone(&repo.parsed))
        .collect();
    let seen = &mut fleet.seen;
    let before = &fleet.remembered.publishers;
    let (members, publishes) = family(setup, &all, &sources, before);
    let graph = Graph::new(&members, &publishes);
    let name = |node: usize| graph.name_of(node, &members);
    let findings = graph.findings.iter();
    found
        .findings
        .extend(findings.map(|finding| finding.told(&members[finding.repo].name)));
    found.cycles = graph
        .cycles
        .iter()
        .map(|all| all.iter().map(|n| name(*n)).collect())
        .collect();
    let asked = asked(setup, &graph, &all, &sources);
    let heads = asked
        .values()
        .flatten()
        .filter_map(|(_, head)| head.clone().ok());
    let heads: BTreeSet<Question> = heads.map(|(l, t)| Question::Head(l, t)).collect();
    let heads = heads
        .into_iter()
        .filter(|question| !seen.answers(question))
        .collect();
    answer(setup, heads, seen, options.now).await;
    for (index, node) in graph.nodes().iter().enumerate() {
        let (Some(image), Some(repo)) = (&node.image, node.repo) else {
            continue;
        };
        let parsed = &all[repo];
        let spec = node.spec.and_then(|spec| parsed.specs.get(spec));
        let asked = asked.get(&index).map(Vec::as_slice).unwrap_or_default();
        let mut whys = match parsed.unread {
            true => vec![BuildReason::new(
                BuildNeed::Unknown,
                "not-read",
                "its repository could not be read",
            )],
            false => whys_of(parsed, spec, asked, seen),
        };
        whys.extend(bases(&graph, index, repo, &decisions[repo]));
        if let Some(spec) = spec.filter(|spec| !spec.watch.is_empty()) {
            let published = asked
                .iter()
                .find_map(|(_, head)| head_of(head, seen)?.ok()?);
            let watched = watched(setup, &sources[repo], spec, asked, published.as_ref());
            whys.extend(watched.await);
        }
        if graph.edges_to(index).any(|edge| edge.on_cycle) {
            whys.push(BuildReason::new(
                BuildNeed::Unknown,
                "on-cycle",
                "images depend on each other in a cycle",
            ));
        }
        let parents: BTreeSet<String> = graph.parents(index).iter().map(|n| name(*n)).collect();
        found.steps.push(BuildStep {
            image: image.clone(),
            repo: parsed.name.clone(),
            generation: node.generation,
            spec: spec.cloned(),
            version: spec.and_then(|spec| parsed.images.version(&spec.name)?.ok()),
            parents: parents.into_iter().collect(),
            whys,
        });
    }
    // The numbers in folder names only order images that don't depend on each other.
    found.steps.sort_by_key(|step| {
        (
            step.generation,
            step.number(),
            step.repo.clone(),
            step.image.canonical(),
        )
    });
    found.findings.sort();
    found.findings.dedup();
    found
}

/// Reduces the policy to digests of any age: for a build, only a changed base matters.
fn only_digests(mut parsed: ParsedRepo) -> ParsedRepo {
    fn set<T>(value: T) -> Option<Set<T>> {
        let from = SettingOrigin::built_in();
        Some(Set { value, from })
    }
    let changes = Changes {
        max: set(Level::Digest),
        digest: set(DigestMode::Refresh),
        min_age: set(Age::NONE),
        ..Changes::default()
    };
    let rule = Rule::everything(changes, SettingOrigin::built_in());
    parsed.policy.rules.push(rule);
    parsed
}

/// The family for the build order. A folder, or a repository whose registry is unknown, uses its declared image names.
fn family(
    setup: &Setup,
    all: &[Arc<ParsedRepo>],
    sources: &[Source],
    before: &BTreeMap<String, String>,
) -> (Vec<Member>, Vec<Publishes>) {
    let mut publishes = setup.config.publishes.clone();
    let mut members = Vec::new();
    for (parsed, source) in all.iter().zip(sources) {
        let name = parsed
            .name
            .clone()
            .or_else(|| RepoName::parse("folder").ok());
        let Some(name) = name else {
            continue;
        };
        let own = |image: &&ImageName| source.is_folder || image.host().as_str() == NO_REGISTRY;
        let names = parsed.specs.iter().flat_map(ImageSpec::names).filter(own);
        let names: Vec<String> = names.map(ImageName::canonical).collect();
        let glob = Glob::parse(&globset::escape(name.as_str()));
        let place = Arc::from("its folders");
        let said = glob
            .ok()
            .and_then(|glob| Publishes::new(glob, &names, place).ok());
        publishes.extend(said.filter(|_| !names.is_empty()));
        let images = parsed.specs.clone();
        let unread = parsed.unread.then_some(before).into_iter().flatten();
        let published = unread.filter(|(_, repo)| *repo == name.as_str());
        let labelled = published.filter_map(|(image, _)| ImageName::parse(image).ok());
        members.push(Member {
            images,
            labelled: labelled.collect(),
            ..member(&setup.operator, &name, parsed)
        });
    }
    (members, publishes)
}

/// The reasons for a build that follow from the references of an image.
fn bases(graph: &Graph, node: usize, repo: usize, decisions: &[Decision]) -> Vec<BuildReason> {
    let concerns = |decision: &&Decision| graph.children_at(repo, &decision.id()).contains(&node);
    let decisions = decisions.iter().filter(concerns);
    decisions.filter_map(BuildReason::of_base).collect()
}
