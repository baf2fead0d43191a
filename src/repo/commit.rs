//! Ids of git objects, and those of commits among them.

use std::fmt;

/// The id of a git object, a blob or a tree or a commit: 40 (SHA-1) or 64 (SHA-256) lower-case hexadecimal digits.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId(String);

/// The id of a commit. It can be used wherever an object's id is expected, but not the other way round.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CommitId(ObjectId);

/// Why a text is not an object's id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an object id: expected 40 or 64 lower-case hexadecimal digits")]
pub struct ParseObjectIdError(String);

/// Why a text is not a commit's id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a commit id: expected 40 or 64 lower-case hexadecimal digits")]
pub struct ParseCommitError(String);

impl ObjectId {
    /// Reads an id.
    pub fn parse(text: &str) -> Result<Self, ParseObjectIdError> {
        let fits = matches!(text.len(), 40 | 64)
            && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseObjectIdError(text.to_owned()))
        }
    }

    /// All of its digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first ten digits, for texts that users read.
    pub fn short(&self) -> &str {
        &self.0[..10]
    }
}

impl CommitId {
    /// Reads an id. That the object is a commit shows only when it is fetched.
    pub fn parse(text: &str) -> Result<Self, ParseCommitError> {
        let id = ObjectId::parse(text).map_err(|error| ParseCommitError(error.0))?;
        Ok(Self(id))
    }
}

impl std::ops::Deref for CommitId {
    type Target = ObjectId;
    fn deref(&self) -> &ObjectId {
        &self.0
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectId({})", self.short())
    }
}

impl fmt::Debug for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CommitId({})", self.short())
    }
}

impl TryFrom<String> for CommitId {
    type Error = ParseCommitError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<CommitId> for String {
    fn from(id: CommitId) -> Self {
        id.0.0
    }
}
