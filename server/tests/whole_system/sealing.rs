//! Hours are sealed by a server and by the command beside it, whatever dies in between.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use sealrock_domain::EventType;
use sealrock_domain::telemetry::window::{GapDetected, WindowEvent, WindowSealed};
use sealrock_ledger::{Entry, TilePath, decode_entries, decode_payloads};
use serde_json::{Value, json};

use crate::support::{Device, Server, data_folder};

/// What a ledger says of windows, read from an export that verifies.
#[derive(Default)]
struct Windows {
    batches: Vec<u64>,
    gaps: Vec<GapDetected>,
    /// By stream, the oldest first.
    seals: BTreeMap<String, Vec<WindowSealed>>,
}

impl Windows {
    fn of(server: &Server) -> Self {
        let export = tempfile::tempdir().unwrap();
        let directory = export.path().join("northsea");
        server.command(&["export", "northsea", directory.to_str().unwrap()]);
        server.command(&["verify", directory.to_str().unwrap()]);
        server.command(&["fsck", "northsea"]);
        let checkpoint = std::fs::read_to_string(directory.join("checkpoint")).unwrap();
        let mut windows = Self::default();
        for (n, width) in TilePath::bundles(checkpoint.lines().nth(1).unwrap().parse().unwrap()) {
            let file = |path: TilePath| std::fs::read(directory.join(path.to_string())).unwrap();
            let count = usize::try_from(width).unwrap();
            let entries = file(TilePath::Entries { n, width });
            let entries = decode_entries(&entries, count).unwrap();
            let payloads = file(TilePath::Payloads { n, width });
            let payloads = decode_payloads(&payloads, count).unwrap();
            for (entry, payload) in entries.iter().zip(payloads) {
                windows.add(
                    &Entry::read(entry).unwrap(),
                    &payload.shown().unwrap().bytes,
                );
            }
        }
        windows
    }

    fn add(&mut self, entry: &Entry, payload: &[u8]) {
        if entry.kind == "SensorBatchRecorded" {
            self.batches.push(entry.index.0);
        }
        match WindowEvent::decode(&entry.kind, entry.schema, payload) {
            Ok(WindowEvent::GapDetected(gap)) => self.gaps.push(gap),
            Ok(WindowEvent::WindowSealed(seal)) => {
                self.seals
                    .entry(entry.stream.clone())
                    .or_default()
                    .push(seal);
            }
            Err(_) => {}
        }
    }

    /// Every batch is in exactly one of the newest seals.
    fn assert_each_batch_is_in_one_live_seal(&self) {
        let live = self.seals.values().filter_map(|seals| seals.last());
        let mut held: Vec<u64> = live.flat_map(WindowSealed::indexes).collect();
        held.sort_unstable();
        assert_eq!(held, self.batches);
    }
}

async fn send(server: &Server, device: &Device, seq: u64, at: DateTime<Utc>) {
    let reading = json!({ "metric": "flow", "at": at, "value": 0.1 });
    let batch = json!({ "seq": seq, "readings": [reading] });
    let (status, answer) = server.ingest(device, batch.to_string()).await;
    assert_eq!(status, 200, "{answer}");
}

/// `sealrock seal`: how many seals it recorded; it could seal all.
fn seal(server: &Server) -> u64 {
    let printed = server.command(&["seal", "northsea", "--json"]);
    let printed: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(printed["failed"], json!([]));
    printed["sealed"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn hours_are_sealed_once_and_late_batches_supersede_whatever_dies_in_between() {
    let data = data_folder();
    let server = Server::start(data.path());
    server.register_site();
    let (meter, other) = (server.add_device("meter-7"), server.add_device("meter-8"));
    let begun = Utc::now() - TimeDelta::days(3);
    let hour = |hour| begun + TimeDelta::hours(hour);
    for (seq, at) in [(1, 0), (2, 0), (4, 0), (5, 1), (9, 1), (10, 2)] {
        send(&server, &meter, seq, hour(at)).await;
    }
    assert_eq!(seal(&server), 3);
    assert_eq!(seal(&server), 0);
    send(&server, &meter, 7, hour(0)).await;
    assert_eq!(seal(&server), 1);
    let windows = Windows::of(&server);
    windows.assert_each_batch_is_in_one_live_seal();
    let mut gaps: Vec<_> = windows
        .gaps
        .iter()
        .map(|gap| (gap.from_seq, gap.to_seq))
        .collect();
    gaps.sort_unstable();
    assert_eq!(gaps, [(3, 3), (6, 8)]);
    let first = windows
        .seals
        .values()
        .find(|seals| seals.len() == 2)
        .unwrap();
    assert_eq!((first[0].batches, first[1].batches), (3, 4));
    let listed = |seal: &WindowSealed| {
        let gaps = seal.gaps.iter().map(|gap| (gap.from_seq, gap.to_seq));
        gaps.collect::<Vec<_>>()
    };
    assert_eq!(listed(&first[0]), [(3, 3)]);
    assert_eq!(listed(&first[1]), [(3, 3), (6, 6)]);
    assert_eq!(
        first[1].metrics[&"flow".parse().unwrap()].sum.as_str(),
        "0.4"
    );

    for n in 0..60 {
        send(&server, &other, n, hour(i64::try_from(n).unwrap() % 50)).await;
    }
    server.kill();
    // This one seals as soon as it runs, and dies over it.
    let eager = [("SEALROCK_SEAL_AFTER", "0s")];
    Server::start_with(data.path(), &eager).kill();
    let server = Server::start_with(data.path(), &eager);
    // Two processes at once.
    seal(&server);
    server.command(&["projections", "rebuild", "windows"]);
    assert_eq!(seal(&server), 0);
    let windows = Windows::of(&server);
    windows.assert_each_batch_is_in_one_live_seal();
    assert_eq!(windows.seals.len(), 3 + 50);
    server.stop();
}
