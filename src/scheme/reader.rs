//! Reads every tag of one list in the same way: with the same scheme, the same positions of hashes, and the same
//! decision whether codenames are versions.

use super::distribution::Distribution;
use super::hash::HashPlaces;
use super::reading::Reading;
use super::rules::Scheme;
use super::{auto, semver};

/// How the tags of one list are read.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    pub(super) scheme: Scheme,
    pub(super) hashes: HashPlaces,
    codenames: Option<Codenames>,
}

/// The current tag has a codename, so a codename is not a prefix.
#[derive(Debug, Clone, Copy)]
struct Codenames {
    distribution: Distribution,
    /// Words that are never released are read as well, for the explanation.
    rolling: bool,
}

impl Reader {
    pub(super) fn new(
        scheme: Scheme,
        hashes: HashPlaces,
        distribution: Option<Distribution>,
        current: Option<&str>,
        follow: bool,
    ) -> Self {
        let of_codename = |distribution: &Distribution| {
            current.is_some_and(|tag| {
                let word = first_word(tag);
                // Of the rolling words, only one with a date can be read as a version: `sid-20240101`.
                distribution.release(word).is_some()
                    || distribution.rolling(word).is_some() && word.len() < tag.len()
            })
        };
        let codenames = distribution
            .filter(|distribution| scheme.traits().guesses && of_codename(distribution))
            .map(|distribution| Codenames {
                distribution,
                rolling: follow,
            });
        Self {
            scheme,
            hashes,
            codenames,
        }
    }

    /// Reads a tag into `out`; false if it is not a version.
    pub(super) fn read<'t>(&self, tag: &'t str, out: &mut Reading<'t>) -> bool {
        match &self.scheme {
            Scheme::Semver => semver::read(tag, out),
            Scheme::Regex(scheme) => scheme.read(tag, out),
            Scheme::Auto | Scheme::Floating => {
                let word = first_word(tag);
                let release = self.codenames.and_then(|codenames| {
                    let distribution = codenames.distribution;
                    let rolling = codenames.rolling || word.len() < tag.len();
                    let rolling = rolling.then(|| distribution.rolling(word)).flatten();
                    distribution.release(word).or(rolling)
                });
                if release.is_some() {
                    auto::read_behind_codename(tag, word.len(), &self.hashes, out);
                    out.codename = release;
                    return true;
                }
                auto::read(tag, &self.hashes, out)
            }
        }
    }
}

/// Reads one tag alone, as far as that is possible without its list.
pub fn read<'t>(tag: &'t str, scheme: &Scheme) -> Option<Reading<'t>> {
    let reader = Reader::new(scheme.clone(), HashPlaces::default(), None, None, false);
    let mut reading = Reading::default();
    reader.read(tag, &mut reading).then_some(reading)
}

/// The text before the first separator that is not a dot.
fn first_word(tag: &str) -> &str {
    // `rc-buggy` is one word, in spite of its dash.
    let rest = tag.strip_prefix("rc-buggy");
    if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-')) {
        return &tag[.."rc-buggy".len()];
    }
    tag.split(['-', '_']).next().unwrap_or(tag)
}
