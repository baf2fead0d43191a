//! The value of `RUN --mount=`, which is CSV.

use crate::source::mapped::Mapped;

/// The comma-separated fields of a mount, as in CSV: a comma between double quotes separates nothing, the quotes are
/// removed, and two of them stand for one.
pub(super) fn fields(value: &Mapped) -> Vec<Mapped> {
    let bytes = value.bytes();
    let mut fields = vec![Mapped::default()];
    let (mut at, mut quoted, mut at_start) = (0, false, true);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' if at_start => quoted = true,
            b'"' if quoted && bytes.get(at + 1) == Some(&b'"') => {
                at += 1;
                push_last(&mut fields, value, at);
            }
            b'"' if quoted => quoted = false,
            b',' if !quoted => fields.push(Mapped::default()),
            _ => push_last(&mut fields, value, at),
        }
        at_start = byte == b',' && !quoted;
        at += 1;
    }
    fields
}

fn push_last(fields: &mut [Mapped], value: &Mapped, at: usize) {
    if let Some(field) = fields.last_mut() {
        field.push_from(value, at);
    }
}
