//! Keeps secrets out of everything that is shown, logged or sent.

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// The text that replaces a secret.
const MASK: &str = "[redacted]";

/// A URL's path leaves fewer characters unescaped than [`NON_ALPHANUMERIC`] escapes: both spellings occur.
const LENIENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'/')
    .add(b':')
    .add(b'<')
    .add(b'=')
    .add(b'>')
    .add(b'?')
    .add(b'@')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}')
    .add(b'&')
    .add(b'+')
    .add(b'$')
    .add(b',')
    .add(b';')
    .add(b'!')
    .add(b'\'')
    .add(b'(')
    .add(b')')
    .add(b'*');

/// Replaces every known secret in each form in which one travels: plain, in base64 at any alignment, percent-encoded,
/// in hexadecimal and escaped in JSON.
///
/// Clones share their secrets. Everything that comes from outside goes through a redactor before it is written
/// anywhere: a server may repeat what it was sent (B6).
#[derive(Clone, Default)]
pub struct Redactor(Arc<RwLock<Known>>);

#[derive(Default)]
struct Known {
    forms: BTreeSet<String>,
    /// Finds the longest form at each position; `None` while there is no secret.
    search: Option<AhoCorasick>,
}

impl Redactor {
    /// A redactor that knows no secret yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The shortest secret that can be replaced, in bytes: a shorter one would match inside ordinary words.
    pub const MIN_LEN: usize = 4;

    /// Adds a secret; `false` if it is too short to be replaced.
    pub fn add(&self, secret: &SecretString) -> bool {
        let secret = secret.expose_secret();
        if secret.len() < Self::MIN_LEN {
            return false;
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.forms.contains(secret) {
            return true;
        }
        known.forms.extend(forms(secret));
        let search = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(&known.forms);
        // Building the search fails only if the forms need more memory than any machine has.
        known.search = search.ok();
        true
    }

    /// Adds a password, and with it the `user:password` of Basic authentication.
    pub fn add_login(&self, username: &str, password: &SecretString) -> bool {
        let pair = format!("{username}:{}", password.expose_secret());
        self.add(password) && self.add(&SecretString::from(pair))
    }

    /// The text without the secrets.
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let Some(search) = known.search.as_ref().filter(|search| search.is_match(text)) else {
            return Cow::Borrowed(text);
        };
        let mut out = String::with_capacity(text.len());
        search.replace_all_with(text, &mut out, |_, _, out| {
            out.push_str(MASK);
            true
        });
        Cow::Owned(out)
    }

    /// Whether these bytes contain a secret.
    pub fn finds(&self, bytes: &[u8]) -> bool {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known
            .search
            .as_ref()
            .is_some_and(|search| search.is_match(bytes))
    }

    /// A JSON value with every text in it redacted, its keys included.
    pub fn redact_json(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.redact(&text).into_owned()),
            Value::Array(items) => items
                .into_iter()
                .map(|item| self.redact_json(item))
                .collect(),
            Value::Object(map) => {
                let map = map
                    .into_iter()
                    .map(|(key, value)| (self.redact(&key).into_owned(), self.redact_json(value)));
                Value::Object(map.collect())
            }
            value => value,
        }
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor")
    }
}

fn forms(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let strict = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
    let lenient = utf8_percent_encode(secret, LENIENT).to_string();
    let mut forms = vec![
        secret.to_owned(),
        STANDARD.encode(bytes),
        STANDARD_NO_PAD.encode(bytes),
        URL_SAFE_NO_PAD.encode(bytes),
        lower_hex(&strict),
        lower_hex(&lenient),
        // A form encodes a space as `+`.
        lenient.replace("%20", "+"),
        strict,
        lenient,
        bytes.iter().map(|b| format!("{b:02x}")).collect(),
        bytes.iter().map(|b| format!("{b:02X}")).collect(),
        secret.escape_debug().to_string(),
        serde_json::Value::from(secret)
            .to_string()
            .trim_matches('"')
            .to_owned(),
    ];
    forms.extend(
        (0..3)
            .flat_map(|lead| {
                [STANDARD_NO_PAD, URL_SAFE_NO_PAD].map(|engine| inner_base64(bytes, lead, &engine))
            })
            .flatten(),
    );
    forms
}

/// The base64 digits that depend on the secret alone if `lead` unknown bytes precede it and any bytes follow. Too few
/// digits would match by accident and are left out.
fn inner_base64(
    bytes: &[u8],
    lead: usize,
    engine: &base64::engine::GeneralPurpose,
) -> Option<String> {
    let mut padded = vec![0; lead];
    padded.extend_from_slice(bytes);
    let text = engine.encode(&padded);
    let start = (lead * 8).div_ceil(6);
    let end = padded.len() * 8 / 6;
    text.get(start..end)
        .filter(|core| core.len() >= 8)
        .map(str::to_owned)
}

/// `%2F` as `%2f`.
fn lower_hex(encoded: &str) -> String {
    let mut text = String::with_capacity(encoded.len());
    let mut escape = 0;
    for c in encoded.chars() {
        if c == '%' {
            escape = 2;
            text.push(c);
        } else if escape > 0 {
            escape -= 1;
            text.push(c.to_ascii_lowercase());
        } else {
            text.push(c);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t8_no_form_of_a_secret_is_left() {
        let redactor = Redactor::new();
        let secret = "CANARY-p+/s$ \"é";
        assert!(redactor.add_login("robot$x+y", &SecretString::from(secret)));
        for text in [
            format!("raw {secret} end"),
            format!("Basic {}", STANDARD.encode(format!("robot$x+y:{secret}"))),
            format!("other user {}", STANDARD.encode(format!("a:{secret}"))),
            format!("two more {}", STANDARD.encode(format!("ab:{secret}:tail"))),
            format!(
                "url-safe {}",
                URL_SAFE_NO_PAD.encode(format!("abc:{secret}"))
            ),
            format!("?p={}", utf8_percent_encode(secret, NON_ALPHANUMERIC)),
            format!(
                "?p={}",
                utf8_percent_encode(secret, NON_ALPHANUMERIC)
                    .to_string()
                    .to_lowercase()
                    .replace("canary", "CANARY")
            ),
            format!(
                "?p={}",
                url::form_urlencoded::byte_serialize(secret.as_bytes()).collect::<String>()
            ),
            format!("{secret:?}"),
            serde_json::json!({ "p": secret }).to_string(),
            secret.bytes().map(|b| format!("{b:02x}")).collect(),
        ] {
            let redacted = redactor.redact(&text);
            assert!(redacted.contains(MASK), "{text} gives {redacted}");
            assert!(!redacted.contains("CANARY"), "{text} gives {redacted}");
        }
        assert!(matches!(redactor.redact("nothing here"), Cow::Borrowed(_)));
        assert!(!redactor.add(&SecretString::from("abc")));
        assert_eq!(redactor.redact("abc"), "abc");
        assert_eq!(format!("{redactor:?}"), "Redactor");
        let value = serde_json::json!({ "a": [format!("x {secret}"), 7], secret: true });
        let value = redactor.redact_json(value).to_string();
        assert!(!value.contains("CANARY"), "{value}");
        assert!(value.contains("true") && value.contains('7'), "{value}");
        assert!(redactor.finds(format!("\u{0} {secret}").as_bytes()));
        assert!(!redactor.finds(b"nothing here"));
    }
}
