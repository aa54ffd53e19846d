use std::convert::Infallible;

use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::json;

use super::*;
use crate::calculation::RuleEntry;

/// The worked example of a stack: 3 % of concentration, 5 % of speed, 2 % of area, 0.5 % of
/// temperature and pressure.
fn stack() -> [Input; 5] {
    [
        Input::relative("x", 0.085, 0.03),
        Input::relative("v", 4.0, 0.05),
        Input::relative("A", 0.36, 0.02),
        Input::relative("P", 101_325.0, 0.005),
        Input::relative("T", 453.15, 0.005),
    ]
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "a model may refuse, and this one is a model"
)]
fn mass_flow(of: &[f64]) -> Result<f64, Infallible> {
    Ok(of[0] * of[1] * of[2] * of[3] * 0.044_009_5 / (8.314_462_618 * of[4]))
}

#[test]
fn the_worked_stack_has_an_uncertainty_of_6_2_percent_and_12_2_at_95() {
    let budget = propagate(&stack(), mass_flow).unwrap();
    assert!((budget.value - 0.144_867).abs() < 5e-7, "{}", budget.value);
    assert!((budget.relative() - 0.062).abs() < 5e-4);
    assert!((budget.expanded() / budget.value - 0.122).abs() < 5e-4);
    let speed = budget.contributions[1];
    assert!((speed.sensitivity - budget.value / 4.0).abs() < 1e-12);
    assert!((speed.uncertainty / budget.value - 0.05).abs() < 1e-12);
}

#[test]
fn sampling_agrees_with_the_law_of_propagation() {
    let budget = propagate(&stack(), mass_flow).unwrap();
    let sampled = monte_carlo(&stack(), 200_000, 7, mass_flow).unwrap();
    assert!((sampled.standard / budget.standard() - 1.0).abs() < 0.01);
    assert!((sampled.mean / budget.value - 1.0).abs() < 0.001);
    assert!((sampled.lower / budget.lower() - 1.0).abs() < 0.01);
    assert!((sampled.upper / budget.upper() - 1.0).abs() < 0.01);
    assert_eq!(
        monte_carlo(&stack(), 1_000, 7, mass_flow),
        monte_carlo(&stack(), 1_000, 7, mass_flow)
    );
}

#[test]
fn sampling_agrees_through_the_equation_of_state() {
    use crate::density;
    let state = (
        crate::quantity::Measured::new(283.15, "K").unwrap(),
        crate::quantity::AbsolutePressure::new(12.0, "MPa").unwrap(),
        density::Composition::pure(),
    );
    let of = density::Uncertainties {
        kelvins: 0.5,
        pascals: 5e4,
        model: 5e-4,
    };
    let budget = density::uncertainty(state.0, state.1, &state.2, of).unwrap();
    let inputs = [
        Input::new("T", 283.15, 0.5),
        Input::new("P", 12e6, 5e4),
        Input::new("model", 1.0, 5e-4),
    ];
    let sampled = monte_carlo(&inputs, 2_000, 7, |of| {
        let pressure = crate::quantity::AbsolutePressure::new(of[1], "Pa")?;
        let temperature = crate::quantity::Measured::new(of[0], "K")?;
        let found = density::density(temperature, pressure, &state.2)?;
        Ok::<_, density::DensityError>(found.accountable()? * of[2])
    })
    .unwrap();
    assert!((sampled.standard / budget.standard() - 1.0).abs() < 0.05);
}

#[test]
fn a_certain_input_contributes_nothing_and_a_refusal_is_passed_on() {
    let budget = propagate(&[Input::new("x", 2.0, 0.0)], |of| Ok::<_, ()>(of[0])).unwrap();
    assert_eq!(budget.standard().to_bits(), 0.0_f64.to_bits());
    let refused = propagate(&[Input::new("x", 2.0, 1.0)], |of| {
        if of[0] > 2.5 {
            Err("too much")
        } else {
            Ok(of[0])
        }
    });
    assert_eq!(refused, Err("too much"));
}

#[test]
fn of_a_credit_the_lower_bound_counts_and_of_a_leak_the_upper() {
    let budget = propagate(&[Input::new("m", 100.0, 10.0)], |of| Ok::<_, ()>(of[0])).unwrap();
    assert!((budget.lower() - 80.4).abs() < 1e-9);
    assert!((budget.upper() - 119.6).abs() < 1e-9);
    let vague = propagate(&[Input::new("m", 1.0, 1.0)], |of| Ok::<_, ()>(of[0])).unwrap();
    assert_eq!(vague.lower().to_bits(), 0.0_f64.to_bits());
}

fn credit(net: &str, relative: &str, carried: &str) -> (Decimal, Decimal) {
    let input = json!({
        "from": "2026-01-01", "to": "2026-12-31", "net": net,
        "relative_uncertainty": relative, "carried": carried,
    });
    let calculation = RuleEntry::of::<ConservativeCredit>()
        .calculate(&input)
        .unwrap();
    let result = |symbol| calculation.result(symbol).unwrap().value.exact().unwrap();
    (result("credits"), result("m_rest"))
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[test]
fn whole_tonnes_are_credited_and_the_remainder_is_carried_in_kilograms() {
    // 354 921.25 t − 1.96 · 1.2 % = 346 573.5022 t, and 412 kg carried.
    assert_eq!(
        credit("354921.25 t", "0.012", "412 kg"),
        (decimal("346573"), decimal("914"))
    );
    assert_eq!(
        credit("0.999 t", "0", "1 kg"),
        (Decimal::ONE, Decimal::ZERO)
    );
    assert_eq!(
        credit("0.9999 t", "0", "0 kg"),
        (Decimal::ZERO, decimal("999"))
    );
    assert_eq!(credit("10 t", "0.6", "5 kg"), (Decimal::ZERO, decimal("5")));
}

#[test]
fn what_is_no_credit_is_refused_by_its_input() {
    let rule = RuleEntry::of::<ConservativeCredit>();
    let example: serde_json::Value = serde_json::from_str(rule.example()).unwrap();
    rule.calculate(&example).unwrap().rerun(&[rule]).unwrap();
    for (field, value, says) in [
        ("net", json!("-1 t"), "below zero"),
        ("net", json!("1 m3"), "no unit of a mass"),
        ("relative_uncertainty", json!("1.2"), "no fraction"),
        ("coverage_factor", json!("0"), "no coverage factor"),
        ("carried", json!("1 t"), "whole kilograms below a tonne"),
        ("carried", json!("0.5 kg"), "whole kilograms below a tonne"),
        ("to", json!("2019-12-31"), "before it begins"),
        ("from", json!("2019-12-31"), "outside of the dates"),
    ] {
        let mut input = example.clone();
        input[field] = value;
        let error = rule.calculate(&input).unwrap_err().to_string();
        assert!(
            error.starts_with("conservative-credit version 1, "),
            "{error}"
        );
        assert!(error.contains(says), "{field}: {error}");
    }
}

proptest! {
    #[test]
    fn periods_credit_together_what_they_credit_one_after_another(kilograms in proptest::collection::vec(0_i64..5_000_000, 1..12)) {
        let (mut tonnes, mut carried) = (Decimal::ZERO, Decimal::ZERO);
        for mass in &kilograms {
            let (credits, rest) = credit(&format!("{mass} kg"), "0", &format!("{carried} kg"));
            tonnes += credits;
            carried = rest;
        }
        let sum: i64 = kilograms.iter().sum();
        prop_assert_eq!(tonnes * Decimal::ONE_THOUSAND + carried, Decimal::from(sum));
        prop_assert_eq!(credit(&format!("{sum} kg"), "0", "0 kg"), (tonnes, carried));
    }

    #[test]
    fn more_uncertainty_never_credits_more(kilograms in 0_i64..10_000_000_000, permille in 0_i64..500) {
        let at = |permille: i64| credit(&format!("{kilograms} kg"), &Decimal::new(permille, 3).to_string(), "0 kg").0;
        prop_assert!(at(permille + 1) <= at(permille));
    }
}
