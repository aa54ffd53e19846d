//! The leaderboard of sites, against what anyone would compute from the list of all readings.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use sealrock_domain::asset::{AssetEvent, AssetKind, AssetRegistered};
use sealrock_domain::capture_day::{CaptureDayEvent, CaptureRecorded};
use sealrock_domain::device::{DeviceEvent, DeviceRegistered};
use sealrock_domain::site::{
    EmissionTargetSet, EmissionTargetWithdrawn, SiteEvent, SiteKind, SiteRegistered,
};
use sealrock_domain::telemetry::Source;
use sealrock_domain::{AssetId, Attributes, CredentialId, DeviceId, Mass, SiteId, Slug};
use sealrock_ledger::Index;
use sealrock_projections::captures::CapturesProjection;
use sealrock_projections::leaderboard::{
    Leaderboard, METRIC, NoSplit, Period, RankBy, Rate, Row, Unranked,
};
use sealrock_projections::registry::RegistryProjection;
use sealrock_projections::rollups::RollupsProjection;
use sealrock_projections::targets::TargetsProjection;
use sealrock_projections::windows::WindowsProjection;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::plant::{Plant, Running, at, batch, reading, slug};

/// An organisation of tea factories.
struct Factories {
    plant: Plant,
    running: Running,
    last: std::cell::Cell<Index>,
}

/// A bucket's number from `at(0)` on, and a rate in kg/h.
type Sample = (i64, f64);

impl Factories {
    async fn new() -> Self {
        let plant = Plant::on_database().await;
        let running = plant.run(vec![
            Arc::new(RegistryProjection),
            Arc::new(RollupsProjection),
            Arc::new(TargetsProjection),
            Arc::new(CapturesProjection),
            Arc::new(WindowsProjection),
        ]);
        Self {
            plant,
            running,
            last: Index(0).into(),
        }
    }

    async fn site(&self, name: &str) -> Slug {
        let site = slug(name);
        let event = SiteRegistered {
            org: slug("northsea"),
            slug: site.clone(),
            display_name: name.parse().unwrap(),
            site_kind: SiteKind::TeaFactory,
            country: None,
            latitude: None,
            longitude: None,
            ambient_pressure_kpa: None,
        };
        self.site_event(&site, event.into()).await;
        site
    }

    async fn site_event(&self, site: &Slug, event: SiteEvent) -> Index {
        let stream = format!("site/{}", SiteId::of(&slug("northsea"), site));
        self.noted(self.plant.event(&stream, &event).await)
    }

    async fn stack(&self, site: &Slug, name: &str, biogenic: Option<&str>) {
        let assumptions: BTreeMap<String, String> = biogenic
            .map(|value| ("biogenic_fraction".to_owned(), value.to_owned()))
            .into_iter()
            .collect();
        let event = AssetEvent::from(AssetRegistered {
            org: slug("northsea"),
            site: site.clone(),
            slug: slug(name),
            display_name: name.parse().unwrap(),
            asset_kind: AssetKind::Stack,
            assumptions: assumptions.try_into().unwrap(),
        });
        let id = AssetId::of(&slug("northsea"), site, &slug(name));
        self.noted(self.plant.event(&format!("asset/{id}"), &event).await);
    }

    async fn probe(&self, site: &Slug, stack: &str, name: &str) -> DeviceId {
        let event = DeviceEvent::from(DeviceRegistered {
            org: slug("northsea"),
            site: site.clone(),
            name: slug(name),
            display_name: name.parse().unwrap(),
            asset: Some(slug(stack)),
            source: Source::Simulator,
            public_key: None,
            credential: CredentialId(Uuid::new_v4()),
            metadata: Attributes::default(),
            sensors: Vec::new(),
        });
        let id = DeviceId::of(&slug("northsea"), site, &slug(name));
        self.noted(self.plant.event(&id.stream(), &event).await);
        id
    }

    /// A site with one stack and one probe.
    async fn factory(&self, name: &str, biogenic: Option<&str>) -> DeviceId {
        let site = self.site(name).await;
        self.stack(&site, "stack", biogenic).await;
        self.probe(&site, "stack", "probe").await
    }

    async fn send(&self, probe: DeviceId, samples: &[Sample]) -> Index {
        let readings: Vec<String> = samples
            .iter()
            .map(|(bucket, rate)| rate_at(start(*bucket), *rate))
            .collect();
        self.noted(self.plant.batch(probe, batch("", &readings)).await)
    }

    /// The same rate in each of these buckets.
    async fn steady(&self, probe: DeviceId, buckets: std::ops::Range<i64>, rate: f64) {
        let samples: Vec<Sample> = buckets.map(|bucket| (bucket, rate)).collect();
        self.send(probe, &samples).await;
    }

    fn noted(&self, index: Index) -> Index {
        self.last.set(index);
        index
    }

    async fn ranked(&self, period: Period, by: RankBy) -> Leaderboard {
        self.running.reach(&self.plant, self.last.get()).await;
        self.plant
            .read
            .leaderboard(&slug("northsea"), self.plant.ledger.id, period, by)
            .await
            .unwrap()
    }
}

/// Where a bucket begins; bucket 0 is the one of `at(0)`, and all lie before the readings' receipt.
fn start(bucket: i64) -> DateTime<Utc> {
    at(0) - TimeDelta::days(30) + TimeDelta::minutes(5 * bucket)
}

fn rate_at(time: DateTime<Utc>, kg_per_h: f64) -> String {
    reading(METRIC, time, kg_per_h / 1000.0)
}

fn period(buckets: std::ops::Range<i64>) -> Period {
    Period::new(start(buckets.start), start(buckets.end), at(3600)).unwrap()
}

fn names(board: &Leaderboard) -> Vec<(&str, Option<u32>)> {
    board
        .rows
        .iter()
        .map(|row| (row.site.slug.as_str(), row.rank.clone().ok()))
        .collect()
}

fn kg_per_h(row: &Row) -> Option<f64> {
    row.rate.map(Rate::kilograms_per_hour)
}

/// Probe and samples: bucket, second in it, rate in kg/h.
type Sent = Vec<(usize, i64, i64, f64)>;

fn sent() -> impl Strategy<Value = Vec<Sent>> {
    let sample = (0_usize..4, 0_i64..700, 0_i64..300, 0_u32..4_000)
        .prop_map(|(probe, bucket, second, rate)| (probe, bucket, second, f64::from(rate) / 4.0));
    prop::collection::vec(prop::collection::vec(sample, 1..60), 1..8)
}

/// Rate in kg/h and buckets with data of a stack with these probes.
fn naive(sent: &[Sent], probes: &[usize], range: std::ops::Range<i64>) -> (f64, u64) {
    let mut buckets: BTreeMap<i64, BTreeMap<usize, Vec<f64>>> = BTreeMap::new();
    let all = sent.iter().flatten();
    for (probe, bucket, _, rate) in all.filter(|s| probes.contains(&s.0) && range.contains(&s.1)) {
        let of_bucket = buckets.entry(*bucket).or_default();
        of_bucket.entry(*probe).or_default().push(*rate);
    }
    let mean = |values: &[f64]| {
        values.iter().sum::<f64>() / f64::from(u32::try_from(values.len()).unwrap())
    };
    let means: Vec<f64> = buckets
        .values()
        .map(|probes| mean(&probes.values().map(|rates| mean(rates)).collect::<Vec<_>>()))
        .collect();
    (mean(&means), means.len() as u64)
}

/// Site `one` has a stack with probe 0 and one with probe 1; site `two` a stack with probes 2 and 3.
#[test]
fn rates_and_coverage_are_those_of_a_naive_count_of_the_readings() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut config = ProptestConfig::with_cases(10);
    config.failure_persistence = None;
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let cases = std::cell::Cell::new(0_u32);
    let factories = runtime.block_on(Factories::new());
    let strategy = (sent(), 0_i64..350, 350_i64..700);
    let result = runner.run(&strategy, |(sent, from, to)| {
        let case = cases.replace(cases.get() + 1);
        runtime.block_on(async {
            let (one, two) = (
                factories.site(&format!("one-{case}")).await,
                factories.site(&format!("two-{case}")).await,
            );
            factories.stack(&one, "a", None).await;
            factories.stack(&one, "b", None).await;
            factories.stack(&two, "c", None).await;
            let probes = [
                factories.probe(&one, "a", "p0").await,
                factories.probe(&one, "b", "p1").await,
                factories.probe(&two, "c", "p2").await,
                factories.probe(&two, "c", "p3").await,
            ];
            for batch_of in &sent {
                for (number, probe) in probes.iter().enumerate() {
                    let readings: Vec<String> = batch_of
                        .iter()
                        .filter(|sample| sample.0 == number)
                        .map(|(_, bucket, second, rate)| {
                            rate_at(start(*bucket) + TimeDelta::seconds(*second), *rate)
                        })
                        .collect();
                    if !readings.is_empty() {
                        factories.noted(factories.plant.batch(*probe, batch("", &readings)).await);
                    }
                }
            }
            let board = factories.ranked(period(from..to), RankBy::Total).await;
            let of = |site: &Slug| board.rows.iter().find(|row| row.site.slug == *site);
            for (site, stacks) in [(&one, vec![vec![0], vec![1]]), (&two, vec![vec![2, 3]])] {
                let expected: Vec<(f64, u64)> = stacks
                    .iter()
                    .map(|probes| naive(&sent, probes, from..to))
                    .collect();
                let Some(row) = of(site) else {
                    assert!(
                        expected.iter().all(|(_, filled)| *filled == 0),
                        "{site} is missing"
                    );
                    continue;
                };
                let some = expected.iter().filter(|(_, filled)| *filled > 0);
                let listed: Vec<u64> = row
                    .stacks
                    .iter()
                    .map(|s| s.filled)
                    .filter(|f| *f > 0)
                    .collect();
                assert_eq!(
                    listed,
                    some.clone().map(|(_, filled)| *filled).collect::<Vec<_>>()
                );
                if let Some(rate) = kg_per_h(row) {
                    let sum: f64 = some.map(|(rate, _)| rate).sum();
                    assert!((rate - sum).abs() < 2e-3, "{site}: {rate} is not {sum}");
                }
            }
        });
        Ok(())
    });
    runtime.block_on(factories.running.stop());
    result.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_site_with_three_quarters_of_its_buckets_is_ranked_and_one_with_a_bucket_less_is_not() {
    let factories = Factories::new().await;
    let enough = factories.factory("enough", None).await;
    let less = factories.factory("less", None).await;
    factories.steady(enough, 0..750, 500.0).await;
    factories.steady(less, 0..749, 1.0).await;

    let thousand = period(0..1000);
    let board = factories.ranked(thousand, RankBy::Total).await;
    assert_eq!(names(&board), [("enough", Some(1)), ("less", None)]);
    assert_eq!((board.rows[0].filled, board.period.buckets()), (750, 1000));
    let refused = board.rows[1].rank.clone().unwrap_err();
    assert_eq!(
        refused.to_string(),
        "749 of 1000 buckets of five minutes have data at stack stack: 75 % are required"
    );
    assert_eq!(
        kg_per_h(&board.rows[1]),
        Some(1.0),
        "what is known is shown"
    );

    // The bucket that was missing comes late.
    factories.steady(less, 900..901, 1.0).await;
    let board = factories.ranked(thousand, RankBy::Total).await;
    assert_eq!(names(&board), [("less", Some(1)), ("enough", Some(2))]);
    factories.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_five_minutes_weigh_the_same_however_often_a_device_reports_in_them() {
    let factories = Factories::new().await;
    let probe = factories.factory("busy", None).await;
    // A hundred readings of 100 kg/h in the first bucket, one of 0 in each of the other nine.
    factories.send(probe, &[(0, 100.0); 100]).await;
    factories.steady(probe, 1..10, 0.0).await;
    let board = factories.ranked(period(0..10), RankBy::Total).await;
    assert_eq!(kg_per_h(&board.rows[0]), Some(10.0));
    factories.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn equal_rates_share_a_rank_and_the_next_one_is_left_out() {
    let factories = Factories::new().await;
    for (site, rate) in [("c", 100.0), ("a", 200.0), ("d", 100.000_2), ("b", 300.0)] {
        let probe = factories.factory(site, None).await;
        factories.steady(probe, 0..10, rate).await;
    }
    let board = factories.ranked(period(0..10), RankBy::Total).await;
    let expected = [
        ("c", Some(1)),
        ("d", Some(1)),
        ("a", Some(3)),
        ("b", Some(4)),
    ];
    assert_eq!(names(&board), expected);
    factories.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stack_without_data_leaves_its_site_without_rate_and_rank() {
    let factories = Factories::new().await;
    let site = factories.site("half-blind").await;
    factories.stack(&site, "seen", None).await;
    factories.stack(&site, "unseen", None).await;
    let probe = factories.probe(&site, "seen", "probe").await;
    factories.steady(probe, 0..8000, 100.0).await;
    // Long enough to be over after the stack was registered, whenever this test runs.
    let now = Utc::now() + TimeDelta::days(1);
    let long = Period::new(now - TimeDelta::days(300), now, now).unwrap();
    let board = factories.ranked(long, RankBy::Total).await;
    let row = &board.rows[0];
    assert_eq!((row.rate, row.filled), (None, 0));
    assert_eq!(row.split, Err(NoSplit::Unknown(slug("seen"))));
    assert!(
        matches!(&row.rank, Err(Unranked::Coverage { stack, filled: 0, .. }) if *stack == slug("unseen")),
        "{:?}",
        row.rank
    );
    factories.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fossil_and_biogenic_are_told_apart_where_every_stack_says_its_fraction() {
    let factories = Factories::new().await;
    let (wood, coal) = (
        factories.factory("wood", Some("0.9")).await,
        factories.factory("coal", Some("0")).await,
    );
    let (silent, wrong) = (
        factories.factory("silent", None).await,
        factories.factory("wrong", Some("90 %")).await,
    );
    for (probe, rate) in [(wood, 400.0), (coal, 100.0), (silent, 50.0), (wrong, 60.0)] {
        factories.steady(probe, 0..10, rate).await;
    }
    let by_total = factories.ranked(period(0..10), RankBy::Total).await;
    let all = [
        ("silent", Some(1)),
        ("wrong", Some(2)),
        ("coal", Some(3)),
        ("wood", Some(4)),
    ];
    assert_eq!(names(&by_total), all);

    let by_fossil = factories.ranked(period(0..10), RankBy::Fossil).await;
    let known = [
        ("wood", Some(1)),
        ("coal", Some(2)),
        ("silent", None),
        ("wrong", None),
    ];
    assert_eq!(names(&by_fossil), known);
    let split = by_fossil.rows[0].split.clone().unwrap();
    assert_eq!(
        (split.fossil.to_string(), split.biogenic.to_string()),
        ("40".into(), "360".into())
    );
    let reasons: Vec<String> = by_fossil.rows[2..]
        .iter()
        .map(|row| row.rank.clone().unwrap_err().to_string())
        .collect();
    assert_eq!(
        reasons,
        [
            "its fossil part is not known: stack stack has no assumption biogenic_fraction",
            "its fossil part is not known: stack stack has the assumption biogenic_fraction \"90 %\": \
             it is a number from 0 to 1",
        ]
    );
    factories.running.stop().await;
}

/// A record of the hour from a bucket on, of the unit `amine` of a site.
async fn capture(factories: &Factories, site: &str, bucket: i64, kilograms: u64) -> Index {
    let unit = AssetId::of(&slug("northsea"), &slug(site), &slug("amine"));
    let event = CaptureDayEvent::from(CaptureRecorded {
        org: slug("northsea"),
        site: slug(site),
        unit: slug("amine"),
        from: start(bucket),
        to: start(bucket + 12),
        captured_kg: Mass::from_kilograms(kilograms).unwrap(),
        vented_kg: Mass::ZERO,
        electricity_kwh: None,
        heat_mj: None,
        measured: None,
        evidence: Vec::new(),
        by: "user/00000000-0000-0000-0000-000000000001".parse().unwrap(),
    });
    let stream = format!("capture_day/{unit}/{}", start(bucket).date_naive());
    factories.noted(factories.plant.event(&stream, &event).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_site_captured_stands_beside_its_rate_and_gives_no_rank() {
    let factories = Factories::new().await;
    let probe = factories.factory("both", None).await;
    factories.steady(probe, 0..24, 100.0).await;
    factories.site("only-captures").await;
    factories.site("neither").await;
    capture(&factories, "both", -12, 1).await;
    let first = capture(&factories, "both", 0, 10).await;
    let second = capture(&factories, "both", 12, 20).await;
    capture(&factories, "both", 24, 40).await;
    capture(&factories, "only-captures", 0, 80).await;
    let board = factories.ranked(period(0..24), RankBy::Total).await;
    assert_eq!(names(&board), [("both", Some(1)), ("only-captures", None)]);
    let captured = board.rows[0].captured.clone().unwrap();
    let expected = (Mass::from_kilograms(30).unwrap(), 2, vec![first, second]);
    assert_eq!(
        (captured.mass, captured.records, captured.indexes),
        expected
    );
    let other = &board.rows[1];
    assert_eq!((&other.rank, other.rate), (&Err(Unranked::NoStack), None));
    assert!(other.captured.is_some());
    factories.running.stop().await;
}

fn target(rate: &str, from: &str, until: Option<&str>) -> SiteEvent {
    EmissionTargetSet {
        average_kg_per_h: rate.parse().unwrap(),
        from: from.parse().unwrap(),
        until: until.map(|day| day.parse().unwrap()),
    }
    .into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_is_met_by_its_rate_or_less_and_targets_of_parts_weigh_by_their_time() {
    let factories = Factories::new().await;
    for (name, rate) in [
        ("met", 100.0),
        ("missed", 100.001),
        ("partly", 100.0),
        ("none", 100.0),
    ] {
        let probe = factories.factory(name, None).await;
        factories.steady(probe, 0..8000, rate).await;
    }
    // The period: 2026-10-23 and 24, both days whole.
    let begin: DateTime<Utc> = "2026-10-23T00:00:00Z".parse().unwrap();
    let two_days = Period::new(begin, begin + TimeDelta::days(2), at(3600)).unwrap();
    for (site, rate, from, until) in [
        ("met", "100", "2026-10-01", None),
        ("missed", "80.5", "2026-10-23", Some("2026-10-23")),
        ("missed", "119.5", "2026-10-24", Some("2026-10-24")),
        ("partly", "500", "2026-10-24", None),
    ] {
        factories
            .site_event(&slug(site), target(rate, from, until))
            .await;
    }
    let board = factories.ranked(two_days, RankBy::Total).await;
    let of = |name: &str| {
        let row = board
            .rows
            .iter()
            .find(|row| row.site.slug == slug(name))
            .unwrap();
        (row.targets.len(), row.target_kg_per_h, row.target_met)
    };
    assert_eq!(of("met"), (1, Some(100.0), Some(true)));
    assert_eq!(of("missed"), (2, Some(100.0), Some(false)));
    assert_eq!(
        of("partly"),
        (1, None, None),
        "half of the period has no target"
    );
    assert_eq!(of("none"), (0, None, None));
    factories.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn targets_are_shown_as_they_stood_behind_any_entry_live_or_rebuilt() {
    let factories = Factories::new().await;
    let site = factories.site("plant").await;
    let set = factories
        .site_event(&site, target("100", "2026-10-01", None))
        .await;
    let withdraw = |last_day: Option<&str>| {
        EmissionTargetWithdrawn {
            from: "2026-10-01".parse().unwrap(),
            last_day: last_day.map(|day| day.parse().unwrap()),
        }
        .into()
    };
    let ended = factories
        .site_event(&site, withdraw(Some("2026-10-31")))
        .await;
    let next = factories
        .site_event(&site, target("90", "2026-11-01", None))
        .await;
    let gone = factories.site_event(&site, withdraw(None)).await;
    factories.running.reach(&factories.plant, gone).await;

    let id = SiteId::of(&slug("northsea"), &site);
    let read = &factories.plant.read;
    let as_of = async |index: Option<Index>| -> Vec<String> {
        let found = read
            .emission_targets(factories.plant.ledger.id, &[id], index)
            .await;
        let text = |t: sealrock_projections::targets::SiteTarget| {
            let until = t.target.until.map_or(String::new(), |day| day.to_string());
            let rate = t.target.average_kg_per_h;
            format!(
                "{rate} {}..{until} {} {}",
                t.target.from, t.set_by, t.changed_by
            )
        };
        found.unwrap().into_iter().map(text).collect()
    };
    let open = format!("100 2026-10-01.. {set} {set}");
    let closed = format!("100 2026-10-01..2026-10-31 {set} {ended}");
    let second = format!("90 2026-11-01.. {next} {next}");
    let both = format!("{closed}, {second}");
    let before = Index(set.0 - 1);
    for _ in ["live", "rebuilt"] {
        assert!(as_of(Some(before)).await.is_empty());
        assert_eq!(as_of(Some(set)).await.join(", "), open);
        assert_eq!(as_of(Some(ended)).await.join(", "), closed);
        assert_eq!(as_of(Some(next)).await.join(", "), both);
        assert_eq!(as_of(Some(gone)).await.join(", "), second);
        assert_eq!(as_of(None).await.join(", "), second);
        factories
            .running
            .runner
            .rebuild("targets", &CancellationToken::new())
            .await
            .unwrap();
    }
    factories.running.stop().await;
}
