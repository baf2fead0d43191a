//! The operator's templates for titles and descriptions of merge requests.
//!
//! Templates use MiniJinja with strict undefined behavior, fuel against loops and a size limit (T54). Only the operator
//! can set them, not a repository. Values are inserted as code in a description and as plain words in a title, so that
//! untrusted text cannot contain commands or mentions (T32, T33).

use super::change::ChangeSet;
use super::decision::Class;
use super::escape::{code, flat};
use crate::scheme::Level;
use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior};
use serde::Serialize;
use std::sync::Arc;

/// The maximum number of instructions of one rendering.
const FUEL: u64 = 100_000;
/// The maximum size of a description, in bytes: GitHub accepts 65,536 characters, and imagebot's state has to fit too.
pub(super) const MOST_BODY: usize = 28 << 10;
/// The maximum length of a title, in characters.
pub(super) const MOST_TITLE: usize = 200;

/// The operator's templates; `None` means imagebot's default text.
#[derive(Debug, Clone, Default)]
pub struct Templates {
    /// The template of the title.
    pub title: Option<Template>,
    /// The template of the description.
    pub body: Option<Template>,
}

/// A template that was tested with sample values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    source: Arc<str>,
    of: Of,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Title,
    Body,
}

/// Why a text is not a valid template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParseTemplateError(String);

/// The variables of a template.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Values<'a> {
    /// imagebot's default title or description.
    #[serde(skip)]
    pub(super) default: &'a str,
    pub(super) repo: &'a str,
    pub(super) class: &'a str,
    pub(super) group: &'a str,
    pub(super) level: &'a str,
    pub(super) changes: Vec<Row>,
}

/// One change, as seen by a template.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Row {
    path: String,
    image: String,
    from_tag: String,
    from_digest: String,
    to_tag: String,
    to_digest: String,
}

impl<'a> Values<'a> {
    pub(super) fn new(
        repo: &'a str,
        group: &'a str,
        class: Class,
        level: Option<Level>,
        changes: &ChangeSet,
    ) -> Self {
        let text = |text: Option<String>| text.unwrap_or_default();
        let row = |change: &super::change::Change| Row {
            path: change.path.to_string(),
            image: change.image.written().to_owned(),
            from_tag: text(change.from.tag.as_ref().map(ToString::to_string)),
            from_digest: text(change.from.digest.as_ref().map(ToString::to_string)),
            to_tag: text(change.to.tag.as_ref().map(ToString::to_string)),
            to_digest: text(change.to.digest.as_ref().map(ToString::to_string)),
        };
        Self {
            default: "",
            repo,
            class: class.code(),
            group,
            level: level.map_or("", Level::code),
            changes: changes.all_references().map(row).collect(),
        }
    }
}

impl Template {
    /// Parses the template of a title. It is rendered once, so that an unknown name is found immediately.
    pub fn title(source: &str) -> Result<Self, ParseTemplateError> {
        Self::parse(source, Of::Title)
    }

    /// Parses the template of a description, which is tested like that of a title.
    pub fn body(source: &str) -> Result<Self, ParseTemplateError> {
        Self::parse(source, Of::Body)
    }

    fn parse(source: &str, of: Of) -> Result<Self, ParseTemplateError> {
        let template = Self {
            source: source.into(),
            of,
        };
        let sample = || Row {
            path: "Dockerfile".to_owned(),
            image: "docker.io/library/node".to_owned(),
            from_tag: "20".to_owned(),
            from_digest: String::new(),
            to_tag: "22".to_owned(),
            to_digest: String::new(),
        };
        let values = Values {
            default: "Update node to 22",
            repo: "team/app",
            class: "update",
            group: "docker.io/library/node",
            level: "major",
            changes: vec![sample(), sample()],
        };
        template
            .render(&values)
            .map(|_| template.clone())
            .map_err(ParseTemplateError)
    }

    /// Renders the template, or returns why that failed.
    pub(super) fn render(&self, values: &Values<'_>) -> Result<String, String> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_formatter(match self.of {
            Of::Title => plain,
            Of::Body => as_code,
        });
        let mut context = Value::from_serialize(values);
        let default = Value::from_safe_string(values.default.to_owned());
        context = minijinja::context! { default => default, ..context };
        let template = environment
            .template_from_str(&self.source)
            .map_err(|error| said(&error))?;
        let mut out = Capped::new(match self.of {
            Of::Title => MOST_TITLE * 4,
            Of::Body => MOST_BODY,
        });
        template
            .render_captured_to(context, &mut out)
            .map_err(|error| said(&error))?;
        let text =
            String::from_utf8(out.bytes).map_err(|_| "it does not produce text".to_owned())?;
        match self.of {
            Of::Title => {
                let title: String = flat(&text).chars().take(MOST_TITLE).collect();
                let title = title.trim_start_matches('/').trim().to_owned();
                match title.is_empty() {
                    true => Err("it produces an empty title".to_owned()),
                    false => Ok(title),
                }
            }
            Of::Body => Ok(guarded(&text)),
        }
    }
}

/// Escapes lines that start with a slash: they could be commands to the forge (T32).
fn guarded(text: &str) -> String {
    let guard = |line: &str| match line.trim_start().starts_with('/') {
        true => format!("\\{}", line.trim_start()),
        false => line.to_owned(),
    };
    let lines: Vec<String> = text.lines().map(guard).collect();
    format!("{}\n", lines.join("\n").trim_end())
}

fn as_code(out: &mut Output<'_>, _: &State<'_, '_>, value: &Value) -> Result<(), Error> {
    put(out, value, code)
}

fn plain(out: &mut Output<'_>, _: &State<'_, '_>, value: &Value) -> Result<(), Error> {
    put(out, value, flat)
}

fn put(out: &mut Output<'_>, value: &Value, show: fn(&str) -> String) -> Result<(), Error> {
    if value.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    let text = value.to_string();
    let text = if value.is_safe() { text } else { show(&text) };
    out.write_str(&text).map_err(Error::from)
}

fn said(error: &Error) -> String {
    let line = error
        .line()
        .map_or_else(String::new, |line| format!("line {line}: "));
    let detail = error.detail().unwrap_or_default();
    match error.kind() {
        ErrorKind::OutOfFuel => "it takes too long; a loop may not end".to_owned(),
        ErrorKind::WriteFailure => "its output is longer than a merge request allows".to_owned(),
        kind if detail.is_empty() => format!("{line}{kind}"),
        kind => format!("{line}{kind}: {detail}"),
    }
}

/// A writer with a size limit.
struct Capped {
    bytes: Vec<u8>,
    left: usize,
}

impl Capped {
    fn new(most: usize) -> Self {
        Self {
            bytes: Vec::new(),
            left: most,
        }
    }
}

impl std::io::Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if bytes.len() > self.left {
            return Err(std::io::Error::other("too much"));
        }
        self.left -= bytes.len();
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(template: Result<Template, ParseTemplateError>, changes: &[&str]) -> String {
        let set = ChangeSet::parse(changes.iter().copied()).expect("changes");
        let mut values = Values::new("team/app", "g", Class::Update, Some(Level::Minor), &set);
        values.default = "| a | b |";
        template
            .expect("a template")
            .render(&values)
            .expect("a text")
    }

    #[test]
    fn a_title_is_one_line_of_plain_words() {
        let title = "/deps: {{ changes[0].image }} {{ changes[0].to_tag }}\n({{ level }})";
        let change = ["Dockerfile docker.io/library/node 20 22"];
        assert_eq!(
            render(Template::title(title), &change),
            "deps: docker.io/library/node 22 (minor)"
        );
        assert!(Template::title("{% if false %}x{% endif %}").is_err());
    }

    #[test]
    fn t33_what_is_put_into_a_text_is_code() {
        let body = "{{ default }}\n\n{% for c in changes %}{{ c.path }}\n/merge {{ c.to_tag }}\n{% endfor %}";
        let change = ["%40all/Dockerfile docker.io/library/node 20 22"];
        assert_eq!(
            render(Template::body(body), &change),
            "| a | b |\n\n`@all/Dockerfile`\n\\/merge `22`\n"
        );
    }

    #[test]
    fn t54_a_template_has_an_end() {
        for (source, why) in [
            ("{{ nothing }}", "undefined"),
            (
                "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
                "too long",
            ),
            (
                "{% for a in range(9000) %}xxxxxxxxxxxxxxxxxxxxxxxxx{% endfor %}",
                "output is longer",
            ),
            ("{% if %}", "line 1"),
            ("{% include 'x' %}", ""),
        ] {
            let error = Template::body(source).expect_err(source).to_string();
            assert!(error.contains(why), "{source}: {error}");
        }
    }
}
