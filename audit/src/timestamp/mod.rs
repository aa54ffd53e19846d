//! RFC 3161 timestamps of published checkpoints: somebody else's word for when a tree existed.
//!
//! What is stamped is the SHA-256 of the checkpoint **as the log signed it**: text, empty line and
//! the log's own signature lines, without cosignatures ([`stamped_bytes`]). So a witness that is
//! late changes nothing, and the bytes are those of the row in `checkpoints`.

mod asn1;
mod authority;
mod token;

use chrono::{DateTime, Utc};
use der::Encode;
use der::asn1::OctetStringRef;
use sealrock_ledger::Origin;
use sha2::{Digest, Sha256};
use x509_cert::spki::AlgorithmIdentifierRef;

pub(crate) use authority::reason;
pub use authority::{Authority, AuthorityError};

/// Why a timestamp proves nothing about these bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimestampError {
    /// It is not what RFC 3161 describes.
    #[error("not a timestamp response: {0}")]
    Malformed(String),
    /// The authority gave no token.
    #[error("the authority refused to stamp: {0}")]
    Refused(String),
    /// It is of other bytes, or the answer to another request.
    #[error("the timestamp is of other bytes: {0}")]
    OtherBytes(String),
    /// The signature is not the certificate's.
    #[error("the timestamp's signature does not verify: {0}")]
    Signature(String),
    /// The certificate may not stamp, or none of the trusted roots vouches for it at that time.
    #[error("the timestamp's certificate is not trusted: {0}")]
    Certificate(String),
    /// The trusted roots cannot be read.
    #[error("the trusted roots cannot be read: {0}")]
    Roots(String),
}

impl From<der::Error> for TimestampError {
    fn from(error: der::Error) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// A request for a timestamp, and what its answer must hold.
#[derive(Debug, Clone)]
pub struct TimestampRequest {
    digest: [u8; 32],
    nonce: u64,
}

impl TimestampRequest {
    /// A request to stamp these bytes, with a random nonce; asks for the certificates too, so that
    /// the answer can be verified by itself.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self {
            digest: Sha256::digest(bytes).into(),
            nonce: rand::random(),
        }
    }

    /// The `TimeStampReq` in DER, for `application/timestamp-query`.
    ///
    /// # Panics
    /// Never: everything in a request has an encoding.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        let request = asn1::TimeStampReq {
            version: 1,
            imprint: asn1::MessageImprint {
                algorithm: AlgorithmIdentifierRef {
                    oid: asn1::SHA_256,
                    parameters: Some(der::asn1::Null.into()),
                },
                digest: OctetStringRef::new(&self.digest).expect("32 bytes are an octet string"),
            },
            nonce: self.nonce,
            certificates: true,
        };
        request.to_der().expect("a request has an encoding")
    }

    /// Checks a response but for whether its signer is to be trusted, which is the auditor's to
    /// say: it is signed by the certificate in it, is of our bytes and answers this request.
    ///
    /// # Errors
    /// [`TimestampError`].
    pub fn check(&self, response: &[u8]) -> Result<DateTime<Utc>, TimestampError> {
        let token = token::Token::open(response, &self.digest)?;
        token.require_nonce(self.nonce)?;
        token.time()
    }
}

/// Verifies a `TimeStampResp` over `bytes`, offline: the digest, the signature, that the signer's
/// certificate is for timestamping and that it was valid, at the time of the stamp, under one of
/// the roots (PEM, one or several certificates). Revocation is not asked about.
///
/// Answers when the bytes existed, by the authority's clock.
///
/// # Errors
/// [`TimestampError`], by what does not hold.
pub fn verify(response: &[u8], bytes: &[u8], roots: &str) -> Result<DateTime<Utc>, TimestampError> {
    let digest = Sha256::digest(bytes).into();
    let token = token::Token::open(response, &digest)?;
    token.require_chain(roots)?;
    token.time()
}

/// What of a published checkpoint is stamped: the signed note without lines of other signers than
/// the log. `None` if it is no signed note.
#[must_use]
pub fn stamped_bytes(note: &str, log: &Origin) -> Option<Vec<u8>> {
    let (text, signatures) = note.rsplit_once("\n\n")?;
    let own = format!("\u{2014} {log} ");
    let lines: String = signatures
        .split_inclusive('\n')
        .filter(|line| line.starts_with(&own))
        .collect();
    Some(format!("{text}\n\n{lines}").into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stamped_is_the_note_without_cosignatures() {
        let log = Origin::from_stored("example.com/ledger/a".into());
        let own = "example.com/ledger/a\n3\nAAAA\n\n\u{2014} example.com/ledger/a b25l\n\u{2014} example.com/ledger/a dHdv\n";
        let cosigned = format!("{own}\u{2014} example.com/ledger/ab YQ==\n\u{2014} witness YQ==\n");
        assert_eq!(
            stamped_bytes(&cosigned, &log).as_deref(),
            Some(own.as_bytes())
        );
        assert_eq!(stamped_bytes(own, &log).as_deref(), Some(own.as_bytes()));
        assert_eq!(stamped_bytes("no note", &log), None);
    }

    #[test]
    fn what_is_no_response_is_malformed() {
        for bytes in [&b""[..], b"\x30\x00", b"<html>", &[0x30; 40]] {
            let verified = verify(bytes, b"", "");
            assert!(
                matches!(verified, Err(TimestampError::Malformed(_))),
                "{verified:?}"
            );
        }
    }
}
