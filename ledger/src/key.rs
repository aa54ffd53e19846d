//! The private keys that sign for a ledger.

use std::borrow::Cow;

use base64::{Engine, prelude::BASE64_STANDARD};
use ed25519_dalek::{Signer, SigningKey};
use rand::rngs::OsRng;
use tlog_tiles::Hash;

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::name::Origin;
use crate::note::Note;
use crate::vkey::{KeyType, VerifierKey};

/// Whoever holds a ledger's private key: this process, or a device or service that it asks.
///
/// What others answer is verified before it is used, so a signer need not be trusted to be right,
/// only not to sign for others.
pub trait LogSigner: Send + Sync {
    /// The public key in text form: `<origin>+<key id>+<base64>`.
    fn vkey(&self) -> &str;

    /// The Ed25519 signature over these bytes. May block.
    ///
    /// # Errors
    /// If it cannot sign now, or will not.
    fn sign_text(&self, text: &[u8]) -> Result<[u8; 64], SignError>;

    /// The key, where this process holds it. To verify what it signs would take twice as long as to
    /// sign it, in each commit.
    fn held(&self) -> Option<&LogKey> {
        None
    }
}

/// Why there is no signature.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// Nobody was asked.
    #[error("no key signs for the ledger")]
    NoSigner,
    /// The signer cannot be reached; it may sign later.
    #[error("the signer of {vkey} cannot be reached: {reason}")]
    Unavailable {
        /// Its public key.
        vkey: String,
        /// What happened.
        reason: String,
    },
    /// The signer will not sign this; asking again does not help.
    #[error("the signer of {vkey} refused: {reason}")]
    Refused {
        /// Its public key.
        vkey: String,
        /// What it said.
        reason: String,
    },
    /// The answer is no signature of that key. It is thrown away.
    #[error("what the signer of {0} answered is not that key's signature; it was not used")]
    Wrong(String),
    /// The keys or the tree cannot stand in a checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

/// Signs the tree of `size` entries with that root, with every key that signs at present: one, or
/// two during a rotation. A signature that was asked for is verified before it leaves.
///
/// # Errors
/// If a signer fails, answers with something else than a signature, or the keys are of several
/// ledgers.
pub fn sign_checkpoint(
    signers: &[&dyn LogSigner],
    size: u64,
    root: Hash,
) -> Result<Checkpoint, SignError> {
    let mut keys = Vec::with_capacity(signers.len());
    for signer in signers {
        let key = match signer.held() {
            Some(held) => Cow::Borrowed(&held.public),
            None => Cow::Owned(VerifierKey::parse(signer.vkey(), KeyType::Log)?),
        };
        keys.push((*signer, key));
    }
    let Some((_, first)) = keys.first() else {
        return Err(SignError::NoSigner);
    };
    let origin = Origin::from_stored(first.name.clone());
    let mut note = Note {
        text: Checkpoint::text(&origin, size, root),
        signatures: Vec::with_capacity(keys.len()),
    };
    for (signer, key) in &keys {
        if key.name != origin.as_str() {
            let found = key.name.clone();
            return Err(CheckpointError::OtherOrigin {
                expected: origin,
                found,
            }
            .into());
        }
        let signature = signer.sign_text(note.text.as_bytes())?;
        if signer.held().is_none() && !key.made(&signature, note.text.as_bytes()) {
            return Err(SignError::Wrong(signer.vkey().to_owned()));
        }
        note.signatures.push(key.line(&signature));
    }
    let note = note.to_string();
    Ok(Checkpoint { size, root, note })
}

/// The private key of one ledger. It is never printed; [`LogKey::to_secret`] is for its file.
#[derive(Clone)]
pub struct LogKey {
    secret: String,
    vkey: String,
    public: VerifierKey,
    signer: SigningKey,
}

impl LogKey {
    /// A new random key for the ledger `origin`.
    ///
    /// # Errors
    /// If the origin cannot be a key's name.
    pub fn generate(origin: &Origin) -> Result<Self, CheckpointError> {
        let (secret, _) = signed_note::generate_key(&mut OsRng, origin.as_str());
        Self::from_secret(&secret, origin)
    }

    /// Reads the text form `PRIVATE+KEY+<origin>+<key id>+<base64>`.
    ///
    /// # Errors
    /// If it is malformed or is the key of another ledger.
    pub fn from_secret(secret: &str, origin: &Origin) -> Result<Self, CheckpointError> {
        let secret = secret.trim();
        // It checks that the key id is that of the key.
        signed_note::StandardSigner::new(secret)
            .map_err(|e| CheckpointError::Key(e.to_string()))?;
        let (name, signer) =
            parts(secret).ok_or_else(|| CheckpointError::Key("malformed signer key".to_owned()))?;
        if name != origin.as_str() {
            return Err(CheckpointError::OtherOrigin {
                expected: origin.clone(),
                found: name.to_owned(),
            });
        }
        let public = VerifierKey::new(name, KeyType::Log, signer.verifying_key());
        Ok(Self {
            secret: secret.to_owned(),
            vkey: public.to_text(KeyType::Log),
            public,
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
        sign_checkpoint(&[self], size, root).map_err(|error| match error {
            SignError::Checkpoint(error) => error,
            other => CheckpointError::Key(other.to_string()),
        })
    }

    /// Signs a statement that is no checkpoint.
    #[must_use]
    pub fn sign_statement(&self, statement: &[u8]) -> [u8; 64] {
        self.signer.sign(statement).to_bytes()
    }
}

impl LogSigner for LogKey {
    fn vkey(&self) -> &str {
        &self.vkey
    }

    fn sign_text(&self, text: &[u8]) -> Result<[u8; 64], SignError> {
        Ok(self.sign_statement(text))
    }

    fn held(&self) -> Option<&LogKey> {
        Some(self)
    }
}

/// Name and key in a secret's text.
fn parts(secret: &str) -> Option<(&str, SigningKey)> {
    // A base64 text may hold '+' itself, so the key is all that follows the fourth '+'.
    let mut parts = secret.splitn(5, '+').skip(2);
    let (name, encoded) = (parts.next()?, parts.nth(1)?);
    let key = BASE64_STANDARD.decode(encoded).ok()?;
    let seed = key.get(1..)?.try_into().ok()?;
    Some((name, SigningKey::from_bytes(seed)))
}

/// Whether the log key `vkey` made this signature over that statement.
///
/// # Errors
/// If the key is malformed, or the signature is not its.
pub fn verify_statement(
    vkey: &str,
    statement: &[u8],
    signature: &[u8],
) -> Result<(), CheckpointError> {
    let key = VerifierKey::parse(vkey, KeyType::Log)?;
    if key.made(signature, statement) {
        Ok(())
    } else {
        Err(CheckpointError::Signature(format!(
            "it is not {vkey}'s over this statement"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::LogVerifier;

    fn origin(name: &str) -> Origin {
        Origin::new("sealrock.example", &name.parse().expect("a name"))
    }

    fn key(name: &str) -> LogKey {
        LogKey::generate(&origin(name)).expect("a key")
    }

    /// A signer that answers with another key's signature.
    struct Impostor {
        claims: String,
        holds: LogKey,
    }

    impl LogSigner for Impostor {
        fn vkey(&self) -> &str {
            &self.claims
        }

        fn sign_text(&self, text: &[u8]) -> Result<[u8; 64], SignError> {
            self.holds.sign_text(text)
        }
    }

    #[test]
    fn several_keys_sign_one_checkpoint() {
        let (a, b) = (key("northsea"), key("northsea"));
        let signed = sign_checkpoint(&[&a, &b], 3, Hash([9; 32])).expect("both");
        for vkey in [a.vkey(), b.vkey()] {
            let verifier = LogVerifier::new(vkey).expect("a key");
            let read = verifier.verify(signed.note.as_bytes());
            assert_eq!(read.expect("signed by each"), signed);
        }
    }

    #[test]
    fn what_a_signer_answers_is_verified_before_it_leaves() {
        let (right, other) = (key("northsea"), key("northsea"));
        let impostor = Impostor {
            claims: right.vkey().to_owned(),
            holds: other,
        };
        let refused = sign_checkpoint(&[&impostor], 3, Hash([9; 32]));
        assert!(matches!(refused, Err(SignError::Wrong(vkey)) if vkey == right.vkey()));
    }

    #[test]
    fn keys_of_two_ledgers_or_none_sign_nothing() {
        let refused = sign_checkpoint(&[&key("a"), &key("b")], 3, Hash([9; 32]));
        assert!(matches!(
            refused,
            Err(SignError::Checkpoint(CheckpointError::OtherOrigin { .. }))
        ));
        let refused = sign_checkpoint(&[], 3, Hash([9; 32]));
        assert!(matches!(refused, Err(SignError::NoSigner)));
    }

    #[test]
    fn a_statement_is_of_its_key_and_text() {
        let (key, other) = (key("northsea"), key("northsea"));
        let signature = key.sign_statement(b"statement");
        assert!(verify_statement(key.vkey(), b"statement", &signature).is_ok());
        assert!(verify_statement(key.vkey(), b"Statement", &signature).is_err());
        assert!(verify_statement(other.vkey(), b"statement", &signature).is_err());
        assert!(verify_statement(key.vkey(), b"statement", &signature[1..]).is_err());
    }
}
