//! Every worked number, to the digits given. Those of subparts RR, PP, UU and VV were computed by hand
//! from the equations [C]; so was the leakage of 100 t at 17.5 %, whose formula is from memory [M].
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use sealrock_rules::calculation::{Calculation, Status};
use sealrock_rules::catalogue::rule;
use serde_json::{Value, json};

fn calculate(id: &str, inputs: &Value) -> Calculation {
    rule(id, None).unwrap().calculate(inputs).unwrap()
}

fn example(id: &str) -> Value {
    serde_json::from_str(rule(id, None).unwrap().example()).unwrap()
}

/// The value of the first term of this symbol.
fn value(calculation: &Calculation, symbol: &str) -> String {
    let found = calculation
        .results
        .iter()
        .find_map(|result| result.find(symbol));
    found
        .unwrap_or_else(|| panic!("no {symbol}"))
        .value
        .to_string()
}

#[test]
fn subpart_rr_without_production_is_injected_without_leaked_and_vented() {
    let mut inputs = example("us-98-rr");
    inputs.as_object_mut().unwrap().remove("produced");
    let calculation = calculate("us-98-rr", &inputs);
    assert_eq!(
        value(&calculation, "CO2_u"),
        "355244",
        "RR-4: 355 244.000 t"
    );
    assert_eq!(value(&calculation, "CO2_I"), "355244", "RR-6");
    assert_eq!(value(&calculation, "CO2_E"), "12.5", "RR-10");
    assert_eq!(value(&calculation, "CO2 (RR-12)"), "354921.25");
    assert_eq!(calculation.rule.status, Status::Published);
}

#[test]
fn subpart_rr_with_production_takes_what_was_produced_and_entrained_away() {
    let calculation = calculate("us-98-rr", &example("us-98-rr"));
    assert_eq!(value(&calculation, "CO2_w"), "3557", "RR-7: 3557.0 t");
    assert_eq!(value(&calculation, "CO2_P"), "3592.57", "RR-9");
    assert_eq!(value(&calculation, "CO2 (RR-11)"), "351324.18");
    assert_eq!(value(&calculation, "CO2 cumulative"), "1351324.18");
}

#[test]
fn subpart_rr_volumes_become_mass_by_the_density_of_the_subpart() {
    let calculation = calculate("us-98-rr", &example("us-98-rr"));
    assert_eq!(
        value(&calculation, "CO2_T,r (volume)"),
        "1479012.8396",
        "RR-2"
    );
    assert_eq!(value(&calculation, "CO2 received"), "1479012.8396", "RR-3");
    assert_eq!(value(&calculation, "D"), "0.0018682");
}

#[test]
fn subpart_rr_separators_and_injection_by_volume_follow_rr_5_and_rr_8() {
    let mut inputs = example("us-98-rr");
    let volume = json!({"volume": [
        {"quarter": 1, "quantity_sm3": "1000000", "co2_volume_fraction": "0.5"},
    ]});
    inputs["injected"][0]["measured"] = volume.clone();
    inputs["produced"]["separators"][0]["measured"] = volume;
    let calculation = calculate("us-98-rr", &inputs);
    assert_eq!(value(&calculation, "CO2_u (volume)"), "934.1", "RR-5");
    assert_eq!(value(&calculation, "CO2_w (volume)"), "934.1", "RR-8");
}

#[test]
fn subpart_uu_counts_as_rr_1_to_3() {
    let calculation = calculate("us-98-uu", &example("us-98-uu"));
    assert_eq!(value(&calculation, "CO2 received"), "355244");
    let mut volumes = example("us-98-uu");
    volumes["received"] = example("us-98-rr")["received"].clone();
    let calculation = calculate("us-98-uu", &volumes);
    assert_eq!(value(&calculation, "CO2_T,r (volume)"), "1479012.8396");
}

#[test]
fn subpart_pp_counts_in_per_cent_what_rr_counts_in_fractions() {
    let calculation = calculate("us-98-pp", &example("us-98-pp"));
    assert_eq!(value(&calculation, "CO2_u"), "355244", "PP-1, as RR-4");
    assert_eq!(
        value(&calculation, "CO2_u (volume)"),
        "7398.072",
        "PP-2: 4e6·0.0018682·0.99"
    );
    assert_eq!(value(&calculation, "CO2 (PP-3b)"), "362522.072");
    assert_eq!(
        calculation.rule.status,
        Status::Draft,
        "PP-3 is from memory"
    );
}

#[test]
fn the_trap_of_per_cent_and_fractions_is_noticed_on_both_sides() {
    let mut fractions = example("us-98-pp");
    fractions["meters"][0]["measured"]["mass"][0]["co2_weight_percent"] = json!("0.985");
    let calculation = calculate("us-98-pp", &fractions);
    let warned = calculation
        .warnings
        .iter()
        .any(|text| text.contains("compressor outlet, quarter 1") && text.contains("per cent"));
    assert!(warned, "{:?}", calculation.warnings);

    let mut percent = example("us-98-rr");
    percent["injected"][0]["measured"]["mass"][0]["co2_weight_fraction"] = json!("98.5");
    let error = rule("us-98-rr", None)
        .unwrap()
        .calculate(&percent)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("injected[0].measured.mass[0].co2_weight_fraction"),
        "{error}"
    );
    assert!(error.contains("decimal fraction"), "{error}");
}

#[test]
fn subpart_pp_by_weight_takes_the_density_of_the_whole_stream() {
    let mut inputs = example("us-98-pp");
    inputs["segregated"] = json!([]);
    inputs["meters"] = json!([{"name": "V", "measured": {"volume": [{
        "quarter": 1,
        "quantity_sm3": "1000000",
        "co2": {"by_weight": {"weight_percent": "99", "stream_density_t_per_sm3": "0.00186"}},
    }]}}]);
    let calculation = calculate("us-98-pp", &inputs);
    assert_eq!(value(&calculation, "CO2"), "1841.4", "1e6·0.00186·0.99");
    let density = calculation.results[0].find("D_p").unwrap();
    assert_eq!(density.at.as_deref(), Some("of the whole stream"));
}

#[test]
fn subpart_vv_stores_what_came_in_and_was_not_lost_and_never_what_is_recycled() {
    let calculation = calculate("us-98-vv", &example("us-98-vv"));
    assert_eq!(value(&calculation, "m_input"), "512000");
    assert_eq!(value(&calculation, "m_loss operations"), "3545.75");
    assert_eq!(value(&calculation, "m_stored"), "508454.25");
    let mut more = example("us-98-vv");
    more["recycled_t"] = json!("999999");
    assert_eq!(
        value(&calculate("us-98-vv", &more), "m_stored"),
        "508454.25"
    );
    assert_eq!(calculation.rule.status, Status::Published);
}

#[test]
fn capture_emits_what_was_not_passed_on() {
    let calculation = calculate("eu-ets-capture", &example("eu-ets-capture"));
    assert_eq!(value(&calculation, "E_capture"), "42000");
}

#[test]
fn the_version_of_capture_is_that_of_the_days() {
    let first = rule("eu-ets-capture", Some(1)).unwrap();
    let last = rule("eu-ets-capture", None).unwrap();
    assert_eq!((first.set().version, last.set().version), (1, 2));
    assert_eq!(
        (first.set().status(), last.set().status()),
        (Status::Published, Status::Draft)
    );
    let of_2026 = example("eu-ets-capture");
    let of_2024: Value = serde_json::from_str(first.example()).unwrap();
    assert!(last.calculate(&of_2026).is_ok() && first.calculate(&of_2024).is_ok());
    for error in [first.calculate(&of_2026), last.calculate(&of_2024)] {
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains("period") && error.contains("outside of the dates"),
            "{error}"
        );
    }
}

#[test]
fn transport_takes_the_method_of_the_lower_uncertainty() {
    let inputs = example("eu-ets-transport");
    let calculation = calculate("eu-ets-transport", &inputs);
    assert_eq!(value(&calculation, "E (method A)"), "530");
    assert_eq!(value(&calculation, "E (method B)"), "335.5");
    assert_eq!(value(&calculation, "E transport"), "335.5");
    let mut exact = inputs.clone();
    exact["mass_balance"]["uncertainty_percent"] = json!("5");
    assert_eq!(
        value(&calculate("eu-ets-transport", &exact), "E transport"),
        "530"
    );
    let mut only = inputs;
    only.as_object_mut().unwrap().remove("emissions");
    assert_eq!(
        value(&calculate("eu-ets-transport", &only), "E transport"),
        "530"
    );
}

fn leakage(mean_t_per_h: &str, uncertainty: &str) -> Value {
    json!({
        "period": {"from": "2026-01-01", "to": "2026-12-31"},
        "fugitive_t": "0",
        "vented_t": "0",
        "leakages": [{
            "event": "E-1",
            "last_without": "2026-02-28",
            "injection_began": "2024-06-01",
            "ended": "2026-02-28",
            "monitored": [{"day": "2026-02-28", "mean_t_per_h": mean_t_per_h}],
            "uncertainty_percent": uncertainty,
        }],
    })
}

#[test]
fn a_leakage_of_100_t_at_17_5_per_cent_is_reported_as_110_t() {
    // 100 t are no finite decimal of t/h, so this comes as near as sixteen digits do.
    let mut inputs = leakage("1.25", "17.5");
    inputs["leakages"][0]["last_without"] = json!("2026-02-26");
    inputs["leakages"][0]["monitored"] = json!([
        {"day": "2026-02-26", "mean_t_per_h": "1.25"},
        {"day": "2026-02-27", "mean_t_per_h": "1.25"},
        {"day": "2026-02-28", "mean_t_per_h": "1.6666666666666666"},
    ]);
    let nearly = calculate("eu-ets-storage", &inputs);
    let reported = nearly.result("E storage").unwrap().value.to_f64();
    assert!((reported - 110.0).abs() < 1e-12, "{reported}");

    // 96 t are exact: 96·1.1 = 105.6.
    let calculation = calculate("eu-ets-storage", &leakage("4", "17.5"));
    assert_eq!(value(&calculation, "CO2 leaked"), "96");
    assert_eq!(value(&calculation, "1 + U/100 − 0.075"), "1.1");
    assert_eq!(value(&calculation, "CO2 quantified"), "105.6");
}

#[test]
fn nothing_is_added_to_a_leakage_up_to_7_5_per_cent() {
    let calculation = calculate("eu-ets-storage", &leakage("4", "7.5"));
    assert_eq!(value(&calculation, "CO2 quantified"), "96");
    let calculation = calculate("eu-ets-storage", &leakage("4", "7.6"));
    assert_eq!(value(&calculation, "CO2 quantified"), "96.096");
}

#[test]
fn days_before_monitoring_take_the_first_monitored_value() {
    let calculation = calculate("eu-ets-storage", &example("eu-ets-storage"));
    // Two days before monitoring and the first monitored day at 30 t, the last at 12 t.
    assert_eq!(value(&calculation, "CO2 leaked"), "102");
    assert_eq!(value(&calculation, "CO2 quantified"), "112.2");
    assert_eq!(value(&calculation, "E storage"), "133.8");
}

#[test]
fn a_leakage_begins_on_the_latest_of_the_days_before_which_it_cannot_have_begun() {
    let mut inputs = example("eu-ets-storage");
    let leaked = |inputs: &Value| value(&calculate("eu-ets-storage", inputs), "CO2 leaked");
    inputs["leakages"][0]["proven_since"] = json!("2026-03-02");
    assert_eq!(leaked(&inputs), "72");
    inputs["leakages"][0]["proven_since"] = json!("2026-02-01");
    assert_eq!(leaked(&inputs), "102");
    inputs["leakages"][0]["injection_began"] = json!("2026-03-04");
    assert_eq!(leaked(&inputs), "12");
}

#[test]
fn a_day_without_a_value_after_monitoring_began_is_refused() {
    let mut inputs = example("eu-ets-storage");
    inputs["leakages"][0]["ended"] = json!("2026-03-05");
    let error = rule("eu-ets-storage", None)
        .unwrap()
        .calculate(&inputs)
        .unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("leakages[0].monitored") && error.contains("2026-03-05"),
        "{error}"
    );
}

#[test]
fn a_shipment_within_the_uncertainty_of_both_counts_with_its_mean() {
    let calculation = calculate("eu-ets-custody", &example("eu-ets-custody"));
    // √(75² + 74.6²) = 105.783553 t; 40 t apart.
    assert_eq!(value(&calculation, "U_d"), "105.783553");
    assert_eq!(value(&calculation, "m"), "7480");
    assert_eq!(value(&calculation, "loss"), "0");
}

#[test]
fn a_shipment_beyond_the_uncertainty_counts_with_the_lower_value_and_the_carrier_lost_the_rest() {
    let mut inputs = example("eu-ets-custody");
    inputs["received"]["mass_t"] = json!("7300");
    let calculation = calculate("eu-ets-custody", &inputs);
    assert_eq!(value(&calculation, "m"), "7300");
    assert_eq!(value(&calculation, "loss"), "200");
    let loss = calculation.result("loss").unwrap();
    assert_eq!(loss.at.as_deref(), Some("MV Coastline"));

    inputs["received"]["mass_t"] = json!("7700");
    let calculation = calculate("eu-ets-custody", &inputs);
    assert_eq!(
        (value(&calculation, "m"), value(&calculation, "loss")),
        ("7500".into(), "0".into())
    );
    assert!(calculation.warnings[0].contains("more of V-118 arrived than left"));
}

#[test]
fn net_removal_is_one_shape_with_four_parameter_sets() {
    // 10 000 − 25.5 − 0 − 12 − 675.55 − 150 = 9136.95
    for (id, net, buffer) in [
        ("crcf-net-benefit", "9136.95", "0"),
        ("puro-gsc", "9136.95", "0"),
        ("isometric-net", "8954.211", "182.739"),
        ("verra-vm0049", "8862.841", "274.109"),
    ] {
        let calculation = calculate(id, &example(id));
        assert_eq!(calculation.results[0].value.to_string(), net, "{id}");
        assert_eq!(calculation.results[1].value.to_string(), buffer, "{id}");
        assert_eq!(
            calculation.rule.status,
            Status::Draft,
            "{id} is from memory"
        );
    }
}

#[test]
fn a_buffer_share_is_taken_where_the_standard_has_a_buffer_only() {
    let refused = |id: &str, share: Option<&str>| {
        let mut inputs = example(id);
        inputs["buffer_percent"] = json!(share);
        rule(id, None)
            .unwrap()
            .calculate(&inputs)
            .unwrap_err()
            .to_string()
    };
    assert!(
        refused("crcf-net-benefit", Some("2"))
            .contains("buffer_percent: this standard has no buffer")
    );
    assert!(refused("verra-vm0049", None).contains("risk rating is missing"));
    let mut seven = example("isometric-net");
    seven["buffer_percent"] = json!("7");
    assert_eq!(
        calculate("isometric-net", &seven).results[1]
            .value
            .to_string(),
        "639.587"
    );
}

#[test]
fn energy_is_split_into_fossil_and_biogenic() {
    // Factors of IPCC 2006 [M]; the grid of Kenya [V]. Diesel 0.84 t·43 GJ/t·74.1 kg/GJ, natural gas
    // 3600 GJ·56.1, electricity 120 000 kWh·0.049; firewood 250 t·15.6 GJ/t·112 kg/GJ.
    let calculation = calculate("energy-emissions", &example("energy-emissions"));
    assert_eq!(value(&calculation, "CO2 fossil"), "210.516492");
    assert_eq!(value(&calculation, "CO2 biogenic"), "436.8");
    let mut ar4 = example("energy-emissions");
    ar4["gwp"] = json!("ar4");
    let (ar4, ar5) = (calculate("energy-emissions", &ar4), calculation);
    // CH4 120.70836 kg and N2O 15.981672 kg.
    assert_eq!(value(&ar5, "CO2e"), "218.13146916");
    assert_eq!(value(&ar4, "CO2e"), "218.296739256");
}
