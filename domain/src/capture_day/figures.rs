//! What a record says, and what it is held against.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{CaptureCorrected, CaptureDayRejection, CapturePeriod, CaptureRecorded};
use crate::decimal::DecimalText;
use crate::{Citation, Mass};

/// How far a meter may be off, of its reading: 5 % (40 CFR 98.3(i)). What people assert may be in
/// favour of the operator by as much, against what the seals measure.
pub const METER_TOLERANCE_PERCENT: u64 = 5;

/// The most energy of a period, in kWh or MJ: beyond what any site uses, so that sums can be written.
pub const MAX_ENERGY: u64 = 1_000_000_000_000;

/// The figures of a period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureFigures {
    /// CO2 that was captured.
    pub captured_kg: Mass,
    /// CO2 that came in and was let go.
    pub vented_kg: Mass,
    /// Electricity that it took.
    pub electricity_kwh: Option<DecimalText>,
    /// Heat that it took.
    pub heat_mj: Option<DecimalText>,
    /// What the cited seals say of the period; `None` if none is cited.
    pub measured: Option<CaptureMeasured>,
    /// The seals.
    pub evidence: Vec<Citation>,
}

/// What sealed hours say of a period, as [`SealedHours`](crate::telemetry::window::SealedHours) adds
/// them up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaptureMeasured {
    /// By `captured_mass_flow`; absent where no seal has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captured_kg: Option<Mass>,
    /// Hours of the period that are sealed.
    pub hours: u32,
    /// Whether sensors measured it: not simulated, not copied from another system.
    pub real: bool,
    /// By `vented_mass_flow`; absent where no seal has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vented_kg: Option<Mass>,
}

impl CaptureFigures {
    /// They can be true of the period and of a unit of this capacity.
    pub(super) fn check(
        &self,
        period: CapturePeriod,
        capacity: Option<Mass>,
    ) -> Result<(), CaptureDayRejection> {
        let energies = [&self.electricity_kwh, &self.heat_mj];
        let is_negative = |energy: &&DecimalText| energy.to_f64() < 0.0;
        if let Some(energy) = energies.into_iter().flatten().find(is_negative) {
            let energy = energy.clone();
            return Err(CaptureDayRejection::NegativeEnergy { energy });
        }
        if let Some(energy) = energies.into_iter().flatten().find(|it| is_too_much(it)) {
            let energy = energy.clone();
            return Err(CaptureDayRejection::TooMuchEnergy { energy });
        }
        let share = |mass: Mass, of: TimeDelta| {
            u128::from(mass.grams()) * u128::from(of.num_seconds().unsigned_abs())
        };
        let day = TimeDelta::days(1);
        match capacity {
            Some(capacity) if share(self.captured_kg, day) > share(capacity, period.length()) => {
                Err(CaptureDayRejection::AboveCapacity {
                    captured: self.captured_kg,
                    period,
                    capacity,
                })
            }
            _ => Ok(()),
        }
    }

    /// Seals measured them: the captured mass is not more than they say, nor the vented one less,
    /// by more than a meter may be off.
    pub(super) fn stand_on_evidence(&self, from: DateTime<Utc>) -> Result<(), CaptureDayRejection> {
        let measured = self.measured.as_ref();
        let captured = measured.and_then(|measured| measured.captured_kg);
        let Some(captured) = captured else {
            return Err(CaptureDayRejection::NoEvidence { from });
        };
        if percent(self.captured_kg, 100) > percent(captured, 100 + METER_TOLERANCE_PERCENT) {
            return Err(CaptureDayRejection::AboveMeasured {
                from,
                captured: self.captured_kg,
                measured: captured,
            });
        }
        let vented = measured.and_then(|measured| measured.vented_kg);
        match vented {
            Some(vented)
                if percent(self.vented_kg, 100)
                    < percent(vented, 100 - METER_TOLERANCE_PERCENT) =>
            {
                Err(CaptureDayRejection::VentedBelowMeasured {
                    from,
                    vented: self.vented_kg,
                    measured: vented,
                })
            }
            _ => Ok(()),
        }
    }
}

/// Above [`MAX_ENERGY`], by its digits.
fn is_too_much(energy: &DecimalText) -> bool {
    let digits = energy.as_str().trim_start_matches('-');
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let more = fraction.bytes().any(|digit| digit != b'0');
    whole.parse().map_or(true, |whole: u64| {
        whole > MAX_ENERGY || (whole == MAX_ENERGY && more)
    })
}

/// So many percent of a mass, in hundredths of a gram.
fn percent(mass: Mass, percent: u64) -> u128 {
    u128::from(mass.grams()) * u128::from(percent)
}

impl From<CaptureRecorded> for CaptureFigures {
    fn from(event: CaptureRecorded) -> Self {
        Self {
            captured_kg: event.captured_kg,
            vented_kg: event.vented_kg,
            electricity_kwh: event.electricity_kwh,
            heat_mj: event.heat_mj,
            measured: event.measured,
            evidence: event.evidence,
        }
    }
}

impl From<CaptureCorrected> for CaptureFigures {
    fn from(event: CaptureCorrected) -> Self {
        Self {
            captured_kg: event.captured_kg,
            vented_kg: event.vented_kg,
            electricity_kwh: event.electricity_kwh,
            heat_mj: event.heat_mj,
            measured: event.measured,
            evidence: event.evidence,
        }
    }
}
