//! Signed checkpoints: C2SP tlog-checkpoints in C2SP signed notes, Ed25519.

use tlog_tiles::Hash;

use crate::name::Origin;
use crate::note::{Note, is_of};
use crate::vkey::{KeyType, VerifierKey};

/// A public key of a ledger and the trees that it signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRange {
    /// The public key in text form.
    pub vkey: String,
    /// The smallest tree that it signs.
    pub from: u64,
    /// The largest; `None` while it is in use.
    pub through: Option<u64>,
}

/// The public keys of one ledger: what an auditor must hold to trust nothing else.
pub struct LogVerifier {
    origin: Origin,
    keys: Vec<(KeyRange, VerifierKey)>,
}

/// A signed statement of a ledger's size and root.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// Number of entries.
    pub size: u64,
    /// Merkle root over them.
    pub root: Hash,
    /// The signed note, as it is stored and served.
    pub note: String,
}

/// Why a key or checkpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The text is no key.
    #[error("not a valid key: {0}")]
    Key(String),
    /// The key belongs to another ledger.
    #[error("the key is of {found}, not of {expected}")]
    OtherOrigin {
        /// The ledger that was asked for.
        expected: Origin,
        /// The name in the key or checkpoint.
        found: String,
    },
    /// The checkpoint cannot be read.
    #[error("not a checkpoint: {0}")]
    Malformed(String),
    /// No signature of the ledger's key, or a wrong one.
    #[error("the checkpoint's signature does not verify: {0}")]
    Signature(String),
}

impl Checkpoint {
    /// What is signed: `<origin>\n<size>\n<base64 of the root>\n`.
    #[must_use]
    pub fn text(origin: &Origin, size: u64, root: Hash) -> String {
        format!("{origin}\n{size}\n{root}\n")
    }
}

impl KeyRange {
    /// The only key that a ledger has had.
    #[must_use]
    pub fn only(vkey: &str) -> Self {
        Self {
            vkey: vkey.to_owned(),
            from: 0,
            through: None,
        }
    }

    /// Whether the key signs trees of this size.
    #[must_use]
    pub fn signs(&self, size: u64) -> bool {
        self.from <= size && self.through.is_none_or(|through| size <= through)
    }
}

impl LogVerifier {
    /// Reads a ledger's only public key in text form.
    ///
    /// # Errors
    /// If it is malformed.
    pub fn new(vkey: &str) -> Result<Self, CheckpointError> {
        Self::of(&[KeyRange::only(vkey)])
    }

    /// Reads all public keys that a ledger has had.
    ///
    /// # Errors
    /// If there is none, one is malformed or occurs twice, or they are of several ledgers.
    pub fn of(keys: &[KeyRange]) -> Result<Self, CheckpointError> {
        let mut read: Vec<(KeyRange, VerifierKey)> = Vec::with_capacity(keys.len());
        for range in keys {
            let key = VerifierKey::parse(&range.vkey, KeyType::Log)?;
            if let Some((_, first)) = read.first()
                && first.name != key.name
            {
                return Err(CheckpointError::OtherOrigin {
                    expected: Origin::from_stored(first.name.clone()),
                    found: key.name,
                });
            }
            // A signature names its key by the id alone, so ids must tell keys apart.
            if read.iter().any(|(_, other)| other.id == key.id) {
                let reason = format!("two keys have the id {:08x}", key.id);
                return Err(CheckpointError::Key(reason));
            }
            read.push((range.clone(), key));
        }
        let (_, first) = read
            .first()
            .ok_or_else(|| CheckpointError::Key("there is none".to_owned()))?;
        Ok(Self {
            origin: Origin::from_stored(first.name.clone()),
            keys: read,
        })
    }

    /// The ledger whose keys these are.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.origin.clone()
    }

    /// Reads a checkpoint of this ledger and verifies that a key signed it which signs trees of its
    /// size, and that no such key's signature in it is wrong.
    ///
    /// # Errors
    /// If it cannot be read, is of another ledger, or is not signed by such a key.
    pub fn verify(&self, note: &[u8]) -> Result<Checkpoint, CheckpointError> {
        self.verify_note(&Note::parse(note)?)
    }

    pub(crate) fn verify_note(&self, note: &Note) -> Result<Checkpoint, CheckpointError> {
        let tree = note.checkpoint()?;
        self.verify_signatures(note, tree.size())?;
        if tree.origin() != self.origin.as_str() {
            let found = tree.origin().to_owned();
            return Err(CheckpointError::OtherOrigin {
                expected: self.origin(),
                found,
            });
        }
        Ok(Checkpoint {
            size: tree.size(),
            root: *tree.hash(),
            note: note.to_string(),
        })
    }

    /// Whether a signature line claims to be by a key of this ledger.
    pub(crate) fn knows(&self, line: &signed_note::Signature) -> bool {
        self.keys.iter().any(|(_, key)| is_of(line, key))
    }

    fn verify_signatures(&self, note: &Note, size: u64) -> Result<(), CheckpointError> {
        let missing = |reason| Err(CheckpointError::Signature(reason));
        let mut signing = self.keys.iter().filter(|(range, _)| range.signs(size));
        if signing.clone().next().is_none() {
            return missing(format!(
                "no key of the ledger signs trees of {size} entries"
            ));
        }
        let text = note.text.as_bytes();
        let signed = signing.try_fold(false, |signed, (_, key)| {
            let by_key = note.signed_by(key, |signature| key.made(signature, text))?;
            Ok(signed || by_key.is_some())
        })?;
        if signed {
            return Ok(());
        }
        missing(format!(
            "there is none of a key of the ledger that signs trees of {size} entries"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::LogKey;
    use crate::name::LedgerName;

    fn origin(name: &str) -> Origin {
        let name: LedgerName = name.parse().expect("a valid name");
        Origin::new("sealrock.example", &name)
    }

    #[test]
    fn a_checkpoint_verifies_by_its_own_key_and_by_no_other() {
        let key = LogKey::generate(&origin("northsea")).expect("a key");
        let other = LogKey::generate(&origin("northsea")).expect("a key");
        let signed = key.sign(3, Hash([9; 32])).expect("a checkpoint");

        let verified = LogVerifier::new(key.vkey())
            .expect("a key")
            .verify(signed.note.as_bytes());
        assert_eq!(verified.expect("the right key"), signed);

        let refused = LogVerifier::new(other.vkey())
            .expect("a key")
            .verify(signed.note.as_bytes());
        assert!(matches!(refused, Err(CheckpointError::Signature(_))));
    }

    #[test]
    fn every_changed_byte_of_a_checkpoint_is_refused() {
        let key = LogKey::generate(&origin("northsea")).expect("a key");
        let verifier = LogVerifier::new(key.vkey()).expect("a key");
        let note = key
            .sign(3, Hash([9; 32]))
            .expect("a checkpoint")
            .note
            .into_bytes();
        for at in 0..note.len() {
            let mut changed = note.clone();
            changed[at] ^= 1;
            assert!(verifier.verify(&changed).is_err(), "byte {at}");
        }
    }

    #[test]
    fn a_key_survives_its_text_and_is_refused_for_another_ledger() {
        // Many keys, because a base64 text may or may not hold a '+'.
        for _ in 0..50 {
            let key = LogKey::generate(&origin("northsea")).expect("a key");
            let read = LogKey::from_secret(key.to_secret(), &origin("northsea")).expect("its own");
            assert_eq!(read.vkey(), key.vkey());
            LogVerifier::new(read.vkey()).expect("a well-formed vkey");
            assert!(LogKey::from_secret(key.to_secret(), &origin("southsea")).is_err());
        }
    }

    #[test]
    fn the_vkey_vector_of_the_specification_is_read() {
        let vkey = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
        assert_eq!(
            LogVerifier::new(vkey).expect("a vkey").origin().as_str(),
            "example.com/foo"
        );
    }
}
