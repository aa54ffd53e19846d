//! What screens ask, and places on which each of them has something to show.

use chrono::{NaiveDate, TimeDelta, Utc};
use sealrock_domain::capture_day::{CaptureDayEvent, CaptureDayId, CaptureRecorded};
use sealrock_domain::injection_day::{self, InjectionDayEvent, InjectionDayRecorded, Measured};
use sealrock_domain::mass_account::{MassAccountEvent, MassAccountId, NetMassRecorded};
use sealrock_domain::{Actor, AssetId, Slug};
use serde_json::{Value, json};

use crate::world::World;

/// What a person looks at who keeps an eye on places: down to the hours of each device.
const PLACES: &str = r#"{ organisation(slug: "northsea") { sites(first: 10) { nodes {
  slug organisation { slug } provenance { ledger indexes } emissionTargets { averageKgPerH }
  assets(first: 5) { nodes { slug site { slug } devices(first: 5) { nodes { name } } } }
  devices(first: 5) { nodes {
    name organisation { slug } site { slug } asset { slug } provenance { ledger }
    status { online batches provenance { ledger } } latest { metric value provenance { ledger } }
    gaps(onlyOpen: true, first: 3) { fromSeq } windows(first: 3) { nodes { hour } }
  } }
} } } }"#;
const ASSETS: &str = r#"{ organisation(slug: "northsea") { assets(first: 30) { nodes {
  slug site { slug organisation { slug } } devices(first: 5) { nodes { name latest { value } } }
} } } }"#;
const DEVICES: &str = r#"{ organisation(slug: "northsea") { devices(first: 10) { nodes {
  name asset { slug site { slug } } status { lastSeen } latest { value } gaps { toSeq }
} } } }"#;
const LATEST: &str = r#"{ site(organisation: "northsea", slug: "plant-1") { latest {
  metric value device { name site { slug } asset { slug } } provenance { ledger }
} } }"#;
const LATEST_BY_SITE: &str = r#"{ organisation(slug: "northsea") { sites(first: 10) { nodes {
  latest { metric value device { name } provenance { ledger } }
} } } }"#;
const ORGANISATIONS: &str = r"{ organisations(first: 10) { nodes { slug ledger { name } sites(first: 5) { nodes { slug } } } } }";
const ENTRIES: &str =
    r#"{ ledgerEntries(ledger: "northsea", first: 1000) { nodes { index type } } }"#;
const WELLS: &str = r#"{ wells(organisation: "northsea") {
  slug asset { slug site { slug } } latest { metric value device { name } }
} }"#;
/// Sites, and what each of their units captured.
const CAPTURES: &str = r#"{ organisation(slug: "northsea") { sites(first: 10) { nodes {
  captureUnits {
    slug asset { slug } captureTotals(per: DAY) { capturedTonnes provenance { indexes } }
    captures(first: 5) { nodes { capturedKg approval { by } versions { capturedKg } } }
  }
  captures(first: 5, fromDay: "2026-11-01") { nodes { unit capturedKg } }
  captureTotals(per: MONTH) { capturedTonnes }
} } } }"#;
const CAPTURING_ASSETS: &str = r#"{ organisation(slug: "northsea") { assets(first: 30) { nodes {
  slug captureUnit { status captures { nodes { from } } captureTotals(per: ALL) { capturedTonnes } }
} } } }"#;
/// `POSITION` is one of the ledger.
const CAPTURES_AS_OF: &str = r#"{ organisation(slug: "northsea") { sites(first: 10) { nodes {
  captureUnits(asOf: "POSITION") { slug captures(asOf: "POSITION") { nodes { capturedKg } } }
  captures(asOf: "POSITION") { nodes { capturedKg } } captureTotals(per: YEAR, asOf: "POSITION") { records }
  emissionTargets(asOf: "POSITION") { averageKgPerH }
} } } }"#;
const INJECTIONS: &str = r#"{ wells(organisation: "northsea") {
  slug injectionDays(first: 5, fromDay: "2026-11-01") { nodes { day massKg well { slug } versions { massKg } } }
} }"#;
const ACCOUNTS: &str = r#"{ massAccounts(organisation: "northsea") {
  site netKg entries(first: 5) { nodes { massKg day provenance { ledger } } } provenance { indexes }
} }"#;
const CREDITS: &str = r#"{
  issuances(organisation: "northsea") { nodes {
    state block { serials } netMass { massKg } history { type } provenance { indexes }
  } }
  holdings(registry: "ccr") { nodes { serials issuance { state netMass { day } } } }
}"#;
const LEADERBOARD: &str = r#"{ leaderboard(
  organisation: "northsea", from: "2026-11-20T12:00:00Z", to: "2026-11-20T13:00:00Z"
) { rows {
  rank site { slug latest { value } } targets { averageKgPerH } provenance { indexes } capturedProvenance { indexes }
  stacks { slug asset { slug } devices { name status { online } latest { value } } }
} } }"#;
/// `DEVICE` is a gauge, `FROM` yesterday and `TO` tomorrow.
const SERIES: &str = r#"{ timeSeries(device: "DEVICE", metric: "injection_rate", from: "FROM", to: "TO", bucketSeconds: 300) {
  buckets { start avg provenance { ledger indexes } }
} }"#;

/// What screens ask, some of it as of now.
pub async fn questions(world: &World) -> Vec<String> {
    let newest = r#"{ ledgerEntries(ledger: "northsea", first: 1000) { pageInfo { endCursor } } }"#;
    let newest = world.data(newest, json!({})).await;
    let position = newest["ledgerEntries"]["pageInfo"]["endCursor"].as_str();
    let as_of = CAPTURES_AS_OF.replace("POSITION", position.unwrap());
    let now = [
        PLACES,
        ASSETS,
        DEVICES,
        LATEST,
        LATEST_BY_SITE,
        ORGANISATIONS,
        ENTRIES,
        WELLS,
        CAPTURES,
        CAPTURING_ASSETS,
        INJECTIONS,
        ACCOUNTS,
        CREDITS,
        LEADERBOARD,
    ];
    let now = now.into_iter().map(str::to_owned);
    now.chain([as_of, series(world).await]).collect()
}

async fn series(world: &World) -> String {
    let query =
        r#"{ organisation(slug: "northsea") { devices(first: 10) { nodes { name id } } } }"#;
    let devices = world.data(query, json!({})).await;
    let devices = devices["organisation"]["devices"]["nodes"]
        .as_array()
        .unwrap();
    let gauge = devices.iter().find(|device| device["name"] == "gauge-1");
    let day = |days| (Utc::now() + TimeDelta::days(days)).to_rfc3339();
    let id = gauge.unwrap()["id"].as_str().unwrap();
    let of_gauge = SERIES.replace("DEVICE", id).replace("FROM", &day(-1));
    let question = of_gauge.replace("TO", &day(1));
    let shown = world.data(&question, json!({})).await;
    assert!(shown["timeSeries"]["buckets"][1].is_object(), "{shown}");
    question
}

/// A site with stacks, a device at one that has sent what has gaps, and a unit and a well with two days
/// each.
pub async fn add_place(world: &World, number: u32) {
    let place = format!(r#"organisation: "northsea", site: "site-{number}""#);
    let asset = |name: &str, kind: &str| {
        format!(
            r#"{name}: registerAsset(input: {{{place}, slug: "{name}", displayName: "A", kind: {kind}}}) {{ duplicate }}"#
        )
    };
    let document = format!(
        r#"mutation {{
          registerSite(input: {{organisation: "northsea", slug: "site-{number}", displayName: "S", kind: FACTORY}}) {{ duplicate }}
          {} {} {} {}
          registerCaptureUnit(input: {{{place}, asset: "amine", technology: AMINE}}) {{ duplicate }}
          registerWell(input: {{{place}, well: "injector", kind: INJECTOR}}) {{ duplicate }}
          setEmissionTarget(input: {{{place}, averageKgPerH: "480", from: "2026-01-01"}}) {{ duplicate }}
          registerDevice(
            input: {{{place}, name: "meter-{number}", displayName: "M", asset: "chimney", source: REAL}}, waitFor: ["registry"]
          ) {{ deviceId secret }}
        }}"#,
        asset("chimney", "STACK"),
        asset("flue", "STACK"),
        asset("amine", "CAPTURE_UNIT"),
        asset("injector", "INJECTION_WELL"),
    );
    let made: Value = world.data(&document, json!({})).await;
    let made = &made["registerDevice"];
    let device = made["deviceId"].as_str().unwrap().parse().unwrap();
    let device = world
        .sign_in(device, made["secret"].as_str().unwrap())
        .await;
    for seq in [1, 4] {
        world.record(&device, seq, seq, &[1.0]).await;
    }
    let emitted =
        json!({"metric": "co2_emission_rate", "at": "2026-11-20T12:10:00Z", "value": 480.0});
    let emitted = json!({"seq": 5, "readings": [emitted]});
    world
        .record_bytes(&device, emitted.to_string().into_bytes())
        .await;
    for day in ["2026-11-19", "2026-11-20"] {
        let site = format!("site-{number}").parse().unwrap();
        add_day(world, &site, day.parse().unwrap()).await;
    }
}

async fn add_day(world: &World, site: &Slug, day: NaiveDate) {
    let org: Slug = "northsea".parse().unwrap();
    let [unit, well]: [Slug; 2] = ["amine", "injector"].map(|name| name.parse().unwrap());
    let id = CaptureDayId {
        unit: AssetId::of(&org, site, &unit),
        day,
    };
    let captured = captured((&org, site, unit), day);
    world.append(format!("capture_day/{id}"), &captured).await;
    let injector = AssetId::of(&org, site, &well);
    let id = injection_day::id(injector, day);
    let injected = injected((&org, site, well), day);
    world.append(format!("injection_day/{id}"), &injected).await;
    let stored = MassAccountEvent::from(NetMassRecorded {
        org: org.clone(),
        site: site.clone(),
        well: injector,
        day,
        mass_kg: "1000".parse().unwrap(),
    });
    let account = MassAccountId::of(&org, site, 2026).stream();
    world.append(account, &stored).await;
}

fn actor() -> Actor {
    "service/test".parse().unwrap()
}

fn captured((org, site, unit): (&Slug, &Slug, Slug), day: NaiveDate) -> CaptureDayEvent {
    let at = |hour| day.and_hms_opt(hour, 0, 0).unwrap().and_utc();
    CaptureRecorded {
        org: org.clone(),
        site: site.clone(),
        unit,
        from: at(12),
        to: at(13),
        captured_kg: "90".parse().unwrap(),
        vented_kg: "10".parse().unwrap(),
        electricity_kwh: None,
        heat_mj: None,
        measured: None,
        evidence: Vec::new(),
        by: actor(),
    }
    .into()
}

fn injected((org, site, well): (&Slug, &Slug, Slug), day: NaiveDate) -> InjectionDayEvent {
    InjectionDayRecorded {
        org: org.clone(),
        site: site.clone(),
        well,
        day,
        mass_kg: "1000".parse().unwrap(),
        hours: "24".parse().unwrap(),
        max_rate_t_per_h: "21".parse().unwrap(),
        max_wellhead_pressure_mpa: "9".parse().unwrap(),
        min_annulus_pressure_mpa: "10".parse().unwrap(),
        min_annulus_margin_mpa: None,
        measured: Measured::default(),
        real: true,
        evidence: Vec::new(),
        by: actor(),
    }
    .into()
}
