//! GitHub: the suite on the fake, and what is particular to it.

#[path = "github/bench.rs"]
mod bench;
#[path = "github/discovery.rs"]
mod discovery;
#[path = "github/life.rs"]
mod life;
#[path = "github/limits.rs"]
mod limits;
#[path = "github/merging.rs"]
mod merging;
#[path = "github/real.rs"]
mod real;
#[path = "github/tokens.rs"]
mod tokens;

use bench::Bench;

conformance!(Bench::start());
