//! The servers' side: says where it listens, does what it is told on its input, and ends with it.

use super::fake_github::{FakeGitHub, Kind, Options, TokenOptions};
use super::fake_gitlab::{FakeGitLab, NewToken, ProjectOptions};
use imagebot::http::Clock;
use serde_json::Value;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const TOKEN: &str = "bench-token";

enum Hub {
    GitLab(FakeGitLab),
    GitHub(FakeGitHub),
}

pub(crate) async fn serve(role: &str, rest: &[String]) {
    if role == "serve-proxy" {
        let delay = Duration::from_millis(rest[1].parse().unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        tokio::spawn(proxy(listener, rest[0].clone(), delay));
        while line().is_some() {}
        return;
    }
    let hub = match role {
        "serve-gitlab" => {
            let fake = FakeGitLab::start().await;
            fake.real_time();
            fake.allow(1, "", 30);
            let token = fake.token(NewToken::default());
            println!("{} {token}", fake.url());
            Hub::GitLab(fake)
        }
        _ => {
            let options = Options {
                clock: Clock::system(),
                ..Options::default()
            };
            let fake = FakeGitHub::start_with(options).await;
            fake.user("imagebot");
            fake.token("imagebot", TOKEN, TokenOptions::default());
            for resource in ["core", "graphql"] {
                fake.set_budget(resource, 10_000_000, 36_000);
            }
            println!("{} {TOKEN}", fake.url());
            Hub::GitHub(fake)
        }
    };
    while let Some(line) = line() {
        let question: Value = serde_json::from_str(&line).unwrap();
        let answer = match question.get("seed") {
            Some(name) => {
                let text = question["text"].as_str().unwrap();
                let count = usize::try_from(question["count"].as_u64().unwrap()).unwrap();
                hub.seed(name.as_str().unwrap(), text, count)
            }
            None => hub.counts(),
        };
        println!("{answer}");
    }
}

/// A line of the input, while the other tasks go on.
fn line() -> Option<String> {
    let mut line = String::new();
    let read = tokio::task::block_in_place(|| std::io::stdin().read_line(&mut line));
    read.is_ok_and(|read| read > 0).then_some(line)
}

impl Hub {
    fn seed(&self, name: &str, text: &str, count: usize) -> Value {
        let files = [("Dockerfile", text)];
        let first = usize::from(!text.is_empty());
        let names: Vec<String> = (0..count - first)
            .map(|at| format!("{name}-{at}"))
            .collect();
        let all: Vec<(String, u64)> = match self {
            Self::GitLab(fake) => {
                if first > 0 {
                    let options = ProjectOptions {
                        without_ci: true,
                        ..ProjectOptions::default()
                    };
                    fake.project(name, options);
                    fake.commit(name, "main", &files);
                }
                let ids = fake.seed(name, name, names.len());
                names.into_iter().zip(ids).collect()
            }
            Self::GitHub(fake) => {
                if first > 0 {
                    fake.repo(name);
                    fake.commit(name, "main", &files);
                }
                fake.copies(name, names.iter().cloned());
                names
                    .into_iter()
                    .map(|name| (name.clone(), fake.id(&name)))
                    .collect::<Vec<_>>()
            }
        };
        serde_json::json!(all)
    }

    fn counts(&self) -> Value {
        let (api, git) = match self {
            Self::GitLab(fake) => {
                let counts = fake.counts();
                fake.clear_log();
                (counts.rest + counts.graphql, counts.git)
            }
            Self::GitHub(fake) => {
                let log = fake.take_log();
                let git = log.iter().filter(|entry| entry.kind == Kind::Git).count();
                (log.len() - git, git)
            }
        };
        serde_json::json!([api, git, self.open()])
    }

    fn open(&self) -> usize {
        match self {
            Self::GitLab(fake) => {
                let all = fake
                    .paths()
                    .into_iter()
                    .flat_map(|path| fake.merge_requests(&path));
                all.filter(|mr| mr.state == "opened").count()
            }
            Self::GitHub(fake) => {
                let all = fake.names().into_iter().flat_map(|name| fake.pulls(&name));
                all.filter(|(issue, _)| issue.open).count()
            }
        }
    }
}

/// Passes everything on, each request only after a while.
async fn proxy(listener: TcpListener, to: String, delay: Duration) {
    while let Ok((mut client, _)) = listener.accept().await {
        let to = to.clone();
        tokio::spawn(async move {
            let _ = client.set_nodelay(true);
            let mut server = TcpStream::connect(&to).await.unwrap();
            let _ = server.set_nodelay(true);
            let (mut from_client, mut to_client) = client.split();
            let (mut from_server, mut to_server) = server.split();
            let there = async {
                let mut buffer = vec![0; 64 * 1024];
                while let Ok(read) = from_client.read(&mut buffer).await {
                    if read == 0 {
                        break;
                    }
                    tokio::time::sleep(delay).await;
                    to_server.write_all(&buffer[..read]).await?;
                }
                to_server.shutdown().await
            };
            let back = async {
                let copied = tokio::io::copy(&mut from_server, &mut to_client).await;
                let _ = to_client.shutdown().await;
                copied
            };
            let _ = tokio::join!(there, back);
        });
    }
}
