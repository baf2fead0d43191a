//! Errors in a policy's schemes, patterns and ranges.

use std::ops::Range;

/// The names of all groups that a pattern may have.
const GROUP_NAMES: &str = "`major`, `minor`, `patch`, `date`, `build`, `revision`, `prerelease`, `compatibility` and `variant`";

/// Why a scheme, a pattern or a range is refused; always reported, never ignored.
#[expect(missing_docs, reason = "most fields are named after what they hold")]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SchemeError {
    /// The pattern has no named group that a version could be read from.
    #[error("the pattern has no named group; name at least one of {}", GROUP_NAMES)]
    NoGroup,
    /// The pattern has a group whose name is unknown.
    #[error("unknown group {name:?}: expected one of {}", GROUP_NAMES)]
    UnknownGroup {
        /// The name as it is written.
        name: String,
        /// The position of the name in the text, in bytes.
        span: Range<usize>,
    },
    /// A group of numbers can match something else.
    #[error(
        "the group {name:?} is a number, but its pattern can match something else; write `\\d+`"
    )]
    NotANumberGroup {
        name: String,
        /// The position of the name in the text, in bytes.
        span: Range<usize>,
    },
    /// The pattern uses look-around, which takes unbounded time.
    #[error("look-arounds are not supported; use `ignore` or `allow` to leave tags out")]
    LookAround {
        /// The position of the look-around in the text, in bytes.
        span: Range<usize>,
    },
    /// The pattern is invalid or too large.
    #[error("the pattern is invalid: {message}")]
    BadPattern {
        message: String,
        /// The position in the text, in bytes, if it is known.
        span: Option<Range<usize>>,
    },
    /// The pattern does not match the tag in use.
    #[error("the pattern does not match the current tag {current:?}")]
    DoesNotMatchCurrent {
        /// The tag in use.
        current: String,
    },
    /// The order names a group twice, or one that does not exist or has no order.
    #[error("`order` cannot hold {name:?}: {reason}")]
    BadOrder {
        name: String,
        /// Why it is not allowed.
        reason: &'static str,
    },
    /// The range is invalid.
    #[error("{text:?} is not a range: {reason}")]
    BadRange {
        /// The range as it is written.
        text: String,
        reason: String,
    },
}

impl SchemeError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoGroup => "no-group",
            Self::UnknownGroup { .. } => "unknown-group",
            Self::NotANumberGroup { .. } => "not-a-number-group",
            Self::LookAround { .. } => "look-around",
            Self::BadPattern { .. } => "bad-pattern",
            Self::DoesNotMatchCurrent { .. } => "does-not-match-current",
            Self::BadOrder { .. } => "bad-order",
            Self::BadRange { .. } => "bad-range",
        }
    }

    /// The same error in a pattern that begins `offset` bytes into the text that contains it.
    pub(super) fn shifted(mut self, offset: usize) -> Self {
        if let Self::UnknownGroup { span, .. }
        | Self::NotANumberGroup { span, .. }
        | Self::LookAround { span }
        | Self::BadPattern {
            span: Some(span), ..
        } = &mut self
        {
            *span = span.start + offset..span.end + offset;
        }
        self
    }

    /// The position of the fault in the text, in bytes, for a caret.
    pub fn span(&self) -> Option<Range<usize>> {
        match self {
            Self::UnknownGroup { span, .. }
            | Self::NotANumberGroup { span, .. }
            | Self::LookAround { span } => Some(span.clone()),
            Self::BadPattern { span, .. } => span.clone(),
            _ => None,
        }
    }
}
