//! The core against its conformance vectors and properties: no I/O but the vectors themselves.

#[path = "core/source.rs"]
mod source;
