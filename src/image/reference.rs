//! A reference: image name with an optional tag and an optional digest.
//!
//! `oci-client`'s `Reference` is not suitable, even where a name is only read: it adds `latest` if there is no tag,
//! accepts capital letters in names, does not know positions in the text, and brings an HTTP client into the core.

use super::{Digest, ImageName, ParseDigestError, ParseNameError, ParseTagError, Tag};
use std::fmt;

/// An image reference: `registry.example.com:5000/team/app:1.2@sha256:…`.
///
/// A missing tag stays missing: `node` and `node:latest` are different references.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    /// The image's name.
    pub name: ImageName,
    /// The tag, if one is written.
    pub tag: Option<Tag>,
    /// The digest, if one is written.
    pub digest: Option<Digest>,
}

/// Why a text is not a reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseReferenceError {
    /// The name is invalid.
    #[error(transparent)]
    Name(#[from] ParseNameError),
    /// The text after the last `:` is not a tag.
    #[error(transparent)]
    Tag(#[from] ParseTagError),
    /// The text after the `@` is not a digest.
    #[error(transparent)]
    Digest(#[from] ParseDigestError),
}

/// The three parts of a reference's text, not yet checked. Their positions in the text are those of the slices.
pub(crate) struct Parts<'a> {
    pub(crate) name: &'a str,
    pub(crate) tag: Option<&'a str>,
    pub(crate) digest: Option<&'a str>,
}

/// Splits a text into name, tag and digest: the digest follows the first `@`, the tag the last `:` after the last `/`.
pub(crate) fn split(text: &str) -> Parts<'_> {
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (text, None),
    };
    let last_part = rest.rfind('/').map_or(0, |slash| slash + 1);
    let (name, tag) = match rest[last_part..].rfind(':') {
        Some(colon) => (
            &rest[..last_part + colon],
            Some(&rest[last_part + colon + 1..]),
        ),
        None => (rest, None),
    };
    Parts { name, tag, digest }
}

impl Reference {
    /// Reads a reference.
    pub fn parse(text: &str) -> Result<Self, ParseReferenceError> {
        let parts = split(text);
        Ok(Self {
            name: ImageName::parse(parts.name)?,
            tag: parts.tag.map(Tag::parse).transpose()?,
            digest: parts.digest.map(Digest::parse).transpose()?,
        })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reference({self})")
    }
}

impl std::str::FromStr for Reference {
    type Err = ParseReferenceError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_gives_the_written_text_back() {
        let digest = Digest::sha256(b"x");
        for text in [
            "node".to_owned(),
            "node:20".to_owned(),
            "localhost:5000/app".to_owned(),
            "localhost:5000/app:5000".to_owned(),
            "[fd00::1]:5000/a:1".to_owned(),
            format!("GHCR.io/x/y@{digest}"),
            format!("a.b:1/c:V1_2-x@{digest}"),
        ] {
            let read = Reference::parse(&text);
            assert_eq!(read.map(|r| r.to_string()), Ok(text));
        }
    }

    #[test]
    fn refuses_the_rest() {
        for bad in [
            ":1",
            "a:",
            "a@",
            "a@sha256:00",
            "a:1:2@x",
            "a b",
            "a:1@sha256:x@sha256:y",
            "http://a/b:1",
        ] {
            assert!(Reference::parse(bad).is_err(), "{bad:?}");
        }
    }
}
