//! Capture units.

use async_graphql::{Context, ID, Object};
use sealrock_domain::Mass;
use sealrock_projections::captures::CaptureUnit as StoredUnit;

use super::{Capture, CaptureTotal, Captures};
use crate::schema::global_id::GlobalId;
use crate::schema::paging::{self, Page};
use crate::schema::position::Position;
use crate::schema::problem::Problem;
use crate::schema::provenance::Provenance;
use crate::schema::scalars::{Day, Time};
use crate::schema::types::{Asset, CaptureTechnology, CaptureUnitStatus, Per, shown};

/// A plant that takes CO2 out of a gas.
pub(crate) struct CaptureUnit {
    pub(super) captures: Captures,
    pub(super) stored: StoredUnit,
}

/// A plant that takes CO2 out of a gas: an asset of kind `CAPTURE_UNIT` that was registered as one. What
/// is below it is as of the same position, unless it says otherwise.
#[Object]
impl CaptureUnit {
    /// Id of its asset, for `node`.
    async fn id(&self) -> ID {
        GlobalId::Asset(self.stored.id).into()
    }

    /// Its name at its site: that of its asset.
    async fn slug(&self) -> &str {
        self.stored.slug.as_str()
    }

    /// The asset; null for who may not read telemetry.
    async fn asset(&self, context: &Context<'_>) -> Result<Option<Asset>, Problem> {
        shown::asset(context, self.stored.id).await
    }

    /// How it captures.
    async fn technology(&self) -> CaptureTechnology {
        self.stored.technology.into()
    }

    /// The most that it can capture in a UTC day, in kilograms, a decimal.
    async fn capacity_kg_per_day(&self) -> Option<String> {
        self.stored.capacity_per_day.map(Mass::kilograms)
    }

    /// Whether it runs.
    async fn status(&self) -> CaptureUnitStatus {
        self.stored.status.into()
    }

    /// Why, if somebody said.
    async fn status_reason(&self) -> Option<String> {
        self.stored.reason.as_ref().map(ToString::to_string)
    }

    /// Since when.
    async fn status_since(&self) -> Time {
        self.stored.changed_at.into()
    }

    /// What it captured, the newest first.
    #[graphql(complexity = "paging::cost(first, child_complexity)")]
    async fn captures(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many items: 1 to 1,000; without it, 20.")] first: Option<i32>,
        #[graphql(desc = "Behind this `endCursor` of the page before.")] after: Option<String>,
        #[graphql(desc = "From this UTC day on.")] from_day: Option<Day>,
        #[graphql(desc = "Up to and with this UTC day.")] to_day: Option<Day>,
        #[graphql(desc = "As the ledger had it behind this entry; without it, as of now.")]
        as_of: Option<Position>,
    ) -> Result<Page<Capture>, Problem> {
        let captures = self.captures.as_of(context, as_of).await?;
        captures
            .page(context, (from_day, to_day), (first, after))
            .await
    }

    /// What it captured in all, by day, month or year.
    #[graphql(complexity = "10 + 10 * child_complexity")]
    async fn capture_totals(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The time that each total is of.")] per: Per,
        #[graphql(desc = "From this UTC day on.")] from_day: Option<Day>,
        #[graphql(desc = "Up to and with this UTC day.")] to_day: Option<Day>,
        #[graphql(desc = "As the ledger had it behind this entry; without it, as of now.")]
        as_of: Option<Position>,
    ) -> Result<Vec<CaptureTotal>, Problem> {
        let captures = self.captures.as_of(context, as_of).await?;
        captures.totals(context, per, (from_day, to_day)).await
    }

    /// The entries that registered it and changed it last.
    async fn provenance(&self) -> Provenance {
        let indexes = [self.stored.first_index, self.stored.last_index];
        Provenance::of(&self.captures.ledger.name, indexes)
    }
}
