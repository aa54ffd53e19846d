use proptest::prelude::*;
use rust_decimal::Decimal;
use sealrock_domain::telemetry::unit as telemetry;

use super::*;

fn measured<K: Kind>(text: &str) -> Measured<K> {
    text.parse().unwrap()
}

fn exact<K: Kind>(text: &str) -> Exact<K> {
    text.parse().unwrap()
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 * a.abs().max(b.abs())
}

#[test]
fn conversions_of_the_field_hold_to_the_digit() {
    for (given, unit, expected) in [
        ("1 short ton", "kg", "907.18474 kg"),
        ("1 long ton", "t", "1.0160469088 t"),
        ("2204.62 lb", "kg", "999.9988107494 kg"),
        ("355244 t", "kg", "355244000 kg"),
    ] {
        assert_eq!(exact::<Mass>(given).to(unit).unwrap().to_string(), expected);
    }
    for (given, unit, expected) in [
        ("1 MWh", "MJ", "3600 MJ"),
        ("1 MJ", "kWh", "0.277777777778 kW.h"),
        ("1 MMBtu", "GJ", "1.05505585262 GJ"),
    ] {
        assert_eq!(
            exact::<Energy>(given).to(unit).unwrap().to_string(),
            expected
        );
    }
    let barrel = exact::<Volume>("1 bbl").to("litres").unwrap();
    assert_eq!(barrel.to_string(), "158.987294928 L");
    assert_eq!(exact::<Volume>("42 gal").to("bbl").unwrap(), exact("1 bbl"));
}

#[test]
fn a_million_standard_cubic_feet_of_co2_are_52_9015_tonnes() {
    let volume: StandardVolume = "1 MMscf (60 degF)".parse().unwrap();
    let tonnes = volume.mass("0.0018682".parse().unwrap()).unwrap();
    assert_eq!(tonnes.value().round_dp(4).to_string(), "52.9015");
    assert_eq!(
        volume.cubic_metres().unwrap().to_string(),
        "28316.846592",
        "a foot is 0.3048 m"
    );
}

#[test]
fn a_volume_of_gas_without_conditions_is_refused() {
    for text in ["1 MMscf", "1 Nm3", "2e8 Sm3", "1 Sm3 (20 degC)"] {
        assert!(text.parse::<StandardVolume>().is_err(), "{text}");
    }
    let error = "1 MMscf".parse::<StandardVolume>().unwrap_err().to_string();
    assert!(error.contains("(60 degF), (68 degF)"), "{error}");
}

#[test]
fn a_pressure_says_what_it_stands_on() {
    let error = "120 bar".parse::<Pressure>().unwrap_err().to_string();
    assert!(
        error.contains("bar(a)") && error.contains("bar(g)"),
        "{error}"
    );
    let gauge: Pressure = "100 psig".parse().unwrap();
    let error = gauge.absolute(None).unwrap_err().to_string();
    assert!(
        error.contains("100 [psi](g) is a gauge pressure") && error.contains("ambient"),
        "{error}"
    );
    let absolute = gauge.absolute(Some(AbsolutePressure::atmosphere()));
    assert!(close(absolute.unwrap().pascals(), 790_800.729_316_836_1));
    let draught: Pressure = "-250 Pa(g)".parse().unwrap();
    let ambient = "79495 Pa(a)".parse().unwrap();
    assert!(close(
        draught.absolute(Some(ambient)).unwrap().pascals(),
        79_245.0
    ));
    let vacuum: Pressure = "-2 bar gauge".parse().unwrap();
    assert!(matches!(
        vacuum.absolute(Some(ambient)),
        Err(QuantityError::BelowVacuum { .. })
    ));
    assert!("100 kPa(g)".parse::<AbsolutePressure>().is_err());
}

#[test]
fn what_is_no_quantity_is_refused_by_its_name() {
    let refused = |text: &str| {
        text.parse::<Measured<Temperature>>()
            .unwrap_err()
            .to_string()
    };
    for (text, says) in [
        ("", "no temperature"),
        ("warm", "no temperature"),
        ("NaN K", "no temperature"),
        ("inf K", "no temperature"),
        ("1e999 K", "finite"),
        ("180", "one of K, Cel, [degF]"),
        ("180 m/s", "\"m/s\" is no unit of a temperature"),
        ("-1 K", "below zero"),
        ("-273.16 Cel", "below zero"),
        ("-459.68 degF", "below zero"),
    ] {
        let error = refused(text);
        assert!(error.contains(says), "{text}: {error}");
    }
    assert!("-1 t".parse::<Exact<Mass>>().is_err());
    assert!("1e3 t".parse::<Exact<Mass>>().is_err());
    assert!(Measured::<Area>::new(f64::NAN, "m2").is_err());
}

#[test]
fn a_measured_quantity_is_accounted_at_one_border_half_to_even() {
    let accounted = |text: &str| measured::<Mass>(text).accounted(0).unwrap().to_string();
    assert_eq!(accounted("2.5 kg"), "2 kg");
    assert_eq!(accounted("3.5 kg"), "4 kg");
    assert_eq!(
        measured::<Mass>("0.1 t").accounted(6).unwrap().to_string(),
        "0.1 t"
    );
    assert!(measured::<Mass>("1e60 t").accounted(0).is_err());
}

#[test]
fn money_has_one_currency() {
    let price: Money = "85.00 USD".parse().unwrap();
    let sum = price.plus("0.50 USD".parse().unwrap()).unwrap();
    assert_eq!(sum.to_string(), "85.50 USD");
    assert!(price.plus("1 EUR".parse().unwrap()).is_err());
    for text in ["85", "85 $", "85 usd", "85.0.0 USD", "NaN USD"] {
        assert!(text.parse::<Money>().is_err(), "{text}");
    }
}

#[test]
fn the_exact_factors_are_those_of_telemetry() {
    use telemetry::Quantity as Q;
    let pairs = [
        (Dimension::Temperature, Q::Temperature),
        (Dimension::Pressure, Q::Pressure),
        (Dimension::Fraction, Q::Ratio),
        (Dimension::Velocity, Q::Velocity),
        (Dimension::Length, Q::Length),
        (Dimension::Mass, Q::Mass),
        (Dimension::MassFlow, Q::MassFlow),
        (Dimension::VolumeFlow, Q::VolumeFlow),
        (Dimension::Density, Q::Density),
        (Dimension::Energy, Q::Energy),
    ];
    let mut compared = 0;
    for (dimension, quantity) in pairs {
        let base = Unit::of(dimension).next().unwrap();
        let telemetry_base = telemetry::find(quantity, base.code).unwrap();
        for unit in Unit::of(dimension) {
            if let Some(other) = telemetry::find(quantity, unit.code) {
                let theirs = other.convert(17.0, telemetry_base);
                let ours = base.from_base(unit.to_base(17.0));
                assert!(close(ours, theirs), "{}: {ours} and {theirs}", unit.code);
                compared += 1;
            }
        }
    }
    assert!(compared > 40, "{compared}");
}

#[test]
fn a_spelling_means_one_unit_of_a_dimension() {
    let mut seen = std::collections::BTreeSet::new();
    for dimension in [
        Dimension::Temperature,
        Dimension::Pressure,
        Dimension::Fraction,
        Dimension::Velocity,
        Dimension::Length,
        Dimension::Area,
        Dimension::Mass,
        Dimension::Volume,
        Dimension::StandardVolume,
        Dimension::MassFlow,
        Dimension::VolumeFlow,
        Dimension::Density,
        Dimension::Energy,
    ] {
        for unit in Unit::of(dimension) {
            for text in unit.spellings.iter().chain([&unit.code]) {
                assert!(
                    seen.insert((dimension.label(), *text)),
                    "{dimension:?}: {text}"
                );
            }
        }
        assert!(Unit::of(dimension).next().is_some(), "{dimension:?}");
    }
}

proptest! {
    #[test]
    fn a_quantity_reads_back_from_its_text(value in 0.0..1e12_f64, digits in 0_i64.., places in 0_u32..12) {
        for unit in Unit::of(Dimension::Velocity) {
            let speed = Measured::<Velocity>::new(value, unit.code).unwrap();
            prop_assert_eq!(speed.to_string().parse::<Measured<Velocity>>().unwrap(), speed);
        }
        for unit in Unit::of(Dimension::Mass) {
            let mass = Exact::<Mass>::new(Decimal::new(digits, places), unit.code).unwrap();
            prop_assert_eq!(mass.to_string().parse::<Exact<Mass>>().unwrap(), mass);
        }
    }

    #[test]
    fn another_unit_is_the_same_quantity(value in 1e-3..1e6_f64, kilograms in 0_i64..1_000_000_000_000) {
        for unit in Unit::of(Dimension::Temperature) {
            let kelvins = Measured::<Temperature>::new(value, "K").unwrap();
            prop_assert!((kelvins.to(unit.code).unwrap().base() - value).abs() <= 1e-9 * value.max(1.0));
        }
        let mass = Exact::<Mass>::new(Decimal::new(kilograms, 3), "kg").unwrap();
        for unit in ["g", "t", "kt"] {
            prop_assert_eq!(mass.to(unit).unwrap().to("kg").unwrap(), mass);
        }
    }

    #[test]
    fn a_text_of_whatever_kind_is_read_or_refused(text in "\\PC{0,20}") {
        let _ = text.parse::<Pressure>();
        let _ = text.parse::<StandardVolume>();
        let _ = text.parse::<Measured<Fraction>>();
        let _ = text.parse::<Exact<Volume>>();
    }
}
