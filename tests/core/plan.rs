//! Decisions and proposals on values: a Dockerfile, what a registry says, a policy, and what comes of it.

use imagebot::config::{Config, parse, parse_repository};
use imagebot::image::{Digest, ImageName, Platform, Tag};
use imagebot::plan::{
    Ask, Certainty, ChangeSet, Contents, Decision, Existing, Failure, FailureKind, Images, Lookup,
    Observations, OwnRequest, Ownership, Planned, Proposal, Proposed, Question, ReconcileTerms,
    Step, Target, decide, propose, reconcile,
};
use imagebot::policy::Policy;
use imagebot::repo::{Branch, CommitId, MergeRequest, MergeRequestState, RepoPath};
use imagebot::source::{Format, SourceFile, Sources, read_sources, scan};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A registry of one image: tags with the names of what they point at, and what those are.
#[derive(Default)]
struct World {
    tags: Vec<(&'static str, &'static str)>,
    indexes: BTreeMap<&'static str, Vec<(&'static str, &'static str)>>,
    single: BTreeSet<&'static str>,
    platforms: BTreeMap<&'static str, &'static str>,
    down: bool,
    quota: bool,
    /// A tag whose look-up fails.
    fails: Option<&'static str>,
    asked: Vec<String>,
    /// When digests were first seen, by tag.
    seen: Vec<(String, String)>,
    /// When images say they were made, by name.
    created: Vec<(&'static str, &'static str)>,
    proposed: Proposed,
}

/// The digest of something by its name in a test.
fn digest(name: &str) -> Digest {
    Digest::sha256(name.as_bytes())
}

impl World {
    fn of(tags: &[(&'static str, &'static str)]) -> Self {
        Self {
            tags: tags.to_vec(),
            single: tags.iter().map(|(_, what)| *what).collect(),
            ..Self::default()
        }
    }

    fn index(mut self, name: &'static str, entries: &[(&'static str, &'static str)]) -> Self {
        self.single.remove(name);
        self.single.extend(entries.iter().map(|(_, what)| *what));
        self.platforms
            .extend(entries.iter().map(|(platform, what)| (*what, *platform)));
        self.indexes.insert(name, entries.to_vec());
        self
    }

    fn answer(&mut self, question: &Question, seen: &mut Observations) {
        let failure = Failure {
            code: if self.quota {
                "registry-quota"
            } else {
                "connect"
            },
            message: "no answer".to_owned(),
            help: None,
            kind: match self.quota {
                true => FailureKind::Quota,
                false => FailureKind::Wrong,
            },
        };
        let of_tag = matches!(question, Question::Head(_, tag) if self.fails == Some(tag.as_str()));
        let fails =
            self.down || of_tag || (self.quota && matches!(question, Question::Manifest(..)));
        match question.clone() {
            Question::Tags(lookup) => {
                self.asked.push("tags".to_owned());
                let tags = self
                    .tags
                    .iter()
                    .map(|(tag, _)| Tag::parse(tag).unwrap())
                    .collect();
                seen.tags.insert(
                    lookup,
                    if fails {
                        Err(failure)
                    } else {
                        Ok(Arc::new(tags))
                    },
                );
            }
            Question::Head(lookup, tag) => {
                self.asked.push(format!("head {tag}"));
                // What points at nothing is listed, and its manifest is not there.
                let what = self
                    .tags
                    .iter()
                    .find(|(name, _)| *name == tag.as_str())
                    .map(|(_, what)| *what);
                let head = what.filter(|what| !what.is_empty()).map(digest);
                seen.heads
                    .insert((lookup, tag), if fails { Err(failure) } else { Ok(head) });
            }
            Question::Manifest(lookup, wanted) => {
                self.asked.push("manifest".to_owned());
                let index = self
                    .indexes
                    .iter()
                    .find(|(name, _)| digest(name) == wanted)
                    .map(|(_, entries)| {
                        let entry =
                            |(p, what): &(&str, &str)| (Platform::parse(p).unwrap(), digest(what));
                        Contents::Index(entries.iter().map(entry).collect())
                    });
                let single = self
                    .single
                    .iter()
                    .any(|name| digest(name) == wanted)
                    .then_some(Contents::Image);
                seen.manifests.insert(
                    (lookup, wanted),
                    if fails {
                        Err(failure)
                    } else {
                        Ok(index.or(single))
                    },
                );
            }
            Question::Platform(lookup, wanted) => {
                let platform = self
                    .platforms
                    .iter()
                    .find(|(name, _)| digest(name) == wanted);
                let platform = platform.map(|(_, platform)| Platform::parse(platform).unwrap());
                seen.platforms.insert((lookup, wanted), Ok(platform));
            }
            Question::FirstSeen(key) => {
                let (lookup, tag, wanted) = *key;
                let name = tag.to_string();
                let seen_at = self.seen.iter().find(|(known, _)| *known == name);
                let at = seen_at.map_or("2026-11-21T12:00:00Z", |(_, at)| at);
                seen.first_seen
                    .insert((lookup, tag, wanted), at.parse().unwrap());
            }
            Question::Created(lookup, wanted) => {
                let made = self.created.iter().find(|(name, _)| digest(name) == wanted);
                let made = made.map(|(_, at)| at.parse().unwrap());
                seen.created.insert((lookup, wanted), made);
            }
            Question::Facts(..) | Question::Replaced(..) => panic!("no decision asks for these"),
        }
    }
}

struct Case {
    decisions: Vec<Decision>,
    proposals: Vec<Proposal>,
    world: World,
}

/// Judges a Dockerfile under the operator's rules.
fn case(dockerfile: &str, rules: &str, mut world: World) -> Case {
    let config = parse("config.toml", rules, std::path::Path::new("/"))
        .unwrap_or_else(|problems| panic!("{problems}"));
    let path = RepoPath::parse("Dockerfile").unwrap();
    let args = BTreeMap::new();
    let scanned = scan(Format::Dockerfile, dockerfile.as_bytes(), &args).unwrap();
    let policy = Policy {
        operators: config.rules.len(),
        rules: config.rules.clone(),
        ..Policy::default()
    };
    let mut seen = Observations::default();
    let mut decisions = Vec::new();
    for located in &scanned.references {
        let lookup = located.reference().map(|r| Lookup {
            image: r.name.clone(),
            login: None,
        });
        let listed = lookup
            .as_ref()
            .filter(|lookup| lookup.image.host().as_str() != "unlisted.example");
        for round in 0.. {
            let now = "2026-11-21T12:00:00Z".parse().unwrap();
            let ask = Ask {
                repo: None,
                path: &path,
                located,
                policy: &policy,
                lookup: Ok(listed),
                seen: &seen,
                now,
                proposed: &world.proposed,
                inner: None,
                traces: false,
                candidates: 20,
            };
            match decide(&ask) {
                Ok(decision) => {
                    decisions.push(decision);
                    break;
                }
                Err(question) => {
                    assert!(!seen.answers(&question), "asked twice: {question:?}");
                    world.answer(&question, &mut seen);
                }
            }
            assert!(round < 100, "the rounds end");
        }
    }
    let sources = Sources::new([SourceFile {
        path,
        format: Some(Format::Dockerfile),
        contents: dockerfile.as_bytes().to_vec(),
    }]);
    let branch = Branch::parse("main").unwrap();
    let target = Target {
        repo_id: "repo",
        repo: "team/repo",
        branch: &branch,
        noun: "merge request",
        templates: &config.merge_requests.templates,
        commit_prefix: &config.merge_requests.commit_prefix,
        rebase_label: "imagebot:rebase",
        stop_label: "imagebot:stop",
        together: false,
    };
    let (proposals, _) = propose(
        &target,
        &sources,
        &read_sources(&sources, &args),
        &args,
        &Images::default(),
        &mut decisions,
        &seen,
    );
    Case {
        decisions,
        proposals,
        world,
    }
}

impl Case {
    /// `reason` of each decision, with what is wanted.
    fn reasons(&self) -> Vec<String> {
        self.decisions
            .iter()
            .map(|decision| {
                let wanted = decision.wanted.iter().map(|w| {
                    let tag = w
                        .to_tag
                        .as_ref()
                        .map(ToString::to_string)
                        .unwrap_or_default();
                    let pin = w.to_digest.as_ref().map_or("", |_| "@");
                    format!(" {}:{tag}{pin}", w.class.code())
                });
                format!("{}{}", decision.reason, wanted.collect::<String>())
            })
            .collect()
    }

    /// The file as the only proposal leaves it.
    fn file(&self) -> String {
        let [proposal] = &self.proposals[..] else {
            panic!("{} proposals", self.proposals.len())
        };
        String::from_utf8(proposal.files.values().next().unwrap().clone()).unwrap()
    }
}

fn check(dockerfile: &str, rules: &str, world: World, expect: &[&str]) {
    let case = case(dockerfile, rules, world);
    assert_eq!(
        case.reasons(),
        expect,
        "{dockerfile}\n{rules}\n{:#?}",
        case.decisions
            .iter()
            .map(|d| (&d.detail, &d.steps))
            .collect::<Vec<_>>()
    );
}

fn pinned(tag: &str, what: &str) -> String {
    format!("FROM node:{tag}@{}\n", digest(what))
}

/// `min_age` for every kind of update, and the evidence in its order.
#[test]
fn min_age_is_asked_before_anything_is_proposed() {
    let day = |n: u32| format!("2026-11-{n:02}T12:00:00Z");
    let (young, old) = (day(20), day(10));
    let world = |seen: &[(&str, &str)]| World {
        seen: seen
            .iter()
            .map(|(t, at)| (t.to_string(), at.to_string()))
            .collect(),
        ..World::of(&[
            ("1.0", "one"),
            ("1.1", "two"),
            ("1.2", "three"),
            ("2.0", "four"),
        ])
    };
    let rule = "[defaults]\nmin_age = \"3 days\"\n";
    let all_young = [("1.1", &*young), ("1.2", &*young), ("2.0", &*young)];
    check("FROM node:1.0\n", rule, world(&all_young), &["too-young"]);
    check(
        "FROM node:1.0\n",
        rule,
        world(&[("1.1", &*old), ("1.2", &*young), ("2.0", &*old)]),
        &["new-tag update:1.1 major:2.0"],
    );
    // A moved digest and a first digest.
    let moved = format!("FROM node:2.0@{}\n", digest("one"));
    check(&moved, rule, world(&[("2.0", &*young)]), &["too-young"]);
    check(
        &moved,
        rule,
        world(&[("2.0", &*old)]),
        &["new-digest update:2.0@"],
    );
    let pin = "[defaults]\nmin_age = \"3 days\"\ndigest = \"pin\"\n";
    check(
        "FROM node:2.0\n",
        pin,
        world(&[("2.0", &*young)]),
        &["too-young"],
    );
    check(
        "FROM node:2.0\n",
        pin,
        world(&[("2.0", &*old)]),
        &["first-pin pin:2.0@"],
    );
    // What the image says of itself counts only where it is trusted, and never 1970.
    let made = |at: &'static str| World {
        created: vec![("four", at)],
        ..world(&all_young)
    };
    let trust = "[defaults]\nmin_age = \"3 days\"\nmin_age_trust = \"created\"\nallow = \"2.0\"\n";
    check(
        "FROM node:1.0\n",
        trust,
        made("2026-11-01T00:00:00Z"),
        &["new-tag major:2.0"],
    );
    check(
        "FROM node:1.0\n",
        trust,
        made("1970-01-01T00:00:00Z"),
        &["too-young"],
    );
    let no_trust = "[defaults]\nmin_age = \"3 days\"\nallow = \"2.0\"\n";
    check(
        "FROM node:1.0\n",
        no_trust,
        made("2026-11-01T00:00:00Z"),
        &["too-young"],
    );
    // What is proposed already is not taken back.
    let change = ChangeSet::parse(["Dockerfile docker.io/library/node 1.0 2.0"]).unwrap();
    let change = change.references.into_iter().next().unwrap();
    let proposed = World {
        proposed: Proposed::from([(change.path, change.image, change.to)]),
        ..world(&all_young)
    };
    check("FROM node:1.0\n", rule, proposed, &["new-tag major:2.0"]);
}

const PIN: &str = "[defaults]\ndigest = \"pin\"\n";

#[test]
fn tags() {
    let world = || World::of(&[("20", "a"), ("21", "b"), ("22-rc1", "c")]);
    check("FROM node:20\n", "", world(), &["new-tag major:21"]);
    check("FROM node:21\n", "", world(), &["up-to-date"]);
    check(
        "FROM node:20\n",
        "[defaults]\nmax = \"minor\"\n",
        world(),
        &["nothing-allowed"],
    );
    check(
        "FROM node:20\n",
        "[defaults]\nignore = [\"21\"]\n",
        world(),
        &["nothing-allowed"],
    );
    check(
        "FROM node:20\n",
        "[[rule]]\nimages = [\"node\"]\nenabled = false\n",
        world(),
        &["disabled"],
    );
    check(
        "# imagebot: ignore\nFROM node:20\n",
        "",
        world(),
        &["disabled"],
    );
    check(
        "# imagebot: maxx=minor\nFROM node:20\n",
        "",
        world(),
        &["bad-note"],
    );
    check("FROM node:19\n", "", world(), &["new-tag major:21"]);
    check("FROM node:23\n", "", world(), &["tag-vanished"]);
    check("FROM node\n", "", world(), &["no-tag"]);
    check(
        "FROM node:latest\n",
        "",
        World::of(&[("latest", "a")]),
        &["floating-tag"],
    );
    check(
        "FROM unlisted.example/x:1\n",
        "",
        world(),
        &["registry-not-configured"],
    );
    check("ARG V\nFROM node:$V\n", "", world(), &["not-editable"]);
}

#[test]
fn a_minor_and_a_major_change_are_two_merge_requests_unless_the_policy_says_otherwise() {
    let world = || World::of(&[("1.0", "a"), ("1.1", "b"), ("2.0", "c")]);
    check(
        "FROM node:1.0\n",
        "",
        world(),
        &["new-tag update:1.1 major:2.0"],
    );
    check(
        "FROM node:1.0\n",
        "[defaults]\nseparate_major = false\n",
        world(),
        &["new-tag update:2.0"],
    );
    let case = case("FROM node:1.0\n", "", world());
    let branches: BTreeSet<_> = case
        .proposals
        .iter()
        .map(|proposal| proposal.branch.to_string())
        .collect();
    assert_eq!(branches.len(), 2);
}

/// Invariant 7: what is not known is its own outcome.
#[test]
fn a_failed_look_up_is_never_up_to_date() {
    let down = || World {
        down: true,
        ..World::of(&[("20", "a")])
    };
    check("FROM node:20\n", "", down(), &["lookup-failed"]);
    check(&pinned("latest", "a"), "", down(), &["lookup-failed"]);
    let quota = World {
        quota: true,
        ..World::of(&[("1.0", "a"), ("1.1", "b")])
    };
    check(&pinned("1.0", "a"), "", quota, &["registry-quota"]);
}

#[test]
fn digests() {
    let world = || World::of(&[("20", "new"), ("latest", "new")]);
    check(&pinned("20", "new"), "", world(), &["up-to-date"]);
    check(
        &pinned("20", "old"),
        "",
        world(),
        &["new-digest update:20@"],
    );
    check(
        &pinned("latest", "old"),
        "",
        world(),
        &["new-digest update:latest@"],
    );
    check(
        &pinned("20", "old"),
        "[defaults]\ndigest = \"with-tag\"\n",
        world(),
        &["up-to-date"],
    );
    check(
        &pinned("20", "old"),
        "[defaults]\ndigest = \"off\"\n",
        world(),
        &["digest-off"],
    );
    check(
        &format!("FROM node@{}\n", digest("old")),
        "",
        world(),
        &["digest-only"],
    );
    check("FROM node:20\n", PIN, world(), &["first-pin pin:20@"]);
    check("FROM node\n", PIN, world(), &["first-pin pin:@"]);
    check("ARG V=20\nFROM node:$V\n", PIN, world(), &["up-to-date"]);
    let pin_args = format!("{PIN}pin_args = true\n");
    check(
        "ARG V=20\nFROM node:$V\n",
        &pin_args,
        world(),
        &["first-pin pin:20@"],
    );
    check(
        "FROM node:20\n",
        PIN,
        World::of(&[("20", "a"), ("21", "b")]),
        &["new-tag major:21@ pin:20@"],
    );
}

/// A failed look-up of the major version beside a minor one that worked: nothing may be closed for it, and it is told.
#[test]
fn what_is_only_half_known_is_not_certain() {
    let half = |world: World| case("FROM node:1.0\n", "", world).decisions.remove(0);
    let known = half(World::of(&[("1.0", "a"), ("1.1", "b"), ("2.0", "c")]));
    assert!(known.is_certain() && !known.failed());
    let missing = half(World::of(&[("1.0", "a"), ("1.1", "b"), ("2.0", "")]));
    assert_eq!(missing.reason.code(), "new-tag");
    assert!(!missing.is_certain() && !missing.failed());
    let failing = World {
        fails: Some("2.0"),
        ..World::of(&[("1.0", "a"), ("1.1", "b"), ("2.0", "c")])
    };
    let failing = half(failing);
    assert_eq!(
        (failing.reason.code(), failing.wanted.len()),
        ("new-tag", 1)
    );
    assert!(!failing.is_certain() && failing.failed());
}

/// A merge request for a file that could not be read today stays.
#[test]
fn nothing_is_closed_for_a_file_that_was_not_read() {
    let proposal = one_proposal();
    let existing = BTreeMap::from([(
        proposal.branch.clone(),
        Existing {
            head: Some((commit("head"), Ownership::Ours(proposal.changes.clone()))),
            fits: true,
            on_top: true,
            merge_requests: vec![merge_request(&proposal, 1, MergeRequestState::Open, None).into()],
        },
    )]);
    let main = Branch::parse("main").unwrap();
    let status = |not_judged: &str| {
        let certainty = Certainty {
            not_judged: BTreeSet::from([not_judged.to_owned()]),
            ..Certainty::default()
        };
        reconcile(&[], &existing, &terms(&main, &certainty))
            .remove(0)
            .planned
    };
    assert_eq!(status("Dockerfile"), Planned::Kept);
    assert_eq!(status("other/Dockerfile"), Planned::Close);
}

/// F34: listed, but not there (yet): the next lower one is taken.
#[test]
fn f34_a_tag_whose_manifest_is_missing_is_passed_over() {
    check(
        "FROM node:1.0\n",
        "",
        World::of(&[("1.0", "a"), ("1.1", "b"), ("1.2", "")]),
        &["new-tag update:1.1"],
    );
    check(
        "FROM node:1.0\n",
        "",
        World::of(&[("1.0", "a"), ("1.2", "")]),
        &["not-there-yet"],
    );
}

#[test]
fn f39_a_platforms_digest_follows_its_platform() {
    let world = || {
        World::of(&[("1.0", "one"), ("1.1", "two")])
            .index("one", &[("linux/amd64", "amd1"), ("linux/arm64", "arm1")])
            .index("two", &[("linux/amd64", "amd2"), ("linux/arm64", "arm2")])
    };
    let case = case(&pinned("1.0", "arm1"), "", world());
    assert_eq!(case.file(), pinned("1.1", "arm2"));
    // A platform's digest of an older index of the same tag.
    let moved = World::of(&[("1.0", "one")])
        .index("one", &[("linux/amd64", "amd1"), ("linux/arm64", "arm1")])
        .index("old", &[("linux/arm64", "arm0")]);
    check(
        &pinned("1.0", "arm0"),
        "",
        moved,
        &["new-digest update:1.0@"],
    );
}

#[test]
fn f38_a_tag_without_a_needed_platform_is_passed_over() {
    let world = || {
        World::of(&[("1.0", "one"), ("1.1", "two"), ("1.2", "three")])
            .index("one", &[("linux/amd64", "amd1"), ("linux/arm64", "arm1")])
            .index("two", &[("linux/amd64", "amd2"), ("linux/arm64", "arm2")])
            .index("three", &[("linux/amd64", "amd3")])
    };
    check(&pinned("1.0", "one"), "", world(), &["new-tag update:1.1@"]);
    check(&pinned("1.1", "two"), "", world(), &["missing-platform"]);
    check(
        "FROM node:1.1\n",
        "[defaults]\nplatforms = [\"linux/arm64\"]\n",
        world(),
        &["missing-platform"],
    );
    // Without a digest it is the current tag's index that tells, or `--platform=` where it names one.
    check("FROM node:1.1\n", "", world(), &["missing-platform"]);
    check("FROM node:1.0\n", "", world(), &["new-tag update:1.1"]);
    for (platform, expect) in [
        ("linux/amd64", "new-tag update:1.2"),
        ("linux/x86_64", "new-tag update:1.2"),
        ("linux/arm64", "missing-platform"),
        ("$BUILDPLATFORM", "missing-platform"),
        ("linux/$TARGETARCH", "missing-platform"),
    ] {
        let dockerfile = format!("FROM --platform={platform} node:1.1\n");
        check(&dockerfile, "", world(), &[expect]);
    }
    // A digest of the whole index, of which only one platform is used.
    let dockerfile = pinned("1.1", "two").replace("FROM", "FROM --platform=linux/amd64");
    check(&dockerfile, "", world(), &["new-tag update:1.2@"]);
    // A single image has the platform that it has.
    let single = World::of(&[("1.0", "one"), ("1.1", "two")]);
    check("FROM node:1.0\n", "", single, &["new-tag update:1.1"]);
}

#[test]
fn content_that_is_pinned_already_is_no_news() {
    check(
        &pinned("1.0", "a"),
        "",
        World::of(&[("1.0", "a"), ("1.1", "a")]),
        &["same-content"],
    );
    let wrapped = World::of(&[("1.0", "two")])
        .index("one", &[("linux/amd64", "amd")])
        .index("two", &[("linux/amd64", "amd")]);
    check(&pinned("1.0", "one"), "", wrapped, &["same-content"]);
}

#[test]
fn a_digest_that_vanished_is_replaced() {
    let case = case(&pinned("1.0", "gone"), "", World::of(&[("1.0", "new")]));
    assert_eq!(case.reasons(), ["new-digest update:1.0@"]);
    assert!(
        case.decisions[0]
            .steps
            .iter()
            .any(|step| step.starts_with("pin-vanished")),
        "{:?}",
        case.decisions[0].steps
    );
}

/// Requests are what the answer needs: a reference without a digest costs the list, and where something newer is there one
/// look at it and at the tag in use, whose platforms it must have.
#[test]
fn nothing_is_asked_that_is_not_needed() {
    for (dockerfile, rules, expect) in [
        (
            "FROM node:20\n".to_owned(),
            "",
            vec!["tags", "head 20", "manifest", "head 21"],
        ),
        (
            "FROM --platform=linux/amd64 node:20\n".to_owned(),
            "",
            vec!["tags", "head 21", "manifest"],
        ),
        ("FROM node:21\n".to_owned(), "", vec!["tags"]),
        ("FROM node:latest\n".to_owned(), "", vec![]),
        (pinned("21", "b"), "", vec!["tags", "head 21"]),
        (pinned("latest", "b"), "", vec!["head latest"]),
        (
            "FROM node:20\n".to_owned(),
            "[defaults]\nenabled = false\n",
            vec![],
        ),
    ] {
        let world = World::of(&[("20", "a"), ("21", "b"), ("latest", "b")]);
        assert_eq!(
            case(&dockerfile, rules, world).world.asked,
            expect,
            "{dockerfile}"
        );
    }
}

#[test]
fn an_arg_that_feeds_two_images_moves_for_both_or_for_none() {
    let world = || World::of(&[("1.0", "a"), ("1.1", "b")]);
    let both = case("ARG V=1.0\nFROM foo:$V AS a\nFROM bar:$V\n", "", world());
    assert_eq!(both.file(), "ARG V=1.1\nFROM foo:$V AS a\nFROM bar:$V\n");
    let one = case(
        "ARG V=1.0\nFROM foo:$V AS a\nFROM bar:$V\n",
        "[[rule]]\nimages = [\"bar\"]\nenabled = false\n",
        world(),
    );
    assert_eq!(one.reasons(), ["edit-refused update:1.1", "disabled"]);
    assert!(one.proposals.is_empty());
}

#[test]
fn a_reference_with_another_wish_stays_when_its_twin_moves() {
    let world = World::of(&[("1.0", "a"), ("1.1", "b")]);
    let case = case(
        "FROM node:1.0 AS a\n# imagebot: ignore\nFROM node:1.0\n",
        "",
        world,
    );
    assert_eq!(
        case.file(),
        "FROM node:1.1 AS a\n# imagebot: ignore\nFROM node:1.0\n"
    );
}

#[test]
fn a_group_is_one_merge_request() {
    let world = World::of(&[("1.0", "a"), ("1.1", "b")]);
    let case = case(
        "FROM foo:1.0 AS a\nFROM bar:1.0\n",
        "[defaults]\ngroup = \"base\"\n",
        world,
    );
    assert_eq!(case.file(), "FROM foo:1.1 AS a\nFROM bar:1.1\n");
    assert_eq!(case.proposals[0].texts.title, "Update 2 images (minor)");
}

fn certain() -> Certainty {
    Certainty::default()
}

/// A reference of [`one_proposal`], or of nothing that it touches, could not be judged.
fn unsure_of(image: &str) -> Certainty {
    let path = RepoPath::parse("Dockerfile").unwrap();
    Certainty {
        unsure: BTreeSet::from([(path, format!("docker.io/library/{image}"))]),
        ..Certainty::default()
    }
}

fn commit(name: &str) -> CommitId {
    CommitId::parse(&digest(name).as_str()[7..47]).unwrap()
}

fn one_proposal() -> Proposal {
    case(
        "FROM node:1.0\n",
        "",
        World::of(&[("1.0", "a"), ("1.1", "b")]),
    )
    .proposals
    .remove(0)
}

fn merge_request(
    proposal: &Proposal,
    number: u64,
    state: MergeRequestState,
    closed: Option<&str>,
) -> MergeRequest {
    let mut kept = proposal.texts.state.clone();
    kept.closed = closed.map(str::to_owned);
    MergeRequest {
        number,
        state,
        source: proposal.branch.clone(),
        target: Branch::parse("main").unwrap(),
        title: proposal.texts.title.clone(),
        description: proposal.texts.block(&kept),
        labels: vec![],
        head: None,
        merged_as: None,
        draft: false,
        created: None,
        auto_merge: false,
        incomplete: false,
    }
}

fn terms<'a>(default_branch: &'a Branch, certainty: &'a Certainty) -> ReconcileTerms<'a> {
    ReconcileTerms {
        default_branch,
        certainty,
        rebase_label: "imagebot:rebase",
        stop_label: "imagebot:stop",
    }
}

fn status(
    proposals: &[Proposal],
    branch: &Branch,
    existing: Existing,
    certain: bool,
) -> Vec<(Planned, bool)> {
    let proposals: Vec<Arc<Proposal>> = proposals.iter().cloned().map(Arc::new).collect();
    let existing = BTreeMap::from([(branch.clone(), existing)]);
    let results = reconcile(
        &proposals,
        &existing,
        &terms(
            &Branch::parse("main").unwrap(),
            &match certain {
                // What it does not touch keeps it from nothing.
                true => unsure_of("another"),
                false => unsure_of("node"),
            },
        ),
    );
    results
        .into_iter()
        .map(|result| (result.planned, !result.steps.is_empty()))
        .collect()
}

/// Invariant 6, on values: what is there decides what is done.
#[test]
fn what_is_there_decides_what_is_done() {
    use MergeRequestState::{Closed, Merged, Open};
    let proposal = one_proposal();
    let ours = || Some((commit("head"), Ownership::Ours(proposal.changes.clone())));
    let foreign = || {
        Some((
            commit("head"),
            Ownership::Foreign("somebody else's".to_owned()),
        ))
    };
    let mr = |number, state, closed| merge_request(&proposal, number, state, closed);
    let with = |head, fits, merge_requests: Vec<MergeRequest>| Existing {
        head,
        fits,
        on_top: true,
        merge_requests: merge_requests.into_iter().map(OwnRequest::from).collect(),
    };
    for (what, existing, expect) in [
        ("nothing", with(None, false, vec![]), (Planned::Open, true)),
        (
            "a branch without a merge request",
            with(ours(), true, vec![]),
            (Planned::Open, true),
        ),
        (
            "both",
            with(ours(), true, vec![mr(1, Open, None)]),
            (Planned::Unchanged, false),
        ),
        (
            "in conflict",
            with(ours(), false, vec![mr(1, Open, None)]),
            (Planned::Update, true),
        ),
        (
            "F16: its branch deleted by a person",
            with(None, false, vec![mr(1, Open, None)]),
            (Planned::Declined, false),
        ),
        (
            "its branch deleted by us, who did not come to close it",
            with(None, false, vec![mr(1, Open, Some("obsolete"))]),
            (Planned::Update, true),
        ),
        (
            "a person's work",
            with(foreign(), true, vec![mr(1, Open, None)]),
            (Planned::Foreign, true),
        ),
        (
            "a person's work without a merge request",
            with(foreign(), true, vec![]),
            (Planned::Foreign, false),
        ),
        (
            "closed by a person",
            with(None, false, vec![mr(1, Closed, None)]),
            (Planned::Declined, false),
        ),
        (
            "closed by us",
            with(None, false, vec![mr(1, Closed, Some("obsolete"))]),
            (Planned::Open, true),
        ),
        (
            "merged and reverted",
            with(None, false, vec![mr(1, Merged, None)]),
            (Planned::Reverted, false),
        ),
        (
            "closed, then opened anew",
            with(ours(), true, vec![mr(1, Closed, None), mr(2, Open, None)]),
            (Planned::Unchanged, false),
        ),
    ] {
        assert_eq!(
            status(
                std::slice::from_ref(&proposal),
                &proposal.branch,
                existing,
                true
            ),
            [expect],
            "{what}"
        );
    }
    let mut elsewhere = mr(1, Open, None);
    elsewhere.target = Branch::parse("release").unwrap();
    assert_eq!(
        status(
            std::slice::from_ref(&proposal),
            &proposal.branch,
            with(ours(), true, vec![elsewhere]),
            true
        ),
        [(Planned::Retargeted, false)]
    );
}

/// Invariant 8: nothing is closed or deleted because an answer was missing.
#[test]
fn nothing_is_closed_while_something_is_unknown() {
    let proposal = one_proposal();
    let existing = || Existing {
        head: Some((commit("head"), Ownership::Ours(proposal.changes.clone()))),
        fits: true,
        on_top: true,
        merge_requests: vec![merge_request(&proposal, 1, MergeRequestState::Open, None).into()],
    };
    assert_eq!(
        status(&[], &proposal.branch, existing(), false),
        [(Planned::Kept, false)]
    );
    assert_eq!(
        status(&[], &proposal.branch, existing(), true),
        [(Planned::Close, true)]
    );
}

/// Each setting of a comment has the line of its own comment, and several `ignore` add up.
#[test]
fn a_comment_has_its_own_line() {
    let text = "FROM scratch\n\n# imagebot: max=minor\n# why not\n# imagebot: ignore=1.1 prerelease=true\n# imagebot: ignore=1.2\nFROM node:1.0\n";
    let tags = [("1.0", "a"), ("1.1", "b"), ("1.2", "c"), ("1.3", "d")];
    let found = case(text, "", World::of(&tags));
    let decision = found.decisions.last().expect("a decision");
    assert_eq!(decision.located.line, 7);
    let settings = &decision.effective.as_ref().expect("settings").settings;
    assert_eq!(settings.max.from.to_string(), "Dockerfile:3");
    assert_eq!(settings.prerelease.from.to_string(), "Dockerfile:5");
    assert_eq!(settings.ignore.from.to_string(), "Dockerfile:6");
    assert_eq!(settings.ignore.value.len(), 2);
    assert_eq!(settings.digest.from.line, 0);
    let off = case(
        "\n# imagebot: ignore\n# and why\nFROM $X\nFROM node:1.0\n",
        "",
        World::of(&tags),
    );
    assert_eq!(off.decisions[0].detail, "by Dockerfile:2");
    let bad = case(
        "\n# imagebot: max=minor\n# imagebot: maxx=minor\nFROM node:1.0\n",
        "",
        World::of(&tags),
    );
    let detail = &bad.decisions[0].detail;
    assert!(
        detail.starts_with("line 3: `# imagebot: maxx=minor`"),
        "{detail}"
    );
}

/// What can be written in several ways is not guessed, is not up to date, and does not fail the pass.
#[test]
fn an_ambiguous_edit_is_its_own_reason() {
    let text = "ARG A=1\nARG B=1\nFROM node:${A}${B}\n";
    let found = case(text, "", World::of(&[("11", "a"), ("111", "b")]));
    assert_eq!(found.proposals.len(), 0);
    let decision = &found.decisions[0];
    assert_eq!(decision.reason.code(), "ambiguous");
    assert_eq!(decision.outcome().code(), "unknown");
    assert!(!decision.failed() && !decision.is_certain() && decision.help.is_some());
    assert!(
        decision.detail.contains("in more than one way"),
        "{}",
        decision.detail
    );
}

/// A reference that could not be judged in this pass stays in the merge request that proposes its change.
#[test]
fn a_merge_request_is_not_rewritten_without_what_could_not_be_judged() {
    let proposals = |rules: &str, newest: &'static str| {
        let world = World::of(&[("1.0", "a"), ("1.1", "b"), (newest, "c")]);
        let group = format!("[defaults]\ngroup = \"base\"\n{rules}");
        case("FROM foo:1.0 AS a\nFROM bar:1.0\n", &group, world).proposals
    };
    let both = proposals("", "1.0.1").remove(0);
    let only_foo = "[[rule]]\nimages = [\"bar\"]\nenabled = false\n";
    let foo = proposals(only_foo, "1.0.1").remove(0);
    let newer = proposals("", "1.2").remove(0);
    assert_eq!((both.changes.len(), foo.changes.len()), (2, 1));
    let open = merge_request(&both, 1, MergeRequestState::Open, None);
    let there = |merge_requests: Vec<MergeRequest>| Existing {
        head: Some((commit("head"), Ownership::Ours(both.changes.clone()))),
        fits: true,
        on_top: true,
        merge_requests: merge_requests.into_iter().map(OwnRequest::from).collect(),
    };
    let unread = Certainty {
        not_judged: BTreeSet::from(["Dockerfile".to_owned()]),
        ..Certainty::default()
    };
    let (with, without) = (vec![open], Vec::new());
    for (what, proposal, merge_requests, certainty, expect) in [
        (
            "bar failed",
            &foo,
            &with,
            unsure_of("bar"),
            (Planned::Kept, false),
        ),
        (
            "its file was not read",
            &foo,
            &with,
            unread,
            (Planned::Kept, false),
        ),
        (
            "bar is ignored now",
            &foo,
            &with,
            certain(),
            (Planned::Update, true),
        ),
        (
            "another failed",
            &foo,
            &with,
            unsure_of("node"),
            (Planned::Update, true),
        ),
        (
            "bar is half known",
            &newer,
            &with,
            unsure_of("bar"),
            (Planned::Update, true),
        ),
        (
            "nothing is open",
            &foo,
            &without,
            unsure_of("bar"),
            (Planned::Open, true),
        ),
    ] {
        let existing = BTreeMap::from([(both.branch.clone(), there(merge_requests.clone()))]);
        let main = Branch::parse("main").unwrap();
        let terms = terms(&main, &certainty);
        let proposals = [Arc::new(proposal.clone())];
        let result = reconcile(&proposals, &existing, &terms).remove(0);
        assert_eq!((result.planned, !result.steps.is_empty()), expect, "{what}");
    }
}

#[test]
fn a_foreign_branch_is_told_of_once() {
    let proposal = one_proposal();
    let mut mr = merge_request(&proposal, 1, MergeRequestState::Open, None);
    let existing = |mr: &MergeRequest| {
        let head = Some((
            commit("head"),
            Ownership::Foreign("somebody else's".to_owned()),
        ));
        BTreeMap::from([(
            proposal.branch.clone(),
            Existing {
                head,
                fits: true,
                on_top: true,
                merge_requests: vec![mr.clone().into()],
            },
        )])
    };
    let main = Branch::parse("main").unwrap();
    let proposals = [Arc::new(proposal.clone())];
    let reconciled = |mr: &MergeRequest| {
        let existing = existing(mr);
        reconcile(&proposals, &existing, &terms(&main, &certain())).remove(0)
    };
    let first = reconciled(&mr);
    let [Step::Comment { .. }, Step::Edit { edit, .. }] = &first.steps[..] else {
        panic!("it is reported, and remembered: {:?}", first.steps);
    };
    mr.description = edit.description.clone().expect("the text changes");
    let second = reconciled(&mr);
    assert_eq!(second.planned, Planned::Foreign);
    assert!(second.steps.is_empty());
}

#[test]
fn a_repositorys_rules_come_after_the_operators() {
    let operator = Config::default();
    let own = parse_repository(
        "imagebot.toml",
        "[[rule]]\nimages = [\"node\"]\nmax = \"patch\"\n",
        &operator.schemes,
    )
    .unwrap();
    let operators = parse(
        "config.toml",
        "[defaults]\nmax = \"minor\"\n",
        std::path::Path::new("/"),
    )
    .unwrap();
    let rules: Vec<_> = operators.rules.into_iter().chain(own.rules).collect();
    let path = RepoPath::parse("Dockerfile").unwrap();
    let of = |image: &str| {
        let name = ImageName::parse(image).unwrap();
        let subject = imagebot::policy::RuleSubject {
            repo: None,
            path: &path,
            image: &name,
            tag: None,
            kind: imagebot::source::ReferenceKind::From,
        };
        let policy = Policy {
            rules: rules.clone(),
            operators: operator.rules.len(),
            ..Policy::default()
        };
        let effective = policy.effective(&subject, &[]).unwrap();
        format!(
            "{} {}",
            effective.settings.max.value, effective.settings.max.from
        )
    };
    assert_eq!(of("node"), "patch imagebot.toml:3");
    assert_eq!(of("ruby"), "minor config.toml:2");
}

#[test]
fn a_line_that_has_ended_is_its_own_reason() {
    let world = || World::of(&[("1.25", "a"), ("2.0.1", "b"), ("1.24", "c")]);
    let case = case("FROM node:1.25\n", "", world());
    assert_eq!(case.reasons(), ["line-ended"]);
    let detail = &case.decisions[0].detail;
    assert!(
        detail.contains("\"2.0.1\"") && detail.contains("[[scheme]]"),
        "{detail}"
    );
    // What it offers works.
    let pattern = detail.split('\'').nth(1).unwrap();
    let rules = format!(
        "[[scheme]]\nname = \"offered\"\npattern = '{pattern}'\n[[rule]]\nscheme = \"offered\"\n"
    );
    check(
        "FROM node:1.25\n",
        &rules,
        world(),
        &["new-tag major:2.0.1"],
    );
    // Something newer of the own shape, or nothing ahead, is no end.
    let world = World::of(&[("1.25", "a"), ("1.26", "b"), ("2.0.1", "c")]);
    check("FROM node:1.25\n", "", world, &["new-tag update:1.26"]);
    // Shorter and longer names, a pipeline's count, a snapshot, a release candidate, two respects, a test, a prefix.
    for other in [
        "1.25.3",
        "1",
        "57",
        "20240101",
        "2.0.0-rc.1",
        "2.0.1-slim",
        "2.0-test",
        "x-2.0.1",
    ] {
        let world = World::of(&[("1.25", "a"), (other, "b")]);
        check("FROM node:1.25\n", "", world, &["up-to-date"]);
    }
    for other in ["2024.1", "2.0-slim", "2.0.0", "2"] {
        let world = World::of(&[("1.25", "a"), (other, "b")]);
        check("FROM node:1.25\n", "", world, &["line-ended"]);
    }
}

#[test]
fn two_years_without_a_newer_tag_are_said() {
    let world = |at: &str| {
        let mut world = World::of(&[("20", "a"), ("18", "b")]);
        world.seen.push(("20".to_owned(), at.to_owned()));
        world
    };
    let dockerfile = pinned("20", "a");
    check(
        &dockerfile,
        "",
        world("2024-11-20T12:00:00Z"),
        &["no-new-tags"],
    );
    check(
        &dockerfile,
        "",
        world("2024-11-23T12:00:00Z"),
        &["up-to-date"],
    );
    // Nothing is asked for it: without a digest the tag's age is not known.
    check(
        "FROM node:20\n",
        "",
        world("2024-11-20T12:00:00Z"),
        &["up-to-date"],
    );
}

#[test]
fn a_leap_of_majors_is_said_in_the_merge_request() {
    let text = |tags: &[(&'static str, &'static str)]| {
        let case = case("FROM node:5.1.0\n", "", World::of(tags));
        case.proposals[0].texts.body.clone()
    };
    let body = text(&[("5.1.0", "a"), ("5.1.1", "b"), ("20.4.1", "c")]);
    assert!(
        body.contains("- node: 20 follows 5, and no version exists between them\n"),
        "{body}"
    );
    let body = text(&[
        ("5.1.0", "a"),
        ("9.0.0", "b"),
        ("12.0.0", "b"),
        ("20.4.1", "c"),
    ]);
    assert!(!body.contains("follows 5"), "{body}");
    let body = text(&[("5.1.0", "a"), ("6.0.0", "b")]);
    assert!(!body.contains("follows 5"), "{body}");
}

#[test]
fn a_value_that_is_written_twice_is_named_where_only_one_moves() {
    let world = World::of(&[("20", "a"), ("22", "b")]);
    let dockerfile = "ARG V=20\nFROM node:$V\nARG V=20\nLABEL base=\"node:20\"\n";
    let case = case(dockerfile, "", world);
    let body = &case.proposals[0].texts.body;
    for line in [
        "- `Dockerfile:3: ARG V=20`\n",
        "- `Dockerfile:4: LABEL base=node:20`\n",
    ] {
        assert!(body.contains(line), "{body}");
    }
    let steps = &case.decisions[0].steps;
    let said = |line: &str| steps.iter().any(|step| step.contains(line));
    assert!(said("Dockerfile:3: ARG V=20"), "{steps:?}");
}
