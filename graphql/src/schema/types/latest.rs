//! Latest values.

use async_graphql::{Context, Object};
use sealrock_ledger::LedgerName;
use sealrock_projections::latest::{Latest, LatestFilter};
use sealrock_projections::{LedgerId, ReadModels};
use uuid::Uuid;

use super::{Device, Source, shown};
use crate::schema::loaders::ledger_name;
use crate::schema::position::Position;
use crate::schema::problem::Problem;
use crate::schema::provenance::Provenance;
use crate::schema::scalars::Time;

/// The newest value of a device and metric, by the reading's own time.
pub(crate) struct LatestReading {
    ledger: LedgerName,
    latest: Latest,
}

/// The newest value of a device and metric, by the reading's own time.
#[Object]
impl LatestReading {
    /// Id of the device.
    async fn device_id(&self) -> Uuid {
        self.latest.device.as_uuid()
    }

    /// Who measured.
    async fn device(&self, context: &Context<'_>) -> Result<Option<Device>, Problem> {
        shown::device(context, self.latest.device).await
    }

    /// What was measured.
    async fn metric(&self) -> &str {
        self.latest.metric.as_str()
    }

    /// When, by the device's clock.
    async fn at(&self) -> Time {
        self.latest.at.into()
    }

    /// The value, in `unit`.
    async fn value(&self) -> f64 {
        self.latest.value
    }

    /// The metric's own unit (UCUM).
    async fn unit(&self) -> &str {
        &self.latest.unit
    }

    /// Whether it is real.
    async fn source(&self) -> Option<Source> {
        self.latest.source.map(Source::from)
    }

    /// The position behind the entry that holds it.
    async fn position(&self) -> Position {
        Position::entry(self.ledger.clone(), self.latest.index)
    }

    /// The entry that holds it.
    async fn provenance(&self) -> Provenance {
        Provenance::of(&self.ledger, [self.latest.index])
    }
}

impl LatestReading {
    pub(crate) fn new(ledger: LedgerName, latest: Latest) -> Self {
        Self { ledger, latest }
    }

    pub(crate) async fn all(
        context: &Context<'_>,
        ledger: LedgerId,
        filter: &LatestFilter,
    ) -> Result<Vec<Self>, Problem> {
        let (latest, _) = context
            .data_unchecked::<ReadModels>()
            .latest(ledger, filter)
            .await?;
        let name = ledger_name(context, ledger).await?;
        Ok(latest
            .into_iter()
            .map(|latest| Self::new(name.clone(), latest))
            .collect())
    }
}
