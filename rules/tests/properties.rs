//! What holds for all inputs: sums do not depend on order or on how a period is cut, more stored is
//! never less credited, and nothing drifts.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use proptest::prelude::*;
use rust_decimal::Decimal;
use sealrock_rules::calculation::Calculation;
use sealrock_rules::catalogue::rule;
use serde_json::{Value, json};

fn calculate(id: &str, inputs: &Value) -> Calculation {
    rule(id, None).unwrap().calculate(inputs).unwrap()
}

/// The first result.
fn result(id: &str, inputs: &Value) -> Decimal {
    calculate(id, inputs).results[0].value.exact().unwrap()
}

const STARTS: [&str; 4] = ["2024-01-01", "2024-04-01", "2024-07-01", "2024-10-01"];
const ENDS: [&str; 4] = ["2024-03-31", "2024-06-30", "2024-09-30", "2024-12-31"];

/// Grams and millionths: what meters and analysers of the field resolve.
#[derive(Clone, Copy, Debug)]
struct Flow {
    grams: i64,
    millionths: i64,
}

fn flow() -> impl Strategy<Value = Flow> {
    (0..1_000_000_000_000_i64, 0..=1_000_000_i64)
        .prop_map(|(grams, millionths)| Flow { grams, millionths })
}

fn quarter(number: usize, flow: Flow) -> Value {
    json!({
        "quarter": number,
        "quantity_t": Decimal::new(flow.grams, 6),
        "co2_weight_fraction": Decimal::new(flow.millionths, 6),
    })
}

fn meter(name: usize, quarters: &[(usize, Flow)]) -> Value {
    let quarters: Vec<_> = quarters
        .iter()
        .map(|(number, flow)| quarter(*number, *flow))
        .collect();
    json!({"name": format!("M-{name}"), "measured": {"mass": quarters}})
}

fn facility(first: usize, last: usize, injected: &[Value], leaked: &[i64], vented: i64) -> Value {
    let leaks: Vec<_> = leaked
        .iter()
        .map(|grams| json!({"pathway": grams.to_string(), "mass_t": Decimal::new(*grams, 6)}))
        .collect();
    json!({
        "period": {"from": STARTS[first - 1], "to": ENDS[last - 1]},
        "injected": injected,
        "leaked": leaks,
        "injection_equipment_t": Decimal::new(vented, 6),
    })
}

fn year(flows: [Flow; 4]) -> [(usize, Flow); 4] {
    [(1, flows[0]), (2, flows[1]), (3, flows[2]), (4, flows[3])]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_quarters_add_up_to_the_year(
        flows in [flow(), flow(), flow(), flow()],
        leaked in [0..10_000_000_i64, 0..10_000_000_i64, 0..10_000_000_i64, 0..10_000_000_i64],
    ) {
        let whole = facility(1, 4, &[meter(1, &year(flows))], &leaked, 0);
        let quarters = (1..=4).map(|number| {
            let quarter = meter(1, &[(number, flows[number - 1])]);
            result("us-98-rr", &facility(number, number, &[quarter], &leaked[number - 1..number], 0))
        });
        prop_assert_eq!(result("us-98-rr", &whole), quarters.sum::<Decimal>());
    }

    #[test]
    fn a_flow_that_is_measured_in_parts_is_the_same_flow(
        flows in [flow(), flow(), flow(), flow()],
        cut in 0..=1000_i64,
    ) {
        let part = |share: i64| {
            let of = |flow: Flow| Flow { grams: flow.grams / 1000 * share, ..flow };
            [of(flows[0]), of(flows[1]), of(flows[2]), of(flows[3])]
        };
        let whole = facility(1, 4, &[meter(1, &year(part(1000)))], &[], 0);
        let parts = [meter(1, &year(part(cut))), meter(2, &year(part(1000 - cut)))];
        prop_assert_eq!(result("us-98-rr", &whole), result("us-98-rr", &facility(1, 4, &parts, &[], 0)));
    }

    #[test]
    fn the_order_of_inputs_changes_nothing(
        meters in prop::collection::vec([flow(), flow(), flow(), flow()], 1..6),
        leaked in prop::collection::vec(0..10_000_000_i64, 0..6),
    ) {
        let mut injected: Vec<_> = meters.iter().enumerate().map(|(at, flows)| {
            let mut quarters = year(*flows);
            quarters.rotate_left(at % 4);
            meter(at, &quarters)
        }).collect();
        let one = result("us-98-rr", &facility(1, 4, &injected, &leaked, 7));
        injected.reverse();
        let backwards: Vec<_> = leaked.iter().rev().copied().collect();
        prop_assert_eq!(one, result("us-98-rr", &facility(1, 4, &injected, &backwards, 7)));
    }

    #[test]
    fn more_injected_is_never_less_sequestered_and_more_lost_never_more(
        flows in [flow(), flow(), flow(), flow()],
        more in 0..1_000_000_000_i64,
    ) {
        let of = |grams: i64, leaked: i64, vented: i64| {
            let mut flows = flows;
            flows[2].grams += grams;
            result("us-98-rr", &facility(1, 4, &[meter(1, &year(flows))], &[leaked], vented))
        };
        let base = of(0, 5, 5);
        prop_assert!(of(more, 5, 5) >= base);
        prop_assert!(of(0, 5 + more, 5) <= base);
        prop_assert!(of(0, 5, 5 + more) <= base);
    }

    #[test]
    fn no_standard_makes_more_of_what_was_stored(
        id in prop::sample::select(vec!["crcf-net-benefit", "verra-vm0049", "puro-gsc", "isometric-net"]),
        stored in 0..1_000_000_000_i64,
        taken in prop::array::uniform8(0..100_000_000_i64),
        share in 0..=10_000_i64,
        (which, more) in (0..8_usize, 0..100_000_000_i64),
    ) {
        let net = |taken: [i64; 8]| {
            let t = |kilograms: i64| Decimal::new(kilograms, 3);
            let mut inputs = json!({
                "period": {"from": "2026-03-01", "to": "2026-12-31"},
                "stored_t": t(stored), "losses_t": t(taken[0]), "baseline_t": t(taken[1]),
                "leakage_t": t(taken[2]), "uncertainty_t": t(taken[3]),
                "associated": {
                    "energy_t": t(taken[4]), "inputs_t": t(taken[5]),
                    "transport_t": t(taken[6]), "embodied_t": t(taken[7]),
                },
            });
            if !matches!(id, "crcf-net-benefit" | "puro-gsc") {
                inputs["buffer_percent"] = json!(Decimal::new(share, 2));
            }
            let calculation = calculate(id, &inputs);
            let value = |at: usize| calculation.results[at].value.exact().unwrap();
            (value(0), value(1))
        };
        let (credited, buffer) = net(taken);
        prop_assert!(credited + buffer <= Decimal::new(stored, 3));
        prop_assert!(buffer >= Decimal::ZERO);
        let mut worse = taken;
        worse[which] += more;
        prop_assert!(net(worse).0 <= credited);
    }

    #[test]
    fn what_is_stored_and_lost_in_oil_recovery_is_what_came_in(
        of in prop::array::uniform8(0..1_000_000_000_000_i64),
    ) {
        let t = |at: usize| Decimal::new(of[at], 6);
        let inputs = json!({
            "period": {"from": "2026-01-01", "to": "2026-12-31"},
            "received_t": t(0), "native_t": t(1), "leakage_facilities_t": t(2),
            "vent_flare_t": t(3), "entrained_t": t(4), "transfer_t": t(5),
            "eor_complex_t": t(6), "recycled_t": t(7),
        });
        let lost = t(2) + t(3) + t(4) + t(5) + t(6);
        prop_assert_eq!(result("us-98-vv", &inputs) + lost, t(0) + t(1));
    }

    #[test]
    fn custody_never_accounts_more_than_the_mean_of_both_sites(
        shipped in 0..10_000_000_i64, received in 0..10_000_000_i64, uncertainty in 0..500_i64,
    ) {
        let of = |kilograms: i64| json!({
            "mass_t": Decimal::new(kilograms, 3),
            "uncertainty_percent": Decimal::new(uncertainty, 2),
        });
        let inputs = |shipped: i64, received: i64| json!({
            "period": {"from": "2026-05-04", "to": "2026-05-06"},
            "shipment": "S", "carrier": "C", "shipped": of(shipped), "received": of(received),
        });
        let calculation = calculate("eu-ets-custody", &inputs(shipped, received));
        let value = |at: usize| calculation.results[at].value.exact().unwrap();
        let mean = Decimal::new(shipped + received, 3) * Decimal::new(5, 1);
        prop_assert!(value(0) <= mean && value(0) >= Decimal::new(shipped.min(received), 3));
        prop_assert!(value(1) == Decimal::ZERO || value(0) + value(1) == Decimal::new(shipped, 3));
        let exchanged = result("eu-ets-custody", &inputs(received, shipped));
        prop_assert_eq!(value(0), exchanged);
    }

    #[test]
    fn energy_does_not_depend_on_the_unit_that_it_is_entered_in(watt_hours in 0..1_000_000_000_i64) {
        let inputs = |amount: Decimal, unit: &str| json!({
            "period": {"from": "2026-01-01", "to": "2026-12-31"}, "factors": "ipcc-2006", "gwp": "ar5",
            "entries": [
                {"carrier": "natural_gas", "amount": amount, "unit": unit},
                {"carrier": "electricity_kenya", "amount": amount, "unit": unit},
            ],
        });
        let kilo = result("energy-emissions", &inputs(Decimal::new(watt_hours, 3), "kWh"));
        let mega = result("energy-emissions", &inputs(Decimal::new(watt_hours, 6), "MWh"));
        prop_assert_eq!(kilo, mega);
    }
}
