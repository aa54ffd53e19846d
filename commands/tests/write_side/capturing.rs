//! Captures and the evidence that they cite.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use sealrock_access::Principal;
use sealrock_commands::{
    CaptureStatement, CaptureUnitPath, CommandError, Done, GapsToSeal, Redaction, RegisteredDevice,
    Sealing, WindowToSeal,
};
use sealrock_domain::asset::{AssetKind, RegisterAsset};
use sealrock_domain::capture_day::{
    CaptureDayEvent, CaptureMeasured, CapturePeriod, CaptureRecorded,
};
use sealrock_domain::capture_unit::{
    CaptureTechnology, CaptureUnitStatus, RegisterCaptureUnit, SetCaptureUnitStatus,
};
use sealrock_domain::device::{BindDevice, RegisterDevice};
use sealrock_domain::telemetry::Source;
use sealrock_domain::telemetry::window::Hour;
use sealrock_ledger::Index;
use sealrock_ledger::record::IndexRange;

use crate::continuing::proceed;
use crate::fixture::{self, Fixture, admin, asset, device, slug};
use crate::injecting::field::{events, operator, refusal, site_manager};

fn unit() -> CaptureUnitPath {
    CaptureUnitPath {
        org: slug("northsea"),
        site: slug("plant-1"),
        unit: slug("amine-1"),
    }
}

fn day() -> NaiveDate {
    "2026-11-20".parse().unwrap()
}

fn hour(hour: i64) -> DateTime<Utc> {
    "2026-11-20T00:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::hours(hour)
}

fn period(from: i64, to: i64) -> CapturePeriod {
    CapturePeriod {
        from: hour(from),
        to: hour(to),
    }
}

fn statement(captured: &str, devices: &[&str]) -> CaptureStatement {
    CaptureStatement {
        captured: captured.parse().unwrap(),
        vented: "0".parse().unwrap(),
        electricity_kwh: None,
        heat_mj: None,
        devices: devices.iter().map(|device| slug(device)).collect(),
    }
}

fn meter(source: Source) -> RegisterDevice {
    RegisterDevice {
        asset: Some(slug("amine-1")),
        source,
        ..device("flow-1")
    }
}

/// Unit `amine-1` of 2,400 t a day, measured by `flow-1` of this source.
async fn with_a_unit(source: Source) -> (Fixture, RegisteredDevice) {
    let f = fixture::with_a_site().await;
    let command = RegisterAsset {
        asset_kind: AssetKind::CaptureUnit,
        ..asset("amine-1")
    };
    f.commands.register_asset(&admin(), command).await.unwrap();
    let (manager, command) = (site_manager(), register("amine-1"));
    let registered = f.commands.register_capture_unit(&manager, command);
    registered.await.unwrap();
    let registered = f.commands.register_device(&admin(), meter(source)).await;
    (f, registered.unwrap())
}

fn register(name: &str) -> RegisterCaptureUnit {
    RegisterCaptureUnit {
        org: slug("northsea"),
        site: slug("plant-1"),
        slug: slug(name),
        technology: CaptureTechnology::Amine,
        capacity_kg_per_day: Some("2400000".parse().unwrap()),
    }
}

/// Sends a batch that says how much is captured in t/h, from the hour's beginning to its end; `head`
/// are further fields.
async fn send(
    f: &Fixture,
    device: &RegisteredDevice,
    from: i64,
    (head, flow): (&str, f64),
) -> Index {
    let identity = f.sign_in(device).await;
    let reading = |minute: i64| {
        let at = (hour(from) + TimeDelta::minutes(minute)).to_rfc3339();
        format!(r#"{{"metric":"captured_mass_flow","at":"{at}","value":{flow}}}"#)
    };
    let readings = [reading(0), reading(59)].join(",");
    let batch = format!(r#"{{{head}"readings":[{readings}]}}"#);
    let sent = f
        .devices
        .record_batch(&identity, "http:/ingest", Utc::now(), batch.into_bytes());
    Index(sent.await.unwrap().index)
}

/// Seals these batches of an hour.
async fn seal(
    f: &Fixture,
    device: &RegisteredDevice,
    from: i64,
    (entries, supersedes): (&[Index], Option<(Index, u64)>),
) -> Index {
    let window = WindowToSeal {
        device: device.device,
        hour: Hour::of(hour(from)),
        entries: entries.to_vec(),
        supersedes,
    };
    let sealer = fixture::context(Principal::Service {
        name: "sealer".parse().unwrap(),
    });
    let northsea = slug("northsea");
    let draft = f.commands.draft_seal(&sealer, &northsea, window);
    let draft = draft.await.unwrap().unwrap();
    let answer = f
        .commands
        .seal_window(&sealer, draft, GapsToSeal::default());
    match answer.await.unwrap() {
        Sealing::Sealed(done) => done.receipt.last,
        named @ Sealing::Named(_) => panic!("{named:?}"),
    }
}

/// A batch of an hour, sealed.
async fn measure(f: &Fixture, device: &RegisteredDevice, from: i64, flow: f64) -> Index {
    let entry = send(f, device, from, ("", flow)).await;
    seal(f, device, from, (&[entry], None)).await
}

async fn record(
    f: &Fixture,
    period: CapturePeriod,
    statement: &CaptureStatement,
) -> Result<Done, CommandError> {
    f.commands
        .record_capture(&operator(), &unit(), period, statement)
        .await
}

async fn approve(f: &Fixture) -> Result<Done, CommandError> {
    f.commands
        .approve_capture_day(&site_manager(), &unit(), day())
        .await
}

/// The only record of the ledger.
async fn recorded(f: &Fixture) -> CaptureRecorded {
    let entries = f.entries().await;
    let mut found = events::<CaptureDayEvent>(&entries);
    assert_eq!(found.len(), 1);
    match found.remove(0).1 {
        CaptureDayEvent::CaptureRecorded(event) => event,
        other => panic!("{other:?}"),
    }
}

fn cited(event: &CaptureRecorded) -> Vec<u64> {
    event
        .evidence
        .iter()
        .map(sealrock_domain::Citation::index)
        .collect()
}

fn measured(captured: &str, hours: u32, real: bool) -> CaptureMeasured {
    CaptureMeasured {
        captured_kg: Some(captured.parse().unwrap()),
        hours,
        real,
        vented_kg: None,
    }
}

#[tokio::test]
async fn a_record_cites_the_newest_seal_of_each_hour_of_its_period_and_no_other() {
    let (f, flow) = with_a_unit(Source::Real).await;
    measure(&f, &flow, 2, 50.0).await;
    let early = send(&f, &flow, 3, ("", 80.0)).await;
    let first = seal(&f, &flow, 3, (&[early], None)).await;
    let late = send(&f, &flow, 3, ("", 100.0)).await;
    let newest = seal(&f, &flow, 3, (&[late], Some((first, 1)))).await;
    let fourth = measure(&f, &flow, 4, 70.0).await;
    measure(&f, &flow, 6, 1.0).await;
    send(&f, &flow, 5, ("", 60.0)).await; // not sealed

    record(&f, period(3, 6), &statement("160000", &["flow-1"]))
        .await
        .unwrap();
    let event = recorded(&f).await;
    assert_eq!(cited(&event), [newest.0, fourth.0]);
    assert_eq!(event.measured, Some(measured("160000", 2, true)));
    approve(&f).await.unwrap();
}

#[tokio::test]
async fn an_approval_rests_on_the_seals_of_now() {
    let (f, flow) = with_a_unit(Source::Real).await;
    let early = send(&f, &flow, 3, ("", 90.0)).await;
    let first = seal(&f, &flow, 3, (&[early], None)).await;
    let statement = statement("90000", &["flow-1"]);
    record(&f, period(3, 4), &statement).await.unwrap();
    let late = send(&f, &flow, 3, ("", 10.0)).await;
    seal(&f, &flow, 3, (&[late], Some((first, 1)))).await;
    let (code, why) = refusal(approve(&f).await);
    assert_eq!(code, "EVIDENCE_CHANGED");
    let says = "does not rest on the present seals";
    assert!(why.contains(says), "{why}");
    let fewer = CaptureStatement {
        captured: "50000".parse().unwrap(),
        ..statement
    };
    let reason = "a late batch".parse().unwrap();
    f.commands
        .correct_capture(&operator(), &unit(), hour(3), (&fewer, &reason))
        .await
        .unwrap();
    approve(&f).await.unwrap();
}

#[tokio::test]
async fn a_device_that_was_bound_elsewhere_in_the_meantime_is_no_evidence_for_these_hours() {
    let (f, flow) = with_a_unit(Source::Real).await;
    let third = measure(&f, &flow, 3, 90.0).await;
    let before = send(&f, &flow, 4, ("", 90.0)).await;
    let (org, site) = (slug("northsea"), slug("plant-1"));
    let bind = async |asset: &str| {
        let to = BindDevice { asset: slug(asset) };
        f.commands
            .bind_device(&admin(), &org, &site, &slug("flow-1"), to)
            .await
            .unwrap();
    };
    bind("stack-1").await;
    let after = send(&f, &flow, 4, ("", 1.0)).await;
    seal(&f, &flow, 4, (&[before, after], None)).await;
    measure(&f, &flow, 5, 1.0).await;
    bind("amine-1").await;
    let sixth = measure(&f, &flow, 6, 30.0).await;

    record(&f, period(3, 7), &statement("1", &["flow-1"]))
        .await
        .unwrap();
    let event = recorded(&f).await;
    assert_eq!(cited(&event), [third.0, sixth.0]);
    assert_eq!(event.measured, Some(measured("120000", 2, true)));

    // One that never measured the unit is named by mistake.
    f.commands
        .register_device(&admin(), device("meter-7"))
        .await
        .unwrap();
    let (_, why) = refusal(record(&f, period(7, 8), &statement("1", &["meter-7"])).await);
    assert!(
        why.contains("device meter-7 of site plant-1 never measured amine-1"),
        "{why}"
    );
    let (code, _) = refusal(record(&f, period(7, 8), &statement("1", &["flow-2"])).await);
    assert_eq!(code, "NOT_FOUND");
}

#[tokio::test]
async fn evidence_of_a_simulator_or_of_a_batch_that_says_so_is_not_real() {
    let (f, flow) = with_a_unit(Source::Simulator).await;
    measure(&f, &flow, 3, 90.0).await;
    record(&f, period(3, 4), &statement("1", &["flow-1"]))
        .await
        .unwrap();
    assert_eq!(
        recorded(&f).await.measured,
        Some(measured("90000", 1, false))
    );

    let (f, flow) = with_a_unit(Source::Real).await;
    measure(&f, &flow, 3, 90.0).await;
    let entry = send(&f, &flow, 4, (r#""source":"simulator","#, 10.0)).await;
    seal(&f, &flow, 4, (&[entry], None)).await;
    record(&f, period(3, 5), &statement("1", &["flow-1"]))
        .await
        .unwrap();
    assert_eq!(
        recorded(&f).await.measured,
        Some(measured("100000", 2, false))
    );
}

#[tokio::test]
async fn erased_batches_stay_evidence_through_their_seal() {
    let (f, flow) = with_a_unit(Source::Real).await;
    let entry = send(&f, &flow, 3, ("", 90.0)).await;
    let sealed = seal(&f, &flow, 3, (&[entry], None)).await;
    let redaction = Redaction {
        payloads: vec![IndexRange::from((entry, entry))],
        reason: "it named a person".into(),
    };
    f.commands
        .redact(&admin(), &slug("northsea"), redaction)
        .await
        .unwrap();
    record(&f, period(3, 4), &statement("90000", &["flow-1"]))
        .await
        .unwrap();
    let event = recorded(&f).await;
    assert_eq!(
        (cited(&event), event.measured),
        (vec![sealed.0], Some(measured("90000", 1, true)))
    );
}

#[tokio::test]
async fn a_continued_ledger_cites_the_seals_of_the_one_before_and_goes_on_with_its_days() {
    let (f, flow) = with_a_unit(Source::Real).await;
    let third = measure(&f, &flow, 3, 90.0).await;
    let fourth = measure(&f, &flow, 4, 80.0).await;
    record(&f, period(3, 4), &statement("90000", &["flow-1"]))
        .await
        .unwrap();
    let parent = f.ledger().await;
    let new = proceed(&f).await.ledger;
    let (code, _) = refusal(record(&f, period(3, 4), &statement("1", &[])).await);
    assert_eq!(code, "OVERLAP");
    record(&f, period(4, 5), &statement("80000", &["flow-1"]))
        .await
        .unwrap();
    approve(&f).await.unwrap();

    let entries = f.store.read(new.id, Index(0), 1_000).await.unwrap();
    let days = events::<CaptureDayEvent>(&entries);
    let evidence: Vec<String> = days
        .iter()
        .filter_map(|(_, event)| match event {
            CaptureDayEvent::CaptureRecorded(event) => Some(&event.evidence),
            _ => None,
        })
        .flatten()
        .map(ToString::to_string)
        .collect();
    let cited = |index: Index| format!("{}#{index}", parent.origin);
    assert_eq!(evidence, [cited(third), cited(fourth)]);
    assert!(matches!(
        days.last(),
        Some((_, CaptureDayEvent::CaptureDayApproved(_)))
    ));
}

#[tokio::test]
async fn of_records_that_overlap_sent_at_once_one_is_recorded() {
    let (f, _) = with_a_unit(Source::Real).await;
    let elsewhere = f.elsewhere().await;
    let sent = (0..8).map(|n| {
        let commands = [&f.commands, &elsewhere][n % 2].clone();
        let from = i64::try_from(n).unwrap() % 3;
        tokio::spawn(async move {
            let (unit, statement) = (unit(), statement("1", &[]));
            loop {
                let recorded = commands
                    .record_capture(&operator(), &unit, period(from, from + 3), &statement)
                    .await;
                match recorded {
                    Err(CommandError::Conflict) => {}
                    other => return other.map(drop),
                }
            }
        })
    });
    let mut good = 0;
    for sent in sent.collect::<Vec<_>>() {
        match sent.await.unwrap() {
            Ok(()) => good += 1,
            Err(CommandError::Refused { code, .. }) => assert_eq!(code, "OVERLAP"),
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(good, 1);
    recorded(&f).await;
}

#[tokio::test]
async fn what_is_no_unit_in_service_or_no_whole_hour_of_evidence_is_refused() {
    let (f, flow) = with_a_unit(Source::Real).await;
    let stack = f
        .commands
        .register_capture_unit(&site_manager(), register("stack-1"))
        .await;
    let (_, why) = refusal(stack);
    assert!(why.contains("is no capture unit by its kind"), "{why}");
    let nothing = f
        .commands
        .register_capture_unit(&site_manager(), register("amine-2"))
        .await;
    assert_eq!(refusal(nothing).0, "NOT_FOUND");

    measure(&f, &flow, 3, 90.0).await;
    let half = CapturePeriod {
        from: hour(3),
        to: hour(3) + TimeDelta::minutes(30),
    };
    let (code, why) = refusal(record(&f, half, &statement("1", &["flow-1"])).await);
    assert!(why.contains("does not begin and end on the hour"), "{why}");
    assert_eq!(code, "OUT_OF_RANGE");
    record(&f, half, &statement("1", &[])).await.unwrap();
    assert_eq!(refusal(approve(&f).await).0, "NO_EVIDENCE");

    let command = SetCaptureUnitStatus {
        status: CaptureUnitStatus::Decommissioned,
        reason: None,
    };
    f.commands
        .set_capture_unit_status(&site_manager(), &unit(), command)
        .await
        .unwrap();
    let refused = record(&f, period(4, 5), &statement("1", &[])).await;
    assert_eq!(refusal(refused).0, "NOT_IN_FORCE");
}
