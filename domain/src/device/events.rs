//! What happened to a device.

use serde::{Deserialize, Serialize};

use super::{Fingerprint, KeyId, PublicKey, RegisterDevice, Sensor};
use crate::{Attributes, CredentialId, DisplayName, Slug, event::events, telemetry::Source};

/// A device exists. Fields as in [`RegisterDevice`]; absent ones are left out of the payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceRegistered {
    /// The organisation.
    pub org: Slug,
    /// The site.
    pub site: Slug,
    /// The name in topics, unique at the site; never changes.
    pub name: Slug,
    /// The name for people.
    pub display_name: DisplayName,
    /// The asset that it measures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset: Option<Slug>,
    /// Whether its readings are real.
    pub source: Source,
    /// Its first key: with one, its batches must be signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<PublicKey>,
    /// Its first credential.
    pub credential: CredentialId,
    /// Tags and metadata.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub metadata: Attributes,
    /// What it measures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sensors: Vec<Sensor>,
}

impl From<RegisterDevice> for DeviceRegistered {
    fn from(command: RegisterDevice) -> Self {
        Self {
            org: command.org,
            site: command.site,
            name: command.name,
            display_name: command.display_name,
            asset: command.asset,
            source: command.source,
            public_key: command.public_key,
            credential: command.credential,
            metadata: command.metadata,
            sensors: command.sensors,
        }
    }
}

/// The device measures this asset from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceBound {
    /// The asset's name at the device's site.
    pub asset: Slug,
}

/// A new credential is valid, the one before no longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceCredentialRotated {
    /// The one that is valid now.
    pub credential: CredentialId,
}

/// The credential is invalid; the device is locked out until a rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceCredentialRevoked {
    /// The one that is no longer valid.
    pub credential: CredentialId,
}

/// A further key is valid from this entry on, beside those before it; from now on the device's
/// batches must be signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceKeyRotated {
    /// The key.
    pub public_key: PublicKey,
}

/// A key is no longer valid from this entry on, and never again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceKeyRevoked {
    /// Which.
    pub key_id: KeyId,
}

/// A further certificate signs the device in from this entry on, beside those before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceCertificateAdded {
    /// Which.
    pub fingerprint: Fingerprint,
}

/// A certificate signs the device in no more from this entry on, and never again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceCertificateRevoked {
    /// Which.
    pub fingerprint: Fingerprint,
}

/// The device is out of use for good, its credential, keys and certificates invalid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceDecommissioned {}

events! {
    /// An event of a device's stream.
    enum DeviceEvent {
        /// See [`DeviceRegistered`].
        DeviceRegistered = 1,
        /// See [`DeviceBound`].
        DeviceBound = 1,
        /// See [`DeviceCredentialRotated`].
        DeviceCredentialRotated = 1,
        /// See [`DeviceCredentialRevoked`].
        DeviceCredentialRevoked = 1,
        /// See [`DeviceKeyRotated`].
        DeviceKeyRotated = 1,
        /// See [`DeviceKeyRevoked`].
        DeviceKeyRevoked = 1,
        /// See [`DeviceCertificateAdded`].
        DeviceCertificateAdded = 1,
        /// See [`DeviceCertificateRevoked`].
        DeviceCertificateRevoked = 1,
        /// See [`DeviceDecommissioned`].
        DeviceDecommissioned = 1,
    }
}
