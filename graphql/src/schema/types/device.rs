//! Devices.

use async_graphql::{Context, ID, Object, SimpleObject};
use sealrock_domain::device::PublicKey;
use sealrock_domain::{AssetId, OrganisationId, SiteId, Topic, TopicKind};
use sealrock_projections::registry::{Device as Stored, Within};
use sealrock_projections::windows::Window as StoredWindow;
use uuid::Uuid;

use super::{
    Asset, Attribute, DeviceStatus, Gap, LatestReading, Organisation, Site, Source, Window, shown,
};
use crate::schema::global_id::GlobalId;
use crate::schema::loaders::{
    GapsOf, LatestOfDevice, PlacePage, StatusOf, WindowsOf, ledger_name, load,
};
use crate::schema::paging::{self, Page};
use crate::schema::problem::Problem;
use crate::schema::provenance::{Provenance, ledger_of};
use crate::schema::scalars::Time;

/// A device that sends sensor batches.
pub(crate) struct Device(pub(crate) Stored);

/// A device that sends sensor batches.
#[Object]
impl Device {
    /// Id for `node`.
    pub(crate) async fn id(&self) -> ID {
        GlobalId::Device(self.0.id).into()
    }

    /// The id that it signs in with.
    async fn device_id(&self) -> Uuid {
        self.0.id.as_uuid()
    }

    /// Its name in paths and topics.
    async fn name(&self) -> &str {
        self.0.slug.as_str()
    }

    /// Its name for people.
    async fn display_name(&self) -> &str {
        self.0.display_name.as_ref()
    }

    /// The MQTT topic of its batches.
    async fn topic(&self) -> String {
        let Stored {
            organisation,
            site,
            slug,
            ..
        } = self.0.clone();
        Topic::new(organisation, site, slug, TopicKind::Batch).to_string()
    }

    /// Whether its readings are real, unless a batch says otherwise.
    async fn source(&self) -> Source {
        self.0.source.into()
    }

    /// The Ed25519 keys that its batches may be signed with, in the order of their ids.
    async fn keys(&self) -> Vec<DeviceKey> {
        self.0.keys.valid().map(DeviceKey::from).collect()
    }

    /// Whether its batches must be signed: it has, or had, a key.
    async fn must_sign(&self) -> bool {
        self.0.keys.required()
    }

    /// Whether it can sign in.
    async fn has_credential(&self) -> bool {
        self.0.credential.is_some()
    }

    /// What it says it measures.
    async fn sensors(&self) -> Vec<Sensor> {
        self.0.sensors.iter().map(Sensor::from).collect()
    }

    /// Tags and metadata.
    async fn tags(&self) -> Vec<Attribute> {
        Attribute::all(&self.0.metadata)
    }

    /// Whether it is out of use for good.
    async fn decommissioned(&self) -> bool {
        self.0.decommissioned
    }

    /// When it was registered.
    async fn registered_at(&self) -> Time {
        self.0.registered_at.into()
    }

    /// Whose it is.
    async fn organisation(&self, context: &Context<'_>) -> Result<Option<Organisation>, Problem> {
        let id = OrganisationId::of(&self.0.organisation);
        shown::organisation(context, id).await
    }

    /// Where it is.
    async fn site(&self, context: &Context<'_>) -> Result<Option<Site>, Problem> {
        shown::site(context, SiteId::of(&self.0.organisation, &self.0.site)).await
    }

    /// The asset that it measures.
    async fn asset(&self, context: &Context<'_>) -> Result<Option<Asset>, Problem> {
        let Stored {
            organisation,
            site,
            asset: Some(asset),
            ..
        } = &self.0
        else {
            return Ok(None);
        };
        shown::asset(context, AssetId::of(organisation, site, asset)).await
    }

    /// How it is doing; null until its first batch.
    async fn status(&self, context: &Context<'_>) -> Result<Option<DeviceStatus>, Problem> {
        let Some(status) = load(context, StatusOf(self.0.id)).await? else {
            return Ok(None);
        };
        let ledger = ledger_name(context, status.ledger).await?;
        Ok(Some(DeviceStatus::new(ledger, status)))
    }

    /// The newest value of each of its metrics.
    #[graphql(complexity = "10 * child_complexity")]
    async fn latest(&self, context: &Context<'_>) -> Result<Vec<LatestReading>, Problem> {
        let found = load(context, LatestOfDevice(self.0.ledger, self.0.id)).await?;
        let ledger = ledger_name(context, self.0.ledger).await?;
        let reading = |latest| LatestReading::new(ledger.clone(), latest);
        Ok(found.unwrap_or_default().into_iter().map(reading).collect())
    }

    /// Batches that did not come, or came late, newest first.
    #[graphql(complexity = "paging::cost(first, child_complexity)")]
    async fn gaps(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only those that no batch has filled yet.", default = false)]
        only_open: bool,
        #[graphql(desc = "How many items: 1 to 1,000; without it, 20.")] first: Option<i32>,
    ) -> Result<Vec<Gap>, Problem> {
        let asked = GapsOf {
            device: self.0.id,
            only_open,
            first: paging::size(first)?,
        };
        let gaps = load(context, asked).await?.unwrap_or_default();
        let ledger = ledger_of(&self.0.organisation);
        Ok(gaps.into_iter().map(|gap| Gap::new(&ledger, gap)).collect())
    }

    /// Its hours, newest first, and whether they are sealed.
    #[graphql(complexity = "paging::cost(first, child_complexity)")]
    async fn windows(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many items: 1 to 1,000; without it, 20.")] first: Option<i32>,
        #[graphql(desc = "Behind this `endCursor` of the page before.")] after: Option<String>,
    ) -> Result<Page<Window>, Problem> {
        let size = paging::size(first)?;
        let before = paging::cursor(after.as_deref(), |text| text.parse().ok())?;
        let asked = WindowsOf {
            device: self.0.id,
            before,
            first: size + 1,
        };
        let found = load(context, asked).await?.unwrap_or_default();
        let ledger = ledger_of(&self.0.organisation);
        let (cursor, node) = (
            |window: &StoredWindow| window.hour.to_string(),
            |window| Window::new(&ledger, window),
        );
        Ok(paging::page(found, size, before.is_none(), cursor, node))
    }

    /// The entries that registered it and changed it last.
    async fn provenance(&self, context: &Context<'_>) -> Result<Provenance, Problem> {
        let ledger = ledger_name(context, self.0.ledger).await?;
        let entries = [self.0.first_index, self.0.last_index];
        Ok(Provenance::of(&ledger, entries))
    }
}

impl Device {
    pub(super) async fn page(
        context: &Context<'_>,
        within: Within,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Page<Self>, Problem> {
        let (size, after) = (paging::size(first)?, paging::place(after.as_deref())?);
        let is_first = after.is_none();
        let asked = PlacePage {
            within,
            after,
            first: size + 1,
        };
        let found = shown::devices(context, asked).await?;
        let cursor = |device: &Stored| format!("{}/{}", device.site, device.slug);
        Ok(paging::page(found, size, is_first, cursor, Self))
    }
}

/// A key that a device signs its batches with.
#[derive(Debug, Clone, SimpleObject)]
struct DeviceKey {
    /// What its signatures are marked with: the first 8 bytes of its SHA-256, hex.
    key_id: String,
    /// The 32 bytes of the Ed25519 public key, hex.
    public_key: String,
}

impl From<&PublicKey> for DeviceKey {
    fn from(key: &PublicKey) -> Self {
        Self {
            key_id: key.id().to_string(),
            public_key: key.to_string(),
        }
    }
}

/// What a device says that it measures.
#[derive(Debug, Clone, SimpleObject)]
struct Sensor {
    /// Name of the metric in its batches.
    metric: String,
    /// Unit of its readings.
    unit: String,
    /// For people.
    description: String,
}

impl From<&sealrock_domain::device::Sensor> for Sensor {
    fn from(sensor: &sealrock_domain::device::Sensor) -> Self {
        Self {
            metric: sensor.metric.to_string(),
            unit: sensor.unit.clone(),
            description: sensor.description.clone(),
        }
    }
}
