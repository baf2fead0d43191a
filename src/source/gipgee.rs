//! `gipgee.yml`: which images gipgee builds on which bases, and where it publishes them.
//!
//! A base is `registry/repository:tag`, put together from what the image says and what the defaults say; an edit changes
//! the `tag` where it is written, and so for all images that inherit it. The file is data that gipgee reads. The
//! pipeline that gipgee makes of it is another file, and never edited.

mod base;
mod config;
mod images;
mod tree;

pub(crate) use base::read;
pub use images::{GipgeeImage, GipgeeRelease, gipgee_images};
