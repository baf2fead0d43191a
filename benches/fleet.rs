//! What a fleet costs: `cargo bench --bench fleet -- --sizes 1,50`. Wall, CPU, peak memory and requests of `imagebot run`
//! against a GitLab or a GitHub that holds state, and Debian's `docker-registry`, each a process of its own.
//!
//! Options: `--sizes` (1,50,1000; at 10,000 the store is generated), `--forge` (gitlab or github), `--delay` (milliseconds
//! that every answer waits, those to git too), `--images` (how many images a new version is pushed of: merge requests
//! for each repository).
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark"
)]

#[allow(dead_code, reason = "only the suite of the whole bot cuts it")]
#[path = "../tests/support/cable.rs"]
mod cable;
#[path = "../tests/support/docker_registry.rs"]
mod docker_registry;
#[allow(dead_code, reason = "shared with the tests, which use the rest")]
#[path = "../tests/support/fake_github.rs"]
mod fake_github;
#[path = "../tests/support/fake_gitlab.rs"]
mod fake_gitlab;
#[allow(dead_code, reason = "shared with the tests, which use the rest")]
#[path = "../tests/support/fake_registry.rs"]
mod fake_registry;
#[path = "../tests/support/forge_server.rs"]
mod forge_server;
#[path = "../tests/support/git_repos.rs"]
mod git_repos;
#[allow(dead_code, reason = "shared with the tests, which use the rest")]
#[path = "../tests/support/images.rs"]
mod images;
#[path = "../tests/support/installed.rs"]
mod installed;

#[path = "fleet/measure.rs"]
mod measure;
#[path = "fleet/process.rs"]
mod process;
#[path = "fleet/serve.rs"]
mod serve;
#[path = "fleet/store.rs"]
mod store;

use docker_registry::DockerRegistry;
use images::Server;
use measure::Bot;
use process::Process;

/// From here on the store is generated: a cold pass would measure the fake's git for many minutes.
const GENERATED: usize = 10_000;
/// How many of a generated fleet stand on the image that changes.
const STAND_ON_IT: usize = 50;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    if std::env::args().len() == 1 {
        // So does `cargo test --all-targets`, which only wants to see that it is built.
        println!("measure with `cargo bench --bench fleet`");
        return;
    }
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    if let Some((role, rest)) = arguments.split_first()
        && role.starts_with("serve-")
    {
        return serve::serve(role, rest).await;
    }
    let option = |name: &str, default: &str| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1))
            .map_or(default, String::as_str)
            .to_owned()
    };
    let (forge, delay) = (option("--forge", "gitlab"), option("--delay", "0"));
    let images: usize = option("--images", "1").parse().unwrap();
    println!(
        "| repositories | pass | wall s | CPU s | MiB | API | git | registry | merge requests |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for size in option("--sizes", "1,50,1000").split(',') {
        fleet(size.parse().unwrap(), &forge, &delay, images).await;
    }
}

/// All passes over a fleet of one size.
async fn fleet(size: usize, forge: &str, delay: &str, images: usize) {
    imagebot::http::install_crypto();
    let registry = DockerRegistry::start(false).expect("docker-registry is installed");
    let address = registry.address().to_string();
    let server = Server::Open(registry);
    let before = Process::start(&["serve-proxy", &address, delay]);
    let host = before.ready.clone();
    let mut hub = Process::start(&[&format!("serve-{forge}")]);
    let (url, token) = hub.ready.split_once(' ').unwrap();
    let (url, token) = (url.to_owned(), token.to_owned());
    let proxy = Process::start(&["serve-proxy", url.strip_prefix("http://").unwrap(), delay]);
    let bot = Bot::new(forge, &format!("http://{}", proxy.ready), &token, &host);

    let push = async |image: &str, tag: &str, contents: &str| {
        let contents = format!("{image} {contents}");
        server
            .image(image, Some(tag), &contents, "linux/amd64")
            .await
    };
    let mut dockerfile = String::new();
    for at in 0..images.max(2) {
        let digest = push(&format!("image-{at}"), "1.0.0", "old").await;
        dockerfile.push_str(&format!(
            "FROM {host}/image-{at}:1.0.0@{digest} AS stage-{at}\n"
        ));
    }
    let mut few = String::new();
    for name in ["own-0", "own-1"] {
        let digest = push(name, "1.0.0", "old").await;
        few.push_str(&format!("FROM {host}/{name}:1.0.0@{digest} AS {name}\n"));
    }
    let generated = size >= GENERATED;
    hub.seed("team/app", &dockerfile, 1);
    if generated {
        bot.run(&mut hub, &server).await;
        store::grow(&bot, &hub.seed("team/app", "", size - STAND_ON_IT - 1));
        hub.seed("team/few", &few, STAND_ON_IT);
        // These few are read for real.
        bot.run(&mut hub, &server).await;
    } else {
        hub.seed("team/app", "", size - 1);
    }
    for pass in ["cold", "warm", "new tag", "warm again", "moved digest"] {
        match (pass, generated) {
            ("cold", true) => continue,
            ("cold", false) if images > 2 => {
                // Everything is behind from the start.
                for at in 0..images {
                    push(&format!("image-{at}"), "1.1.0", "new").await;
                }
            }
            ("new tag" | "warm again" | "moved digest", _) if images > 2 => continue,
            ("new tag", true) => drop(push("own-0", "1.1.0", "new").await),
            ("new tag", false) => drop(push("image-0", "1.1.0", "new").await),
            ("moved digest", true) => drop(push("own-1", "1.0.0", "rebuilt").await),
            ("moved digest", false) => drop(push("image-1", "1.0.0", "rebuilt").await),
            _ => {}
        }
        let figures = bot.run(&mut hub, &server).await;
        println!("| {size} | {pass} | {figures} |");
    }
}
