use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::calculation::RuleEntry;

fn mixture(fractions: &[(&str, f64)]) -> Composition {
    Composition::new(fractions.iter().copied()).unwrap()
}

/// At kelvins and megapascals.
fn of(composition: &Composition, kelvins: f64, megapascals: f64) -> StreamDensity {
    at(kelvins, megapascals * 1e6, composition).unwrap()
}

fn deviation(found: f64, expected: f64) -> f64 {
    (found / expected - 1.0) * 100.0
}

/// Span and Wagner's density by `CoolProp` 8.0.0, and the deviation of GERG-2008 from it in percent.
const PURE: [(f64, f64, f64, f64); 10] = [
    (288.7056, 0.101_325, 1.868_18, 0.001),
    (300.0, 5.0, 128.398_3, -0.013),
    (310.0, 10.0, 685.773_2, 0.017),
    (313.15, 10.0, 628.611_7, 0.011),
    (308.15, 8.0, 419.087_7, -0.19),
    (323.15, 15.0, 699.753_2, 0.023),
    (330.0, 20.0, 743.302_4, -0.010),
    (283.15, 12.0, 935.230_1, 0.032),
    (280.0, 10.0, 938.224_7, 0.031),
    (253.15, 2.0, 1_031.799_8, 0.012),
];

#[test]
fn pure_co2_has_the_density_of_span_and_wagner() {
    for (kelvins, megapascals, expected, known) in PURE {
        let found = of(&Composition::pure(), kelvins, megapascals);
        let off = deviation(found.density, expected);
        assert!(
            (off - known).abs() < 0.0055,
            "{kelvins} K, {megapascals} MPa: {off} %"
        );
        assert_eq!(found.phase, Phase::One);
    }
}

/// Roots between the phases have a lower Gibbs energy there: 485 kg/m³ in the first state.
#[test]
fn cold_and_dense_liquid_is_not_taken_for_what_lies_between_the_phases() {
    for (kelvins, megapascals, coolprop) in [
        (257.7, 23.8, 1_089.061_4),
        (251.3, 22.55, 1_107.564_9),
        (230.0, 30.0, 1_190.255_0),
    ] {
        let found = of(&Composition::pure(), kelvins, megapascals);
        assert!(deviation(found.density, coolprop).abs() < 0.05, "{found:?}");
        assert_eq!(found.phase, Phase::One);
    }
}

#[test]
fn epa_has_the_density_of_60_degrees_fahrenheit() {
    let found = of(&Composition::pure(), 519.67 / 1.8, 0.101_325).density;
    assert!((found - 1.868_2).abs() < 5e-5, "{found}");
}

#[test]
fn mixtures_have_the_known_densities() {
    let two = mixture(&[("CO2", 0.98), ("N2", 0.02)]);
    let six = mixture(&[
        ("CO2", 0.96),
        ("N2", 0.02),
        ("CH4", 0.01),
        ("H2", 0.005),
        ("O2", 0.0025),
        ("Ar", 0.0025),
    ]);
    // CoolProp's model of mixtures, then GERG-2008 by aga8.
    for (composition, kelvins, megapascals, coolprop, gerg) in [
        (&two, 310.0, 10.0, 612.627, 612.648),
        (&two, 283.15, 12.0, 910.199, 910.467),
        (&six, 310.0, 15.0, 738.262, 738.594),
    ] {
        let found = of(composition, kelvins, megapascals);
        assert!((found.density - gerg).abs() < 5.1e-4, "{found:?}");
        assert!(deviation(found.density, coolprop).abs() < 0.06, "{found:?}");
        assert_eq!(found.phase, Phase::One);
    }
    let pure = of(&Composition::pure(), 310.0, 10.0).density;
    let share = of(&six, 310.0, 10.0).density / pure;
    assert!((share - 0.78).abs() < 0.005, "{share}");
}

#[test]
fn the_stable_root_is_taken_on_both_sides_of_saturation() {
    for (kelvins, megapascals, expected) in [
        (253.15, 1.9, 49.308),
        (253.15, 2.0, 1_031.925),
        (290.0, 5.2, 162.305),
        (290.0, 5.4, 806.719),
        (300.0, 6.6, 244.606),
        (300.0, 6.8, 689.066),
    ] {
        let found = of(&Composition::pure(), kelvins, megapascals);
        assert!((found.density - expected).abs() < 5.1e-4, "{found:?}");
        assert_eq!(found.phase, Phase::One, "{kelvins} K, {megapascals} MPa");
    }
}

#[test]
fn on_the_saturation_line_no_phase_is_believed() {
    let found = of(&Composition::pure(), 273.15, 3.485_14);
    let Phase::PossiblyTwo { other: Some(other) } = found.phase else {
        panic!("{found:?}");
    };
    let (vapour, liquid) = (found.density.min(other), found.density.max(other));
    assert!(deviation(vapour, 97.647).abs() < 0.1, "{vapour}");
    assert!(deviation(liquid, 927.432).abs() < 0.1, "{liquid}");
    let error = found.accountable().unwrap_err().to_string();
    assert!(error.contains("two phases"), "{error}");
}

#[test]
fn a_mixture_between_dew_and_bubble_point_is_refused_for_accounting() {
    // CoolProp 8.0.0: dew points 3.704 and 5.477 MPa, bubble points 5.585 and 6.920 MPa.
    let mixture = mixture(&[("CO2", 0.96), ("N2", 0.04)]);
    for (kelvins, megapascals) in [(273.15, 3.8), (273.15, 5.5), (288.15, 5.6), (288.15, 6.8)] {
        let found = of(&mixture, kelvins, megapascals);
        assert!(
            found.accountable().is_err(),
            "{kelvins} K, {megapascals} MPa: {found:?}"
        );
    }
    for (kelvins, megapascals) in [
        (273.15, 1.5),
        (273.15, 3.0),
        (273.15, 8.0),
        (288.15, 4.5),
        (288.15, 9.0),
    ] {
        let found = of(&mixture, kelvins, megapascals);
        assert_eq!(found.phase, Phase::One, "{kelvins} K, {megapascals} MPa");
    }
}

#[test]
fn outside_of_the_models_range_there_is_no_density() {
    let refused = |kelvins: f64, pascals: f64| {
        at(kelvins, pascals, &Composition::pure())
            .unwrap_err()
            .to_string()
    };
    assert!(refused(216.0, 1e6).contains("225 to 450 K"));
    assert!(refused(f64::NAN, 1e6).contains("225 to 450 K"));
    assert!(refused(300.0, 36e6).contains("35 MPa"));
    assert!(refused(300.0, 0.0).contains("1 kPa"));
}

#[test]
fn what_is_no_composition_is_refused_by_its_component() {
    let refused = |fractions: &[(&str, f64)]| {
        Composition::new(fractions.iter().copied())
            .unwrap_err()
            .to_string()
    };
    for (fractions, says) in [
        (&[("CO2", 0.9), ("SO2", 0.1)][..], "SO2 is no component"),
        (&[("CO2", 1.2), ("N2", -0.2)], "CO2 is 1.2"),
        (&[("CO2", 1.0), ("N2", -0.1)], "N2 is -0.1"),
        (&[("CO2", f64::NAN)], "CO2 is NaN"),
        (&[("CO2", 0.98), ("N2", 0.019)], "sum to 0.999"),
        (&[("CO2", 0.0)], "sum to"),
        (&[], "sum to"),
    ] {
        let error = refused(fractions);
        assert!(error.contains(says), "{error}");
    }
    mixture(&[("CO2", 0.98), ("N2", 0.019_95)]);
}

#[test]
fn near_the_critical_point_temperature_and_pressure_decide() {
    let change = |kelvins: f64, megapascals: f64, by: (f64, f64)| {
        let before = of(&Composition::pure(), kelvins, megapascals).density;
        let after = of(&Composition::pure(), kelvins + by.0, megapascals + by.1).density;
        deviation(after, before)
    };
    assert!((change(308.15, 8.0, (0.5, 0.0)) + 9.5).abs() < 0.3);
    let compressed = change(308.15, 8.0, (0.0, 0.05));
    // Span and Wagner give 8.7 %, GERG-2008 8.4 %.
    assert!((compressed - 8.7).abs() < 0.5, "{compressed}");
    assert!((change(283.0, 12.0, (0.5, 0.0)) + 0.28).abs() < 0.02);
    assert!((change(283.0, 12.0, (0.0, 0.05)) - 0.04).abs() < 0.02);

    let relative = |kelvins: f64, megapascals: f64| {
        uncertainty(
            Measured::new(kelvins, "K").unwrap(),
            AbsolutePressure::new(megapascals, "MPa").unwrap(),
            &Composition::pure(),
            Uncertainties {
                kelvins: 0.25,
                pascals: 0.02e6,
                model: 0.0005,
            },
        )
        .unwrap()
        .relative()
    };
    assert!(relative(308.15, 8.0) > 0.04);
    assert!(relative(283.15, 12.0) < 0.002);
}

#[test]
fn the_rule_shows_the_density_and_names_the_input_that_it_refuses() {
    let rule = RuleEntry::of::<DensityRule>();
    let mut input: serde_json::Value = serde_json::from_str(rule.example()).unwrap();
    let shown = rule.calculate(&input).unwrap().to_string();
    assert!(shown.contains("ρ = 910.46"), "{shown}");
    let refused = |input: &serde_json::Value| rule.calculate(input).unwrap_err().to_string();
    input["ambient_pressure"] = json!(null);
    let error = refused(&input);
    assert!(
        error.starts_with("co2-density version 1, pressure: 118.98675 bar(g) is a gauge pressure"),
        "{error}"
    );
    input["pressure"] = json!("120 bar");
    assert!(refused(&input).contains("pressure: \"120 bar\" is a pressure that may be absolute"));
    input["pressure"] = json!("120 bar(a)");
    input["composition"] = json!({"CO2": 0.9});
    assert!(refused(&input).contains("composition: the mole fractions sum to 0.9"));
    input["composition"] = json!({"CO2": 0.96, "N2": 0.04});
    input["temperature"] = json!("273.15 K");
    input["pressure"] = json!("4.2 MPa(a)");
    assert!(refused(&input).contains("two phases"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn density_grows_with_pressure_and_falls_with_temperature(kelvins in 225.0..449.0_f64, megapascals in 0.01..34.0_f64) {
        let pure = Composition::pure();
        let here = of(&pure, kelvins, megapascals).density;
        prop_assert!(of(&pure, kelvins, megapascals * 1.01).density > here);
        prop_assert!(of(&pure, kelvins + 0.5, megapascals).density < here);
    }

    #[test]
    fn density_does_not_depend_on_units_or_on_the_order_of_components(celsius in 0.0..100.0_f64, bar in 150.0..300.0_f64, n2 in 0.0..0.05_f64) {
        let one = mixture(&[("CO2", 1.0 - n2), ("N2", n2)]);
        let other = mixture(&[("N2", n2), ("CO2", 1.0 - n2)]);
        prop_assert_eq!(&one, &other);
        let celsius = Measured::new(celsius, "Cel").unwrap();
        let a = density(celsius, AbsolutePressure::new(bar, "bar").unwrap(), &one).unwrap();
        let b = density(celsius.to("[degF]").unwrap(), AbsolutePressure::new(bar / 10.0, "MPa").unwrap(), &one).unwrap();
        prop_assert!((a.density / b.density - 1.0).abs() < 1e-7, "{a:?} {b:?}");
    }
}
