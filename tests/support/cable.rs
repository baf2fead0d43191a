//! A server that goes away behind one change, in the middle of what a client does.

/// How a change is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// It is made, its answer is lost, and from then on nothing is answered.
    Done,
    /// It is not made, and from then on nothing is answered.
    NotDone,
    /// It is made and its answer is lost; what comes behind it is answered.
    Once,
}

/// When it happens, and what was lost since.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cable {
    /// How many changes are still answered, and what becomes of the next one; `None`: all is well.
    at: Option<(usize, Cut)>,
    lost: usize,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Answered,
    /// It has its effect, and nobody learns of it.
    Unheard,
    Nothing,
}

impl Cable {
    /// Cut at the n-th change from now on.
    pub(crate) fn cut_at(n: usize, how: Cut) -> Self {
        assert!(n > 0, "changes are counted from 1");
        Self {
            at: Some((n - 1, how)),
            lost: 0,
        }
    }

    /// How many requests got no answer.
    pub(crate) fn lost(&self) -> usize {
        self.lost
    }

    /// All is well from here on.
    pub(crate) fn heal(&mut self) {
        self.at = None;
    }

    pub(crate) fn meet(&mut self, change: bool) -> Fate {
        let Some((left, how)) = &mut self.at else {
            return Fate::Answered;
        };
        let gone = self.lost > 0;
        if gone && *how == Cut::Once || !gone && !change {
            return Fate::Answered;
        }
        if !gone && *left > 0 {
            *left -= 1;
            return Fate::Answered;
        }
        self.lost += 1;
        match gone || *how == Cut::NotDone {
            true => Fate::Nothing,
            false => Fate::Unheard,
        }
    }
}
