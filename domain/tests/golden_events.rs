//! Every event type, in every schema version, against the file of its payload.
//!
//! The files are what ledgers hold. A new schema version adds a file; a test that fails
//! because a file no longer fits means that old ledgers can no longer be read.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::{collections::BTreeMap, fmt::Debug, fs, path::PathBuf};

use sealrock_domain::{
    Attributes, CredentialId, EventDecodeError, EventType, MAX_SAFE_INTEGER,
    asset::{AssetEvent, AssetKind, AssetRegistered, AssetRetired},
    credit_block::{CreditBlockEvent, CreditsIssued},
    device::{
        DeviceBound, DeviceCertificateAdded, DeviceCertificateRevoked, DeviceCredentialRevoked,
        DeviceCredentialRotated, DeviceDecommissioned, DeviceEvent, DeviceKeyRevoked,
        DeviceKeyRotated, DeviceRegistered, Fingerprint, Sensor,
    },
    issuance::{IssuanceApproved, IssuanceEvent, IssuanceRefused, IssuanceRequested},
    mass_account::{
        MassAccountEvent, NetMassRecorded, RangeFinalised, RangeReleased, RangeReserved,
        StorageLossRecorded,
    },
    organisation::{OrganisationEvent, OrganisationRegistered, OrganisationRenamed},
    site::{
        EmissionTargetSet, EmissionTargetWithdrawn, SiteEvent, SiteKind, SiteRegistered,
        SiteRenamed, SiteRetired,
    },
    telemetry::{
        Source,
        window::{Gap, GapDetected, MetricSummary, SealedBoot, WindowEvent, WindowSealed},
    },
};
use serde_json::Value;

#[path = "golden_events/access.rs"]
mod access;
#[path = "golden_events/captures.rs"]
mod captures;
#[path = "golden_events/wells.rs"]
mod wells;

fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "golden"]
        .iter()
        .collect()
}

fn parse<T: std::str::FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

fn attributes(pairs: &[(&str, &str)]) -> Attributes {
    let pairs = pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    pairs.collect::<BTreeMap<_, _>>().try_into().unwrap()
}

fn credential(last: u8) -> CredentialId {
    parse(&format!("0192a1b2-c3d4-7e5f-8a9b-0000000000{last:02x}"))
}

/// (file name without `.json`, event): every field set, and the least that is allowed.
fn organisations() -> Vec<(&'static str, OrganisationEvent)> {
    let least = OrganisationRegistered {
        slug: parse("northsea"),
        display_name: parse("North Sea Storage"),
        demo: false,
        registry: false,
    };
    let full = OrganisationRegistered {
        demo: true,
        ..least.clone()
    };
    let registry = OrganisationRegistered {
        slug: parse("ccr"),
        display_name: parse("Carbon Credit Registry"),
        demo: false,
        registry: true,
    };
    vec![
        ("OrganisationRegistered.v1.registry", registry.into()),
        ("OrganisationRegistered.v1", full.into()),
        ("OrganisationRegistered.v1.least", least.into()),
        (
            "OrganisationRenamed.v1",
            OrganisationRenamed {
                display_name: parse("Nordsjø"),
            }
            .into(),
        ),
    ]
}

fn sites() -> Vec<(&'static str, SiteEvent)> {
    let least = SiteRegistered {
        org: parse("northsea"),
        slug: parse("plant-1"),
        display_name: parse("Plant One"),
        site_kind: SiteKind::CapturePlant,
        country: None,
        latitude: None,
        longitude: None,
        ambient_pressure_kpa: None,
    };
    let full = SiteRegistered {
        country: Some(parse("NO")),
        latitude: Some(parse("60.3913")),
        longitude: Some(parse("-5.3221")),
        ambient_pressure_kpa: Some(parse("101.30")),
        ..least.clone()
    };
    vec![
        ("SiteRegistered.v1", full.into()),
        ("SiteRegistered.v1.least", least.into()),
        (
            "SiteRenamed.v1",
            SiteRenamed {
                display_name: parse("Plant 1"),
            }
            .into(),
        ),
        ("SiteRetired.v1", SiteRetired {}.into()),
    ]
    .into_iter()
    .chain(targets())
    .collect()
}

fn targets() -> Vec<(&'static str, SiteEvent)> {
    let set = EmissionTargetSet {
        average_kg_per_h: parse("480.5"),
        from: parse("2026-11-01"),
        until: Some(parse("2027-03-31")),
    };
    let open = EmissionTargetSet {
        until: None,
        ..set.clone()
    };
    let ended = EmissionTargetWithdrawn {
        from: parse("2026-11-01"),
        last_day: Some(parse("2026-12-31")),
    };
    let withdrawn = EmissionTargetWithdrawn {
        last_day: None,
        ..ended.clone()
    };
    vec![
        ("EmissionTargetSet.v1", set.into()),
        ("EmissionTargetSet.v1.least", open.into()),
        ("EmissionTargetWithdrawn.v1", ended.into()),
        ("EmissionTargetWithdrawn.v1.least", withdrawn.into()),
    ]
}

fn assets() -> Vec<(&'static str, AssetEvent)> {
    let least = AssetRegistered {
        org: parse("northsea"),
        site: parse("plant-1"),
        slug: parse("stack-1"),
        display_name: parse("Boiler stack"),
        asset_kind: AssetKind::Stack,
        assumptions: Attributes::default(),
    };
    let assumptions = attributes(&[("duct_area_m2", "0.785"), ("fuel", "wood")]);
    vec![
        (
            "AssetRegistered.v1",
            AssetRegistered {
                assumptions,
                ..least.clone()
            }
            .into(),
        ),
        ("AssetRegistered.v1.least", least.into()),
        ("AssetRetired.v1", AssetRetired {}.into()),
    ]
}

fn devices() -> Vec<(&'static str, DeviceEvent)> {
    let least = DeviceRegistered {
        org: parse("northsea"),
        site: parse("plant-1"),
        name: parse("meter-7"),
        display_name: parse("Meter 7"),
        asset: None,
        source: Source::Simulator,
        public_key: None,
        credential: credential(1),
        metadata: Attributes::default(),
        sensors: vec![],
    };
    let metric = parse("co2_ppm");
    let sensor = Sensor {
        metric,
        unit: "ppm".into(),
        description: "NDIR, port 2".into(),
    };
    let full = DeviceRegistered {
        asset: Some(parse("stack-1")),
        source: Source::Real,
        public_key: Some(parse(
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        )),
        metadata: attributes(&[("firmware", "1.4.2")]),
        sensors: vec![sensor],
        ..least.clone()
    };
    let (rotated, revoked) = (credential(2), credential(3));
    vec![
        ("DeviceRegistered.v1", full.into()),
        ("DeviceRegistered.v1.least", least.into()),
        (
            "DeviceBound.v1",
            DeviceBound {
                asset: parse("stack-2"),
            }
            .into(),
        ),
        (
            "DeviceCredentialRotated.v1",
            DeviceCredentialRotated {
                credential: rotated,
            }
            .into(),
        ),
        (
            "DeviceCredentialRevoked.v1",
            DeviceCredentialRevoked {
                credential: revoked,
            }
            .into(),
        ),
        ("DeviceKeyRotated.v1", key_rotated().into()),
        ("DeviceKeyRevoked.v1", key_revoked().into()),
        (
            "DeviceCertificateAdded.v1",
            DeviceCertificateAdded {
                fingerprint: certificate(),
            }
            .into(),
        ),
        (
            "DeviceCertificateRevoked.v1",
            DeviceCertificateRevoked {
                fingerprint: certificate(),
            }
            .into(),
        ),
        ("DeviceDecommissioned.v1", DeviceDecommissioned {}.into()),
    ]
}

fn windows() -> Vec<(&'static str, WindowEvent)> {
    let device = parse("fb2ec0ea-b6ec-50a9-bc26-7ce3fff43928");
    let least = WindowSealed {
        batches: 1,
        boots: vec![],
        device,
        entries: vec![(128, 128).into()],
        gaps: vec![],
        hour: parse("2026-11-21T03"),
        metrics: BTreeMap::new(),
        root: parse("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
        sources: BTreeMap::new(),
        supersedes: None,
        suspect: 1,
        uncounted: 1,
    };
    let boot = |boot: &str, batches, first_seq, last_seq| SealedBoot {
        batches,
        boot: boot.to_owned(),
        first_seq,
        last_seq,
    };
    let summary = MetricSummary {
        first: parse("412.7"),
        first_at: parse("2026-11-21T03:00:00.120Z"),
        last: parse("-0.00000041"),
        last_at: parse("2026-11-21T03:59:59Z"),
        max: parse("413"),
        min: parse("-0.00000041"),
        n: 3,
        sum: parse("825.69999959"),
        unit: "ppm".to_owned(),
    };
    let full = WindowSealed {
        batches: 5,
        boots: vec![
            boot("", 1, 9_007_199_254_740_991, 9_007_199_254_740_991),
            boot("b1", 3, 4, 10),
        ],
        entries: vec![(120, 123).into(), (128, 128).into()],
        gaps: vec![Gap {
            boot: "b1".to_owned(),
            from_seq: 7,
            to_seq: 9,
        }],
        metrics: BTreeMap::from([(parse("co2_ppm"), summary)]),
        sources: BTreeMap::from([(Source::Simulator, 2), (Source::Migrated, 1)]),
        supersedes: Some(127),
        suspect: 2,
        ..least.clone()
    };
    let gap = GapDetected {
        boot: "b1".to_owned(),
        device,
        from_seq: 7,
        to_seq: 9,
    };
    vec![
        ("WindowSealed.v1", full.into()),
        ("WindowSealed.v1.least", least.into()),
        ("GapDetected.v1", gap.into()),
    ]
}

fn mass_accounts() -> Vec<(&'static str, MassAccountEvent)> {
    let (org, site, issuance) = (parse("northsea"), parse("field-1"), credential(9).0);
    let net_mass = NetMassRecorded {
        org,
        site,
        well: parse("73997dcc-17a4-52f5-b0d4-ad068ae3d3c3"),
        day: parse("2026-11-20"),
        mass_kg: parse("431250.125"),
    };
    let least = StorageLossRecorded {
        org: parse("northsea"),
        site: parse("field-1"),
        year: 2026,
        mass_kg: parse("12.5"),
        occurred_on: parse("2026-11-21"),
        reason: parse("A flange leaked.\nThe upper bound of the estimate."),
        evidence: Vec::new(),
        by: parse("user/0192a1b2-c3d4-7e5f-8a9b-000000000001"),
    };
    let loss = StorageLossRecorded {
        evidence: vec![parse("sealrock.localhost/northsea#4711")],
        ..least.clone()
    };
    let reserved = RangeReserved {
        issuance,
        registry: parse("ccr"),
        from_kg: 0,
        to_kg: 3_000_000,
        by: parse("user/0192a1b2-c3d4-7e5f-8a9b-000000000001"),
    };
    let finalised = RangeFinalised {
        issuance,
        serials: parse("SR:ccr:northsea:field-1:2026:1-3000"),
    };
    let reason = parse("The meter of well-2 was not calibrated");
    let released = RangeReleased { issuance, reason };
    vec![
        ("NetMassRecorded.v1", net_mass.into()),
        ("StorageLossRecorded.v1", loss.into()),
        ("StorageLossRecorded.v1.least", least.into()),
        ("RangeReserved.v1", reserved.into()),
        ("RangeFinalised.v1", finalised.into()),
        ("RangeReleased.v1", released.into()),
    ]
}

fn issuances() -> Vec<(&'static str, IssuanceEvent)> {
    let issuance = credential(9).0;
    let requested = IssuanceRequested {
        issuance,
        organisation: parse("northsea"),
        site: parse("field-1"),
        year: 2026,
        from_kg: 0,
        to_kg: 3_000_000,
        source: parse("sealrock.localhost/northsea#4711"),
        requested_by: parse("user/0192a1b2-c3d4-7e5f-8a9b-000000000001"),
    };
    let approved = IssuanceApproved {
        issuance,
        serials: parse("SR:ccr:northsea:field-1:2026:1-3000"),
        by: parse("user/0192a1b2-c3d4-7e5f-8a9b-000000000002"),
        organisation: parse("ccr"),
    };
    let refused = IssuanceRefused {
        issuance,
        reason: parse("The meter of well-2 was not calibrated"),
        by: parse("user/0192a1b2-c3d4-7e5f-8a9b-000000000002"),
        organisation: parse("ccr"),
    };
    vec![
        ("IssuanceRequested.v1", requested.into()),
        ("IssuanceApproved.v1", approved.into()),
        ("IssuanceRefused.v1", refused.into()),
    ]
}

fn credit_blocks() -> Vec<(&'static str, CreditBlockEvent)> {
    let issued = CreditsIssued {
        issuance: credential(9).0,
        registry: parse("ccr"),
        organisation: parse("northsea"),
        site: parse("field-1"),
        vintage: 2026,
        first_serial: 1,
        last_serial: 3000,
        from_kg: 0,
        to_kg: 3_000_000,
        holder: parse("northsea"),
    };
    vec![("CreditsIssued.v1", issued.into())]
}

fn key_rotated() -> DeviceKeyRotated {
    let key = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
    DeviceKeyRotated {
        public_key: parse(key),
    }
}

fn certificate() -> Fingerprint {
    Fingerprint::new([0xab; 32])
}

fn key_revoked() -> DeviceKeyRevoked {
    DeviceKeyRevoked {
        key_id: parse("21fe31dfa154a261"),
    }
}

fn check<E: EventType + PartialEq + Debug>(samples: &[(&str, E)]) {
    for (kind, schema) in E::KNOWN {
        let name = format!("{kind}.v{schema}");
        assert!(
            samples.iter().any(|(file, _)| *file == name),
            "no sample of {name}"
        );
    }
    for (file, event) in samples {
        let bytes = fs::read(folder().join(format!("{file}.json"))).unwrap();
        let mut name = file.split(".v");
        let kind = name.next().unwrap();
        let schema = parse(name.next().unwrap().split('.').next().unwrap());
        assert_eq!(&E::decode(kind, schema, &bytes).unwrap(), event, "{file}");
        let encoded = event.encode();
        assert_eq!((encoded.kind, encoded.schema), (kind, schema), "{file}");
        assert_eq!(
            encoded.payload,
            serde_json::from_slice::<Value>(&bytes).unwrap(),
            "{file}"
        );
    }
}

#[test]
fn organisation_events_fit_their_golden_files() {
    check(&organisations());
}

#[test]
fn events_of_access_fit_their_golden_files() {
    check(&access::access());
}

#[test]
fn site_events_fit_their_golden_files() {
    check(&sites());
}

#[test]
fn asset_events_fit_their_golden_files() {
    check(&assets());
}

#[test]
fn device_events_fit_their_golden_files() {
    check(&devices());
}

#[test]
fn mass_account_events_fit_their_golden_files() {
    check(&mass_accounts());
}

#[test]
fn events_of_wells_fit_their_golden_files() {
    check(&wells::wells());
}

#[test]
fn injection_day_events_fit_their_golden_files() {
    check(&wells::injection_days());
}

#[test]
fn credit_events_fit_their_golden_files() {
    check(&issuances());
    check(&credit_blocks());
}

#[test]
fn capture_events_fit_their_golden_files() {
    check(&captures::units());
    check(&captures::days());
}

#[test]
fn window_events_fit_their_golden_files() {
    check(&windows());
}

/// Counts and indexes are whole numbers that every reader of JSON holds exactly.
fn has_figure(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_u64().is_none_or(|n| n > MAX_SAFE_INTEGER),
        Value::Array(items) => items.iter().any(has_figure),
        Value::Object(fields) => fields.values().any(has_figure),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

#[test]
fn golden_files_hold_figures_as_texts_and_each_belongs_to_a_sample() {
    let mut known: Vec<&str> = organisations().iter().map(|s| s.0).collect();
    known.extend(sites().iter().map(|s| s.0));
    known.extend(assets().iter().map(|s| s.0));
    known.extend(devices().iter().map(|s| s.0));
    known.extend(windows().iter().map(|s| s.0));
    known.extend(mass_accounts().iter().map(|s| s.0));
    known.extend(wells::wells().iter().map(|s| s.0));
    known.extend(wells::injection_days().iter().map(|s| s.0));
    known.extend(issuances().iter().map(|s| s.0));
    known.extend(credit_blocks().iter().map(|s| s.0));
    known.extend(captures::units().iter().map(|s| s.0));
    known.extend(captures::days().iter().map(|s| s.0));
    known.extend(access::access().iter().map(|s| s.0));
    for file in fs::read_dir(folder()).unwrap() {
        let path = file.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(known.contains(&stem.as_str()), "{stem} is no sample's");
        let payload: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert!(!has_figure(&payload), "{stem} holds a figure as a number");
    }
}

#[test]
fn an_unknown_event_type_is_named() {
    let error = SiteEvent::decode("SiteMoved", 1, b"{}").unwrap_err();
    assert!(matches!(&error, EventDecodeError::UnknownType { kind, .. } if kind == "SiteMoved"));
    assert!(
        error
            .to_string()
            .contains("SiteRegistered, SiteRenamed, SiteRetired"),
        "{error}"
    );
}

#[test]
fn an_unknown_schema_version_is_named() {
    let error = SiteEvent::decode("SiteRetired", 2, b"{}").unwrap_err();
    let (kind, known) = ("SiteRetired".to_owned(), "1".to_owned());
    assert_eq!(
        error,
        EventDecodeError::UnknownSchema {
            kind,
            schema: 2,
            known
        }
    );
}

#[test]
fn a_payload_with_a_missing_or_foreign_field_is_refused() {
    let missing = SiteEvent::decode("SiteRenamed", 1, b"{}")
        .unwrap_err()
        .to_string();
    assert!(
        missing.contains("missing field `display_name`"),
        "{missing}"
    );
    let foreign = SiteEvent::decode("SiteRetired", 1, br#"{"why":"x"}"#)
        .unwrap_err()
        .to_string();
    assert!(foreign.contains("unknown field `why`"), "{foreign}");
}

#[test]
fn the_framework_sees_the_same_type_and_version() {
    use cqrs_es::DomainEvent;
    let event: SiteEvent = SiteRetired {}.into();
    assert_eq!(
        (event.event_type(), event.event_version()),
        ("SiteRetired".into(), "1".into())
    );
    let json = serde_json::to_string(&event).unwrap();
    assert_eq!(serde_json::from_str::<SiteEvent>(&json).unwrap(), event);
}
