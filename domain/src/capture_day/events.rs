//! What happened to a capture day.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::CaptureMeasured;
use crate::decimal::DecimalText;
use crate::{Actor, Citation, Mass, Reason, Slug, event::events};

/// A unit captured this much in a period of one UTC day. Absent fields are not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaptureRecorded {
    /// The organisation.
    pub org: Slug,
    /// The site.
    pub site: Slug,
    /// The unit: the asset's name at the site.
    pub unit: Slug,
    /// When the period begins; it names the record.
    pub from: DateTime<Utc>,
    /// When it ends.
    pub to: DateTime<Utc>,
    /// CO2 that was captured.
    pub captured_kg: Mass,
    /// CO2 that came in and was let go.
    pub vented_kg: Mass,
    /// Electricity that it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub electricity_kwh: Option<DecimalText>,
    /// Heat that it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heat_mj: Option<DecimalText>,
    /// What the seals say; absent where none is cited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<CaptureMeasured>,
    /// The seals of the period's hours.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Citation>,
    /// Who says it.
    pub by: Actor,
}

/// A record says something else from now on; what it said before stays in the ledger. Fields as in
/// [`CaptureRecorded`]: all of them count, also those that are absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaptureCorrected {
    /// When the period begins: the record that is corrected.
    pub from: DateTime<Utc>,
    /// CO2 that was captured.
    pub captured_kg: Mass,
    /// CO2 that came in and was let go.
    pub vented_kg: Mass,
    /// Electricity that it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub electricity_kwh: Option<DecimalText>,
    /// Heat that it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heat_mj: Option<DecimalText>,
    /// What the seals say; absent where none is cited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<CaptureMeasured>,
    /// The seals of the period's hours.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Citation>,
    /// Why.
    pub reason: Reason,
    /// Who says it.
    pub by: Actor,
}

/// A second person approved the day: nothing of it changes any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaptureDayApproved {
    /// Who.
    pub by: Actor,
}

events! {
    /// An event of a capture day's stream.
    enum CaptureDayEvent {
        /// See [`CaptureRecorded`].
        CaptureRecorded = 1,
        /// See [`CaptureCorrected`].
        CaptureCorrected = 1,
        /// See [`CaptureDayApproved`].
        CaptureDayApproved = 1,
    }
}
