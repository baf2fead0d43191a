//! The store of answers: an answer with its validator is kept until it changes, content by digest for ever.

use bytes::Bytes;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// A kept answer: nothing of a request, no cookie, no token (T52).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The entity tag, for `If-None-Match`; `None` for content that its digest proves.
    pub etag: Option<String>,
    /// The media type.
    pub media_type: Option<String>,
    /// For a page of tags: the query of the next one.
    pub next: Option<String>,
    /// The body.
    pub body: Bytes,
}

impl Kept {
    /// Content that its digest proves.
    pub(super) fn content(body: Bytes) -> Self {
        Self {
            etag: None,
            media_type: None,
            next: None,
            body,
        }
    }
}

type Get = dyn Fn(&str) -> Option<Kept> + Send + Sync;
type Put = dyn Fn(&str, Kept) + Send + Sync;

/// Access to a store of answers. A key names the request and the login; it contains no secret. Losing entries costs
/// requests, but is never wrong: content is hashed again when it is read.
#[derive(Clone)]
pub struct Validators {
    get: Arc<Get>,
    put: Arc<Put>,
}

impl Validators {
    /// A store made of two functions.
    pub fn new(
        get: impl Fn(&str) -> Option<Kept> + Send + Sync + 'static,
        put: impl Fn(&str, Kept) + Send + Sync + 'static,
    ) -> Self {
        Self {
            get: Arc::new(get),
            put: Arc::new(put),
        }
    }

    /// A store in memory, which is emptied when it holds more than 64 MiB.
    pub fn memory() -> Self {
        const MOST: usize = 64 << 20;
        let store: Arc<Mutex<(usize, HashMap<String, Kept>)>> = Arc::default();
        let reader = Arc::clone(&store);
        Self::new(
            move |key| {
                let store = reader.lock().unwrap_or_else(PoisonError::into_inner);
                store.1.get(key).cloned()
            },
            move |key, kept| {
                let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
                if store.0 + kept.body.len() > MOST {
                    *store = Default::default();
                }
                store.0 += kept.body.len();
                store.1.insert(key.to_owned(), kept);
            },
        )
    }

    pub(super) fn get(&self, key: &str) -> Option<Kept> {
        (self.get)(key)
    }

    pub(super) fn put(&self, key: &str, kept: Kept) {
        (self.put)(key, kept);
    }
}

impl fmt::Debug for Validators {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Validators")
    }
}
