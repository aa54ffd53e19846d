//! Totals of what was captured.

use async_graphql::Object;
use sealrock_projections::LedgerInfo;
use sealrock_projections::captures::{CaptureTotal as StoredTotal, MOST_INDEXES};

use crate::schema::provenance::Provenance;
use crate::schema::scalars::{Count, Day};

/// What was captured in a span of time.
pub(crate) struct CaptureTotal {
    pub(super) ledger: LedgerInfo,
    pub(super) stored: StoredTotal,
}

/// What was captured in a span of UTC days, summed exactly from the records as they stand.
#[Object]
impl CaptureTotal {
    /// The first day of the day, month or year; null of all time.
    async fn start(&self) -> Option<Day> {
        self.stored.start.map(Day)
    }

    /// CO2 that was captured, in tonnes, a decimal.
    async fn captured_tonnes(&self) -> String {
        self.stored.captured.tonnes()
    }

    /// The part of it that a second person approved, in tonnes, a decimal.
    async fn approved_tonnes(&self) -> String {
        self.stored.approved.tonnes()
    }

    /// The part of it that rests on seals of sensors only, in tonnes, a decimal.
    async fn measured_by_sensors_tonnes(&self) -> String {
        self.stored.measured_by_sensors.tonnes()
    }

    /// CO2 that came in and was let go, in tonnes, a decimal.
    async fn vented_tonnes(&self) -> String {
        self.stored.vented.tonnes()
    }

    /// Captured ÷ (captured + vented), in percent with three places; null of nothing.
    async fn efficiency_percent(&self) -> Option<String> {
        self.stored.efficiency_percent()
    }

    /// Electricity for a tonne captured, kWh with three places, of the records that say how much.
    async fn electricity_kwh_per_tonne(&self) -> Option<String> {
        let energy = self.stored.electricity_kwh_per_tonne.as_ref();
        energy.map(ToString::to_string)
    }

    /// Heat for a tonne captured, MJ with three places, of the records that say how much.
    async fn heat_mj_per_tonne(&self) -> Option<String> {
        let energy = self.stored.heat_mj_per_tonne.as_ref();
        energy.map(ToString::to_string)
    }

    /// How many records.
    async fn records(&self) -> Count {
        Count(self.stored.records)
    }

    /// The entries that it is the sum of: each record's, as it was recorded or last corrected.
    async fn provenance(&self) -> Provenance {
        let truncated = self.stored.records > MOST_INDEXES as u64;
        let indexes = self.stored.indexes.iter().copied();
        Provenance::of(&self.ledger.name, indexes).cut_short(truncated)
    }
}
