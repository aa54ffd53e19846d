//! The events table: each row against its entry, each entry against the one before.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sealrock_ledger::{Entry, Hash, Index, Origin, leaf_hash};

use super::finding::{Code, Findings};

#[derive(sqlx::FromRow)]
pub(super) struct EventRow {
    index: i64,
    pub(super) entry: Vec<u8>,
    leaf_hash: Vec<u8>,
    pub(super) stream: String,
    version: i64,
    r#type: String,
    pub(super) recorded_at: DateTime<Utc>,
}

impl EventRow {
    pub(super) fn index(&self) -> u64 {
        self.index.cast_unsigned()
    }

    /// What this entry says of the one before.
    pub(super) fn prev(&self) -> Option<Hash> {
        Entry::read(&self.entry).ok().map(|entry| Hash(entry.prev))
    }
}

/// What is known of the entries so far.
pub(super) struct Entries {
    origin: Origin,
    prev: Hash,
    recorded_at: Option<DateTime<Utc>>,
    versions: HashMap<String, u64>,
}

impl Entries {
    pub(super) fn of(origin: Origin) -> Self {
        Self {
            origin,
            prev: Hash([0; 32]),
            recorded_at: None,
            versions: HashMap::new(),
        }
    }

    /// Checks one row; `named` is the leaf hash that the next entry or the head has for it. Answers
    /// the leaf hash to go on with, and the entry if it can be trusted.
    pub(super) fn check(
        &mut self,
        row: &EventRow,
        named: Option<Hash>,
        findings: &mut Findings,
    ) -> (Hash, Option<Entry>) {
        let computed = leaf_hash(&row.entry);
        let leaf = signed_leaf(row, computed, named, findings);
        let entry = if leaf == computed {
            read(row, findings)
        } else {
            None
        };
        if let Some(entry) = &entry {
            columns(row, entry, findings);
            self.order(row.index(), entry, findings);
        }
        let at_least = entry
            .as_ref()
            .map_or(row.version.cast_unsigned(), |entry| entry.version);
        let stream = entry.as_ref().map_or(&row.stream, |entry| &entry.stream);
        self.versions.insert(stream.clone(), at_least);
        self.prev = leaf;
        self.recorded_at = Some(
            entry
                .as_ref()
                .map_or(row.recorded_at, |entry| entry.recorded_at),
        );
        (leaf, entry)
    }

    /// Leaf hash of the last entry; zeros for an empty ledger.
    pub(super) fn last_leaf(&self) -> Hash {
        self.prev
    }

    /// Time of the last entry.
    pub(super) fn last_time(&self) -> Option<DateTime<Utc>> {
        self.recorded_at
    }

    fn order(&self, index: u64, entry: &Entry, findings: &mut Findings) {
        let version = self
            .versions
            .get(&entry.stream)
            .copied()
            .unwrap_or(0)
            .saturating_add(1);
        let before = self.recorded_at.unwrap_or(entry.recorded_at);
        let faults = [
            (entry.v != 1).then(|| format!("its format version is {}, known is 1", entry.v)),
            (entry.index != Index(index)).then(|| format!("it says it is entry {}", entry.index)),
            (entry.ledger != self.origin).then(|| format!("it says it is of {}", entry.ledger)),
            (entry.prev != self.prev.0)
                .then(|| "its prev is not the leaf hash of the entry before".to_owned()),
            (entry.recorded_at < before)
                .then(|| format!("recorded at {}, after one at {before}", entry.recorded_at)),
            (entry.version != version).then(|| {
                format!(
                    "version {} of {} should be {version}",
                    entry.version, entry.stream
                )
            }),
        ];
        for cause in faults.into_iter().flatten() {
            findings.at(Code::EntryMisplaced, "events", (index, index), cause);
        }
    }
}

/// The columns repeat what the entry says.
fn columns(row: &EventRow, entry: &Entry, findings: &mut Findings) {
    let differing = [
        ("stream", row.stream != entry.stream),
        ("version", row.version.cast_unsigned() != entry.version),
        ("type", row.r#type != entry.kind),
        ("recorded_at", row.recorded_at != entry.recorded_at),
    ];
    for (column, _) in differing.into_iter().filter(|(_, differs)| *differs) {
        let cause = format!("column {column} does not say what the entry says");
        findings.at(Code::ColumnDiffers, "events", here(row), cause);
    }
}

/// Where entry and stored leaf hash disagree, what comes after says which of them was changed.
fn signed_leaf(
    row: &EventRow,
    computed: Hash,
    named: Option<Hash>,
    findings: &mut Findings,
) -> Hash {
    if row.leaf_hash == computed.0 {
        return computed;
    }
    if let Some(stored) = named.filter(|named| row.leaf_hash == named.0) {
        let cause = "the entry's bytes do not give the leaf hash that was stored with them";
        findings.at(Code::EntryChanged, "events", here(row), cause);
        return stored;
    }
    let cause = format!("the entry's leaf hash is {}", hex::encode(computed.0));
    findings.at(Code::LeafHashChanged, "events", here(row), cause);
    computed
}

fn read(row: &EventRow, findings: &mut Findings) -> Option<Entry> {
    Entry::read_canonical(&row.entry)
        .inspect_err(|e| findings.at(Code::EntryMalformed, "events", here(row), e.to_string()))
        .or_else(|_| Entry::read(&row.entry))
        .ok()
}

fn here(row: &EventRow) -> (u64, u64) {
    (row.index(), row.index())
}
