//! Why a command to a device is refused.

use super::{Fingerprint, KeyId, UnusableKey};
use crate::{CredentialId, DisplayName, Slug, telemetry::MetricName};

/// Why a command is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceRejection {
    /// The name is taken at this site.
    #[error(
        "device \"{name}\" of site \"{site}\" is already registered as \"{display_name}\": rotate \
         its credential to use it, or choose another name"
    )]
    AlreadyRegistered {
        /// Its site.
        site: Slug,
        /// The existing device.
        name: Slug,
        /// Its display name.
        display_name: DisplayName,
    },
    /// Nothing is registered here.
    #[error("this device is not registered: register it first")]
    NotRegistered,
    /// A decommissioned device takes no more changes.
    #[error("device \"{name}\" is decommissioned for good: register a new device")]
    Decommissioned {
        /// The decommissioned device.
        name: Slug,
    },
    /// It measures this asset already.
    #[error("device \"{name}\" is already bound to asset \"{asset}\": nothing to change")]
    AlreadyBound {
        /// The device.
        name: Slug,
        /// The asset.
        asset: Slug,
    },
    /// The credential is, or was, this device's.
    #[error("credential {credential} was used by this device before: make a new one")]
    CredentialUsed {
        /// The credential given.
        credential: CredentialId,
    },
    /// There is nothing to revoke.
    #[error("device \"{name}\" has no valid credential: nothing to revoke; rotate to get one")]
    NoCredential {
        /// The device.
        name: Slug,
    },
    /// Signatures of this key would prove nothing.
    #[error("public key {key} cannot be taken: {reason}; make a new key pair")]
    UnusableKey {
        /// The key's id.
        key: KeyId,
        /// Why.
        reason: UnusableKey,
    },
    /// The key is valid already.
    #[error("key {key} is valid for device \"{name}\" already: nothing to change")]
    KeyValid {
        /// The device.
        name: Slug,
        /// The key.
        key: KeyId,
    },
    /// A revoked key never comes back: it may be in other hands.
    #[error(
        "key {key} of device \"{name}\" was revoked before, which is for ever: a new key can be added"
    )]
    KeyRevoked {
        /// The device.
        name: Slug,
        /// The key.
        key: KeyId,
    },
    /// No such key.
    #[error("device \"{name}\" has no valid key {key}: {valid}")]
    KeyUnknown {
        /// The device.
        name: Slug,
        /// The key.
        key: KeyId,
        /// Which keys it has.
        valid: String,
    },
    /// Too many keys at a time.
    #[error("device \"{name}\" has {most} valid keys, as many as one may have: revoke one first")]
    TooManyKeys {
        /// The device.
        name: Slug,
        /// The most that a device may have.
        most: usize,
    },
    /// The certificate signs it in already.
    #[error("certificate {fingerprint} signs device \"{name}\" in already: nothing to change")]
    CertificateValid {
        /// The device.
        name: Slug,
        /// The certificate.
        fingerprint: Fingerprint,
    },
    /// A revoked certificate never comes back: its key may be in other hands.
    #[error(
        "certificate {fingerprint} of device \"{name}\" was revoked before, which is for ever: a new \
         one can be added"
    )]
    CertificateRevoked {
        /// The device.
        name: Slug,
        /// The certificate.
        fingerprint: Fingerprint,
    },
    /// No such certificate.
    #[error("certificate {fingerprint} does not sign device \"{name}\" in: {valid}")]
    CertificateUnknown {
        /// The device.
        name: Slug,
        /// The certificate.
        fingerprint: Fingerprint,
        /// Which certificates it has.
        valid: String,
    },
    /// Too many certificates at a time.
    #[error("device \"{name}\" has {most} certificates, as many as one may have: revoke one first")]
    TooManyCertificates {
        /// The device.
        name: Slug,
        /// The most that a device may have.
        most: usize,
    },
    /// Two sensors measure the same metric.
    #[error(
        "metric \"{metric}\" is listed by two sensors: a device reports a metric once; register \
         a second device"
    )]
    SensorTwice {
        /// The metric listed twice.
        metric: MetricName,
    },
    /// The metric is known and is never read in this unit.
    #[error("\"{unit}\" is not a unit of metric \"{metric}\": use one of {accepted}")]
    SensorUnit {
        /// The metric.
        metric: MetricName,
        /// The unit given.
        unit: String,
        /// Units that are understood.
        accepted: String,
    },
    /// A unit or description is too long or not printable.
    #[error(
        "unit or description of sensor \"{metric}\" is longer than {most} bytes or has control \
         characters"
    )]
    SensorText {
        /// The sensor's metric.
        metric: MetricName,
        /// The longest text in bytes.
        most: usize,
    },
    /// Too many sensors.
    #[error("{count} sensors are too many: a device has at most {most}; split it in two devices")]
    TooManySensors {
        /// Sensors given.
        count: usize,
        /// The most that a device may have.
        most: usize,
    },
}

impl crate::Refusal for DeviceRejection {}
