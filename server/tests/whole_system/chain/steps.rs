//! The steps of the chain: who asks for what.

use chrono::{Datelike, Days, NaiveDate};
use serde_json::{Value, json};

use super::Who;
use super::telemetry::{HOURS, hour};

/// A mutation, with the person who asks for it.
#[derive(Clone)]
pub struct Step {
    /// Unique in the chain; the command's id comes from it.
    pub name: &'static str,
    pub who: Who,
    pub document: String,
    pub input: Value,
    /// The code with which it is asked again: what it needs is on its way.
    pub waits_for: Option<&'static str>,
    /// A field of its payload that later steps need, by the name of this step.
    pub keeps: Option<&'static str>,
    /// A field of its input that an earlier step kept: its name, and the step's.
    pub needs: Option<(&'static str, &'static str)>,
}

impl Step {
    /// `mutation` with this input; `shown` is what is asked of its payload.
    pub fn new(name: &'static str, who: Who, mutation: &str, shown: &str, input: Value) -> Self {
        let (first, rest) = mutation.split_at(1);
        let input_type = match mutation {
            "startInjection" => "OperateWellInput".to_owned(),
            _ => format!("{}{rest}Input", first.to_uppercase()),
        };
        let document = format!(
            "mutation ($input: {input_type}!) {{ {mutation}(input: $input) {{ {shown} }} }}"
        );
        Self {
            name,
            who,
            document,
            input,
            waits_for: None,
            keeps: None,
            needs: None,
        }
    }

    /// The same with other fields in its input, and a command id of its own.
    pub fn but(&self, name: &'static str, changed: Value) -> Self {
        let mut other = self.clone();
        other.name = name;
        other.input = joined(other.input, changed);
        other
    }

    fn keeping(mut self, field: &'static str) -> Self {
        self.keeps = Some(field);
        self
    }

    /// With what an earlier step kept; asked again until its node has heard of it.
    fn needing(mut self, field: &'static str, step: &'static str) -> Self {
        self.needs = Some((field, step));
        self.waits_for = Some("NOT_FOUND");
        self
    }

    /// Asked again until refused credits have given their kilograms back.
    fn waiting_until_free(mut self) -> Self {
        self.waits_for = Some("LIMIT_EXCEEDED");
        self
    }

    /// The name of its mutation.
    pub fn mutation(&self) -> &str {
        let rest = self.document.split_once("{ ").unwrap().1;
        rest.split_once('(').unwrap().0
    }
}

const RECEIPT: &str = "duplicate receipt { ledger firstIndex lastIndex }";

/// What is registered before anything is measured, by `admin` or `sigrid`.
pub fn people_and_places(who: Who) -> Vec<Step> {
    let organisation = |name: &'static str, registry: bool| {
        let input = json!({ "slug": name, "displayName": name, "registry": registry });
        Step::new(name, "admin", "registerOrganisation", RECEIPT, input)
    };
    let site = |name: &'static str, kind: &str| {
        let input = json!({
            "organisation": "northsea", "slug": name, "displayName": name, "kind": kind,
        });
        Step::new(name, "sigrid", "registerSite", RECEIPT, input)
    };
    let asset = |name: &'static str, site: &str, kind: &str| {
        let input = json!({
            "organisation": "northsea", "site": site, "slug": name, "displayName": name,
            "kind": kind,
        });
        Step::new(name, "sigrid", "registerAsset", RECEIPT, input)
    };
    let device = |name: &'static str, site: &str, asset: &str| {
        let input = json!({
            "organisation": "northsea", "site": site, "name": name, "displayName": name,
            "asset": asset, "source": "REAL",
        });
        Step::new(
            name,
            "sigrid",
            "registerDevice",
            "deviceId secret topic",
            input,
        )
    };
    let mut steps = vec![
        organisation("northsea", false),
        organisation("southsea", false),
        organisation("greenregister", true),
        site("plant-1", "CAPTURE_PLANT"),
        site("field-1", "INJECTION"),
        asset("unit-1", "plant-1", "CAPTURE_UNIT"),
        asset("well-1", "field-1", "INJECTION_WELL"),
        asset("watch-1", "field-1", "MONITORING_WELL"),
        device("meter-1", "plant-1", "unit-1"),
        device("gauge-1", "field-1", "well-1"),
    ];
    steps.retain(|step| step.who == who);
    steps
}

/// What people do with the day that was measured, in this order.
pub fn steps(day: NaiveDate) -> Vec<Step> {
    [captures(day), wells(day), injections(day), credits(day)].concat()
}

/// Fields of an input, with those that say what it is about.
fn of(site: &str, more: Value) -> Value {
    joined(json!({ "organisation": "northsea", "site": site }), more)
}

/// The fields of both.
fn joined(fields: Value, more: Value) -> Value {
    let (Value::Object(mut fields), Value::Object(more)) = (fields, more) else {
        panic!("inputs have fields")
    };
    fields.extend(more);
    Value::Object(fields)
}

/// 36 t are captured and 2.25 t vented. The operator states a little less at first.
fn captures(day: NaiveDate) -> Vec<Step> {
    let (first, count) = HOURS;
    let of = |more: Value| of("plant-1", more);
    let step = |name, who, mutation, more| Step::new(name, who, mutation, RECEIPT, of(more));
    let unit = json!({ "asset": "unit-1", "technology": "AMINE", "capacityKgPerDay": "500000" });
    let capture = json!({
        "unit": "unit-1", "from": hour(day, first), "to": hour(day, first + count),
        "capturedKg": "35900.5", "ventedKg": "2250", "electricityKwh": "9000",
        "devices": ["meter-1"],
    });
    let correction = json!({
        "unit": "unit-1", "from": hour(day, first), "capturedKg": "36000", "ventedKg": "2250",
        "electricityKwh": "9000", "devices": ["meter-1"], "reason": "a digit was misread",
    });
    let day = json!({ "unit": "unit-1", "day": day });
    vec![
        step("unit", "sigrid", "registerCaptureUnit", unit),
        step(
            "unit-runs",
            "sigrid",
            "setCaptureUnitStatus",
            json!({ "unit": "unit-1", "status": "OPERATING" }),
        ),
        step("capture", "otto", "recordCapture", capture),
        step("capture-corrected", "otto", "correctCapture", correction),
        step("capture-approved", "sigrid", "approveCaptureDay", day),
    ]
}

/// An injector that may take 40 t a day at 15 t/h and 10.8 `MPa`, and a monitor.
fn wells(day: NaiveDate) -> Vec<Step> {
    let of = |more: Value| of("field-1", more);
    let step = |name, who, mutation, more| Step::new(name, who, mutation, RECEIPT, of(more));
    let (before, after) = (day - Days::new(30), day + Days::new(300));
    let limits = json!({
        "well": "well-1", "permit": "UIC-7", "validFrom": before, "validUntil": after,
        "maxDailyMassKg": "40000", "maxYearlyMassKg": "9000000", "maxRateTPerH": "15",
        "fracturePressureMpa": "12",
    });
    let test = |kind: &str| {
        json!({
            "well": "well-1", "kind": kind, "passed": true, "testedOn": before,
            "validUntil": after, "certificate": "MIT 4711",
        })
    };
    let register = |well: &str, kind: &str| json!({ "well": well, "kind": kind });
    let start = json!({ "well": "well-1", "at": hour(day, 9) });
    vec![
        step(
            "well",
            "sigrid",
            "registerWell",
            register("well-1", "INJECTOR"),
        ),
        step(
            "monitor",
            "sigrid",
            "registerWell",
            register("watch-1", "MONITOR"),
        ),
        step("permit", "sigrid", "proposePermitLimits", limits),
        step(
            "permit-approved",
            "hanna",
            "approvePermitLimits",
            json!({ "well": "well-1", "proposal": 1 }),
        ),
        step("mit-internal", "otto", "recordMit", test("INTERNAL")),
        step("mit-external", "otto", "recordMit", test("EXTERNAL")),
        step("start", "otto", "startInjection", start),
    ]
}

/// 35.7 t are injected. The operator states a little less at first.
fn injections(day: NaiveDate) -> Vec<Step> {
    let of = |more: Value| of("field-1", more);
    let step = |name, who, mutation, more| Step::new(name, who, mutation, RECEIPT, of(more));
    let record = json!({
        "well": "well-1", "day": day, "figures": figures("35000"), "devices": ["gauge-1"],
    });
    let mut correction = record.clone();
    correction["figures"] = figures("35700");
    correction["reason"] = json!("the last half hour was forgotten");
    let approve = json!({ "well": "well-1", "day": day });
    vec![
        step("injection", "otto", "recordInjectionDay", record),
        step(
            "injection-corrected",
            "otto",
            "correctInjectionDay",
            correction,
        ),
        step(
            "injection-approved",
            "sigrid",
            "approveInjectionDay",
            approve,
        ),
    ]
}

/// The figures of the measured day, with this mass.
pub fn figures(mass_kg: &str) -> Value {
    json!({
        "massKg": mass_kg, "hours": "3", "maxRateTPerH": "11.9", "maxWellheadPressureMpa": "9.2",
        "minAnnulusPressureMpa": "10.4",
    })
}

/// 20 credits are issued; 10 are refused, so their kilograms are free again; 15 more are issued.
fn credits(day: NaiveDate) -> Vec<Step> {
    let request = |name, tonnes: u32| {
        let input = json!({ "year": day.year(), "registry": "greenregister", "tonnes": tonnes });
        let shown = format!("id fromKg toKg {RECEIPT}");
        let input = of("field-1", input);
        Step::new(name, "vera", "requestIssuance", &shown, input).keeping("id")
    };
    let decide = |name, mutation, more: Value, asked| {
        let input = joined(json!({ "registry": "greenregister" }), more);
        Step::new(name, "ruth", mutation, RECEIPT, input).needing("issuance", asked)
    };
    let why = json!({ "reason": "the monitoring report is missing" });
    vec![
        request("credits-20", 20),
        decide(
            "credits-20-issued",
            "approveIssuance",
            json!({}),
            "credits-20",
        ),
        request("credits-10", 10),
        decide("credits-10-refused", "refuseIssuance", why, "credits-10"),
        request("credits-15", 15).waiting_until_free(),
        decide(
            "credits-15-issued",
            "approveIssuance",
            json!({}),
            "credits-15",
        ),
    ]
}
