use std::sync::Arc;

use chrono::TimeDelta;
use sealrock_domain::telemetry::decode;
use sealrock_domain::telemetry::window::{
    Gap, GapDetected, Root, Seal, WindowEvent, WindowSealed, gap_stream, window_stream,
};
use sealrock_domain::{DeviceId, EventType};
use sealrock_ledger::Index;
use sealrock_ledger::record::{IndexRange, PayloadRedacted};
use sealrock_projections::device_status::DeviceStatusProjection;
use sealrock_projections::windows::{DueWindow, SealAt, WindowsProjection};
use sealrock_projections::{Projection, Runner};
use tokio_util::sync::CancellationToken;

use crate::plant::{Plant, Running, at, batch, reading};

fn models() -> Vec<Arc<dyn Projection>> {
    vec![
        Arc::new(WindowsProjection),
        Arc::new(DeviceStatusProjection),
    ]
}

async fn started() -> (Plant, Running, DeviceId) {
    let plant = Plant::on_database().await;
    let device = plant.register("meter-7").await;
    let running = plant.run(models());
    (plant, running, device)
}

/// Appends a batch with one reading at `second` after 03:00; all are received at 04:00.
async fn send(plant: &Plant, device: DeviceId, boot: &str, seq: u64, second: i64) -> Index {
    let head = format!(r#""boot":"{boot}","seq":{seq},"#);
    let one = [reading("co2_ppm", at(second), 1.0)];
    plant.batch(device, batch(&head, &one)).await
}

/// What is due when all hours of these tests are over.
async fn due(plant: &Plant) -> Vec<DueWindow> {
    let by = at(365 * 86_400);
    plant
        .read
        .due_windows(plant.ledger.id, by, &[], 100)
        .await
        .unwrap()
}

/// Seals the first `limit` batches that wait in a window, as the command does: gaps first.
async fn seal(plant: &Plant, window: DueWindow, limit: u32) -> Index {
    let unsealed = plant.read.unsealed(window, limit).await.unwrap();
    let mut seal = match unsealed.seal {
        Some(before) => Seal::superseding(before.index.0, sealed(plant, before.index).await),
        None => Seal::new(window.device, window.hour),
    };
    for index in &unsealed.entries {
        let recorded = plant
            .store
            .read(plant.ledger.id, *index, 1)
            .await
            .unwrap()
            .remove(0);
        let content = decode(&recorded.payload.unwrap().bytes).unwrap();
        seal.add(index.0, recorded.entry.received_at, &content)
            .unwrap();
    }
    let boots: Vec<_> = seal.boots().cloned().collect();
    let gaps = plant
        .read
        .gaps_below(window.device, &boots, 1_000)
        .await
        .unwrap();
    for gap in gaps.unnamed {
        name(plant, window.device, gap).await;
    }
    let event = WindowEvent::from(seal.finish(Root([7; 32]), gaps.listed));
    let stream = window_stream(window.device, window.hour);
    plant.event(&stream, &event).await
}

async fn name(plant: &Plant, device: DeviceId, gap: Gap) -> Index {
    let event = WindowEvent::from(GapDetected {
        boot: gap.boot,
        device,
        from_seq: gap.from_seq,
        to_seq: gap.to_seq,
    });
    plant.event(&gap_stream(device), &event).await
}

async fn sealed(plant: &Plant, index: Index) -> WindowSealed {
    let recorded = plant
        .store
        .read(plant.ledger.id, index, 1)
        .await
        .unwrap()
        .remove(0);
    let bytes = recorded.payload.unwrap().bytes;
    match WindowEvent::decode(&recorded.entry.kind, 1, &bytes).unwrap() {
        WindowEvent::WindowSealed(seal) => seal,
        other @ WindowEvent::GapDetected(_) => panic!("{other:?}"),
    }
}

/// Seals the oldest hour of `device` that waits.
pub async fn seal_oldest(plant: &Plant, device: DeviceId) -> Index {
    let due = due(plant).await;
    let window = due.into_iter().find(|due| due.device == device).unwrap();
    seal(plant, window, 1_000).await
}

fn gap(boot: &str, from_seq: u64, to_seq: u64) -> Gap {
    Gap {
        boot: boot.to_owned(),
        from_seq,
        to_seq,
    }
}

#[tokio::test]
async fn a_batch_waits_in_its_hour_until_a_seal_holds_it_and_a_late_one_waits_for_the_next() {
    let (plant, running, device) = started().await;
    let two = send(&plant, device, "a", 1, -1).await;
    let three = [
        send(&plant, device, "a", 2, 0).await,
        send(&plant, device, "a", 3, 3_599).await,
    ];
    let other = plant.register("meter-8").await;
    running
        .reach(&plant, send(&plant, other, "a", 1, 0).await)
        .await;
    let hours: Vec<_> = due(&plant).await;
    let shown: Vec<_> = hours
        .iter()
        .map(|due| (due.device, due.hour.to_string()))
        .collect();
    // One hour of each device, the oldest.
    assert_eq!(
        shown,
        [
            (device, "2026-11-21T02".into()),
            (other, "2026-11-21T03".into())
        ]
    );
    let unsealed = plant.read.unsealed(hours[0], 10).await.unwrap();
    assert_eq!((unsealed.entries, unsealed.seal), (vec![two], None));
    let by = at(365 * 86_400);
    let except = [hours[0]];
    let others = plant.read.due_windows(plant.ledger.id, by, &except, 100);
    let next = DueWindow {
        hour: hours[1].hour,
        ..hours[0]
    };
    let others = others.await.unwrap();
    assert!(others.len() == 2 && others.contains(&next), "{others:?}");

    let first = seal(&plant, hours[0], 10).await;
    running.reach(&plant, first).await;
    let hour = DueWindow {
        hour: hours[1].hour,
        ..hours[0]
    };
    assert!(due(&plant).await.contains(&hour));
    // Only as many as are asked for: the other one waits on.
    let half = seal(&plant, hour, 1).await;
    running.reach(&plant, half).await;
    let unsealed = plant.read.unsealed(hour, 10).await.unwrap();
    let before = SealAt {
        index: half,
        version: 1,
    };
    assert_eq!(
        (unsealed.entries, unsealed.seal),
        (vec![three[1]], Some(before))
    );
    let whole = seal(&plant, hour, 10).await;
    let late = send(&plant, device, "a", 4, 1_800).await;
    running.reach(&plant, late).await;
    let unsealed = plant.read.unsealed(hour, 10).await.unwrap();
    let before = SealAt {
        index: whole,
        version: 2,
    };
    assert_eq!(
        (unsealed.entries, unsealed.seal),
        (vec![late], Some(before))
    );
    let superseding = sealed(&plant, seal(&plant, hour, 10).await).await;
    assert_eq!(
        superseding.indexes().collect::<Vec<_>>(),
        [three[0].0, three[1].0, late.0]
    );

    let windows = plant.read.windows(device, None, 10).await.unwrap();
    assert_eq!(
        windows.iter().map(|w| w.hour).collect::<Vec<_>>(),
        [hour.hour, hours[0].hour]
    );
    assert_eq!(
        windows[1]
            .seal
            .as_ref()
            .map(|seal| (seal.at.index, seal.batches)),
        Some((first, 1))
    );
    let older = plant
        .read
        .windows(device, Some(hour.hour), 10)
        .await
        .unwrap();
    assert_eq!(older, windows[1..]);
    running.stop().await;
}

#[tokio::test]
async fn a_window_is_due_when_its_hour_is_over_and_its_first_batch_has_waited() {
    let (plant, running, device) = started().await;
    running
        .reach(&plant, send(&plant, device, "a", 1, -10 * 3_600).await)
        .await;
    let early = send(&plant, device, "a", 2, 3_599).await;
    running.reach(&plant, early).await;
    let hours = async |seconds| {
        let due = plant
            .read
            .due_windows(plant.ledger.id, at(seconds), &[], 10)
            .await;
        due.unwrap()
            .into_iter()
            .map(|due| due.hour.to_string())
            .collect::<Vec<_>>()
    };
    // The batch of 17:00 the day before came at 04:00, and waits since then.
    assert!(hours(3_599).await.is_empty());
    assert_eq!(hours(3_600).await, ["2026-11-20T17"]);
    let oldest = seal_oldest(&plant, device).await;
    running.reach(&plant, oldest).await;
    assert!(hours(3_599).await.is_empty());
    assert_eq!(hours(3_600).await, ["2026-11-21T03"]);
    running.stop().await;
}

#[tokio::test]
async fn gaps_in_and_below_a_window_are_listed_and_each_is_to_be_named_once() {
    let (plant, running, device) = started().await;
    for (seq, second) in [(1, -10), (5, -5), (9, 0), (12, 1), (20, 3_599)] {
        send(&plant, device, "a", seq, second).await;
    }
    running
        .reach(&plant, send(&plant, device, "b", 7, 30).await)
        .await;
    let hour = due(&plant).await[0];
    let first = sealed(&plant, seal(&plant, hour, 10).await).await;
    assert_eq!(first.gaps, [gap("a", 2, 4)]);
    let named = name(&plant, device, gap("a", 6, 8)).await;
    running.reach(&plant, named).await;

    // 3 fills a gap that is named, 10 one that is not.
    send(&plant, device, "a", 3, -7).await;
    let filled = send(&plant, device, "a", 10, 5).await;
    running.reach(&plant, filled).await;
    let second = due(&plant).await;
    assert_eq!(second[0].hour, hour.hour, "3 came late");
    let late = sealed(&plant, seal(&plant, second[0], 10).await).await;
    assert_eq!(late.gaps, [gap("a", 2, 2), gap("a", 4, 4)]);
    running
        .reach(&plant, plant.append("x/1", "X", b"{}".to_vec()).await)
        .await;

    let third = due(&plant).await[0];
    let boots = [("a", 9, 20), ("b", 7, 7)].map(|(boot, first_seq, last_seq)| {
        sealrock_domain::telemetry::window::SealedBoot {
            batches: 1,
            boot: boot.to_owned(),
            first_seq,
            last_seq,
        }
    });
    let gaps = plant.read.gaps_below(device, &boots, 1_000).await.unwrap();
    assert_eq!(
        gaps.listed,
        [gap("a", 6, 8), gap("a", 11, 11), gap("a", 13, 19)]
    );
    assert_eq!(gaps.unnamed, [gap("a", 11, 11), gap("a", 13, 19)]);
    assert_eq!(gaps.version, 2);
    let bounded = plant.read.gaps_below(device, &boots, 1).await.unwrap();
    assert_eq!(bounded.unnamed, [gap("a", 11, 11)]);
    let last = seal(&plant, third, 10).await;
    running.reach(&plant, last).await;
    assert!(
        plant
            .read
            .gaps_below(device, &boots, 9)
            .await
            .unwrap()
            .unnamed
            .is_empty()
    );

    let shown = plant.read.gaps(device, false, 20).await.unwrap();
    let mut shown: Vec<_> = shown
        .iter()
        .map(|gap| {
            (
                gap.from_seq,
                gap.to_seq,
                gap.filled.is_some(),
                gap.named.is_some(),
            )
        })
        .collect();
    shown.sort_unstable();
    let expected = [
        (2, 2, false, true),
        (3, 3, true, true),
        (4, 4, false, true),
        (6, 8, false, true),
        (10, 10, true, false),
        (11, 11, false, true),
        (13, 19, false, true),
    ];
    assert_eq!(shown, expected);
    running.stop().await;
}

#[tokio::test]
async fn erased_batches_wait_no_more_and_a_rebuild_learns_their_seqs_from_the_seals() {
    let database = sealrock_testkit::database().await;
    let plant = Plant::new(database.pool.clone()).await;
    let device = plant.register("meter-7").await;
    let running = plant.run(models());
    let mut entries = Vec::new();
    for (seq, second) in [(1, 0), (2, 1), (3, 2), (7, 3), (8, 4)] {
        entries.push(send(&plant, device, "a", seq, second).await);
    }
    running.reach(&plant, entries[4]).await;
    let hour = due(&plant).await[0];
    let sealed_at = seal(&plant, hour, 10).await;
    let unheld = send(&plant, device, "b", 1, -7_200).await;
    let redacted = PayloadRedacted {
        payloads: [entries[1], entries[2], unheld]
            .map(|index| IndexRange::from((index, index)))
            .to_vec(),
        reason: "a test".into(),
    };
    for payload in &redacted.payloads {
        sqlx::query("DELETE FROM sealrock.batch_payloads WHERE index = $1")
            .bind(payload.first.0.cast_signed())
            .execute(&database.admin_pool)
            .await
            .unwrap();
    }
    let bytes = serde_json::to_vec(&redacted).unwrap();
    let last = plant
        .append("ledger/northsea", "PayloadRedacted", bytes)
        .await;
    running.reach(&plant, last).await;
    assert_eq!(due(&plant).await, []);
    let content = async |table: &str| plant.content(&format!("rm_windows.{table}")).await;
    let hours = content("device_hour").await;
    assert_eq!(hours.len(), 1);
    assert!(
        hours[0].contains(&format!(",{},", sealed_at.0)),
        "{hours:?}"
    );

    running.stop().await;
    let other = Runner::new(plant.store.clone(), models());
    for name in other.names() {
        other
            .rebuild(name, &CancellationToken::new())
            .await
            .unwrap();
    }
    assert_eq!(content("device_hour").await, hours);
    assert!(content("unsealed").await.is_empty());
    let open = plant.read.gaps(device, true, 10).await.unwrap();
    let open: Vec<_> = open.iter().map(|gap| (gap.from_seq, gap.to_seq)).collect();
    assert_eq!(open, [(4, 6)], "2 and 3 came, as the seal shows");
}

#[tokio::test]
async fn hours_of_all_years_are_kept() {
    let (plant, running, device) = started().await;
    for time in [
        "0000-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "9999-12-31T23:59:59Z",
    ] {
        let json = format!(r#"{{"readings":[{{"metric":"co2_ppm","at":"{time}","value":1}}]}}"#);
        let last = plant.batch(device, json.into_bytes()).await;
        running.reach(&plant, last).await;
    }
    let windows = plant.read.windows(device, None, 10).await.unwrap();
    let hours: Vec<_> = windows
        .iter()
        .map(|window| window.hour.to_string())
        .collect();
    // The last one is received at 04:00 sharp.
    assert_eq!(hours, ["2026-11-21T04", "1969-12-31T23", "0000-01-01T00"]);
    assert_eq!(windows[0].hour.start() - at(0), TimeDelta::hours(1));
    running.stop().await;
}
