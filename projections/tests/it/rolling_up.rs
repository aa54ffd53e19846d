use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use sealrock_domain::DeviceId;
use sealrock_ledger::Index;
use sealrock_projections::QueryError;
use sealrock_projections::rollups::{Aggregate, Bucket, Series};

use crate::plant::{Plant, at, batch, reading};
use crate::telemetry::{started, telemetry};

/// Seconds and value of a reading; times repeat, and batches come in any order.
type Sample = (i64, f64);

fn samples() -> impl Strategy<Value = Vec<Vec<Sample>>> {
    let sample = (0i64..20_000, -1000i32..1000).prop_map(|(t, v)| (t / 7 * 7, f64::from(v) / 8.0));
    prop::collection::vec(prop::collection::vec(sample, 1..20), 1..12)
}

/// What the buckets should say, from the list of all readings.
fn naive(batches: &[Vec<Sample>], seconds: i64) -> Vec<Bucket> {
    let mut buckets: BTreeMap<DateTime<Utc>, Vec<(DateTime<Utc>, f64)>> = BTreeMap::new();
    for (time, value) in batches.iter().flatten() {
        let time = at(*time);
        let start = time.timestamp().div_euclid(seconds) * seconds;
        let start = DateTime::from_timestamp(start, 0).unwrap();
        buckets.entry(start).or_default().push((time, *value));
    }
    buckets
        .into_iter()
        .map(|(start, readings)| bucket(start, &readings))
        .collect()
}

fn bucket(start: DateTime<Utc>, readings: &[(DateTime<Utc>, f64)]) -> Bucket {
    let values = readings.iter().map(|(_, value)| *value);
    let mut sorted = readings.to_vec();
    sorted.sort_by_key(|(time, _)| *time);
    let (first, last) = (sorted[0], sorted[sorted.len() - 1]);
    let aggregate = Aggregate {
        count: readings.len() as u64,
        // Eighths: sums are exact in any order.
        sum: values.clone().sum(),
        min: values.clone().fold(f64::INFINITY, f64::min),
        max: values.fold(f64::NEG_INFINITY, f64::max),
        first: first.1,
        first_at: first.0,
        last: last.1,
        last_at: last.0,
    };
    Bucket { start, aggregate }
}

fn series(device: DeviceId, seconds: u64) -> Series {
    Series {
        device,
        metric: "temperature".parse().unwrap(),
        from: at(-100_000),
        to: at(100_000),
        bucket: Duration::from_secs(seconds),
    }
}

#[test]
fn every_width_of_bucket_says_what_a_naive_count_of_the_readings_says() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut config = ProptestConfig::with_cases(12);
    config.failure_persistence = None;
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let (plant, running) = runtime.block_on(async {
        let plant = Plant::on_database().await;
        let running = plant.run(telemetry());
        (plant, running)
    });
    let cases = std::cell::Cell::new(0);
    let result = runner.run(&samples(), |batches| {
        cases.set(cases.get() + 1);
        runtime.block_on(async {
            let device = plant.register(&format!("meter-{}", cases.get())).await;
            let mut last = Index(0);
            for samples in &batches {
                let readings: Vec<String> = samples
                    .iter()
                    .map(|(t, v)| reading("temperature", at(*t), *v))
                    .collect();
                last = plant.batch(device, batch("", &readings)).await;
            }
            running.reach(&plant, last).await;
            for seconds in [300, 3_600, 86_400, 900, 7_200, 60, 420] {
                let found = plant.read.series(&series(device, seconds)).await.unwrap();
                let counted: Vec<Vec<Sample>> = batches
                    .iter()
                    .map(|b| {
                        b.iter()
                            .copied()
                            .filter(|(t, _)| *t <= 3600 + 600)
                            .collect()
                    })
                    .collect();
                assert_eq!(
                    found,
                    naive(&counted, i64::try_from(seconds).unwrap()),
                    "{seconds}"
                );
            }
        });
        Ok(())
    });
    runtime.block_on(running.stop());
    result.unwrap();
}

#[tokio::test]
async fn a_series_that_is_too_long_or_of_no_whole_second_is_refused_with_the_way_out() {
    let (plant, running, device) = started().await;
    running.reach(&plant, Index(0)).await;
    let mut raw = series(device, 60);
    raw.to = raw.from + TimeDelta::days(32);
    raw.bucket = Duration::from_mins(7);
    let mut many = series(device, 1);
    many.to = many.from + TimeDelta::seconds(10_001);
    let mut odd = series(device, 1);
    odd.bucket = Duration::from_millis(1500);
    for (series, text) in [
        (raw, "at most 31 days"),
        (many, "at most 10000"),
        (odd, "whole number"),
    ] {
        let error = plant.read.series(&series).await.unwrap_err();
        assert!(matches!(error, QueryError::Invalid(_)), "{error:?}");
        assert!(error.to_string().contains(text), "{error}");
    }
    running.stop().await;
}
