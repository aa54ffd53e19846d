//! What each entry must say, given the ones before it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::cause::Cause;
use super::finding::Findings;
use super::read::Item;
use crate::{Entry, EntryError, Hash, Index, Origin};

/// What is known of the entries so far.
pub(super) struct Chain {
    origin: Origin,
    /// Version of each stream, and the index that it was seen at.
    streams: HashMap<String, (u64, u64)>,
    /// Leaf hash of the entry before; `None` if it is not known.
    prev: Option<Hash>,
    recorded_at: Option<DateTime<Utc>>,
    /// The last entry that could not be read: it may have been of any stream.
    unread: Option<u64>,
}

impl Chain {
    /// A chain whose first known entry is `first`. What precedes it is not known.
    pub(super) fn of(origin: Origin, first: u64) -> Self {
        let mut chain = Self {
            origin,
            streams: HashMap::new(),
            prev: Some(Hash([0; 32])),
            recorded_at: None,
            unread: None,
        };
        if let Some(before) = first.checked_sub(1) {
            chain.skip(before, None);
        }
        chain
    }

    /// Passes over an entry that cannot be read.
    pub(super) fn skip(&mut self, index: u64, leaf: Option<Hash>) {
        self.prev = leaf;
        self.unread = Some(index);
    }

    /// Checks the entry at `index`, whose signed leaf hash is `expected` if that is known. Answers
    /// it if it can be trusted.
    pub(super) fn check<'i>(
        &mut self,
        index: u64,
        item: &'i Item,
        expected: Option<Hash>,
        findings: &mut Findings,
    ) -> Option<&'i Entry> {
        if expected.is_some_and(|expected| expected != item.leaf) {
            let message = format!("its bytes are not the signed ones{}", hint(item, index));
            findings.at(index, Cause::EntryChanged, message);
            self.skip(index, expected);
            return None;
        }
        match &item.entry {
            Ok(entry) => {
                if !item.canonical {
                    let message = EntryError::NotCanonical.to_string();
                    findings.at(index, Cause::EntryNotCanonical, message);
                }
                self.content(index, item.leaf, entry, findings);
                Some(entry)
            }
            Err(error) => {
                findings.at(index, Cause::EntryMalformed, error.to_string());
                self.skip(index, Some(item.leaf));
                None
            }
        }
    }

    fn content(&mut self, index: u64, leaf: Hash, entry: &Entry, findings: &mut Findings) {
        let mut add = |cause, message| findings.at(index, cause, message);
        if entry.v != 1 {
            add(
                Cause::UnknownFormat,
                format!("it has format version {}, known is 1", entry.v),
            );
        }
        if entry.index != Index(index) {
            add(
                Cause::WrongIndex,
                format!("it says that it is entry {}", entry.index),
            );
        }
        if entry.ledger != self.origin {
            add(
                Cause::WrongLedger,
                format!("it says that it is of {}", entry.ledger),
            );
        }
        if self.prev.is_some_and(|prev| prev.0 != entry.prev) {
            add(
                Cause::WrongPrev,
                "its prev is not the leaf hash of the entry before".into(),
            );
        }
        if let Some(before) = self
            .recorded_at
            .filter(|before| entry.recorded_at < *before)
        {
            let message = format!(
                "recorded at {}, the one before at {before}",
                entry.recorded_at
            );
            add(Cause::ClockBackwards, message);
        }
        let seen = (entry.version, index);
        let before = match self.streams.get_mut(&entry.stream) {
            Some(stream) => Some(std::mem::replace(stream, seen)),
            None => self.streams.insert(entry.stream.clone(), seen),
        };
        if let Err(message) = self.next_version(entry, before) {
            add(Cause::VersionGap, message);
        }
        self.prev = Some(leaf);
        self.recorded_at = Some(entry.recorded_at);
    }

    /// A version follows the one before, or, if an entry between them could not be read, comes
    /// anywhere after it.
    fn next_version(&self, entry: &Entry, before: Option<(u64, u64)>) -> Result<(), String> {
        let (known, seen_at) = before.map_or((0, None), |(version, at)| (version, Some(at)));
        let may_have_missed_some = self.unread.is_some() && self.unread > seen_at;
        let follows = if may_have_missed_some {
            entry.version > known
        } else {
            known.checked_add(1) == Some(entry.version)
        };
        if follows {
            return Ok(());
        }
        let stream = &entry.stream;
        Err(format!(
            "version {} of stream {stream} comes after version {known}",
            entry.version
        ))
    }
}

/// Whether the bytes are the entry of that position, as far as they say so themselves.
pub(super) fn reads_as(item: &Item, index: u64) -> bool {
    item.entry
        .as_ref()
        .is_ok_and(|entry| entry.index == Index(index))
}

fn hint(item: &Item, index: u64) -> String {
    match &item.entry {
        Err(error) => format!("; {error}"),
        Ok(entry) if entry.index != Index(index) => {
            format!("; it says that it is entry {}", entry.index)
        }
        Ok(_) => String::new(),
    }
}
