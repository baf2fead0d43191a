//! The fake's sockets: reads a request, writes an answer, or goes wrong on the way as it is told.

use super::{State, TokenSet, lock};
use serde_json::json;
use std::sync::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Logged {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Logged {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }
}

/// What goes wrong with an answer.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// This answer instead: status, headers, body.
    Answer(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// The right answer with a header set to something else, or without it.
    Header(&'static str, Option<String>),
    /// The right answer, cut in half.
    Short,
    /// The right head, one byte, and nothing more.
    Stall,
    /// No answer: the connection is closed.
    Close,
    /// Not HTTP.
    Garbage,
}

impl Fault {
    pub(crate) fn status(status: u16) -> Self {
        Self::Answer(status, Vec::new(), Vec::new())
    }

    pub(crate) fn retry_after(status: u16, value: &str) -> Self {
        Self::Answer(status, vec![("retry-after", value.to_owned())], Vec::new())
    }

    pub(crate) fn redirect(to: String) -> Self {
        Self::Answer(307, vec![("location", to)], Vec::new())
    }

    pub(crate) fn html() -> Self {
        let page = b"<html><form>Sign in to the guest network</form></html>".to_vec();
        Self::Answer(
            200,
            vec![("content-type", "text/html; charset=utf-8".to_owned())],
            page,
        )
    }
}

pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Reply {
    pub(super) fn new(status: u16, media_type: &str, body: Vec<u8>) -> Self {
        let headers = vec![("content-type".to_owned(), media_type.to_owned())];
        Self {
            status,
            headers,
            body,
        }
    }

    pub(super) fn error(status: u16, code: &str) -> Self {
        let body = json!({"errors": [{"code": code, "message": "not for you"}]});
        Self::new(status, "application/json", body.to_string().into_bytes())
    }

    pub(super) fn set(&mut self, name: &str, value: Option<String>) {
        self.headers.retain(|(key, _)| key != name);
        self.headers
            .extend(value.map(|value| (name.to_owned(), value)));
    }
}

pub(super) async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    state: &Mutex<State>,
    tokens: &TokenSet,
) {
    let Some(request) = read(&mut stream).await else {
        return;
    };
    let (reply, fault) = {
        let mut state = lock(state);
        state.log.push(request.clone());
        let line = request.line();
        let fault = state
            .faults
            .iter_mut()
            .find(|(prefix, times, _)| *times > 0 && line.starts_with(prefix.as_str()));
        let fault = fault.map(|(_, times, fault)| {
            *times -= 1;
            fault.clone()
        });
        let mut reply = match &fault {
            Some(Fault::Answer(status, headers, body)) => Reply {
                status: *status,
                headers: headers
                    .iter()
                    .map(|(key, value)| ((*key).to_owned(), value.clone()))
                    .collect(),
                body: body.clone(),
            },
            _ => state.answer(&request, tokens),
        };
        for (name, value) in state.extra.clone() {
            reply.set(name, Some(value));
        }
        (reply, fault)
    };
    send(&mut stream, &request, reply, fault).await;
}

async fn read(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> Option<Logged> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
        if head == [0x16] {
            // TLS on a plain port: what servers in Go answer.
            let _ = stream.write_all(b"HTTP/1.0 400 Bad Request\r\n\r\n").await;
            return None;
        }
    }
    let head = String::from_utf8(head).ok()?;
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let mut request = Logged {
        method: first.next()?.to_owned(),
        target: first.next()?.to_owned(),
        headers: lines
            .filter_map(|line| line.split_once(": "))
            .map(|(key, value)| (key.to_ascii_lowercase(), value.to_owned()))
            .collect(),
        body: Vec::new(),
    };
    let length = request.header("content-length");
    let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
    request.body = vec![0; length];
    stream.read_exact(&mut request.body).await.ok()?;
    Some(request)
}

async fn send(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    request: &Logged,
    mut reply: Reply,
    fault: Option<Fault>,
) {
    match &fault {
        Some(Fault::Close) => return,
        Some(Fault::Garbage) => {
            let _ = stream
                .write_all(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
                .await;
            return;
        }
        Some(Fault::Header(name, value)) => reply.set(name, value.clone()),
        _ => {}
    }
    let mut text = format!("HTTP/1.1 {} Fake\r\nconnection: close\r\n", reply.status);
    if reply.status != 304 {
        text += &format!("content-length: {}\r\n", reply.body.len());
    }
    for (name, value) in &reply.headers {
        text += &format!("{name}: {value}\r\n");
    }
    let mut bytes = format!("{text}\r\n").into_bytes();
    if request.method != "HEAD" && reply.status != 304 {
        let sent = match fault {
            Some(Fault::Short) => reply.body.len() / 2,
            Some(Fault::Stall) => 1,
            _ => reply.body.len(),
        };
        bytes.extend_from_slice(&reply.body[..sent]);
    }
    let _ = stream.write_all(&bytes).await;
    let _ = stream.flush().await;
    if matches!(fault, Some(Fault::Stall)) {
        // Until the client gives up.
        let _ = stream.read_u8().await;
    }
    let _ = stream.shutdown().await;
}
