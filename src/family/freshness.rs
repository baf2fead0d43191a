//! Whether a published image is built on the current content of the images that it stands on.
//!
//! [`judge()`] goes down a ladder, the strongest evidence first, for one platform and one parent:
//!
//! 1. `git-pin`: the commit that the image says it is built from pins the parent's digest;
//! 2. `provenance`: BuildKit's statement names the digests of all images that took part;
//! 3. `annotation`: `org.opencontainers.image.base.digest`, where it speaks of this parent;
//! 4. `layers`: the parent's layers are the image's first ones;
//! 5. `history`: the parent's steps are the image's first ones.
//!
//! The first three name a digest. Another digest is not yet another content: an index may have changed for another
//! platform, layers may have been compressed anew. So both contents are compared before anything is called stale, and
//! a digest whose layers the image does not have, while it has the current ones, is not believed. Nothing is called older
//! by its date: reproducible builds say 1970; different dates only tell two builds apart.
//!
//! Of the layers alone, *fresh* is certain and *stale* hardly ever: an image that was squashed, or that copies from
//! its parent, has none of the parent's layers. It is called stale only where it has the layers of an older content
//! of the parent, or the parent's very steps from another build; otherwise it is unknown, with what was seen.
//!
//! Not here: where the values come from (`run`), and what is done about a stale image.

mod answer;
mod case;
mod compare;
mod content;
mod history;
mod judge;
mod layers;
mod named;
mod origin;
mod parent;

pub use answer::{Answer, Code, Freshness, Row, Rung, overall};
pub use case::{Case, FreshnessQuestion};
pub use content::{Content, HistoryStep, Published};
pub use judge::judge;
pub use named::Then;
pub use origin::{Believed, Parents, believed_revision, parents_of};
pub use parent::Parent;
