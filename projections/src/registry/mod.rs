//! Organisations, their sites, assets and devices, as they were registered and changed.

mod fold;
mod queries;
mod rows;

use chrono::{DateTime, Utc};
use sealrock_domain::asset::AssetKind;
use sealrock_domain::decimal::DecimalText;
use sealrock_domain::device::{DeviceKeys, Sensor};
use sealrock_domain::site::{Country, SiteKind};
use sealrock_domain::telemetry::Source;
use sealrock_domain::{
    AssetId, Attributes, CredentialId, DeviceId, DisplayName, OrganisationId, SiteId, Slug,
};
use sealrock_eventstore::LedgerId;
use sealrock_ledger::Index;
use serde::{Deserialize, Serialize};

pub use fold::RegistryProjection;
pub use queries::{PlaceCursor, Within};

/// Name of the read model.
pub const NAME: &str = "registry";

/// An organisation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Organisation {
    /// Its id.
    pub id: OrganisationId,
    /// The ledger that holds its events.
    #[serde(with = "rows::ledger")]
    pub ledger: LedgerId,
    /// Its name in paths.
    pub slug: Slug,
    /// Its name for people.
    pub display_name: DisplayName,
    /// When it was recorded.
    pub registered_at: DateTime<Utc>,
    /// The entry that registered it.
    pub first_index: Index,
    /// The entry that changed it last.
    pub last_index: Index,
}

/// A site of an organisation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Site {
    /// Its id.
    pub id: SiteId,
    /// The ledger that holds its events.
    #[serde(with = "rows::ledger")]
    pub ledger: LedgerId,
    /// Its organisation.
    pub organisation: Slug,
    /// Its name in paths.
    pub slug: Slug,
    /// Its name for people.
    pub display_name: DisplayName,
    /// What happens there.
    pub kind: SiteKind,
    /// ISO 3166-1 alpha-2 code.
    pub country: Option<Country>,
    /// Degrees north (WGS 84).
    pub latitude: Option<DecimalText>,
    /// Degrees east (WGS 84).
    pub longitude: Option<DecimalText>,
    /// Usual absolute air pressure in kPa.
    pub ambient_pressure_kpa: Option<DecimalText>,
    /// Out of use.
    pub retired: bool,
    /// When it was recorded.
    pub registered_at: DateTime<Utc>,
    /// The entry that registered it.
    pub first_index: Index,
    /// The entry that changed it last.
    pub last_index: Index,
}

/// An asset of a site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Asset {
    /// Its id.
    pub id: AssetId,
    /// The ledger that holds its events.
    #[serde(with = "rows::ledger")]
    pub ledger: LedgerId,
    /// Its organisation.
    pub organisation: Slug,
    /// Its site.
    pub site: Slug,
    /// Its name in paths.
    pub slug: Slug,
    /// Its name for people.
    pub display_name: DisplayName,
    /// What it is.
    pub kind: AssetKind,
    /// Installation metadata and assumptions.
    pub assumptions: Attributes,
    /// Out of use.
    pub retired: bool,
    /// When it was recorded.
    pub registered_at: DateTime<Utc>,
    /// The entry that registered it.
    pub first_index: Index,
    /// The entry that changed it last.
    pub last_index: Index,
}

/// A device of a site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Device {
    /// Its id, which is also its MQTT user name.
    pub id: DeviceId,
    /// The ledger that holds its events.
    #[serde(with = "rows::ledger")]
    pub ledger: LedgerId,
    /// Its organisation.
    pub organisation: Slug,
    /// Its site.
    pub site: Slug,
    /// Its name in paths and topics.
    pub slug: Slug,
    /// Its name for people.
    pub display_name: DisplayName,
    /// The asset that it measures.
    pub asset: Option<Slug>,
    /// Whether its readings are real.
    pub source: Source,
    /// The keys that its batches may be signed with, and whether they must be.
    pub keys: DeviceKeys,
    /// Its valid credential; `None` while it is locked out.
    pub credential: Option<CredentialId>,
    /// Tags and metadata.
    pub metadata: Attributes,
    /// What it measures.
    pub sensors: Vec<Sensor>,
    /// Out of use for good.
    pub decommissioned: bool,
    /// When it was recorded.
    pub registered_at: DateTime<Utc>,
    /// The entry that registered it.
    pub first_index: Index,
    /// The entry that changed it last.
    pub last_index: Index,
}
