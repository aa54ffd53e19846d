//! What each entry must say, given the ones before it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::finding::{Cause, Findings};
use crate::{Entry, EntryError, Hash, Index, Origin, leaf_hash};

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
    pub(super) fn of(origin: Origin) -> Self {
        let prev = Some(Hash([0; 32]));
        Self {
            origin,
            streams: HashMap::new(),
            prev,
            recorded_at: None,
            unread: None,
        }
    }

    /// Passes over an entry that cannot be read.
    pub(super) fn skip(&mut self, index: u64, leaf: Option<Hash>) -> Option<[u8; 32]> {
        self.prev = leaf;
        self.unread = Some(index);
        None
    }

    /// Checks the entry at `index`, whose signed leaf hash is `expected` if that is known. Answers
    /// its commitment if the entry can be trusted.
    pub(super) fn check(
        &mut self,
        index: u64,
        bytes: &[u8],
        expected: Option<Hash>,
        findings: &mut Findings,
    ) -> Option<[u8; 32]> {
        let leaf = leaf_hash(bytes);
        let place = Some((index, index));
        if expected.is_some_and(|expected| expected != leaf) {
            let message = format!("its bytes are not the signed ones{}", hint(bytes, index));
            findings.add(Cause::EntryChanged, place, message);
            return self.skip(index, expected);
        }
        let entry = match Entry::read_canonical(bytes) {
            Err(error @ EntryError::NotCanonical) => {
                findings.add(Cause::EntryNotCanonical, place, error.to_string());
                Entry::read(bytes)
            }
            read => read,
        };
        match entry {
            Ok(entry) => Some(self.content(index, leaf, entry, findings)),
            Err(error) => {
                findings.add(Cause::EntryMalformed, place, error.to_string());
                self.skip(index, Some(leaf))
            }
        }
    }

    fn content(
        &mut self,
        index: u64,
        leaf: Hash,
        entry: Entry,
        findings: &mut Findings,
    ) -> [u8; 32] {
        let mut add = |cause, message| findings.add(cause, Some((index, index)), message);
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
        if let Err(message) = self.next_version(&entry) {
            add(Cause::VersionGap, message);
        }
        self.prev = Some(leaf);
        self.recorded_at = Some(entry.recorded_at);
        self.streams.insert(entry.stream, (entry.version, index));
        entry.payload
    }

    /// A version follows the one before, or, if an entry between them could not be read, comes
    /// anywhere after it.
    fn next_version(&self, entry: &Entry) -> Result<(), String> {
        let (known, seen_at) = match self.streams.get(&entry.stream) {
            Some((version, at)) => (*version, Some(*at)),
            None => (0, None),
        };
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
pub(super) fn reads_as(bytes: &[u8], index: u64) -> bool {
    Entry::read(bytes).is_ok_and(|entry| entry.index == Index(index))
}

fn hint(bytes: &[u8], index: u64) -> String {
    match Entry::read(bytes) {
        Err(error) => format!("; {error}"),
        Ok(entry) if entry.index != Index(index) => {
            format!("; it says that it is entry {}", entry.index)
        }
        Ok(_) => String::new(),
    }
}
