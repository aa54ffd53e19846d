//! What a seal says, computed from its batches.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{
    ExactSum, Figure, Gap, Hour, MAX_GAPS, MetricSummary, Root, Run, SealedBoot, WindowSealed,
    window_of,
};
use crate::{
    DeviceId,
    telemetry::{Assessed, MetricName, SensorBatch, Source, Verdict, assess},
};

/// A seal in the making: batches are added in the order of their entries.
#[derive(Clone, Debug)]
pub struct Seal {
    device: DeviceId,
    hour: Hour,
    batches: u64,
    boots: BTreeMap<String, SealedBoot>,
    entries: Vec<Run>,
    metrics: BTreeMap<MetricName, Tally>,
    sources: BTreeMap<Source, u64>,
    supersedes: Option<u64>,
    suspect: u64,
    uncounted: u64,
}

/// Why a batch cannot be added to a seal. The seal is as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// It is another hour's.
    #[error("entry {index} belongs to the window of {found}, not of {hour}")]
    OtherWindow {
        /// The entry.
        index: u64,
        /// The hour of its batch.
        found: Hour,
        /// The hour of the seal.
        hour: Hour,
    },
    /// An entry that is not behind it was added before.
    #[error("entry {index} is not behind entry {last}, which the seal holds")]
    NotBehind {
        /// The entry.
        index: u64,
        /// The last one that the seal holds.
        last: u64,
    },
}

impl Seal {
    /// The first seal of a window.
    #[must_use]
    pub const fn new(device: DeviceId, hour: Hour) -> Self {
        Self {
            device,
            hour,
            batches: 0,
            boots: BTreeMap::new(),
            entries: Vec::new(),
            metrics: BTreeMap::new(),
            sources: BTreeMap::new(),
            supersedes: None,
            suspect: 0,
            uncounted: 0,
        }
    }

    /// A seal that takes the place of `seal`, the entry at `index`, and goes on from what it says:
    /// its batches need not be at hand any more.
    #[must_use]
    pub fn superseding(index: u64, seal: WindowSealed) -> Self {
        let boots = seal.boots.into_iter();
        let metrics = seal.metrics.into_iter();
        Self {
            device: seal.device,
            hour: seal.hour,
            batches: seal.batches,
            boots: boots.map(|boot| (boot.boot.clone(), boot)).collect(),
            entries: seal.entries,
            metrics: metrics
                .map(|(name, summary)| (name, summary.into()))
                .collect(),
            sources: seal.sources,
            supersedes: Some(index),
            suspect: seal.suspect,
            uncounted: seal.uncounted,
        }
    }

    /// Adds the batch of the entry at `index`.
    ///
    /// # Errors
    /// [`SealError`] if it is another hour's, or its entry is not behind those added before.
    pub fn add(
        &mut self,
        index: u64,
        received_at: DateTime<Utc>,
        batch: &SensorBatch,
    ) -> Result<(), SealError> {
        let (found, hour) = (window_of(batch, received_at), self.hour);
        if found != hour {
            return Err(SealError::OtherWindow { index, found, hour });
        }
        self.add_entry(index)?;
        self.batches += 1;
        if let Some(source) = batch.source {
            *self.sources.entry(source).or_default() += 1;
        }
        self.count(batch);
        for assessed in assess(batch, received_at) {
            self.measure(&assessed);
        }
        Ok(())
    }

    /// The device.
    #[must_use]
    pub const fn device(&self) -> DeviceId {
        self.device
    }

    /// The indexes of the entries so far, ascending: `root` is to be that of their leaf hashes.
    #[must_use]
    pub fn entries(&self) -> &[Run] {
        &self.entries
    }

    /// The boots so far, by name: what `gaps` are to be found for.
    pub fn boots(&self) -> impl Iterator<Item = &SealedBoot> {
        self.boots.values()
    }

    /// The seal, with the root of its entries and the gaps of its boots. Of more than [`MAX_GAPS`]
    /// gaps it lists the lowest.
    #[must_use]
    pub fn finish(self, root: Root, mut gaps: Vec<Gap>) -> WindowSealed {
        gaps.sort_unstable();
        gaps.truncate(MAX_GAPS);
        let metrics = self.metrics.into_iter();
        WindowSealed {
            batches: self.batches,
            boots: self.boots.into_values().collect(),
            device: self.device,
            entries: self.entries,
            gaps,
            hour: self.hour,
            metrics: metrics.map(|(name, tally)| (name, tally.into())).collect(),
            root,
            sources: self.sources,
            supersedes: self.supersedes,
            suspect: self.suspect,
            uncounted: self.uncounted,
        }
    }

    fn add_entry(&mut self, index: u64) -> Result<(), SealError> {
        match self.entries.last_mut() {
            Some(run) if index <= run.last => {
                let last = run.last;
                return Err(SealError::NotBehind { index, last });
            }
            Some(run) if index == run.last + 1 => run.last = index,
            _ => self.entries.push(Run::from((index, index))),
        }
        Ok(())
    }

    fn count(&mut self, batch: &SensorBatch) {
        let Some(seq) = batch.seq else {
            self.uncounted += 1;
            return;
        };
        let boot = batch.boot.clone().unwrap_or_default();
        let new = SealedBoot {
            batches: 0,
            boot: boot.clone(),
            first_seq: seq,
            last_seq: seq,
        };
        let sealed = self.boots.entry(boot).or_insert(new);
        sealed.batches += 1;
        sealed.first_seq = sealed.first_seq.min(seq);
        sealed.last_seq = sealed.last_seq.max(seq);
    }

    fn measure(&mut self, assessed: &Assessed<'_>) {
        let Verdict::Good { value, unit } = assessed.verdict else {
            self.suspect += 1;
            return;
        };
        let at = assessed.reading.at;
        self.metrics
            .entry(assessed.reading.metric.clone())
            .and_modify(|tally| tally.add(value, at))
            .or_insert_with(|| Tally::of(value, at, unit));
    }
}

/// A metric's readings so far.
#[derive(Clone, Debug)]
struct Tally {
    n: u64,
    sum: ExactSum,
    min: f64,
    max: f64,
    first: f64,
    first_at: DateTime<Utc>,
    last: f64,
    last_at: DateTime<Utc>,
    unit: String,
}

impl Tally {
    fn of(value: f64, at: DateTime<Utc>, unit: &str) -> Self {
        let mut sum = ExactSum::default();
        sum.add(&Figure::of(value));
        Self {
            n: 1,
            sum,
            min: value,
            max: value,
            first: value,
            first_at: at,
            last: value,
            last_at: at,
            unit: unit.to_owned(),
        }
    }

    /// One more, recorded after all others.
    fn add(&mut self, value: f64, at: DateTime<Utc>) {
        self.n += 1;
        self.sum.add(&Figure::of(value));
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        if at < self.first_at {
            (self.first, self.first_at) = (value, at);
        }
        if at >= self.last_at {
            (self.last, self.last_at) = (value, at);
        }
    }
}

impl From<MetricSummary> for Tally {
    fn from(summary: MetricSummary) -> Self {
        let mut sum = ExactSum::default();
        sum.add(&summary.sum);
        Self {
            n: summary.n,
            sum,
            min: summary.min.to_f64(),
            max: summary.max.to_f64(),
            first: summary.first.to_f64(),
            first_at: summary.first_at,
            last: summary.last.to_f64(),
            last_at: summary.last_at,
            unit: summary.unit,
        }
    }
}

impl From<Tally> for MetricSummary {
    fn from(tally: Tally) -> Self {
        Self {
            first: Figure::of(tally.first),
            first_at: tally.first_at,
            last: Figure::of(tally.last),
            last_at: tally.last_at,
            max: Figure::of(tally.max),
            min: Figure::of(tally.min),
            n: tally.n,
            sum: tally.sum.total(),
            unit: tally.unit,
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::telemetry::{Quality, Reading, Value};

    const DEVICE: DeviceId = DeviceId(Uuid::from_u128(7));
    const ROOT: Root = Root([7; 32]);

    fn hour() -> Hour {
        "2026-11-21T03".parse().unwrap()
    }

    fn received_at() -> DateTime<Utc> {
        "2026-11-21T03:59:59Z".parse().unwrap()
    }

    fn reading(metric: &str, second: i64, value: f64) -> Reading {
        Reading {
            metric: metric.parse().unwrap(),
            at: hour().start() + chrono::TimeDelta::seconds(second),
            value: Value::Number(value),
            unit: None,
            quality: Quality::Good,
        }
    }

    fn batch(counter: Option<(&str, u64)>, readings: Vec<Reading>) -> SensorBatch {
        SensorBatch {
            seq: counter.map(|(_, seq)| seq),
            boot: counter
                .map(|(boot, _)| boot.to_owned())
                .filter(|boot| !boot.is_empty()),
            readings,
            device_time: None,
            source: None,
            tags: BTreeMap::new(),
        }
    }

    fn sealed(batches: &[(u64, SensorBatch)]) -> WindowSealed {
        let mut seal = Seal::new(DEVICE, hour());
        for (index, batch) in batches {
            seal.add(*index, received_at(), batch).unwrap();
        }
        seal.finish(ROOT, vec![])
    }

    #[test]
    fn a_seal_counts_batches_boots_readings_and_runs_of_entries() {
        let mut doubted = reading("co2_ppm", 3, 1e6);
        doubted.quality = Quality::Bad;
        let mut foreign = reading("temperature", 4, 300.0);
        foreign.unit = Some("K".into());
        let seal = sealed(&[
            (
                4,
                batch(Some(("b1", 7)), vec![reading("co2_ppm", 5, 412.7)]),
            ),
            (
                5,
                batch(Some(("b1", 3)), vec![reading("co2_ppm", 1, 0.1), doubted]),
            ),
            (
                9,
                batch(Some(("", 0)), vec![foreign, reading("co2_ppm", 5, 0.2)]),
            ),
            (11, batch(None, vec![reading("nonsense", 1, 1.0)])),
        ]);
        let json = serde_json::to_value(&seal).unwrap();
        let expected = serde_json::json!({
            "batches": 4,
            "boots": [
                {"batches": 1, "boot": "", "first_seq": 0, "last_seq": 0},
                {"batches": 2, "boot": "b1", "first_seq": 3, "last_seq": 7},
            ],
            "device": DEVICE.to_string(),
            "entries": [[4, 5], [9, 9], [11, 11]],
            "gaps": [],
            "hour": "2026-11-21T03:00:00Z",
            "metrics": {
                "co2_ppm": {
                    "first": "0.1", "first_at": "2026-11-21T03:00:01Z",
                    "last": "0.2", "last_at": "2026-11-21T03:00:05Z",
                    "max": "412.7", "min": "0.1", "n": 3, "sum": "413", "unit": "ppm",
                },
                "temperature": {
                    "first": "26.850000000000023", "first_at": "2026-11-21T03:00:04Z",
                    "last": "26.850000000000023", "last_at": "2026-11-21T03:00:04Z",
                    "max": "26.850000000000023", "min": "26.850000000000023",
                    "n": 1, "sum": "26.850000000000023", "unit": "Cel",
                },
            },
            "root": ROOT.to_string(),
            "suspect": 2,
            "uncounted": 1,
        });
        assert_eq!(json, expected);
        assert_eq!(seal.indexes().collect::<Vec<_>>(), [4, 5, 9, 11]);
        assert_eq!(seal.last_entry(), Some(11));
        for index in 0..13 {
            assert_eq!(seal.holds(index), [4, 5, 9, 11].contains(&index), "{index}");
        }
    }

    #[test]
    fn a_batch_of_another_hour_or_an_entry_before_the_last_is_refused() {
        let mut seal = Seal::new(DEVICE, hour());
        let good = batch(None, vec![reading("flow", 0, 1.0)]);
        let early = batch(
            None,
            vec![reading("flow", -1, 1.0), reading("flow", 0, 1.0)],
        );
        seal.add(5, received_at(), &good).unwrap();
        let error = seal.add(6, received_at(), &early).unwrap_err().to_string();
        assert_eq!(
            error,
            "entry 6 belongs to the window of 2026-11-21T02, not of 2026-11-21T03"
        );
        let again = seal.add(5, received_at(), &good).unwrap_err();
        assert_eq!(again, SealError::NotBehind { index: 5, last: 5 });
        assert_eq!(seal.finish(ROOT, vec![]), sealed(&[(5, good)]));
    }

    #[test]
    fn of_very_many_gaps_the_lowest_are_listed() {
        let gap = |seq| Gap {
            boot: String::new(),
            from_seq: seq,
            to_seq: seq,
        };
        let count = MAX_GAPS as u64;
        let gaps = (0..=count).rev().map(gap).collect();
        let seal = Seal::new(DEVICE, hour()).finish(ROOT, gaps);
        assert_eq!(seal.gaps.len(), MAX_GAPS);
        assert_eq!(seal.gaps.first(), Some(&gap(0)));
    }

    #[test]
    fn a_seal_counts_the_batches_that_declare_a_source_themselves() {
        let of = |source| SensorBatch {
            source,
            ..batch(None, vec![reading("flow", 0, 1.0)])
        };
        let first = sealed(&[
            (1, of(None)),
            (2, of(Some(Source::Simulator))),
            (3, of(Some(Source::Real))),
        ]);
        let mut seal = Seal::superseding(4, first);
        let late = of(Some(Source::Simulator));
        seal.add(5, received_at(), &late).unwrap();
        let sources = seal.finish(ROOT, vec![]).sources;
        assert_eq!(
            sources,
            BTreeMap::from([(Source::Real, 1), (Source::Simulator, 2)])
        );
        let silent = serde_json::to_value(sealed(&[(1, of(None))])).unwrap();
        assert!(silent.get("sources").is_none());
    }

    fn batches() -> impl Strategy<Value = Vec<(u64, SensorBatch)>> {
        let value = prop_oneof![-1e3..1e3, Just(0.1), -1e-20..1e-20, Just(1e15), Just(1e16)];
        let metric = prop::sample::select(vec!["co2_ppm", "flow", "temperature", "nonsense"]);
        let readings = prop::collection::vec((metric, 0i64..5, value), 1..4);
        let counter = prop::option::of((prop::sample::select(vec!["", "b1", "b2"]), 0u64..100));
        prop::collection::vec((1u64..3, counter, readings), 1..20).prop_map(|batches| {
            let mut index = 0;
            let numbered = batches.into_iter().map(|(step, counter, readings)| {
                index += step;
                let readings = readings.into_iter();
                let readings =
                    readings.map(|(metric, second, value)| reading(metric, second, value));
                (index, batch(counter, readings.collect()))
            });
            numbered.collect()
        })
    }

    proptest! {
        #[test]
        fn a_superseding_seal_says_what_one_of_all_batches_says(
            batches in batches(), cut in 1usize..20
        ) {
            let whole = sealed(&batches);
            let (before, late) = batches.split_at(cut.min(batches.len()));
            // Through JSON, as the ledger keeps it.
            let json = serde_json::to_vec(&sealed(before)).unwrap();
            let mut seal = Seal::superseding(4711, serde_json::from_slice(&json).unwrap());
            for (index, batch) in late {
                seal.add(*index, received_at(), batch).unwrap();
            }
            let superseding = seal.finish(ROOT, vec![]);
            prop_assert_eq!(superseding.supersedes, Some(4711));
            prop_assert_eq!(WindowSealed { supersedes: None, ..superseding }, whole);
        }
    }
}
