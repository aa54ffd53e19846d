//! C2SP verifier keys: `<name>+<8 hex of the key id>+<base64( type ‖ public key )>`.

use base64::{Engine, prelude::BASE64_STANDARD};
use ed25519_dalek::{Signature, VerifyingKey};

use crate::checkpoint::CheckpointError;

/// What a key signs: the type of its signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyType {
    /// Notes (0x01): a log.
    Log = 1,
    /// Timestamped cosignatures of checkpoints (0x04): a witness.
    Witness = 4,
}

/// A public key and the name that it signs under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VerifierKey {
    pub(crate) name: String,
    pub(crate) id: u32,
    key: VerifyingKey,
}

impl VerifierKey {
    /// Reads the text form of a key of that type. Each key has one text form.
    pub(crate) fn parse(vkey: &str, expected: KeyType) -> Result<Self, CheckpointError> {
        let refused = |reason: &str| CheckpointError::Key(format!("{reason}: {vkey:?}"));
        // A base64 text may hold '+' itself, so the key is all that follows the second '+'.
        let mut parts = vkey.splitn(3, '+');
        let (Some(name), Some(_id), Some(encoded)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(refused("it has not the form <name>+<key id>+<base64>"));
        };
        if !signed_note::is_key_name_valid(name) || name.contains(char::is_control) {
            return Err(refused("its name cannot name a key"));
        }
        let material = BASE64_STANDARD
            .decode(encoded)
            .map_err(|e| refused(&e.to_string()))?;
        let Some((kind, public)) = material.split_first() else {
            return Err(refused("it holds no key"));
        };
        if *kind != expected as u8 {
            return Err(refused(&wrong_type(*kind, expected)));
        }
        let key = public
            .try_into()
            .ok()
            .and_then(|bytes| VerifyingKey::from_bytes(bytes).ok())
            .ok_or_else(|| refused("it holds no Ed25519 key"))?;
        let read = Self::new(name, expected, key);
        if read.to_text(expected) == vkey {
            Ok(read)
        } else {
            Err(refused("its key id is not that of its key"))
        }
    }

    pub(crate) fn new(name: &str, kind: KeyType, key: VerifyingKey) -> Self {
        Self {
            name: name.to_owned(),
            id: signed_note::key_id(name, &material(kind, &key)),
            key,
        }
    }

    pub(crate) fn to_text(&self, kind: KeyType) -> String {
        let encoded = BASE64_STANDARD.encode(material(kind, &self.key));
        format!("{}+{:08x}+{encoded}", self.name, self.id)
    }

    /// The 32 bytes that make two keys the same, whatever they are called.
    pub(crate) fn public(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// A signature of this key as a line of a note.
    ///
    /// # Panics
    /// Never: the key's name was checked when it was read.
    pub(crate) fn line(&self, signature: &[u8]) -> signed_note::Signature {
        signed_note::Signature::new(self.name.clone(), self.id, signature.to_vec())
            .expect("the name of a key can stand in a note")
    }

    /// Whether the key made this signature over these bytes.
    pub(crate) fn made(&self, signature: &[u8], message: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.key.verify_strict(message, &signature).is_ok())
    }
}

fn material(kind: KeyType, key: &VerifyingKey) -> Vec<u8> {
    [&[kind as u8], key.as_bytes().as_slice()].concat()
}

fn wrong_type(found: u8, expected: KeyType) -> String {
    let wanted = match expected {
        KeyType::Log => "a log's (0x01, Ed25519)",
        KeyType::Witness => "a witness's (0x04, Ed25519 cosignature)",
    };
    format!("its type is {found:#04x}, which is not {wanted}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From c2sp.org/signed-note, "Verifier keys".
    const VKEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

    #[test]
    fn a_key_has_one_text_form() {
        let key = VerifierKey::parse(VKEY, KeyType::Log).expect("the specification's");
        assert_eq!(
            (key.name.as_str(), key.id),
            ("example.com/foo", 0x530d_903a)
        );
        assert_eq!(key.to_text(KeyType::Log), VKEY);
        for changed in [
            VKEY.replace("530d903a", "530D903A"),
            VKEY.replace("530d903a", "530d903b"),
            VKEY.replace("530d903a", "+530d903a"),
            VKEY.replace("example.com/foo", "example.com/fop"),
            VKEY.replace("example.com/foo", ""),
            VKEY.replace("3U2k", "3U2"),
            format!("{VKEY}\n"),
            format!(" {VKEY}"),
        ] {
            assert!(
                VerifierKey::parse(&changed, KeyType::Log).is_err(),
                "{changed:?}"
            );
        }
    }

    #[test]
    fn a_key_is_of_one_use() {
        let log = VerifierKey::parse(VKEY, KeyType::Log).expect("the specification's");
        let witness = VerifierKey::new(&log.name, KeyType::Witness, log.key);
        assert_ne!(witness.id, log.id);
        let text = witness.to_text(KeyType::Witness);
        assert_eq!(
            VerifierKey::parse(&text, KeyType::Witness).expect("its own text"),
            witness
        );
        let refused = VerifierKey::parse(&text, KeyType::Log).expect_err("a witness's key");
        assert!(refused.to_string().contains("0x04"), "{refused}");
        assert!(VerifierKey::parse(VKEY, KeyType::Witness).is_err());
    }
}
