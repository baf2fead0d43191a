//! The local files that a definition includes.

use super::super::found::Found;
use super::super::passed::Passed;
use super::super::sources::{FileText, Reach};
use super::super::yaml::{Node, Yaml};
use super::variables::{Inputs, given_inputs, with_defaults};
use crate::repo::RepoPath;
use regex::Regex;
use std::collections::{BTreeMap, VecDeque};

/// The most different inputs that one file is included with.
const MAX_GIVEN: usize = 32;

/// The most includes of a definition, as GitLab's own limit is by default.
const MAX_INCLUDES: usize = 150;

/// Why a file of a child pipeline is not read.
pub(super) const TOO_MANY: &str = "a file of a child pipeline is not read: there are too many";

/// A file of a definition.
#[derive(Clone)]
pub(super) struct Included<'a> {
    pub(super) file: FileText<'a>,
    /// The inputs of each time that it is included.
    pub(super) given: Vec<Inputs>,
}

/// What an `include` names.
pub(super) struct Include {
    pub(super) name: String,
    pub(super) given: Inputs,
    pub(super) line: usize,
}

/// The file and those that it includes, each once, the strongest first: a file is stronger than those that it includes,
/// and of these the last one is the strongest.
pub(super) fn with_included<'a>(
    file: &FileText<'a>,
    given: &Inputs,
    is_child: bool,
    reach: &mut Reach<'a>,
    found: &mut Found,
) -> Vec<Included<'a>> {
    let mut all = Definition {
        seen: BTreeMap::from([(file.path.clone(), 0)]),
        files: vec![Included {
            file: file.clone(),
            given: vec![given.clone()],
        }],
        includes: vec![Vec::new()],
        waiting: VecDeque::from([(0, given.clone())]),
        names: 0,
        is_child,
    };
    while let Some((index, given)) = all.waiting.pop_front() {
        if !all.follow(index, &given, reach, found) {
            break;
        }
    }
    all.by_strength()
}

/// A definition while its files are found.
struct Definition<'a> {
    /// Which file a path is.
    seen: BTreeMap<RepoPath, usize>,
    files: Vec<Included<'a>>,
    /// The files that each file includes, in its order.
    includes: Vec<Vec<usize>>,
    /// The files whose includes are not followed yet, each with inputs that it is included with.
    waiting: VecDeque<(usize, Inputs)>,
    /// The number of includes so far.
    names: usize,
    is_child: bool,
}

impl<'a> Definition<'a> {
    /// Follows the includes of a file; `false` if there are too many.
    fn follow(
        &mut self,
        index: usize,
        given: &Inputs,
        reach: &mut Reach<'a>,
        found: &mut Found,
    ) -> bool {
        let file = self.files[index].file.clone();
        let yaml = Yaml::read(&file.text, file.base);
        let inputs = with_defaults(&yaml, given);
        let is_first = self.files[index].given.first() == Some(given);
        let roots = yaml.roots().filter_map(|root| root.get("include"));
        for include in roots.flat_map(|include| included(include, &inputs)) {
            self.names += usize::from(is_first);
            let pass = |what: String| {
                let line = include.line;
                (file.base, Passed { line, what })
            };
            if self.names > MAX_INCLUDES {
                let what = format!("more than {MAX_INCLUDES} includes");
                found.passed_elsewhere.push(pass(what));
                return false;
            }
            let mut is_full = false;
            for path in matching(&include.name, reach) {
                match self.add(index, &path, &include.given, reach) {
                    Added::Yes => {}
                    Added::NoRoom => is_full = true,
                    Added::TooOften => {
                        let what = format!("{path} is included more than {MAX_GIVEN} times");
                        found.passed_elsewhere.push(pass(what));
                    }
                }
            }
            if is_full {
                found.passed_elsewhere.push(pass(TOO_MANY.to_owned()));
            }
        }
        true
    }

    /// Adds a file that another one includes.
    fn add(&mut self, by: usize, path: &RepoPath, given: &Inputs, reach: &mut Reach<'a>) -> Added {
        let index = match self.seen.get(path) {
            Some(known) => *known,
            None => {
                let read = match self.is_child {
                    true => reach.read_if_room(path),
                    false => reach.read(path),
                };
                let Some(file) = read else {
                    let is_full = self.is_child && reach.has(path);
                    return if is_full { Added::NoRoom } else { Added::Yes };
                };
                let given = Vec::new();
                self.files.push(Included { file, given });
                self.includes.push(Vec::new());
                self.seen.insert(path.clone(), self.files.len() - 1);
                self.files.len() - 1
            }
        };
        if !self.includes[by].contains(&index) {
            self.includes[by].push(index);
        }
        let known = &mut self.files[index].given;
        if known.contains(given) {
            return Added::Yes;
        }
        if known.len() == MAX_GIVEN {
            return Added::TooOften;
        }
        known.push(given.clone());
        self.waiting.push_back((index, given.clone()));
        Added::Yes
    }

    fn by_strength(self) -> Vec<Included<'a>> {
        let mut order = Vec::new();
        let mut waiting = vec![0];
        while let Some(index) = waiting.pop() {
            if !order.contains(&index) {
                order.push(index);
                // The last one is taken next.
                waiting.extend(&self.includes[index]);
            }
        }
        let files = order.into_iter().map(|index| self.files[index].clone());
        files.collect()
    }
}

/// Whether an included file was added.
enum Added {
    /// It is there, or it is not in the repository.
    Yes,
    /// There are too many files.
    NoRoom,
    /// It is included too often.
    TooOften,
}

/// The local paths in the value of an `include`. Files of other projects, remote files, templates and components are
/// not in the repository.
/// `inputs` are those of the file with the `include`.
pub(super) fn included(include: Node<'_>, inputs: &Inputs) -> Vec<Include> {
    let several: Vec<Node<'_>> = include.items().collect();
    let all = if several.is_empty() {
        vec![include]
    } else {
        several
    };
    let local = all.into_iter().filter_map(|one| {
        let name = match one.text() {
            Some(text) => Some(text.value()).filter(|text| !text.contains("://")),
            None => one
                .get("local")
                .and_then(Node::text)
                .map(|text| text.value()),
        };
        Some(Include {
            name: name?.trim_start_matches('/').to_owned(),
            given: given_inputs(one, inputs),
            line: one.line(),
        })
    });
    local.collect()
}

/// The files that a name means: `*` matches in one folder, `**` in all below.
pub(super) fn matching(name: &str, reach: &Reach<'_>) -> Vec<RepoPath> {
    if !name.contains('*') {
        return RepoPath::parse(name).into_iter().collect();
    }
    let literal = regex::escape(name);
    let pattern = literal.replace(r"\*\*", ".*").replace(r"\*", "[^/]*");
    let Ok(pattern) = Regex::new(&format!("^{pattern}$")) else {
        return Vec::new();
    };
    let paths = reach.paths().filter(|path| pattern.is_match(path.as_str()));
    let is_yaml = |path: &&RepoPath| {
        let path = path.as_str();
        path.ends_with(".yml") || path.ends_with(".yaml")
    };
    paths.filter(is_yaml).cloned().collect()
}
