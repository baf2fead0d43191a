//! What is remembered between passes: registries' answers with their validators, the files of repositories at a
//! commit, whose the branches are, what became of merge requests, and when digests were first seen.
//!
//! Everything here can be fetched again: deleting the store costs time and restarts cooldowns, but is never wrong. So
//! no failure of the store stops a pass: an unreadable store is recreated, and a failed write is reported once. No
//! credential, cookie or token is ever stored here (T52).

use crate::redact::Redactor;
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, params};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Raised whenever the meaning of the stored data changes; a store with another number is recreated.
const VERSION: i64 = 4;

/// The earliest plausible time, 2026-01-01 in seconds since 1970: a clock that shows less is wrong.
const FLOOR: i64 = 1_767_225_600;

/// The store; clones share it.
#[derive(Debug, Clone)]
pub struct Store {
    connection: Arc<Mutex<Connection>>,
    redactor: Redactor,
    /// Whether it was already reported that the store cannot be used.
    said: Arc<AtomicBool>,
}

/// Why the store cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("the store {path} cannot be opened: {error}")]
pub struct StoreError {
    path: String,
    error: rusqlite::Error,
}

/// A kept answer of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    /// The entity tag, for `If-None-Match`.
    pub etag: Option<String>,
    /// The media type.
    pub media_type: Option<String>,
    /// The query of the next page.
    pub next: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// The kinds of kept values. A value is found by its kind and its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredKind {
    /// The owner of a branch's head, as judged from the target's head.
    Judged,
    /// The final states of a repository's merge requests.
    Memory,
    /// The forge's id of a repository's path.
    Registered,
    /// When a merge request was opened.
    Opened,
    /// The notice that was written about a repository's settings.
    Noticed,
    /// The repository that publishes an image.
    Publisher,
    /// The repositories that a repository depends on, a line each.
    Parents,
    /// The source repository that an image names in its label.
    Source,
    /// The digests that a parent's tag pointed to, newest first.
    Stood,
    /// Since when a default branch has its head.
    Head,
    /// Since when CI has had its present state for that head.
    Ci,
    /// Since when a merge request has been due to be opened.
    Opening,
    /// Where a search for newer tags stopped.
    Resume,
    /// The last image of a repository that was looked up when the budget ran out.
    Turn,
    /// Since when a problem has existed.
    Problem,
}

impl StoredKind {
    fn name(self) -> &'static str {
        match self {
            Self::Judged => "judged",
            Self::Memory => "memory",
            Self::Registered => "registered",
            Self::Opened => "opened",
            Self::Noticed => "noticed",
            Self::Publisher => "publisher",
            Self::Parents => "parents",
            Self::Source => "source",
            Self::Stood => "stood",
            Self::Head => "head",
            Self::Ci => "ci",
            Self::Opening => "opening",
            Self::Resume => "resume",
            Self::Turn => "turn",
            Self::Problem => "problem",
        }
    }
}

impl Store {
    /// Opens the store in a folder; recreates it if it is damaged or has another version.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join("store.sqlite");
        let error = |error| StoreError {
            path: path.display().to_string(),
            error,
        };
        let io = |e: std::io::Error| error(rusqlite::Error::ToSqlConversionFailure(Box::new(e)));
        std::fs::create_dir_all(folder).map_err(io)?;
        match Self::prepare(Connection::open(&path)) {
            Ok(store) => Ok(store),
            Err(first) if !is_damaged(&first) => Err(error(first)),
            Err(first) => {
                tracing::warn!(store = %path.display(), error = %first, "creating the store again");
                for suffix in ["", "-wal", "-shm"] {
                    let _ = std::fs::remove_file(folder.join(format!("store.sqlite{suffix}")));
                }
                Self::prepare(Connection::open(&path)).map_err(error)
            }
        }
    }

    fn prepare(connection: rusqlite::Result<Connection>) -> rusqlite::Result<Self> {
        let connection = connection?;
        connection.busy_timeout(std::time::Duration::from_secs(10))?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "normal")?;
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version != VERSION {
            connection.execute_batch(
                "BEGIN IMMEDIATE;
                 DROP TABLE IF EXISTS answer;
                 DROP TABLE IF EXISTS files;
                 DROP TABLE IF EXISTS written;
                 DROP TABLE IF EXISTS kept;
                 DROP TABLE IF EXISTS seen;
                 CREATE TABLE answer (key TEXT PRIMARY KEY, etag TEXT, media_type TEXT, next TEXT, body BLOB NOT NULL) WITHOUT ROWID;
                 CREATE TABLE files (repo TEXT PRIMARY KEY, head TEXT NOT NULL, data BLOB NOT NULL) WITHOUT ROWID;
                 CREATE TABLE kept (kind TEXT, key TEXT, value TEXT NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID;
                 CREATE TABLE seen (image TEXT, tag TEXT, digest TEXT, at INTEGER NOT NULL, PRIMARY KEY (image, tag, digest)) WITHOUT ROWID;
                 COMMIT;",
            )?;
            connection.pragma_update(None, "user_version", VERSION)?;
        }
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
            redactor: Redactor::new(),
            said: Arc::default(),
        })
    }

    /// The same store with a redactor: an answer that repeats a credential is not kept (T52, B6).
    #[must_use]
    pub fn with_redactor(mut self, redactor: Redactor) -> Self {
        self.redactor = redactor;
        self
    }

    /// Whether the data to be kept contains a credential.
    fn refuses(&self, what: &str, parts: &[&[u8]]) -> bool {
        let refuses = parts.iter().any(|part| self.redactor.finds(part));
        if refuses {
            tracing::warn!(
                what,
                "a server repeated a credential; its response is not stored"
            );
        }
        refuses
    }

    fn with<T>(
        &self,
        what: &str,
        use_it: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Option<T> {
        let connection = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        use_it(&connection)
            .map_err(|error| {
                if !self.said.swap(true, Ordering::Relaxed) {
                    tracing::warn!(what, %error, "the store is unusable; continuing without it");
                }
            })
            .ok()
    }

    /// A server's kept answer.
    pub fn answer(&self, key: &str) -> Option<StoredAnswer> {
        self.with("answer", |connection| {
            let mut query = connection
                .prepare_cached("SELECT etag, media_type, next, body FROM answer WHERE key = ?1")?;
            query
                .query_row([key], |row| {
                    Ok(StoredAnswer {
                        etag: row.get(0)?,
                        media_type: row.get(1)?,
                        next: row.get(2)?,
                        body: row.get(3)?,
                    })
                })
                .optional()
        })
        .flatten()
    }

    /// Keeps a server's answer.
    pub fn keep_answer(&self, key: &str, answer: &StoredAnswer) {
        let bytes = |text: &Option<String>| text.clone().unwrap_or_default().into_bytes();
        let (etag, next) = (bytes(&answer.etag), bytes(&answer.next));
        let media_type = bytes(&answer.media_type);
        let parts = [key.as_bytes(), &etag, &media_type, &next, &answer.body];
        if self.refuses("answer", &parts) {
            return;
        }
        self.with("answer", |connection| {
            connection
                .prepare_cached("INSERT OR REPLACE INTO answer VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute(params![
                    key,
                    answer.etag,
                    answer.media_type,
                    answer.next,
                    answer.body
                ])
        });
    }

    /// What was read of a repository, if its head is still the same.
    pub fn files(&self, repo: &str, head: &str) -> Option<Vec<u8>> {
        self.with("files", |connection| {
            let mut query = connection
                .prepare_cached("SELECT data FROM files WHERE repo = ?1 AND head = ?2")?;
            query.query_row([repo, head], |row| row.get(0)).optional()
        })
        .flatten()
    }

    /// Keeps what was read of a repository.
    pub fn keep_files(&self, repo: &str, head: &str, data: &[u8]) {
        if self.refuses("files", &[repo.as_bytes(), data]) {
            return;
        }
        self.with("files", |connection| {
            connection
                .prepare_cached("INSERT OR REPLACE INTO files VALUES (?1, ?2, ?3)")?
                .execute(params![repo, head, data])
        });
    }

    /// What was kept under a key.
    pub fn kept(&self, kind: StoredKind, key: &str) -> Option<String> {
        self.with(kind.name(), |connection| {
            let mut query =
                connection.prepare_cached("SELECT value FROM kept WHERE kind = ?1 AND key = ?2")?;
            query
                .query_row([kind.name(), key], |row| row.get(0))
                .optional()
        })
        .flatten()
    }

    /// Everything that was kept of a kind, by key.
    pub fn all_kept(&self, kind: StoredKind) -> BTreeMap<String, String> {
        self.with(kind.name(), |connection| {
            let mut query =
                connection.prepare_cached("SELECT key, value FROM kept WHERE kind = ?1")?;
            let rows = query.query_map([kind.name()], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        })
        .unwrap_or_default()
    }

    /// Keeps a value under a key.
    pub fn keep(&self, kind: StoredKind, key: &str, value: &str) {
        if self.refuses(kind.name(), &[key.as_bytes(), value.as_bytes()]) {
            return;
        }
        self.with(kind.name(), |connection| {
            connection
                .prepare_cached("INSERT OR REPLACE INTO kept VALUES (?1, ?2, ?3)")?
                .execute([kind.name(), key, value])
        });
    }

    /// Forgets what was kept under a key.
    pub fn forget(&self, kind: StoredKind, key: &str) {
        self.with(kind.name(), |connection| {
            connection
                .prepare_cached("DELETE FROM kept WHERE kind = ?1 AND key = ?2")?
                .execute([kind.name(), key])
        });
    }

    /// A time that was kept under a key, in seconds since 1970. A time in the future was stored while the clock ran
    /// ahead: it counts as now, and is stored again as now (B9).
    pub fn time(&self, kind: StoredKind, key: &str, now: i64) -> Option<i64> {
        let at: i64 = self.kept(kind, key)?.parse().ok()?;
        if at > now && now >= FLOOR {
            self.keep(kind, key, &now.to_string());
        }
        Some(at.min(now))
    }

    /// When a digest was first seen under a tag, in seconds since 1970; `now` if this is the first time.
    ///
    /// A time in the future was stored while the clock ran ahead: it counts as now, and is stored again as now. A clock
    /// that shows a time before imagebot existed is wrong: nothing counts as older because of it (B9).
    pub fn first_seen(&self, image: &str, tag: &str, digest: &str, now: i64) -> i64 {
        if self.refuses("seen", &[image.as_bytes(), tag.as_bytes()]) {
            return now;
        }
        self.with("seen", |connection| {
            let newest = || -> rusqlite::Result<i64> {
                let mut query =
                    connection.prepare_cached("SELECT coalesce(max(at), 0) FROM seen")?;
                query.query_row([], |row| row.get(0))
            };
            let first = match now < FLOOR {
                true => newest()?.max(FLOOR),
                false => now,
            };
            connection
                .prepare_cached("INSERT OR IGNORE INTO seen VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![image, tag, digest, first])?;
            let mut query = connection.prepare_cached(
                "SELECT at FROM seen WHERE image = ?1 AND tag = ?2 AND digest = ?3",
            )?;
            let at: i64 = query.query_row([image, tag, digest], |row| row.get(0))?;
            if at > now && now >= FLOOR {
                connection
                    .prepare_cached(
                        "UPDATE seen SET at = ?4 WHERE image = ?1 AND tag = ?2 AND digest = ?3",
                    )?
                    .execute(params![image, tag, digest, now])?;
                return Ok(now);
            }
            Ok(at)
        })
        .unwrap_or(now)
    }

    /// The digests that were seen under a tag, the newest first, `most` at the most.
    pub fn seen(&self, image: &str, tag: &str, most: usize) -> Vec<String> {
        self.with("seen", |connection| {
            let mut query = connection.prepare_cached(
                "SELECT digest FROM seen WHERE image = ?1 AND tag = ?2 ORDER BY at DESC, digest LIMIT ?3",
            )?;
            let rows = query.query_map(params![image, tag, most as i64], |row| row.get(0))?;
            rows.collect()
        })
        .unwrap_or_default()
    }

    /// Whether nothing was seen yet: the store is new.
    pub fn has_seen_nothing(&self) -> bool {
        self.with("seen", |connection| {
            let mut query = connection.prepare_cached("SELECT NOT EXISTS (SELECT 1 FROM seen)")?;
            query.query_row([], |row| row.get(0))
        })
        .unwrap_or(false)
    }
}

/// Whether the store itself is damaged. A full disk, missing rights or a lock of another process would affect a new
/// store as well, and the old one is intact (F47).
fn is_damaged(error: &rusqlite::Error) -> bool {
    !matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::OutOfMemory
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f47_a_store_that_only_cannot_be_opened_now_is_not_thrown_away() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::open(folder.path()).expect("a new store");
        store.keep(StoredKind::Registered, "key", "value");
        drop(store);
        // As with a full disk: SQLite cannot create the files that it keeps beside the database.
        let beside = folder.path().join("store.sqlite-wal");
        std::fs::create_dir(&beside).expect("made");
        assert!(Store::open(folder.path()).is_err());
        std::fs::remove_dir(&beside).expect("removed");
        let store = Store::open(folder.path()).expect("the same store");
        assert_eq!(
            store.kept(StoredKind::Registered, "key").as_deref(),
            Some("value")
        );
    }

    #[test]
    fn b9_a_clock_that_jumped_once_leaves_nothing_behind() {
        const DAY: i64 = 86_400;
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("a new store");
        let today = FLOOR + 300 * DAY;
        let seen = |tag: &str, now: i64| store.first_seen("image", tag, "digest", now);
        assert_eq!(seen("old", today), today);
        // 2036: once the clock is right again, what was seen counts as seen at that moment.
        assert_eq!(seen("ahead", today + 3_650 * DAY), today + 3_650 * DAY);
        assert_eq!(seen("ahead", today + DAY), today + DAY);
        assert_eq!(seen("ahead", today + 9 * DAY), today + DAY);
        // 1970: nothing is old because of it, neither then nor later.
        assert_eq!(seen("old", 1_000), today);
        assert!(seen("lost", 1_000) >= today);
        assert!(seen("lost", today + 10 * DAY) >= today);
        assert_eq!(seen("old", today + 10 * DAY), today);
        // Times of merge requests and pipelines alike.
        store.keep(StoredKind::Opened, "x", &(today + 3_650 * DAY).to_string());
        assert_eq!(store.time(StoredKind::Opened, "x", 1_000), Some(1_000));
        assert_eq!(store.time(StoredKind::Opened, "x", today), Some(today));
        assert_eq!(
            store.time(StoredKind::Opened, "x", today + DAY),
            Some(today)
        );
    }

    #[test]
    fn a_damaged_store_is_made_anew() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let answer = StoredAnswer {
            etag: Some("\"1\"".into()),
            media_type: None,
            next: None,
            body: b"x".to_vec(),
        };
        {
            let store = Store::open(folder.path()).expect("a new store");
            store.keep_answer("a", &answer);
            store.keep_files("r", "1", b"data");
            store.keep(StoredKind::Judged, "c", "x");
            assert!(store.has_seen_nothing());
            assert_eq!(store.first_seen("i", "1", "d", FLOOR + 7), FLOOR + 7);
        }
        {
            let store = Store::open(folder.path()).expect("the same store");
            assert_eq!(store.answer("a"), Some(answer));
            assert_eq!(store.files("r", "1"), Some(b"data".to_vec()));
            assert_eq!(store.files("r", "2"), None);
            assert_eq!(store.kept(StoredKind::Judged, "c").as_deref(), Some("x"));
            assert_eq!(store.kept(StoredKind::Memory, "c"), None);
            assert_eq!(store.all_kept(StoredKind::Judged).len(), 1);
            store.forget(StoredKind::Judged, "c");
            assert_eq!(store.kept(StoredKind::Judged, "c"), None);
            assert_eq!(store.first_seen("i", "1", "d", FLOOR + 9), FLOOR + 7);
            assert_eq!(store.first_seen("i", "1", "e", FLOOR + 9), FLOOR + 9);
            assert!(!store.has_seen_nothing());
            store.first_seen("i", "1", "f", FLOOR + 11);
            assert_eq!(store.seen("i", "1", 2), ["f", "e"]);
        }
        std::fs::write(
            folder.path().join("store.sqlite"),
            b"not a database at all, and longer than a header is",
        )
        .expect("written");
        let store = Store::open(folder.path()).expect("made anew");
        assert_eq!(store.answer("a"), None);
    }
}
