//! What devices measured and how they are doing.

use std::collections::HashMap;

use async_graphql::dataloader::Loader as Load;
use chrono::{DateTime, Utc};
use sealrock_domain::telemetry::MetricName;
use sealrock_domain::telemetry::window::Hour;
use sealrock_domain::{DeviceId, Slug};
use sealrock_ledger::Index;
use sealrock_projections::LedgerId;
use sealrock_projections::device_status::{DeviceStatus, Gap};
use sealrock_projections::latest::{Latest, LatestFilter};
use sealrock_projections::leaderboard::Period;
use sealrock_projections::readings::BucketEntries;
use sealrock_projections::wells::WellPlace;
use sealrock_projections::windows::Window;

use super::{Loader, alike, load_alike};
use crate::schema::problem::Problem;

/// Asks for the status of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct StatusOf(pub(crate) DeviceId);

/// Asks for the latest values of a device, which are in this ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct LatestOfDevice(pub(crate) LedgerId, pub(crate) DeviceId);

/// Asks for the latest values at a site.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct LatestAt(pub(crate) LedgerId, pub(crate) Slug);

/// Asks for the latest values of the devices at a well.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ReadingsOfWell(pub(crate) WellPlace);

/// Asks for the newest gaps of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct GapsOf {
    pub(crate) device: DeviceId,
    pub(crate) only_open: bool,
    pub(crate) first: u32,
}

/// Asks for the newest hours of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct WindowsOf {
    pub(crate) device: DeviceId,
    pub(crate) before: Option<Hour>,
    pub(crate) first: u32,
}

/// Asks for the first entries that the figures of devices in a period rest on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct EvidenceOf {
    pub(crate) ledger: LedgerId,
    pub(crate) devices: Vec<DeviceId>,
    pub(crate) period: Period,
    pub(crate) first: u32,
}

/// Asks for the entries that a bucket of a device's metric rests on, by its first readings.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct EntriesOfBucket {
    pub(crate) device: DeviceId,
    pub(crate) metric: MetricName,
    pub(crate) span: (DateTime<Utc>, DateTime<Utc>),
    pub(crate) most: u32,
}

load_alike!(
    EntriesOfBucket => Option<BucketEntries>,
    |key| (key.device, key.metric.clone(), key.most),
    |read, (device, metric, most), keys| {
        let spans: Vec<_> = keys.iter().map(|key| key.span).collect();
        read.entries_of_buckets((device, &metric), &spans, most).await
    }
);

load_alike!(
    EvidenceOf => Vec<Index>,
    |key| (key.ledger, key.period, key.first),
    |read, (ledger, period, first), keys| {
        let groups: Vec<Vec<DeviceId>> = keys.iter().map(|key| key.devices.clone()).collect();
        read.evidence_of(ledger, &groups, period, first).await
    }
);

impl Load<StatusOf> for Loader {
    type Value = DeviceStatus;
    type Error = Problem;

    async fn load(&self, ids: &[StatusOf]) -> Result<HashMap<StatusOf, DeviceStatus>, Problem> {
        let ids: Vec<DeviceId> = ids.iter().map(|id| id.0).collect();
        let statuses = self.0.device_statuses(&ids).await?;
        Ok(statuses
            .into_iter()
            .map(|status| (StatusOf(status.device), status))
            .collect())
    }
}

impl Load<GapsOf> for Loader {
    type Value = Vec<Gap>;
    type Error = Problem;

    async fn load(&self, keys: &[GapsOf]) -> Result<HashMap<GapsOf, Vec<Gap>>, Problem> {
        let mut of_device = HashMap::new();
        for ((only_open, first), keys) in alike(keys, |key| (key.only_open, key.first)) {
            let ids: Vec<DeviceId> = keys.iter().map(|key| key.device).collect();
            let mut found = self.0.gaps_of(&ids, only_open, first).await?;
            let gaps = |key: GapsOf| Some((key, found.remove(&key.device)?));
            of_device.extend(keys.into_iter().filter_map(gaps));
        }
        Ok(of_device)
    }
}

impl Load<WindowsOf> for Loader {
    type Value = Vec<Window>;
    type Error = Problem;

    async fn load(&self, keys: &[WindowsOf]) -> Result<HashMap<WindowsOf, Vec<Window>>, Problem> {
        let mut of_device = HashMap::new();
        for ((before, first), keys) in alike(keys, |key| (key.before, key.first)) {
            let ids: Vec<DeviceId> = keys.iter().map(|key| key.device).collect();
            let mut found = self.0.windows_of(&ids, before, first).await?;
            let windows = |key: WindowsOf| Some((key, found.remove(&key.device)?));
            of_device.extend(keys.into_iter().filter_map(windows));
        }
        Ok(of_device)
    }
}

impl Load<LatestOfDevice> for Loader {
    type Value = Vec<Latest>;
    type Error = Problem;

    async fn load(
        &self,
        keys: &[LatestOfDevice],
    ) -> Result<HashMap<LatestOfDevice, Vec<Latest>>, Problem> {
        let mut of_ledger: HashMap<LedgerId, Vec<DeviceId>> = HashMap::new();
        for LatestOfDevice(ledger, device) in keys {
            of_ledger.entry(*ledger).or_default().push(*device);
        }
        let mut found: HashMap<LatestOfDevice, Vec<Latest>> = HashMap::new();
        for (ledger, devices) in of_ledger {
            let filter = LatestFilter {
                devices: Some(devices),
                ..LatestFilter::default()
            };
            for latest in self.0.latest(ledger, &filter).await?.0 {
                found
                    .entry(LatestOfDevice(ledger, latest.device))
                    .or_default()
                    .push(latest);
            }
        }
        Ok(found)
    }
}

impl Load<LatestAt> for Loader {
    type Value = Vec<Latest>;
    type Error = Problem;

    async fn load(&self, keys: &[LatestAt]) -> Result<HashMap<LatestAt, Vec<Latest>>, Problem> {
        let mut found: HashMap<LatestAt, Vec<Latest>> = HashMap::new();
        for (ledger, keys) in alike(keys, |key| key.0) {
            let sites: Vec<Slug> = keys.into_iter().map(|key| key.1).collect();
            for latest in self.0.latest_at(ledger, &sites).await? {
                if let Some(site) = latest.site.clone() {
                    let of_site = found.entry(LatestAt(ledger, site)).or_default();
                    of_site.push(latest);
                }
            }
        }
        Ok(found)
    }
}

impl Load<ReadingsOfWell> for Loader {
    type Value = Vec<Latest>;
    type Error = Problem;

    async fn load(
        &self,
        keys: &[ReadingsOfWell],
    ) -> Result<HashMap<ReadingsOfWell, Vec<Latest>>, Problem> {
        let mut of_ledger: HashMap<LedgerId, Vec<WellPlace>> = HashMap::new();
        for ReadingsOfWell(place) in keys {
            of_ledger
                .entry(place.ledger)
                .or_default()
                .push(place.clone());
        }
        let mut found = HashMap::new();
        for places in of_ledger.into_values() {
            let readings = self.0.well_readings(&places).await?.into_iter();
            found.extend(readings.map(|(place, latest)| (ReadingsOfWell(place), latest)));
        }
        Ok(found)
    }
}
