//! A combined hash of several texts.

use crate::image::Digest;

/// The SHA-256 of several texts, in hexadecimal. Each text is prefixed with its length, so different lists differ.
pub(super) fn of_texts(texts: &[&str]) -> String {
    let mut bytes = Vec::new();
    for text in texts {
        bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    of_bytes(&bytes)
}

/// The SHA-256 of some bytes, in hexadecimal.
pub(super) fn of_bytes(bytes: &[u8]) -> String {
    let digest = Digest::sha256(bytes);
    let text = digest.as_str();
    text.strip_prefix("sha256:").unwrap_or(text).to_owned()
}
