use chrono::{DateTime, TimeDelta, Utc};
use sealrock_access::Principal;
use sealrock_commands::{
    CommandError, Commands, Context, GapsToSeal, MAX_SEALED, RegisteredDevice, SealDraft, Sealing,
    WindowToSeal,
};
use sealrock_domain::telemetry::SENSOR_BATCH_RECORDED;
use sealrock_domain::telemetry::window::{Gap, Hour, WindowEvent, WindowSealed};
use sealrock_domain::{DeviceId, EventType};
use sealrock_eventstore::{Append, Expected, NewEvent, Recorded, Retention};
use sealrock_ledger::{Frontier, Index};
use uuid::Uuid;

use crate::fixture::{self, Fixture, admin, slug};

fn sealer() -> Context {
    let name = "sealer".parse().unwrap();
    Context {
        via: "process:sealer".into(),
        ..fixture::context(Principal::Service { name })
    }
}

fn hour() -> Hour {
    "2026-11-20T03".parse().unwrap()
}

fn at(second: i64) -> DateTime<Utc> {
    hour().start() + TimeDelta::seconds(second)
}

fn batch(seq: Option<u64>, second: i64, value: f64) -> Vec<u8> {
    let at = at(second).to_rfc3339();
    let seq = seq.map_or_else(String::new, |seq| format!(r#""seq":{seq},"#));
    format!(r#"{{{seq}"readings":[{{"metric":"co2_ppm","at":"{at}","value":{value}}}]}}"#)
        .into_bytes()
}

async fn send(f: &Fixture, device: &RegisteredDevice, bytes: Vec<u8>) -> Index {
    let identity = f.sign_in(device).await;
    let sent = f
        .devices
        .record_batch(&identity, "http:/ingest", Utc::now(), bytes)
        .await;
    Index(sent.unwrap().index)
}

fn window(device: DeviceId, entries: &[Index], supersedes: Option<(Index, u64)>) -> WindowToSeal {
    WindowToSeal {
        device,
        hour: hour(),
        entries: entries.to_vec(),
        supersedes,
    }
}

async fn draft(
    commands: &Commands,
    window: WindowToSeal,
) -> Result<Option<SealDraft>, CommandError> {
    commands
        .draft_seal(&sealer(), &slug("northsea"), window)
        .await
}

/// Seals, without gaps.
async fn seal(f: &Fixture, window: WindowToSeal) -> Index {
    let draft = draft(&f.commands, window).await.unwrap().unwrap();
    let sealed = f
        .commands
        .seal_window(&sealer(), draft, GapsToSeal::default())
        .await;
    match sealed.unwrap() {
        Sealing::Sealed(done) => done.receipt.last,
        named @ Sealing::Named(_) => panic!("{named:?}"),
    }
}

fn sealed(recorded: &Recorded) -> WindowSealed {
    let bytes = &recorded.payload.as_ref().unwrap().bytes;
    match WindowEvent::decode(&recorded.entry.kind, recorded.entry.schema, bytes).unwrap() {
        WindowEvent::WindowSealed(seal) => seal,
        gap @ WindowEvent::GapDetected(_) => panic!("{gap:?}"),
    }
}

#[tokio::test]
async fn a_seal_binds_the_recorded_batches_of_an_hour_and_a_late_one_makes_another() {
    let (f, device) = fixture::with_a_device().await;
    let first = send(&f, &device, batch(Some(1), 0, 412.7)).await;
    send(&f, &device, batch(Some(2), 3_600, 1.0)).await;
    let second = send(&f, &device, batch(None, 10, 0.1)).await;
    let at_first = seal(&f, window(device.device, &[first, second], None)).await;
    let late = send(&f, &device, batch(Some(3), 5, 0.2)).await;
    let at_second = seal(&f, window(device.device, &[late], Some((at_first, 1)))).await;

    let entries = f.entries().await;
    let entry = |index: Index| &entries[usize::try_from(index.0).unwrap()];
    let root = |indexes: &[Index]| {
        let mut tree = Frontier::default();
        for index in indexes {
            tree.push(entry(*index).leaf_hash);
        }
        tree.root().0
    };
    let before = sealed(entry(at_first));
    assert_eq!(
        (before.batches, before.uncounted, before.supersedes),
        (2, 1, None)
    );
    assert_eq!(before.root.0, root(&[first, second]));
    let after = sealed(entry(at_second));
    assert_eq!((after.batches, after.supersedes), (3, Some(at_first.0)));
    assert_eq!(after.root.0, root(&[first, second, late]));
    assert_eq!(
        after.metrics[&"co2_ppm".parse().unwrap()].sum.as_str(),
        "413"
    );

    let written = &entry(at_second).entry;
    assert_eq!(
        written.stream,
        format!("window/{}/2026-11-20T03", device.device)
    );
    assert_eq!(
        (written.version, written.actor.as_str()),
        (2, "service/sealer")
    );
    assert_eq!(written.via, "process:sealer");
    assert_eq!(
        written.cause,
        format!("sealrock.test/ledger/northsea#{late}")
    );
    let payload = entry(at_second).payload.as_ref().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&payload.bytes).unwrap();
    assert_eq!(
        serde_json_canonicalizer::to_vec(&json).unwrap(),
        payload.bytes
    );
}

#[tokio::test]
async fn gaps_are_named_in_the_same_commit_before_the_seal() {
    let (f, device) = fixture::with_a_device().await;
    let entries = [
        send(&f, &device, batch(Some(1), 0, 1.0)).await,
        send(&f, &device, batch(Some(5), 1, 1.0)).await,
    ];
    let gap = |from_seq, to_seq| Gap {
        boot: String::new(),
        from_seq,
        to_seq,
    };
    let draft = draft(&f.commands, window(device.device, &entries, None)).await;
    let draft = draft.unwrap().unwrap();
    assert_eq!(draft.boots().len(), 1);
    let gaps = GapsToSeal {
        listed: vec![gap(2, 2), gap(3, 4)],
        unnamed: vec![gap(2, 2), gap(3, 4)],
        version: 0,
    };
    let done = f
        .commands
        .seal_window(&sealer(), draft, gaps.clone())
        .await
        .unwrap();
    let Sealing::Sealed(done) = done else {
        panic!("{done:?}")
    };
    assert_eq!(done.receipt.last.0 - done.receipt.first.0, 2);
    let written = f
        .entries()
        .await
        .split_off(usize::try_from(done.receipt.first.0).unwrap());
    let kinds: Vec<_> = written.iter().map(|r| r.entry.kind.as_str()).collect();
    assert_eq!(kinds, ["GapDetected", "GapDetected", "WindowSealed"]);
    assert_eq!(sealed(&written[2]).gaps, gaps.listed);
    let payload = &written[1].payload.as_ref().unwrap().bytes;
    let expected = format!(
        r#"{{"boot":"","device":"{}","from_seq":3,"to_seq":4}}"#,
        device.device
    );
    assert_eq!(String::from_utf8_lossy(payload), expected);
    assert_eq!(written[1].entry.version, 2);
}

#[tokio::test]
async fn very_many_gaps_are_named_by_several_appends_before_anything_is_sealed() {
    let (f, device) = fixture::with_a_device().await;
    let entry = send(&f, &device, batch(Some(5_000), 0, 1.0)).await;
    let unnamed: Vec<Gap> = (0..700)
        .map(|n| Gap {
            boot: String::new(),
            from_seq: n * 2,
            to_seq: n * 2,
        })
        .collect();
    let once = async |unnamed: &[Gap], version| {
        let draft = draft(&f.commands, window(device.device, &[entry], None)).await;
        let gaps = GapsToSeal {
            listed: vec![],
            unnamed: unnamed.to_vec(),
            version,
        };
        f.commands
            .seal_window(&sealer(), draft.unwrap().unwrap(), gaps)
            .await
            .unwrap()
    };
    let first = once(&unnamed, 0).await;
    assert!(
        matches!(&first, Sealing::Named(done) if !done.duplicate),
        "{first:?}"
    );
    let again = once(&unnamed, 0).await;
    assert!(
        matches!(&again, Sealing::Named(done) if done.duplicate),
        "{again:?}"
    );
    let second = once(&unnamed[500..], 500).await;
    assert!(matches!(second, Sealing::Sealed(_)), "{second:?}");
    let kinds = f
        .entries()
        .await
        .into_iter()
        .map(|recorded| recorded.entry.kind);
    assert_eq!(kinds.filter(|kind| kind == "GapDetected").count(), 700);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_sealers_at_once_one_seals_and_the_other_finds_it_done() {
    let (f, device) = fixture::with_a_device().await;
    let first = send(&f, &device, batch(Some(1), 0, 1.0)).await;
    let second = send(&f, &device, batch(Some(2), 1, 1.0)).await;
    let elsewhere = f.elsewhere().await;
    let seal = async |commands: &Commands, entries: &[Index]| {
        let draft = draft(commands, window(device.device, entries, None)).await;
        let gaps = GapsToSeal::default();
        commands
            .seal_window(&sealer(), draft.unwrap().unwrap(), gaps)
            .await
    };
    // The other one's read model knew one batch less.
    let known = [vec![first, second], vec![first]];
    let (here, there) = tokio::join!(seal(&f.commands, &known[0]), seal(&elsewhere, &known[1]));
    let outcomes = [here, there];
    let conflicts = outcomes
        .iter()
        .filter(|o| matches!(o, Err(CommandError::Conflict)));
    assert_eq!(conflicts.count(), 1, "{outcomes:?}");
    let winner = usize::from(outcomes[0].is_err());
    // What won, repeated: as after a crash that lost the answer.
    let again = seal(&f.commands, &known[winner]).await.unwrap();
    assert!(
        matches!(&again, Sealing::Sealed(done) if done.duplicate),
        "{again:?}"
    );
    let kinds = f
        .entries()
        .await
        .into_iter()
        .map(|recorded| recorded.entry.kind);
    assert_eq!(kinds.filter(|kind| kind == "WindowSealed").count(), 1);
}

#[tokio::test]
async fn what_is_no_batch_of_the_window_is_refused_and_an_erased_one_passed_over() {
    let (f, device) = fixture::with_a_device().await;
    let other = f
        .commands
        .register_device(&admin(), fixture::device("meter-8"))
        .await
        .unwrap();
    let mine = send(&f, &device, batch(Some(1), 0, 1.0)).await;
    let erased = send(&f, &device, batch(Some(2), 1, 1.0)).await;
    let later = send(&f, &device, batch(Some(3), 3_600, 1.0)).await;
    let theirs = send(&f, &other, batch(Some(1), 0, 1.0)).await;
    for (entry, reason) in [
        (
            later,
            "belongs to the window of 2026-11-20T04, not of 2026-11-20T03",
        ),
        (theirs, "is no sensor batch of"),
        (Index(0), "is no sensor batch of"),
    ] {
        let refused = draft(&f.commands, window(device.device, &[mine, entry], None)).await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains(reason), "{refused}");
    }
    sqlx::query("DELETE FROM sealrock.batch_payloads WHERE index = $1")
        .bind(erased.0.cast_signed())
        .execute(&f.database.admin_pool)
        .await
        .unwrap();
    let nothing = draft(&f.commands, window(device.device, &[erased], None))
        .await
        .unwrap();
    assert!(nothing.is_none());
    let at = seal(&f, window(device.device, &[mine, erased], None)).await;
    let seal = sealed(&f.entries().await[usize::try_from(at.0).unwrap()]);
    assert_eq!(seal.indexes().collect::<Vec<_>>(), [mine.0]);
}

#[tokio::test]
async fn a_batch_that_is_erased_while_it_is_sealed_is_in_no_seal() {
    let (f, device) = fixture::with_a_device().await;
    let first = send(&f, &device, batch(Some(1), 0, 412.7)).await;
    let second = send(&f, &device, batch(Some(2), 5, 412.8)).await;
    let both = || window(device.device, &[first, second], None);
    let drafted = draft(&f.commands, both()).await.unwrap().unwrap();
    let payloads = [(second, second).into()];
    f.commands
        .apply_retention(&admin(), &slug("northsea"), Utc::now(), &payloads)
        .await
        .unwrap();
    let late = f
        .commands
        .seal_window(&sealer(), drafted, GapsToSeal::default())
        .await;
    assert!(matches!(late, Err(CommandError::Conflict)), "{late:?}");
    // Its row is still there: no read model has folded the erasure.
    let again = draft(&f.commands, both()).await;
    assert!(matches!(again, Err(CommandError::Conflict)), "{again:?}");
    let at = seal(&f, window(device.device, &[first], None)).await;
    let entries = f.entries().await;
    assert_eq!(sealed(&entries[usize::try_from(at.0).unwrap()]).batches, 1);
}

#[tokio::test]
async fn a_seal_that_is_not_the_windows_newest_cannot_be_superseded() {
    let (f, device) = fixture::with_a_device().await;
    let first = send(&f, &device, batch(Some(1), 0, 1.0)).await;
    let at = seal(&f, window(device.device, &[first], None)).await;
    let late = send(&f, &device, batch(Some(2), 1, 1.0)).await;
    for supersedes in [(first, 1), (at, 2)] {
        let refused = draft(
            &f.commands,
            window(device.device, &[late], Some(supersedes)),
        )
        .await;
        assert!(
            matches!(refused, Err(CommandError::Fatal(_))),
            "{refused:?}"
        );
    }
    let twice = draft(&f.commands, window(device.device, &[first], Some((at, 1)))).await;
    assert!(matches!(twice, Err(CommandError::Invalid(_))), "{twice:?}");
}

#[tokio::test]
async fn only_the_platform_seals() {
    let (f, device) = fixture::with_a_device().await;
    let entry = send(&f, &device, batch(Some(1), 0, 1.0)).await;
    let window = window(device.device, &[entry], None);
    let refused = f
        .commands
        .draft_seal(&admin(), &slug("northsea"), window)
        .await;
    assert!(
        matches!(refused, Err(CommandError::Denied(_))),
        "{refused:?}"
    );
}

/// Appends as many batches as one seal may add, each followed by another entry, so that no two
/// indexes are neighbours.
async fn append_very_many(f: &Fixture, device: DeviceId) -> Vec<Index> {
    let ledger = f.ledger().await;
    let event = |stream: String, kind: &str, bytes: Vec<u8>, retention| NewEvent {
        stream,
        expected: Expected::Any,
        kind: kind.to_owned(),
        schema: 1,
        media: "application/json".to_owned(),
        bytes,
        retention,
    };
    let mut batches = Vec::new();
    for thousand in 0..u64::from(MAX_SEALED / 1_000) {
        let numbers = thousand * 1_000..(thousand + 1) * 1_000;
        let events = numbers.flat_map(|n| {
            let bytes = batch(Some(n), 1, 0.1);
            let stream = device.telemetry_stream();
            [
                event(stream, SENSOR_BATCH_RECORDED, bytes, Retention::Batch),
                event("x/1".into(), "X", b"{}".to_vec(), Retention::Kept),
            ]
        });
        let append = Append {
            actor: "service/test".into(),
            command: Uuid::new_v4(),
            input_hash: [0; 32],
            cause: String::new(),
            via: "test".into(),
            received_at: Utc::now(),
            unchanged: None,
            events: events.collect(),
        };
        let receipt = f.store.append(ledger.id, append).await.unwrap().receipt;
        batches.extend((receipt.first.0..=receipt.last.0).step_by(2).map(Index));
    }
    batches
}

#[tokio::test]
async fn an_hour_of_a_hundred_thousand_batches_is_sealed_by_one_entry_and_superseded() {
    let (f, device) = fixture::with_a_device().await;
    let entries = append_very_many(&f, device.device).await;
    let at = seal(&f, window(device.device, &entries, None)).await;
    let late = send(&f, &device, batch(None, 1, 0.1)).await;
    let again = seal(&f, window(device.device, &[late], Some((at, 1)))).await;
    let id = f.ledger().await.id;
    let recorded = f.store.read(id, again, 1).await.unwrap().remove(0);
    let seal = sealed(&recorded);
    assert_eq!(seal.batches, u64::from(MAX_SEALED) + 1);
    assert_eq!(seal.entries.len(), entries.len() + 1);
    assert_eq!(
        seal.metrics[&"co2_ppm".parse().unwrap()].sum.as_str(),
        "10000.1"
    );
    assert!(recorded.payload.unwrap().bytes.len() < 3 << 20);
    assert!(recorded.entry_bytes.len() < 2_000);
}
