//! What the models say could have been measured.
#![expect(clippy::unwrap_used)]

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use sealrock_simulator::{
    ANNULUS_LIMIT_MPA, Boot, Broker, Credential, DOWNHOLE_LIMIT_MPA, Device, MAOP_MPA, Model,
    Schedule, Seed, Slug, WellSlot, demo_fleet, metrics,
};

type Values = HashMap<String, f64>;

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
        let fired = values(Model::TeaStack, seed, kenya(day, hour));
        prop_assert!((60_000.0..=150_000.0).contains(&fired["co2_ppm"]), "{fired:?}");
        prop_assert!((150.0..=220.0).contains(&fired["temperature"]), "{fired:?}");
        prop_assert!((2.0..=6.0).contains(&fired["velocity"]), "{fired:?}");
        prop_assert!((100.0..=1_000.0).contains(&fired["co2_emission_rate"]), "{fired:?}");
        let cold = values(Model::TeaStack, seed, kenya(day, 2.0));
        prop_assert!(cold["co2_emission_rate"] < 1.0, "{cold:?}");
        prop_assert!(cold["co2_ppm"] < 1000.0 && cold["temperature"] < 60.0 && cold["velocity"] < 0.5);
    }

    #[test]
    fn mass_is_conserved_along_the_chain(seed: u64, at in any_time()) {
        let captured = values(Model::AmineCapture, seed, at)["captured_mass_flow"];
        let transported = values(Model::Pipeline, seed, at)["flow"];
        let well = |slot| values(Model::InjectionWell(slot), seed, at)["injection_rate"];
        let injected = well(WellSlot::First) + well(WellSlot::Second);
        prop_assert!(close(captured, transported, 1e-9));
        let loss = captured - injected;
        prop_assert!(loss > 0.0 && loss < 0.001 * captured, "{captured} in, {injected} stored");
    }

    #[test]
    fn pressures_stay_within_their_limits(seed: u64, at in any_time()) {
        let pipe = values(Model::Pipeline, seed, at);
        prop_assert!(pipe["inlet_pressure"] <= MAOP_MPA);
        prop_assert!(pipe["outlet_pressure"] < pipe["inlet_pressure"], "friction takes pressure");
        prop_assert!(pipe["outlet_pressure"] > 7.3773, "dense to the end: {pipe:?}");
        for slot in [WellSlot::First, WellSlot::Second] {
            let well = values(Model::InjectionWell(slot), seed, at);
            prop_assert!(well["downhole_pressure"] <= DOWNHOLE_LIMIT_MPA, "{well:?}");
            prop_assert!(well["annulus_pressure"] > well["wellhead_pressure"], "{well:?}");
            prop_assert!(well["annulus_pressure"] <= ANNULUS_LIMIT_MPA, "{well:?}");
            prop_assert!(well["wellhead_pressure"] < pipe["outlet_pressure"], "{well:?} {pipe:?}");
        }
        prop_assert!(values(Model::MonitoringWell, seed, at)["downhole_pressure"] <= DOWNHOLE_LIMIT_MPA);
    }

    #[test]
    fn the_weather_node_stays_within_its_sensors_range(seed: u64, at in any_time()) {
        let v = values(Model::Bme280, seed, at);
        prop_assert!((5.0..=32.0).contains(&v["temperature"]), "{v:?}");
        prop_assert!((0.0..=100.0).contains(&v["humidity"]), "{v:?}");
        prop_assert!((785.0..=805.0).contains(&v["pressure"]), "{v:?}");
    }
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
        };
        let credential = Credential::new("id".into(), "secret".into(), names, broker);
        let boot = Boot::fixed("golden");
        let device = Device {
            credential,
            model: spec.model,
            seed: Seed(seed),
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
        "wellhead_pressure 8.4478, wellhead_temperature 14.3, annulus_pressure 9.3166, injection_rate 22.45, downhole_pressure 20.7532"
    );
}
