//! `buildah`, which really builds images and pushes them: what CI does. Everything of it is below a temporary folder.
//!
//! Nothing is downloaded: every base is built `FROM scratch`, and nothing is run in a build.

use super::installed::is_installed;
use std::process::Command;

const PROGRAM: &str = "/usr/bin/buildah";

/// A builder with its own storage.
pub(crate) struct Buildah {
    folder: tempfile::TempDir,
}

impl Buildah {
    /// A builder; `None` if `buildah` is not installed.
    pub(crate) fn new() -> Option<Self> {
        if !is_installed(PROGRAM, "buildah") {
            return None;
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in ["home", "run", "tmp"] {
            std::fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        // Whatever the machine says of registries and signatures is not asked.
        let policy = r#"{"default": [{"type": "insecureAcceptAnything"}]}"#;
        let home = folder.path().join("home/.config/containers");
        std::fs::create_dir_all(&home).expect("a folder");
        std::fs::write(home.join("policy.json"), policy).expect("written");
        Some(Self { folder })
    }

    /// Builds a Dockerfile beside files, each a name and its contents, and pushes it nowhere. `options` are buildah's.
    pub(crate) fn build(&self, name: &str, dockerfile: &str, files: &[&str], options: &[&str]) {
        let context = tempfile::tempdir_in(self.folder.path()).expect("a folder");
        std::fs::write(context.path().join("Dockerfile"), dockerfile).expect("written");
        for file in files {
            let (path, contents) = file.split_once('=').expect("name=contents");
            std::fs::write(context.path().join(path), contents).expect("written");
        }
        let path = context.path().display().to_string();
        let always = ["build", "--tls-verify=false", "--pull-always", "--quiet"];
        let tag = ["--tag", name];
        self.run(&[&always[..], &tag, options, &[&path]].concat());
    }

    /// Builds for several platforms, each with files of its own, and pushes one index.
    pub(crate) fn publish_index(
        &self,
        name: &str,
        dockerfile: &str,
        platforms: &[(&str, &[&str])],
    ) {
        let list = "localhost/list";
        self.run(&["manifest", "create", list]);
        for (platform, files) in platforms {
            let one = format!("localhost/{}", platform.replace('/', "-"));
            // The same files give the same image, whenever it is built.
            let options = ["--platform", platform, "--timestamp", "0"];
            self.build(&one, dockerfile, files, &options);
            self.run(&[
                "manifest",
                "add",
                list,
                &format!("containers-storage:{one}"),
            ]);
        }
        let target = format!("docker://{name}");
        let options = ["--all", "--tls-verify=false", "--quiet"];
        self.run(&[&["manifest", "push"], &options[..], &[list, &target]].concat());
        self.run(&["manifest", "rm", list]);
    }

    /// Pushes an image.
    pub(crate) fn push(&self, name: &str, options: &[&str]) {
        self.run(&[&["push", "--tls-verify=false", "--quiet"], options, &[name]].concat());
    }

    fn run(&self, args: &[&str]) {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        let output = Command::new(PROGRAM)
            .args(["--root", &path("root"), "--runroot", &path("runroot")])
            .args(args)
            .env_clear()
            .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin")
            .env("HOME", path("home"))
            .env("XDG_RUNTIME_DIR", path("run"))
            .env("TMPDIR", path("tmp"))
            .env("STORAGE_DRIVER", "vfs")
            .env("BUILDAH_ISOLATION", "chroot")
            .output()
            .expect("buildah starts");
        assert!(
            output.status.success(),
            "buildah {args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
