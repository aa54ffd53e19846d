//! Sites ranked by what they emit.

use async_graphql::{Context, Enum, Object};
use futures::future::try_join_all;
use sealrock_domain::AssetId;
use sealrock_ledger::LedgerName;
use sealrock_projections::leaderboard::{
    self, Period, REQUIRED_COVERAGE_PERCENT, RankBy, Rate, Row, Stack,
};
use sealrock_projections::registry::Site as StoredSite;

use super::{Asset, Device, EmissionTarget, Site, shown};
use crate::schema::loaders::{EvidenceOf, ledger_name, load};
use crate::schema::problem::Problem;
use crate::schema::provenance::Provenance;
use crate::schema::scalars::{Count, Time};

/// The most entries that are named as a row's provenance.
const MOST_ENTRIES: u32 = 1_000;

/// By what sites are ranked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "sealrock_projections::leaderboard::RankBy")]
pub(crate) enum LeaderboardOrder {
    /// All CO2.
    Total,
    /// Fossil CO2 only: sites whose fossil part is not known have no rank.
    Fossil,
}

/// Sites ranked by their mean emission rates over a period, lowest first.
pub(crate) struct Leaderboard {
    by: RankBy,
    found: leaderboard::Leaderboard,
}

impl Leaderboard {
    pub(crate) fn new(by: RankBy, found: leaderboard::Leaderboard) -> Self {
        Self { by, found }
    }
}

/// Sites ranked by their mean emission rates over a period, lowest first.
#[Object]
impl Leaderboard {
    /// Where the period begins: what was asked for, taken back to the five minutes that it lies in.
    async fn from(&self) -> Time {
        self.found.period.from.into()
    }

    /// Where the period ends: what was asked for or the present, taken back to five minutes. What has
    /// not passed yet is expected of nobody.
    async fn to(&self) -> Time {
        self.found.period.to.into()
    }

    /// By what the sites are ranked.
    async fn ranked_by(&self) -> LeaderboardOrder {
        self.by.into()
    }

    /// Buckets of five minutes in the period, of which each stack should have data.
    async fn expected_buckets(&self) -> Count {
        Count(self.found.period.buckets())
    }

    /// The least coverage of a site that is ranked, 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "it is 75")]
    async fn required_coverage(&self) -> f64 {
        REQUIRED_COVERAGE_PERCENT as f64 / 100.0
    }

    /// The sites that have stacks or captures: those with a rank by rank, then the others by name.
    #[graphql(complexity = "20 * child_complexity")]
    async fn rows(&self) -> Vec<LeaderboardRow<'_>> {
        let rows = self.found.rows.iter();
        rows.map(|row| LeaderboardRow {
            period: self.found.period,
            row,
        })
        .collect()
    }
}

/// A site over the period.
struct LeaderboardRow<'l> {
    period: Period,
    row: &'l Row,
}

impl LeaderboardRow<'_> {
    async fn ledger(&self, context: &Context<'_>) -> Result<LedgerName, Problem> {
        ledger_name(context, self.row.site.ledger).await
    }
}

/// A site over the period.
#[Object]
impl LeaderboardRow<'_> {
    /// Its place; equal rates (to the gram an hour) share one. Null if too little was measured.
    async fn rank(&self) -> Option<u32> {
        self.row.rank.as_ref().ok().copied()
    }

    /// Why it has no rank.
    async fn unranked_because(&self) -> Option<String> {
        self.row.rank.as_ref().err().map(ToString::to_string)
    }

    /// The site.
    async fn site(&self) -> Site {
        Site(self.row.site.clone())
    }

    /// What its stacks emitted on average, kg/h, a decimal to the gram: the mean over the buckets of
    /// five minutes with data, each with the same weight. Null while a stack has no data.
    async fn average_kg_per_h(&self) -> Option<String> {
        self.row.rate.map(text)
    }

    /// The fossil part of it, where the assumption `biogenic_fraction` of every stack tells.
    async fn fossil_kg_per_h(&self) -> Option<String> {
        self.row.split.as_ref().ok().map(|split| text(split.fossil))
    }

    /// The part of plants that grew, where the assumption `biogenic_fraction` of every stack tells.
    async fn biogenic_kg_per_h(&self) -> Option<String> {
        self.row
            .split
            .as_ref()
            .ok()
            .map(|split| text(split.biogenic))
    }

    /// Why fossil and biogenic CO2 are not told apart.
    async fn split_unknown_because(&self) -> Option<String> {
        self.row.split.as_ref().err().map(ToString::to_string)
    }

    /// Buckets with data by buckets of the period, 0 to 1, of the stack that has the fewest.
    #[expect(clippy::cast_precision_loss, reason = "no period has 2^53 buckets")]
    async fn coverage(&self) -> f64 {
        self.row.filled as f64 / self.period.buckets() as f64
    }

    /// Buckets of five minutes with data, of the stack that has the fewest.
    async fn buckets_with_data(&self) -> Count {
        Count(self.row.filled)
    }

    /// What it captured in the period, in kilograms, a decimal: its records that begin in it, as
    /// corrected. Null without a record.
    async fn captured_kg(&self) -> Option<String> {
        let captured = self.row.captured.as_ref();
        captured.map(|captured| captured.mass.kilograms())
    }

    /// The entries of those records.
    async fn captured_provenance(
        &self,
        context: &Context<'_>,
    ) -> Result<Option<Provenance>, Problem> {
        let Some(captured) = &self.row.captured else {
            return Ok(None);
        };
        let ledger = self.ledger(context).await?;
        let truncated = captured.records > captured.indexes.len() as u64;
        let indexes = captured.indexes.iter().copied();
        Ok(Some(Provenance::of(&ledger, indexes).cut_short(truncated)))
    }

    /// The target of the period, kg/h, a decimal: of several targets the mean over their time. Null
    /// if a part of the period has none.
    async fn target_kg_per_h(&self) -> Option<String> {
        let target = self.row.target_kg_per_h?;
        Some(text(Rate::from_tonnes_per_hour(target / 1000.0)))
    }

    /// The targets that hold in the period.
    async fn targets(&self, context: &Context<'_>) -> Result<Vec<EmissionTarget>, Problem> {
        let ledger = self.ledger(context).await?;
        let targets = self.row.targets.iter().cloned();
        let targets = targets.map(|target| EmissionTarget::new(&ledger, target));
        Ok(targets.collect())
    }

    /// Whether the average is the target or lower. Null without a target, or where too little was
    /// measured.
    async fn target_met(&self) -> Option<bool> {
        self.row.target_met
    }

    /// Its stacks, by name.
    #[graphql(complexity = "child_complexity")]
    async fn stacks(&self) -> Vec<LeaderboardStack<'_>> {
        let stacks = self.row.stacks.iter();
        stacks
            .map(|stack| LeaderboardStack {
                site: &self.row.site,
                stack,
            })
            .collect()
    }

    /// The entries that the average rests on: the newest seal of each hour of the devices, and
    /// batches that no seal holds yet. Looked up when asked for.
    #[graphql(complexity = 50)]
    async fn provenance(&self, context: &Context<'_>) -> Result<Provenance, Problem> {
        let devices: Vec<_> = self
            .row
            .stacks
            .iter()
            .flat_map(|stack| stack.devices.clone())
            .collect();
        let asked = EvidenceOf {
            ledger: self.row.site.ledger,
            devices,
            period: self.period,
            first: MOST_ENTRIES + 1,
        };
        let mut found = load(context, asked).await?.unwrap_or_default();
        let truncated = found.len() > MOST_ENTRIES as usize;
        found.truncate(MOST_ENTRIES as usize);
        let ledger = self.ledger(context).await?;
        Ok(Provenance::of(&ledger, found).cut_short(truncated))
    }
}

/// A stack over the period.
struct LeaderboardStack<'l> {
    site: &'l StoredSite,
    stack: &'l Stack,
}

/// A stack over the period.
#[Object]
impl LeaderboardStack<'_> {
    /// Its name in paths.
    async fn slug(&self) -> &str {
        self.stack.slug.as_str()
    }

    /// The stack itself; null for who may not read telemetry.
    async fn asset(&self, context: &Context<'_>) -> Result<Option<Asset>, Problem> {
        let StoredSite {
            organisation, slug, ..
        } = self.site;
        let id = AssetId::of(organisation, slug, &self.stack.slug);
        shown::asset(context, id).await
    }

    /// What it emitted on average, kg/h, a decimal to the gram; null without data.
    async fn average_kg_per_h(&self) -> Option<String> {
        self.stack.rate.map(text)
    }

    /// Buckets of five minutes with data.
    async fn buckets_with_data(&self) -> Count {
        Count(self.stack.filled)
    }

    /// Which part of its CO2 is of plants that grew, a decimal from 0 to 1; null if its assumption
    /// `biogenic_fraction` is missing or no such number.
    async fn biogenic_fraction(&self) -> Option<String> {
        self.stack
            .biogenic_fraction
            .as_ref()
            .ok()
            .map(ToString::to_string)
    }

    /// The devices that measured; none for who may not read telemetry. Several at one stack count as
    /// their mean.
    #[graphql(complexity = "child_complexity")]
    async fn devices(&self, context: &Context<'_>) -> Result<Vec<Device>, Problem> {
        let ids = self.stack.devices.iter();
        let found = try_join_all(ids.map(|id| shown::device(context, *id))).await?;
        Ok(found.into_iter().flatten().collect())
    }
}

fn text(rate: Rate) -> String {
    rate.to_string()
}
