//! The words everything else speaks: reference, image name, tag, digest, platform.
//!
//! Every type here is parsed once and cannot hold a bad value: a tag with a newline, a digest that is
//! a path, a host with a user name cannot be made. The written form of a name is kept beside its
//! canonical form, because what is written back to a file is always what its author wrote.
//!
//! Nothing here knows what a version is (`scheme`), where a reference stands (`source`) or how a
//! registry is reached (`registry`).

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
