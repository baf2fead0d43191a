//! A few stories of the core's simulation told twice: on values, and through the real binary.
//!
//! On values the core's own functions decide, as in `tests/core/simulation.rs`; beside it the program runs as a process
//! against a GitLab that serves git with `git http-backend`, and against `docker-registry`. Behind every pass the merge
//! requests have to be the same, with the same numbers, changes and files. `IMAGEBOT_SEED=8 cargo test --test e2e
//! five_seeds` tells one seed's story, `IMAGEBOT_REAL_SEEDS=20` those of so many instead of five.
//!
//! The program goes by the system's clock, and an afternoon of the story takes it seconds. Nothing depends on that: holds
//! never run out, limits by the hour are out of reach, and on both sides the pipeline of a commit on `main` begins within
//! `settle`: within five minutes of the story, and within seconds here.

#[path = "../core/simulation/bot.rs"]
#[allow(
    dead_code,
    reason = "shared with the core's suite, which uses the rest"
)]
mod bot;
#[path = "simulation/seeds.rs"]
mod seeds;
#[path = "../core/simulation/world.rs"]
#[allow(
    dead_code,
    reason = "shared with the core's suite, which uses the rest"
)]
mod world;

use super::docker_registry::DockerRegistry;
use super::forge::On;
use super::world::{World as Real, lock};
use bot::{Bot, Trouble};
use imagebot::image::Digest;
use imagebot::plan::block_of;
use imagebot::repo::{Branch, CiStatus, CommitId, MergeRequest, MergeRequestState};
use seeds::{MOST_IMAGES, suits};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::process::Command;
use std::sync::Mutex;
use world::{HOST, Repo, Said, Weather, World as Values};

const MINUTE: i64 = 60;
/// A pass every so often, if something happened since.
const EVERY: i64 = 20 * MINUTE;

struct Story {
    seed: u64,
    values: Values,
    bot: Bot,
    real: Real,
    /// The real digest of each digest of the values.
    digests: BTreeMap<Digest, Digest>,
    /// What CI was told to say of the real commits.
    said: BTreeMap<(usize, String), Said>,
    /// The real merge requests behind the last pass.
    there: BTreeSet<String>,
    /// What happened on the real side.
    truth: Vec<String>,
    passes: usize,
}

/// A merge request at one moment: its state, its branch with whether that is there, and its head.
type Moment = (MergeRequestState, Branch, bool, Option<CommitId>);

impl Story {
    async fn new(seed: u64) -> Self {
        let real = Real::debian_on(On::GitLab).await;
        let mut story = Self {
            seed,
            values: Values::new(seed, MOST_IMAGES),
            bot: Bot::new(true, None),
            real: real.expect("the registry is installed"),
            digests: BTreeMap::new(),
            said: BTreeMap::new(),
            there: BTreeSet::new(),
            truth: Vec::new(),
            passes: 0,
        };
        story.publish().await;
        let mut publishes = Vec::new();
        for repo in &story.values.repos {
            let mut files = story.files(repo);
            let (name, host) = (repo.name.as_str(), story.real.server.host());
            if repo.images.len() > 1 {
                files.insert("imagebot.toml".to_owned(), story.specs(repo));
            }
            let images = if repo.images.len() > 1 { "/*" } else { "" };
            publishes.push(format!(
                "{{ repo = \"team/{name}\", images = [\"{host}/{name}{images}\"] }}"
            ));
            story.real.forge.create(name);
            let files: Vec<_> = files
                .iter()
                .map(|(path, text)| (path.as_str(), "100644", text.as_bytes()))
                .collect();
            story
                .real
                .commit_files(name, "main", &files, "A person's commit\n");
        }
        story.configure(&publishes);
        story.let_ci_say().await;
        story
    }

    fn configure(&self, publishes: &[String]) {
        let forge = self.real.forge.config();
        let publishes = publishes.join(", ");
        let host = self.real.server.host();
        self.real.configure_forge(
            &format!("{forge}publishes = [{publishes}]\n"),
            &format!(
                "[[registry]]\nhost = \"{host}\"\nplain_http = true\nrate = \"10000/s\"\n\n\
                 [defaults]\nhold_for = \"never\"\nmax_open = 100\n\n\
                 [limits]\nmax_open = 1000\nmax_new_per_hour = 1000\n"
            ),
        );
    }

    /// What a repository of several images says of them.
    fn specs(&self, repo: &Repo) -> String {
        let specs = repo.images.iter().map(|image| {
            let folder = image.dockerfile.as_str().rsplit_once('/').unwrap().0;
            let name = self.really(&image.name.canonical());
            format!("[[image]]\nname = \"{name}\"\ncontext = \"{folder}\"\n")
        });
        specs.collect()
    }

    /// A text of the values in the words of the real side.
    fn really(&self, text: &str) -> String {
        let host = self.real.server.host();
        let mut text = text
            .replace(&format!("{HOST}/"), &format!("{host}/"))
            .replace("ext.io/", &format!("{host}/ext/"));
        for (digest, real) in &self.digests {
            text = text.replace(digest.as_str(), real.as_str());
        }
        text
    }

    /// The files of a repository's `main`.
    fn files(&self, repo: &Repo) -> BTreeMap<String, String> {
        let files = repo.files.iter();
        let files = files.map(|(path, text)| {
            (
                path.to_string(),
                self.really(&String::from_utf8_lossy(text)),
            )
        });
        files.collect()
    }

    /// Pushes what is new in the registry of the values to the real one.
    async fn publish(&mut self) {
        let mut told = Vec::new();
        let tags = self.values.registry.iter();
        let tags = tags.flat_map(|(image, tags)| tags.iter().map(move |tag| (image, tag)));
        for (image, (tag, digest)) in tags {
            if self.digests.contains_key(digest) {
                continue;
            }
            let name = self.really(&image.canonical());
            let path = name.split_once('/').unwrap().1;
            // Contents that nothing else has, as with the digest.
            let real = self.real.move_tag(path, tag, digest.as_str()).await;
            self.digests.insert(digest.clone(), real);
            told.push(format!("{name}:{tag} is pushed"));
        }
        told.iter().for_each(|line| self.keep(line));
    }

    /// Lets CI say of the real commits what it says of those of the values.
    async fn let_ci_say(&mut self) {
        let mut told = Vec::new();
        for (index, repo) in self.values.repos.iter().enumerate() {
            let name = repo.name.as_str();
            let mut heads = vec![("main".to_owned(), Some(&repo.head))];
            for real in self.real.open_mrs(name).await {
                let mr = repo.mrs.iter().find(|mr| mr.number == real.number);
                heads.push((real.source.to_string(), mr.and_then(|mr| mr.head.as_ref())));
            }
            for (branch, head) in heads {
                let said = head.and_then(|head| repo.ci.get(head));
                let (Some(said), Some(commit)) = (said, self.real.head(name, &branch)) else {
                    continue;
                };
                let key = (index, commit);
                if self.said.get(&key) == Some(said) {
                    continue;
                }
                let state = match said {
                    Said::Running => CiStatus::Running,
                    Said::Passed => CiStatus::Passed,
                    Said::Failed => CiStatus::Failed,
                };
                self.real.forge.ci(name, &key.1, state).await;
                told.push(format!("{name}: the pipeline of {branch}: {said:?}"));
                self.said.insert(key, *said);
            }
        }
        told.iter().for_each(|line| self.keep(line));
    }

    /// All merge requests of the values.
    fn moments(&self) -> Vec<Vec<Moment>> {
        let moment = |repo: &Repo, mr: &MergeRequest| {
            let is_there = repo.branches.contains_key(&mr.source);
            (mr.state, mr.source.clone(), is_there, mr.head.clone())
        };
        let repos = self.values.repos.iter();
        repos
            .map(|repo| repo.mrs.iter().map(|mr| moment(repo, mr)).collect())
            .collect()
    }

    /// Keeps what happened on the real side for the story.
    fn keep(&mut self, what: impl std::fmt::Display) {
        let minutes = (self.values.now - Values::START) / MINUTE;
        self.truth.push(format!("{minutes:>6} min  {what}"));
    }

    /// Does on the real side what people and CI have done on values since.
    async fn follow(&mut self, before: &[Vec<Moment>]) -> Result<(), String> {
        self.publish().await;
        for (index, now) in self.moments().iter().enumerate() {
            let name = self.values.repos[index].name.to_string();
            let reals = self.real.mrs(&name).await;
            for ((old, new), real) in before[index].iter().zip(now).zip(&reals) {
                let (branch, number) = (real.source.as_str(), real.number);
                if old.3 != new.3 {
                    self.work_by_hand(index, branch);
                    self.keep(format_args!("{name}: a person pushes to {branch}"));
                }
                match (old.0, new.0) {
                    (MergeRequestState::Open, MergeRequestState::Merged) => {
                        self.real.merge(&name, number).await;
                        self.keep(format_args!("{name}: {number} is merged"));
                    }
                    (MergeRequestState::Open, MergeRequestState::Closed) => {
                        self.real.close(&name, number).await;
                        self.keep(format_args!("{name}: a person closes {number}"));
                    }
                    _ => {}
                }
            }
            // A branch may have had several merge requests: it goes behind all of them.
            for ((old, new), real) in before[index].iter().zip(now).zip(&reals) {
                let goes = old.2 && !new.2 && new.0 == MergeRequestState::Closed;
                let branch = real.source.as_str();
                if goes && self.real.head(&name, branch).is_some() {
                    self.real.reset(&name, branch, None);
                }
            }
            if before[index] != *now {
                self.main_is_the_same(index)?;
            }
        }
        Ok(())
    }

    /// A person pushes to a branch, with the same words as on values.
    fn work_by_hand(&self, repo: usize, branch: &str) {
        let repo = &self.values.repos[repo];
        let name = repo.name.as_str();
        let files = repo.files.keys().map(|path| {
            let text = self.real.file(name, branch, path.as_str());
            (path.as_str(), format!("{text}RUN fixed by a person\n"))
        });
        let files: Vec<_> = files.collect();
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| (*path, "100644", text.as_bytes()))
            .collect();
        self.real.commit_files(name, branch, &files, "Fix it\n");
    }

    fn main_is_the_same(&self, repo: usize) -> Result<(), String> {
        let repo = &self.values.repos[repo];
        for (path, text) in self.files(repo) {
            let real = self.real.file(repo.name.as_str(), "main", &path);
            if real != text {
                return Err(format!(
                    "{path} of {} is {real:?} and not {text:?}",
                    repo.name
                ));
            }
        }
        Ok(())
    }

    /// Time passes on values, and the real side follows step by step.
    async fn advance(&mut self, until: i64) -> Result<(), String> {
        while let Some(at) = self.values.next().filter(|at| *at <= until) {
            let before = self.moments();
            self.values.advance(at);
            self.follow(&before).await?;
        }
        self.values.advance(until);
        self.let_ci_say().await;
        Ok(())
    }

    /// A pass on both sides; whether it did something.
    async fn pass(&mut self) -> Result<bool, String> {
        self.passes += 1;
        let done = self.bot.pass(&mut self.values, &Trouble::default());
        self.run()?;
        let (values, real) = (self.on_values(), self.in_truth().await);
        let before = std::mem::replace(&mut self.there, real.clone());
        for mr in real.difference(&before) {
            self.keep(format_args!("behind the pass: {mr}"));
        }
        if values != real {
            let only = |these: &BTreeSet<String>, those: &BTreeSet<String>| {
                these
                    .difference(those)
                    .cloned()
                    .collect::<Vec<_>>()
                    .join("\n")
            };
            let (on_values, in_truth) = (only(&values, &real), only(&real, &values));
            return Err(format!(
                "behind pass {} there is only on values:\n{on_values}\nand only in truth:\n{in_truth}",
                self.passes
            ));
        }
        self.let_ci_say().await;
        Ok(!done.lines.is_empty())
    }

    /// A pass of the program.
    fn run(&self) -> Result<(), String> {
        let output = Command::new(env!("CARGO_BIN_EXE_imagebot"))
            .args(["run", "--format", "json", "--config"])
            .arg(self.real.config())
            .current_dir(self.real.path(""))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.real.path("home"))
            .output()
            .map_err(|error| error.to_string())?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        self.real.note(stdout.clone());
        self.real.note(stderr.clone());
        match output.status.success() {
            true => Ok(()),
            false => Err(format!("the program fails: {stderr}\n{stdout}")),
        }
    }

    /// The merge requests on values, in the words of the real side.
    fn on_values(&self) -> BTreeSet<String> {
        let repos = self.values.repos.iter();
        let mrs = repos.flat_map(|repo| repo.mrs.iter().map(move |mr| (repo, mr)));
        let told = mrs.map(|(repo, mr)| {
            let ours = repo.branches.get(&mr.source);
            let files = repo.files.keys().filter_map(|path| {
                let text = String::from_utf8_lossy(&ours?.files[path]);
                Some(self.really(&text))
            });
            let files: Vec<String> = files.collect();
            described(repo, mr, &files, |line| self.really(line))
        });
        told.collect()
    }

    /// The merge requests on the real side.
    async fn in_truth(&self) -> BTreeSet<String> {
        let mut told = BTreeSet::new();
        for repo in &self.values.repos {
            for mr in self.real.mrs(repo.name.as_str()).await {
                let branch = mr.source.as_str();
                let is_open = mr.state == MergeRequestState::Open;
                let files = repo.files.keys().filter(|_| is_open);
                let files =
                    files.map(|path| self.real.file(repo.name.as_str(), branch, path.as_str()));
                let files: Vec<String> = files.collect();
                told.insert(described(repo, &mr, &files, str::to_owned));
            }
        }
        told
    }

    /// Plays until nothing happens any more, or until then.
    async fn play(&mut self, until: i64) -> Result<(), String> {
        loop {
            let did = self.pass().await?;
            let next = match (self.values.next(), did) {
                // On the grid of cron.
                (Some(at), _) => at + EVERY - at % EVERY,
                (None, true) => self.values.now + EVERY,
                (None, false) => return Ok(()),
            };
            self.advance(next.min(until)).await?;
            if next > until {
                return Ok(());
            }
        }
    }

    async fn release(&mut self, which: Option<usize>) {
        self.values.release(which);
        self.publish().await;
    }

    /// The whole story: two releases in bad weather, the second while the family is still busy with the first; everybody goes
    /// home, and a last one in fine weather.
    async fn tell(&mut self) -> Result<(), String> {
        self.play(i64::MAX).await?;
        self.values.weather = Weather {
            fails: 15 + self.values.dice.roll(25),
            meddles: self.values.dice.roll(15),
        };
        self.release(None).await;
        let pause = self.values.dice.roll(240) as i64 * MINUTE;
        self.play(self.values.now + pause).await?;
        let which = self.values.dice.roll(5) as usize;
        self.release(Some(which)).await;
        self.play(i64::MAX).await?;
        self.values.weather = Weather::FINE;
        let before = self.moments();
        self.values.people_go_home();
        self.follow(&before).await?;
        self.release(None).await;
        self.play(i64::MAX).await?;
        self.all_is_current().await?;
        let rest = self.real.state().await;
        self.run()?;
        match self.real.state().await == rest {
            true => Ok(()),
            false => Err("the program does something where nothing is to be done".to_owned()),
        }
    }

    /// Every image is built on the newest of its parents, and nothing is open.
    async fn all_is_current(&self) -> Result<(), String> {
        for (index, repo) in self.values.repos.iter().enumerate() {
            self.main_is_the_same(index)?;
            for image in &repo.images {
                for (parent, tag, digest) in self.values.parents(index, image) {
                    if self.values.newest(&parent) != (tag, digest) {
                        return Err(format!("{} stands on an older {parent}", image.name));
                    }
                }
            }
            if !self.real.open_mrs(repo.name.as_str()).await.is_empty() {
                return Err(format!("something of {} stays open", repo.name));
            }
        }
        Ok(())
    }

    /// Whether a pipeline failed in it.
    fn is_stormy(&self) -> bool {
        self.truth.iter().any(|line| line.ends_with(": Failed"))
    }

    /// Tells the story with its moral, and how to hear it again.
    fn told(&self, moral: &str) -> String {
        let seed = self.seed;
        let story = self.really(&self.values.story.join("\n"));
        format!(
            "seed {seed}: {moral}\n\non values:\n{story}\n\nin truth:\n{}\n\nIMAGEBOT_SEED={seed} cargo test --test e2e five_seeds",
            self.truth.join("\n")
        )
    }
}

/// A merge request in words that both sides share; an open one with its changes and the files of its branch.
fn described(
    repo: &Repo,
    mr: &MergeRequest,
    files: &[String],
    really: impl Fn(&str) -> String,
) -> String {
    let mut lines = vec![format!("{} {} {:?}", repo.name, mr.number, mr.state)];
    if mr.state == MergeRequestState::Open {
        let block = block_of(&mr.description);
        let changes = block.map(|block| block.state.changes.lines());
        let mut changes: Vec<String> = changes.iter().flatten().map(|line| really(line)).collect();
        changes.sort();
        lines.extend(changes);
        lines.extend(files.iter().cloned());
    }
    lines.join("\n  ")
}

/// Plays stories until there are no more; how many of them were stormy.
fn play(seeds: &Mutex<VecDeque<u64>>) -> usize {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let next = || lock(seeds).pop_front();
    runtime.expect("a runtime").block_on(async {
        let mut stormy = 0;
        while let Some(seed) = next() {
            let mut story = Story::new(seed).await;
            if let Err(moral) = story.tell().await {
                panic!("{}", story.told(&moral));
            }
            stormy += usize::from(story.is_stormy());
        }
        stormy
    })
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().expect("a number"))
}

#[test]
fn five_seeds_go_the_same_way_through_the_real_binary() {
    if !DockerRegistry::is_installed() {
        return;
    }
    let alone = number("IMAGEBOT_SEED");
    let seeds: VecDeque<u64> = match alone {
        Some(seed) => VecDeque::from([seed]),
        None => (0..)
            .filter(|seed| suits(&Values::new(*seed, MOST_IMAGES)))
            .take(number("IMAGEBOT_REAL_SEEDS").unwrap_or(5) as usize)
            .collect(),
    };
    let seeds = Mutex::new(seeds);
    let stormy = std::thread::scope(|scope| {
        let some = scope.spawn(|| play(&seeds));
        play(&seeds) + some.join().expect("these have told their stories")
    });
    assert!(alone.is_some() || stormy >= 2, "the weather is too fine");
}
