//! `[merge_request]` and `[git]`: what all merge requests and their commits have in common.

use super::keys;
use super::setting_types;
use super::table::Table;
use crate::git::Identity;
use crate::plan::{ParseTemplateError, Template, Templates};

/// `[merge_request]`: settings that all merge requests share.
#[derive(Debug, Clone)]
pub struct MergeRequestConfig {
    /// The templates of their texts.
    pub templates: Templates,
    /// The label that keeps a branch on top of its target.
    pub rebase_label: String,
    /// The label that makes imagebot leave a merge request alone.
    pub stop_label: String,
    /// Whether imagebot opens an issue in a repository whose settings cannot be read.
    pub notices: bool,
    /// A prefix of the first line of every commit message.
    pub commit_prefix: String,
}

impl Default for MergeRequestConfig {
    fn default() -> Self {
        Self {
            templates: Templates::default(),
            rebase_label: "imagebot:rebase".to_owned(),
            stop_label: "imagebot:stop".to_owned(),
            notices: true,
            commit_prefix: String::new(),
        }
    }
}

/// The author of commits unless `[git]` names one.
pub(super) fn default_author() -> Identity {
    Identity {
        name: "imagebot".to_owned(),
        email: "imagebot@localhost".to_owned(),
    }
}

/// Reads `[git]`.
pub(super) fn git(table: Table<'_>, author: &mut Identity, config: &mut MergeRequestConfig) {
    table.only(&[keys::GIT]);
    if let Some(name) = identity(table, "name") {
        author.name = name;
    }
    if let Some(email) = identity(table, "email") {
        author.email = email;
    }
    if let Some(prefix) = table.parsed("commit_prefix", commit_prefix) {
        config.commit_prefix = prefix.value;
    }
}

impl MergeRequestConfig {
    /// Reads `[merge_request]`.
    pub(super) fn read(&mut self, table: Table<'_>) {
        table.only(&[keys::MERGE_REQUEST]);
        let label = |name: &str, default: &str| {
            let at = table.parsed(name, setting_types::label);
            at.map_or_else(|| default.to_owned(), |at| at.value)
        };
        let template = |name: &str, parse: fn(&str) -> Result<Template, ParseTemplateError>| {
            table.parsed(name, parse).map(|at| at.value)
        };
        *self = Self {
            templates: Templates {
                title: template("title", Template::title),
                body: template("body", Template::body),
            },
            rebase_label: label("rebase_label", &self.rebase_label),
            stop_label: label("stop_label", &self.stop_label),
            notices: table.bool("notices").is_none_or(|at| at.value),
            commit_prefix: std::mem::take(&mut self.commit_prefix),
        };
    }
}

/// Git accepts no angle brackets and no line breaks in names.
fn identity(table: Table<'_>, name: &str) -> Option<String> {
    let fits = |text: &str| {
        if text.trim().is_empty() || text.contains(['<', '>']) || text.chars().any(char::is_control)
        {
            Err("it must be a name or address without angle brackets and line breaks")
        } else {
            Ok(text.trim().to_owned())
        }
    };
    table.parsed(name, fits).map(|at| at.value)
}

/// Reads a prefix of commit messages. Some push rules demand one; it must not make a server skip a pipeline or close an
/// issue (T33).
fn commit_prefix(text: &str) -> Result<String, String> {
    let lower = text.to_lowercase();
    let skips = ["skip", "[ci", "***no_ci***"];
    if text.chars().any(char::is_control) || text.contains(['#', '@', '!']) || text.len() > 60 {
        return Err("it must be one short line without #, @ and !".to_owned());
    }
    if skips.iter().any(|word| lower.contains(word)) {
        return Err("it could make the server skip the pipeline".to_owned());
    }
    Ok(text.to_owned())
}
