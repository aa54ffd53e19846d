//! Inputs that mean nothing are refused by the name of the input and of the rule, with the way out.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use sealrock_rules::catalogue::{rule, rules};
use serde_json::{Value, json};

fn refused(id: &str, change: impl Fn(&mut Value)) -> String {
    let rule = rule(id, None).unwrap();
    let mut inputs = serde_json::from_str(rule.example()).unwrap();
    change(&mut inputs);
    rule.calculate(&inputs).unwrap_err().to_string()
}

#[track_caller]
fn names(error: &str, rule: &str, input: &str, problem: &str) {
    assert!(error.starts_with(&format!("{rule} version ")), "{error}");
    assert!(error.contains(input), "{error}");
    assert!(error.contains(problem), "{error}");
}

const MASS: &str = "injected[0].measured.mass[0]";

#[test]
fn a_quantity_that_is_negative_or_no_number_is_refused() {
    for bad in ["-1", "NaN", "inf", "1e5", "", "91000 t", "91,000"] {
        let error = refused("us-98-rr", |inputs| {
            inputs["injected"][0]["measured"]["mass"][0]["quantity_t"] = json!(bad);
        });
        names(
            &error,
            "us-98-rr",
            &format!("{MASS}.quantity_t"),
            "no mass in t",
        );
    }
}

#[test]
fn a_binary_fraction_is_refused_where_something_is_accounted() {
    let error = refused("us-98-rr", |inputs| {
        inputs["injected"][0]["measured"]["mass"][0]["quantity_t"] = json!(91000.1);
    });
    names(
        &error,
        "us-98-rr",
        &format!("{MASS}.quantity_t"),
        "expected a string",
    );
}

#[test]
fn a_quantity_of_another_unit_is_refused() {
    let error = refused("us-98-rr", |inputs| {
        let quarter = &mut inputs["injected"][0]["measured"]["mass"][0];
        quarter["quantity_kg"] = quarter["quantity_t"].take();
    });
    names(&error, "us-98-rr", MASS, "quantity_kg");
    let error = refused("energy-emissions", |inputs| {
        inputs["entries"][3]["unit"] = json!("t");
    });
    names(
        &error,
        "energy-emissions",
        "entries[3].unit",
        "electricity is not counted in t",
    );
    let error = refused("energy-emissions", |inputs| {
        inputs["entries"][0]
            .as_object_mut()
            .unwrap()
            .remove("density_kg_per_l");
    });
    names(
        &error,
        "energy-emissions",
        "entries[0].density_kg_per_l",
        "give it",
    );
}

#[test]
fn a_fraction_above_one_is_refused() {
    let error = refused("us-98-rr", |inputs| {
        inputs["produced"]["entrained_weight_fraction"] = json!("1.01");
    });
    names(
        &error,
        "us-98-rr",
        "produced.entrained_weight_fraction",
        "no decimal fraction",
    );
}

#[test]
fn a_period_outside_of_the_rule_set_backwards_or_of_two_years_is_refused() {
    for rule in rules()
        .iter()
        .filter(|rule| rule.example().contains("\"period\""))
    {
        let mut inputs: Value = serde_json::from_str(rule.example()).unwrap();
        inputs["period"] = json!({"from": "1999-01-01", "to": "1999-12-31"});
        let error = rule.calculate(&inputs).unwrap_err().to_string();
        names(&error, rule.set().id, "period", "outside of the dates");
    }
    let error = refused("us-98-rr", |inputs| {
        inputs["period"]["to"] = json!("2025-12-31");
    });
    names(&error, "us-98-rr", "period", "before it begins");
    let error = refused("us-98-rr", |inputs| {
        inputs["period"]["to"] = json!("2027-12-31");
    });
    names(&error, "us-98-rr", "period", "one calendar year");
}

#[test]
fn a_quarter_given_twice_outside_of_the_period_or_out_of_range_is_refused() {
    let quarter = |number: u32| {
        refused("us-98-rr", |inputs| {
            inputs["injected"][0]["measured"]["mass"][1]["quarter"] = json!(number);
        })
    };
    names(
        &quarter(1),
        "us-98-rr",
        "injected[0].measured.mass",
        "quarter 1 is given twice",
    );
    names(
        &quarter(5),
        "us-98-rr",
        "injected[0].measured.mass[1].quarter",
        "no quarter of a year",
    );
    let error = refused("us-98-rr", |inputs| {
        inputs["period"]["to"] = json!("2026-06-30");
    });
    names(
        &error,
        "us-98-rr",
        "received[0].measured.volume",
        "outside of the period",
    );
}

#[test]
fn a_meter_given_twice_is_refused() {
    let error = refused("us-98-rr", |inputs| {
        let again = inputs["injected"][0].clone();
        inputs["injected"].as_array_mut().unwrap().push(again);
    });
    names(&error, "us-98-rr", "injected[1].name", "given twice");
}

#[test]
fn what_is_redelivered_is_less_than_what_was_received_and_of_received_streams_only() {
    let error = refused("us-98-rr", |inputs| {
        inputs["received"][0]["measured"]["volume"][1]["redelivered_sm3"] = json!("210000001");
    });
    names(
        &error,
        "us-98-rr",
        "received[0].measured.volume[1]",
        "more is redelivered",
    );
    let error = refused("us-98-rr", |inputs| {
        inputs["injected"][0]["measured"]["mass"][0]["redelivered_t"] = json!("1");
    });
    names(&error, "us-98-rr", MASS, "only received streams");
}

#[test]
fn more_digits_than_are_computed_exactly_are_refused() {
    let error = refused("us-98-rr", |inputs| {
        let quarter = &mut inputs["injected"][0]["measured"]["mass"][0];
        quarter["quantity_t"] = json!("91000.00000000000000000001");
        quarter["co2_weight_fraction"] = json!("0.9850000001");
    });
    names(&error, "us-98-rr", "Q·C", "fewer places");
}

#[test]
fn what_is_missing_or_unknown_is_refused_by_its_name() {
    for rule in rules() {
        let mut inputs: Value = serde_json::from_str(rule.example()).unwrap();
        inputs["surprise"] = json!(1);
        let error = rule.calculate(&inputs).unwrap_err().to_string();
        names(&error, rule.set().id, "surprise", "unknown field");
    }
    let error = refused("us-98-vv", |inputs| {
        inputs.as_object_mut().unwrap().remove("vent_flare_t");
    });
    names(&error, "us-98-vv", "vent_flare_t", "missing field");
    let error = refused("energy-emissions", |inputs| {
        inputs["entries"][0]["carrier"] = json!("plutonium");
    });
    names(
        &error,
        "energy-emissions",
        "entries[0].carrier",
        "choose from diesel",
    );
    let error = refused("eu-ets-transport", |inputs| {
        let inputs = inputs.as_object_mut().unwrap();
        inputs.remove("emissions");
        inputs.remove("mass_balance");
    });
    names(&error, "eu-ets-transport", "mass_balance", "neither method");
}

#[test]
fn missing_and_substituted_quarters_are_named_for_the_reviewer() {
    let rule = rule("us-98-rr", None).unwrap();
    let mut inputs: Value = serde_json::from_str(rule.example()).unwrap();
    inputs["injected"][0]["measured"]["mass"]
        .as_array_mut()
        .unwrap()
        .remove(3);
    inputs["injected"][0]["measured"]["mass"][2]["substituted_by"] =
        json!("nearest_previous_at_similar_pressure");
    let warnings = rule.calculate(&inputs).unwrap().warnings.join("\n");
    assert!(
        warnings.contains("meter M-1 has no quarter 4: 98.445"),
        "{warnings}"
    );
    assert!(
        warnings.contains("quarter 3 of meter M-1 is estimated"),
        "{warnings}"
    );
    assert!(
        warnings.contains("similar injection pressure (98.445(d))"),
        "{warnings}"
    );
}
