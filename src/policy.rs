//! What is allowed: rules matched to a reference, and the settings that come out.
//!
//! Rules apply in order and a later one wins key by key: the built-in defaults, the operator's `[defaults]` and
//! `[[rule]]`s, the repository's `[[rule]]`s, and last what a comment right above the reference says. Every
//! value remembers the line that set it, so that `config show` and `check` can name it.
//!
//! Reading TOML is `config`'s business; what the settings lead to is `plan`'s.

mod note;
mod rule;
mod settings;

pub use note::{BadNote, Note, Notes, ParseNoteError};
pub use rule::{Ceiling, Effective, Policy, Rule, RuleSubject};
pub use settings::{
    Age, Changes, DigestMode, Hold, NamedScheme, ParseAgeError, Set, SettingOrigin, Settings, Trust,
};
