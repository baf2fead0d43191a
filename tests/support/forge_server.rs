//! What the fakes of forges do alike: the interfaces that they have, git over HTTP, and answers that break off.

use axum::body::{Body, Bytes};
use axum::http::Response;
use std::process::Stdio;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// Which of the three interfaces was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Rest,
    GraphQl,
    Git,
}

/// A head, and then nothing: what a client sees when the connection is lost.
pub(crate) fn broken() -> Response<Body> {
    let lost = std::io::Error::new(std::io::ErrorKind::ConnectionReset, "lost");
    let pieces = [Ok::<_, std::io::Error>(Bytes::from_static(b"{")), Err(lost)];
    Response::builder()
        .header("content-type", "application/json")
        .header("content-length", "1000")
        .body(Body::from_stream(futures::stream::iter(pieces)))
        .expect("a response")
}

/// What `git http-backend` answered.
pub(crate) struct GitAnswer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// Runs `git http-backend`, which the command is to start with the variables of CGI, on the body of a request. An error
/// is what it wrote instead of an answer.
pub(crate) async fn http_backend(mut command: Command, body: &[u8]) -> Result<GitAnswer, String> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("git http-backend starts");
    let mut stdin = child.stdin.take().expect("its input");
    let body = body.to_vec();
    let feed = tokio::spawn(async move {
        let _ = stdin.write_all(&body).await;
    });
    let output = child.wait_with_output().await.expect("it ends");
    let _ = feed.await;
    let text = output.stdout;
    let Some(end) = text.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    };
    let mut answer = GitAnswer {
        status: 200,
        headers: Vec::new(),
        body: text[end + 4..].to_vec(),
    };
    for line in String::from_utf8_lossy(&text[..end]).lines() {
        match line.split_once(": ") {
            Some(("Status", value)) => answer.status = value[..3].parse().expect("a status"),
            Some((name, value)) => answer.headers.push((name.to_owned(), value.to_owned())),
            None => {}
        }
    }
    Ok(answer)
}
