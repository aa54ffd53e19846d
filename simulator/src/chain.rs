//! The CO2 that moves through the chain: what the capture unit, the pipeline
//! and the wells report are views of the same kilograms.

use chrono::{DateTime, Utc};

use crate::seed::Seed;

/// A mass flow in whole kilograms an hour. Whole, so that flows add up exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KilogramsPerHour(pub i64);

impl KilogramsPerHour {
    /// Tonnes an hour, as the devices report (three decimals, nothing lost).
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "flows are far below 2^53 kg/h")]
    pub fn tonnes_per_hour(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "flows are far below 2^63 kg/h"
    )]
    fn of_tonnes_per_hour(flow: f64) -> Self {
        Self((flow * 1000.0).round() as i64)
    }

    /// The rounded part of a flow; `fraction` 0..=1.
    fn part(self, fraction: f64) -> Self {
        Self::of_tonnes_per_hour(self.tonnes_per_hour() * fraction)
    }

    fn minus(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

/// All flows at one moment. Always, to the kilogram:
/// `fed = captured + vented` and `captured = pipeline_loss + injected[0] + injected[1]`.
///
/// Flow takes no time from one end to the other (no line pack is modelled).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainFlow {
    /// CO2 in the flue gas that enters the absorber.
    pub fed: KilogramsPerHour,
    /// CO2 that leaves the capture unit into the pipeline.
    pub captured: KilogramsPerHour,
    /// CO2 that leaves the absorber's top uncaptured.
    pub vented: KilogramsPerHour,
    /// CO2 lost between the pipeline's inlet and the wells (seals, fittings).
    pub pipeline_loss: KilogramsPerHour,
    /// CO2 into each of the two injection wells.
    pub injected: [KilogramsPerHour; 2],
}

/// Captured flow around which the plant runs, t/h (about 1,000 t a day).
const DESIGN_CAPTURE_T_H: f64 = 41.5;
/// Part of the inlet flow that seals and fittings lose.
const PIPELINE_LOSS: f64 = 0.0004;

impl ChainFlow {
    /// The flows of the chain of `seed` at `at`.
    #[must_use]
    pub fn at(seed: Seed, at: DateTime<Utc>) -> Self {
        let slow = 0.07 * seed.noise("chain.load", at, 6.0 * 3600.0);
        let fast = 0.015 * seed.noise("chain.ripple", at, 600.0);
        let efficiency = 0.90 + 0.025 * seed.noise("chain.efficiency", at, 3.0 * 3600.0);
        let share = 0.54 + 0.05 * seed.noise("chain.share", at, 2.0 * 3600.0);
        let captured =
            KilogramsPerHour::of_tonnes_per_hour(DESIGN_CAPTURE_T_H * (1.0 + slow + fast));
        Self::split(captured, efficiency, share)
    }

    fn split(captured: KilogramsPerHour, efficiency: f64, share: f64) -> Self {
        let fed = KilogramsPerHour::of_tonnes_per_hour(captured.tonnes_per_hour() / efficiency);
        let pipeline_loss = captured.part(PIPELINE_LOSS);
        let delivered = captured.minus(pipeline_loss);
        let first = delivered.part(share);
        Self {
            fed,
            captured,
            vented: fed.minus(captured),
            pipeline_loss,
            injected: [first, delivered.minus(first)],
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_kilogram_appears_or_vanishes(seed: u64, s in 1_700_000_000_i64..2_000_000_000) {
            let at = DateTime::from_timestamp(s, 0).expect("in chrono's range");
            let flow = ChainFlow::at(Seed(seed), at);
            let [a, b] = flow.injected;
            prop_assert_eq!(flow.fed.0, flow.captured.0 + flow.vented.0);
            prop_assert_eq!(flow.captured.0, flow.pipeline_loss.0 + a.0 + b.0);
            for part in [flow.vented, flow.pipeline_loss, a, b] {
                prop_assert!(part.0 > 0, "{:?}", flow);
            }
        }
    }
}
