//! A server in a process of its own: this program once more, with a hidden argument.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A running server. It ends with its input.
pub(crate) struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    /// What it said when it was ready.
    pub(crate) ready: String,
}

impl Process {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut process = Self {
            input: child.stdin.take(),
            child,
            output,
            ready: String::new(),
        };
        process.ready = process.line();
        process
    }

    /// Makes repositories with a Dockerfile, or copies of the first one where there is no text; their ids.
    pub(crate) fn seed(
        &mut self,
        name: &str,
        dockerfile: &str,
        count: usize,
    ) -> Vec<(String, u64)> {
        let answer =
            self.ask(&serde_json::json!({"seed": name, "text": dockerfile, "count": count}));
        serde_json::from_str(&answer).unwrap()
    }

    /// How many requests to the API and of git there were since the last call, and how many merge requests are open.
    pub(crate) fn counts(&mut self) -> (usize, usize, usize) {
        let answer = self.ask(&serde_json::json!({"counts": true}));
        serde_json::from_str(&answer).unwrap()
    }

    fn ask(&mut self, question: &serde_json::Value) -> String {
        let input = self.input.as_mut().unwrap();
        writeln!(input, "{question}").unwrap();
        input.flush().unwrap();
        self.line()
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the server ended");
        line.trim_end().to_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}
