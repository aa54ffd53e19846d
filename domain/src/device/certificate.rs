//! Which TLS certificates sign a device in.

use std::collections::BTreeSet;
use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{DeviceEvent, DeviceRejection};
use crate::Slug;

/// The SHA-256 of a certificate as it is sent (DER), written as 64 lower-case hex digits, as
/// `openssl x509 -fingerprint -sha256` shows it but for colons and capitals.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint([u8; 32]);

/// A text that is no fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{value}\" is not the fingerprint of a certificate: write its SHA-256 as 64 lower-case hex digits"
)]
pub struct FingerprintError {
    /// What was given, cut after 80 characters.
    pub value: String,
}

impl Fingerprint {
    /// The fingerprint of these 32 bytes.
    #[must_use]
    pub const fn new(sha256: [u8; 32]) -> Self {
        Self(sha256)
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(value: &str) -> Result<Self, FingerprintError> {
        super::key::from_hex(value)
            .map(Self)
            .ok_or_else(|| FingerprintError {
                value: value.chars().take(80).collect(),
            })
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = FingerprintError;

    fn try_from(value: String) -> Result<Self, FingerprintError> {
        value.parse()
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// The certificates of one device, as of a version of its stream. Several at a time, so that a device
/// changes over to a new one before the old one ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceCertificates {
    valid: BTreeSet<Fingerprint>,
    /// Never valid again: their keys may be in other hands.
    revoked: BTreeSet<Fingerprint>,
}

impl DeviceCertificates {
    /// The most at a time: one in use, one to change over to, and room for a mistake.
    pub const MOST: usize = 4;

    /// Those that sign it in.
    #[must_use]
    pub fn valid(&self) -> impl ExactSizeIterator<Item = &Fingerprint> {
        self.valid.iter()
    }

    /// Whether this one signs it in.
    #[must_use]
    pub fn has(&self, fingerprint: Fingerprint) -> bool {
        self.valid.contains(&fingerprint)
    }

    pub(super) fn may_add(
        &self,
        name: &Slug,
        fingerprint: Fingerprint,
    ) -> Result<(), DeviceRejection> {
        let name = name.clone();
        if self.has(fingerprint) {
            return Err(DeviceRejection::CertificateValid { name, fingerprint });
        }
        if self.revoked.contains(&fingerprint) {
            return Err(DeviceRejection::CertificateRevoked { name, fingerprint });
        }
        if self.valid.len() >= Self::MOST {
            let most = Self::MOST;
            return Err(DeviceRejection::TooManyCertificates { name, most });
        }
        Ok(())
    }

    pub(super) fn may_revoke(
        &self,
        name: &Slug,
        fingerprint: Fingerprint,
    ) -> Result<(), DeviceRejection> {
        if self.has(fingerprint) {
            return Ok(());
        }
        let valid: Vec<String> = self.valid().map(Fingerprint::to_string).collect();
        Err(DeviceRejection::CertificateUnknown {
            name: name.clone(),
            fingerprint,
            valid: match valid.as_slice() {
                [] => "it has none".to_owned(),
                some => format!("it has {}", some.join(", ")),
            },
        })
    }

    pub(super) fn apply(&mut self, event: &DeviceEvent) {
        match event {
            DeviceEvent::DeviceCertificateAdded(event)
                if !self.revoked.contains(&event.fingerprint) =>
            {
                self.valid.insert(event.fingerprint);
            }
            DeviceEvent::DeviceCertificateRevoked(event) => {
                self.valid.remove(&event.fingerprint);
                self.revoked.insert(event.fingerprint);
            }
            DeviceEvent::DeviceDecommissioned(_) => self.revoked.append(&mut self.valid),
            _ => {}
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;
    use crate::device::{DeviceCertificateAdded, DeviceCertificateRevoked, DeviceDecommissioned};

    fn name() -> Slug {
        "meter-7".parse().unwrap()
    }

    fn with(count: u8) -> DeviceCertificates {
        let mut certificates = DeviceCertificates::default();
        for n in 0..count {
            let fingerprint = Fingerprint::new([n; 32]);
            certificates.may_add(&name(), fingerprint).unwrap();
            certificates.apply(&DeviceCertificateAdded { fingerprint }.into());
        }
        certificates
    }

    #[test]
    fn a_fingerprint_reads_back_from_its_64_digits() {
        let fingerprint = Fingerprint::new([0xab; 32]);
        assert_eq!(fingerprint.to_string(), "ab".repeat(32));
        assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
        for bad in ["", "ab", &"AB".repeat(32), &"ab:".repeat(32)] {
            assert!(bad.parse::<Fingerprint>().is_err(), "{bad}");
        }
    }

    #[test]
    fn certificates_overlap_and_a_revoked_one_never_comes_back() {
        let mut certificates = with(2);
        let old = Fingerprint::new([0; 32]);
        certificates.may_revoke(&name(), old).unwrap();
        certificates.apply(&DeviceCertificateRevoked { fingerprint: old }.into());
        assert!(!certificates.has(old) && certificates.has(Fingerprint::new([1; 32])));
        assert!(matches!(
            certificates.may_add(&name(), old),
            Err(DeviceRejection::CertificateRevoked { .. })
        ));
        certificates.apply(&DeviceCertificateAdded { fingerprint: old }.into());
        assert!(!certificates.has(old));
        let error = certificates
            .may_revoke(&name(), old)
            .unwrap_err()
            .to_string();
        assert!(error.contains(&"01".repeat(32)), "{error}");
    }

    #[test]
    fn they_are_few_and_end_with_the_device() {
        let mut certificates = with(4);
        let (known, more) = (Fingerprint::new([3; 32]), Fingerprint::new([9; 32]));
        assert!(matches!(
            certificates.may_add(&name(), known),
            Err(DeviceRejection::CertificateValid { .. })
        ));
        assert!(matches!(
            certificates.may_add(&name(), more),
            Err(DeviceRejection::TooManyCertificates { most: 4, .. })
        ));
        certificates.apply(&DeviceDecommissioned {}.into());
        assert_eq!(certificates.valid().len(), 0);
    }
}
