//! The log's keys, as the ledger itself records them, against the auditor's policy.

use super::cause::Cause;
use super::finding::Findings;
use crate::record::LogKeyRotated;
use crate::{KeyRange, LogVerifier, Origin};

/// The keys so far.
pub(super) struct Keys {
    origin: Origin,
    /// What the entries say; empty as long as there was one key only.
    recorded: Vec<KeyRange>,
    /// Whether a record may be missing here.
    incomplete: bool,
}

impl Keys {
    pub(super) fn of(origin: Origin) -> Self {
        Self {
            origin,
            recorded: Vec::new(),
            incomplete: false,
        }
    }

    /// Something is not known that may have been a record of a key.
    pub(super) fn unread(&mut self) {
        self.incomplete = true;
    }

    pub(super) fn rotated(&mut self, index: u64, record: &LogKeyRotated, findings: &mut Findings) {
        if let Err(message) = self.check_rotation(record) {
            findings.at(index, Cause::LogKeyInvalid, message);
            self.incomplete = true;
            return;
        }
        if self.recorded.is_empty() {
            self.recorded.push(KeyRange::only(&record.from));
        }
        self.recorded.push(KeyRange {
            vkey: record.to.clone(),
            from: index + 1,
            through: None,
        });
    }

    fn check_rotation(&self, record: &LogKeyRotated) -> Result<(), String> {
        record.verify(&self.origin).map_err(|e| e.to_string())?;
        let known = |vkey: &str| self.recorded.iter().find(|key| key.vkey == *vkey);
        let first = self.recorded.is_empty() || self.incomplete;
        if !first && known(&record.from).is_none_or(|key| key.through.is_some()) {
            return Err(format!(
                "{} is not in use, so it can hand over nothing",
                record.from
            ));
        }
        if known(&record.to).is_some() {
            return Err(format!("{} was in use before", record.to));
        }
        Ok(())
    }

    pub(super) fn retired(&mut self, index: u64, vkey: &str, findings: &mut Findings) {
        if self.incomplete {
            return;
        }
        let in_use = |key: &KeyRange| key.through.is_none();
        let others = self
            .recorded
            .iter()
            .any(|key| key.vkey != vkey && in_use(key));
        let key = self
            .recorded
            .iter_mut()
            .find(|key| key.vkey == vkey && in_use(key));
        match key {
            Some(key) if others => key.through = Some(index),
            Some(_) => {
                let message = format!("{vkey} is the only key in use: nothing could be signed");
                findings.at(index, Cause::LogKeyInvalid, message);
            }
            None => {
                let message = format!("{vkey} is not in use, so it cannot be retired");
                findings.at(index, Cause::LogKeyInvalid, message);
            }
        }
    }

    /// Holds the policy's keys and the checkpoint's signatures against what the ledger records.
    pub(super) fn end(self, policy: &[KeyRange], size: u64, note: &str, findings: &mut Findings) {
        if self.incomplete {
            let message = "part of the ledger is not known, so the policy's keys were not held \
                           against the ledger's records of them";
            findings.note("log-keys-not-checked", None, message.to_owned());
            return;
        }
        if self.recorded.is_empty() {
            for key in policy.iter().filter(|key| policy.len() > 1 || key.from > 0) {
                let message = "is in the policy, but the ledger records no change of its key";
                let message = format!("{} {message}", key.vkey);
                findings.add(Cause::PolicyKeysDiffer, None, message);
            }
            return;
        }
        self.compare(policy, findings);
        self.signatures(size, note, findings);
    }

    fn compare(&self, policy: &[KeyRange], findings: &mut Findings) {
        for key in policy {
            let vkey = &key.vkey;
            let recorded = self.recorded.iter().find(|recorded| recorded.vkey == *vkey);
            let Some(recorded) = recorded else {
                let message = format!("{vkey} is in the policy, but no entry introduces it");
                findings.add(Cause::PolicyKeysDiffer, None, message);
                continue;
            };
            // A policy may be older than the end of a key, or leave ranges to the ledger.
            let from_fits = key.from == recorded.from || (key.from, key.through) == (0, None);
            let end_fits = key.through.is_none() || key.through == recorded.through;
            if !from_fits || !end_fits {
                let message = format!(
                    "the policy says that {vkey} signs trees of {}, the ledger {}",
                    range(key),
                    range(recorded)
                );
                findings.add(Cause::PolicyKeysDiffer, None, message);
            }
        }
        for newer in &self.recorded {
            if !policy.iter().any(|key| key.vkey == newer.vkey) {
                let message = format!(
                    "the policy does not name {}, which signs trees of {}: ask for a newer policy",
                    newer.vkey,
                    range(newer)
                );
                findings.note("policy-behind", newer.from.checked_sub(1), message);
            }
        }
    }

    /// Every key in use signs, and no other.
    fn signatures(&self, size: u64, note: &str, findings: &mut Findings) {
        for key in &self.recorded {
            let signed = LogVerifier::new(&key.vkey)
                .and_then(|verifier| verifier.verify(note.as_bytes()))
                .is_ok();
            let (vkey, range) = (&key.vkey, range(key));
            let message = match (key.signs(size), signed) {
                (true, false) => {
                    format!("it is not signed by {vkey}, which signs trees of {range}")
                }
                (false, true) => format!("it is signed by {vkey}, which signs trees of {range}"),
                _ => continue,
            };
            let message = format!("the checkpoint is of {size} entries; {message}");
            findings.add(Cause::CheckpointKeys, None, message);
        }
    }
}

fn range(key: &KeyRange) -> String {
    match key.through {
        Some(through) => format!("{} to {through} entries", key.from),
        None => format!("{} entries and more", key.from),
    }
}
