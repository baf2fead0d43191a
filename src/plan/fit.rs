//! Limits the size of a description: GitHub rejects more than 65,536 characters.
//!
//! The encoded state has to be complete. The human-readable parts share the remaining room: first the table, then the
//! reasons, and last what is known about the images. Lines that don't fit are counted.

/// The maximum size of imagebot's part of a description, in bytes, including markers and the last sentence.
const MOST: usize = 60_000;
/// The room reserved for markers, headings and the last sentence, in bytes.
const FRAME: usize = 1_500;
/// The maximum size of the text about the images, in bytes.
const MOST_ABOUT: usize = 12 << 10;

/// The parts of a description that depend on the changes, each as a list of lines.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) rows: Vec<String>,
    pub(super) versions: Vec<String>,
    pub(super) whys: Vec<String>,
    pub(super) left: Vec<String>,
    pub(super) waits: Vec<String>,
}

/// The main part of a description and the part about the images; together they fit next to a state of `memory` bytes.
pub(super) fn fit(parts: Parts, about: Vec<String>, memory: usize) -> (String, String) {
    let mut room = MOST.saturating_sub(FRAME + memory);
    let all = [
        &parts.rows,
        &parts.versions,
        &parts.whys,
        &parts.left,
        &parts.waits,
    ];
    let needed: usize = all.into_iter().map(|lines| size(lines)).sum();
    // Each part may take what the parts before it left, but no more than its share if not everything fits.
    let mut take = |lines: Vec<String>, share: fn(usize) -> usize, more: &str| {
        let most = if needed <= room { room } else { share(room) };
        let kept = shorten(lines, most, more);
        room = room.saturating_sub(kept.len());
        kept
    };
    let mut body = String::from("| image | from | to | change | where |\n|---|---|---|---|---|\n");
    body.push_str(&take(
        parts.rows,
        |room| room / 4 * 3,
        "| and # more: see the changes | | | | |",
    ));
    for (heading, lines) in [
        ("Versions bumped in this change", parts.versions),
        ("Why", parts.whys),
        (
            "These lines still have the old value and are not changed",
            parts.left,
        ),
        ("Newer versions that are not included yet", parts.waits),
    ] {
        if heading != "Why" && lines.is_empty() {
            continue;
        }
        body.push_str(&format!("\n{heading}:\n\n"));
        body.push_str(&take(lines, |room| room / 2, "- and # more"));
    }
    let about = match about.is_empty() {
        true => String::new(),
        false => format!(
            "\nWhat changed in the images:\n\n{}",
            shorten(about, room.min(MOST_ABOUT), "- and # more")
        ),
    };
    (body, about)
}

/// Whether a custom text fits next to a state of `memory` bytes.
pub(super) fn has_room(body: &str, memory: usize) -> bool {
    body.len() + memory + FRAME <= MOST
}

fn size(lines: &[String]) -> usize {
    lines.iter().map(|line| line.len() + 1).sum()
}

/// As many lines as fit, followed by the number of lines left out.
fn shorten(lines: Vec<String>, room: usize, more: &str) -> String {
    let total = lines.len();
    let mut kept = String::new();
    if size(&lines) <= room {
        for line in lines {
            kept.push_str(&line);
            kept.push('\n');
        }
        return kept;
    }
    let last = |left: usize| format!("{}\n", more.replace('#', &left.to_string()));
    let room = room.saturating_sub(last(total).len());
    let mut shown = 0;
    for line in &lines {
        if kept.len() + line.len() + 1 > room {
            break;
        }
        kept.push_str(line);
        kept.push('\n');
        shown += 1;
    }
    kept.push_str(&last(total - shown));
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(count: usize, length: usize) -> Vec<String> {
        vec!["x".repeat(length); count]
    }

    #[test]
    fn what_has_room_stays_as_it_is() {
        let parts = Parts {
            rows: vec!["| a |".to_owned()],
            whys: vec!["- because".to_owned()],
            ..Parts::default()
        };
        let (body, about) = fit(parts, Vec::new(), 100);
        assert_eq!(
            body,
            "| image | from | to | change | where |\n|---|---|---|---|---|\n| a |\n\nWhy:\n\n- because\n"
        );
        assert_eq!(about, "");
    }

    #[test]
    fn whatever_comes_it_fits() {
        for (count, length) in [(0, 0), (1, 100_000), (100, 700), (2_000, 40), (50_000, 3)] {
            for memory in [0, 10_000, 50_000, 100_000] {
                let parts = Parts {
                    rows: lines(count, length),
                    versions: lines(count, length),
                    whys: lines(count, length),
                    left: lines(count, length),
                    waits: lines(count, length),
                };
                let (body, about) = fit(parts, lines(count, length), memory);
                let whole = body.len() + about.len() + memory;
                // Next to a state that leaves no room, only the number of left-out lines is shown.
                assert!(
                    whole <= MOST.max(memory + 600),
                    "{count} {length} {memory}: {whole}"
                );
            }
        }
        let parts = Parts {
            rows: lines(500, 300),
            ..Parts::default()
        };
        let (body, _) = fit(parts, Vec::new(), 10_000);
        assert!(body.contains("more: see the changes"), "{body}");
        assert!(body.len() > 30_000, "the room is used");
    }
}
