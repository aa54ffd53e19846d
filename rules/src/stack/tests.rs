use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::calculation::{Calculation, RuleEntry};
use crate::quantity::Conditions;

const RULE: RuleEntry = RuleEntry::of::<StackEmission>();

/// 85 000 ppm, 4 m/s, 0.6 × 0.6 m, 180 °C at 101 325 Pa, measured wet.
fn worked() -> Value {
    json!({
        "on": "2026-03-01",
        "geometry": [{
            "since": "2024-01-01",
            "section": {"rectangular": {"width": "0.6 m", "height": "0.6 m"}},
        }],
        "co2": "85000 ppm",
        "analyser": {"sample": "wet", "full_scale": "20 %"},
        "velocity": "4 m/s",
        "temperature": "180 Cel",
        "duct_pressure": "101325 Pa(a)",
    })
}

fn with(changes: &Value) -> Value {
    let mut input = worked();
    let changes = changes.as_object().unwrap();
    for (name, value) in changes {
        input[name] = value.clone();
    }
    input
}

fn calculated(input: &Value) -> Calculation {
    let calculation = RULE.calculate(input).unwrap();
    calculation.rerun(&[RULE]).unwrap();
    calculation
}

fn value(calculation: &Calculation, symbol: &str) -> f64 {
    let mut found = calculation.results.iter().filter_map(|r| r.find(symbol));
    found.next().unwrap().value.to_f64()
}

fn flow(input: &Value) -> f64 {
    value(&calculated(input), "ṁ")
}

#[test]
fn the_worked_cases_hold_to_the_digits_given() {
    let sea_level = calculated(&worked());
    assert!((value(&sea_level, "ρ") - 1.183_551).abs() < 5e-7);
    assert!((value(&sea_level, "ṁ") - 0.144_867).abs() < 5e-7);
    assert!((value(&sea_level, "ṁ") * 3600.0 - 521.52).abs() < 5e-3);

    let dry =
        with(&json!({"analyser": {"sample": "dry", "full_scale": "20 %"}, "moisture": "12 %"}));
    assert!((flow(&dry) - 0.127_483).abs() < 5e-7);

    let high = calculated(&with(&json!({"duct_pressure": "79495 Pa(a)"})));
    assert!((value(&high, "ρ") - 0.928_560).abs() < 5e-7);
    assert!((value(&high, "ṁ") - 0.113_656).abs() < 5e-7);
}

#[test]
fn a_fixed_density_would_give_two_thirds_too_much_and_more_in_the_mountains() {
    let sea_level = calculated(&worked());
    let fixed = value(&sea_level, "x") * value(&sea_level, "Q") * 1.977;
    assert!((fixed - 0.241_985).abs() < 5e-7, "{fixed}");
    assert!((fixed / value(&sea_level, "ṁ") - 1.67).abs() < 5e-3);
    let high = flow(&with(&json!({"duct_pressure": "79495 Pa(a)"})));
    assert!((fixed / high - 2.13).abs() < 5e-3);
}

#[test]
fn normalised_to_0_degrees_the_gas_has_1_9635_kilograms() {
    let normal = with(&json!({"temperature": "0 Cel"}));
    assert!((value(&calculated(&normal), "ρ") - 1.9635).abs() < 5e-5);
}

/// 40 CFR 98.33(a)(4), Equation C-6: t/h = 5.18e-7 · % CO2 · scf/h, at 68 °F.
#[test]
fn equation_c_6_of_epa_agrees_at_68_degrees_fahrenheit() {
    let epa = 5.18e-7 * 8.5 * 1e6;
    assert!((epa - 4.4030_f64).abs() < 5e-5);
    let metres_a_second = 1e6 * 0.028_316_846_592 / 3600.0 / 0.36;
    let ours = flow(&with(&json!({
        "velocity": format!("{metres_a_second} m/s"),
        "temperature": format!("{} K", Conditions::Fahrenheit68.kelvins()),
    }))) * 3.6;
    assert!((ours - 4.4035).abs() < 5e-5, "{ours}");
}

#[test]
fn the_worked_uncertainty_is_6_2_percent_and_12_2_at_95() {
    let uncertainty = json!({"co2": "3 %", "velocity": "5 %", "area": "2 %", "temperature": "0.5 %", "pressure": "0.5 %"});
    let calculation = calculated(&with(&json!({"uncertainty": uncertainty})));
    assert!((value(&calculation, "u(ṁ)/ṁ") - 0.062).abs() < 5e-4);
    assert!((value(&calculation, "U95") - 0.122).abs() < 5e-4);
}

#[test]
fn fuels_part_the_co2_into_biogenic_and_fossil() {
    let fuels = json!([
        {"fuel": "firewood", "energy": "900 GJ", "kg_co2_per_gj": "112", "biogenic_fraction": "1"},
        {"fuel": "fuel oil", "energy": "27777.777777777778 kWh", "kg_co2_per_gj": "77.4", "biogenic_fraction": "0"},
    ]);
    let calculation = calculated(&with(&json!({"fuels": fuels})));
    let share = 900.0 * 112.0 / (900.0 * 112.0 + 100.0 * 77.4);
    assert!((value(&calculation, "β") - share).abs() < 1e-11);
    let parts = value(&calculation, "ṁ_biogenic") + value(&calculation, "ṁ_fossil");
    assert!((parts - value(&calculation, "ṁ")).abs() < 1e-15);
}

#[test]
fn a_change_of_geometry_counts_from_its_day_and_old_results_stay() {
    let geometry = json!([
        {"since": "2026-06-01", "section": {"round": {"diameter": "0.7 m"}}, "profile_factor": 0.9},
        {"since": "2024-01-01", "section": {"rectangular": {"width": "60 cm", "height": "0.6 m"}}},
    ]);
    let on = |day: &str| flow(&with(&json!({"geometry": geometry, "on": day})));
    let before = flow(&worked());
    assert!((on("2026-05-31") / before - 1.0).abs() < 1e-12);
    let share = std::f64::consts::PI * 0.49 / 4.0 * 0.9 / 0.36;
    assert!((on("2026-06-01") / before - share).abs() < 1e-12);
    let refused = RULE.calculate(&with(&json!({"geometry": geometry, "on": "2023-12-31"})));
    let error = refused.unwrap_err().to_string();
    assert!(
        error.contains("geometry: no geometry holds on 2023-12-31: the first is of 2024-01-01"),
        "{error}"
    );
}

#[test]
fn an_analyser_at_its_end_is_flagged() {
    let warnings = |full_scale: &str| {
        let analyser = json!({"sample": "wet", "full_scale": full_scale});
        calculated(&with(&json!({"analyser": analyser}))).warnings
    };
    let saturated = |full_scale| {
        let found = warnings(full_scale);
        found.iter().any(|warning| warning.contains("saturated"))
    };
    assert!(saturated("5 %"));
    assert!(saturated("8.5 %"));
    assert!(!saturated("10 %"));
}

#[test]
fn ambient_pressure_stands_in_for_the_duct_and_below_a_gauge_pressure() {
    let stands_in = with(&json!({"duct_pressure": null, "ambient_pressure": "79495 Pa(a)"}));
    assert!((flow(&stands_in) - 0.113_656).abs() < 5e-7);
    let warned = calculated(&stands_in).warnings;
    assert!(
        warned[0].contains("ambient pressure was taken"),
        "{warned:?}"
    );
    let gauge = with(&json!({"duct_pressure": "-250 Pa(g)", "ambient_pressure": "79745 Pa(a)"}));
    assert!((flow(&gauge) - 0.113_656).abs() < 5e-7);
}

#[test]
fn bad_input_is_refused_by_its_name() {
    for (changes, says) in [
        (
            json!({"duct_pressure": null}),
            "duct_pressure: no pressure is given",
        ),
        (
            json!({"duct_pressure": "-250 Pa(g)"}),
            "duct_pressure: -250 Pa(g) is a gauge pressure",
        ),
        (
            json!({"duct_pressure": "101325 Pa"}),
            "duct_pressure: \"101325 Pa\" is a pressure that may be",
        ),
        (
            json!({"co2": "85000"}),
            "co2: \"\" is no unit of a fraction",
        ),
        (json!({"co2": "120 %"}), "co2: 120 % is more than the whole"),
        (
            json!({"co2": "-1 ppm"}),
            "co2: a fraction of -1 ppm is below zero",
        ),
        (
            json!({"velocity": "4 m2"}),
            "velocity: \"m2\" is no unit of a velocity",
        ),
        (
            json!({"velocity": "NaN m/s"}),
            "velocity: \"NaN m/s\" is no velocity",
        ),
        (json!({"temperature": "0 K"}), "temperature: 0 K"),
        (
            json!({"analyser": {"sample": "dry", "full_scale": "20 %"}}),
            "moisture: the analyser dries",
        ),
        (json!({"geometry": []}), "geometry: there is no geometry"),
        (json!({"on": "1999-12-31"}), "outside of the dates"),
        (
            json!({"fuels": [{"fuel": "x", "energy": "1 GJ", "kg_co2_per_gj": "1", "biogenic_fraction": "2"}]}),
            "fuels.biogenic_fraction: 2 is no fraction",
        ),
        (
            json!({"fuels": [{"fuel": "x", "energy": "0 GJ", "kg_co2_per_gj": "1", "biogenic_fraction": "1"}]}),
            "fuels.energy: it is divided by zero",
        ),
        (json!({"colour": "red"}), "colour"),
    ] {
        let error = RULE.calculate(&with(&changes)).unwrap_err().to_string();
        assert!(error.starts_with("stack-co2 version 1, "), "{error}");
        assert!(error.contains(says), "{changes}: {error}");
    }
}

#[test]
fn the_example_is_shown_and_runs_again() {
    let example: Value = serde_json::from_str(RULE.example()).unwrap();
    let shown = calculated(&example).to_string();
    assert!(shown.contains("1 − B_w = 0.88"), "{shown}");
    assert!(shown.contains("fuel oil"), "{shown}");
}

proptest! {
    #[test]
    fn emission_grows_with_concentration_speed_and_pressure(ppm in 1.0..1.9e5_f64, speed in 0.1..40.0_f64, kilopascals in 60.0..110.0_f64) {
        let of = |ppm: f64, speed: f64, kilopascals: f64| flow(&with(&json!({
            "co2": format!("{ppm} ppm"), "velocity": format!("{speed} m/s"), "duct_pressure": format!("{kilopascals} kPa(a)"),
        })));
        let here = of(ppm, speed, kilopascals);
        prop_assert!(of(ppm * 1.01, speed, kilopascals) > here);
        prop_assert!(of(ppm, speed * 1.01, kilopascals) > here);
        prop_assert!(of(ppm, speed, kilopascals * 1.01) > here);
    }

    #[test]
    fn emission_does_not_depend_on_units(celsius in 20.0..400.0_f64, percent in 0.1..19.0_f64) {
        let a = flow(&with(&json!({"temperature": format!("{celsius} Cel"), "co2": format!("{percent} %")})));
        let b = flow(&with(&json!({
            "temperature": format!("{} degF", celsius * 1.8 + 32.0), "co2": format!("{} ppm", percent * 1e4),
            "duct_pressure": "14.695948775513419 psia", "velocity": "14.4 km/h",
        })));
        prop_assert!((a / b - 1.0).abs() < 1e-9, "{} {}", a, b);
    }
}
