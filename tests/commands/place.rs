//! A folder to run the executable in, and what came of it.

use super::canary;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A folder, and an environment with nothing in it but what a command needs, and canaries that it does not.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    env: Vec<(String, String)>,
}

/// What a run printed.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: Vec<u8>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(folder.path().join("home")).expect("a folder");
        Self {
            folder,
            env: Vec::new(),
        }
    }

    /// With these files.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let place = Self::new();
        for (path, text) in files {
            place.write(path, text);
        }
        place
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.env.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, text).expect("written");
    }

    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).expect("the file is there")
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.feed(args, "")
    }

    /// Runs the executable with something on stdin.
    pub(crate) fn feed(&self, args: &[&str], stdin: &str) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_imagebot"));
        command.args(args);
        self.start(command, stdin)
    }

    /// Runs a line in a shell that finds the executable.
    pub(crate) fn shell(&self, line: &str) -> Ran {
        let mut command = Command::new("sh");
        command.args(["-c", line]);
        self.start(command, "")
    }

    fn start(&self, mut command: Command, stdin: &str) -> Ran {
        let program = Path::new(env!("CARGO_BIN_EXE_imagebot"));
        let folder = program.parent().expect("a folder").display();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut child = command
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", format!("{folder}:{path}"))
            .env("HOME", self.path("home"))
            .env("CI_JOB_TOKEN", "CANARY-environment")
            .env("GITHUB_TOKEN", "CANARY-environment")
            .envs(self.env.iter().cloned())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        // Whoever reads nothing closes the pipe.
        let _ = child
            .stdin
            .take()
            .expect("a pipe")
            .write_all(stdin.as_bytes());
        let started = Instant::now();
        let output = child.wait_with_output().expect("the program ends");
        assert!(started.elapsed() < Duration::from_secs(60), "it hung");
        for bytes in [&output.stdout, &output.stderr] {
            assert_eq!(
                canary::found(bytes),
                [""; 0],
                "{}",
                String::from_utf8_lossy(bytes)
            );
        }
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: self.redact(&output.stdout),
            stderr: self.redact(&output.stderr),
            out: output.stdout,
        }
    }

    fn redact(&self, bytes: &[u8]) -> String {
        let text = String::from_utf8_lossy(bytes);
        let text = text.replace(&self.folder.path().display().to_string(), "[DIR]");
        [
            (r"127\.0\.0\.\d+:\d+", "[HOST]"),
            (r"sha256:[0-9a-f]{64}", "sha256:[DIGEST]"),
            (r"sha256:[0-9a-f]{8,12}\b", "sha256:[SHORT]"),
            (r"port \d+", "port [PORT]"),
            (r"\b[0-9a-f]{40}\b", "[COMMIT]"),
            (
                r"imagebot/([a-z-]*)[0-9][0-9a-z-]*-[0-9a-f]{8}\b",
                "imagebot/$1[KEY]",
            ),
        ]
        .iter()
        .fold(text, |text, (pattern, shown)| {
            let pattern = regex::Regex::new(pattern).expect("a pattern");
            pattern.replace_all(&text, *shown).into_owned()
        })
    }

    /// Everything below the folder: paths with their contents, the home aside.
    pub(crate) fn everything(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        let mut waiting = vec![self.folder.path().to_owned()];
        while let Some(folder) = waiting.pop() {
            for entry in folder.read_dir().expect("a folder").flatten() {
                let path = entry.path();
                match entry.file_type().expect("a kind") {
                    kind if kind.is_dir() => waiting.push(path),
                    kind if kind.is_file() => {
                        let contents = std::fs::read(&path).unwrap_or_default();
                        files.push((path, contents));
                    }
                    _ => {}
                }
            }
        }
        files.retain(|(path, _)| !path.starts_with(self.path("home")));
        files.sort();
        files
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let places = canary::below(self.folder.path(), &[]);
            assert!(places.is_empty(), "a credential stands in: {places:#?}");
        }
    }
}

impl Ran {
    /// Exit code, stdout and stderr, as a snapshot shows them.
    pub(crate) fn all(&self) -> String {
        let mut text = format!("exit {}\n", self.code);
        for (name, part) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !part.is_empty() {
                text.push_str(&format!("--- {name}\n{part}"));
            }
        }
        text
    }

    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.all()))
    }

    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}", self.all());
        self
    }
}
