//! What a device proves itself with.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngCore;
use sha2::{Digest, Sha256};

/// 32 random bytes, shown as 43 characters of base64url. `Debug` does not show them.
#[derive(Clone)]
pub struct DeviceSecret([u8; 32]);

impl DeviceSecret {
    /// A new one from the operating system's random source.
    #[must_use]
    pub fn generate() -> Self {
        let mut bytes = [0; 32];
        rand::rngs::OsRng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// What a device sent as its password; `None` if that cannot be a secret of ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// The 43 characters, to be given to the device once.
    #[must_use]
    pub fn reveal(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// What is kept of it. A plain hash will do: nobody can try 2^256 secrets.
    pub(crate) fn sha256(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }
}

impl fmt::Debug for DeviceSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceSecret(masked)")
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    #[test]
    fn a_secret_reads_back_from_its_43_characters() {
        let secret = DeviceSecret::generate();
        assert_eq!(secret.reveal().len(), 43);
        assert_eq!(DeviceSecret::parse(&secret.reveal()).unwrap().0, secret.0);
        assert_ne!(DeviceSecret::generate().0, secret.0);
    }

    #[test]
    fn what_is_no_secret_is_not_taken_for_one() {
        let secret = DeviceSecret::generate().reveal();
        for bad in [
            "",
            "password",
            &secret[..42],
            &format!("{secret}A"),
            &format!("{secret}="),
        ] {
            assert!(DeviceSecret::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn debug_output_does_not_show_the_secret() {
        assert_eq!(
            format!("{:?}", DeviceSecret::generate()),
            "DeviceSecret(masked)"
        );
    }
}
