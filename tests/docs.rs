//! The documentation names every code that imagebot prints.
#![allow(
    clippy::unwrap_used,
    reason = "a test that panics has failed, and says why"
)]

use imagebot::family::freshness::{Code, Rung};
use imagebot::plan::Reason;
use imagebot::scheme::TagVerdict;
use imagebot::source::ReferenceKind;
use std::collections::BTreeSet;

fn page(name: &str) -> String {
    std::fs::read_to_string(format!("{}/docs/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The public list: a code that changes breaks somebody's script.
#[test]
fn reasons_are_documented_and_stable() {
    let rows: String = Reason::ALL
        .iter()
        .map(|r| {
            format!(
                "| `{}` | {} | {} |\n",
                r.code(),
                r.outcome().code(),
                r.describe()
            )
        })
        .collect();
    let page = page("reasons.md");
    assert!(
        page.contains(&rows),
        "docs/reasons.md holds this table:\n{rows}"
    );
    let mut codes: Vec<&str> = Reason::ALL.iter().map(|reason| reason.code()).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), Reason::ALL.len(), "codes are unique");
}

#[test]
fn codes_of_freshness_are_documented_and_stable() {
    let row = |code: &Code| {
        let freshness = code.freshness().code();
        format!(
            "| `{}` | {freshness} | {} |\n",
            code.code(),
            code.describe()
        )
    };
    let rows: String = Code::ALL.iter().map(row).collect();
    let page = page("freshness.md");
    assert!(
        page.contains(&rows),
        "docs/freshness.md holds this table:\n{rows}"
    );
    let codes: BTreeSet<&str> = Code::ALL.iter().map(|code| code.code()).collect();
    assert_eq!(codes.len(), Code::ALL.len(), "codes are unique");
    for rung in Rung::ALL {
        assert!(page.contains(&format!("| `{}` |", rung.code())));
    }
}

#[test]
fn verdicts_are_documented() {
    let page = page("tag-schemes.md");
    for verdict in TagVerdict::ALL {
        assert!(
            page.contains(&format!("`{}`", verdict.code())),
            "{}",
            verdict.code()
        );
    }
}

#[test]
fn kinds_are_documented() {
    let page = page("sources.md");
    for kind in ReferenceKind::ALL {
        assert!(
            page.contains(&format!("`{}`", kind.code())),
            "{}",
            kind.code()
        );
    }
}

/// Links between pages lead somewhere.
#[test]
fn links_lead_to_files() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = vec![root.join("README.md"), root.join("CHANGELOG.md")];
    for folder in ["docs", "docs/deploy"] {
        let entries = std::fs::read_dir(root.join(folder)).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        pages.extend(paths.filter(|path| path.is_file()));
    }
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        for link in text
            .split("](")
            .skip(1)
            .map(|rest| rest.split(')').next().unwrap())
        {
            let target = link.split('#').next().unwrap();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            assert!(
                page.parent().unwrap().join(target).exists(),
                "{}: {link}",
                page.display()
            );
        }
    }
}
