//! What is allowed: rules matched to a reference, and the resulting settings.
//!
//! Rules apply in order, and a later one wins key by key: the built-in defaults, the operator's `[defaults]` and
//! `[[rule]]`s, the repository's `[[rule]]`s, and last a comment right above the reference. Every value remembers the
//! line that set it, so that `config show` and `check` can name it.
//!
//! Reading TOML belongs to `config`; what follows from the settings belongs to `plan`.

mod note;
mod rule;
mod settings;
mod values;

pub use note::{BadNote, Note, Notes, ParseNoteError};
pub use rule::{Ceiling, Effective, Policy, Rule, RuleSubject};
pub(crate) use settings::settings_table;
pub use settings::{Changes, Set, SettingOrigin, Settings};
pub use values::{
    Age, CiMode, DigestMode, Hold, LabelNames, NamedScheme, ParseAgeError, Trust, UserNames,
};
