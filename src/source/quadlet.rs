//! Podman's Quadlet files: the images of containers, image units and volumes.
//!
//! Source: podman-systemd.unit(5) and systemd.syntax(7). The last `Image=` of a section counts. A value may continue on
//! the next line after a backslash.

use super::found::Found;
use super::lines::Lines;
use super::located::{Located, ReferenceKind, WhyNot};
use super::mapped::Mapped;
use super::sources::FileText;
use super::value::Expanded;

/// The endings of unit files and the section of each that has an image.
const UNITS: [(&str, &str); 3] = [
    (".container", "[Container]"),
    (".image", "[Image]"),
    (".volume", "[Volume]"),
];
/// What leads an image that is not in a registry.
const LOCAL: [&str; 9] = [
    "containers-storage:",
    "dir:",
    "docker-archive:",
    "docker-daemon:",
    "oci:",
    "oci-archive:",
    "ostree:",
    "sif:",
    "tarball:",
];

/// Whether a path, in lower case, is that of a unit file or of a drop-in for one.
pub(super) fn is_path(path: &str) -> bool {
    section(path).is_some()
}

/// The section that has the image in a file with this path.
fn section(path: &str) -> Option<&'static str> {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let unit = match (file.ends_with(".conf"), folder.strip_suffix(".d")) {
        (true, Some(folder)) => folder.rsplit('/').next().unwrap_or(folder),
        (true, None) => return None,
        (false, _) => file,
    };
    let ends = |ending: &str| unit.len() > ending.len() && unit.ends_with(ending);
    let found = UNITS.iter().find(|(ending, _)| ends(ending));
    found.map(|(_, section)| *section)
}

/// The reference of a unit file, if it has one.
pub(crate) fn read(file: &FileText<'_>) -> Found {
    let lines = Lines::new(&file.text);
    let path = file.path.as_str().to_ascii_lowercase();
    let section = section(&path);
    let mut is_inside = false;
    let mut last = None;
    let mut next = 1;
    while let Some((_, text)) = lines.at(next) {
        let (line, text) = (next, text.trim());
        next += 1;
        if text.is_empty() || is_comment(text) {
            continue;
        }
        if text.starts_with('[') {
            is_inside = Some(text) == section;
            continue;
        }
        let joined = joined(&lines, file.base, line, &mut next);
        let Some((key, value)) = joined.text().split_once('=') else {
            continue;
        };
        if is_inside && key.trim() == "Image" {
            let start = key.len() + 1 + value.len() - value.trim_start().len();
            let end = start + value.trim().len();
            last = Some((line, joined.slice(start..end)));
        }
    }
    let mut found = Found::default();
    let reference = last.and_then(|(line, value)| located(&lines, line, value));
    found.references.extend(reference);
    found
}

fn is_comment(text: &str) -> bool {
    text.starts_with(['#', ';'])
}

/// A line, with those that it continues on: a backslash is replaced by a space, and comments between are left out.
fn joined(lines: &Lines<'_>, base: usize, line: usize, next: &mut usize) -> Mapped {
    let mut joined = Mapped::default();
    let mut at = lines.at(line);
    while let Some((start, text)) = at {
        let text = text.trim_end_matches(['\n', '\r']);
        let Some(rest) = text.strip_suffix('\\') else {
            joined.push_file(text, base + start);
            break;
        };
        joined.push_file(rest, base + start);
        joined.append(&Mapped::computed(" "));
        while lines
            .at(*next)
            .is_some_and(|(_, text)| is_comment(text.trim()))
        {
            *next += 1;
        }
        at = lines.at(*next);
        *next += 1;
    }
    joined
}

/// The reference that a value is; `None` if it names another unit or nothing.
fn located(lines: &Lines<'_>, line: usize, value: Mapped) -> Option<Located> {
    let unquoted = |quote: char| {
        let text = value.text();
        let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
        Some(value.slice(1..1 + inner.len()))
    };
    let value = unquoted('"').or(unquoted('\'')).unwrap_or(value);
    let text = value.text();
    let is_unit = [".image", ".build"].iter().any(|unit| text.ends_with(unit));
    if text.is_empty() || is_unit {
        return None;
    }
    let written_at = super::located::extent(&value);
    let written = text.to_owned();
    let start = match text.strip_prefix("docker://") {
        Some(image) => text.len() - image.len(),
        None => 0,
    };
    let mut expanded = Expanded::literal(&value.slice(start..text.len()));
    expanded.why = match text {
        _ if LOCAL.iter().any(|lead| text.starts_with(lead)) => Some(WhyNot::LocalTransport),
        // systemd replaces `%i` and the like.
        _ if text.contains('%') => Some(WhyNot::Expression),
        _ if text.contains('$') => Some(WhyNot::UnresolvedArg),
        _ => None,
    };
    Some(Located {
        ordinal: 0,
        line,
        kind: ReferenceKind::QuadletImage,
        stage: None,
        platform: None,
        found: expanded.resolution(&written_at),
        written,
        written_at,
        notes: lines.notes_above(line).to_vec(),
        told: Vec::new(),
        in_ci: false,
    })
}
