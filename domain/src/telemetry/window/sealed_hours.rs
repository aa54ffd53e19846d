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
/// Milliseconds of an hour.
const HOUR: i128 = 3_600_000;
/// From this share of an hour on it counts as covered: 98 %, in milliseconds. Readings seldom keep
/// their beat to the second.
const AS_GOOD_AS_AN_HOUR: i128 = HOUR / 100 * 98;

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

    /// The mass that a flow in t/h carried at least: the sum over hours of mean (sum ÷ n) × the part
    /// of the hour that is covered, each cut after 18 decimal places of a tonne, and all of it rounded
    /// to the gram, half up. A flow that runs backwards counts against the others, in full; less than
    /// nothing is nothing.
    ///
    /// Covered is the time from the first reading of the hour to the last, and as much again as lies
    /// between two of n readings on average: (`last_at` − `first_at`) × n ÷ (n − 1), in whole
    /// milliseconds and an hour at most. So readings at a regular beat cover the whole hour, and a
    /// single one covers nothing. From 98 % on the hour counts as covered.
    ///
    /// Of several devices that have the metric in the same hour, the one that measures least counts:
    /// two meters of one flow do not add up.
    ///
    /// `None` if no seal has the metric, or it is no flow in t/h, or more than a [`Mass`] holds. An
    /// hour without the metric carries nothing.
    #[must_use]
    pub fn mass_of(&self, metric: &str) -> Option<Mass> {
        self.sum(metric, Flow::carried, i128::min)
    }

    /// The mass that a flow in t/h carried at most, as [`mass_of`](Self::mass_of) but for this: each
    /// hour counts as covered, and of several devices the one that measures most counts. For what is
    /// to be declared rather than credited, such as what was vented.
    #[must_use]
    pub fn mass_at_most(&self, metric: &str) -> Option<Mass> {
        self.sum(metric, |flow| Some(flow.mean), i128::max)
    }

    fn sum(
        &self,
        metric: &str,
        carried: fn(&Flow) -> Option<i128>,
        of_two: fn(i128, i128) -> i128,
    ) -> Option<Mass> {
        let mut hours: BTreeMap<Hour, i128> = BTreeMap::new();
        for ((_, hour), seals) in &self.windows {
            let summaries: Vec<_> = summaries(seals, metric).collect();
            if summaries.iter().all(|summary| summary.n == 0) {
                continue;
            }
            let of_device = carried(&Flow::of(&summaries)?)?;
            let of_hour = hours.entry(*hour).or_insert(of_device);
            *of_hour = of_two(*of_hour, of_device);
        }
        let mut masses = hours.values();
        let first = *masses.next()?;
        let total = masses.try_fold(first, |total, mass| total.checked_add(*mass))?;
        let grams = (total.max(0).checked_add(GRAM / 2)?) / GRAM;
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

/// A flow in t/h as one device measured it in an hour.
struct Flow {
    /// In the last place of a tonne an hour.
    mean: i128,
    /// How many milliseconds of the hour the readings stand for.
    covered: i128,
}

impl Flow {
    /// `None` if it is no flow in t/h, beyond all numbers, or without a reading.
    fn of(hour: &[&MetricSummary]) -> Option<Self> {
        let n = hour.iter().map(|summary| i128::from(summary.n)).sum();
        let sum = hour.iter().try_fold(0_i128, |sum, summary| {
            let flow = Some(summary).filter(|summary| summary.unit == FLOW)?;
            sum.checked_add(places(&flow.sum)?)
        })?;
        let first = hour.iter().map(|summary| summary.first_at).min()?;
        let last = hour.iter().map(|summary| summary.last_at).max()?;
        Some(Self {
            mean: sum.checked_div(n)?,
            covered: covered(i128::from((last - first).num_milliseconds()), n),
        })
    }

    /// The mass, in the last place of a tonne.
    fn carried(&self) -> Option<i128> {
        if self.mean < 0 || self.covered == HOUR {
            return Some(self.mean);
        }
        Some(self.mean.checked_mul(self.covered)? / HOUR)
    }
}

/// How much of an hour n readings stand for that lie so far apart.
fn covered(span: i128, n: i128) -> i128 {
    match (span * n).checked_div(n - 1) {
        Some(covered) if covered >= AS_GOOD_AS_AN_HOUR => HOUR,
        Some(covered) => covered,
        None => 0,
    }
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
        let at = |time: &str| format!("2026-11-21T{time}Z").parse().unwrap();
        MetricSummary {
            first: Figure::of(values[0]),
            first_at: at("00:00:00"),
            last: Figure::of(values[0]),
            last_at: at("00:59:00"),
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

    /// Readings of the first hour, from the first time to the second.
    fn at(device: u128, times: (&str, &str), values: &[f64]) -> WindowSealed {
        let time = |time: &str| format!("2026-11-21T{time}Z").parse().unwrap();
        let summary = MetricSummary {
            first_at: time(times.0),
            last_at: time(times.1),
            ..summary(values, "t/h")
        };
        seal(device, 0, Some(summary))
    }

    fn kilograms(hours: &SealedHours) -> Option<String> {
        let mass = hours.mass_of("captured_mass_flow");
        mass.map(Mass::kilograms)
    }

    #[test]
    fn a_flow_carries_the_sum_of_its_hourly_means() {
        let two = hours([flow(1, 0, &[10.0, 20.0]), flow(2, 1, &[0.1, 0.1, 0.1])]);
        assert_eq!(kilograms(&two).unwrap(), "15100");
        assert_eq!(two.count(), 2);
        let thirds = hours((0..3).map(|hour| flow(1, hour, &[0.0, 0.0, 0.000_001])));
        assert_eq!(kilograms(&thirds).unwrap(), "0.001");
    }

    #[test]
    fn of_devices_that_measure_a_flow_in_the_same_hour_the_least_counts() {
        let twice = hours([
            flow(1, 0, &[10.0, 20.0]),
            flow(2, 0, &[14.0, 14.0]),
            flow(2, 1, &[3.0, 3.0]),
        ]);
        assert_eq!(kilograms(&twice).unwrap(), "17000");
        let most = twice.mass_at_most("captured_mass_flow");
        assert_eq!(most.unwrap().kilograms(), "18000");
    }

    #[test]
    fn an_hour_carries_as_much_as_its_readings_cover() {
        let one = |times, values: &[f64]| kilograms(&hours([at(1, times, values)])).unwrap();
        // Regular: every half an hour, every five minutes, every two seconds.
        assert_eq!(one(("00:00:00", "00:30:00"), &[1.0; 2]), "1000");
        assert_eq!(one(("00:00:00", "00:55:00"), &[1.0; 12]), "1000");
        assert_eq!(one(("00:04:59", "00:59:59"), &[1.0; 12]), "1000");
        assert_eq!(one(("00:00:01", "00:59:59"), &[1.0; 1800]), "1000");
        // It began late, or ended early.
        assert_eq!(one(("00:30:00", "00:55:00"), &[1.0; 6]), "500");
        assert_eq!(one(("00:00:00", "00:03:00"), &[24.0; 4]), "1600");
        assert_eq!(one(("00:00:00", "00:29:24"), &[1.0; 2]), "1000");
        assert_eq!(one(("00:00:00", "00:29:23"), &[1.0; 2]), "979.444");
        // One reading says nothing of an hour, nor do two of one moment.
        assert_eq!(one(("00:30:00", "00:30:00"), &[1.0]), "0");
        assert_eq!(one(("00:30:00", "00:30:00"), &[1.0; 2]), "0");
        let late = hours([at(1, ("00:30:00", "00:55:00"), &[1.0; 6])]);
        let most = late.mass_at_most("captured_mass_flow");
        assert_eq!(most.unwrap().kilograms(), "1000");
    }

    #[test]
    fn two_seals_of_one_hour_are_taken_together() {
        let one = hours([flow(1, 0, &[1.0, 2.0, 3.0, 4.0])]);
        let two = hours([
            at(1, ("00:00:00", "00:00:00"), &[1.0]),
            at(1, ("00:15:00", "00:45:00"), &[2.0, 3.0, 4.0]),
        ]);
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
        assert_eq!(kilograms(&hours([flow(1, 0, &[1.0; 2]), ppm])), None);
        let some = hours([flow(1, 0, &[1.0; 2]), seal(1, 1, None)]);
        assert_eq!(kilograms(&some).unwrap(), "1000");
        assert_eq!(kilograms(&hours([flow(1, 0, &[1e15; 9])])), None);
    }

    #[test]
    fn a_flow_backwards_counts_against_the_others_in_full_down_to_nothing() {
        let back = hours([flow(1, 0, &[-1.0]), flow(1, 1, &[3.0; 2])]);
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
                flow(1, hour, &[text.parse().unwrap(); 2])
            });
            let total: u64 = milligrams.iter().sum();
            let mass = hours(seals).mass_of("captured_mass_flow").unwrap();
            prop_assert_eq!(mass.grams(), (total + 500) / 1000);
        }
    }
}
