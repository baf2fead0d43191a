//! The hostile rows: what is in the repository `evil`, and what its registry does.

use crate::fake_registry::{FakeRegistry, Fault};
use crate::git_repos::write_program;
use crate::world::World;
use std::fmt::Write as _;

/// What a row keeps alive while the pass runs.
pub(super) type Kept = Option<FakeRegistry>;

type Files = Vec<(String, String)>;

/// What a row does besides committing its files.
enum More {
    Nothing,
    /// A second registry, and what it does: its host is put in for `HOST`.
    Registry(fn(&FakeRegistry)),
    /// A hook of the hostile repository.
    Hook(&'static str),
}

/// A hostile repository.
pub(super) struct Row {
    pub(super) name: &'static str,
    /// What the output has to say of it.
    pub(super) says: Option<&'static str>,
    files: Files,
    more: More,
    /// What the operator's configuration says besides.
    config: &'static str,
}

impl Row {
    fn new(
        name: &'static str,
        says: &'static str,
        files: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Self {
        let files = files
            .into_iter()
            .map(|(path, text)| (path.to_owned(), text));
        Self {
            name,
            says: Some(says).filter(|says| !says.is_empty()),
            files: files.collect(),
            more: More::Nothing,
            config: "",
        }
    }

    /// Commits the files, beside an ordinary Dockerfile, and starts what the row needs.
    pub(super) async fn prepare(&self, world: &World) -> Kept {
        let registry = match self.more {
            More::Registry(act) => {
                let registry = FakeRegistry::start().await;
                act(&registry);
                Some(registry)
            }
            _ => None,
        };
        let host = registry
            .as_ref()
            .map(|registry| registry.host().to_string());
        if let Some(host) = &host {
            let registries = [world.server.host().to_string(), host.clone()].map(|host| {
                format!("[[registry]]\nhost = \"{host}\"\nplain_http = true\nrate = \"10000/s\"\n")
            });
            world.configure_all(&format!("{}{}", registries.concat(), self.config));
        } else if !self.config.is_empty() {
            world.configure(self.config);
        }
        let own = world.image("x");
        let put_in = |text: &str| {
            text.replace("HOST", host.as_deref().unwrap_or("nowhere.example"))
                .replace("IMAGE", &own)
                .replace("BASE", &world.image("base"))
        };
        world.repo("evil", "FROM scratch\n");
        let files: Vec<(&str, String)> = self
            .files
            .iter()
            .map(|(path, text)| (path.as_str(), put_in(text)))
            .collect();
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| (*path, "100644", text.as_bytes()))
            .collect();
        world.commit_files("evil", "main", &files, "hostile\n");
        if let More::Hook(script) = self.more {
            let hook = world.dir("evil").join("hooks/pre-receive");
            std::fs::create_dir_all(hook.parent().expect("a folder")).expect("a folder");
            write_program(&hook, script);
        }
        registry
    }
}

const DOCKERFILE: &str = "Dockerfile";
const OWN: &str = "imagebot.toml";

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).fold(String::new(), |mut text, number| {
        let _ = writeln!(text, "{}", line(number));
        text
    })
}

pub(super) fn b1_a_glob_of_twenty_thousand_levels() -> Row {
    let glob = format!("{}{}", "{a,".repeat(20_000), "}".repeat(20_000));
    Row::new(
        "a deep glob",
        "at most 1000 are allowed",
        [(OWN, format!("include = ['{glob}']\n"))],
    )
}

pub(super) fn b2_a_mebibyte_of_from_lines_of_one_image() -> Row {
    Row::new(
        "FROM a",
        "too-many-references",
        [(DOCKERFILE, "FROM a\n".repeat(149_000))],
    )
}

pub(super) fn b2_a_mebibyte_of_from_lines_of_different_images() -> Row {
    Row::new(
        "many images",
        "too-many-references",
        [(DOCKERFILE, lines(30_000, |n| format!("FROM IMAGE{n}:1.0")))],
    )
}

pub(super) fn b2_one_instruction_with_twenty_thousand_mounts() -> Row {
    let mounts: String = (0..20_000)
        .map(|n| format!(" --mount=type=bind,from=IMAGE{n}:1"))
        .collect();
    Row::new(
        "mounts",
        "too-many-references",
        [(DOCKERFILE, format!("FROM scratch\nRUN{mounts} true\n"))],
    )
}

pub(super) fn b2_eighteen_thousand_rules_and_twenty_thousand_references() -> Row {
    let rules = "[[rule]]\nimages=['**/x']\nmax='minor'\n".repeat(18_000);
    Row::new(
        "rules",
        "the limit is 131072",
        [(OWN, rules), (DOCKERFILE, "FROM IMAGE:1\n".repeat(20_000))],
    )
}

pub(super) fn b2_forty_thousand_patterns() -> Row {
    let patterns = "'/\\w{50}x/',".repeat(9_000);
    Row::new(
        "patterns",
        "more than 1000 entries",
        [(OWN, format!("[[rule]]\nmax='minor'\nignore=[{patterns}]\n"))],
    )
}

pub(super) fn b2_a_hundred_thousand_unknown_keys() -> Row {
    Row::new(
        "unknown keys",
        "more problems",
        [(OWN, lines(12_000, |n| format!("k{n}=1")))],
    )
}

pub(super) fn b2_five_thousand_comments_with_regular_expressions() -> Row {
    let one = |n: usize| format!("# imagebot: allow=/(a|b){{40}}x{n}/\nFROM IMAGE:1.0");
    Row::new("comments", "", [(DOCKERFILE, lines(5_000, one))])
}

pub(super) fn b2_twenty_thousand_images_in_a_gipgee_file() -> Row {
    let image = |n: usize| {
        format!(
            "  i{n}:\n    container_file: Containerfile\n    base_image: IMAGE{n}\n    base_image_tag: '1'"
        )
    };
    let text = format!("version: 1\nimages:\n{}", lines(20_000, image));
    Row::new("gipgee", "", [("gipgee.yml", text)])
}

pub(super) fn b2_five_thousand_dockerfiles() -> Row {
    let mut row = Row::new("Dockerfiles", "too-many-references", []);
    row.files = (0..5_000)
        .map(|n| (format!("d{n}/Dockerfile"), format!("FROM IMAGE{n}:1.0\n")))
        .collect();
    row
}

pub(super) fn b3_a_circle_of_a_thousand_own_images() -> Row {
    let image = |n: usize| format!("[[image]]\nname = 'IMAGE{n}'\ncontext = 'd{n}'");
    let mut row = Row::new("a circle", "", [(OWN, lines(990, image))]);
    row.files.extend((0..990).map(|n| {
        (
            format!("d{n}/Dockerfile"),
            format!("FROM IMAGE{}:1.0\n", (n + 1) % 990),
        )
    }));
    row
}

pub(super) fn b3_a_reference_of_a_mebibyte() -> Row {
    let long = "x".repeat(1_000_000);
    Row::new(
        "a long reference",
        "",
        [
            (DOCKERFILE, format!("FROM IMAGE/{long}:1.0\n")),
            ("y/Dockerfile", format!("FROM $A{long}\n")),
        ],
    )
}

pub(super) fn b3_a_list_of_four_mebibytes_of_projects() -> Row {
    Row::new(
        "a list of projects",
        "",
        [(
            ".gitlab-deps",
            lines(40_000, |n| format!("team/project{n}")),
        )],
    )
}

fn slow(name: &'static str, says: &'static str, act: fn(&FakeRegistry)) -> Row {
    let from = lines(30, |n| format!("FROM HOST/slow{n}:1.0.0"));
    Row {
        more: More::Registry(act),
        config: "[budget]\nlookup_time = \"6 s\"\nhost_time = \"12 s\"\n",
        ..Row::new(name, says, [(DOCKERFILE, from)])
    }
}

pub(super) fn b4_a_registry_that_asks_for_a_minute_each_time() -> Row {
    slow("Retry-After", "timed out after 6 s", |registry| {
        registry.fail("GET /v2/", usize::MAX, Fault::retry_after(429, "60"));
    })
}

pub(super) fn b4_a_registry_that_sends_a_page_and_stalls() -> Row {
    slow("stalled", "timed out after 6 s", |registry| {
        (0..30)
            .for_each(|n| drop(registry.push(&format!("slow{n}"), "1.0.0", serde_json::json!({}))));
        registry.fail("GET /v2/", usize::MAX, Fault::Stall);
    })
}

pub(super) fn b5_four_thousand_newer_tags_that_are_gone() -> Row {
    Row {
        more: More::Registry(|registry| {
            registry.push("gone", "1.0.0", serde_json::json!({}));
            registry.list(
                "gone",
                (0..4_000)
                    .map(|n| format!("1.{n}.1"))
                    .chain(["1.0.0".to_owned()]),
            );
        }),
        ..Row::new(
            "gone tags",
            "over-budget",
            [(DOCKERFILE, "FROM HOST/gone:1.0.0\n".to_owned())],
        )
    }
}

pub(super) fn a_hundred_and_fifty_thousand_hostile_tags() -> Row {
    Row {
        more: More::Registry(|registry| {
            registry.push("tags", "1.0.0-a1-b1", serde_json::json!({}));
            let tag = |n: usize| match n % 5 {
                0 => format!("1.{n}.0-a{n}-b{n}_{n}.{n}-{n}"),
                1 => format!("{n}.{n}.{n}.{n}.{n}-rc{n}-alpine{n}.{n}"),
                2 => format!("{}{n}", "1.".repeat(50)),
                3 => format!("x{}-{n}", "-1".repeat(50)),
                _ => format!("1.0.{n}-a1-b1"),
            };
            registry.list(
                "tags",
                (0..150_000).map(tag).chain(["1.0.0-a1-b1".to_owned()]),
            );
        }),
        ..Row::new(
            "hostile tags",
            "",
            [(DOCKERFILE, "FROM HOST/tags:1.0.0-a1-b1\n".to_owned())],
        )
    }
}

pub(super) fn b18_a_dockerfile_of_twenty_mebibytes() -> Row {
    let text = format!(
        "FROM IMAGE:1.0\n{}",
        "# a comment of some length\n".repeat(800_000)
    );
    Row::new("a large file", "too-large", [(DOCKERFILE, text)])
}

pub(super) fn a_hook_that_hangs() -> Row {
    let mut row = Row::new(
        "a hook",
        "git-timeout",
        [(DOCKERFILE, "FROM BASE:1.0.0\n".to_owned())],
    );
    row.more = More::Hook("#!/bin/sh\nsleep 600\n");
    row.config = "[budget]\ngit_time = \"6 s\"\n";
    row
}
