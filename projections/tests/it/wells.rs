use std::collections::BTreeMap;

use chrono::{Datelike, Days, NaiveDate};
use cqrs_es::Aggregate;
use sealrock_domain::device::{DeviceBound, DeviceEvent};
use sealrock_domain::injection_day::{
    self, InjectionDay, InjectionDayApproved, InjectionDayCorrected, InjectionDayEvent,
    InjectionDayRecorded, Measured,
};
use sealrock_domain::well::{
    InjectionStarted, InjectionStopped, PermitLimitsProposed, PermitLimitsSet, Well, WellEvent,
    WellKind, WellRegistered,
};
use sealrock_domain::{Actor, AssetId, Mass};
use sealrock_ledger::Index;
use sealrock_projections::all;
use sealrock_projections::wells::{
    By, DayCursor, DayFilter, InjectionTotal, Per, Share, StoredDay, StoredWell, WellFilter,
};
use tokio_util::sync::CancellationToken;

use crate::plant::{Plant, Running, at, batch, device, reading, slug};

fn actor() -> Actor {
    "service/test".parse().unwrap()
}

fn well(name: &str) -> AssetId {
    AssetId::of(&slug("northsea"), &slug("plant-1"), &slug(name))
}

fn day(number: u64) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 1, 20).unwrap() + Days::new(number)
}

/// What happened, by whose stream.
#[derive(Clone)]
enum Happened {
    Well(&'static str, WellEvent),
    Day(&'static str, NaiveDate, InjectionDayEvent),
}

use Happened::{Day as OfDay, Well as OfWell};

impl Happened {
    async fn append(&self, plant: &Plant) -> Index {
        match self {
            OfWell(name, event) => plant.event(&format!("well/{}", well(name)), event).await,
            OfDay(name, day, event) => {
                let id = injection_day::id(well(name), *day);
                plant.event(&format!("injection_day/{id}"), event).await
            }
        }
    }
}

fn registered(name: &'static str, well_kind: WellKind) -> Happened {
    let event = WellRegistered {
        org: slug("northsea"),
        site: slug("plant-1"),
        slug: slug(name),
        well_kind,
    };
    OfWell(name, event.into())
}

fn proposed() -> PermitLimitsProposed {
    PermitLimitsProposed {
        proposal: 1,
        permit: "IL-1".parse().unwrap(),
        valid_from: day(0),
        valid_until: day(20),
        max_daily_mass_kg: "500000".parse().unwrap(),
        max_yearly_mass_kg: "8000000".parse().ok(),
        max_rate_t_per_h: "25".parse().unwrap(),
        fracture_pressure_mpa: "27".parse().unwrap(),
        by: actor(),
    }
}

fn set() -> PermitLimitsSet {
    let proposed = proposed();
    PermitLimitsSet {
        proposal: 1,
        permit: proposed.permit,
        valid_from: proposed.valid_from,
        valid_until: proposed.valid_until,
        max_daily_mass_kg: proposed.max_daily_mass_kg,
        max_yearly_mass_kg: proposed.max_yearly_mass_kg,
        max_rate_t_per_h: proposed.max_rate_t_per_h,
        fracture_pressure_mpa: proposed.fracture_pressure_mpa,
        proposed_by: proposed.by,
        by: actor(),
    }
}

fn started(name: &'static str) -> Happened {
    let (at, by) = (at(0), actor());
    OfWell(name, InjectionStarted { at, by }.into())
}

fn recorded(name: &'static str, day: NaiveDate, mass: &str) -> Happened {
    let event = InjectionDayRecorded {
        org: slug("northsea"),
        site: slug("plant-1"),
        well: slug(name),
        day,
        mass_kg: mass.parse().unwrap(),
        hours: "24".parse().unwrap(),
        max_rate_t_per_h: "21".parse().unwrap(),
        max_wellhead_pressure_mpa: "9".parse().unwrap(),
        min_annulus_pressure_mpa: "10".parse().unwrap(),
        min_annulus_margin_mpa: None,
        measured: Measured::default(),
        real: true,
        evidence: vec!["sealrock.test/northsea#7".parse().unwrap()],
        by: actor(),
    };
    OfDay(name, day, event.into())
}

fn corrected(name: &'static str, day: NaiveDate, mass: &str) -> Happened {
    let event = InjectionDayCorrected {
        mass_kg: mass.parse().unwrap(),
        hours: "24".parse().unwrap(),
        max_rate_t_per_h: "21".parse().unwrap(),
        max_wellhead_pressure_mpa: "9".parse().unwrap(),
        min_annulus_pressure_mpa: "10".parse().unwrap(),
        min_annulus_margin_mpa: None,
        measured: Measured::default(),
        real: true,
        evidence: vec![],
        reason: "read twice".parse().unwrap(),
        by: actor(),
    };
    OfDay(name, day, event.into())
}

fn approved(name: &'static str, day: NaiveDate, creditable: bool) -> Happened {
    let event = InjectionDayApproved {
        by: actor(),
        creditable,
        why_not: (!creditable).then(|| "simulated".to_owned()),
    };
    OfDay(name, day, event.into())
}

async fn append_all(plant: &Plant, events: &[Happened]) -> Vec<Index> {
    let mut indexes = Vec::new();
    for event in events {
        indexes.push(event.append(plant).await);
    }
    indexes
}

/// A plant on which this has happened, with every read model caught up.
async fn after(events: &[Happened]) -> (Plant, Running, Vec<Index>) {
    let plant = Plant::on_database().await;
    let running = plant.run(all());
    let indexes = append_all(&plant, events).await;
    running.reach(&plant, *indexes.last().unwrap()).await;
    (plant, running, indexes)
}

async fn totals(plant: &Plant, as_of: Option<Index>, per: Per, by: By) -> Vec<InjectionTotal> {
    let filter = DayFilter::default();
    let totals = plant
        .read
        .injection_totals(plant.ledger.id, &filter, as_of, (per, by));
    totals.await.unwrap()
}

#[tokio::test]
async fn a_well_shows_its_status_limits_and_every_entry_behind_them() {
    let events = [
        registered("injector-1", WellKind::Injector),
        registered("monitor-1", WellKind::Monitor),
        OfWell("injector-1", proposed().into()),
        OfWell("injector-1", set().into()),
        started("injector-1"),
    ];
    let (plant, running, indexes) = after(&events).await;
    let wells = |filter: WellFilter, as_of| {
        let (read, ledger) = (plant.read.clone(), plant.ledger.id);
        async move { read.wells(ledger, &filter, as_of).await.unwrap() }
    };
    let injecting = WellFilter {
        injecting: true,
        ..WellFilter::default()
    };
    let found = wells(injecting.clone(), None).await;
    let [well] = &found[..] else {
        panic!("{found:?}")
    };
    assert_eq!(
        (well.slug.as_str(), well.kind),
        ("injector-1", WellKind::Injector)
    );
    assert_eq!(
        well.indexes,
        [indexes[0], indexes[2], indexes[3], indexes[4]]
    );
    assert_eq!(
        well.state.permit_on(day(3)).unwrap().permit.to_string(),
        "IL-1"
    );
    assert_eq!(well.state.proposed(), None);
    // Behind the proposal nothing was in force, and nothing injected.
    let before = Some(indexes[2]);
    assert_eq!(wells(injecting, before).await, []);
    let all_wells = wells(WellFilter::default(), before).await;
    assert_eq!(all_wells.len(), 2);
    assert!(all_wells[0].state.proposed().is_some());
    assert_eq!(all_wells[0].state.permit_on(day(3)), None);
    running.stop().await;
}

#[tokio::test]
async fn what_a_well_measures_comes_from_the_devices_bound_to_it_now() {
    let plant = Plant::on_database().await;
    let running = plant.run(all());
    let gauges = [
        plant.register("gauge-1").await,
        plant.register("gauge-2").await,
    ];
    let bind = |asset: &str| DeviceEvent::from(DeviceBound { asset: slug(asset) });
    plant.event(&gauges[0].stream(), &bind("injector-1")).await;
    plant.event(&gauges[1].stream(), &bind("monitor-1")).await;
    registered("injector-1", WellKind::Injector)
        .append(&plant)
        .await;
    registered("monitor-1", WellKind::Monitor)
        .append(&plant)
        .await;
    for (n, gauge) in [(1.0, gauges[0]), (2.0, gauges[1])] {
        let readings = [reading("wellhead_pressure", at(0), n)];
        plant.batch(gauge, batch("", &readings)).await;
    }
    let last = plant.event(&gauges[1].stream(), &bind("injector-1")).await;
    running.reach(&plant, last).await;
    let filter = WellFilter::default();
    let wells = plant.read.wells(plant.ledger.id, &filter, None);
    let wells = wells.await.unwrap();
    let places: Vec<_> = wells.iter().map(StoredWell::place).collect();
    let readings = plant.read.well_readings(&places).await.unwrap();
    let mut measured: Vec<_> = readings[&places[0]].iter().map(|l| l.device).collect();
    measured.sort();
    let mut expected = [device("gauge-1"), device("gauge-2")];
    expected.sort();
    assert_eq!(measured, expected);
    assert!(!readings.contains_key(&places[1]));
    running.stop().await;
}

#[tokio::test]
async fn a_day_is_kept_in_its_versions_with_the_entries_behind_each() {
    let events = [
        registered("injector-1", WellKind::Injector),
        recorded("injector-1", day(0), "480000"),
        corrected("injector-1", day(0), "470000.5"),
        approved("injector-1", day(0), true),
        recorded("injector-1", day(1), "100"),
    ];
    let (plant, running, indexes) = after(&events).await;
    let (read, ledger) = (&plant.read, plant.ledger.id);
    let versions = read.injection_day_versions(ledger, (well("injector-1"), day(0)), None);
    let versions = versions.await.unwrap();
    let mass = |day: &StoredDay| day.state.recorded().unwrap().mass_kg.kilograms();
    let shown: Vec<_> = versions
        .iter()
        .map(|day| {
            (
                mass(day),
                day.reason.is_some(),
                day.state.approved().is_some(),
            )
        })
        .collect();
    let expected = [
        ("480000", false, false),
        ("470000.5", true, false),
        ("470000.5", true, true),
    ];
    assert_eq!(shown, expected.map(|(mass, a, b)| (mass.to_owned(), a, b)));
    assert_eq!(versions[2].indexes, indexes[1..4]);

    let page = |after, first, as_of| {
        let filter = DayFilter::default();
        async move {
            let days = read.injection_days(ledger, &filter, as_of, (after, first));
            days.await.unwrap()
        }
    };
    let newest = page(None, 1, None).await;
    assert_eq!(newest[0].day, day(1));
    let cursor = DayCursor {
        day: newest[0].day,
        well: newest[0].well,
    };
    let rest = page(Some(cursor), 10, None).await;
    assert_eq!(rest, [versions[2].clone()]);
    assert_eq!(
        page(None, 10, Some(indexes[2])).await,
        [versions[1].clone()]
    );

    let of = |well, last_day| DayFilter {
        well: Some(well),
        last_day,
        ..DayFilter::default()
    };
    let together = [
        of(well("injector-2"), None),
        of(well("injector-1"), Some(day(0))),
        DayFilter {
            approved: Some(false),
            ..DayFilter::default()
        },
        of(well("injector-1"), None),
    ];
    let found = read.injection_days_of(ledger, &together, None, (None, 10));
    let (first, second) = (versions[2].clone(), newest[0].clone());
    let expected = [
        vec![],
        vec![first.clone()],
        vec![second.clone()],
        vec![second, first],
    ];
    assert_eq!(found.await.unwrap(), expected);
    running.stop().await;
}

#[tokio::test]
async fn totals_say_how_much_of_the_permit_they_are() {
    let events = [
        registered("injector-1", WellKind::Injector),
        OfWell("injector-1", proposed().into()),
        OfWell("injector-1", set().into()),
        recorded("injector-1", day(0), "480000"),
        recorded("injector-1", day(11), "481250"),
        recorded("injector-1", day(30), "5000"),
        approved("injector-1", day(0), true),
        approved("injector-1", day(11), false),
    ];
    let (plant, running, indexes) = after(&events).await;
    let of_days = totals(&plant, None, Per::Day, By::Well).await;
    let shares: Vec<_> = of_days
        .iter()
        .map(|total| total.share.map(Share::percent))
        .collect();
    // On the last day no permit applies.
    assert_eq!(
        shares,
        [Some("96.00".to_owned()), Some("96.25".to_owned()), None]
    );

    let of_months = totals(&plant, None, Per::Month, By::Site).await;
    let months: Vec<_> = of_months
        .iter()
        .map(|total| {
            (
                total.start.unwrap().month(),
                total.injected.kilograms(),
                total.days,
            )
        })
        .collect();
    assert_eq!(
        months,
        [(1, "961250".to_owned(), 2), (2, "5000".to_owned(), 1)]
    );
    assert_eq!(of_months[0].indexes, [indexes[6], indexes[7]]);
    assert_eq!(of_months[0].site, Some(slug("plant-1")));

    let of_the_year = totals(&plant, None, Per::Year, By::Well).await;
    let [year] = &of_the_year[..] else {
        panic!("{of_the_year:?}")
    };
    assert_eq!(year.share.unwrap().percent(), "12.08");
    assert_eq!(year.share.unwrap().limit(), "8000000".parse().unwrap());
    let kilograms = [year.injected, year.approved, year.creditable].map(Mass::kilograms);
    assert_eq!(kilograms, ["966250", "961250", "480000"]);
    running.stop().await;
}

#[tokio::test]
async fn a_year_is_held_against_the_permit_of_its_last_day_that_has_one() {
    // Put into force later, and for the first days only.
    let of_the_first_days = PermitLimitsSet {
        proposal: 2,
        valid_until: day(5),
        max_yearly_mass_kg: "1000000".parse().ok(),
        ..set()
    };
    let events = [
        registered("injector-1", WellKind::Injector),
        OfWell("injector-1", set().into()),
        OfWell("injector-1", of_the_first_days.into()),
        recorded("injector-1", day(0), "480000"),
    ];
    let (plant, running, _) = after(&events).await;
    let of_the_year = totals(&plant, None, Per::Year, By::Well).await;
    let share = of_the_year[0].share.unwrap();
    assert_eq!(share.limit(), "8000000".parse().unwrap());
    assert_eq!(share.percent(), "6.00");
    running.stop().await;
}

/// Events of two wells in an order that mixes all of them: corrections, approvals, stops.
fn mixed() -> Vec<Happened> {
    let names = ["injector-1", "injector-2"];
    let mut events = vec![
        registered(names[0], WellKind::Injector),
        registered(names[1], WellKind::Injector),
    ];
    for n in 0..12 {
        for name in names {
            events.push(recorded(name, day(n), &format!("{}.125", 400_000 + n * 7)));
        }
        if n % 3 == 0 {
            events.push(corrected(names[0], day(n / 2), &format!("{}", 300_000 + n)));
            events.push(started(names[1]));
        }
        if n % 4 == 1 {
            let (at, by) = (at(0), actor());
            events.push(OfWell(names[1], InjectionStopped { at, by }.into()));
            events.push(approved(names[1], day(n), n == 1));
        }
    }
    events
}

/// What stands in the first `count` events, by the domain alone: well states, days and months.
#[derive(Default)]
struct Fold {
    wells: BTreeMap<&'static str, Well>,
    days: BTreeMap<(NaiveDate, AssetId), InjectionDay>,
}

impl Fold {
    fn of(events: &[Happened]) -> Self {
        let mut fold = Self::default();
        for event in events {
            match event.clone() {
                OfWell(name, event) => fold.wells.entry(name).or_default().apply(event),
                OfDay(name, day, event) => {
                    let key = (day, well(name));
                    fold.days.entry(key).or_default().apply(event);
                }
            }
        }
        fold
    }

    /// Injected and creditable grams of each month.
    fn months(&self) -> BTreeMap<u32, (u64, u64)> {
        let mut months: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
        for ((day, _), state) in &self.days {
            let grams = state.recorded().unwrap().mass_kg.grams();
            let (injected, creditable) = months.entry(day.month()).or_default();
            *injected += grams;
            if state.approved().is_some_and(|approved| approved.creditable) {
                *creditable += grams;
            }
        }
        months
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_of_any_entry_is_the_fold_of_what_stands_before_and_a_rebuild_is_the_same() {
    let events = mixed();
    let (plant, running, indexes) = after(&events).await;
    for (count, index) in indexes.iter().enumerate() {
        let (fold, as_of) = (Fold::of(&events[..=count]), Some(*index));
        let (read, ledger) = (&plant.read, plant.ledger.id);
        let wells = read.wells(ledger, &WellFilter::default(), as_of).await;
        let states: Vec<Well> = wells.unwrap().into_iter().map(|well| well.state).collect();
        assert_eq!(states, fold.wells.values().cloned().collect::<Vec<_>>());
        let filter = DayFilter::default();
        let days = read.injection_days(ledger, &filter, as_of, (None, 1000));
        let days = days.await.unwrap().into_iter();
        let days: BTreeMap<_, _> = days.map(|day| ((day.day, day.well), day.state)).collect();
        assert_eq!(days, fold.days);
        let months = totals(&plant, as_of, Per::Month, By::Organisation).await;
        let months: BTreeMap<_, _> = months
            .iter()
            .map(|total| {
                let grams = (total.injected.grams(), total.creditable.grams());
                (total.start.unwrap().month(), grams)
            })
            .collect();
        assert_eq!(months, fold.months());
    }

    let tables = ["rm_wells.well", "rm_wells.injection_day"];
    let live = [
        plant.content(tables[0]).await,
        plant.content(tables[1]).await,
    ];
    let token = CancellationToken::new();
    let rebuilt = running.runner.rebuild("wells", &token);
    rebuilt.await.unwrap();
    for (table, live) in tables.iter().zip(live) {
        assert_eq!(plant.content(table).await, live);
    }
    running.stop().await;
}
