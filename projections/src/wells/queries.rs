//! Wells, now or as of an entry, and what devices at them measure.

use std::collections::HashMap;

use sealrock_domain::well::WellKind;
use sealrock_domain::{AssetId, DeviceId, Slug};
use sealrock_eventstore::LedgerId;
use sealrock_ledger::Index;
use sqlx::types::Json;
use uuid::Uuid;

use super::rows::WellRow;
use super::{NAME, StoredWell, WellPlace};
use crate::latest::{Latest, LatestFilter};
use crate::read_models::{QueryError, ReadModels};

/// Which wells; an absent field means all.
#[derive(Debug, Clone, Default)]
pub struct WellFilter {
    /// These.
    pub wells: Option<Vec<AssetId>>,
    /// Of this site.
    pub site: Option<Slug>,
    /// For this.
    pub kind: Option<WellKind>,
    /// Only those that inject.
    pub injecting: bool,
    /// Changed by this entry or a later one.
    pub changed_from: Option<Index>,
}

impl ReadModels {
    /// The wells of a ledger that match, by site and name, as the model stood behind `as_of`.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn wells(
        &self,
        ledger: LedgerId,
        filter: &WellFilter,
        as_of: Option<Index>,
    ) -> Result<Vec<StoredWell>, QueryError> {
        let ids = filter.wells.as_ref();
        let ids: Option<Vec<Uuid>> = ids.map(|wells| wells.iter().map(|id| id.0).collect());
        let rows: Vec<Json<WellRow>> = sqlx::query_scalar(include_str!("wells.sql"))
            .bind(ledger.0)
            .bind(at(as_of))
            .bind(ids)
            .bind(filter.site.as_ref().map(Slug::as_str))
            .bind(filter.kind.map(|kind| kind.to_string()))
            .bind(filter.injecting.then_some("injecting"))
            .bind(at(filter.changed_from))
            .fetch_all(self.pool())
            .await?;
        Ok(rows.into_iter().map(|Json(row)| row.into()).collect())
    }

    /// As [`wells`](Self::wells), with the position to ask with as `changed_from` next: what changes
    /// from there on is in the next answer.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn wells_at(
        &self,
        ledger: LedgerId,
        filter: &WellFilter,
    ) -> Result<(Vec<StoredWell>, Index), QueryError> {
        // Asked first: a change between the two statements is answered twice rather than never.
        let position = self.next_index(NAME, ledger).await?;
        Ok((self.wells(ledger, filter, None).await?, Index(position)))
    }

    /// What the devices that are bound to these wells now have measured last, by device and metric.
    /// A well at which nothing was measured is left out. They are wells of one organisation.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn well_readings(
        &self,
        wells: &[WellPlace],
    ) -> Result<HashMap<WellPlace, Vec<Latest>>, QueryError> {
        let mut readings: HashMap<WellPlace, Vec<Latest>> = HashMap::new();
        let Some(first) = wells.first() else {
            return Ok(readings);
        };
        let bound = self.devices_at(&first.organisation, wells).await?;
        let filter = LatestFilter {
            devices: Some(bound.keys().copied().collect()),
            ..LatestFilter::default()
        };
        for value in self.latest(first.ledger, &filter).await?.0 {
            if let Some(well) = bound.get(&value.device) {
                readings.entry(well.clone()).or_default().push(value);
            }
        }
        Ok(readings)
    }

    async fn devices_at(
        &self,
        organisation: &Slug,
        wells: &[WellPlace],
    ) -> Result<HashMap<DeviceId, WellPlace>, QueryError> {
        let (sites, slugs): (Vec<&str>, Vec<&str>) = wells
            .iter()
            .map(|well| (well.site.as_str(), well.slug.as_str()))
            .unzip();
        let rows: Vec<(Uuid, String, String)> = sqlx::query_as(include_str!("devices.sql"))
            .bind(organisation.as_str())
            .bind(sites)
            .bind(slugs)
            .fetch_all(self.pool())
            .await?;
        let bound = rows.into_iter().filter_map(|(device, site, asset)| {
            let is_there =
                |well: &&WellPlace| well.site.as_str() == site && well.slug.as_str() == asset;
            Some((DeviceId(device), wells.iter().find(is_there)?.clone()))
        });
        Ok(bound.collect())
    }
}

pub(super) fn at(as_of: Option<Index>) -> Option<i64> {
    as_of.map(|index| index.0.cast_signed())
}
