//! Whether a published image is built on the current content of its parents.
//!
//! [`judge()`] tries these kinds of evidence, the strongest first, for one platform and one parent:
//!
//! 1. `git-pin`: the commit that the image claims to be built from pins the parent's digest;
//! 2. `provenance`: BuildKit's provenance lists the digests of all images that took part in the build;
//! 3. `annotation`: `org.opencontainers.image.base.digest`, if it is about this parent;
//! 4. `layers`: the image's first layers are the parent's layers;
//! 5. `history`: the image's first history steps are the parent's steps.
//!
//! The first three give a digest. A different digest doesn't prove different content: an index may have changed for
//! another platform only, or layers may have been recompressed. So the contents are compared before an image is called
//! stale. A digest is rejected as wrong if the image lacks its layers but has the current ones. Dates never decide
//! which content is older, because reproducible builds are dated 1970; different dates only show that two builds
//! differ.
//!
//! Layers alone can prove *fresh*, but hardly ever *stale*: an image that was squashed, or that only copies files from
//! its parent, has none of the parent's layers. It is stale only if it has the layers of an older content of the
//! parent, or the parent's exact steps from another build. Otherwise it is unknown, and the evidence found is reported.
//!
//! Not here: fetching the values (`run`), and deciding what to do about a stale image.

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
