//! A text that a forge takes: GitHub refuses more than 65,536 characters.
//!
//! What is remembered in the text has to be there as a whole. What people read shares the rest: first the table, then
//! why, and last what images say of themselves. What finds no room is counted.

/// The most bytes of imagebot's part of a text, its markers and its last sentence included.
const MOST: usize = 60_000;
/// What markers, headings and the last sentence take of that.
const FRAME: usize = 1_500;
/// The most bytes of what images say of themselves.
const MOST_ABOUT: usize = 12 << 10;

/// The parts of a text that come out of the changes, each a list of lines.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) rows: Vec<String>,
    pub(super) versions: Vec<String>,
    pub(super) whys: Vec<String>,
    pub(super) left: Vec<String>,
    pub(super) waits: Vec<String>,
}

/// The text, and what the images say of themselves, so that both have room beside a memory of so many bytes.
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
    // Each part may take what the parts before it left; where not all has room, not all of it.
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
            "\nImage labels:\n\n{}",
            shorten(about, room.min(MOST_ABOUT), "- and # more")
        ),
    };
    (body, about)
}

/// Whether a text of one's own finds room beside a memory of so many bytes.
pub(super) fn has_room(body: &str, memory: usize) -> bool {
    body.len() + memory + FRAME <= MOST
}

fn size(lines: &[String]) -> usize {
    lines.iter().map(|line| line.len() + 1).sum()
}

/// As many lines as have room, and how many more there are.
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
                // Beside a memory that leaves no room only what is left out is counted.
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
