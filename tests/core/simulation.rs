//! The core against an unkind world: random families, failures, lost answers, restarts, and people.
//!
//! A seed is a family and a story. `IMAGEBOT_SEED=17 cargo test --test core simulation -- --nocapture` tells one again;
//! `IMAGEBOT_SEEDS=10000` plays so many instead of 20.

#[path = "simulation/bot.rs"]
mod bot;
#[path = "simulation/world.rs"]
mod world;

use bot::{Bot, Done, Trouble};
use imagebot::image::ImageName;
use imagebot::repo::MergeRequestState;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use world::{Dice, Weather, World, parents_in};

const MINUTE: i64 = 60;
/// A pass every so often, if something happened since.
const EVERY: i64 = 5 * MINUTE;
/// A family that is not at rest by then never will be.
const TOO_LONG: i64 = 60 * 86_400;

/// The most images that a seed's family may have.
fn most_images(seed: u64) -> u64 {
    match seed % 100 {
        39 => 200,
        some if some % 10 == 1 => 30,
        _ => 8,
    }
}

struct Play {
    seed: u64,
    world: World,
    bot: Bot,
    /// Whether the invariant of hold is looked at.
    holds: bool,
}

impl Play {
    fn new(seed: u64, holds: bool) -> Self {
        Self {
            seed,
            world: World::new(seed, most_images(seed)),
            bot: Bot::new(holds, None),
            holds,
        }
    }

    /// Plays until nothing happens any more, or until then. `unkind`: how likely answers are lost and the bot dies, of a
    /// hundred.
    fn play(&mut self, unkind: u64, until: i64) -> Result<(), String> {
        let start = self.world.now;
        let mut dirty = true;
        loop {
            if dirty {
                let done = self.pass(unkind)?;
                dirty = !done.lines.is_empty() || done.disturbed;
                if !dirty {
                    self.nothing_is_done_twice()?;
                }
            }
            let next = match (dirty, self.world.next()) {
                (true, _) => self.world.now + EVERY,
                // On the grid of cron.
                (false, Some(at)) => at + EVERY - at % EVERY,
                (false, None) => return Ok(()),
            };
            if next > until {
                self.world.advance(until);
                return Ok(());
            }
            self.world.advance(next);
            dirty = true;
            if self.world.now - start > TOO_LONG {
                return Err("it never comes to rest".to_owned());
            }
        }
    }

    fn pass(&mut self, unkind: u64) -> Result<Done, String> {
        let mut trouble = Trouble::default();
        let images: Vec<ImageName> = self.world.registry.keys().cloned().collect();
        for image in images {
            if self.world.dice.percent(unkind / 4) {
                trouble.lost.insert(image);
            }
        }
        if self.world.dice.percent(unkind) {
            let writes = self.world.dice.roll(6);
            trouble.dies = Some(writes as usize);
        }
        if self.world.dice.percent(unkind) {
            self.bot.forget();
        }
        let open_before = self.open();
        let mut done = self.bot.pass(&mut self.world, &trouble);
        done.disturbed = !trouble.lost.is_empty() || trouble.dies.is_some();
        self.one_open_of_each_key()?;
        if !trouble.lost.is_empty() {
            let closed = open_before.difference(&self.open()).count();
            let told = done
                .lines
                .iter()
                .filter(|line| line.contains(": close "))
                .count();
            if closed > told {
                return Err("something vanished that nobody closed".to_owned());
            }
        }
        self.never_backwards(&done)?;
        if self.holds {
            self.nothing_is_coming(&done)?;
        }
        Ok(done)
    }

    fn open(&self) -> BTreeSet<(usize, u64)> {
        let repos = self.world.repos.iter().enumerate();
        let open = repos.flat_map(|(repo, it)| {
            let open = it
                .mrs
                .iter()
                .filter(|mr| mr.state == MergeRequestState::Open);
            open.map(move |mr| (repo, mr.number))
        });
        open.collect()
    }

    /// Invariant 4: a second pass with nothing changed does nothing.
    fn nothing_is_done_twice(&mut self) -> Result<(), String> {
        let done = self.bot.pass(&mut self.world, &Trouble::default());
        match done.lines.first() {
            None => Ok(()),
            Some(line) => Err(format!("the second pass does something: {line}")),
        }
    }

    /// Invariant 6: at most one open merge request of each key.
    fn one_open_of_each_key(&self) -> Result<(), String> {
        for it in &self.world.repos {
            let mut seen = BTreeSet::new();
            let open = it
                .mrs
                .iter()
                .filter(|mr| mr.state == MergeRequestState::Open);
            for mr in open {
                if !seen.insert(&mr.source) {
                    return Err(format!("{}: two open ones from {}", it.name, mr.source));
                }
            }
        }
        Ok(())
    }

    /// Invariant 7: never a downgrade, and nothing that is not in the registry.
    fn never_backwards(&self, done: &Done) -> Result<(), String> {
        for (repo, path, image, digest) in &done.proposed {
            let tags = &self.world.registry[image];
            let to = tags.iter().position(|(_, known)| known == digest);
            let main = parents_in(&self.world.repos[*repo].files[path]);
            let from = main.iter().find(|(name, ..)| name == image);
            let from = from.and_then(|(_, tag, _)| tags.iter().position(|(known, _)| known == tag));
            if to.is_none() || from > to {
                return Err(format!("{image} goes from {from:?} to {to:?}"));
            }
        }
        Ok(())
    }

    /// Nothing new is proposed for an image while something is coming above it, or its parent has failed: by the
    /// world's own truth, behind the pass.
    fn nothing_is_coming(&self, done: &Done) -> Result<(), String> {
        let mut known: BTreeMap<ImageName, Option<String>> = BTreeMap::new();
        for (repo, path, parent, _) in &done.proposed {
            let Some((parent_repo, _)) = self.world.find(parent) else {
                continue;
            };
            if self.world.has_failed(parent_repo) {
                let it = &self.world.repos[*repo].name;
                return Err(format!("{it} takes {parent}, whose pipeline failed"));
            }
            let images = self.world.repos[*repo].images.iter();
            for image in images.filter(|image| image.dockerfile == *path) {
                let mut seen: BTreeSet<ImageName> = BTreeSet::new();
                let mut next: Vec<ImageName> = self.parents(&image.name);
                while let Some(name) = next.pop() {
                    let Some((above, it)) = self.world.find(&name) else {
                        continue;
                    };
                    if !seen.insert(name.clone()) {
                        continue;
                    }
                    let coming = known
                        .entry(name.clone())
                        .or_insert_with(|| self.world.is_coming(above, it));
                    if let Some(what) = coming.as_ref().filter(|_| above != *repo) {
                        return Err(format!(
                            "{} is proposed on {parent} although {what}",
                            image.name
                        ));
                    }
                    next.extend(self.parents(&name));
                }
            }
        }
        Ok(())
    }

    fn parents(&self, image: &ImageName) -> Vec<ImageName> {
        let found = self.world.find(image);
        let parents = found.map(|(repo, image)| self.world.parents(repo, image));
        parents
            .into_iter()
            .flatten()
            .map(|(name, ..)| name)
            .collect()
    }

    /// Every image is built on the newest of its parents.
    fn all_is_current(&self) -> Result<(), String> {
        for (repo, it) in self.world.repos.iter().enumerate() {
            for image in &it.images {
                for (parent, tag, digest) in self.world.parents(repo, image) {
                    if self.world.newest(&parent) != (tag.clone(), digest) {
                        return Err(format!("{} still stands on {parent}:{tag}", image.name));
                    }
                }
            }
        }
        match self.open().first() {
            None => Ok(()),
            Some((repo, number)) => Err(format!(
                "{number} of {} stays open",
                self.world.repos[*repo].name
            )),
        }
    }

    /// A release that nothing disturbs: every image above which something is new is built once, and no other.
    fn undisturbed(&mut self, which: Option<usize>) -> Result<(), String> {
        self.world.weather = Weather::FINE;
        self.world.builds.clear();
        self.world.release(which);
        let outside = self.world.outside();
        let released = outside.iter().enumerate();
        let released =
            released.filter(|(index, _)| which.is_none_or(|which| which % outside.len() == *index));
        let mut changed: BTreeSet<ImageName> = released.map(|(_, name)| name.clone()).collect();
        let images = self.world.repos.iter().flat_map(|it| &it.images);
        let images: Vec<&ImageName> = images.map(|image| &image.name).collect();
        loop {
            let stands = |image: &&&ImageName| {
                let mut parents = self.parents(image).into_iter();
                !changed.contains(**image) && parents.any(|parent| changed.contains(&parent))
            };
            let more: Vec<&ImageName> = images.iter().filter(stands).copied().collect();
            if more.is_empty() {
                break;
            }
            changed.extend(more.into_iter().cloned());
        }
        let needed = images.into_iter().cloned();
        let needed: BTreeMap<ImageName, usize> = needed
            .map(|image| (image.clone(), usize::from(changed.contains(&image))))
            .collect();
        self.play(0, i64::MAX)?;
        self.all_is_current()?;
        for (image, needed) in needed {
            let done = self
                .world
                .builds
                .iter()
                .filter(|name| **name == image)
                .count();
            if done != needed {
                return Err(format!(
                    "{image} was built {done} times, and {needed} were needed"
                ));
            }
        }
        Ok(())
    }

    /// The whole story: an undisturbed release, bad weather, everybody goes home, and two undisturbed ones.
    fn story(&mut self) -> Result<(), String> {
        self.undisturbed(None)?;
        self.world.weather = Weather {
            fails: self.world.dice.roll(40),
            meddles: self.world.dice.roll(15),
        };
        for _ in 0..1 + self.world.dice.roll(3) {
            let which = self.world.dice.roll(5) as usize;
            self.world.release(Some(which));
            // The next one may come while the family is still busy with this one.
            let pause = self.world.dice.roll(240) as i64 * MINUTE;
            let until = self.world.now + pause;
            let unkind = self.world.dice.roll(30);
            self.play(unkind, until)?;
        }
        self.play(10, i64::MAX)?;
        self.world.weather = Weather::FINE;
        self.world.people_go_home();
        self.play(0, i64::MAX)?;
        self.undisturbed(None)?;
        let which = self.world.dice.roll(5) as usize;
        self.undisturbed(Some(which))
    }

    /// Tells the story with its moral, and how to hear it again.
    fn told(&self, moral: &str) -> String {
        let seed = self.seed;
        let repos = self.world.repos.iter();
        let files = repos.map(|it| {
            let files = it.files.iter();
            let files = files.map(|(path, text)| {
                format!(
                    "  {path}: {}",
                    String::from_utf8_lossy(text).trim().replace('\n', " | ")
                )
            });
            format!("{}\n{}", it.name, files.collect::<Vec<_>>().join("\n"))
        });
        format!(
            "seed {seed}: {moral}\n\n{}\n\n{}\n\nIMAGEBOT_SEED={seed} cargo test --test core simulation -- --nocapture",
            files.collect::<Vec<_>>().join("\n"),
            self.world.story.join("\n"),
        )
    }
}

fn next(seeds: &Mutex<Vec<u64>>) -> Option<u64> {
    seeds.lock().unwrap_or_else(PoisonError::into_inner).pop()
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is not a number: {text}")),
    )
}

#[test]
fn every_image_is_built_once_whatever_happens() {
    let mut seeds: Vec<u64> = match number("IMAGEBOT_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("IMAGEBOT_SEEDS").unwrap_or(20)).collect(),
    };
    // From the end: the large families first, so that neither thread is left alone with one.
    seeds.sort_by_key(|seed| most_images(*seed));
    let alone = seeds.len() == 1;
    let seeds = Mutex::new(seeds);
    let play = || {
        let mut builds = 0;
        while let Some(seed) = next(&seeds) {
            let mut play = Play::new(seed, true);
            if let Err(moral) = play.story() {
                panic!("{}", play.told(&moral));
            }
            if alone {
                println!("{}", play.told("all is well"));
            }
            builds += play.world.builds.len();
        }
        builds
    };
    let builds = std::thread::scope(|scope| {
        let some = scope.spawn(play);
        play() + some.join().expect("these have told their stories")
    });
    assert!(builds > 0);
}

/// Some images use two others in one instruction, in the stories that are told by default too.
#[test]
fn one_instruction_may_hold_two_references() {
    let worlds = (0..20).map(|seed| World::new(seed, most_images(seed)));
    let files = worlds.flat_map(|world| world.repos.into_iter().flat_map(|it| it.files));
    let texts = files.map(|(_, contents)| String::from_utf8(contents).unwrap());
    let with_two = texts.filter(|text| text.lines().any(|line| line.matches("from=").count() > 1));
    let count = with_two.count();
    assert!(count > 3, "{count}");
}

/// Invariant 13: looks at single repositories, in any order, repeated or left out, and then at all that were left out,
/// end where one pass over the whole fleet ends.
#[test]
fn looks_at_parts_in_any_order_end_where_a_whole_pass_ends() {
    let mut looks = 0;
    for seed in 0..number("IMAGEBOT_SEEDS").unwrap_or(20) {
        let begun = || {
            let mut play = Play::new(seed, true);
            play.world.weather = Weather {
                fails: seed % 40,
                meddles: seed % 15,
            };
            play.world.release(None);
            // The family is in the middle of it.
            let until = play.world.now + (seed as i64 % 9) * 17 * MINUTE;
            play.play(0, until).unwrap();
            play.world.release(Some(seed as usize));
            play
        };
        let (mut whole, mut parts) = (begun(), begun());
        while !whole
            .bot
            .pass(&mut whole.world, &Trouble::default())
            .lines
            .is_empty()
        {}
        let mut dice = Dice(seed);
        let repos = parts.world.repos.len();
        let mut left: Vec<usize> = (0..repos).collect();
        for _ in 0..repos {
            let repo = dice.roll(repos as u64) as usize;
            parts.bot.look_at(&mut parts.world, repo);
            left.retain(|other| *other != repo);
            looks += 1;
            if dice.percent(20) {
                parts.bot.forget();
            }
        }
        while !left.is_empty() {
            let repo = left.remove(dice.roll(left.len() as u64) as usize);
            parts.bot.look_at(&mut parts.world, repo);
        }
        let there = |play: &Play| {
            let mut all: BTreeMap<(String, String), String> = BTreeMap::new();
            for it in &play.world.repos {
                for mr in it
                    .mrs
                    .iter()
                    .filter(|mr| mr.state == MergeRequestState::Open)
                {
                    let key = (it.name.to_string(), mr.source.to_string());
                    all.insert(key, mr.description.clone());
                }
            }
            all
        };
        assert_eq!(there(&parts), there(&whole), "seed {seed}");
        // Nothing is left to be done, wherever one looks.
        let last = parts.bot.pass(&mut parts.world, &Trouble::default());
        assert_eq!(last.lines, Vec::<String>::new(), "seed {seed}");
    }
    assert!(looks > 0);
}

/// Without hold a diamond's bottom is built more than once: the simulation can tell.
#[test]
fn without_hold_something_is_built_twice() {
    let failing = (0..40).find(|seed| {
        let mut play = Play::new(*seed, false);
        play.undisturbed(None)
            .is_err_and(|moral| moral.contains("was built"))
    });
    assert!(failing.is_some());
}

#[test]
fn the_dice_fall_the_same_way_again() {
    let rolls = |seed| {
        let mut dice = Dice(seed);
        [dice.roll(100), dice.roll(100), dice.roll(100)]
    };
    assert_eq!(rolls(7), rolls(7));
    assert_ne!(rolls(7), rolls(8));
}
