//! Rows as the tables have them.

use chrono::{DateTime, NaiveDate, Utc};
use sealrock_domain::capture_day::{CaptureFigures, CaptureMeasured, CapturePeriod};
use sealrock_domain::{AssetId, Mass};
use sealrock_eventstore::LedgerId;
use sealrock_ledger::Index;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Approval, Capture, CaptureUnit};
use crate::read_models::{QueryError, stored};

/// A version of a unit; a column a field.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct UnitRow {
    pub(super) ledger_id: i32,
    pub(super) unit_id: Uuid,
    pub(super) organisation: String,
    pub(super) site: String,
    pub(super) slug: String,
    pub(super) technology: String,
    pub(super) capacity_g: Option<u64>,
    pub(super) status: String,
    pub(super) reason: Option<String>,
    pub(super) changed_at: DateTime<Utc>,
    pub(super) first_index: u64,
    pub(super) from_index: u64,
    pub(super) to_index: Option<u64>,
}

/// A version of a record; a column a field.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct CaptureRow {
    pub(super) ledger_id: i32,
    pub(super) unit_id: Uuid,
    pub(super) site: String,
    pub(super) unit: String,
    pub(super) day: NaiveDate,
    pub(super) from_at: DateTime<Utc>,
    pub(super) to_at: DateTime<Utc>,
    pub(super) captured_g: u64,
    pub(super) vented_g: u64,
    pub(super) electricity_kwh: Option<String>,
    pub(super) heat_mj: Option<String>,
    pub(super) measured_captured_g: Option<u64>,
    pub(super) measured_vented_g: Option<u64>,
    pub(super) measured_hours: Option<u32>,
    pub(super) measured_real: Option<bool>,
    pub(super) evidence: Vec<String>,
    pub(super) stated_by: String,
    pub(super) stated_at: DateTime<Utc>,
    pub(super) reason: Option<String>,
    pub(super) first_index: u64,
    pub(super) from_index: u64,
    pub(super) to_index: Option<u64>,
}

/// The approval of a day; a column a field.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ApprovalRow {
    pub(super) ledger_id: i32,
    pub(super) unit_id: Uuid,
    pub(super) day: NaiveDate,
    pub(super) approved_by: String,
    pub(super) approved_at: DateTime<Utc>,
    pub(super) index: u64,
}

impl CaptureRow {
    pub(super) fn set(&mut self, figures: CaptureFigures) {
        let measured = figures.measured.as_ref();
        let of = |mass: fn(&CaptureMeasured) -> Option<Mass>| measured.and_then(mass);
        self.captured_g = figures.captured_kg.grams();
        self.vented_g = figures.vented_kg.grams();
        self.electricity_kwh = figures.electricity_kwh.map(String::from);
        self.heat_mj = figures.heat_mj.map(String::from);
        self.measured_captured_g = of(|measured| measured.captured_kg).map(Mass::grams);
        self.measured_vented_g = of(|measured| measured.vented_kg).map(Mass::grams);
        self.measured_hours = measured.map(|measured| measured.hours);
        self.measured_real = measured.map(|measured| measured.real);
        self.evidence = figures.evidence.into_iter().map(String::from).collect();
    }

    fn measured(&self) -> Result<Option<CaptureMeasured>, QueryError> {
        let (Some(hours), Some(real)) = (self.measured_hours, self.measured_real) else {
            return Ok(None);
        };
        Ok(Some(CaptureMeasured {
            captured_kg: self.measured_captured_g.map(mass).transpose()?,
            hours,
            real,
            vented_kg: self.measured_vented_g.map(mass).transpose()?,
        }))
    }

    pub(super) fn read(self, approval: Option<ApprovalRow>) -> Result<Capture, QueryError> {
        let text = |text: &Option<String>| text.as_deref().map(stored).transpose();
        Ok(Capture {
            unit: AssetId(self.unit_id),
            site: stored(&self.site)?,
            slug: stored(&self.unit)?,
            period: CapturePeriod {
                from: self.from_at,
                to: self.to_at,
            },
            captured: mass(self.captured_g)?,
            vented: mass(self.vented_g)?,
            electricity_kwh: text(&self.electricity_kwh)?,
            heat_mj: text(&self.heat_mj)?,
            measured: self.measured()?,
            evidence: self
                .evidence
                .iter()
                .map(|text| stored(text))
                .collect::<Result<_, _>>()?,
            stated_by: stored(&self.stated_by)?,
            stated_at: self.stated_at,
            reason: self.reason.as_deref().map(stored).transpose()?,
            first_index: Index(self.first_index),
            index: Index(self.from_index),
            approval: approval.map(ApprovalRow::read).transpose()?,
        })
    }
}

impl ApprovalRow {
    fn read(self) -> Result<Approval, QueryError> {
        Ok(Approval {
            by: stored(&self.approved_by)?,
            at: self.approved_at,
            index: Index(self.index),
        })
    }
}

impl UnitRow {
    pub(super) fn read(self) -> Result<CaptureUnit, QueryError> {
        Ok(CaptureUnit {
            ledger: LedgerId(self.ledger_id),
            id: AssetId(self.unit_id),
            organisation: stored(&self.organisation)?,
            site: stored(&self.site)?,
            slug: stored(&self.slug)?,
            technology: stored(&self.technology)?,
            capacity_per_day: self.capacity_g.map(mass).transpose()?,
            status: stored(&self.status)?,
            reason: self.reason.as_deref().map(stored).transpose()?,
            changed_at: self.changed_at,
            first_index: Index(self.first_index),
            last_index: Index(self.from_index),
        })
    }
}

pub(super) fn mass(grams: u64) -> Result<Mass, QueryError> {
    Mass::from_grams(grams).ok_or_else(|| QueryError::Stored(format!("{grams} g")))
}
