//! How each thing begins with its registration and changes with its other events.

use chrono::{DateTime, Utc};
use sealrock_domain::EventType;
use sealrock_domain::asset::AssetEvent;
use sealrock_domain::device::{DeviceEvent, DeviceKeys, DeviceRegistered};
use sealrock_domain::organisation::OrganisationEvent;
use sealrock_domain::site::SiteEvent;
use sealrock_eventstore::LedgerId;
use sealrock_ledger::Index;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::{Asset, Device, Organisation, Site};

/// Where and when an event stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct At {
    pub(super) ledger: LedgerId,
    pub(super) id: Uuid,
    pub(super) index: Index,
    pub(super) time: DateTime<Utc>,
}

/// A thing of the registry: a row that its stream's events make and change.
pub(super) trait Thing:
    Serialize + DeserializeOwned + Send + Sync + Unpin + 'static
{
    /// The events of its stream.
    type Event: EventType + Clone + Send + Sync;
    /// Reads the rows of some ids.
    const LOAD: &'static str;
    /// Writes rows.
    const STORE: &'static str;

    fn id(&self) -> Uuid;
    /// The thing as its registration makes it; `None` for any other event.
    fn begin(event: &Self::Event, at: At) -> Option<Self>;
    /// The thing after any other event.
    fn change(&mut self, event: Self::Event, at: At);
}

impl Thing for Organisation {
    type Event = OrganisationEvent;
    const LOAD: &'static str = "SELECT to_jsonb(t) FROM organisation t WHERE id = ANY ($1)";
    const STORE: &'static str = include_str!("store_organisations.sql");

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn begin(event: &Self::Event, at: At) -> Option<Self> {
        let OrganisationEvent::OrganisationRegistered(event) = event else {
            return None;
        };
        Some(Self {
            id: at.id.into(),
            ledger: at.ledger,
            slug: event.slug.clone(),
            display_name: event.display_name.clone(),
            registered_at: at.time,
            first_index: at.index,
            last_index: at.index,
        })
    }

    fn change(&mut self, event: Self::Event, at: At) {
        self.last_index = at.index;
        if let OrganisationEvent::OrganisationRenamed(event) = event {
            self.display_name = event.display_name;
        }
    }
}

impl Thing for Site {
    type Event = SiteEvent;
    const LOAD: &'static str = "SELECT to_jsonb(t) FROM site t WHERE id = ANY ($1)";
    const STORE: &'static str = include_str!("store_sites.sql");

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn begin(event: &Self::Event, at: At) -> Option<Self> {
        let SiteEvent::SiteRegistered(event) = event else {
            return None;
        };
        let event = event.clone();
        Some(Self {
            id: at.id.into(),
            ledger: at.ledger,
            organisation: event.org,
            slug: event.slug,
            display_name: event.display_name,
            kind: event.site_kind,
            country: event.country,
            latitude: event.latitude,
            longitude: event.longitude,
            ambient_pressure_kpa: event.ambient_pressure_kpa,
            retired: false,
            registered_at: at.time,
            first_index: at.index,
            last_index: at.index,
        })
    }

    fn change(&mut self, event: Self::Event, at: At) {
        self.last_index = at.index;
        match event {
            // Targets are read model `targets`' matter.
            SiteEvent::SiteRegistered(_)
            | SiteEvent::EmissionTargetSet(_)
            | SiteEvent::EmissionTargetWithdrawn(_) => {}
            SiteEvent::SiteRenamed(event) => self.display_name = event.display_name,
            SiteEvent::SiteRetired(_) => self.retired = true,
        }
    }
}

impl Thing for Asset {
    type Event = AssetEvent;
    const LOAD: &'static str = "SELECT to_jsonb(t) FROM asset t WHERE id = ANY ($1)";
    const STORE: &'static str = include_str!("store_assets.sql");

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn begin(event: &Self::Event, at: At) -> Option<Self> {
        let AssetEvent::AssetRegistered(event) = event else {
            return None;
        };
        let event = event.clone();
        Some(Self {
            id: at.id.into(),
            ledger: at.ledger,
            organisation: event.org,
            site: event.site,
            slug: event.slug,
            display_name: event.display_name,
            kind: event.asset_kind,
            assumptions: event.assumptions,
            retired: false,
            registered_at: at.time,
            first_index: at.index,
            last_index: at.index,
        })
    }

    fn change(&mut self, event: Self::Event, at: At) {
        self.last_index = at.index;
        if let AssetEvent::AssetRetired(_) = event {
            self.retired = true;
        }
    }
}

impl Thing for Device {
    type Event = DeviceEvent;
    const LOAD: &'static str = "SELECT to_jsonb(t) FROM device t WHERE id = ANY ($1)";
    const STORE: &'static str = include_str!("store_devices.sql");

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn begin(event: &Self::Event, at: At) -> Option<Self> {
        let DeviceEvent::DeviceRegistered(registration) = event else {
            return None;
        };
        let mut device = registered(registration.clone(), at);
        device.keys.apply(event);
        Some(device)
    }

    fn change(&mut self, event: Self::Event, at: At) {
        self.last_index = at.index;
        self.keys.apply(&event);
        match event {
            DeviceEvent::DeviceRegistered(_)
            | DeviceEvent::DeviceKeyRotated(_)
            | DeviceEvent::DeviceKeyRevoked(_)
            | DeviceEvent::DeviceCertificateAdded(_)
            | DeviceEvent::DeviceCertificateRevoked(_) => {}
            DeviceEvent::DeviceBound(event) => self.asset = Some(event.asset),
            DeviceEvent::DeviceCredentialRotated(event) => self.credential = Some(event.credential),
            DeviceEvent::DeviceCredentialRevoked(_) => self.credential = None,
            DeviceEvent::DeviceDecommissioned(_) => {
                self.credential = None;
                self.decommissioned = true;
            }
        }
    }
}

fn registered(event: DeviceRegistered, at: At) -> Device {
    Device {
        id: at.id.into(),
        ledger: at.ledger,
        organisation: event.org,
        site: event.site,
        slug: event.name,
        display_name: event.display_name,
        asset: event.asset,
        source: event.source,
        keys: DeviceKeys::default(),
        credential: Some(event.credential),
        metadata: event.metadata,
        sensors: event.sensors,
        decommissioned: false,
        registered_at: at.time,
        first_index: at.index,
        last_index: at.index,
    }
}

/// A ledger's key in a row.
pub(super) mod ledger {
    use sealrock_eventstore::LedgerId;
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "the shape that serde asks for"
    )]
    pub(in crate::registry) fn serialize<S: Serializer>(
        id: &LedgerId,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        s.serialize_i32(id.0)
    }

    pub(in crate::registry) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<LedgerId, D::Error> {
        i32::deserialize(d).map(LedgerId)
    }
}
