//! Debian's `docker-registry` (2.8), started on a free port with its files in a temporary folder.

use super::installed::is_installed;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

const PROGRAM: &str = "/usr/bin/docker-registry";

/// A loopback address that no other server of this process has, nor one of a test process beside it: between
/// finding a free port and listening on it, nobody else can take it.
fn own_address() -> Ipv4Addr {
    static STARTED: AtomicU16 = AtomicU16::new(0);
    let [high, low] = STARTED.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    let process = u8::try_from(std::process::id() % 200).expect("less than 200");
    Ipv4Addr::new(127, 10 + process, high, low)
}

/// `bot:CANARY-registry` as `htpasswd -Bbn` writes it.
const HTPASSWD: &str = include_str!("../../fixtures/htpasswd");
pub(crate) const USER: &str = "bot";
pub(crate) const PASSWORD: &str = "CANARY-registry";

pub(crate) struct DockerRegistry {
    child: Child,
    address: SocketAddr,
    folder: tempfile::TempDir,
}

impl DockerRegistry {
    /// Whether it is installed, for the test that runs on this thread.
    pub(crate) fn is_installed() -> bool {
        is_installed(PROGRAM, "docker-registry")
    }

    /// Starts one that is open to everyone, or wants the login [`USER`] and [`PASSWORD`]; `None` if it is not installed.
    pub(crate) fn start(with_login: bool) -> Option<Self> {
        if !Self::is_installed() {
            return None;
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        let address = TcpListener::bind((own_address(), 0))
            .and_then(|listener| listener.local_addr())
            .expect("a free port");
        let root = folder.path().display();
        let mut config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {root}}}}}\nhttp: {{addr: '{address}'}}\n"
        );
        if with_login {
            std::fs::write(folder.path().join("htpasswd"), HTPASSWD).expect("a password file");
            config += &format!("auth: {{htpasswd: {{realm: test, path: {root}/htpasswd}}}}\n");
        }
        let file = folder.path().join("config.yml");
        std::fs::write(&file, config).expect("a configuration");
        let access = File::create(folder.path().join("access.log")).expect("a log");
        let child = Command::new(PROGRAM)
            .arg("serve")
            .arg(&file)
            .env_clear()
            .env("OTEL_TRACES_EXPORTER", "none")
            .stdin(Stdio::null())
            .stdout(access)
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let mut registry = Self {
            child,
            address,
            folder,
        };
        let started = Instant::now();
        while std::net::TcpStream::connect(address).is_err() {
            assert!(
                started.elapsed() < Duration::from_secs(20),
                "{PROGRAM} does not listen on {address}"
            );
            let ended = registry.child.try_wait().expect("the program's state");
            assert!(ended.is_none(), "{PROGRAM} ended: {ended:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(registry)
    }

    /// The requests so far, `METHOD target`, in the order in which they were answered.
    pub(crate) fn log(&self) -> Vec<String> {
        let path = self.folder.path().join("access.log");
        let text = std::fs::read_to_string(path).expect("the log");
        text.lines()
            .filter_map(|line| line.split('"').nth(1)?.strip_suffix(" HTTP/1.1"))
            .map(str::to_owned)
            .collect()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
