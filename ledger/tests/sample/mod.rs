//! A ledger in memory: a draft of entries, signed into the files of an export.
#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "each test binary uses its own part of it"
)]
#![expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use sealrock_ledger::verify::{Cause, Finding, Report, Source, SourceError, verify};
use sealrock_ledger::{
    Entry, Frontier, Hash, Index, LogKey, Origin, Payload, Policy, TILE_WIDTH, TilePath,
    encode_entries, encode_payloads, leaf_hash, subtree_hash,
};

/// Entries and payloads that are not signed yet.
#[derive(Clone)]
pub struct Draft {
    pub entries: Vec<Vec<u8>>,
    pub payloads: Vec<Payload>,
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

pub fn origin() -> Origin {
    Origin::new("sealrock.example", &"northsea".parse().unwrap())
}

pub fn time(seconds: u64) -> DateTime<Utc> {
    let start: DateTime<Utc> = "2026-11-21T03:12:45.000001Z".parse().unwrap();
    start + TimeDelta::seconds(i64::try_from(seconds).unwrap())
}

impl Draft {
    /// `count` entries in seven streams, honest.
    pub fn of(count: u64) -> Self {
        Self::with(count, |_| {})
    }

    /// The same, each entry passed through `change` before the next one is chained to it: what a
    /// log writes that holds the key and is not honest.
    pub fn with(count: u64, change: impl Fn(&mut Entry)) -> Self {
        let mut draft = Self {
            entries: Vec::new(),
            payloads: Vec::new(),
        };
        let mut versions = HashMap::new();
        for index in 0..count {
            let stream = format!("telemetry/meter-{}", index * index % 7);
            let version = versions.entry(stream.clone()).or_insert(0);
            *version += 1;
            let payload = payload(index);
            let mut entry = entry(index, stream, *version, &payload);
            entry.prev = draft
                .entries
                .last()
                .map_or([0; 32], |bytes| leaf_hash(bytes).0);
            change(&mut entry);
            draft.entries.push(entry.to_bytes().unwrap());
            draft.payloads.push(payload);
        }
        draft
    }

    /// Signs the draft with a new key.
    pub fn sign(&self) -> Files {
        self.sign_with(&LogKey::generate(&origin()).unwrap())
    }

    pub fn sign_with(&self, key: &LogKey) -> Files {
        let leaves: Vec<Hash> = self.entries.iter().map(|entry| leaf_hash(entry)).collect();
        let mut map = BTreeMap::new();
        self.bundles(&mut map);
        tiles(&leaves, &mut map);
        let mut frontier = Frontier::default();
        for leaf in &leaves {
            frontier.push(*leaf);
        }
        let checkpoint = key.sign(frontier.size(), frontier.root()).unwrap();
        let policy = Policy::of_log(key.vkey());
        map.insert("checkpoint".into(), checkpoint.note.into_bytes());
        map.insert("policy".into(), policy.to_string().into_bytes());
        Files { map, policy }
    }

    /// The bundles of this draft, in place of those that are there.
    pub fn bundles(&self, map: &mut BTreeMap<String, Vec<u8>>) {
        for (n, width) in TilePath::bundles(self.entries.len() as u64) {
            let first = usize::try_from(n * TILE_WIDTH).unwrap();
            let range = first..first + usize::try_from(width).unwrap();
            let entries = encode_entries(self.entries[range.clone()].iter().map(Vec::as_slice));
            let payloads = encode_payloads(self.payloads[range].iter().map(Some));
            map.insert(TilePath::Entries { n, width }.to_string(), entries);
            map.insert(TilePath::Payloads { n, width }.to_string(), payloads);
        }
    }
}

/// The tiles over these leaf hashes.
pub fn tiles(leaves: &[Hash], map: &mut BTreeMap<String, Vec<u8>>) {
    let mut row = leaves.to_vec();
    for level in 0.. {
        for (n, hashes) in row.chunks(256).enumerate() {
            let path = TilePath::Hashes {
                level,
                n: n as u64,
                width: hashes.len() as u64,
            };
            map.insert(
                path.to_string(),
                hashes.iter().flat_map(|hash| hash.0).collect(),
            );
        }
        row = row.chunks_exact(256).map(subtree_hash).collect();
        if row.is_empty() {
            return;
        }
    }
}

fn payload(index: u64) -> Payload {
    let bytes = format!(r#"{{"co2_ppm":{},"seq":{index}}}"#, 400 + index % 90).into_bytes();
    let media = if index.is_multiple_of(3) {
        "application/cbor"
    } else {
        "application/json"
    };
    let mut salt = [0; 16];
    salt[..8].copy_from_slice(&index.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
    Payload {
        media: media.into(),
        salt,
        bytes,
    }
}

fn entry(index: u64, stream: String, version: u64, payload: &Payload) -> Entry {
    Entry {
        actor: "device/0192".into(),
        cause: String::new(),
        command: format!("0192-{index}"),
        index: Index(index),
        ledger: origin(),
        payload: payload.commitment(),
        prev: [0; 32],
        received_at: time(index),
        recorded_at: time(index),
        schema: 1,
        stream,
        kind: "SensorBatchRecorded".into(),
        v: 1,
        version,
        via: "mqtt:sealrock/v1/northsea/plant-1/meter-7/batch".into(),
    }
}

impl Files {
    pub fn verify(&self) -> Report {
        verify(self, &self.policy, &mut |_| {}).unwrap()
    }

    /// The one finding that there must be.
    pub fn only_finding(&self) -> Finding {
        let findings = self.verify().findings;
        let [finding] = &findings[..] else {
            panic!("expected one finding, got {findings:#?}")
        };
        finding.clone()
    }

    /// Expects one finding, of that cause, at that entry (or none).
    #[track_caller]
    pub fn must_show(&self, cause: Cause, index: impl Into<Option<u64>>) {
        let finding = self.only_finding();
        assert_eq!(
            (finding.cause, finding.index),
            (cause, index.into().map(Index)),
            "{finding}"
        );
    }

    pub fn file(&mut self, path: &str) -> &mut Vec<u8> {
        self.map
            .get_mut(path)
            .unwrap_or_else(|| panic!("no file {path}"))
    }

    pub fn flip(&mut self, path: &str, byte: usize, bit: u8) {
        self.file(path)[byte] ^= 1 << bit;
    }
}
