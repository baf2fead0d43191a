//! What is remembered between passes: registries' answers with their validators, the files of repositories at a
//! commit, and the commits that imagebot wrote.
//!
//! Everything here can be had again: deleting the store costs time, never correctness. So nothing in it is an error
//! for long: a store that cannot be read is made anew, a write that fails is said once and goes on without.
//! No credential, cookie or token ever comes here (T52).

use rusqlite::{Connection, OptionalExtension as _, params};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Raised whenever what is stored changes its meaning; a store of another number is made anew.
const VERSION: i64 = 1;

/// The store; clones share it.
#[derive(Debug, Clone)]
pub struct Store {
    connection: Arc<Mutex<Connection>>,
}

/// Why there is no store.
#[derive(Debug, thiserror::Error)]
#[error("the store {path} cannot be opened: {error}")]
pub struct StoreError {
    path: String,
    error: rusqlite::Error,
}

/// A kept answer of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The entity tag to ask with.
    pub etag: Option<String>,
    /// The media type.
    pub media_type: Option<String>,
    /// The query of the next page.
    pub next: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Store {
    /// Opens the store in a folder, made anew where it is damaged or of another version.
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
            Err(first) => {
                tracing::warn!(store = %path.display(), error = %first, "the store is made anew");
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
                 CREATE TABLE answer (key TEXT PRIMARY KEY, etag TEXT, media_type TEXT, next TEXT, body BLOB NOT NULL) WITHOUT ROWID;
                 CREATE TABLE files (repo TEXT PRIMARY KEY, head TEXT NOT NULL, data BLOB NOT NULL) WITHOUT ROWID;
                 CREATE TABLE written (id TEXT PRIMARY KEY, what TEXT NOT NULL) WITHOUT ROWID;
                 COMMIT;",
            )?;
            connection.pragma_update(None, "user_version", VERSION)?;
        }
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
        })
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
            .map_err(|error| tracing::warn!(what, %error, "the store cannot be used"))
            .ok()
    }

    /// A server's kept answer.
    pub fn answer(&self, key: &str) -> Option<Answer> {
        self.with("answer", |connection| {
            let mut query = connection
                .prepare_cached("SELECT etag, media_type, next, body FROM answer WHERE key = ?1")?;
            query
                .query_row([key], |row| {
                    Ok(Answer {
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
    pub fn keep_answer(&self, key: &str, answer: &Answer) {
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
        self.with("files", |connection| {
            connection
                .prepare_cached("INSERT OR REPLACE INTO files VALUES (?1, ?2, ?3)")?
                .execute(params![repo, head, data])
        });
    }

    /// What imagebot said of a commit that it wrote itself, as far as the store knows.
    pub fn written(&self, commit: &str) -> Option<String> {
        self.with("written", |connection| {
            let mut query = connection.prepare_cached("SELECT what FROM written WHERE id = ?1")?;
            query.query_row([commit], |row| row.get(0)).optional()
        })
        .flatten()
    }

    /// Remembers that imagebot wrote a commit.
    pub fn keep_written(&self, commit: &str, what: &str) {
        self.with("written", |connection| {
            connection
                .prepare_cached("INSERT OR REPLACE INTO written VALUES (?1, ?2)")?
                .execute([commit, what])
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_store_is_made_anew() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let answer = Answer {
            etag: Some("\"1\"".into()),
            media_type: None,
            next: None,
            body: b"x".to_vec(),
        };
        {
            let store = Store::open(folder.path()).expect("a new store");
            store.keep_answer("a", &answer);
            store.keep_files("r", "1", b"data");
            store.keep_written("c", "x");
        }
        {
            let store = Store::open(folder.path()).expect("the same store");
            assert_eq!(store.answer("a"), Some(answer));
            assert_eq!(store.files("r", "1"), Some(b"data".to_vec()));
            assert_eq!(store.files("r", "2"), None);
            assert_eq!(
                (store.written("c").as_deref(), store.written("d")),
                (Some("x"), None)
            );
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
