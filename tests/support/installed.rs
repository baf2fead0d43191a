//! Programs of Debian that some tests need. A test without its program is left out, and one line says so.
//!
//! `IMAGEBOT_TEST_SERVERS=required` makes that a failure: `scripts/test` sets it, so that nothing is left out there.
//! `IMAGEBOT_TEST_SERVERS=none` runs the tests as on a machine without these programs.

use std::io::Write as _;
use std::path::Path;

/// Whether a program is installed, for the test that runs on this thread.
pub(crate) fn is_installed(program: &str, package: &str) -> bool {
    let servers = std::env::var("IMAGEBOT_TEST_SERVERS").unwrap_or_default();
    assert!(
        ["", "required", "none"].contains(&servers.as_str()),
        "IMAGEBOT_TEST_SERVERS is {servers:?}; expected \"required\", \"none\" or nothing"
    );
    if servers != "none" && Path::new(program).exists() {
        return true;
    }
    assert!(
        servers != "required",
        "{program} is missing: install Debian's package {package} to run this test"
    );
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let line = format!("left out: {test} (needs {program} of Debian's package {package})\n");
    // Not with a macro: what those print of a test that passes is hidden.
    let _ = std::io::stderr().write_all(line.as_bytes());
    false
}
