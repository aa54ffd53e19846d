//! Numbers, chains and hashes what was admitted.

use chrono::{DateTime, Utc};
use rand::RngCore;
use sealrock_ledger::{Envelope, Hash, Index, SALT_BYTES, commitment, leaf_hash, micros};

use super::edge::{Edge, FullTile};
use super::head::Head;
use crate::append::Append;
use crate::error::AppendError;
use crate::ledgers::LedgerInfo;

/// An entry on its way into `events`; the rest of it stands in its append.
pub(super) struct ChainedEntry {
    /// Which append of the commit, and which event of it.
    pub(super) append: usize,
    pub(super) event: usize,
    pub(super) index: Index,
    pub(super) version: u64,
    pub(super) recorded_at: DateTime<Utc>,
    pub(super) bytes: Vec<u8>,
    pub(super) leaf_hash: Hash,
    pub(super) salt: [u8; SALT_BYTES],
}

/// What appends have become.
#[derive(Default)]
pub(super) struct Chained {
    pub(super) entries: Vec<ChainedEntry>,
    /// First and last index of each admitted append.
    pub(super) spans: Vec<(Index, Index)>,
    pub(super) tiles: Vec<FullTile>,
}

/// The end of a ledger, that the next entry is chained to.
pub(super) struct End {
    pub(super) head: Head,
    /// Right edge of the tiles.
    pub(super) edge: Edge,
}

impl End {
    /// Computes the root of what it is now.
    pub(super) fn seal(&mut self) {
        self.head.root = self.head.frontier.root();
        self.edge.set_root(self.head.root);
    }

    fn push(&mut self, leaf_hash: Hash, tiles: &mut Vec<FullTile>) {
        tiles.extend(self.edge.push(leaf_hash));
        self.head.frontier.push(leaf_hash);
        self.head.leaf_hash = leaf_hash;
    }
}

impl Chained {
    /// Chains the events of an admitted append, whose versions are these, to the end of the ledger, at
    /// the log's time `now`. It is the append number `nth` of the commit.
    pub(super) fn add(
        &mut self,
        ledger: &LedgerInfo,
        end: &mut End,
        (nth, append): (usize, &Append),
        versions: &[u64],
        now: DateTime<Utc>,
    ) -> Result<(), AppendError> {
        // The log's clock never runs backwards, whatever the machine's does.
        let recorded_at = now.max(end.head.recorded_at);
        end.head.recorded_at = recorded_at;
        let first = Index(end.head.size());
        let mut command = [0; uuid::fmt::Hyphenated::LENGTH];
        let command: &str = append.command.hyphenated().encode_lower(&mut command);
        let received_at = micros(append.received_at);
        for (number, (event, version)) in append.events.iter().zip(versions).enumerate() {
            let salt = salt();
            let index = Index(end.head.size());
            let bytes = Envelope {
                actor: &append.actor,
                cause: &append.cause,
                command,
                index,
                ledger: &ledger.origin,
                payload: commitment(&salt, &event.media, &event.bytes),
                prev: end.head.leaf_hash.0,
                received_at,
                recorded_at,
                schema: event.schema,
                stream: &event.stream,
                kind: &event.kind,
                v: 1,
                version: *version,
                via: &append.via,
            }
            .to_bytes()
            .map_err(|e| AppendError::Fatal(e.to_string()))?;
            let leaf_hash = leaf_hash(&bytes);
            end.push(leaf_hash, &mut self.tiles);
            self.entries.push(ChainedEntry {
                append: nth,
                event: number,
                index,
                version: *version,
                recorded_at,
                bytes,
                leaf_hash,
                salt,
            });
        }
        self.spans.push((first, Index(end.head.size() - 1)));
        Ok(())
    }
}

fn salt() -> [u8; SALT_BYTES] {
    let mut salt = [0; SALT_BYTES];
    rand::thread_rng().fill_bytes(&mut salt);
    salt
}
