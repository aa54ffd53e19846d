//! What does not fit.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::cause::{Cause, Class};
use crate::{Index, Origin};

/// The most findings that are told one by one. Who has that many knows enough.
const MOST: usize = 10_000;

/// One thing that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The ledger.
    pub ledger: Origin,
    /// The entry, or the first of a run of neighbours that have the same fault; `None` if it
    /// concerns no single entry.
    pub index: Option<Index>,
    /// The last entry of that run.
    pub through: Option<Index>,
    /// Whether what was signed is not what is there, or has not the form of the format.
    pub class: Class,
    /// What kind of fault.
    pub cause: Cause,
    /// The fault in words; for a run, that of its first entry.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.ledger)?;
        match (self.index, self.through) {
            (Some(first), Some(last)) if last != first => write!(f, "#{first} to #{last}")?,
            (Some(index), _) => write!(f, "#{index}")?,
            (None, _) => {}
        }
        write!(f, ": {}: {}", self.cause, self.message)
    }
}

/// Something that an auditor should know and that is no fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// What kind of thing; it never changes its meaning.
    pub code: &'static str,
    /// The first entry that it concerns, if it concerns single ones.
    pub index: Option<Index>,
    /// In words.
    pub message: String,
}

/// Collects findings. Neighbours with the same fault become one, so a ledger that is wrong from
/// some entry on has one finding that says so, not a million.
#[derive(Debug)]
pub struct Findings {
    ledger: Origin,
    list: Vec<Finding>,
    runs: BTreeMap<Cause, usize>,
    /// How many are not in the list, which is full.
    further: u64,
    notes: Vec<Note>,
}

impl Findings {
    pub(super) fn of(ledger: Origin) -> Self {
        Self {
            ledger,
            list: Vec::new(),
            runs: BTreeMap::new(),
            further: 0,
            notes: Vec::new(),
        }
    }

    /// Adds one about the entries from the first to the last of `place`, or about none in
    /// particular.
    pub fn add(&mut self, cause: Cause, place: Option<(u64, u64)>, message: String) {
        if self.continues(cause, place) {
            return;
        }
        if self.list.len() >= MOST {
            self.further += 1;
            return;
        }
        self.runs.insert(cause, self.list.len());
        self.list.push(Finding {
            ledger: self.ledger.clone(),
            index: place.map(|(first, _)| Index(first)),
            through: place.map(|(_, last)| Index(last)),
            class: cause.class(),
            cause,
            message,
        });
    }

    /// Adds one about one entry.
    pub fn at(&mut self, index: u64, cause: Cause, message: String) {
        self.add(cause, Some((index, index)), message);
    }

    /// Adds a note.
    pub fn note(&mut self, code: &'static str, index: Option<u64>, message: String) {
        self.notes.push(Note {
            code,
            index: index.map(Index),
            message,
        });
    }

    /// Lengthens the last run of that cause, if `place` follows it.
    fn continues(&mut self, cause: Cause, place: Option<(u64, u64)>) -> bool {
        let (Some((first, last)), Some(run)) = (place, self.runs.get(&cause)) else {
            return false;
        };
        let run = &mut self.list[*run];
        let follows = run
            .through
            .is_some_and(|through| through.next() == Index(first));
        if follows {
            run.through = Some(Index(last));
        }
        follows
    }

    /// The findings, how many more there are, and the notes.
    pub(super) fn into_parts(self) -> (Vec<Finding>, u64, Vec<Note>) {
        (self.list, self.further, self.notes)
    }
}
