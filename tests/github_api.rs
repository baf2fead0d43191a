//! The GitHub client and its fake against what GitHub publishes; `scripts/check-fake-github` records what they said to
//! each other, downloads the vendor's files, and runs this.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a test that panics tells where"
)]

#[path = "github_api/graphql.rs"]
mod graphql;
#[path = "github_api/openapi.rs"]
mod openapi;

use serde_json::Value;
use std::path::PathBuf;

fn given(variable: &str) -> PathBuf {
    let path = std::env::var_os(variable);
    PathBuf::from(path.unwrap_or_else(|| panic!("{variable} is set by scripts/check-fake-github")))
}

/// Every recorded exchange.
fn recorded() -> Vec<Value> {
    let folder = given("IMAGEBOT_GITHUB_RECORDED");
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        all.extend(text.lines().map(|line| serde_json::from_str(line).unwrap()));
    }
    assert!(!all.is_empty(), "nothing was recorded");
    all
}
