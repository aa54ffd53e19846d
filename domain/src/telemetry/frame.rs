//! The signed frame: a batch with its device's signature in front.
//!
//! ```text
//! 0x01 ‖ key id (8) ‖ Ed25519 signature (64) ‖ batch (JSON or CBOR, 1 byte to 1 MiB)
//!
//! signed:  sealrock-batch-v1\n<ledger origin>\n<device id>\n ‖ batch
//! key id:  SHA-256(public key)[:8]
//! ```
//!
//! Ledger and device are part of what is signed and not of what is sent: a frame proves nothing
//! about another device or another ledger, and costs no byte for it.

use super::{
    DecodeError, MAPPED_BATCH, MAX_BATCH_BYTES, MappedBatch, SIGNED_BATCH, SensorBatch, decode,
};
use crate::{
    DeviceId,
    device::{KeyId, PreparedKey, PublicKey, UnusableKey},
};

/// The first byte of a frame: neither JSON nor a CBOR map begins so.
pub const FRAME_VERSION: u8 = 0x01;
/// Bytes before the batch: version, key id, signature.
pub const FRAME_HEADER: usize = 1 + 8 + 64;
/// The largest frame.
pub const MAX_FRAME_BYTES: usize = FRAME_HEADER + MAX_BATCH_BYTES;

/// A frame's parts. That the signature holds is not said until [`verify`](Self::verify) did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Which of the device's keys signed.
    pub key: KeyId,
    /// The Ed25519 signature over [`signed_text`].
    pub signature: &'a [u8; 64],
    /// The batch, JSON or CBOR.
    pub batch: &'a [u8],
}

/// Why bytes are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The first byte is another than [`FRAME_VERSION`].
    #[error("a signed frame starts with 0x01, this one with 0x{first_byte:02x}")]
    Version {
        /// The first byte.
        first_byte: u8,
    },
    /// No byte is left for the batch.
    #[error(
        "a signed frame has 73 bytes before its batch (0x01, key id, signature), this one has \
         {bytes} bytes in all"
    )]
    TooShort {
        /// Bytes received.
        bytes: usize,
    },
}

/// Why a signature proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The frame names another key than the one it was held against.
    #[error("the frame is signed by key {named}, not by {given}")]
    OtherKey {
        /// The key that the frame names.
        named: KeyId,
        /// The key that was given.
        given: KeyId,
    },
    /// No signature of this key proves anything.
    #[error("public key {key} cannot verify: {reason}")]
    UnusableKey {
        /// Which.
        key: KeyId,
        /// Why.
        reason: UnusableKey,
    },
    /// The key's holder did not sign this batch for this device and ledger.
    #[error(
        "the signature by key {key} does not fit: sign sealrock-batch-v1, the ledger's origin and \
         the device's id, each with a line feed after it, then the batch's bytes as they are sent"
    )]
    DoesNotFit {
        /// Which key it claims.
        key: KeyId,
    },
}

impl<'a> Frame<'a> {
    /// Takes a frame apart. Whether its batch is one is for [`decode`](super::decode()) to say.
    ///
    /// # Errors
    /// [`FrameError`] for bytes that are no frame.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, FrameError> {
        let too_short = FrameError::TooShort { bytes: bytes.len() };
        let (&first_byte, rest) = bytes.split_first().ok_or(too_short)?;
        if first_byte != FRAME_VERSION {
            return Err(FrameError::Version { first_byte });
        }
        let (key, rest) = rest.split_first_chunk().ok_or(too_short)?;
        let (signature, batch) = rest.split_first_chunk().ok_or(too_short)?;
        if batch.is_empty() {
            return Err(too_short);
        }
        Ok(Self {
            key: KeyId::new(*key),
            signature,
            batch,
        })
    }

    /// That the holder of `key` signed this batch as `device`'s for the ledger of `origin`.
    ///
    /// As strict as RFC 8032 allows, so that every other verifier accepts what is accepted here:
    /// no key or commitment of small order, one encoding of each point and scalar, and the
    /// equation without the cofactor.
    ///
    /// # Errors
    /// [`SignatureError`] if it proves nothing. Whether the key was the device's, then, is
    /// another question.
    pub fn verify(
        &self,
        key: &PublicKey,
        origin: &str,
        device: DeviceId,
    ) -> Result<(), SignatureError> {
        self.verify_prepared(&PreparedKey::for_few(*key), origin, device)
    }

    /// The same by a key that verifies many.
    ///
    /// # Errors
    /// As for [`verify`](Self::verify).
    pub fn verify_prepared(
        &self,
        key: &PreparedKey,
        origin: &str,
        device: DeviceId,
    ) -> Result<(), SignatureError> {
        if key.id() != self.key {
            return Err(SignatureError::OtherKey {
                named: self.key,
                given: key.id(),
            });
        }
        let head = signed_head(origin, device);
        let text = [head.as_bytes(), self.batch];
        match key.signed(&text, self.signature) {
            Ok(true) => Ok(()),
            Ok(false) => Err(SignatureError::DoesNotFit { key: self.key }),
            Err(reason) => Err(SignatureError::UnusableKey {
                key: self.key,
                reason,
            }),
        }
    }
}

/// What a device signs: the batch, and whose it is where.
#[must_use]
pub fn signed_text(origin: &str, device: DeviceId, batch: &[u8]) -> Vec<u8> {
    let mut text = signed_head(origin, device).into_bytes();
    text.extend_from_slice(batch);
    text
}

fn signed_head(origin: &str, device: DeviceId) -> String {
    format!("sealrock-batch-v1\n{origin}\n{device}\n")
}

/// The batch's bytes in a payload of this media type: a frame's or mapped batch's inner part, or
/// all of it.
///
/// # Errors
/// [`DecodeError`] for a signed payload that is no frame, and a mapped one that is none.
pub fn batch_bytes<'a>(media: &str, payload: &'a [u8]) -> Result<&'a [u8], DecodeError> {
    match media {
        SIGNED_BATCH => Ok(Frame::parse(payload)?.batch),
        MAPPED_BATCH => Ok(MappedBatch::parse(payload)?.batch),
        _ => Ok(payload),
    }
}

/// Reads the batch in a recorded payload of this media type, signed or not. A signature is not
/// looked at: it was when the batch was recorded, and is again by `sealrock verify`.
///
/// # Errors
/// [`DecodeError`] when the payload holds no batch.
pub fn decode_recorded(media: &str, payload: &[u8]) -> Result<SensorBatch, DecodeError> {
    decode(batch_bytes(media, payload)?)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use ed25519_dalek::{Signer, SigningKey};
    use uuid::Uuid;

    use super::*;

    const ORIGIN: &str = "sealrock.example/ledger/northsea";
    const DEVICE: DeviceId = DeviceId(Uuid::from_u128(7));
    const BATCH: &[u8] = br#"{"readings":[]}"#;

    fn signer() -> SigningKey {
        SigningKey::from_bytes(&[7; 32])
    }

    fn public_key() -> PublicKey {
        PublicKey::new(signer().verifying_key().to_bytes())
    }

    fn frame(signature: &[u8; 64]) -> Vec<u8> {
        let id = public_key().id();
        [&[FRAME_VERSION][..], id.as_bytes(), signature, BATCH].concat()
    }

    fn signed() -> Vec<u8> {
        let signature = signer().sign(&signed_text(ORIGIN, DEVICE, BATCH));
        frame(&signature.to_bytes())
    }

    fn verdict(bytes: &[u8], origin: &str, device: DeviceId) -> Result<(), SignatureError> {
        Frame::parse(bytes)
            .unwrap()
            .verify(&public_key(), origin, device)
    }

    #[test]
    fn a_frame_is_taken_apart() {
        let bytes = signed();
        let frame = Frame::parse(&bytes).unwrap();
        assert_eq!((frame.key, frame.batch), (public_key().id(), BATCH));
        assert_eq!(bytes.len(), FRAME_HEADER + BATCH.len());
        assert_eq!(frame.verify(&public_key(), ORIGIN, DEVICE), Ok(()));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        for bit in 0..signed().len() * 8 {
            let mut bytes = signed();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let fits = Frame::parse(&bytes)
                .is_ok_and(|frame| frame.verify(&public_key(), ORIGIN, DEVICE).is_ok());
            assert!(!fits, "bit {bit}");
        }
    }

    #[test]
    fn a_frame_proves_nothing_about_another_device_or_ledger() {
        let wrong = Err(SignatureError::DoesNotFit {
            key: public_key().id(),
        });
        let other = DeviceId(Uuid::from_u128(8));
        assert_eq!(verdict(&signed(), ORIGIN, other), wrong);
        assert_eq!(
            verdict(&signed(), "sealrock.example/ledger/x", DEVICE),
            wrong
        );
    }

    #[test]
    fn a_frame_without_a_batch_is_none() {
        let whole = signed();
        for bytes in [0, 1, 9, 72, FRAME_HEADER] {
            let error = Frame::parse(&whole[..bytes]);
            assert_eq!(error, Err(FrameError::TooShort { bytes }));
        }
        assert!(Frame::parse(&whole[..=FRAME_HEADER]).is_ok());
        let error = Frame::parse(BATCH);
        assert_eq!(error, Err(FrameError::Version { first_byte: b'{' }));
    }

    #[test]
    fn a_scalar_written_otherwise_is_refused() {
        // s + L, which the equation cannot tell from s.
        let order = hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
        let mut bytes = signed();
        let mut carry = 0;
        for (byte, add) in bytes[41..FRAME_HEADER].iter_mut().zip(order) {
            let sum = u16::from(*byte) + u16::from(add) + carry;
            (*byte, carry) = (sum.to_le_bytes()[0], sum >> 8);
        }
        let wrong = Err(SignatureError::DoesNotFit {
            key: public_key().id(),
        });
        assert_eq!(verdict(&bytes, ORIGIN, DEVICE), wrong);
    }

    #[test]
    fn a_key_for_which_anybody_can_sign_verifies_nothing() {
        // The neutral element as key and commitment, and the scalar 0, fit every text.
        let neutral = hex("0100000000000000000000000000000000000000000000000000000000000000");
        let key = PublicKey::new(neutral);
        let id = key.id();
        let bytes = [
            &[FRAME_VERSION][..],
            id.as_bytes(),
            &neutral,
            &[0; 32],
            BATCH,
        ]
        .concat();
        let reason = UnusableKey::SmallOrder;
        let refused = Err(SignatureError::UnusableKey { key: id, reason });
        let frame = Frame::parse(&bytes).unwrap();
        assert_eq!(frame.verify(&key, ORIGIN, DEVICE), refused);
    }

    #[test]
    fn a_key_that_is_no_point_or_another_spelling_of_one_is_unusable() {
        let no_point = hex("0200000000000000000000000000000000000000000000000000000000000000");
        // p + 1, another spelling of y = 1.
        let spelling = hex("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");
        for bytes in [no_point, spelling] {
            assert_eq!(PublicKey::new(bytes).check(), Err(UnusableKey::NoPoint));
        }
        assert_eq!(public_key().check(), Ok(()));
    }

    #[test]
    fn the_media_type_says_where_the_batch_is() {
        let signed = signed();
        assert_eq!(batch_bytes(SIGNED_BATCH, &signed).unwrap(), BATCH);
        assert_eq!(batch_bytes(super::super::JSON, BATCH).unwrap(), BATCH);
        assert!(batch_bytes(SIGNED_BATCH, BATCH).is_err());
        let inside = [&[FRAME_VERSION][..], &[0; 72], &signed].concat();
        let first_byte = FRAME_VERSION;
        let refused = Err(DecodeError::UnknownFormat { first_byte });
        assert_eq!(decode_recorded(SIGNED_BATCH, &inside), refused);
    }

    fn hex(text: &str) -> [u8; 32] {
        *text.parse::<PublicKey>().unwrap().as_bytes()
    }
}
