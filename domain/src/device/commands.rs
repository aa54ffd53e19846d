//! What can be asked of a device.
//!
//! A command's serialised form is its input, by which a repeated command id is told from a reused
//! one. Credentials are not part of it: each attempt makes its own.

use serde::Serialize;

use super::{Fingerprint, KeyId, PublicKey, Sensor};
use crate::{Attributes, CredentialId, DeviceId, DisplayName, Slug, telemetry::Source};

/// A command to one device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum DeviceCommand {
    /// Make it exist.
    Register(Box<RegisterDevice>),
    /// Let it measure an asset, instead of the one before.
    Bind(BindDevice),
    /// Replace its credential at once.
    RotateCredential(RotateCredential),
    /// Lock it out until a rotation.
    RevokeCredential,
    /// Let it sign with a further key.
    RotateKey(RotateKey),
    /// Let it sign with one of its keys no longer.
    RevokeKey(RevokeKey),
    /// Let a further certificate sign it in.
    AddCertificate(AddCertificate),
    /// Let one of its certificates sign it in no longer.
    RevokeCertificate(RevokeCertificate),
    /// Take it out of use for good; its history stays.
    Decommission,
}

/// Registers a device of a site. That site and asset exist is the caller's check, as is
/// that the row of the credential was written before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RegisterDevice {
    /// The organisation.
    pub org: Slug,
    /// The site.
    pub site: Slug,
    /// The name in topics, unique at the site.
    pub name: Slug,
    /// The name for people.
    pub display_name: DisplayName,
    /// The asset of the same site that it measures.
    pub asset: Option<Slug>,
    /// Whether its readings are real.
    pub source: Source,
    /// With a key, its batches must be signed.
    pub public_key: Option<PublicKey>,
    /// The access tables' row that holds its secret.
    #[serde(skip)]
    pub credential: CredentialId,
    /// Tags and metadata: firmware, model, place.
    pub metadata: Attributes,
    /// What it measures.
    pub sensors: Vec<Sensor>,
}

impl RegisterDevice {
    /// The device that the command is for.
    #[must_use]
    pub fn id(&self) -> DeviceId {
        DeviceId::of(&self.org, &self.site, &self.name)
    }
}

/// Binds the device to an asset of its site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BindDevice {
    /// The asset that it measures from now on.
    pub asset: Slug,
}

/// Replaces the credential; the one before is invalid at once and for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RotateCredential {
    /// The access tables' row that holds the new secret.
    #[serde(skip)]
    pub credential: CredentialId,
}

/// Adds a key; those before it stay valid until they are revoked, so that a device in the field
/// can change over in its own time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RotateKey {
    /// The key.
    pub public_key: PublicKey,
}

/// Takes a key away for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RevokeKey {
    /// Which.
    pub key_id: KeyId,
}

/// Adds a certificate; those before it stay valid until they are revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AddCertificate {
    /// Which.
    pub fingerprint: Fingerprint,
}

/// Takes a certificate away for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RevokeCertificate {
    /// Which.
    pub fingerprint: Fingerprint,
}

impl From<RegisterDevice> for DeviceCommand {
    fn from(command: RegisterDevice) -> Self {
        Self::Register(Box::new(command))
    }
}

impl From<BindDevice> for DeviceCommand {
    fn from(command: BindDevice) -> Self {
        Self::Bind(command)
    }
}

impl From<RotateCredential> for DeviceCommand {
    fn from(command: RotateCredential) -> Self {
        Self::RotateCredential(command)
    }
}

impl From<RotateKey> for DeviceCommand {
    fn from(command: RotateKey) -> Self {
        Self::RotateKey(command)
    }
}

impl From<RevokeKey> for DeviceCommand {
    fn from(command: RevokeKey) -> Self {
        Self::RevokeKey(command)
    }
}
