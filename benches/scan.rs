//! Reading files: `cargo bench --bench scan`. Targets on one core: 10,000 Dockerfiles in under 300 ms, 10,000 files of all
//! formats in under 600 ms.
#![allow(missing_docs, reason = "a benchmark")]

use imagebot::repo::RepoPath;
use imagebot::source::{Format, SourceFile, Sources, read_sources, scan};
use std::collections::BTreeMap;
use std::path::Path;

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

/// The files of all cases of `fixtures/sources`, each case as a repository of its own.
fn repositories() -> Vec<Vec<(String, String)>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/sources");
    let listed = |path: &Path| {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let folders = listed(&root).into_iter().filter(|path| path.is_dir());
    let cases = folders.flat_map(|folder| listed(&folder));
    let texts = cases.filter_map(|case| std::fs::read_to_string(case).ok());
    texts
        .map(|text| files_of(&text))
        .filter(|files| !files.is_empty())
        .collect()
}

fn files_of(case: &str) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = Vec::new();
    for line in case
        .split_inclusive('\n')
        .take_while(|line| !line.starts_with("--- "))
    {
        if let Some(title) = line.strip_prefix("=== ") {
            let path = title.split_whitespace().next().unwrap_or_default();
            files.push((path.to_owned(), String::new()));
        } else if let Some((_, text)) = files.last_mut() {
            text.push_str(line);
        }
    }
    files
}

#[divan::bench]
fn ten_thousand_files_of_all_formats(bencher: divan::Bencher<'_, '_>) {
    let cases = repositories();
    let mut count = 0;
    let enough = cases.iter().cycle().take_while(|files| {
        count += files.len();
        count <= 10_000
    });
    let repositories: Vec<_> = enough.cloned().collect();
    let args = BTreeMap::new();
    bencher.bench_local(|| {
        let read = repositories.iter().map(|files| {
            let files = files.iter().filter_map(|(path, text)| {
                Some(SourceFile {
                    path: RepoPath::parse(path).ok()?,
                    format: Format::of(path).and_then(|_| Format::read_as(path, text.as_bytes())),
                    contents: text.clone().into_bytes(),
                })
            });
            read_sources(&Sources::new(files), &args).references.len()
        });
        read.sum::<usize>()
    });
}
