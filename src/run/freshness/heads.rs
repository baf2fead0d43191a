//! The digests of tags, each requested once however many children an image has.

use crate::family::freshness::Code;
use crate::image::{Digest, Tag};
use crate::plan::Lookup;
use crate::run::setup::Setup;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;

/// A digest, `None` if the tag does not exist, or why it is not known.
type Answer = Result<Option<Digest>, (Code, String)>;

/// The answer for one tag; the first caller requests it, and the others wait.
type Cell = Arc<OnceCell<Answer>>;

/// The digests of tags requested so far.
#[derive(Default)]
pub(super) struct Heads(Mutex<HashMap<(Lookup, Tag), Cell>>);

impl Heads {
    /// The digest that a tag points at.
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
