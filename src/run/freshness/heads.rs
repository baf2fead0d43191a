//! The digests of tags, each asked for once however many images stand on it.

use crate::family::freshness::Code;
use crate::image::{Digest, Tag};
use crate::plan::Lookup;
use crate::run::setup::Setup;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;

/// A digest, none if there is no such tag, or why it is not known.
type Answer = Result<Option<Digest>, (Code, String)>;

/// An answer that whoever comes first asks for.
type Cell = Arc<OnceCell<Answer>>;

/// The digests that were asked for.
#[derive(Default)]
pub(super) struct Heads(Mutex<HashMap<(Lookup, Tag), Cell>>);

impl Heads {
    /// The digest of a tag.
    pub(super) async fn get(&self, setup: &Setup, lookup: &Lookup, tag: &Tag) -> Answer {
        let cell = {
            let mut cells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let key = (lookup.clone(), tag.clone());
            Arc::clone(cells.entry(key).or_default())
        };
        let ask = || async {
            let login = setup.login(lookup);
            let registries = &setup.registries;
            let head = registries.head(&lookup.image, login.as_ref(), tag).await;
            match head {
                Ok(head) => Ok(head.map(|head| head.digest)),
                Err(error) => Err((Code::LookupFailed, format!("{}: {error}", error.code()))),
            }
        };
        cell.get_or_init(ask).await.clone()
    }
}
