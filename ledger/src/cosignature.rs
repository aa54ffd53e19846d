//! C2SP tlog-cosignatures: a witness says that it saw a checkpoint, and when.
//!
//! A cosignature is a signature line of a note, of type 0x04, its signature uint64 big-endian
//! seconds ‖ Ed25519 signature over
//!
//! ```text
//! cosignature/v1\n
//! time <seconds since 1970>\n
//! <the note's text>
//! ```

use std::collections::BTreeSet;

use ed25519_dalek::{Signer, SigningKey};
use rand::rngs::OsRng;

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::note::{Note, is_of, signature_lines};
use crate::policy::{Policy, PolicyError};
use crate::vkey::{KeyType, VerifierKey};

/// The specification's limit.
const MAX_TIME: u64 = i64::MAX.unsigned_abs();

/// A cosignature that was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosignature {
    /// The witness, by its name in the policy.
    pub witness: String,
    /// When it saw the checkpoint as the newest one, by its own clock, in seconds since 1970.
    pub time: u64,
}

/// A checkpoint that fulfils a policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// The policy's witnesses that cosigned it, in the order of the policy.
    pub cosigned_by: Vec<Cosignature>,
    /// Keys that the policy does not name, as `<name>+<key id>`; nothing rests on their signatures.
    pub unknown: Vec<String>,
}

/// Why a note does not fulfil a policy.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The policy itself cannot be used.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The note is no checkpoint of the ledger, or not signed by a key for trees of its size.
    #[error("{0}")]
    Log(CheckpointError),
    /// A cosignature of one of the policy's witnesses is wrong, so the note was tampered with.
    #[error("the cosignature of the witness {0:?} does not verify")]
    Cosignature(String),
    /// The log signed it, but too few of the policy's witnesses did.
    #[error(
        "the log signed the checkpoint of {size} entries, but the quorum of the policy is not met; \
         cosigned by: {}", if cosigned_by.is_empty() { "nobody".to_owned() } else { cosigned_by.join(", ") }
    )]
    Quorum {
        /// Entries that the checkpoint signs.
        size: u64,
        /// The policy's witnesses that did cosign.
        cosigned_by: Vec<String>,
    },
}

/// A witness's public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessKey(VerifierKey);

impl WitnessKey {
    /// Reads the text form: `<name>+<key id>+<base64 of 0x04 and the key>`.
    ///
    /// # Errors
    /// If it is malformed, or no Ed25519 cosigning key.
    pub fn parse(vkey: &str) -> Result<Self, CheckpointError> {
        VerifierKey::parse(vkey, KeyType::Witness).map(Self)
    }

    /// The name that it signs under.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The time at which this witness cosigned the note, in seconds since 1970; `None` if it did
    /// not.
    ///
    /// # Errors
    /// If the bytes are no note, or a cosignature under this key's name and id is wrong.
    pub fn cosigned(&self, note: &[u8]) -> Result<Option<u64>, CheckpointError> {
        self.time_in(&Note::parse(note)?)
    }

    fn time_in(&self, note: &Note) -> Result<Option<u64>, CheckpointError> {
        let verifies = |blob| self.verified_time(&note.text, blob).is_some();
        let line = note.signed_by(&self.0, verifies)?;
        Ok(line.and_then(|line| self.verified_time(&note.text, line.signature())))
    }

    fn verified_time(&self, text: &str, blob: &[u8]) -> Option<u64> {
        let (time, signature) = blob.split_first_chunk()?;
        let time = u64::from_be_bytes(*time);
        let right = time <= MAX_TIME && self.0.made(signature, &message(time, text));
        right.then_some(time)
    }
}

/// A witness's private key. Sealrock runs no witness; this is for those who test against one.
pub struct Cosigner {
    key: VerifierKey,
    secret: SigningKey,
}

impl Cosigner {
    /// A new random key under that name.
    ///
    /// # Errors
    /// If the name cannot name a key.
    pub fn generate(name: &str) -> Result<Self, CheckpointError> {
        let secret = SigningKey::generate(&mut OsRng);
        let key = VerifierKey::new(name, KeyType::Witness, secret.verifying_key());
        VerifierKey::parse(&key.to_text(KeyType::Witness), KeyType::Witness)?;
        Ok(Self { key, secret })
    }

    /// The public key in text form.
    #[must_use]
    pub fn vkey(&self) -> String {
        self.key.to_text(KeyType::Witness)
    }

    /// The signature line by which it cosigns a checkpoint at `time`, in seconds since 1970, ended
    /// by a newline. It verifies nothing, as a witness must before.
    ///
    /// # Errors
    /// If the bytes are no note.
    pub fn cosign(&self, note: &[u8], time: u64) -> Result<String, CheckpointError> {
        let note = Note::parse(note)?;
        let signature = self.secret.sign(&message(time, &note.text)).to_bytes();
        let blob = [&time.to_be_bytes()[..], &signature].concat();
        Ok(String::from_utf8_lossy(&self.key.line(&blob).to_bytes()).into_owned())
    }
}

fn message(time: u64, text: &str) -> Vec<u8> {
    format!("cosignature/v1\ntime {time}\n{text}").into_bytes()
}

impl Policy {
    /// Whether a note is a checkpoint that this policy trusts: signed by a key of the ledger whose
    /// range holds its size, and cosigned by the quorum.
    ///
    /// # Errors
    /// [`CheckError`], which tells a wrong log signature from a missing quorum.
    pub fn check(&self, note: &[u8]) -> Result<Checked, CheckError> {
        let verifier = self.verifier()?;
        let note = Note::parse(note).map_err(CheckError::Log)?;
        let checkpoint = verifier.verify_note(&note).map_err(CheckError::Log)?;
        let witnesses = self.witness_keys()?;
        let cosigned_by = cosignatures(&witnesses, &note)?;
        let names: BTreeSet<&str> = cosigned_by.iter().map(|by| by.witness.as_str()).collect();
        if !self.quorum_met(&names) {
            return Err(CheckError::Quorum {
                size: checkpoint.size,
                cosigned_by: cosigned_by.into_iter().map(|by| by.witness).collect(),
            });
        }
        let is_known = |line: &&signed_note::Signature| {
            verifier.knows(line) || witnesses.iter().any(|(_, key)| is_of(line, &key.0))
        };
        let unknown = note.signatures.iter().filter(|line| !is_known(line));
        Ok(Checked {
            checkpoint,
            cosigned_by,
            unknown: unknown
                .map(|line| format!("{}+{:08x}", line.name(), line.id()))
                .collect(),
        })
    }

    /// Which of this policy's witnesses cosigned a note, and when, enough or not. Nothing is said
    /// about the log's own signature.
    ///
    /// # Errors
    /// If the bytes are no note, or a cosignature of one of the witnesses is wrong.
    pub fn cosignatures(&self, note: &[u8]) -> Result<Vec<Cosignature>, CheckError> {
        let note = Note::parse(note).map_err(CheckError::Log)?;
        cosignatures(&self.witness_keys()?, &note)
    }

    /// The note with those of the signature lines that this policy's witnesses made, as a witness
    /// answers them: one a witness, the newest, in the order of the policy, after all other
    /// signatures. Lines of unknown keys are left out.
    ///
    /// # Errors
    /// If the note or the lines are malformed, or a line of a known witness does not verify.
    pub fn merge(&self, note: &str, lines: &str) -> Result<String, CheckError> {
        let mut note = Note::parse(note.as_bytes()).map_err(CheckError::Log)?;
        let new = signature_lines(lines).map_err(CheckError::Log)?;
        for (name, key) in self.witness_keys()? {
            let of_witness = |line: &&signed_note::Signature| is_of(line, &key.0);
            let both = note.signatures.iter().chain(&new).filter(of_witness);
            let mut newest: Option<(u64, signed_note::Signature)> = None;
            for line in both {
                let time = key
                    .verified_time(&note.text, line.signature())
                    .ok_or_else(|| CheckError::Cosignature(name.to_owned()))?;
                if newest.as_ref().is_none_or(|(known, _)| *known < time) {
                    newest = Some((time, line.clone()));
                }
            }
            note.signatures.retain(|line| !is_of(line, &key.0));
            note.signatures.extend(newest.map(|(_, line)| line));
        }
        Ok(note.to_string())
    }

    fn witness_keys(&self) -> Result<Vec<(&str, WitnessKey)>, PolicyError> {
        let read = |w: &crate::policy::Witness| WitnessKey::parse(&w.vkey);
        self.witnesses()
            .iter()
            .map(|w| Ok((w.name.as_str(), read(w)?)))
            .collect()
    }
}

fn cosignatures(
    witnesses: &[(&str, WitnessKey)],
    note: &Note,
) -> Result<Vec<Cosignature>, CheckError> {
    let mut found = Vec::new();
    for (name, key) in witnesses {
        let time = key
            .time_in(note)
            .map_err(|_| CheckError::Cosignature((*name).to_owned()))?;
        found.extend(time.map(|time| Cosignature {
            witness: (*name).to_owned(),
            time,
        }));
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
