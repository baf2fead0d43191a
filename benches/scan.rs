//! Reading 10,000 Dockerfiles: `cargo bench --bench scan`. Target: under 300 ms on one core.
#![allow(missing_docs, reason = "a benchmark")]

use imagebot::source::{Format, scan};
use std::collections::BTreeMap;

fn main() {
    divan::main();
}

/// Dockerfiles as they are in the wild: a few stages, variables, mounts, a heredoc, some forty lines each.
fn dockerfile(number: usize) -> String {
    let mut text = format!(
        "# syntax=docker/dockerfile:1.7\nARG RUBY=3.3.{number}\nARG REGISTRY=registry.example.com/acme\n\
         FROM ${{REGISTRY}}/ruby:${{RUBY}}-slim-bookworm@sha256:{:064x} AS build\nWORKDIR /app\n",
        number
    );
    for line in 0..12 {
        text.push_str(&format!(
            "RUN apt-get update && \\\n    # a comment\n    apt-get install -y package-{line}\n"
        ));
    }
    text.push_str("RUN --mount=type=cache,target=/root/.cache --mount=from=ghcr.io/tools/uv:0.5.1,target=/uv make\n");
    text.push_str("RUN <<EOF\nset -e\nFROM nothing\nEOF\nENV A=1 B=2\n");
    text.push_str(&format!(
        "FROM debian:bookworm-2024{:02}12-slim\nCOPY --from=build /app /app\n",
        1 + number % 12
    ));
    text.push_str("COPY --from=ghcr.io/x/y:v1.2.3 /a /b\nENTRYPOINT [\"/app/run\"]\n");
    text
}

#[divan::bench]
fn ten_thousand_dockerfiles(bencher: divan::Bencher<'_, '_>) {
    let files: Vec<String> = (0..10_000).map(dockerfile).collect();
    let args = BTreeMap::new();
    bencher.bench_local(|| {
        files
            .iter()
            .map(|file| {
                scan(Format::Dockerfile, file.as_bytes(), &args)
                    .map_or(0, |scan| scan.references.len())
            })
            .sum::<usize>()
    });
}
