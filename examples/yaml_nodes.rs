//! Prints the nodes of YAML files as JSON lines; `scripts/check-yaml` compares them with those of another reader.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    for path in std::env::args().skip(1) {
        println!("{}", serde_json::json!({"kind": "file", "path": path}));
        let text = String::from_utf8(std::fs::read(&path)?)?;
        for node in imagebot::source::yaml_nodes(&text) {
            println!("{node}");
        }
    }
    Ok(())
}
