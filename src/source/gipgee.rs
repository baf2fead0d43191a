//! `gipgee.yml`: the images that gipgee builds, their bases, and where it publishes them.
//!
//! A base is `registry/repository:tag`, combined from the image's values and the defaults. An edit changes the `tag`
//! where it is written, and so for all images that inherit it. The file is data that gipgee reads. The pipeline that
//! gipgee generates from it is another file, which is never edited.

mod base;
mod config;
mod images;
mod tree;

pub(crate) use base::read;
pub use images::{GipgeeImage, GipgeeRelease, gipgee_images};
