//! What the seals of a period's hours amount to together.

use std::collections::{BTreeMap, BTreeSet};

use super::{Figure, Hour, MetricSummary, WindowSealed};
use crate::{DeviceId, Mass, telemetry::Source};

/// Decimal places of a tonne that an hour's mean keeps.
const PLACES: usize = 18;
/// A gram in the last of these places.
const GRAM: i128 = 1_000_000_000_000;
/// The unit of a metric whose means over hours add up to a mass.
const FLOW: &str = "t/h";

/// The newest seals of the hours of a period, of one device or several.
///
/// An hour of a device may have several: one of each ledger, where one continues another. They are
/// taken together, as if one seal held the batches of all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SealedHours {
    windows: BTreeMap<(DeviceId, Hour), Vec<WindowSealed>>,
}

impl SealedHours {
    /// One more seal. Of two of the same ledger and window only the newest may be added.
    pub fn add(&mut self, seal: WindowSealed) {
        let window = (seal.device, seal.hour);
        self.windows.entry(window).or_default().push(seal);
    }

    /// How many hours have a seal, whichever device's.
    #[must_use]
    pub fn count(&self) -> usize {
        self.sealed().len()
    }

    /// The hours that have a seal, whichever device's.
    #[must_use]
    pub fn sealed(&self) -> BTreeSet<Hour> {
        self.windows.keys().map(|(_, hour)| *hour).collect()
    }

    /// Whether a batch declares that it is of another source than a sensor.
    #[must_use]
    pub fn hold_unreal(&self) -> bool {
        let mut sources = self.seals().flat_map(|seal| seal.sources.keys());
        sources.any(|source| *source != Source::Real)
    }

    /// The mass that a flow in t/h carried: the sum over devices and hours of (sum ÷ n) × 1 h, each
    /// cut after 18 decimal places of a tonne, and all of it rounded to the gram, half up. A flow
    /// that runs backwards counts against the others; less than nothing is nothing.
    ///
    /// `None` if no seal has the metric, or it is no flow in t/h, or more than a [`Mass`] holds. An
    /// hour without the metric carries nothing.
    #[must_use]
    pub fn mass_of(&self, metric: &str) -> Option<Mass> {
        let mut hours = self.windows.values().map(|seals| summaries(seals, metric));
        let total = hours.try_fold(None, |total: Option<i128>, hour| {
            match mean(&hour.collect::<Vec<_>>()) {
                Mean::Absent => Some(total),
                Mean::Of(mean) => Some(Some(total.unwrap_or(0).checked_add(mean)?)),
                Mean::NoFlow => None,
            }
        });
        let grams = (total??.max(0).checked_add(GRAM / 2)?) / GRAM;
        Mass::from_grams(u64::try_from(grams).ok()?)
    }

    /// The greatest value of a metric, in its canonical unit.
    #[must_use]
    pub fn greatest(&self, metric: &str) -> Option<Figure> {
        let figures = self.all(metric).map(|summary| &summary.max);
        let greatest = figures.max_by(|a, b| a.to_f64().total_cmp(&b.to_f64()));
        greatest.cloned()
    }

    /// The least value of a metric, in its canonical unit.
    #[must_use]
    pub fn least(&self, metric: &str) -> Option<Figure> {
        let figures = self.all(metric).map(|summary| &summary.min);
        let least = figures.min_by(|a, b| a.to_f64().total_cmp(&b.to_f64()));
        least.cloned()
    }

    /// As [`greatest`](Self::greatest), within one hour.
    #[must_use]
    pub fn greatest_in(&self, hour: Hour, metric: &str) -> Option<Figure> {
        let figures = self.within(hour, metric).map(|summary| &summary.max);
        let greatest = figures.max_by(|a, b| a.to_f64().total_cmp(&b.to_f64()));
        greatest.cloned()
    }

    /// As [`least`](Self::least), within one hour.
    #[must_use]
    pub fn least_in(&self, hour: Hour, metric: &str) -> Option<Figure> {
        let figures = self.within(hour, metric).map(|summary| &summary.min);
        let least = figures.min_by(|a, b| a.to_f64().total_cmp(&b.to_f64()));
        least.cloned()
    }

    fn within<'a>(
        &'a self,
        hour: Hour,
        metric: &'a str,
    ) -> impl Iterator<Item = &'a MetricSummary> {
        let of_hour = self.windows.iter().filter(move |((_, of), _)| *of == hour);
        of_hour.flat_map(move |(_, seals)| summaries(seals, metric))
    }

    fn seals(&self) -> impl Iterator<Item = &WindowSealed> {
        self.windows.values().flatten()
    }

    fn all<'a>(&'a self, metric: &'a str) -> impl Iterator<Item = &'a MetricSummary> {
        self.windows
            .values()
            .flat_map(move |seals| summaries(seals, metric))
    }
}

fn summaries<'a>(
    seals: &'a [WindowSealed],
    metric: &'a str,
) -> impl Iterator<Item = &'a MetricSummary> {
    let named = move |seal: &'a WindowSealed| {
        let mut metrics = seal.metrics.iter();
        metrics.find(|(name, _)| name.as_str() == metric)
    };
    seals.iter().filter_map(named).map(|(_, summary)| summary)
}

/// A flow's mean over an hour.
enum Mean {
    /// Nothing was measured.
    Absent,
    /// In the last place of a tonne an hour.
    Of(i128),
    /// It is no flow in t/h, or beyond all numbers.
    NoFlow,
}

fn mean(hour: &[&MetricSummary]) -> Mean {
    let n: u64 = hour.iter().map(|summary| summary.n).sum();
    if n == 0 {
        return Mean::Absent;
    }
    let sum = hour.iter().try_fold(0_i128, |sum, summary| {
        let flow = Some(summary).filter(|summary| summary.unit == FLOW)?;
        sum.checked_add(places(&flow.sum)?)
    });
    sum.map_or(Mean::NoFlow, |sum| Mean::Of(sum / i128::from(n)))
}

/// A figure as an integer of its eighteenth decimal place, the rest cut off.
fn places(figure: &Figure) -> Option<i128> {
    let (sign, digits) = match figure.as_str().strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", figure.as_str()),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction: String = fraction.chars().take(PLACES).collect();
    format!("{sign}{whole}{fraction:0<PLACES$}").parse().ok()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::telemetry::window::{ExactSum, Root};

    fn summary(values: &[f64], unit: &str) -> MetricSummary {
        let mut sum = ExactSum::default();
        for value in values {
            sum.add(&Figure::of(*value));
        }
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let greatest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let at = "2026-11-21T00:00:00Z".parse().unwrap();
        MetricSummary {
            first: Figure::of(values[0]),
            first_at: at,
            last: Figure::of(values[0]),
            last_at: at,
            max: Figure::of(greatest),
            min: Figure::of(least),
            n: values.len() as u64,
            sum: sum.total(),
            unit: unit.to_owned(),
        }
    }

    fn seal(device: u128, hour: u32, summary: Option<MetricSummary>) -> WindowSealed {
        let metrics = summary.map(|summary| ("captured_mass_flow".parse().unwrap(), summary));
        WindowSealed {
            batches: 1,
            boots: vec![],
            device: DeviceId(Uuid::from_u128(device)),
            entries: vec![(1, 1).into()],
            gaps: vec![],
            hour: format!("2026-11-21T{hour:02}").parse().unwrap(),
            metrics: metrics.into_iter().collect(),
            root: Root([0; 32]),
            sources: BTreeMap::new(),
            supersedes: None,
            suspect: 0,
            uncounted: 1,
        }
    }

    fn hours(seals: impl IntoIterator<Item = WindowSealed>) -> SealedHours {
        let mut hours = SealedHours::default();
        for seal in seals {
            hours.add(seal);
        }
        hours
    }

    fn flow(device: u128, hour: u32, values: &[f64]) -> WindowSealed {
        seal(device, hour, Some(summary(values, "t/h")))
    }

    fn kilograms(hours: &SealedHours) -> Option<String> {
        let mass = hours.mass_of("captured_mass_flow");
        mass.map(Mass::kilograms)
    }

    #[test]
    fn a_flow_carries_the_sum_of_its_hourly_means_over_hours_and_devices() {
        let three = hours([
            flow(1, 0, &[10.0, 20.0]),
            flow(1, 1, &[0.1, 0.1, 0.1]),
            flow(2, 0, &[1.0]),
        ]);
        assert_eq!(kilograms(&three).unwrap(), "16100");
        assert_eq!(three.count(), 2);
        let thirds = hours((0..3).map(|hour| flow(1, hour, &[0.0, 0.0, 0.000_001])));
        assert_eq!(kilograms(&thirds).unwrap(), "0.001");
    }

    #[test]
    fn two_seals_of_one_hour_are_taken_together() {
        let one = hours([flow(1, 0, &[1.0, 2.0, 3.0, 4.0])]);
        let two = hours([flow(1, 0, &[1.0]), flow(1, 0, &[2.0, 3.0, 4.0])]);
        assert_eq!(kilograms(&one).unwrap(), "2500");
        assert_eq!(kilograms(&one), kilograms(&two));
        assert_eq!(two.count(), 1);
    }

    #[test]
    fn what_was_not_measured_or_is_no_flow_is_no_mass() {
        assert_eq!(kilograms(&SealedHours::default()), None);
        assert_eq!(kilograms(&hours([seal(1, 0, None)])), None);
        let ppm = seal(1, 1, Some(summary(&[400.0], "ppm")));
        assert_eq!(kilograms(&hours([ppm.clone()])), None);
        assert_eq!(kilograms(&hours([flow(1, 0, &[1.0]), ppm])), None);
        let some = hours([flow(1, 0, &[1.0]), seal(1, 1, None)]);
        assert_eq!(kilograms(&some).unwrap(), "1000");
        assert_eq!(kilograms(&hours([flow(1, 0, &[1e15; 9])])), None);
    }

    #[test]
    fn a_flow_backwards_counts_against_the_others_down_to_nothing() {
        let back = hours([flow(1, 0, &[-1.0]), flow(1, 1, &[3.0])]);
        assert_eq!(kilograms(&back).unwrap(), "2000");
        assert_eq!(kilograms(&hours([flow(1, 0, &[-1.0])])).unwrap(), "0");
    }

    #[test]
    fn the_extremes_are_those_of_all_hours() {
        let two = hours([flow(1, 0, &[-1.0, 9.5]), flow(2, 1, &[10.0, -2.0])]);
        let named = |figure: Option<Figure>| figure.unwrap().to_string();
        assert_eq!(named(two.greatest("captured_mass_flow")), "10");
        assert_eq!(named(two.least("captured_mass_flow")), "-2");
        assert_eq!(two.greatest("flow"), None);
    }

    #[test]
    fn one_batch_that_says_it_is_simulated_makes_the_hours_unreal() {
        let said = |source| WindowSealed {
            sources: BTreeMap::from([(source, 1)]),
            ..flow(1, 1, &[1.0])
        };
        assert!(!hours([flow(1, 0, &[1.0]), said(Source::Real)]).hold_unreal());
        assert!(hours([flow(1, 0, &[1.0]), said(Source::Simulator)]).hold_unreal());
        assert!(hours([said(Source::Migrated)]).hold_unreal());
    }

    proptest! {
        /// Milligrams an hour, of which each hour has one: the sum is exact.
        #[test]
        fn a_mass_is_the_exact_sum_to_the_gram(
            milligrams in prop::collection::vec(0u64..1_000_000_000_000, 1..24)
        ) {
            let seals = (0..).zip(&milligrams).map(|(hour, milligrams)| {
                let text = format!("{}.{:09}", milligrams / 1_000_000_000, milligrams % 1_000_000_000);
                flow(1, hour, &[text.parse().unwrap()])
            });
            let total: u64 = milligrams.iter().sum();
            let mass = hours(seals).mass_of("captured_mass_flow").unwrap();
            prop_assert_eq!(mass.grams(), (total + 500) / 1000);
        }
    }
}
