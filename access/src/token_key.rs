//! The key that tokens are signed with.

use std::fmt;
use std::path::Path;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, EncodingKey};
use sha2::{Digest, Sha256};

use crate::key_file::{self, KeyFileError};

/// An Ed25519 key pair for tokens; not the ledger's, so that it can be thrown away: then everyone
/// signs in again, and nothing else happens. `Debug` does not show it.
#[derive(Clone)]
pub struct TokenKey {
    pub(crate) signing: EncodingKey,
    pub(crate) verifying: DecodingKey,
    /// The public key, base64url.
    x: String,
    /// The key's thumbprint (RFC 7638).
    pub(crate) id: String,
}

impl TokenKey {
    /// The key of these 32 secret bytes.
    ///
    /// # Panics
    /// Never: every 32 bytes are a key.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).expect("32 bytes are a seed");
        let pkcs8 = pair.to_pkcs8().expect("a key pair has an encoding");
        let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        Self {
            signing: EncodingKey::from_ed_der(pkcs8.as_ref()),
            verifying: DecodingKey::from_ed_components(&x).expect("base64url of our own making"),
            id: thumbprint(&x),
            x,
        }
    }

    /// The key in this file, which is made (mode 0600) if it is not there. Of several processes
    /// that do so at once all get the same key. After a crash the file holds a whole key or is not there.
    ///
    /// # Errors
    /// [`KeyFileError`]: unreadable, exposed to others, or not a key.
    pub fn open(path: &Path) -> Result<Self, KeyFileError> {
        key_file::open(path).map(|seed| Self::from_seed(&seed))
    }

    /// The public key as a JWK (RFC 8037).
    pub(crate) fn jwk(&self) -> serde_json::Value {
        serde_json::json!({
            "kty": "OKP", "crv": "Ed25519", "x": self.x, "kid": self.id, "use": "sig", "alg": "EdDSA"
        })
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenKey({}, masked)", self.id)
    }
}

/// The members that RFC 7638 names, in its order and without spaces.
fn thumbprint(x: &str) -> String {
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    URL_SAFE_NO_PAD.encode(Sha256::digest(canonical))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    /// RFC 8037, appendix A: the key pair of A.1, its public key in A.2, its thumbprint in A.3.
    #[test]
    fn the_key_of_rfc_8037_has_its_public_key_and_thumbprint() {
        let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
        let key = TokenKey::from_seed(&seed.unwrap().try_into().unwrap());
        assert_eq!(key.x, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        assert_eq!(key.id, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn debug_output_shows_no_key() {
        let shown = format!("{:?}", TokenKey::from_seed(&[7; 32]));
        assert!(shown.ends_with("masked)"), "{shown}");
    }
}
