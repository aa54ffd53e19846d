//! Looks up many things at once where a list would ask for each alone.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::{PoisonError, RwLock};

use async_graphql::Context;
use async_graphql::dataloader::{DataLoader, Loader as Load};
use sealrock_domain::{AssetId, DeviceId, OrganisationId, SiteId};
use sealrock_ledger::LedgerName;
use sealrock_projections::device_status::DeviceStatus;
use sealrock_projections::latest::{Latest, LatestFilter};
use sealrock_projections::registry::{Asset, Device, Organisation, Site};
use sealrock_projections::wells::WellPlace;
use sealrock_projections::{LedgerId, QueryError, ReadModels};

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
