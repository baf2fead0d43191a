//! A content digest.

use sha2::Digest as _;
use std::fmt;

/// A digest of a manifest or of an index: `sha256:` or `sha512:` and its lower-case hexadecimal digits.
///
/// OCI image specification, "Descriptor digests". Other algorithms are not registered there and are refused.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(String);

/// Why a text is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseDigestError {
    /// The text does not begin with `sha256:` or `sha512:`.
    #[error("a digest begins with `sha256:` or `sha512:`")]
    Algorithm,
    /// The number of hexadecimal digits does not fit the algorithm.
    #[error("a {algorithm} digest has {expected} hexadecimal digits, not {found}")]
    Length {
        /// The algorithm's name.
        algorithm: &'static str,
        /// The number of digits it has.
        expected: usize,
        /// The number of characters that were found.
        found: usize,
    },
    /// A character that is not a lower-case hexadecimal digit.
    #[error("{0:?} is not a lower-case hexadecimal digit")]
    Character(char),
}

impl Digest {
    /// Reads a digest.
    pub fn parse(text: &str) -> Result<Self, ParseDigestError> {
        let (algorithm, expected, hex) = if let Some(hex) = text.strip_prefix("sha256:") {
            ("sha256", 64, hex)
        } else if let Some(hex) = text.strip_prefix("sha512:") {
            ("sha512", 128, hex)
        } else {
            return Err(ParseDigestError::Algorithm);
        };
        if let Some(c) = hex.chars().find(|c| !matches!(c, '0'..='9' | 'a'..='f')) {
            return Err(ParseDigestError::Character(c));
        }
        if hex.len() != expected {
            return Err(ParseDigestError::Length {
                algorithm,
                expected,
                found: hex.len(),
            });
        }
        Ok(Self(text.to_owned()))
    }

    /// The SHA-256 digest of some bytes.
    pub fn sha256(bytes: &[u8]) -> Self {
        Self(format!("sha256:{}", hex(&sha2::Sha256::digest(bytes))))
    }

    /// Whether the bytes have this digest.
    pub fn matches(&self, bytes: &[u8]) -> bool {
        match self.0.strip_prefix("sha512:") {
            Some(digits) => hex(&sha2::Sha512::digest(bytes)) == digits,
            None => Self::sha256(bytes) == *self,
        }
    }

    /// Whether this is a SHA-256 digest, the only kind that imagebot writes into a file.
    pub fn is_sha256(&self) -> bool {
        self.0.starts_with("sha256:")
    }

    /// The digest's text, algorithm included.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The algorithm and the first twelve hexadecimal digits, as users see it.
    pub fn short(&self) -> &str {
        let end = self.0.find(':').map_or(self.0.len(), |colon| colon + 13);
        &self.0[..end]
    }
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", self.short())
    }
}

impl std::str::FromStr for Digest {
    type Err = ParseDigestError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Digest {
    type Error = ParseDigestError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_hashes() {
        let empty = Digest::sha256(b"");
        assert_eq!(
            empty.as_str(),
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(Digest::parse(empty.as_str()), Ok(empty.clone()));
        assert_eq!(empty.short(), "sha256:e3b0c44298fc");
        assert!(empty.matches(b"") && !empty.matches(b"x"));
    }

    #[test]
    fn refuses_what_could_be_a_path() {
        for bad in [
            "",
            "sha256:",
            "sha256:../../x",
            "md5:00",
            &format!("sha256:{}", "A".repeat(64)),
        ] {
            assert!(Digest::parse(bad).is_err(), "{bad:?}");
        }
    }
}
