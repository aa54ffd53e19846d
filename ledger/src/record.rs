//! What a ledger records about itself: keys, clock, origin, erasures.
//!
//! These entries are the log's own, so the verifier reads them. Their payloads are RFC 8785 JSON,
//! `application/json`, schema 1; they stand in the stream [`stream_of`] gives and nothing but a
//! person or a part of the platform may write them.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::checkpoint::{CheckpointError, LogVerifier};
use crate::key::{LogSigner, SignError, verify_statement};
use crate::name::{Index, LedgerName, Origin};

/// The stream of a ledger's own records: `ledger/<name>`.
#[must_use]
pub fn stream_of(name: &LedgerName) -> String {
    format!("ledger/{name}")
}

/// The same by the ledger's origin, `<host>/ledger/<name>`.
#[must_use]
pub fn stream_of_origin(origin: &Origin) -> String {
    let name = origin.as_str().rsplit('/').next().unwrap_or_default();
    format!("ledger/{name}")
}

/// Entries from `first` through `last`; in JSON `[first,last]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "(Index, Index)", into = "(Index, Index)")]
pub struct IndexRange {
    /// The first.
    pub first: Index,
    /// The last; not before the first.
    pub last: Index,
}

impl IndexRange {
    /// Whether the range holds this index.
    #[must_use]
    pub fn contains(&self, index: Index) -> bool {
        (self.first..=self.last).contains(&index)
    }
}

impl From<(Index, Index)> for IndexRange {
    fn from((first, last): (Index, Index)) -> Self {
        Self { first, last }
    }
}

impl From<IndexRange> for (Index, Index) {
    fn from(range: IndexRange) -> Self {
        (range.first, range.last)
    }
}

impl fmt::Display for IndexRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            return write!(f, "{}", self.first);
        }
        write!(f, "{} to {}", self.first, self.last)
    }
}

/// The name that a record has as an entry's `type`.
pub trait Record: Serialize + for<'de> Deserialize<'de> {
    /// The entry's `type`.
    const KIND: &'static str;
    /// The entry's `schema`.
    const SCHEMA: u32 = 1;
}

/// A second log key signs too, from this entry on: the checkpoint of every tree that holds this
/// entry is signed by `to`, and by `from` as well until it is retired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogKeyRotated {
    /// The vkey that signed so far.
    pub from: String,
    /// Base64 of the Ed25519 signature of `from` over [`LogKeyRotated::statement`].
    pub from_signature: String,
    /// The vkey that signs from now on.
    pub to: String,
    /// Base64 of the Ed25519 signature of `to` over the same.
    pub to_signature: String,
}

impl LogKeyRotated {
    /// What both keys sign: `sealrock-log-key-rotation-v1\n<origin>\n<from>\n<to>\n`.
    #[must_use]
    pub fn statement(origin: &Origin, from: &str, to: &str) -> Vec<u8> {
        format!("sealrock-log-key-rotation-v1\n{origin}\n{from}\n{to}\n").into_bytes()
    }

    /// The record by which `from` hands over to `to`, signed by both.
    ///
    /// # Errors
    /// If a signer fails, or answers with something else than a signature.
    pub fn sign(
        origin: &Origin,
        from: &dyn LogSigner,
        to: &dyn LogSigner,
    ) -> Result<Self, SignError> {
        let statement = Self::statement(origin, from.vkey(), to.vkey());
        let rotated = Self {
            from: from.vkey().to_owned(),
            from_signature: BASE64_STANDARD.encode(from.sign_text(&statement)?),
            to: to.vkey().to_owned(),
            to_signature: BASE64_STANDARD.encode(to.sign_text(&statement)?),
        };
        rotated.verify(origin)?;
        Ok(rotated)
    }

    /// Whether both keys are of that ledger and signed the rotation.
    ///
    /// # Errors
    /// If not, or a key or signature is malformed.
    pub fn verify(&self, origin: &Origin) -> Result<(), CheckpointError> {
        if self.from == self.to {
            return Err(CheckpointError::Key("it rotates to itself".to_owned()));
        }
        let statement = Self::statement(origin, &self.from, &self.to);
        for (vkey, signature) in [
            (&self.from, &self.from_signature),
            (&self.to, &self.to_signature),
        ] {
            let expected = LogVerifier::new(vkey)?.origin();
            if expected != *origin {
                return Err(CheckpointError::OtherOrigin {
                    expected: origin.clone(),
                    found: expected.to_string(),
                });
            }
            let bytes = BASE64_STANDARD
                .decode(signature)
                .map_err(|e| CheckpointError::Signature(format!("{signature:?}: {e}")))?;
            verify_statement(vkey, &statement, &bytes)?;
        }
        Ok(())
    }
}

/// A log key signs no more: no checkpoint of a tree that holds this entry is signed by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogKeyRetired {
    /// The vkey.
    pub vkey: String,
}

/// An operator says that the log's clock was wrong and that it goes on from here: `recorded_at`
/// stays at that of the entry before until the clock has passed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockCorrected {
    /// What the clock says now.
    pub clock: DateTime<Utc>,
    /// `recorded_at` of the entry before.
    pub last_entry: DateTime<Utc>,
    /// Why, in words, without personal data.
    pub reason: String,
}

/// The first entry of a ledger that continues one whose history was lost in part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerContinued {
    /// The parent's last signed checkpoint that is known: the signed note.
    pub checkpoint: String,
    /// The parent.
    pub parent: Origin,
    /// Why, in words, without personal data.
    pub reason: String,
    /// How many of the parent's entries survive; fewer than the checkpoint signs.
    pub surviving: u64,
}

/// Payloads and salts were erased by a person's decision; entries and proofs stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PayloadRedacted {
    /// Which, in ascending order, not overlapping.
    pub payloads: Vec<IndexRange>,
    /// Why, in words, without personal data.
    pub reason: String,
}

/// Payloads of sealed windows were erased because their evidence period is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionApplied {
    /// Everything erased was recorded before.
    pub before: DateTime<Utc>,
    /// Which, in ascending order, not overlapping.
    pub payloads: Vec<IndexRange>,
}

macro_rules! records {
    ($($record:ident),+) => {
        $(impl Record for $record {
            const KIND: &'static str = stringify!($record);
        })+
    };
}

records!(
    LogKeyRotated,
    LogKeyRetired,
    ClockCorrected,
    LedgerContinued,
    PayloadRedacted,
    RetentionApplied
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LogKey;

    #[test]
    fn a_rotation_is_signed_by_both_keys_of_its_ledger() {
        let origin = |name: &str| Origin::new("sealrock.example", &name.parse().expect("a name"));
        let key = |name| LogKey::generate(&origin(name)).expect("a key");
        let (from, to) = (key("northsea"), key("northsea"));
        let rotated = LogKeyRotated::sign(&origin("northsea"), &from, &to).expect("signed");
        rotated.verify(&origin("northsea")).expect("its own");

        assert!(rotated.verify(&origin("southsea")).is_err());
        let changed = |change: fn(&mut LogKeyRotated)| {
            let mut changed = rotated.clone();
            change(&mut changed);
            changed.verify(&origin("northsea"))
        };
        assert!(changed(|r| std::mem::swap(&mut r.from, &mut r.to)).is_err());
        assert!(changed(|r| r.to_signature = r.from_signature.clone()).is_err());
        assert!(changed(|r| r.from_signature.clear()).is_err());
        assert!(changed(|r| r.to = r.from.clone()).is_err());
        assert!(LogKeyRotated::sign(&origin("northsea"), &from, &from).is_err());
        assert!(LogKeyRotated::sign(&origin("northsea"), &from, &key("southsea")).is_err());
    }

    #[test]
    fn ranges_are_pairs_and_fields_stand_in_canonical_order() {
        let range = |first, last| IndexRange::from((Index(first), Index(last)));
        let redacted = PayloadRedacted {
            payloads: vec![range(3, 3), range(7, 9)],
            reason: "personal data in a tag".into(),
        };
        let json = serde_json::to_string(&redacted).expect("JSON");
        assert_eq!(
            json,
            r#"{"payloads":[[3,3],[7,9]],"reason":"personal data in a tag"}"#
        );
        assert_eq!(
            serde_json::from_str::<PayloadRedacted>(&json).expect("its own"),
            redacted
        );
        assert!(range(7, 9).contains(Index(9)) && !range(7, 9).contains(Index(10)));
        assert_eq!(PayloadRedacted::KIND, "PayloadRedacted");
    }
}
