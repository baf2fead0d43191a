//! What `git cat-file --batch` prints.

use crate::repo::CommitId;

/// `<id> SP <type> SP <size> LF <contents> LF` over and over, or `<name> missing LF`, in the order of the questions;
/// `None` if it is something else.
pub(super) fn batch(mut output: &[u8]) -> Option<Vec<Option<(CommitId, Vec<u8>)>>> {
    let mut objects = Vec::new();
    while !output.is_empty() {
        let end = output.iter().position(|b| *b == b'\n')?;
        let head = std::str::from_utf8(&output[..end]).ok()?;
        if head.ends_with(" missing") {
            objects.push(None);
            output = &output[end + 1..];
            continue;
        }
        let mut head = head.split(' ');
        let id = CommitId::parse(head.next()?).ok()?;
        let size: usize = head.nth(1)?.parse().ok()?;
        let body = output.get(end + 1..end + 1 + size)?;
        objects.push(Some((id, body.to_vec())));
        output = output.get(end + 2 + size..)?;
    }
    Some(objects)
}
