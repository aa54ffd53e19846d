//! Readings.

use std::sync::Arc;

use async_graphql::{Context, Object};
use sealrock_domain::telemetry::{Value, metric};
use sealrock_ledger::LedgerName;
use sealrock_projections::readings::Reading as Stored;
use uuid::Uuid;

use super::{Device, Quality, Source, shown};
use crate::schema::position::Position;
use crate::schema::problem::Problem;
use crate::schema::provenance::Provenance;
use crate::schema::scalars::Time;

/// A reading as a device sent it, and as it was judged.
pub(crate) struct Reading {
    ledger: LedgerName,
    stored: Arc<Stored>,
}

impl Reading {
    pub(crate) fn new(ledger: LedgerName, stored: impl Into<Arc<Stored>>) -> Self {
        Self {
            ledger,
            stored: stored.into(),
        }
    }
}

/// A reading as a device sent it, and as it was judged.
#[Object]
impl Reading {
    /// Id of the device.
    async fn device_id(&self) -> Uuid {
        self.stored.device.as_uuid()
    }

    /// Who measured.
    async fn device(&self, context: &Context<'_>) -> Result<Option<Device>, Problem> {
        shown::device(context, self.stored.device).await
    }

    /// What was measured.
    async fn metric(&self) -> &str {
        self.stored.metric.as_str()
    }

    /// When, by the device's clock.
    async fn at(&self) -> Time {
        self.stored.at.into()
    }

    /// The value in the metric's own unit, if the reading counts.
    async fn value(&self) -> Option<f64> {
        self.stored.canonical
    }

    /// The metric's own unit (UCUM); null for a metric that the platform does not know.
    async fn unit(&self) -> Option<&'static str> {
        metric::find(&self.stored.metric).map(|metric| metric.unit)
    }

    /// The value as it was sent, if it was a number.
    async fn sent_number(&self) -> Option<f64> {
        match &self.stored.value {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The value as it was sent, if it was true or false.
    async fn sent_boolean(&self) -> Option<bool> {
        match &self.stored.value {
            Value::Bool(truth) => Some(*truth),
            _ => None,
        }
    }

    /// The value as it was sent, if it was a text.
    async fn sent_text(&self) -> Option<&str> {
        match &self.stored.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The unit as it was sent; null means the metric's own.
    async fn sent_unit(&self) -> Option<&str> {
        self.stored.unit.as_deref()
    }

    /// What the device thinks of it.
    async fn quality(&self) -> Quality {
        self.stored.quality.into()
    }

    /// Why it does not count; null if it does.
    async fn suspicion(&self) -> Option<&str> {
        self.stored.suspicion.as_deref()
    }

    /// Whether it is real.
    async fn source(&self) -> Option<Source> {
        self.stored.source.map(Source::from)
    }

    /// The position behind it.
    async fn position(&self) -> Position {
        Position::reading(self.ledger.clone(), self.stored.position)
    }

    /// The entry that holds it.
    async fn provenance(&self) -> Provenance {
        Provenance::of(&self.ledger, [self.stored.position.index])
    }
}
