//! Which batches retention may erase.

use std::collections::BTreeMap;

use chrono::{TimeDelta, Utc};
use sealrock_commands::{Kept, RegisteredDevice, RetentionPlan};
use sealrock_domain::EventType;
use sealrock_domain::telemetry::decode;
use sealrock_domain::telemetry::window::{Hour, Root, Seal, WindowEvent, window_stream};
use sealrock_eventstore::{Append, Expected, NewEvent, Retention};
use sealrock_ledger::Index;
use sealrock_ledger::record::IndexRange;
use uuid::Uuid;

use crate::fixture::{Fixture, admin, slug, with_a_device};

const HOURS: [&str; 3] = ["2026-11-21T03", "2026-11-21T04", "2026-11-21T05"];

/// Two batches in each of three hours; the indexes of each.
async fn three_hours(f: &Fixture, device: &RegisteredDevice) -> Vec<Vec<u64>> {
    let identity = f.sign_in(device).await;
    let mut hours = Vec::new();
    for hour in HOURS {
        let mut indexes = Vec::new();
        for minute in [10, 20] {
            let bytes = format!(
                r#"{{"readings":[{{"metric":"co2_ppm","at":"{hour}:{minute}:00Z","value":1}}]}}"#
            );
            let sent = f
                .devices
                .record_batch(&identity, "http:/ingest", Utc::now(), bytes.into_bytes())
                .await;
            indexes.push(sent.unwrap().index);
        }
        hours.push(indexes);
    }
    hours
}

async fn append(f: &Fixture, stream: &str, kind: &str, bytes: Vec<u8>) -> u64 {
    let event = NewEvent {
        stream: stream.to_owned(),
        expected: Expected::Any,
        kind: kind.to_owned(),
        schema: 1,
        media: "application/json".to_owned(),
        bytes,
        retention: Retention::Kept,
    };
    let append = Append {
        actor: "service/test".to_owned(),
        command: Uuid::now_v7(),
        input_hash: [0; 32],
        cause: String::new(),
        via: "process:test".to_owned(),
        received_at: Utc::now(),
        unchanged: None,
        events: vec![event],
    };
    let appended = f.store.append(f.ledger().await.id, append).await;
    appended.unwrap().receipt.first.0
}

async fn seal(f: &Fixture, device: &RegisteredDevice, hour: &str, indexes: &[u64]) -> u64 {
    let hour: Hour = hour.parse().unwrap();
    let mut seal = Seal::new(device.device, hour);
    for recorded in f.entries().await {
        if indexes.contains(&recorded.entry.index.0) {
            let batch = decode(&recorded.payload.as_ref().unwrap().bytes).unwrap();
            let received_at = recorded.entry.received_at;
            seal.add(recorded.entry.index.0, received_at, &batch)
                .unwrap();
        }
    }
    let event = WindowEvent::from(seal.finish(Root([0; 32]), Vec::new())).encode();
    let bytes = serde_json::to_vec(&event.payload).unwrap();
    append(f, &window_stream(device.device, hour), event.kind, bytes).await
}

async fn plan(f: &Fixture) -> RetentionPlan {
    let in_a_moment = Utc::now() + TimeDelta::seconds(5);
    f.commands
        .plan_retention(&slug("northsea"), in_a_moment)
        .await
        .unwrap()
}

fn kept(kept: &[(Kept, u64)]) -> BTreeMap<Kept, u64> {
    kept.iter().copied().collect()
}

fn ranges(indexes: &[u64]) -> Vec<Vec<IndexRange>> {
    let (first, last) = (indexes[0], indexes[indexes.len() - 1]);
    vec![vec![IndexRange::from((Index(first), Index(last)))]]
}

#[tokio::test]
async fn whole_sealed_windows_are_erased_and_what_is_unsealed_or_cited_is_kept_with_the_reason() {
    let (f, device) = with_a_device().await;
    let hours = three_hours(&f, &device).await;
    assert_eq!(plan(&f).await.kept, kept(&[(Kept::Unsealed, 6)]));

    seal(&f, &device, HOURS[0], &hours[0]).await;
    let cited = seal(&f, &device, HOURS[1], &hours[1]).await;
    let evidence = format!(r#"{{"evidence":["sealrock.test/ledger/northsea#{cited}"]}}"#);
    append(&f, "credit/1", "CreditIssued", evidence.into_bytes()).await;
    let planned = plan(&f).await;
    assert_eq!(planned.kept, kept(&[(Kept::Cited, 2), (Kept::Unsealed, 2)]));
    assert_eq!((planned.windows, planned.batches), (1, 2));
    assert_eq!(planned.erase, ranges(&hours[0]));

    let ago = Utc::now() - TimeDelta::days(1);
    let nothing = f
        .commands
        .plan_retention(&slug("northsea"), ago)
        .await
        .unwrap();
    assert_eq!(nothing, RetentionPlan::default());

    // Applied, it is not planned again, whether the rows are deleted yet or not.
    let done = f
        .commands
        .apply_retention(&admin(), &slug("northsea"), Utc::now(), &planned.erase[0])
        .await
        .unwrap();
    for _ in 0..2 {
        assert_eq!((plan(&f).await.batches, plan(&f).await.windows), (0, 0));
        f.store
            .erase(&f.ledger().await, done.receipt.first)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_batch_that_is_cited_keeps_its_window_and_a_superseded_seal_that_is_cited_too() {
    let (f, device) = with_a_device().await;
    let hours = three_hours(&f, &device).await;
    let first = seal(&f, &device, HOURS[0], &hours[0][..1]).await;
    seal(&f, &device, HOURS[0], &hours[0]).await;
    seal(&f, &device, HOURS[1], &hours[1]).await;
    let batch = hours[1][0];
    let cited =
        ["sealrock.test/ledger/northsea"].map(|o| format!(r#""{o}#{first}","{o}#{batch}""#));
    let evidence = format!(r#"{{"evidence":[{}]}}"#, cited.join(","));
    append(&f, "credit/1", "CreditIssued", evidence.into_bytes()).await;
    let planned = plan(&f).await;
    assert_eq!(planned.kept, kept(&[(Kept::Cited, 4), (Kept::Unsealed, 2)]));
    assert_eq!(planned.erase, Vec::<Vec<IndexRange>>::new());
}

#[tokio::test]
async fn a_window_of_which_a_batch_was_redacted_after_its_seal_is_kept() {
    let (f, device) = with_a_device().await;
    let hours = three_hours(&f, &device).await;
    seal(&f, &device, HOURS[0], &hours[0]).await;
    let redaction = sealrock_commands::Redaction {
        payloads: ranges(&hours[0][..1]).remove(0),
        reason: "test".into(),
    };
    f.commands
        .redact(&admin(), &slug("northsea"), redaction)
        .await
        .unwrap();
    let planned = plan(&f).await;
    assert_eq!(
        planned.kept,
        kept(&[(Kept::WindowRedacted, 1), (Kept::Unsealed, 4)])
    );
    assert_eq!(planned.batches, 0);
}
