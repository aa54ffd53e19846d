//! A log in memory, as honest as its writer.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use sealrock_audit::verify::{Checked, verify};
use sealrock_ledger::verify::{CannotRun, Source, SourceError};
use sealrock_ledger::{
    Entry, Frontier, Hash, Index, KeyRange, LogKey, LogSigner, Origin, Payload, Policy, Slot,
    TILE_WIDTH, TilePath, encode_entries, encode_payloads, leaf_hash, sign_checkpoint,
    subtree_hash,
};

/// What a dishonest writer changes before an entry is hashed, chained and signed.
pub type Twist<'a> = &'a dyn Fn(&mut Entry, &mut Payload);
/// The same for an entry's bytes.
pub type BytesTwist<'a> = &'a dyn Fn(u64, &mut Vec<u8>);

pub struct Log<'a> {
    pub told: Told,
    versions: HashMap<String, u64>,
    pub twist: Twist<'a>,
    pub bytes_twist: BytesTwist<'a>,
    pub clock: DateTime<Utc>,
}

/// What a log wrote.
pub struct Told {
    pub entries: Vec<Vec<u8>>,
    pub slots: Vec<Slot>,
    /// Keys in the order of their introduction, with the trees that they sign.
    pub keys: Vec<(LogKey, KeyRange)>,
}

/// What an entry is about.
pub struct New<'t> {
    pub stream: &'t str,
    pub kind: &'t str,
    pub actor: &'t str,
    pub media: &'t str,
    pub bytes: Vec<u8>,
}

pub fn origin() -> Origin {
    Origin::new("sealrock.example", &"northsea".parse().unwrap())
}

impl<'a> Log<'a> {
    pub fn new(key: LogKey, twist: Twist<'a>, bytes_twist: BytesTwist<'a>) -> Self {
        let range = KeyRange::only(key.vkey());
        Self {
            told: Told {
                entries: Vec::new(),
                slots: Vec::new(),
                keys: vec![(key, range)],
            },
            versions: HashMap::new(),
            twist,
            bytes_twist,
            clock: "2026-11-21T03:00:00.000001Z".parse().unwrap(),
        }
    }

    pub fn push(&mut self, new: New<'_>) -> u64 {
        let index = self.told.size();
        self.clock += TimeDelta::milliseconds(1);
        let mut salt = [0; 16];
        salt[..8].copy_from_slice(&index.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
        let mut payload = Payload {
            media: new.media.into(),
            salt,
            bytes: new.bytes,
        };
        let prev = self
            .told
            .entries
            .last()
            .map_or([0; 32], |bytes| leaf_hash(bytes).0);
        let mut entry = Entry {
            actor: new.actor.into(),
            cause: String::new(),
            command: format!("0192-{index}"),
            index: Index(index),
            ledger: origin(),
            payload: [0; 32],
            prev,
            received_at: self.clock,
            recorded_at: self.clock,
            schema: 1,
            stream: new.stream.into(),
            kind: new.kind.into(),
            v: 1,
            version: self.versions.get(new.stream).unwrap_or(&0) + 1,
            via: "process:test".into(),
        };
        (self.twist)(&mut entry, &mut payload);
        entry.payload = payload.commitment();
        self.versions.insert(new.stream.into(), entry.version);
        let mut bytes = entry.to_bytes().unwrap();
        (self.bytes_twist)(index, &mut bytes);
        self.told.entries.push(bytes);
        self.told.slots.push(Slot::Shown(payload));
        index
    }
}

impl Told {
    /// The first entry of a kind.
    pub fn first(&self, kind: &str) -> u64 {
        let of = |index: &u64| self.entry(*index).kind == kind;
        (0..self.size()).find(of).unwrap()
    }

    pub fn size(&self) -> u64 {
        self.entries.len() as u64
    }

    pub fn leaf(&self, index: u64) -> Hash {
        leaf_hash(&self.entries[usize::try_from(index).unwrap()])
    }

    pub fn entry(&self, index: u64) -> Entry {
        Entry::read(&self.entries[usize::try_from(index).unwrap()]).unwrap()
    }

    pub fn leaves(&self) -> Vec<Hash> {
        self.entries.iter().map(|entry| leaf_hash(entry)).collect()
    }

    /// The files of an export, signed by the keys whose turn it is.
    pub fn sign(&self) -> Files {
        let size = self.size();
        let signing = self.keys.iter().filter(|(_, range)| range.signs(size));
        let signing: Vec<&LogKey> = signing.map(|(key, _)| key).collect();
        self.sign_by(&signing)
    }

    pub fn sign_by(&self, keys: &[&LogKey]) -> Files {
        let ranges: Vec<KeyRange> = self.keys.iter().map(|(_, range)| range.clone()).collect();
        let policy = Policy::of_keys(&ranges);
        let mut files = Files {
            map: BTreeMap::new(),
            policy,
        };
        files.put_bundles(&self.entries, &self.slots);
        files.put_tiles(&self.leaves());
        let signers: Vec<&dyn LogSigner> = keys.iter().map(|key| *key as &dyn LogSigner).collect();
        let checkpoint = sign_checkpoint(&signers, self.size(), root(&self.leaves())).unwrap();
        let policy = files.policy.to_string().into_bytes();
        files
            .map
            .insert("checkpoint".into(), checkpoint.note.into_bytes());
        files.map.insert("policy".into(), policy);
        files
    }
}

pub fn root(leaves: &[Hash]) -> Hash {
    let mut frontier = Frontier::default();
    for leaf in leaves {
        frontier.push(*leaf);
    }
    frontier.root()
}

/// The files of an export, and the policy that an auditor holds.
#[derive(Clone)]
pub struct Files {
    pub map: BTreeMap<String, Vec<u8>>,
    pub policy: Policy,
}

impl Source for Files {
    fn get(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(self.map.get(path).cloned())
    }
}

impl Files {
    pub fn put_bundles(&mut self, entries: &[Vec<u8>], slots: &[Slot]) {
        for (n, width) in TilePath::bundles(entries.len() as u64) {
            let first = usize::try_from(n * TILE_WIDTH).unwrap();
            let range = first..first + usize::try_from(width).unwrap();
            let entries = encode_entries(entries[range.clone()].iter().map(Vec::as_slice));
            let payloads = encode_payloads(slots[range].iter().map(Slot::as_ref));
            let path = TilePath::Entries { n, width }.to_string();
            self.map.insert(path, entries);
            let path = TilePath::Payloads { n, width }.to_string();
            self.map.insert(path, payloads);
        }
    }

    pub fn put_tiles(&mut self, leaves: &[Hash]) {
        let mut row = leaves.to_vec();
        for level in 0.. {
            for (n, hashes) in (0..).zip(row.chunks(256)) {
                let width = hashes.len() as u64;
                let path = TilePath::Hashes { level, n, width }.to_string();
                let bytes = hashes.iter().flat_map(|hash| hash.0).collect();
                self.map.insert(path, bytes);
            }
            row = row.chunks_exact(256).map(subtree_hash).collect();
            if row.is_empty() {
                return;
            }
        }
    }

    pub fn judged(&self) -> Result<Checked, CannotRun> {
        verify(self, &self.policy, &mut |_| {})
    }

    pub fn checked(&self) -> Checked {
        self.judged().unwrap()
    }

    pub fn file(&mut self, path: &str) -> &mut Vec<u8> {
        let no_file = || panic!("no file {path}");
        self.map.get_mut(path).unwrap_or_else(no_file)
    }
}
