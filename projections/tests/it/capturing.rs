//! Capture units and captures in versions, now and as of every entry.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use sealrock_domain::capture_day::{
    CaptureCorrected, CaptureDayApproved, CaptureDayEvent, CaptureMeasured, CapturePeriod,
    CaptureRecorded,
};
use sealrock_domain::capture_unit::{
    CaptureTechnology, CaptureUnitEvent, CaptureUnitRegistered, CaptureUnitStatus,
    CaptureUnitStatusChanged,
};
use sealrock_domain::{Actor, AssetId, Mass};
use sealrock_ledger::Index;
use sealrock_projections::captures::{
    Capture, CaptureCursor, CaptureFilter, CaptureTotal, CaptureUnit, Per,
};
use tokio_util::sync::CancellationToken;

use crate::plant::{Plant, slug};

const TABLES: [&str; 3] = [
    "rm_captures.unit",
    "rm_captures.capture",
    "rm_captures.approval",
];

fn unit(name: &str) -> AssetId {
    AssetId::of(&slug("northsea"), &slug("plant-1"), &slug(name))
}

fn user(last: u8) -> Actor {
    format!("user/00000000-0000-0000-0000-0000000000{last:02x}")
        .parse()
        .unwrap()
}

fn hour(hour: i64) -> DateTime<Utc> {
    "2026-11-30T00:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::hours(hour)
}

fn mass(kilograms: u64) -> Mass {
    Mass::from_kilograms(kilograms).unwrap()
}

async fn register(plant: &Plant, name: &str, technology: CaptureTechnology) -> Index {
    let event = CaptureUnitEvent::from(CaptureUnitRegistered {
        org: slug("northsea"),
        site: slug("plant-1"),
        slug: slug(name),
        technology,
        capacity_kg_per_day: Mass::from_tonnes(600),
    });
    let stream = format!("capture_unit/{}", unit(name));
    plant.event(&stream, &event).await
}

async fn set_status(plant: &Plant, name: &str, status: CaptureUnitStatus) -> Index {
    let reason = Some("as planned".parse().unwrap());
    let event = CaptureUnitEvent::from(CaptureUnitStatusChanged { status, reason });
    let stream = format!("capture_unit/{}", unit(name));
    plant.event(&stream, &event).await
}

async fn on_day(plant: &Plant, name: &str, from: i64, event: CaptureDayEvent) -> Index {
    let day = hour(from).date_naive();
    let stream = format!("capture_day/{}/{day}", unit(name));
    plant.event(&stream, &event).await
}

fn recorded(name: &str, (from, to): (i64, i64), captured: u64, vented: u64) -> CaptureDayEvent {
    let real = captured.is_multiple_of(2);
    CaptureRecorded {
        org: slug("northsea"),
        site: slug("plant-1"),
        unit: slug(name),
        from: hour(from),
        to: hour(to),
        captured_kg: mass(captured),
        vented_kg: mass(vented),
        electricity_kwh: Some("120.50".parse().unwrap()),
        heat_mj: None,
        measured: Some(CaptureMeasured {
            captured_kg: Some(mass(captured)),
            hours: 1,
            real,
            vented_kg: None,
        }),
        evidence: vec!["sealrock.test/ledger/northsea#0".parse().unwrap()],
        by: user(1),
    }
    .into()
}

fn corrected(from: i64, captured: u64, vented: u64) -> CaptureDayEvent {
    CaptureCorrected {
        from: hour(from),
        captured_kg: mass(captured),
        vented_kg: mass(vented),
        electricity_kwh: None,
        heat_mj: Some("1000".parse().unwrap()),
        measured: None,
        evidence: Vec::new(),
        reason: "the meter was read wrongly".parse().unwrap(),
        by: user(2),
    }
    .into()
}

fn approved() -> CaptureDayEvent {
    CaptureDayApproved { by: user(3) }.into()
}

/// All that the model answers.
#[derive(Debug, PartialEq)]
struct Answers {
    units: Vec<CaptureUnit>,
    captures: Vec<Capture>,
    versions: Vec<Capture>,
    totals: Vec<Vec<CaptureTotal>>,
}

async fn answers(plant: &Plant, as_of: Option<Index>) -> Answers {
    let (read, ledger, all) = (&plant.read, plant.ledger.id, CaptureFilter::default());
    let mut totals = Vec::new();
    let of_one = CaptureFilter {
        unit: Some(unit("amine-1")),
        ..CaptureFilter::default()
    };
    for (filter, per) in [
        (&all, Per::Day),
        (&all, Per::Month),
        (&all, Per::Year),
        (&all, Per::All),
        (&of_one, Per::Day),
    ] {
        totals.push(
            read.capture_totals(ledger, filter, as_of, per)
                .await
                .unwrap(),
        );
    }
    let record = (unit("amine-1"), hour(0));
    Answers {
        units: read.capture_units(ledger, &all, as_of).await.unwrap(),
        captures: read
            .captures(ledger, &all, as_of, (None, 100))
            .await
            .unwrap(),
        versions: read.capture_versions(ledger, record, as_of).await.unwrap(),
        totals,
    }
}

/// A history: two units, two months, corrections before and after others' records, approvals.
async fn next(plant: &Plant, step: usize) -> Option<Index> {
    use CaptureTechnology::{Amine, Membrane};
    use CaptureUnitStatus::{Maintenance, Operating};
    let one = "amine-1";
    Some(match step {
        0 => register(plant, one, Amine).await,
        1 => register(plant, "membrane-1", Membrane).await,
        2 => set_status(plant, one, Operating).await,
        3 => on_day(plant, one, 0, recorded(one, (0, 6), 90_000, 10_000)).await,
        4 => on_day(plant, one, 6, recorded(one, (6, 12), 80_001, 0)).await,
        5 => on_day(plant, one, 0, corrected(0, 88_000, 12_000)).await,
        6 => {
            let event = recorded("membrane-1", (0, 24), 5_000, 45_000);
            on_day(plant, "membrane-1", 0, event).await
        }
        7 => on_day(plant, one, 24, recorded(one, (24, 25), 15_000, 0)).await,
        8 => on_day(plant, one, 0, corrected(0, 87_999, 12_001)).await,
        9 => set_status(plant, one, Maintenance).await,
        10 => on_day(plant, one, 0, approved()).await,
        11 => on_day(plant, one, 24, corrected(24, 0, 0)).await,
        12 => on_day(plant, "membrane-1", 0, approved()).await,
        _ => return None,
    })
}

#[tokio::test]
async fn as_of_any_entry_the_model_answers_what_it_did_when_that_entry_was_the_newest() {
    let plant = Plant::on_database().await;
    let running = plant.run(sealrock_projections::all());
    let mut then = BTreeMap::new();
    for step in 0.. {
        let Some(index) = next(&plant, step).await else {
            break;
        };
        running.reach(&plant, index).await;
        then.insert(index, answers(&plant, None).await);
    }
    assert_eq!(then.len(), 13);
    for (index, answers_then) in &then {
        assert_eq!(
            &answers(&plant, Some(*index)).await,
            answers_then,
            "{index}"
        );
    }
    let different = then.values().zip(then.values().skip(1));
    assert!(different.into_iter().all(|(before, after)| before != after));

    // Folded in other batches, from nothing.
    let mut before = Vec::new();
    for table in TABLES {
        before.push(plant.content(table).await);
    }
    let token = CancellationToken::new();
    running.runner.rebuild("captures", &token).await.unwrap();
    for (table, before) in TABLES.iter().zip(before) {
        assert_eq!(plant.content(table).await, before, "{table}");
        assert!(!before.is_empty());
    }
    for (index, answers_then) in &then {
        assert_eq!(
            &answers(&plant, Some(*index)).await,
            answers_then,
            "{index}"
        );
    }
    running.stop().await;
}

/// An event of a unit's day, by an hour of it.
struct Happened {
    unit: &'static str,
    hour: i64,
    event: CaptureDayEvent,
}

/// What the ledger's prefix says, added up anew: captured, vented and approved kilograms.
fn fold(events: &[Happened]) -> (u64, u64, u64) {
    let (mut records, mut approved) = (BTreeMap::new(), BTreeSet::new());
    for Happened {
        unit,
        hour: at,
        event,
    } in events
    {
        let masses = match event {
            CaptureDayEvent::CaptureRecorded(event) => (event.captured_kg, event.vented_kg),
            CaptureDayEvent::CaptureCorrected(event) => (event.captured_kg, event.vented_kg),
            CaptureDayEvent::CaptureDayApproved(_) => {
                approved.insert((unit, hour(*at).date_naive()));
                continue;
            }
        };
        records.insert((unit, hour(*at)), masses);
    }
    let mut sums = (0, 0, 0);
    for ((unit, from), (captured, vented)) in records {
        sums.0 += captured.whole_kilograms();
        sums.1 += vented.whole_kilograms();
        if approved.contains(&(unit, from.date_naive())) {
            sums.2 += captured.whole_kilograms();
        }
    }
    sums
}

/// Events that the domain would let happen: none on a day that is approved.
fn random_events() -> Vec<Happened> {
    let mut state = 7_u64;
    let mut draw = |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % below
    };
    let (mut events, mut known, mut locked) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for _ in 0..120 {
        let unit = if draw(2) == 0 {
            "amine-1"
        } else {
            "membrane-1"
        };
        let at = i64::try_from(draw(96)).unwrap();
        let (captured, vented) = (draw(1_000_000), draw(1_000));
        let day = (unit, at / 24);
        if locked.contains(&day) {
            continue;
        }
        let event = if draw(20) == 0 {
            locked.insert(day);
            approved()
        } else if known.insert((unit, at)) {
            recorded(unit, (at, at + 1), captured, vented)
        } else {
            corrected(at, captured, vented)
        };
        events.push(Happened {
            unit,
            hour: at,
            event,
        });
    }
    events
}

#[tokio::test]
async fn totals_as_of_every_entry_are_those_of_the_ledgers_prefix() {
    let plant = Plant::on_database().await;
    let events = random_events();
    let mut last = Index(0);
    for Happened { unit, hour, event } in &events {
        last = on_day(&plant, unit, *hour, event.clone()).await;
    }
    let is = |kind: fn(&CaptureDayEvent) -> bool| events.iter().any(|one| kind(&one.event));
    assert!(is(|event| matches!(
        event,
        CaptureDayEvent::CaptureCorrected(_)
    )));
    assert!(is(|event| matches!(
        event,
        CaptureDayEvent::CaptureDayApproved(_)
    )));
    let running = plant.run(sealrock_projections::all());
    running.reach(&plant, last).await;
    for index in 0..=last.0 {
        let expected = fold(&events[..=usize::try_from(index).unwrap()]);
        let all = CaptureFilter::default();
        let as_of = Some(Index(index));
        let totals = plant
            .read
            .capture_totals(plant.ledger.id, &all, as_of, Per::All);
        let totals = totals.await.unwrap();
        let sums = totals.first().map_or((0, 0, 0), |total| {
            let kilograms = Mass::whole_kilograms;
            (
                kilograms(total.captured),
                kilograms(total.vented),
                kilograms(total.approved),
            )
        });
        assert_eq!(sums, expected, "as of {index}");
    }
    running.stop().await;
}

#[tokio::test]
async fn totals_are_exact_and_say_efficiency_energy_and_what_they_rest_on() {
    let plant = Plant::on_database().await;
    let mut last = Index(0);
    for step in 0..8 {
        last = next(&plant, step).await.unwrap();
    }
    let running = plant.run(sealrock_projections::all());
    running.reach(&plant, last).await;
    let told = answers(&plant, None).await;
    let days = &told.totals[0];
    assert_eq!(days.len(), 2);
    // 88 t corrected, 80.001 t, 5 t; 12 t and 45 t vented.
    let first = &days[0];
    assert_eq!(first.start.unwrap().to_string(), "2026-11-30");
    assert_eq!(first.captured.tonnes(), "173.001");
    assert_eq!(first.vented.tonnes(), "57");
    assert_eq!((first.approved, first.records), (Mass::ZERO, 3));
    // Only the membrane's seals are real: the correction cites none, and the other's are simulated.
    assert_eq!(first.measured_by_sensors.tonnes(), "5");
    assert_eq!(first.efficiency_percent().unwrap(), "75.217");
    // Electricity is known of 80.001 t and 5 t, heat of 88 t.
    let energy = first.electricity_kwh_per_tonne.as_ref().unwrap();
    assert_eq!(energy.as_str(), "2.835");
    let heat = first.heat_mj_per_tonne.as_ref().unwrap();
    assert_eq!(heat.as_str(), "11.364");
    assert_eq!(first.indexes, [Index(4), Index(5), Index(6)]);
    let months: Vec<String> = told.totals[1]
        .iter()
        .map(|total| format!("{} {}", total.start.unwrap(), total.captured.tonnes()))
        .collect();
    assert_eq!(months, ["2026-11-01 173.001", "2026-12-01 15"]);
    assert_eq!(told.totals[3].len(), 1);
    assert_eq!(told.totals[3][0].start, None);
    running.stop().await;
}

#[tokio::test]
async fn records_come_newest_first_page_by_page_with_their_history_and_approval() {
    let plant = Plant::on_database().await;
    let mut last = Index(0);
    for step in 0..13 {
        last = next(&plant, step).await.unwrap();
    }
    let running = plant.run(sealrock_projections::all());
    running.reach(&plant, last).await;
    let (read, ledger) = (&plant.read, plant.ledger.id);
    let mut paged = Vec::new();
    let mut after = None;
    loop {
        let all = CaptureFilter::default();
        let page = read.captures(ledger, &all, None, (after, 1)).await.unwrap();
        let Some(one) = page.into_iter().next() else {
            break;
        };
        let (from, unit) = (one.period.from, one.unit);
        after = Some(CaptureCursor { from, unit });
        paged.push(one);
    }
    let told = answers(&plant, None).await;
    assert_eq!(paged, told.captures);
    let begin: Vec<_> = paged.iter().map(|one| one.period.from).collect();
    assert_eq!(begin, [hour(24), hour(6), hour(0), hour(0)]);

    let said: Vec<_> = told.versions.iter().map(|v| v.captured.tonnes()).collect();
    assert_eq!(said, ["90", "88", "87.999"]);
    let newest = told.versions.last().unwrap();
    assert_eq!((newest.first_index, newest.index), (Index(3), Index(8)));
    let (from, to) = (hour(0), hour(6));
    assert_eq!(newest.period, CapturePeriod { from, to });
    let approval = newest.approval.as_ref().unwrap();
    assert_eq!((&approval.by, approval.index), (&user(3), Index(10)));
    assert!(told.captures[0].approval.is_none());

    let december = CaptureFilter {
        first_day: Some("2026-12-01".parse().unwrap()),
        site: Some(slug("plant-1")),
        ..CaptureFilter::default()
    };
    let found = read.captures(ledger, &december, None, (None, 10)).await;
    let in_december = found.unwrap();
    assert_eq!(in_december.len(), 1);
    let elsewhere = CaptureFilter {
        site: Some(slug("plant-2")),
        ..CaptureFilter::default()
    };
    let found = read.captures(ledger, &elsewhere, None, (None, 10)).await;
    assert!(found.unwrap().is_empty());
    let of_one = CaptureFilter {
        unit: Some(unit("amine-1")),
        ..CaptureFilter::default()
    };
    let together = [december, elsewhere, of_one, CaptureFilter::default()];
    let found = read.captures_of(ledger, &together, None, (None, 10)).await;
    let mut own = told.captures.clone();
    own.retain(|one| one.unit == unit("amine-1"));
    let expected = [in_december, vec![], own, told.captures.clone()];
    assert_eq!(found.unwrap(), expected);
    let found = read.capture_totals_of(ledger, &together, None, Per::All);
    let records = |totals: Vec<CaptureTotal>| totals.iter().map(|total| total.records).sum();
    let records: Vec<u64> = found.await.unwrap().into_iter().map(records).collect();
    assert_eq!(records, expected.map(|captures| captures.len() as u64));
    let found = read.capture_units_of(ledger, &together, None).await;
    let units = found.unwrap().into_iter().map(|units| units.len());
    assert_eq!(units.collect::<Vec<_>>(), [2, 0, 1, 2]);
    assert_eq!(told.units.len(), 2);
    assert_eq!(told.units[0].status, CaptureUnitStatus::Maintenance);
    running.stop().await;
}
