//! Signed checkpoints: C2SP tlog-checkpoints in C2SP signed notes, Ed25519.

use ed25519_dalek::{SigningKey, VerifyingKey};
use rand::rngs::OsRng;
use signed_note::{
    Note, Signer, StandardSigner, StandardVerifier, VerifierList, generate_key,
    new_ed25519_verifier_key,
};
use tlog_tiles::Hash;

use crate::name::Origin;

/// The private key of one ledger. It is never printed; [`LogKey::to_secret`] is for its file.
#[derive(Clone)]
pub struct LogKey {
    secret: String,
    vkey: String,
    signer: StandardSigner,
}

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
    keys: Vec<(KeyRange, VerifierList)>,
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

impl LogKey {
    /// A new random key for the ledger `origin`.
    ///
    /// # Errors
    /// If the origin cannot be a key's name.
    pub fn generate(origin: &Origin) -> Result<Self, CheckpointError> {
        let (secret, _) = generate_key(&mut OsRng, origin.as_str());
        Self::from_secret(&secret, origin)
    }

    /// Reads the text form `PRIVATE+KEY+<origin>+<key id>+<base64>`.
    ///
    /// # Errors
    /// If it is malformed or is the key of another ledger.
    pub fn from_secret(secret: &str, origin: &Origin) -> Result<Self, CheckpointError> {
        let secret = secret.trim();
        let signer =
            StandardSigner::new(secret).map_err(|e| CheckpointError::Key(e.to_string()))?;
        if signer.name() != origin.as_str() {
            let found = signer.name().to_owned();
            return Err(CheckpointError::OtherOrigin {
                expected: origin.clone(),
                found,
            });
        }
        let vkey = new_ed25519_verifier_key(origin.as_str(), &public_key(secret)?);
        Ok(Self {
            secret: secret.to_owned(),
            vkey,
            signer,
        })
    }

    /// The text form, for a file that only the owner can read.
    #[must_use]
    pub fn to_secret(&self) -> &str {
        &self.secret
    }

    /// The public key in text form: `<origin>+<key id>+<base64>`.
    #[must_use]
    pub fn vkey(&self) -> &str {
        &self.vkey
    }

    /// Signs the tree of `size` entries with that root.
    ///
    /// # Errors
    /// If the origin cannot stand in a checkpoint; then no checkpoint can be signed at all.
    pub fn sign(&self, size: u64, root: Hash) -> Result<Checkpoint, CheckpointError> {
        let text = tlog_tiles::Checkpoint::new(self.signer.name(), size, root, "")
            .map_err(|e| CheckpointError::Malformed(e.to_string()))?
            .to_bytes();
        let mut note =
            Note::new(&text, &[]).map_err(|e| CheckpointError::Malformed(e.to_string()))?;
        note.add_sigs(&[&self.signer])
            .map_err(|e| CheckpointError::Key(e.to_string()))?;
        let note = String::from_utf8(note.to_bytes())
            .map_err(|e| CheckpointError::Malformed(e.to_string()))?;
        Ok(Checkpoint { size, root, note })
    }
}

fn public_key(secret: &str) -> Result<VerifyingKey, CheckpointError> {
    use base64::{Engine, prelude::BASE64_STANDARD};
    let malformed = || CheckpointError::Key("malformed signer key".to_owned());
    // A base64 text may hold '+' itself, so the key is all that follows the fourth '+'.
    let encoded = secret.splitn(5, '+').nth(4).ok_or_else(malformed)?;
    let key = BASE64_STANDARD
        .decode(encoded)
        .map_err(|e| CheckpointError::Key(e.to_string()))?;
    let seed = key
        .get(1..)
        .and_then(|seed| seed.try_into().ok())
        .ok_or_else(malformed)?;
    Ok(SigningKey::from_bytes(seed).verifying_key())
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
    /// If there is none, one is malformed, or they are of several ledgers.
    pub fn of(keys: &[KeyRange]) -> Result<Self, CheckpointError> {
        let mut read = Vec::with_capacity(keys.len());
        for range in keys {
            let verifier = StandardVerifier::new(&range.vkey)
                .map_err(|e| CheckpointError::Key(e.to_string()))?;
            read.push((range.clone(), VerifierList::new(vec![Box::new(verifier)])));
        }
        let mut origins = keys.iter().map(|range| origin_of(&range.vkey));
        let origin = origins
            .next()
            .ok_or_else(|| CheckpointError::Key("there is none".to_owned()))?;
        match origins.find(|other| *other != origin) {
            Some(other) => Err(CheckpointError::OtherOrigin {
                expected: origin,
                found: other.to_string(),
            }),
            None => Ok(Self { origin, keys: read }),
        }
    }

    /// The ledger whose keys these are.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.origin.clone()
    }

    /// Reads a checkpoint of this ledger and verifies that a key signed it which signs trees of its
    /// size.
    ///
    /// # Errors
    /// If it cannot be read, is of another ledger, or is not signed by such a key.
    pub fn verify(&self, note: &[u8]) -> Result<Checkpoint, CheckpointError> {
        let malformed = |e: &dyn std::fmt::Display| CheckpointError::Malformed(e.to_string());
        let signed = Note::from_bytes(note).map_err(|e| malformed(&e))?;
        let tree = tlog_tiles::Checkpoint::from_bytes(signed.text()).map_err(|e| malformed(&e))?;
        self.verify_signature(&signed, tree.size())?;
        if tree.origin() != self.origin.as_str() {
            let found = tree.origin().to_owned();
            return Err(CheckpointError::OtherOrigin {
                expected: self.origin(),
                found,
            });
        }
        let note = String::from_utf8(note.to_vec()).map_err(|e| malformed(&e))?;
        Ok(Checkpoint {
            size: tree.size(),
            root: *tree.hash(),
            note,
        })
    }

    fn verify_signature(&self, signed: &Note, size: u64) -> Result<(), CheckpointError> {
        let mut reason = format!("no key of the ledger signs trees of {size} entries");
        for (_, list) in self.keys.iter().filter(|(range, _)| range.signs(size)) {
            match signed.verify(list) {
                Ok(_) => return Ok(()),
                Err(error) => reason = error.to_string(),
            }
        }
        Err(CheckpointError::Signature(reason))
    }
}

/// The name in a vkey.
fn origin_of(vkey: &str) -> Origin {
    Origin::from_stored(vkey.split('+').next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
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
