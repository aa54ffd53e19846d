//! What the models say could have been measured.
#![expect(clippy::unwrap_used)]

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use sealrock_simulator::{
    ANNULUS_LIMIT_MPA, Boot, Branch, Broker, Credential, DOWNHOLE_LIMIT_MPA, Device, MAOP_MPA,
    Model, Schedule, Seed, Slug, TeaFactory, WellSlot, demo_fleet, metrics,
};

type Values = HashMap<String, f64>;

const BRANCHES: [Branch; 2] = [Branch::Amine, Branch::Membrane];
const FACTORIES: [TeaFactory; 3] = [TeaFactory::Kericho, TeaFactory::Nandi, TeaFactory::Kangaita];

fn values(model: Model, seed: u64, at: DateTime<Utc>) -> Values {
    let readings = model.readings(Seed(seed), at);
    let named = readings
        .iter()
        .map(|r| (r.metric.to_string(), r.number().unwrap()));
    named.collect()
}

fn any_time() -> impl Strategy<Value = DateTime<Utc>> {
    (1_700_000_000_000_i64..2_000_000_000_000)
        .prop_map(|ms| DateTime::from_timestamp_millis(ms).unwrap())
}

/// A moment of a day in Kenya, where the factory and the solar site are.
fn kenya(day: u32, hour: f64) -> DateTime<Utc> {
    let midnight: DateTime<Utc> = "2025-12-31T21:00:00Z".parse().unwrap();
    #[expect(clippy::cast_possible_truncation)]
    let seconds = (hour * 3600.0) as i64;
    midnight + TimeDelta::days(i64::from(day)) + TimeDelta::seconds(seconds)
}

fn close(a: f64, b: f64, within: f64) -> bool {
    (a - b).abs() <= within
}

proptest! {
    #[test]
    fn panels_give_nothing_at_night_and_something_at_noon(seed: u64, day in 0_u32..730, hour in 0.0..5.4) {
        for dark in [hour, 24.0 - hour] {
            let pv = values(Model::Solar, seed, kenya(day, dark))["pv_generation"];
            prop_assert!(pv == 0.0, "{pv} kW at {dark} h");
        }
        prop_assert!(values(Model::Solar, seed, kenya(day, 12.5))["pv_generation"] > 50.0);
    }

    #[test]
    fn a_battery_holds_between_nothing_and_all(seed: u64, at in any_time()) {
        let soc = values(Model::Solar, seed, at)["battery_soc"];
        prop_assert!((0.0..=100.0).contains(&soc), "{soc}");
    }

    #[test]
    fn the_solar_sites_energy_balances(seed: u64, at in any_time()) {
        let v = values(Model::Solar, seed, at);
        let supply = v["pv_generation"] + v["battery_power"] + v["grid_power"];
        prop_assert!(close(supply, v["load_power"], 1e-6), "{v:?}");
    }

    #[test]
    fn the_batterys_charge_follows_its_power_also_over_midnight(seed: u64, day in 0_u32..730) {
        let before = values(Model::Solar, seed, kenya(day, 24.0) - TimeDelta::seconds(1));
        let after = values(Model::Solar, seed, kenya(day, 24.0));
        prop_assert!(close(before["battery_soc"], after["battery_soc"], 0.02), "{before:?} {after:?}");
    }

    #[test]
    fn a_fired_stack_is_a_wood_boilers_and_a_cold_one_is_nearly_air(seed: u64, day in 0_u32..730, hour in 5.75..12.5) {
        for factory in FACTORIES {
            let fired = values(Model::TeaStack(factory), seed, kenya(day, hour));
            prop_assert!((60_000.0..=150_000.0).contains(&fired["co2_ppm"]), "{fired:?}");
            prop_assert!((150.0..=220.0).contains(&fired["temperature"]), "{fired:?}");
            prop_assert!((2.0..=6.0).contains(&fired["velocity"]), "{fired:?}");
            prop_assert!((100.0..=1_000.0).contains(&fired["co2_emission_rate"]), "{fired:?}");
            let cold = values(Model::TeaStack(factory), seed, kenya(day, 2.0));
            prop_assert!(cold["co2_emission_rate"] < 1.0, "{cold:?}");
            prop_assert!(cold["co2_ppm"] < 1000.0 && cold["temperature"] < 60.0 && cold["velocity"] < 0.5);
        }
    }

    #[test]
    fn mass_is_conserved_along_the_chain(seed: u64, at in any_time()) {
        let chain = Reported::at(seed, at);
        prop_assert_eq!(chain.captured, chain.inflow);
        prop_assert_eq!(chain.outflow, chain.injected);
        let loss = chain.captured - chain.injected;
        prop_assert!(loss > 0 && loss * 1000 < chain.captured, "{chain:?}");
    }

    #[test]
    fn pressures_stay_within_their_limits(seed: u64, at in any_time()) {
        let pipes = BRANCHES.map(|branch| values(Model::Pipeline(branch), seed, at));
        for pipe in &pipes {
            prop_assert!(pipe["inlet_pressure"] <= MAOP_MPA);
            prop_assert!(pipe["outlet_pressure"] < pipe["inlet_pressure"], "friction takes pressure");
            prop_assert!(pipe["outlet_pressure"] > 7.3773, "dense to the end: {pipe:?}");
        }
        for slot in [WellSlot::First, WellSlot::Second] {
            let well = values(Model::InjectionWell(slot), seed, at);
            prop_assert!(well["downhole_pressure"] <= DOWNHOLE_LIMIT_MPA, "{well:?}");
            prop_assert!(well["annulus_pressure"] > well["wellhead_pressure"], "{well:?}");
            prop_assert!(well["annulus_pressure"] <= ANNULUS_LIMIT_MPA, "{well:?}");
            for pipe in &pipes {
                prop_assert!(well["wellhead_pressure"] < pipe["outlet_pressure"], "{well:?} {pipe:?}");
            }
            let monitor = values(Model::MonitoringWell(slot), seed, at);
            prop_assert!(monitor["downhole_pressure"] <= DOWNHOLE_LIMIT_MPA);
        }
    }

    #[test]
    fn the_weather_node_stays_within_its_sensors_range(seed: u64, at in any_time()) {
        let v = values(Model::Bme280, seed, at);
        prop_assert!((5.0..=32.0).contains(&v["temperature"]), "{v:?}");
        prop_assert!((0.0..=100.0).contains(&v["humidity"]), "{v:?}");
        prop_assert!((785.0..=805.0).contains(&v["pressure"]), "{v:?}");
    }
}

/// What the devices of the chain report at one moment, in whole kg/h.
#[derive(Clone, Copy, Debug, Default)]
struct Reported {
    captured: i64,
    inflow: i64,
    outflow: i64,
    injected: i64,
}

impl Reported {
    fn at(seed: u64, at: DateTime<Utc>) -> Self {
        let sum = |models: [Model; 2], metric: &str| {
            let of = |model: Model| kilograms_per_hour(values(model, seed, at)[metric]);
            models.map(of).iter().sum()
        };
        let wells = [WellSlot::First, WellSlot::Second].map(Model::InjectionWell);
        Self {
            captured: sum(BRANCHES.map(Model::Capture), "captured_mass_flow"),
            inflow: sum(BRANCHES.map(Model::Pipeline), "flow"),
            outflow: sum(BRANCHES.map(Model::Pipeline), "outlet_flow"),
            injected: sum(wells, "injection_rate"),
        }
    }
}

/// Three decimals of a tonne are kilograms.
#[expect(clippy::cast_possible_truncation)]
fn kilograms_per_hour(tonnes_per_hour: f64) -> i64 {
    (tonnes_per_hour * 1000.0).round() as i64
}

proptest! {
    // A day has 288 samples of six devices.
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The figures that an accountant adds up from what the devices reported, in kilograms times the
    /// twelve samples an hour: what was captured and not injected is what the pipelines lost.
    #[test]
    fn a_day_balances_to_the_kilogram(seed: u64, day in 0_u32..730) {
        let mut sums = Reported::default();
        for n in 0..288 {
            let sample = Reported::at(seed, kenya(day, 0.0) + TimeDelta::minutes(5 * n));
            sums.captured += sample.captured;
            sums.inflow += sample.inflow;
            sums.outflow += sample.outflow;
            sums.injected += sample.injected;
        }
        let lost = sums.inflow - sums.outflow;
        prop_assert_eq!(sums.captured - sums.injected - lost, 0);
        prop_assert!(lost > 0 && lost * 100 < sums.captured, "{sums:?}");
        let tonnes = sums.captured / 12 / 1000;
        prop_assert!((900..1_100).contains(&tonnes), "about 1,000 t a day: {tonnes}");
    }
}

#[test]
fn the_factories_are_not_always_in_the_same_order() {
    let leaders: std::collections::HashSet<usize> = (0..60)
        .map(|day| {
            let of_day = |factory: TeaFactory| -> f64 {
                let samples = (0..144).map(|n| kenya(day, f64::from(n) / 6.0));
                samples
                    .map(|at| values(Model::TeaStack(factory), 1, at))
                    .map(|v| v["co2_emission_rate"])
                    .sum()
            };
            let sums = FACTORIES.map(of_day);
            (0..3).max_by(|a, b| sums[*a].total_cmp(&sums[*b])).unwrap()
        })
        .collect();
    assert!(leaders.len() > 1, "one factory always emits the most");
}

#[test]
fn every_metric_is_declared_with_its_unit_and_reported_by_a_device() {
    let at = kenya(10, 10.0);
    let readings: Vec<_> = demo_fleet()
        .iter()
        .flat_map(|d| d.model.readings(Seed(1), at))
        .collect();
    for reading in &readings {
        let declared = metrics::ALL
            .iter()
            .find(|metric| metric.name == reading.metric);
        assert_eq!(declared.unwrap().unit, reading.unit);
    }
    for metric in metrics::ALL {
        assert!(
            readings.iter().any(|r| r.metric == metric.name),
            "{}",
            metric.name
        );
    }
}

fn bytes(seed: u64) -> Vec<u8> {
    let slug = |name| Slug::parse(name).unwrap();
    let schedule = Schedule::new(kenya(3, 9.0), Duration::from_secs(5), 1.0).unwrap();
    let stream = demo_fleet().into_iter().flat_map(|spec| {
        let names = [slug("demo"), spec.site, spec.name];
        let broker = Broker {
            host: "unused".into(),
            port: 1,
            tls: false,
        };
        let credential = Credential::new("id".into(), "secret".into(), names, broker);
        let boot = Boot::fixed("golden");
        let device = Device {
            credential,
            model: spec.model,
            seed: Seed(seed),
            history: None,
            schedule,
            boot,
        };
        device
            .batches()
            .take(20)
            .flat_map(|batch| batch.bytes.to_vec())
    });
    stream.collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    assert_eq!(bytes(42), bytes(42));
    assert_ne!(bytes(42), bytes(43));
}

#[test]
fn the_bytes_of_a_seed_do_not_change_between_versions() {
    let readings = Model::InjectionWell(WellSlot::First).readings(Seed(42), kenya(3, 9.0));
    let shown: Vec<_> = readings
        .iter()
        .map(|r| format!("{} {}", r.metric, r.number().unwrap()))
        .collect();
    assert_eq!(
        shown.join(", "),
        "wellhead_pressure 8.4238, wellhead_temperature 14.3, annulus_pressure 9.8926, injection_rate 21.916, downhole_pressure 20.6971"
    );
}
