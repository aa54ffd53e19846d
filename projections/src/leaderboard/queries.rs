//! What the leaderboard is made of.

use std::collections::BTreeMap;

use sealrock_domain::{DeviceId, SiteId, Slug};
use sealrock_eventstore::LedgerId;
use sealrock_ledger::Index;
use uuid::Uuid;

use super::rank::{Known, Measured, rank};
use super::{Leaderboard, METRIC, Period, RankBy};
use crate::asked::by_number;
use crate::read_models::{QueryError, ReadModels, stored};
use crate::registry::Site;

#[derive(sqlx::FromRow)]
struct StackRow {
    site: String,
    slug: String,
    biogenic_fraction: Option<String>,
    filled: i64,
    mean_sum: f64,
    devices: Vec<Uuid>,
}

impl ReadModels {
    /// The sites of an organisation that have stacks or captures, ranked over a period.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn leaderboard(
        &self,
        organisation: &Slug,
        ledger: LedgerId,
        period: Period,
        by: RankBy,
    ) -> Result<Leaderboard, QueryError> {
        let mut stacks: BTreeMap<SiteId, Vec<Measured>> = BTreeMap::new();
        for row in self.stacks(organisation, period).await? {
            let site = SiteId::of(organisation, &stored(&row.site)?);
            stacks.entry(site).or_default().push(row.try_into()?);
        }
        let mut captured = self.captured_in(ledger, period).await?;
        for site in captured.keys() {
            stacks.entry(SiteId::of(organisation, site)).or_default();
        }
        let ids: Vec<SiteId> = stacks.keys().copied().collect();
        let sites: Vec<Site> = self.sites_by_id(&ids).await?;
        let mut targets = self.emission_targets(ledger, &ids, None).await?;
        let known = sites.into_iter().map(|site| Known {
            stacks: stacks.remove(&site.id).unwrap_or_default(),
            captured: captured.remove(&site.slug),
            targets: targets
                .extract_if(.., |target| target.site == site.id)
                .collect(),
            site,
        });
        Ok(Leaderboard {
            period,
            rows: rank(period, by, known),
        })
    }

    async fn stacks(
        &self,
        organisation: &Slug,
        period: Period,
    ) -> Result<Vec<StackRow>, QueryError> {
        let tiles = period.tiles();
        let rows = sqlx::query_as(include_str!("stacks.sql"))
            .bind(organisation.as_str())
            .bind(METRIC)
            .bind(tiles.iter().map(|tile| tile.width).collect::<Vec<_>>())
            .bind(tiles.iter().map(|tile| tile.from).collect::<Vec<_>>())
            .bind(tiles.iter().map(|tile| tile.to).collect::<Vec<_>>())
            .bind(period.from)
            .bind(period.to)
            .fetch_all(self.pool())
            .await?;
        Ok(rows)
    }

    /// Of each of these groups of devices, in their order, the first `limit` entries that their figures
    /// in a period rest on: the newest seal of each hour, and batches that no seal holds.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn evidence_of(
        &self,
        ledger: LedgerId,
        groups: &[Vec<DeviceId>],
        period: Period,
        limit: u32,
    ) -> Result<Vec<Vec<Index>>, QueryError> {
        let devices = |(number, group): (i64, &'_ Vec<DeviceId>)| {
            let devices = group.iter().map(move |device| (number, device.0));
            devices.collect::<Vec<_>>()
        };
        let (numbers, devices): (Vec<i64>, Vec<Uuid>) = (1..).zip(groups).flat_map(devices).unzip();
        let rows: Vec<(i64, i64)> = sqlx::query_as(include_str!("evidence.sql"))
            .bind(ledger.0)
            .bind(numbers)
            .bind(devices)
            .bind(period.from)
            .bind(period.to)
            .bind(i64::from(limit))
            .fetch_all(self.pool())
            .await?;
        let index = |(number, index): (i64, i64)| (number, Index(index.unsigned_abs()));
        Ok(by_number(rows.into_iter().map(index), groups.len()))
    }
}

impl TryFrom<StackRow> for Measured {
    type Error = QueryError;

    fn try_from(row: StackRow) -> Result<Self, QueryError> {
        Ok(Self {
            slug: stored(&row.slug)?,
            biogenic_fraction: row.biogenic_fraction,
            filled: row.filled.unsigned_abs(),
            mean_sum: row.mean_sum,
            devices: row.devices.into_iter().map(DeviceId).collect(),
        })
    }
}
