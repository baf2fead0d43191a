//! The patterns of `${V#p}`, `${V%p}` and `${V/p/r}`: `*`, `?`, and a backslash that escapes.

/// Removes the shortest or longest match of the pattern from the front.
pub(super) fn strip_prefix(value: &str, pattern: &str, longest: bool) -> String {
    let ends = boundaries(value);
    let hit = |end: &usize| matches(&value[..*end], pattern);
    let end = if longest {
        ends.iter().rev().copied().find(hit)
    } else {
        ends.iter().copied().find(hit)
    };
    value[end.unwrap_or(0)..].to_owned()
}

/// Removes the shortest or longest match of the pattern from the end.
pub(super) fn strip_suffix(value: &str, pattern: &str, longest: bool) -> String {
    let starts = boundaries(value);
    let hit = |start: &usize| matches(&value[*start..], pattern);
    let start = if longest {
        starts.iter().copied().find(hit)
    } else {
        starts.iter().rev().copied().find(hit)
    };
    value[..start.unwrap_or(value.len())].to_owned()
}

/// Replaces the first or every longest match of the pattern.
pub(super) fn replace(value: &str, pattern: &str, replacement: &str, all: bool) -> String {
    let mut out = String::new();
    let mut at = 0;
    let mut done = false;
    while at < value.len() {
        let rest = &value[at..];
        let hit = if done {
            None
        } else {
            boundaries(rest)
                .into_iter()
                .rev()
                .find(|end| *end > 0 && matches(&rest[..*end], pattern))
        };
        match hit {
            Some(end) => {
                out.push_str(replacement);
                at += end;
                done = !all;
            }
            None => {
                let len = rest.chars().next().map_or(1, char::len_utf8);
                out.push_str(&rest[..len]);
                at += len;
            }
        }
    }
    out
}

fn boundaries(value: &str) -> Vec<usize> {
    value
        .char_indices()
        .map(|(i, _)| i)
        .chain([value.len()])
        .collect()
}

/// Whether the whole text matches. Iterative with a single backtracking point, so that no pattern is slow.
fn matches(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let pattern = tokens(pattern);
    let (mut t, mut p, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some(Token::Any) => {
                star = Some((p, t));
                p += 1;
            }
            Some(Token::One) => (t, p) = (t + 1, p + 1),
            Some(Token::Char(c)) if *c == text[t] => (t, p) = (t + 1, p + 1),
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (t, p) = (from + 1, at + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|token| matches!(token, Token::Any))
}

enum Token {
    Any,
    One,
    Char(char),
}

fn tokens(pattern: &str) -> Vec<Token> {
    let mut chars = pattern.chars();
    let mut tokens = Vec::new();
    while let Some(c) = chars.next() {
        tokens.push(match c {
            '*' => Token::Any,
            '?' => Token::One,
            '\\' => Token::Char(chars.next().unwrap_or('\\')),
            c => Token::Char(c),
        });
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_a_shell_does() {
        assert_eq!(strip_prefix("v3.19", "v", false), "3.19");
        assert_eq!(strip_prefix("a.b.c", "*.", false), "b.c");
        assert_eq!(strip_prefix("a.b.c", "*.", true), "c");
        assert_eq!(strip_suffix("a.b.c", ".*", false), "a.b");
        assert_eq!(strip_suffix("a.b.c", ".*", true), "a");
        assert_eq!(strip_suffix("1.2", "x", true), "1.2");
        assert_eq!(replace("3_19_1", "_", ".", false), "3.19_1");
        assert_eq!(replace("3_19_1", "_", ".", true), "3.19.1");
        assert_eq!(replace("a*b", "\\*", "", false), "ab");
    }
}
