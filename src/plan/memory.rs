//! Encodes the state in a description: JSON in base64 in a comment, deflated if it is long.
//!
//! A digest is 64 characters long, and a merge request may have hundreds of them, often the same one in many files,
//! while forges limit the size of a description. Decoding is bounded, because anyone may have edited the text.

use super::text::RequestState;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::io::{Read as _, Write as _};

/// Longer states are deflated; in bytes.
const LONG: usize = 4 << 10;
/// The maximum size of an inflated state, in bytes.
const MOST: u64 = 4 << 20;
/// Marks a deflated state; `:` does not occur in base64.
const DEFLATED: &str = "z:";

/// Encodes a state.
pub(super) fn encode(state: &RequestState) -> String {
    // A state consists of strings and lists, so it always has a JSON form.
    let json = serde_json::to_vec(state).unwrap_or_default();
    if json.len() > LONG {
        let mut deflate =
            flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        // Writing to memory does not fail.
        if let Ok(bytes) = deflate.write_all(&json).and_then(|()| deflate.finish()) {
            return format!("{DEFLATED}{}", STANDARD.encode(bytes));
        }
    }
    STANDARD.encode(json)
}

/// Decodes a state; `None` if the text is not a valid one.
pub(super) fn decode(text: &str) -> Option<RequestState> {
    let json = match text.trim().strip_prefix(DEFLATED) {
        None => STANDARD.decode(text.trim()).ok()?,
        Some(text) => {
            let bytes = STANDARD.decode(text).ok()?;
            let mut json = Vec::new();
            let inflate = flate2::read::DeflateDecoder::new(bytes.as_slice());
            inflate.take(MOST).read_to_end(&mut json).ok()?;
            json
        }
    };
    serde_json::from_slice(&json).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(count: usize) -> RequestState {
        let said = (0..count).map(|number| format!("reason {number}"));
        RequestState {
            key: "k".to_owned(),
            told: said.collect(),
            ..RequestState::default()
        }
    }

    #[test]
    fn short_and_long_ones_come_back() {
        for count in [0, 10, 1_000] {
            let text = encode(&state(count));
            assert_eq!(text.starts_with(DEFLATED), count == 1_000);
            assert_eq!(decode(&text), Some(state(count)), "{count}");
        }
        for bad in ["", "z:", "z:AAAA", "%", "z:%"] {
            assert_eq!(decode(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn what_inflates_without_end_is_not_read_to_the_end() {
        let mut deflate =
            flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        let blank = vec![b' '; 1 << 20];
        for _ in 0..64 {
            deflate.write_all(&blank).expect("memory");
        }
        let bytes = deflate.finish().expect("memory");
        assert_eq!(
            decode(&format!("{DEFLATED}{}", STANDARD.encode(bytes))),
            None
        );
    }
}
