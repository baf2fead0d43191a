//! The images of a folder or of all registered repositories in the order in which they are built, and whether each needs
//! a build. Writes nothing outside the cache.

mod published;
mod step;
mod watched;

use self::published::{asked, head_of, whys_of};
use self::step::Source;
pub use self::step::{Order, Step};
use self::watched::watched;
use super::decide::decide_all;
use super::family::published_before;
use super::gather::{Gathered, gather};
use super::lookup::answer;
use super::options::Options;
use super::repo::Asker;
use super::report::Report;
use super::setup::Setup;
use super::shared::Shared;
use crate::family::{Graph, ImageSpec, Member, NO_REGISTRY, Publishes};
use crate::fleet::{ParsedRepo, member};
use crate::image::ImageName;
use crate::plan::{Decision, Need, Proposed, Question, Why};
use crate::policy::{Age, Changes, DigestMode, Rule, Set, SettingOrigin};
use crate::repo::{Glob, RepoName};
use crate::scheme::Level;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The images of a folder.
pub async fn order_of_folder(setup: &Setup, folder: ParsedRepo, options: &Options) -> Order {
    let source = Source {
        history: None,
        registry: None,
        is_folder: true,
    };
    order(setup, vec![folder], &[source], options, Order::default()).await
}

/// The images of all registered repositories.
pub async fn order_of_all(setup: &Arc<Setup>, options: &Options) -> Order {
    let mut found = Order::default();
    let Some(shared) = Shared::new(setup, options) else {
        return found;
    };
    let mut report = Report::new(true);
    let Gathered {
        cases, unlisted, ..
    } = gather(&shared, options, &mut report).await.whole().await;
    found.problems.extend(report.problems);
    for repository in report.repositories {
        found.problems.extend(repository.problems);
    }
    let (mut parsed, mut sources) = (Vec::new(), Vec::new());
    for case in cases {
        found.problems.extend(case.report.problems);
        if case.base.is_none() && !case.parsed.unread {
            continue;
        }
        let remote = case.listed.remote;
        sources.push(Source {
            history: case.base.map(|(_, head)| (remote, head)),
            registry: case.listed.registry,
            is_folder: false,
        });
        parsed.push(case.parsed);
    }
    for name in unlisted {
        parsed.push(ParsedRepo::unread(&setup.operator, name));
        sources.push(Source {
            history: None,
            registry: None,
            is_folder: false,
        });
    }
    order(setup, parsed, &sources, options, found).await
}

async fn order(
    setup: &Setup,
    mut all: Vec<ParsedRepo>,
    sources: &[Source],
    options: &Options,
    mut found: Order,
) -> Order {
    for parsed in &mut all {
        parsed.policy.rules.push(only_digests());
        let of = parsed.name.as_ref().map(|repo| format!("{repo}: "));
        let of = of.unwrap_or_default();
        found
            .findings
            .extend(parsed.findings.iter().map(|line| format!("{of}{line}")));
    }
    let nothing = vec![Proposed::new(); all.len()];
    let progress = Arc::clone(&options.progress);
    let ticked = move |done, total| progress.tick("registries", done, total);
    let with = all.iter().zip(sources);
    let askers: Vec<Asker<'_>> = with
        .map(|(parsed, source)| Asker {
            parsed,
            registry: source.registry.as_ref(),
        })
        .collect();
    let times = (options.now, false);
    let (decisions, mut seen) = decide_all(setup, &askers, &nothing, times, &ticked).await;
    let (members, publishes) = family(setup, &all, sources);
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
    let asked = asked(setup, &graph, &askers);
    let heads = asked
        .values()
        .flatten()
        .filter_map(|(_, head)| head.clone().ok());
    let heads: BTreeSet<Question> = heads.map(|(l, t)| Question::Head(l, t)).collect();
    let heads = heads
        .into_iter()
        .filter(|question| !seen.answers(question))
        .collect();
    answer(setup, heads, &mut seen, options.now).await;
    for (index, node) in graph.nodes().iter().enumerate() {
        let (Some(image), Some(repo)) = (&node.image, node.repo) else {
            continue;
        };
        let parsed = &all[repo];
        let spec = node.spec.and_then(|spec| parsed.specs.get(spec));
        let asked = asked.get(&index).map(Vec::as_slice).unwrap_or_default();
        let mut whys = match parsed.unread {
            true => vec![Why::new(
                Need::Unknown,
                "not-read",
                "its repository could not be read",
            )],
            false => whys_of(parsed, spec, asked, &seen),
        };
        whys.extend(bases(&graph, index, repo, &decisions[repo]));
        if let Some(spec) = spec.filter(|spec| !spec.watch.is_empty()) {
            let published = asked
                .iter()
                .find_map(|(_, head)| head_of(head, &seen)?.ok()?);
            let watched = watched(setup, &sources[repo], spec, asked, published.as_ref());
            whys.extend(watched.await);
        }
        if graph.edges_to(index).any(|edge| edge.on_cycle) {
            whys.push(Why::new(
                Need::Unknown,
                "on-cycle",
                "images depend on each other in a cycle",
            ));
        }
        let parents: BTreeSet<String> = graph.parents(index).iter().map(|n| name(*n)).collect();
        found.steps.push(Step {
            image: image.clone(),
            repo: parsed.name.clone(),
            generation: node.generation,
            spec: spec.cloned(),
            version: spec.and_then(|spec| parsed.images.version(&spec.name)?.ok()),
            parents: parents.into_iter().collect(),
            whys,
        });
    }
    // Numbers before names decide only what the edges leave open.
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

/// A reference's digest is all that matters here, young or not.
fn only_digests() -> Rule {
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
    Rule::everything(changes, SettingOrigin::built_in())
}

/// What each repository says. A folder, and a repository that does not know its registry, has the names that it says.
fn family(setup: &Setup, all: &[ParsedRepo], sources: &[Source]) -> (Vec<Member>, Vec<Publishes>) {
    let mut publishes = setup.config.publishes.clone();
    let mut members = Vec::new();
    let mut before = published_before(setup);
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
        let labelled = before.remove(&name).filter(|_| parsed.unread);
        members.push(Member {
            images,
            labelled: labelled.unwrap_or_default(),
            ..member(&setup.operator, &name, parsed)
        });
    }
    (members, publishes)
}

/// What its references say of it.
fn bases(graph: &Graph, node: usize, repo: usize, decisions: &[Decision]) -> Vec<Why> {
    let concerns = |decision: &&Decision| graph.children_at(repo, &decision.id()).contains(&node);
    let decisions = decisions.iter().filter(concerns);
    decisions.filter_map(Why::of_base).collect()
}
