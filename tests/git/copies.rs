//! The cached copies: locked, small, and made anew when they are damaged.

use crate::bench::{Bench, change, on, push, read};
use imagebot::git::{GitError, Pushed};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn packs(copy: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(copy.join("objects/pack")).unwrap();
    files
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "pack"))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_copy_is_used_by_one_task_at_a_time() {
    let bench = Arc::new(Bench::new().await);
    let head = bench.repos.commit("app", &[("Dockerfile", "FROM a:1\n")]);
    let inside = Arc::new(AtomicUsize::new(0));
    let remote = bench.remote("app");
    let git = bench.git.clone();
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let (git, remote, head, inside) = (
                git.clone(),
                remote.clone(),
                head.clone(),
                Arc::clone(&inside),
            );
            tokio::spawn(async move {
                let mut cached = git.open(&remote, &head).await.unwrap();
                assert_eq!(
                    inside.fetch_add(1, Ordering::SeqCst),
                    0,
                    "another task is inside"
                );
                let files = read(&mut cached, &head, &["Dockerfile"]).await.unwrap();
                assert_eq!(files.len(), 1);
                inside.fetch_sub(1, Ordering::SeqCst);
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(packs(&bench.copy()).len(), 2, "it was fetched once");
}

#[tokio::test]
async fn a_copy_with_many_packs_is_made_anew() {
    let bench = Bench::new().await;
    let mut most = 0;
    for number in 0..40 {
        bench
            .repos
            .commit("app", &[("Dockerfile", &format!("FROM a:{number}\n"))]);
        let (_, head) = bench.at_main("app").await;
        assert!(bench.repos.head("app", "main") == Some(head));
        most = most.max(packs(&bench.copy()).len());
    }
    assert!((30..=34).contains(&most), "{most}");
    assert!(packs(&bench.copy()).len() < 10);
}

#[tokio::test]
async fn a_damaged_copy_is_told_and_made_anew() {
    type Damage = fn(&Path);
    let kinds: [(&str, Damage); 9] = [
        ("truncated packs", |copy| {
            for pack in packs(copy) {
                let bytes = std::fs::read(&pack).unwrap();
                rewrite(&pack, &bytes[..bytes.len() / 2]);
            }
        }),
        ("empty packs", |copy| {
            packs(copy).iter().for_each(|pack| rewrite(pack, b""))
        }),
        ("changed bytes", |copy| {
            for pack in packs(copy) {
                let mut bytes = std::fs::read(&pack).unwrap();
                let middle = bytes.len() - 25;
                bytes[middle] ^= 0xff;
                rewrite(&pack, &bytes);
            }
        }),
        ("no packs", |copy| {
            std::fs::remove_dir_all(copy.join("objects/pack")).unwrap()
        }),
        ("no indexes", |copy| {
            packs(copy)
                .iter()
                .for_each(|pack| std::fs::remove_file(pack.with_extension("idx")).unwrap());
        }),
        ("no HEAD", |copy| {
            std::fs::remove_file(copy.join("HEAD")).unwrap()
        }),
        ("bad shallow", |copy| {
            rewrite(&copy.join("shallow"), b"what\n")
        }),
        ("bad config", |copy| rewrite(&copy.join("config"), b"[core")),
        ("left by a killed git", |copy| {
            rewrite(&copy.join("shallow.lock"), b"");
            rewrite(&copy.join("objects/pack/tmp_pack_abcdef"), b"PACK");
        }),
    ];
    for (kind, damage) in kinds {
        // Reading again what is there, and reading something new.
        for new in [false, true] {
            let bench = Bench::new().await;
            bench.repos.commit("app", &[("Dockerfile", "FROM a:1\n")]);
            bench.read("app", &["Dockerfile"]).await;
            damage(&bench.copy());
            if new {
                bench
                    .repos
                    .commit("app", &[("Dockerfile", "FROM a:2\n"), ("other", "x\n")]);
            }
            let head = bench.repos.head("app", "main").unwrap();
            let expect = bench.repos.file_at("app", "main", "Dockerfile").unwrap();
            let mut cached = bench.open("app").await;
            let first = read(&mut cached, &head, &["Dockerfile"]).await;
            drop(cached);
            if let Err(error) = &first {
                assert!(
                    matches!(error, GitError::Damaged { .. }),
                    "{kind} {new}: {error}"
                );
            }
            let mut cached = bench.open("app").await;
            let files = read(&mut cached, &head, &["Dockerfile"]).await;
            let files =
                files.unwrap_or_else(|error| panic!("{kind} {new}: {first:?} and then {error}"));
            assert_eq!(files[0].1, expect, "{kind} {new}");
            let commit = cached
                .commit(&on(&head, vec![change("Dockerfile", "FROM a:3\n")]))
                .await
                .unwrap();
            let pushed = cached
                .push(&[push("imagebot/x", None, Some(&commit))])
                .await
                .unwrap();
            assert_eq!(pushed, [Pushed::Done], "{kind} {new}");
            drop(cached);
            assert!(!bench.copy().join("objects/pack/tmp_pack_abcdef").exists());
        }
    }
}

/// Packs are read-only files.
fn rewrite(path: &Path, bytes: &[u8]) {
    let _ = std::fs::remove_file(path);
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn an_object_that_was_never_fetched_is_no_empty_file() {
    let bench = Bench::new().await;
    bench.repos.commit("app", &[("Dockerfile", "FROM a:1\n")]);
    let (cached, head) = bench.at_main("app").await;
    let id = cached.tree(&head).await.unwrap().entries[0].id.clone();
    let error = cached.objects(&BTreeSet::from([id])).await.unwrap_err();
    assert_eq!(error.code(), "git-cache-damaged", "{error}");
    assert!(cached.remove().is_ok(), "removing it twice is harmless");
}

#[tokio::test]
async fn a_repository_that_was_made_anew_with_another_hash_is_fetched_anew() {
    let bench = Bench::new().await;
    bench.repos.commit("app", &[("Dockerfile", "FROM a:1\n")]);
    bench.read("app", &["Dockerfile"]).await;
    std::fs::remove_dir_all(bench.repos.path("app")).unwrap();
    bench.repos.create_sha256("app");
    bench.repos.commit("app", &[("Dockerfile", "FROM a:2\n")]);
    assert_eq!(bench.read("app", &["Dockerfile"]).await[0].1, "FROM a:2\n");
}

#[tokio::test]
async fn a_half_made_copy_does_not_disturb() {
    let bench = Bench::new().await;
    bench.repos.commit("app", &[("Dockerfile", "FROM a:1\n")]);
    bench.read("app", &["Dockerfile"]).await;
    let copy = bench.copy();
    for left in ["new", "old"] {
        std::fs::create_dir_all(copy.with_extension(left).join("objects")).unwrap();
    }
    std::fs::remove_dir_all(&copy).unwrap();
    bench.read("app", &["Dockerfile"]).await;
    let (cached, _) = bench.at_main("app").await;
    cached.remove().unwrap();
    assert!(!copy.exists() && !copy.with_extension("old").exists());
}

#[tokio::test]
async fn f47_a_cache_that_cannot_be_written_is_told_and_nothing_is_pushed() {
    let bench = Bench::new().await;
    bench.repos.commit("app", &[("Dockerfile", "FROM a:1\n")]);
    std::fs::write(bench.repos.beside("cache").join("git"), "a file in the way").unwrap();
    let error = bench.try_open("app").await.unwrap_err();
    assert_eq!(error.code(), "git-io", "{error}");
}
