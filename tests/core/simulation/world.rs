//! A forge, a registry, CI, people and a clock, as values.

use imagebot::image::{Digest, ImageName};
use imagebot::plan::{ChangeSet, block_of};
use imagebot::repo::{Branch, CommitId, MergeRequest, MergeRequestState, RepoName, RepoPath};
use std::collections::{BTreeMap, BTreeSet};

pub(super) const HOST: &str = "reg.io";
const MINUTE: i64 = 60;

/// Numbers that are the same for the same seed (splitmix64).
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % sides
    }

    /// Whether something happens that does so `percent` times in a hundred.
    pub(super) fn percent(&mut self, percent: u64) -> bool {
        self.roll(100) < percent
    }

    fn minutes(&mut self, from: u64, to: u64) -> i64 {
        (from + self.roll(to - from + 1)) as i64 * MINUTE
    }
}

/// An image of a repository.
pub(super) struct Image {
    pub(super) name: ImageName,
    pub(super) dockerfile: RepoPath,
    version: u32,
    /// The Dockerfile that the published image was built from.
    built: Vec<u8>,
}

/// A branch of the bot's.
#[derive(Clone)]
pub(super) struct Ours {
    pub(super) head: CommitId,
    /// The head of `main` that it stands on, and its files.
    pub(super) parent: CommitId,
    pub(super) base: BTreeMap<RepoPath, Vec<u8>>,
    pub(super) files: BTreeMap<RepoPath, Vec<u8>>,
    /// What it changes; `None`: a person pushed to it.
    pub(super) changes: Option<ChangeSet>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    Running,
    Passed,
    Failed,
}

pub(super) struct Repo {
    pub(super) name: RepoName,
    pub(super) images: Vec<Image>,
    pub(super) files: BTreeMap<RepoPath, Vec<u8>>,
    pub(super) head: CommitId,
    pub(super) head_since: i64,
    pub(super) branches: BTreeMap<Branch, Ours>,
    pub(super) mrs: Vec<MergeRequest>,
    pub(super) ci: BTreeMap<CommitId, Said>,
}

/// How unkind the world is.
#[derive(Clone, Copy)]
pub(super) struct Weather {
    /// How many pipelines of a hundred fail.
    pub(super) fails: u64,
    /// How many merge requests of a hundred a person closes, or pushes to.
    pub(super) meddles: u64,
}

impl Weather {
    pub(super) const FINE: Self = Self {
        fails: 0,
        meddles: 0,
    };
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// The pipeline of the default branch's head begins.
    Begins(usize, CommitId),
    /// It publishes what it built.
    Publishes(usize, CommitId),
    /// It ends; whether it failed.
    Ends(usize, CommitId, bool),
    /// The pipeline of a branch ends; whether it failed.
    BranchEnds(usize, CommitId, bool),
    /// A person looks at a merge request and merges it.
    Merges(usize, u64, CommitId),
    /// Nothing but the time.
    Wakes,
}

pub(super) struct World {
    pub(super) now: i64,
    pub(super) dice: Dice,
    pub(super) weather: Weather,
    pub(super) repos: Vec<Repo>,
    pub(super) registry: BTreeMap<ImageName, Vec<(String, Digest)>>,
    /// How often each image was pushed.
    pub(super) pushes: BTreeMap<ImageName, u64>,
    /// The images that were built, in order.
    pub(super) builds: Vec<ImageName>,
    pub(super) story: Vec<String>,
    outside: Vec<ImageName>,
    events: BTreeSet<(i64, u64, Event)>,
    count: u64,
}

impl World {
    /// When every story begins.
    pub(super) const START: i64 = 1_790_000_000;

    /// A random family with at most `most` images.
    pub(super) fn new(seed: u64, most: u64) -> Self {
        let mut world = Self {
            now: Self::START,
            dice: Dice(seed),
            weather: Weather::FINE,
            repos: Vec::new(),
            registry: BTreeMap::new(),
            pushes: BTreeMap::new(),
            builds: Vec::new(),
            story: Vec::new(),
            outside: Vec::new(),
            events: BTreeSet::new(),
            count: 0,
        };
        let roots = 1 + world.dice.roll(2);
        for number in 0..roots {
            let name = ImageName::parse(&format!("ext.io/os{number}")).unwrap();
            world.outside.push(name.clone());
            world.push(&name, "1.0.0");
        }
        let images = 2 + world.dice.roll(most - 1);
        let mut names: Vec<ImageName> = Vec::new();
        while (names.len() as u64) < images {
            let number = world.repos.len();
            let mut several = world.repos.iter();
            let several = several.position(|it| it.images.len() > 1);
            if let Some(repo) = several.filter(|_| most > 8 && world.dice.percent(12)) {
                world.grow(repo, &mut names);
                continue;
            }
            let several = match world.dice.percent(15) {
                true => 2 + world.dice.roll(2),
                false => 1,
            };
            world.add_repo(number, several as usize, &mut names);
        }
        world
    }

    fn add_repo(&mut self, number: usize, several: usize, names: &mut Vec<ImageName>) {
        let mut images = Vec::new();
        let mut files = BTreeMap::new();
        for index in 0..several {
            let folder = (several > 1).then_some(index);
            let (image, dockerfile) = self.new_image(number, folder, names);
            files.insert(image.dockerfile.clone(), dockerfile);
            images.push(image);
        }
        names.extend(images.iter().map(|image| image.name.clone()));
        let head = self.commit();
        self.repos.push(Repo {
            name: RepoName::parse(&format!("r{number}")).unwrap(),
            images,
            files,
            ci: BTreeMap::from([(head.clone(), Said::Passed)]),
            head,
            head_since: self.now - 86_400,
            branches: BTreeMap::new(),
            mrs: Vec::new(),
        });
        self.publish(number);
        self.builds.clear();
    }

    /// An image and its Dockerfile, on some of these.
    fn new_image(
        &mut self,
        repo: usize,
        folder: Option<usize>,
        names: &[ImageName],
    ) -> (Image, Vec<u8>) {
        let known = names.len() as u64;
        let (name, folder) = match folder {
            None => (format!("{HOST}/r{repo}"), String::new()),
            Some(index) => (format!("{HOST}/r{repo}/i{index}"), format!("i{index}/")),
        };
        let name = ImageName::parse(&name).unwrap();
        let mut parents: BTreeSet<ImageName> = BTreeSet::new();
        // The first images stand on what comes from outside, the others on each other: sometimes far up.
        if known == 0 || self.dice.percent(10) {
            let outside = self.dice.roll(self.outside.len() as u64);
            parents.insert(self.outside[outside as usize].clone());
        } else {
            for _ in 0..=self.dice.roll(3) {
                let near = known.min(6);
                let from = match self.dice.percent(70) {
                    true => known - 1 - self.dice.roll(near),
                    false => self.dice.roll(known),
                };
                parents.insert(names[from as usize].clone());
            }
        }
        let in_one_line = parents.len() > 2 && self.dice.percent(75);
        let references = parents.iter().map(|parent| {
            let (tag, digest) = self.newest(parent);
            format!("{parent}:{tag}@{digest}")
        });
        let text = dockerfile(&references.collect::<Vec<_>>(), in_one_line);
        let image = Image {
            name,
            dockerfile: RepoPath::parse(&format!("{folder}Dockerfile")).unwrap(),
            version: 0,
            built: Vec::new(),
        };
        (image, text.into_bytes())
    }

    /// One more image in a repository that has several: on what stands on its others, too, so that the family goes in
    /// and out of the repository.
    fn grow(&mut self, repo: usize, names: &mut Vec<ImageName>) {
        let own: BTreeSet<ImageName> = self.repos[repo]
            .images
            .iter()
            .map(|image| image.name.clone())
            .collect();
        let others: Vec<ImageName> = names
            .iter()
            .filter(|name| !own.contains(*name))
            .cloned()
            .collect();
        let (image, dockerfile) = self.new_image(repo, Some(own.len()), &others);
        names.push(image.name.clone());
        let it = &mut self.repos[repo];
        it.files.insert(image.dockerfile.clone(), dockerfile);
        it.images.push(image);
        self.publish(repo);
        self.builds.clear();
    }

    fn commit(&mut self) -> CommitId {
        self.count += 1;
        CommitId::parse(&format!("{:040x}", self.count)).unwrap()
    }

    pub(super) fn newest(&self, image: &ImageName) -> (String, Digest) {
        self.registry[image].last().unwrap().clone()
    }

    fn push(&mut self, image: &ImageName, tag: &str) {
        self.count += 1;
        let digest = Digest::sha256(format!("{image} {tag} {}", self.count).as_bytes());
        *self.pushes.entry(image.clone()).or_default() += 1;
        let tags = self.registry.entry(image.clone()).or_default();
        tags.retain(|(known, _)| known != tag);
        tags.push((tag.to_owned(), digest));
    }

    pub(super) fn tell(&mut self, what: impl std::fmt::Display) {
        let minutes = (self.now - Self::START) / MINUTE;
        self.story.push(format!("{minutes:>6} min  {what}"));
    }

    fn at(&mut self, seconds: i64, event: Event) {
        self.count += 1;
        self.events.insert((self.now + seconds, self.count, event));
    }

    /// Something new comes from outside: all of it, or one image.
    pub(super) fn release(&mut self, which: Option<usize>) {
        for (index, image) in self.outside.clone().into_iter().enumerate() {
            if which.is_some_and(|which| which % self.outside.len() != index) {
                continue;
            }
            let (tag, _) = self.newest(&image);
            let minor: u64 = tag.split('.').nth(1).unwrap().parse().unwrap();
            // Some are pushed again under the same tag.
            let tag = match self.dice.percent(25) {
                true => tag,
                false => format!("1.{}.0", minor + 1),
            };
            self.push(&image, &tag);
            self.tell(format!("{image}:{tag} is released"));
        }
    }

    pub(super) fn outside(&self) -> &[ImageName] {
        &self.outside
    }

    /// The next time at which something happens.
    pub(super) fn next(&self) -> Option<i64> {
        self.events.first().map(|(at, ..)| *at)
    }

    pub(super) fn wake_in(&mut self, seconds: i64) {
        self.at(seconds, Event::Wakes);
    }

    /// Everything happens that does so until then.
    pub(super) fn advance(&mut self, until: i64) {
        while let Some((at, _, event)) = self.events.first().cloned() {
            if at > until {
                break;
            }
            self.events.pop_first();
            self.now = at;
            self.happen(event);
        }
        self.now = until;
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Begins(repo, head) if self.repos[repo].head == head => {
                self.repos[repo].ci.insert(head.clone(), Said::Running);
                let fails = self.dice.percent(self.weather.fails);
                let (build, rest) = (self.dice.minutes(2, 20), self.dice.minutes(0, 10));
                // Some fail before anything is published, some behind it.
                if !fails || self.dice.percent(50) {
                    self.at(build, Event::Publishes(repo, head.clone()));
                }
                self.at(build + rest, Event::Ends(repo, head, fails));
            }
            Event::Publishes(repo, head) if self.repos[repo].head == head => self.publish(repo),
            Event::Ends(repo, head, failed) if self.repos[repo].head == head => {
                let said = if failed { Said::Failed } else { Said::Passed };
                let name = self.repos[repo].name.clone();
                self.tell(format!("{name}: the pipeline of main ends: {said:?}"));
                self.repos[repo].ci.insert(head.clone(), said);
                if failed {
                    let later = self.dice.minutes(20, 240);
                    self.at(later, Event::Begins(repo, head));
                }
            }
            Event::BranchEnds(repo, head, failed) => self.branch_ends(repo, head, failed),
            Event::Merges(repo, number, head) => self.merge(repo, number, &head),
            Event::Begins(..) | Event::Publishes(..) | Event::Ends(..) | Event::Wakes => {}
        }
    }

    /// Builds and publishes every image whose Dockerfile is not that of the published one.
    fn publish(&mut self, repo: usize) {
        for index in 0..self.repos[repo].images.len() {
            let image = &self.repos[repo].images[index];
            let (name, file) = (
                image.name.clone(),
                self.repos[repo].files[&image.dockerfile].clone(),
            );
            if image.built == file {
                continue;
            }
            let tag = format!("1.0.{}", image.version);
            self.push(&name, &tag);
            self.tell(format!("{name}:{tag} is published"));
            self.builds.push(name);
            let image = &mut self.repos[repo].images[index];
            image.version += 1;
            image.built = file;
        }
    }

    /// The bot or a person pushed to a branch.
    pub(super) fn pushed(&mut self, repo: usize, branch: &Branch, ours: Ours) {
        let head = ours.head.clone();
        self.repos[repo].ci.insert(head.clone(), Said::Running);
        self.repos[repo].branches.insert(branch.clone(), ours);
        let fails = self.dice.percent(self.weather.fails);
        let later = self.dice.minutes(2, 15);
        self.at(later, Event::BranchEnds(repo, head, fails));
    }

    pub(super) fn new_head(&mut self) -> CommitId {
        self.commit()
    }

    fn branch_ends(&mut self, repo: usize, head: CommitId, failed: bool) {
        let branch = self.repos[repo].branches.iter();
        let branch = branch.clone().find(|(_, ours)| ours.head == head);
        let Some(branch) = branch.map(|(branch, _)| branch.clone()) else {
            return;
        };
        let name = self.repos[repo].name.clone();
        let said = if failed { Said::Failed } else { Said::Passed };
        self.tell(format!("{name}: the pipeline of {branch} ends: {said:?}"));
        self.repos[repo].ci.insert(head.clone(), said);
        if failed {
            let later = self.dice.minutes(20, 240);
            return self.at(later, Event::BranchEnds(repo, head, false));
        }
        let mrs = self.repos[repo].mrs.iter();
        let open = mrs
            .clone()
            .find(|mr| mr.source == branch && mr.state == MergeRequestState::Open);
        let Some(number) = open.map(|mr| mr.number) else {
            return;
        };
        if self.dice.percent(self.weather.meddles) {
            return self.meddle(repo, number, &branch);
        }
        let later = self.dice.minutes(1, 30);
        self.at(later, Event::Merges(repo, number, head));
    }

    /// A person closes a merge request, or pushes to its branch.
    fn meddle(&mut self, repo: usize, number: u64, branch: &Branch) {
        let name = self.repos[repo].name.clone();
        if self.dice.percent(50) {
            self.tell(format!("{name}: a person closes {number}"));
            self.mr(repo, number).state = MergeRequestState::Closed;
            return;
        }
        self.tell(format!("{name}: a person pushes to {branch}"));
        let head = self.commit();
        let mut ours = self.repos[repo].branches[branch].clone();
        for file in ours.files.values_mut() {
            file.extend(b"RUN fixed by a person\n");
        }
        ours.head = head.clone();
        ours.changes = None;
        self.mr(repo, number).head = Some(head);
        let weather = std::mem::replace(&mut self.weather, Weather::FINE);
        self.pushed(repo, branch, ours);
        self.weather = weather;
    }

    pub(super) fn mr(&mut self, repo: usize, number: u64) -> &mut MergeRequest {
        let mut mrs = self.repos[repo].mrs.iter_mut();
        mrs.find(|mr| mr.number == number).unwrap()
    }

    fn merge(&mut self, repo: usize, number: u64, head: &CommitId) {
        let mr = self.mr(repo, number).clone();
        let branch = self.repos[repo].branches.get(&mr.source).cloned();
        let Some(ours) = branch.filter(|ours| ours.head == *head) else {
            return;
        };
        if mr.state != MergeRequestState::Open {
            return;
        }
        let changed: Vec<(RepoPath, Vec<u8>)> = ours
            .files
            .iter()
            .filter(|(path, file)| ours.base.get(*path) != Some(file))
            .map(|(path, file)| (path.clone(), file.clone()))
            .collect();
        let there = &self.repos[repo].files;
        if changed
            .iter()
            .any(|(path, _)| there.get(path) != ours.base.get(path))
        {
            return; // In conflict: the bot writes it anew.
        }
        let commit = self.commit();
        let now = self.now;
        let name = self.repos[repo].name.clone();
        self.tell(format!("{name}: {number} is merged"));
        let it = &mut self.repos[repo];
        it.files.extend(changed);
        it.head = commit.clone();
        it.head_since = now;
        it.branches.remove(&mr.source);
        self.mr(repo, number).state = MergeRequestState::Merged;
        let late = self.dice.minutes(0, 5);
        self.at(late, Event::Begins(repo, commit));
        self.wake_in(10 * MINUTE);
    }

    /// Every person who works on a branch of the bot's is done: what is theirs is closed, and the branch is gone.
    pub(super) fn people_go_home(&mut self) {
        for repo in 0..self.repos.len() {
            let theirs = self.repos[repo].branches.iter();
            let theirs: Vec<Branch> = theirs
                .filter(|(_, ours)| ours.changes.is_none())
                .map(|(branch, _)| branch.clone())
                .collect();
            for branch in theirs {
                self.repos[repo].branches.remove(&branch);
                for mr in self.repos[repo]
                    .mrs
                    .iter_mut()
                    .filter(|mr| mr.source == branch)
                {
                    if mr.state == MergeRequestState::Open {
                        mr.state = MergeRequestState::Closed;
                    }
                }
            }
        }
    }

    /// Whether something is coming in a repository: the world's own truth, not what the bot knows.
    pub(super) fn is_coming(&self, repo: usize, image: &Image) -> Option<String> {
        let it = &self.repos[repo];
        match it.ci.get(&it.head) {
            None => return Some(format!("{}: its pipeline has not begun", it.name)),
            Some(Said::Running) => return Some(format!("{}: its pipeline runs", it.name)),
            Some(Said::Passed | Said::Failed) => {}
        }
        let open = it.mrs.iter().find(|mr| {
            let failed = mr.head.as_ref().and_then(|head| it.ci.get(head)) == Some(&Said::Failed);
            let paths = block_of(&mr.description).map(|block| block.state.changes);
            let touches = paths.is_some_and(|changes| changes.paths().contains(&image.dockerfile));
            mr.state == MergeRequestState::Open && !failed && touches
        });
        open.map(|mr| format!("{}: {} is open", it.name, mr.number))
    }

    pub(super) fn has_failed(&self, repo: usize) -> bool {
        let it = &self.repos[repo];
        it.ci.get(&it.head) == Some(&Said::Failed)
    }

    /// The repository and the image of a name.
    pub(super) fn find(&self, name: &ImageName) -> Option<(usize, &Image)> {
        let mut repos = self.repos.iter().enumerate();
        repos.find_map(|(repo, it)| {
            let image = it.images.iter().find(|image| image.name == *name)?;
            Some((repo, image))
        })
    }

    /// The parents that an image's Dockerfile on `main` names, with tag and digest.
    pub(super) fn parents(&self, repo: usize, image: &Image) -> Vec<(ImageName, String, Digest)> {
        parents_in(&self.repos[repo].files[&image.dockerfile])
    }
}

/// A Dockerfile on these, with all but the first in instructions of their own or in one.
fn dockerfile(references: &[String], in_one_line: bool) -> String {
    let Some((first, others)) = references.split_first() else {
        return "FROM scratch\n".to_owned();
    };
    let others: Vec<String> = match in_one_line {
        true => {
            let mounts = others.iter().enumerate();
            let mounts =
                mounts.map(|(index, it)| format!("--mount=type=bind,from={it},target=/m{index} "));
            vec![format!("RUN {}true\n", mounts.collect::<String>())]
        }
        false => {
            let copies = others.iter();
            copies
                .map(|it| format!("COPY --from={it} /x /\n"))
                .collect()
        }
    };
    format!("FROM {first}\n{}", others.concat())
}

/// The references of a Dockerfile as this world writes it.
pub(super) fn parents_in(file: &[u8]) -> Vec<(ImageName, String, Digest)> {
    let text = String::from_utf8_lossy(file);
    let words = text.split([' ', '=', ',', '\n']).filter_map(|word| {
        let (name, digest) = word.split_once('@')?;
        let (name, tag) = name.rsplit_once(':')?;
        Some((
            ImageName::parse(name).unwrap(),
            tag.to_owned(),
            Digest::parse(digest).unwrap(),
        ))
    });
    words.collect()
}
