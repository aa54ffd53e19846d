//! Numbers, chains and hashes what was admitted.

use chrono::{DateTime, Utc};
use rand::RngCore;
use sealrock_ledger::{Entry, Hash, Index, Payload, SALT_BYTES, leaf_hash};

use super::admit::Admission;
use super::edge::{Edge, FullTile};
use super::head::Head;
use crate::append::{Append, NewEvent, Retention};
use crate::error::AppendError;
use crate::ledgers::LedgerInfo;

/// An entry on its way into `events`.
pub(super) struct ChainedEntry {
    pub(super) entry: Entry,
    pub(super) bytes: Vec<u8>,
    pub(super) leaf_hash: Hash,
    pub(super) payload: Payload,
    pub(super) retention: Retention,
}

/// A commit, complete but for its signature.
pub(super) struct Chained {
    pub(super) entries: Vec<ChainedEntry>,
    /// First and last index of each admitted append.
    pub(super) spans: Vec<(Index, Index)>,
    pub(super) tiles: Vec<FullTile>,
    /// The head before: what the compare-and-swap compares with.
    pub(super) before: Head,
    /// The head after.
    pub(super) head: Head,
    pub(super) edge: Edge,
}

/// Chains the admitted appends to the tree of `head`, at the log's time `now`.
pub(super) fn chain(
    ledger: &LedgerInfo,
    head: Head,
    edge: Edge,
    admission: &Admission,
    now: DateTime<Utc>,
) -> Result<Chained, AppendError> {
    let mut chained = Chained {
        entries: Vec::new(),
        spans: Vec::with_capacity(admission.admitted.len()),
        tiles: Vec::new(),
        before: head.clone(),
        head,
        edge,
    };
    // The log's clock never runs backwards, whatever the machine's does.
    chained.head.recorded_at = now.max(chained.head.recorded_at);
    for (append, versions) in &admission.admitted {
        let first = Index(chained.head.size());
        for (event, version) in append.events.iter().zip(versions) {
            chained.add(ledger, append, event, *version)?;
        }
        chained.spans.push((first, Index(chained.head.size() - 1)));
    }
    chained.head.root = chained.head.frontier.root();
    chained.edge.set_root(chained.head.root);
    Ok(chained)
}

impl Chained {
    fn add(
        &mut self,
        ledger: &LedgerInfo,
        append: &Append,
        event: &NewEvent,
        version: u64,
    ) -> Result<(), AppendError> {
        let payload = Payload {
            media: event.media.clone(),
            salt: salt(),
            bytes: event.bytes.clone(),
        };
        let entry = Entry {
            actor: append.actor.clone(),
            cause: append.cause.clone(),
            command: append.command.to_string(),
            index: Index(self.head.size()),
            ledger: ledger.origin.clone(),
            payload: payload.commitment(),
            prev: self.head.leaf_hash.0,
            received_at: sealrock_ledger::micros(append.received_at),
            recorded_at: self.head.recorded_at,
            schema: event.schema,
            stream: event.stream.clone(),
            kind: event.kind.clone(),
            v: 1,
            version,
            via: append.via.clone(),
        };
        let bytes = entry
            .to_bytes()
            .map_err(|e| AppendError::Fatal(e.to_string()))?;
        let leaf_hash = leaf_hash(&bytes);
        self.tiles.extend(self.edge.push(leaf_hash));
        self.head.frontier.push(leaf_hash);
        self.head.leaf_hash = leaf_hash;
        let retention = event.retention;
        self.entries.push(ChainedEntry {
            entry,
            bytes,
            leaf_hash,
            payload,
            retention,
        });
        Ok(())
    }
}

fn salt() -> [u8; SALT_BYTES] {
    let mut salt = [0; SALT_BYTES];
    rand::thread_rng().fill_bytes(&mut salt);
    salt
}
