//! What a forge's doctor finds.

/// Something that [`Forge::doctor`](super::Forge::doctor) found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoctorFinding {
    /// How bad it is.
    pub level: DoctorLevel,
    /// What was found.
    pub what: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DoctorLevel {
    /// As it should be.
    Ok,
    /// Worth knowing.
    Warning,
    /// imagebot cannot do its work.
    Problem,
}

impl DoctorFinding {
    pub(super) fn ok(what: impl Into<String>) -> Self {
        Self::of(DoctorLevel::Ok, what)
    }

    pub(super) fn warning(what: impl Into<String>) -> Self {
        Self::of(DoctorLevel::Warning, what)
    }

    pub(super) fn problem(what: impl Into<String>) -> Self {
        Self::of(DoctorLevel::Problem, what)
    }

    /// The same, with what to do about it where that is known.
    pub(super) fn with_help<'a>(self, help: impl Into<Option<&'a str>>) -> Self {
        let help = help.into().map(str::to_owned);
        Self { help, ..self }
    }

    fn of(level: DoctorLevel, what: impl Into<String>) -> Self {
        Self {
            level,
            what: what.into(),
            help: None,
        }
    }
}
