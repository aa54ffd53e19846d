//! The key that tokens are signed with.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, EncodingKey};
use rand::RngCore;
use sha2::{Digest, Sha256};

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

/// Why there is no token key.
#[derive(Debug, thiserror::Error)]
pub enum TokenKeyError {
    /// The text is not a key.
    #[error(
        "a token key is 32 bytes in base64url (43 characters); make one by `openssl rand 32 | basenc --base64url | tr -d =`"
    )]
    Malformed,
    /// Others may read the file.
    #[error("{} may be read by others (mode {mode:o}): run `chmod 600 {}`; if others did read it, delete it, and a new key is made", path.display(), path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file could not be read or written.
    #[error("could not read or write the token key {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
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

    /// The key from a text, for example of an environment variable: 32 bytes in base64url.
    ///
    /// # Errors
    /// [`TokenKeyError::Malformed`], which says how to make one.
    pub fn from_text(text: &str) -> Result<Self, TokenKeyError> {
        let bytes = URL_SAFE_NO_PAD
            .decode(text.trim())
            .map_err(|_| TokenKeyError::Malformed)?;
        let seed: [u8; 32] = bytes.try_into().map_err(|_| TokenKeyError::Malformed)?;
        Ok(Self::from_seed(&seed))
    }

    /// The key in this file, which is made (mode 0600) if it is not there. Of several processes
    /// that do so at once all get the same key. After a crash the file holds a whole key or is not there.
    ///
    /// # Errors
    /// [`TokenKeyError`]: unreadable, exposed to others, or not a key.
    pub fn open(path: &Path) -> Result<Self, TokenKeyError> {
        let failed = |source| TokenKeyError::Io {
            path: path.to_owned(),
            source,
        };
        if !path.exists() {
            make(path).map_err(failed)?;
        }
        let mode = fs::metadata(path).map_err(failed)?.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(TokenKeyError::Exposed {
                path: path.to_owned(),
                mode,
            });
        }
        Self::from_text(&fs::read_to_string(path).map_err(failed)?)
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

/// Written beside and linked into place, which fails if another process was first: then its key holds.
fn make(path: &Path) -> io::Result<()> {
    let mut seed = [0; 32];
    rand::rngs::OsRng.fill_bytes(&mut seed);
    let draft = path.with_extension(format!("draft-{:08x}", rand::random::<u32>()));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    let written = file
        .write_all(format!("{}\n", URL_SAFE_NO_PAD.encode(seed)).as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::hard_link(&draft, path));
    fs::remove_file(&draft)?;
    match written {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// RFC 8037, appendix A: the key pair of A.1, its public key in A.2, its thumbprint in A.3.
    #[test]
    fn the_key_of_rfc_8037_has_its_public_key_and_thumbprint() {
        let key = TokenKey::from_text("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
        assert_eq!(key.x, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        assert_eq!(key.id, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn a_key_file_is_made_once_private_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token.key");
        let first = TokenKey::open(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(TokenKey::open(&path).unwrap().id, first.id);
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "no draft is left"
        );
    }

    #[test]
    fn processes_that_make_the_key_at_once_get_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token.key");
        let ids: std::collections::HashSet<String> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| TokenKey::open(&path).unwrap().id))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        assert_eq!(ids.len(), 1);
    }

    #[test]
    fn a_key_that_others_may_read_is_refused_with_the_way_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token.key");
        TokenKey::open(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = TokenKey::open(&path).unwrap_err().to_string();
        assert!(error.contains("chmod 600"), "{error}");
    }

    #[test]
    fn a_text_that_is_no_key_is_refused_and_debug_output_shows_none() {
        for bad in ["", "short", "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2Axx"] {
            assert!(
                matches!(TokenKey::from_text(bad), Err(TokenKeyError::Malformed)),
                "{bad}"
            );
        }
        let shown = format!("{:?}", TokenKey::from_seed(&[7; 32]));
        assert!(shown.ends_with("masked)"), "{shown}");
    }
}
