//! The vocabulary of images: reference, image name, tag, digest, platform.
//!
//! Every type here is parsed once and cannot hold an invalid value: a tag with a newline, a digest that is a path or a
//! host with a user name cannot be constructed. A name keeps its written form beside its canonical form, because an
//! edit must write back what the author wrote.
//!
//! What a version is belongs to `scheme`, where a reference is in a file to `source`, and how a registry is contacted
//! to `registry`.

mod alias;
mod digest;
mod name;
mod platform;
mod reference;
mod tag;

pub use alias::Alias;
pub use digest::{Digest, ParseDigestError};
pub use name::{ImageName, ParseNameError, RegistryHost};
pub use platform::{ParsePlatformError, Platform};
pub use reference::{ParseReferenceError, Reference};
pub use tag::{ParseTagError, Tag};
