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
use super::family::{member, published_before};
use super::lookup::answer;
use super::options::Options;
use super::read::read_all;
use super::register::{Roll, register};
use super::report::Report;
use super::setup::Setup;
use super::shared::Shared;
use super::work::Work;
use crate::config::RepoConfig;
use crate::family::{Graph, ImageSpec, Member, NO_REGISTRY, Publishes};
use crate::image::ImageName;
use crate::plan::{Decision, Need, Proposed, Question, Why};
use crate::policy::{Age, Changes, DigestMode, Origin, Rule, Set};
use crate::repo::{Glob, RepoName};
use crate::scheme::Level;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The images of a folder.
pub async fn order_of_folder(setup: &Setup, work: Work, options: &Options) -> Order {
    let source = Source {
        history: None,
        is_folder: true,
    };
    order(setup, vec![work], &[source], options, Order::default()).await
}

/// The images of all registered repositories.
pub async fn order_of_all(setup: &Arc<Setup>, options: &Options) -> Order {
    let mut found = Order::default();
    let Some(shared) = Shared::new(setup, options) else {
        return found;
    };
    let mut report = Report::new(true);
    let Roll {
        repositories: registered,
        unlisted,
    } = register(setup, options.only.as_ref(), false, &mut report).await;
    found.problems.extend(report.problems);
    for repository in report.repositories {
        found.problems.extend(repository.problems);
    }
    let (mut works, mut sources) = (Vec::new(), Vec::new());
    let mut cases = read_all(&shared, registered).await;
    cases.sort_by(|a, b| a.candidate.repo.name.cmp(&b.candidate.repo.name));
    for case in cases {
        let candidate = case.candidate;
        found.problems.extend(candidate.report.problems);
        if candidate.base.is_none() && !case.work.unread {
            continue;
        }
        let remote = candidate.repo.remote;
        sources.push(Source {
            history: candidate.base.map(|(_, head)| (remote, head)),
            is_folder: false,
        });
        works.push(case.work);
    }
    for name in unlisted {
        let mut work = Work::new(setup, Some(name), RepoConfig::default(), [], Vec::new());
        work.unread = true;
        works.push(work);
        sources.push(Source {
            history: None,
            is_folder: false,
        });
    }
    order(setup, works, &sources, options, found).await
}

async fn order(
    setup: &Setup,
    mut works: Vec<Work>,
    sources: &[Source],
    options: &Options,
    mut found: Order,
) -> Order {
    for work in &mut works {
        work.policy.rules.push(only_digests());
        let of = work.repo.as_ref().map(|repo| format!("{repo}: "));
        let of = of.unwrap_or_default();
        found
            .findings
            .extend(work.findings.iter().map(|line| format!("{of}{line}")));
    }
    let nothing = vec![Proposed::new(); works.len()];
    let progress = Arc::clone(&options.progress);
    let ticked = move |done, total| progress.tick("registries", done, total);
    let mut seen = decide_all(setup, &mut works, &nothing, options.now, false, &ticked).await;
    let (members, publishes) = family(setup, &works, sources);
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
    let asked = asked(setup, &graph, &works);
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
        let work = &works[repo];
        let spec = node.spec.and_then(|spec| work.specs.get(spec));
        let asked = asked.get(&index).map(Vec::as_slice).unwrap_or_default();
        let mut whys = match work.unread {
            true => vec![Why::new(
                Need::Unknown,
                "not-read",
                "its repository could not be read",
            )],
            false => whys_of(work, spec, asked, &seen),
        };
        whys.extend(bases(&graph, index, repo, work));
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
            repo: work.repo.clone(),
            generation: node.generation,
            spec: spec.cloned(),
            version: spec.and_then(|spec| work.images.version(&spec.name)?.ok()),
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
        let from = Origin::built_in();
        Some(Set { value, from })
    }
    let changes = Changes {
        max: set(Level::Digest),
        digest: set(DigestMode::Refresh),
        min_age: set(Age::NONE),
        ..Changes::default()
    };
    Rule::everything(changes, Origin::built_in())
}

/// What each repository says. A folder, and a repository that does not know its registry, has the names that it says.
fn family(setup: &Setup, works: &[Work], sources: &[Source]) -> (Vec<Member>, Vec<Publishes>) {
    let mut publishes = setup.config.publishes.clone();
    let mut members = Vec::new();
    let mut before = published_before(setup);
    for (work, source) in works.iter().zip(sources) {
        let name = work.repo.clone().or_else(|| RepoName::parse("folder").ok());
        let Some(name) = name else {
            continue;
        };
        let own = |image: &&ImageName| source.is_folder || image.host().as_str() == NO_REGISTRY;
        let names = work.specs.iter().flat_map(ImageSpec::names).filter(own);
        let names: Vec<String> = names.map(ImageName::canonical).collect();
        let glob = Glob::parse(&globset::escape(name.as_str()));
        let place = Arc::from("its folders");
        let said = glob
            .ok()
            .and_then(|glob| Publishes::new(glob, &names, place).ok());
        publishes.extend(said.filter(|_| !names.is_empty()));
        let images = work.specs.clone();
        let labelled = before.remove(&name).filter(|_| work.unread);
        members.push(Member {
            images,
            labelled: labelled.unwrap_or_default(),
            ..member(setup, &name, work)
        });
    }
    (members, publishes)
}

/// What its references say of it.
fn bases(graph: &Graph, node: usize, repo: usize, work: &Work) -> Vec<Why> {
    let concerns = |decision: &&Decision| graph.children_at(repo, &decision.id()).contains(&node);
    let decisions = work.decisions.iter().filter(concerns);
    decisions.filter_map(Why::of_base).collect()
}
