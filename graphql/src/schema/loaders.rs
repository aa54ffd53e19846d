//! Looks up many things at once where a list would ask for each alone.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::{PoisonError, RwLock};

use async_graphql::Context;
use async_graphql::dataloader::{DataLoader, Loader as Load};
use sealrock_domain::telemetry::window::Hour;
use sealrock_domain::{AssetId, DeviceId, OrganisationId, SiteId, Slug};
use sealrock_ledger::{Index, LedgerName};
use sealrock_projections::device_status::{DeviceStatus, Gap};
use sealrock_projections::latest::{Latest, LatestFilter};
use sealrock_projections::registry::{Asset, Device, Organisation, PlaceCursor, Site, Within};
use sealrock_projections::targets::SiteTarget;
use sealrock_projections::wells::WellPlace;
use sealrock_projections::windows::Window;
use sealrock_projections::{LedgerId, LedgerInfo, QueryError, ReadModels};

use super::problem::Problem;

/// Looks things up in the read models.
pub(crate) struct Loader(pub(crate) ReadModels);

/// Asks for the status of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct StatusOf(pub(crate) DeviceId);

/// Asks for the latest values of a device, which are in this ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct LatestOfDevice(pub(crate) LedgerId, pub(crate) DeviceId);

/// Asks for the latest values of the devices at a well.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ReadingsOfWell(pub(crate) WellPlace);

/// A page of what a place has, one more than it shows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct PlacePage {
    pub(crate) within: Within,
    pub(crate) after: Option<PlaceCursor>,
    pub(crate) first: u32,
}

/// Asks for a page of a place's assets.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct AssetsOf(pub(crate) PlacePage);

/// Asks for a page of a place's devices.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct DevicesOf(pub(crate) PlacePage);

/// Asks for a page of an organisation's sites.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SitesOf {
    pub(crate) organisation: Slug,
    pub(crate) after: Option<Slug>,
    pub(crate) first: u32,
}

/// Asks for the ledger that takes what is recorded under this organisation's name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct CurrentLedger(pub(crate) LedgerName);

/// Asks for the emission targets of a site, now or behind an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TargetsOf {
    pub(crate) ledger: LedgerId,
    pub(crate) site: SiteId,
    pub(crate) as_of: Option<Index>,
}

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

/// One thing, looked up together with those that are asked for at the same time.
pub(crate) async fn load<K>(
    context: &Context<'_>,
    key: K,
) -> Result<Option<<Loader as Load<K>>::Value>, Problem>
where
    K: Send + Sync + Hash + Eq + Clone + 'static,
    Loader: Load<K, Error = Problem>,
{
    context
        .data_unchecked::<DataLoader<Loader>>()
        .load_one(key)
        .await
}

/// Names of ledgers that were looked up: they never change, and there are as many as organisations.
#[derive(Default)]
pub(crate) struct LedgerNames(RwLock<HashMap<LedgerId, LedgerName>>);

impl LedgerNames {
    fn get(&self, ledger: LedgerId) -> Option<LedgerName> {
        let names = self.0.read().unwrap_or_else(PoisonError::into_inner);
        names.get(&ledger).cloned()
    }

    fn keep(&self, ledger: LedgerId, name: LedgerName) {
        let mut names = self.0.write().unwrap_or_else(PoisonError::into_inner);
        names.insert(ledger, name);
    }
}

/// The name of a ledger that a row of a read model names.
///
/// # Errors
/// If there is no such ledger, which cannot be: read models hold what ledgers hold.
pub(crate) async fn ledger_name(
    context: &Context<'_>,
    ledger: LedgerId,
) -> Result<LedgerName, Problem> {
    let known: &LedgerNames = context.data_unchecked();
    if let Some(name) = known.get(ledger) {
        return Ok(name);
    }
    let gone = || Problem::from(QueryError::Stored(format!("ledger {}", ledger.0)));
    let name = load(context, ledger).await?.ok_or_else(gone)?;
    known.keep(ledger, name.clone());
    Ok(name)
}

/// As [`ledger_name`], for many rows at once; every name that was asked for is there.
pub(crate) async fn ledger_names(
    context: &Context<'_>,
    ledgers: impl Iterator<Item = LedgerId>,
) -> Result<HashMap<LedgerId, LedgerName>, Problem> {
    let distinct: HashSet<LedgerId> = ledgers.collect();
    let mut names = HashMap::new();
    for ledger in distinct {
        names.insert(ledger, ledger_name(context, ledger).await?);
    }
    Ok(names)
}

impl Load<LedgerId> for Loader {
    type Value = LedgerName;
    type Error = Problem;

    async fn load(&self, _: &[LedgerId]) -> Result<HashMap<LedgerId, LedgerName>, Problem> {
        let ledgers = self.0.ledgers().await?;
        Ok(ledgers
            .into_iter()
            .map(|ledger| (ledger.id, ledger.name))
            .collect())
    }
}

macro_rules! load_by_id {
    ($id:ty, $thing:ty, $query:ident) => {
        impl Load<$id> for Loader {
            type Value = $thing;
            type Error = Problem;

            async fn load(&self, ids: &[$id]) -> Result<HashMap<$id, $thing>, Problem> {
                let found = self.0.$query(ids).await?;
                Ok(found.into_iter().map(|thing| (thing.id, thing)).collect())
            }
        }
    };
}

load_by_id!(OrganisationId, Organisation, organisations_by_id);
load_by_id!(SiteId, Site, sites_by_id);
load_by_id!(AssetId, Asset, assets_by_id);
load_by_id!(DeviceId, Device, devices_by_id);

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

/// Keys that ask alike, so that one statement answers them. As a rule all of a list do.
fn alike<K: Clone, A: Eq + Hash>(keys: &[K], asked: impl Fn(&K) -> A) -> HashMap<A, Vec<K>> {
    let mut groups: HashMap<A, Vec<K>> = HashMap::new();
    for key in keys {
        groups.entry(asked(key)).or_default().push(key.clone());
    }
    groups
}

macro_rules! load_pages {
    ($key:ident, $thing:ty, $query:ident) => {
        impl Load<$key> for Loader {
            type Value = Vec<$thing>;
            type Error = Problem;

            async fn load(&self, keys: &[$key]) -> Result<HashMap<$key, Vec<$thing>>, Problem> {
                let mut pages = HashMap::new();
                for ((after, first), keys) in alike(keys, |key| (key.0.after.clone(), key.0.first))
                {
                    let places: Vec<Within> = keys.iter().map(|key| key.0.within.clone()).collect();
                    let found = self.0.$query(&places, after.as_ref(), first).await?;
                    pages.extend(keys.into_iter().zip(found));
                }
                Ok(pages)
            }
        }
    };
}

load_pages!(AssetsOf, Asset, assets_of);
load_pages!(DevicesOf, Device, devices_of);

impl Load<SitesOf> for Loader {
    type Value = Vec<Site>;
    type Error = Problem;

    async fn load(&self, keys: &[SitesOf]) -> Result<HashMap<SitesOf, Vec<Site>>, Problem> {
        let mut pages = HashMap::new();
        for ((after, first), keys) in alike(keys, |key| (key.after.clone(), key.first)) {
            let names: Vec<Slug> = keys.iter().map(|key| key.organisation.clone()).collect();
            let found = self.0.sites_of(&names, after.as_ref(), first).await?;
            pages.extend(keys.into_iter().zip(found));
        }
        Ok(pages)
    }
}

impl Load<CurrentLedger> for Loader {
    type Value = LedgerInfo;
    type Error = Problem;

    async fn load(
        &self,
        keys: &[CurrentLedger],
    ) -> Result<HashMap<CurrentLedger, LedgerInfo>, Problem> {
        let all = self.0.ledgers().await?;
        // In the order in which they were made, so the one that continues the others comes last.
        let current = |name: &LedgerName| all.iter().rfind(|one| one.recorded_under(&all) == name);
        let found = keys.iter().filter_map(|key| {
            let ledger = current(&key.0)?;
            Some((key.clone(), ledger.clone()))
        });
        Ok(found.collect())
    }
}

impl Load<TargetsOf> for Loader {
    type Value = Vec<SiteTarget>;
    type Error = Problem;

    async fn load(
        &self,
        keys: &[TargetsOf],
    ) -> Result<HashMap<TargetsOf, Vec<SiteTarget>>, Problem> {
        let mut of_site: HashMap<TargetsOf, Vec<SiteTarget>> = HashMap::new();
        for ((ledger, as_of), keys) in alike(keys, |key| (key.ledger, key.as_of)) {
            let sites: Vec<SiteId> = keys.iter().map(|key| key.site).collect();
            for target in self.0.emission_targets(ledger, &sites, as_of).await? {
                let site = target.site;
                let key = TargetsOf {
                    ledger,
                    site,
                    as_of,
                };
                of_site.entry(key).or_default().push(target);
            }
        }
        Ok(of_site)
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
