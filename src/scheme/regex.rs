//! `regex`: the operator's own pattern, whose group names give the parts their meaning.

use ::regex::Regex;
use regex_syntax::ast::{self, Ast, GroupKind, Visitor};
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, translate};

use super::error::SchemeError;
use super::level::Level;
use super::order::{Mark, Number};
use super::pattern;
use super::reading::{Calendar, Reading, Style};
use super::words::PLAIN;

/// What a named group contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Group {
    Major,
    Minor,
    Patch,
    Date,
    Build,
    Revision,
    Prerelease,
    Compatibility,
    Variant,
}

impl Group {
    /// All groups; those with numbers come first, in the order in which they count by default.
    const ALL: [(&'static str, Self); 9] = [
        ("major", Self::Major),
        ("minor", Self::Minor),
        ("patch", Self::Patch),
        ("date", Self::Date),
        ("build", Self::Build),
        ("revision", Self::Revision),
        ("prerelease", Self::Prerelease),
        ("compatibility", Self::Compatibility),
        ("variant", Self::Variant),
    ];

    fn named(name: &str) -> Option<Self> {
        let found = Self::ALL.into_iter().find(|(own, _)| *own == name);
        found.map(|(_, group)| group)
    }

    /// The level of a change in this group.
    fn level(self) -> Level {
        match self {
            Self::Major => Level::Major,
            Self::Minor | Self::Date => Level::Minor,
            Self::Build | Self::Revision => Level::Build,
            _ => Level::Patch,
        }
    }

    /// Whether the group contains one number and nothing else.
    fn is_number(self) -> bool {
        matches!(
            self,
            Self::Major | Self::Minor | Self::Patch | Self::Build | Self::Revision
        )
    }

    fn is_ordered(self) -> bool {
        self.is_number() || self == Self::Date
    }
}

/// A pattern with named groups, anchored at both ends.
#[derive(Debug, Clone)]
pub struct RegexScheme {
    pattern: String,
    regex: Regex,
    /// The groups of the pattern and their positions, in the order in which they count.
    groups: Vec<(Group, usize)>,
    /// How many groups `order` moved to the front.
    ordered: usize,
}

impl RegexScheme {
    /// Reads a pattern; `order` names groups that count before the others.
    pub fn parse(pattern: &str, order: &[String]) -> Result<Self, SchemeError> {
        let tree = pattern::parse(pattern)?;
        let names = group_names(&tree);
        if let Some((name, span)) = names.iter().find(|(name, _)| Group::named(name).is_none()) {
            return Err(SchemeError::UnknownGroup {
                name: name.clone(),
                span: span.clone(),
            });
        }
        if names.is_empty() {
            return Err(SchemeError::NoGroup);
        }
        let hir = translate::Translator::new()
            .translate(pattern, &tree)
            .map_err(|error| SchemeError::BadPattern {
                message: error.kind().to_string(),
                span: Some(error.span().start.offset..error.span().end.offset),
            })?;
        if let Some(name) = not_a_number(&hir) {
            let span = names.iter().find(|(own, _)| *own == name);
            return Err(SchemeError::NotANumberGroup {
                span: span.map_or(0..0, |(_, span)| span.clone()),
                name,
            });
        }
        let regex = pattern::compile_anchored(pattern)?;
        let places: Vec<_> = regex
            .capture_names()
            .enumerate()
            .filter_map(|(place, name)| Some((Group::named(name?)?, place)))
            .collect();
        let mut groups = Vec::new();
        for name in order {
            let bad = |reason| SchemeError::BadOrder {
                name: name.clone(),
                reason,
            };
            let group = Group::named(name)
                .filter(|group| group.is_ordered())
                .ok_or_else(|| bad("only groups of numbers and `date` have an order"))?;
            let place = places.iter().find(|(own, _)| *own == group);
            let place = place.ok_or_else(|| bad("the pattern has no such group"))?;
            if groups.contains(place) {
                return Err(bad("it is listed twice"));
            }
            groups.push(*place);
        }
        let ordered = groups.len();
        for (_, group) in Group::ALL {
            let place = places.iter().find(|(own, _)| *own == group);
            groups.extend(place.filter(|place| !groups.contains(place)).copied());
        }
        Ok(Self {
            pattern: pattern.to_owned(),
            regex,
            groups,
            ordered,
        })
    }

    /// The pattern as it is written.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// Reads a tag into `out`; false if the pattern does not match it.
    pub(super) fn read<'t>(&self, tag: &'t str, out: &mut Reading<'t>) -> bool {
        out.clear();
        let Some(captures) = self.regex.captures(tag) else {
            return false;
        };
        out.style = match tag.as_bytes() {
            [b'v', b'0'..=b'9', ..] => Style::Lower,
            [b'V', b'0'..=b'9', ..] => Style::Upper,
            _ => Style::Plain,
        };
        out.core = tag;
        out.add_separators(tag);
        let mut named = Vec::new();
        let mut dated = Vec::new();
        let mut built = Vec::new();
        for (place, (group, index)) in self.groups.iter().enumerate() {
            let found = captures.get(*index).map(|found| found.as_str());
            // A number or date that matched nothing is absent.
            let text = found.filter(|text| !text.is_empty());
            if group.is_ordered() {
                let Some(text) = text else { continue };
                if group.is_number() && !text.bytes().all(|byte| byte.is_ascii_digit()) {
                    return false;
                }
                out.precision |= 1 << place;
                let runs = super::reading::numbers_in(text);
                match group {
                    Group::Date => {
                        dated.extend(runs);
                        out.precision += dated.len() << 16;
                        out.calendar = Calendar::Day;
                        out.date_digits = if dated.len() == 1 { text.len() } else { 0 };
                        let level = group.level();
                        out.version
                            .extend(dated.iter().map(|number| (*number, level)));
                    }
                    Group::Build | Group::Revision => {
                        built.extend(runs.clone());
                        for number in runs {
                            if place < self.ordered {
                                out.version.push((number, group.level()));
                            } else {
                                out.push_counter(PLAIN, number);
                            }
                        }
                    }
                    _ => {
                        named.extend(runs.clone().map(|number| (*group as usize, number)));
                        out.version
                            .extend(runs.map(|number| (number, group.level())));
                    }
                }
            } else if *group == Group::Prerelease {
                out.stages.extend(text.into_iter().flat_map(parts));
                if text.is_some() {
                    out.stages.push(Mark::End);
                }
            } else if let Some(found) = found {
                out.push_word(found, false, false);
                out.precision |= 1 << place;
            }
        }
        // Ranges compare the version, whatever its position in `order`.
        named.sort_by_key(|(group, _)| *group);
        let named: Vec<_> = named.into_iter().map(|(_, number)| number).collect();
        let ranged = [named, dated, built].into_iter().find(|r| !r.is_empty());
        out.ranged = Some(ranged.unwrap_or_default());
        true
    }
}

/// The parts of a prerelease text: numbers and the texts between them.
fn parts(text: &str) -> impl Iterator<Item = Mark<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let digit = rest.as_bytes().first()?.is_ascii_digit();
        let end = rest
            .find(|c: char| c.is_ascii_digit() != digit)
            .unwrap_or(rest.len());
        let (part, next) = rest.split_at(end);
        rest = next;
        Some(match digit {
            true => Mark::Part(Number::new(part)),
            false => Mark::Word(part),
        })
    })
}

/// The named groups of a pattern and the positions of their names.
fn group_names(tree: &Ast) -> Vec<(String, std::ops::Range<usize>)> {
    struct Names(Vec<(String, std::ops::Range<usize>)>);
    impl Visitor for Names {
        type Output = Vec<(String, std::ops::Range<usize>)>;
        type Err = std::convert::Infallible;
        fn finish(self) -> Result<Self::Output, Self::Err> {
            Ok(self.0)
        }
        fn visit_pre(&mut self, tree: &Ast) -> Result<(), Self::Err> {
            if let Ast::Group(group) = tree
                && let GroupKind::CaptureName { name, .. } = &group.kind
            {
                let span = name.span.start.offset..name.span.end.offset;
                self.0.push((name.name.clone(), span));
            }
            Ok(())
        }
    }
    match ast::visit(tree, Names(Vec::new())) {
        Ok(names) => names,
    }
}

/// The first number group that can match something else.
fn not_a_number(hir: &Hir) -> Option<String> {
    match hir.kind() {
        HirKind::Capture(capture) => {
            let name = capture.name.as_deref();
            let number = name
                .and_then(Group::named)
                .is_some_and(|group| group.is_number());
            match name {
                Some(name) if number && !is_digits(&capture.sub) => Some(name.to_owned()),
                _ => not_a_number(&capture.sub),
            }
        }
        HirKind::Repetition(repetition) => not_a_number(&repetition.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().find_map(not_a_number),
        _ => None,
    }
}

/// Whether a pattern matches nothing but digits.
fn is_digits(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => true,
        HirKind::Literal(literal) => literal.0.iter().all(u8::is_ascii_digit),
        HirKind::Class(class) => is_digit_class(class),
        HirKind::Repetition(repetition) => is_digits(&repetition.sub),
        HirKind::Capture(capture) => is_digits(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().all(is_digits),
    }
}

/// Whether a class contains no letter or sign of ASCII; `\d` contains the digits of other scripts as well, which no tag
/// can have.
fn is_digit_class(class: &Class) -> bool {
    match class {
        Class::Bytes(class) => class
            .ranges()
            .iter()
            .all(|range| range.start() >= b'0' && range.end() <= b'9'),
        Class::Unicode(class) => {
            let mut others = class.clone();
            others.intersect(&ClassUnicode::new([ClassUnicodeRange::new('\0', '\x7f')]));
            others.difference(&ClassUnicode::new([ClassUnicodeRange::new('0', '9')]));
            others.ranges().is_empty()
        }
    }
}
