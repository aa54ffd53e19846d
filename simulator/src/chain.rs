//! The CO2 that moves through the chain: what the capture units, the pipelines
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

    fn plus(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

/// One of the two ways that the CO2 comes: a capture unit and the pipeline behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Branch {
    /// The amine unit and the trunk line.
    Amine,
    /// The membrane unit and the feeder line.
    Membrane,
}

/// What is particular to a branch.
struct Design {
    /// Captured flow around which the unit runs, t/h.
    capture_t_h: f64,
    /// Part of what is fed that is captured, and how far it swings.
    efficiency: (f64, f64),
    /// Part of the pipeline's inlet flow that seals and fittings lose.
    loss: f64,
}

impl Branch {
    /// The name that its noise is drawn under.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Amine => "amine",
            Self::Membrane => "membrane",
        }
    }

    /// Together about 1,000 t a day.
    fn design(self) -> Design {
        match self {
            Self::Amine => Design {
                capture_t_h: 31.0,
                efficiency: (0.90, 0.025),
                loss: 0.0004,
            },
            Self::Membrane => Design {
                capture_t_h: 10.5,
                efficiency: (0.78, 0.03),
                loss: 0.0007,
            },
        }
    }

    fn flow(self, chain: Seed, at: DateTime<Utc>) -> BranchFlow {
        let (own, design) = (chain.derive(self.name()), self.design());
        let slow = 0.07 * own.noise("load", at, 6.0 * 3600.0);
        let fast = 0.015 * own.noise("ripple", at, 600.0);
        let (mean, swing) = design.efficiency;
        let efficiency = mean + swing * own.noise("efficiency", at, 3.0 * 3600.0);
        let captured =
            KilogramsPerHour::of_tonnes_per_hour(design.capture_t_h * (1.0 + slow + fast));
        BranchFlow::new(captured, efficiency, design.loss)
    }
}

/// A branch's flows at one moment. Always, to the kilogram:
/// `fed = captured + vented` and `captured = lost + delivered`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BranchFlow {
    /// CO2 in the flue gas that enters the unit.
    pub fed: KilogramsPerHour,
    /// CO2 that leaves the unit into the pipeline.
    pub captured: KilogramsPerHour,
    /// CO2 that leaves the unit's stack uncaptured.
    pub vented: KilogramsPerHour,
    /// CO2 lost between the pipeline's inlet and its outlet (seals, fittings).
    pub lost: KilogramsPerHour,
    /// CO2 that the pipeline hands over at the storage site.
    pub delivered: KilogramsPerHour,
}

impl BranchFlow {
    fn new(captured: KilogramsPerHour, efficiency: f64, loss_part: f64) -> Self {
        let fed = KilogramsPerHour::of_tonnes_per_hour(captured.tonnes_per_hour() / efficiency);
        let lost = captured.part(loss_part);
        Self {
            fed,
            captured,
            vented: fed.minus(captured),
            lost,
            delivered: captured.minus(lost),
        }
    }
}

/// All flows at one moment. Always, to the kilogram:
/// `amine.delivered + membrane.delivered = injected[0] + injected[1]`.
///
/// Flow takes no time from one end to the other (no line pack is modelled).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainFlow {
    /// Through the amine unit and the trunk line.
    pub amine: BranchFlow,
    /// Through the membrane unit and the feeder line.
    pub membrane: BranchFlow,
    /// CO2 into each of the two injection wells.
    pub injected: [KilogramsPerHour; 2],
}

impl ChainFlow {
    /// The flows of the chain of `seed` at `at`.
    #[must_use]
    pub fn at(seed: Seed, at: DateTime<Utc>) -> Self {
        let (amine, membrane) = (
            Branch::Amine.flow(seed, at),
            Branch::Membrane.flow(seed, at),
        );
        let delivered = amine.delivered.plus(membrane.delivered);
        let share = 0.54 + 0.05 * seed.noise("chain.share", at, 2.0 * 3600.0);
        let first = delivered.part(share);
        Self {
            amine,
            membrane,
            injected: [first, delivered.minus(first)],
        }
    }

    /// The flows of one branch.
    #[must_use]
    pub fn branch(&self, branch: Branch) -> BranchFlow {
        match branch {
            Branch::Amine => self.amine,
            Branch::Membrane => self.membrane,
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
            for branch in [flow.amine, flow.membrane] {
                prop_assert_eq!(branch.fed.0, branch.captured.0 + branch.vented.0);
                prop_assert_eq!(branch.captured.0, branch.lost.0 + branch.delivered.0);
                for part in [branch.vented, branch.lost, branch.delivered] {
                    prop_assert!(part.0 > 0, "{:?}", flow);
                }
            }
            let [a, b] = flow.injected;
            prop_assert!(a.0 > 0 && b.0 > 0, "{:?}", flow);
            prop_assert_eq!(flow.amine.delivered.0 + flow.membrane.delivered.0, a.0 + b.0);
        }
    }
}
