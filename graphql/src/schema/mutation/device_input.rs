//! Which device, and what it is to be.

use async_graphql::InputObject;
use sealrock_domain::device::RegisterDevice;
use sealrock_domain::{CredentialId, DeviceId, Slug};
use uuid::Uuid;

use crate::schema::input::{read, read_option};
use crate::schema::problem::Problem;
use crate::schema::types::{AttributeInput, Source};

/// A device to be.
#[derive(InputObject)]
pub(super) struct RegisterDeviceInput {
    /// Idempotency key: the same key with the same input is answered with the first receipt.
    pub(super) command_id: Option<Uuid>,
    /// Slug of its organisation.
    organisation: String,
    /// Slug of its site.
    site: String,
    /// Its name in paths and topics. Never changes.
    name: String,
    /// Its name for people.
    display_name: String,
    /// Slug of the asset that it measures.
    asset: Option<String>,
    /// Whether its readings are real.
    #[graphql(default_with = "Source::Real")]
    source: Source,
    /// Its Ed25519 public key, 32 bytes as 64 lower-case hex digits. With one, its batches must be
    /// signed.
    public_key: Option<String>,
    /// What it measures.
    sensors: Option<Vec<SensorInput>>,
    /// Tags and metadata.
    tags: Option<Vec<AttributeInput>>,
}

/// What a device says that it measures.
#[derive(InputObject)]
pub(super) struct SensorInput {
    /// Name of the metric in its batches.
    metric: String,
    /// Unit of its readings.
    unit: String,
    /// For people.
    #[graphql(default)]
    description: String,
}

/// A device, by its path.
#[derive(InputObject)]
pub(super) struct DeviceInput {
    /// Idempotency key: the same key with the same input is answered with the first receipt.
    pub(super) command_id: Option<Uuid>,
    /// Slug of its organisation.
    organisation: String,
    /// Slug of its site.
    site: String,
    /// Its name.
    name: String,
}

/// A device and the asset that it is to measure.
#[derive(InputObject)]
pub(super) struct BindDeviceInput {
    /// Idempotency key: the same key with the same input is answered with the first receipt.
    pub(super) command_id: Option<Uuid>,
    /// Slug of its organisation.
    pub(super) organisation: String,
    /// Slug of its site.
    pub(super) site: String,
    /// Its name.
    pub(super) name: String,
    /// Slug of the asset.
    pub(super) asset: String,
}

/// A device and a key that it is to sign with.
#[derive(InputObject)]
pub(super) struct RotateDeviceKeyInput {
    /// Idempotency key: the same key with the same input is answered with the first receipt.
    pub(super) command_id: Option<Uuid>,
    /// Slug of its organisation.
    pub(super) organisation: String,
    /// Slug of its site.
    pub(super) site: String,
    /// Its name.
    pub(super) name: String,
    /// The Ed25519 public key, 32 bytes as 64 lower-case hex digits.
    pub(super) public_key: String,
}

/// A device and a key that it is to sign with no longer.
#[derive(InputObject)]
pub(super) struct RevokeDeviceKeyInput {
    /// Idempotency key: the same key with the same input is answered with the first receipt.
    pub(super) command_id: Option<Uuid>,
    /// Slug of its organisation.
    pub(super) organisation: String,
    /// Slug of its site.
    pub(super) site: String,
    /// Its name.
    pub(super) name: String,
    /// Id of the key, 8 bytes as 16 lower-case hex digits.
    pub(super) key_id: String,
}

/// A device and a client certificate.
#[derive(InputObject)]
pub(super) struct DeviceCertificateInput {
    /// Idempotency key: the same key with the same input is answered with the first receipt.
    pub(super) command_id: Option<Uuid>,
    /// Slug of its organisation.
    pub(super) organisation: String,
    /// Slug of its site.
    pub(super) site: String,
    /// Its name.
    pub(super) name: String,
    /// SHA-256 of the certificate (DER), 64 hex digits, as `openssl x509 -fingerprint -sha256` shows it.
    pub(super) fingerprint: String,
}

/// Where a device is.
pub(super) struct Path {
    pub(super) organisation: Slug,
    pub(super) site: Slug,
    pub(super) name: Slug,
}

impl Path {
    pub(super) fn read(organisation: &str, site: &str, name: &str) -> Result<Self, Problem> {
        Ok(Self {
            organisation: read("organisation", organisation)?,
            site: read("site", site)?,
            name: read("name", name)?,
        })
    }

    pub(super) fn id(&self) -> DeviceId {
        DeviceId::of(&self.organisation, &self.site, &self.name)
    }
}

impl TryFrom<DeviceInput> for Path {
    type Error = Problem;

    fn try_from(input: DeviceInput) -> Result<Self, Problem> {
        Self::read(&input.organisation, &input.site, &input.name)
    }
}

impl TryFrom<RegisterDeviceInput> for RegisterDevice {
    type Error = Problem;

    fn try_from(input: RegisterDeviceInput) -> Result<Self, Problem> {
        let sensors = input
            .sensors
            .unwrap_or_default()
            .into_iter()
            .map(TryInto::try_into);
        Ok(Self {
            org: read("organisation", &input.organisation)?,
            site: read("site", &input.site)?,
            name: read("name", &input.name)?,
            display_name: read("displayName", &input.display_name)?,
            asset: read_option("asset", input.asset.as_deref())?,
            source: input.source.into(),
            public_key: read_option("publicKey", input.public_key.as_deref())?,
            // The write side makes the credential.
            credential: CredentialId(Uuid::nil()),
            metadata: AttributeInput::read(input.tags)?,
            sensors: sensors.collect::<Result<_, Problem>>()?,
        })
    }
}

impl TryFrom<SensorInput> for sealrock_domain::device::Sensor {
    type Error = Problem;

    fn try_from(input: SensorInput) -> Result<Self, Problem> {
        let SensorInput {
            metric,
            unit,
            description,
        } = input;
        Ok(Self {
            metric: read("sensors.metric", &metric)?,
            unit,
            description,
        })
    }
}
