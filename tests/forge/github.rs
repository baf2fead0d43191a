//! GitHub: the suite on the fake, and what is particular to it.

#[path = "github/bench.rs"]
mod bench;

use bench::Bench;

conformance!(Bench::start());
