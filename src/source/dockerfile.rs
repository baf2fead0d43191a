//! Dockerfiles and Containerfiles: which images they name, and where.
//!
//! The semantics are BuildKit's: what it accepts is read as it reads it. What it refuses is read
//! leniently, so that a bad line hides nothing but itself, and is reported. `parse-dockerfile` is the
//! judge of whether a file is well-formed; the places come from our own reader, because an edit needs
//! the place of every byte through continuations, quotes and variables, also in files with errors.
//!
//! Nothing here decides whether a reference is to be updated.

mod assignments;
mod directives;
mod expand;
mod from;
mod glob;
mod judge;
mod lines;
mod mount;
mod references;
mod template;
mod words;

pub(crate) use assignments::assignments;
pub(crate) use references::{Read, read};
