//! Organisations, sites, assets and devices, and the targets of sites.

use std::collections::HashMap;

use async_graphql::dataloader::Loader as Load;
use sealrock_domain::{AssetId, DeviceId, OrganisationId, SiteId, Slug};
use sealrock_ledger::Index;
use sealrock_projections::LedgerId;
use sealrock_projections::registry::{Asset, Device, Organisation, PlaceCursor, Site, Within};
use sealrock_projections::targets::SiteTarget;

use super::{Loader, alike, load_alike};
use crate::schema::problem::Problem;

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

/// Asks for the emission targets of a site, now or behind an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TargetsOf {
    pub(crate) ledger: LedgerId,
    pub(crate) site: SiteId,
    pub(crate) as_of: Option<Index>,
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

load_alike!(
    AssetsOf => Vec<Asset>,
    |key| (key.0.after.clone(), key.0.first),
    |read, (after, first), keys| {
        let places: Vec<Within> = keys.iter().map(|key| key.0.within.clone()).collect();
        read.assets_of(&places, after.as_ref(), first).await
    }
);
load_alike!(
    DevicesOf => Vec<Device>,
    |key| (key.0.after.clone(), key.0.first),
    |read, (after, first), keys| {
        let places: Vec<Within> = keys.iter().map(|key| key.0.within.clone()).collect();
        read.devices_of(&places, after.as_ref(), first).await
    }
);
load_alike!(
    SitesOf => Vec<Site>,
    |key| (key.after.clone(), key.first),
    |read, (after, first), keys| {
        let names: Vec<Slug> = keys.iter().map(|key| key.organisation.clone()).collect();
        read.sites_of(&names, after.as_ref(), first).await
    }
);

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
