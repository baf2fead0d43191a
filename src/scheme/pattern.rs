//! Regular expressions from untrusted sources, with limits.
//!
//! Matching is linear in the tag; the limits here are for the pattern's own cost, so that a policy in a scanned
//! repository cannot exhaust the memory (T14 of the threat model).

use regex::{Regex, RegexBuilder};
use regex_syntax::ast::{self, Ast};

use super::error::SchemeError;

/// The longest pattern, in bytes.
const LONGEST: usize = 2_000;
/// The largest compiled pattern, and the largest cache of its automaton, in bytes.
const SIZE: usize = 1 << 20;
/// The deepest nesting of groups.
const NESTING: u32 = 50;

/// Reads a pattern's syntax.
pub(super) fn parse(pattern: &str) -> Result<Ast, SchemeError> {
    if pattern.len() > LONGEST {
        return Err(SchemeError::BadPattern {
            message: format!("it is longer than {LONGEST} characters"),
            span: None,
        });
    }
    let parsed = ast::parse::ParserBuilder::new()
        .nest_limit(NESTING)
        .build()
        .parse(pattern);
    parsed.map_err(|error| {
        let span = error.span().start.offset..error.span().end.offset;
        match error.kind() {
            ast::ErrorKind::UnsupportedLookAround => SchemeError::LookAround { span },
            kind => SchemeError::BadPattern {
                message: kind.to_string(),
                span: Some(span),
            },
        }
    })
}

/// Compiles a pattern that is searched for anywhere in a tag.
pub(super) fn compile(pattern: &str) -> Result<Regex, SchemeError> {
    parse(pattern)?;
    build(pattern)
}

/// Compiles a pattern that must match the whole tag.
pub(super) fn compile_anchored(pattern: &str) -> Result<Regex, SchemeError> {
    // Parsed alone first, so that a parenthesis in it cannot close the group around it.
    compile(pattern)?;
    build(&format!(r"\A(?:{pattern})\z"))
}

fn build(pattern: &str) -> Result<Regex, SchemeError> {
    RegexBuilder::new(pattern)
        .size_limit(SIZE)
        .dfa_size_limit(SIZE)
        .nest_limit(NESTING + 2)
        .build()
        .map_err(|error| SchemeError::BadPattern {
            message: match error {
                regex::Error::CompiledTooBig(_) => "it is too large when compiled".to_owned(),
                error => error.to_string(),
            },
            span: None,
        })
}
