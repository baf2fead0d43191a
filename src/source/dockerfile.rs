//! Dockerfiles and Containerfiles: which images they name, and where.
//!
//! The semantics are BuildKit's: what it accepts is read in the same way. What it refuses is read leniently, so that an
//! invalid line hides only itself, and is reported. `parse-dockerfile` decides whether a file is well-formed; positions
//! come from our own reader, because an edit needs the position of every byte through continuations, quotes and
//! variables, even in files with errors.
//!
//! Nothing here decides whether a reference is updated.

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
pub(crate) use references::read;
