//! Batches, late batches and several sealers in any order, on a real Postgres.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::TimeDelta;
use proptest::prelude::*;
use proptest::test_runner::{Config as Cases, TestCaseError, TestRunner};
use sealrock_domain::telemetry::window::{
    GapDetected, Root, Seal, WindowEvent, WindowSealed, window_of, window_stream,
};
use sealrock_domain::telemetry::{SENSOR_BATCH_RECORDED, SensorBatch, decode};
use sealrock_domain::{DeviceId, EventType};
use sealrock_eventstore::{Append, Expected, KeyFiles, LedgerKind, NewEvent, Recorded, Retention};
use sealrock_ledger::Frontier;
use sealrock_projections::Runner;
use sealrock_testkit::TestDatabase;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::*;

const DAYS: i64 = 2;

/// What happens next.
#[derive(Debug, Clone)]
enum Step {
    /// Device, boot, seq and hour; `None` for a batch that is not counted.
    Batch(u8, Option<(u8, u64)>, i64),
    /// A sealer, of two in processes of their own, seals.
    Seal(bool),
    /// Both at once.
    Both,
}

/// A process that folds and seals.
struct Process {
    sealer: Sealer,
    ledger: LedgerInfo,
    stop: CancellationToken,
    runner: Runner,
    task: JoinHandle<()>,
}

struct World {
    store: EventStore,
    ledger: LedgerInfo,
    processes: [Process; 2],
    database: TestDatabase,
    _keys: TempDir,
}

impl Process {
    async fn start(database: &TestDatabase, keys: &TempDir) -> Self {
        let store = open(database, keys).await;
        let ledger = store
            .create_ledger(&"northsea".parse().unwrap(), LedgerKind::Operational, true)
            .await
            .unwrap();
        let runner = Runner::new(store.clone(), sealrock_projections::all());
        runner.prepare().await.unwrap();
        let stop = CancellationToken::new();
        let task = tokio::spawn({
            let (runner, stop) = (runner.clone(), stop.clone());
            async move { runner.run(stop).await }
        });
        let commands = Commands::new(store.clone(), true);
        Self {
            sealer: Sealer::new(store, commands, runner.positions().clone(), process),
            ledger,
            stop,
            runner,
            task,
        }
    }

    /// Seals everything, also hours that are not over.
    async fn seal(&self) -> Tally {
        let by = Utc::now() + TimeDelta::hours(1);
        let tally = self.sealer.seal_due(&self.ledger, by, u64::MAX, &self.stop);
        tally.await.unwrap()
    }
}

impl World {
    async fn new() -> Self {
        let database = sealrock_testkit::database().await;
        let keys = tempfile::tempdir().unwrap();
        let store = open(&database, &keys).await;
        let processes = [
            Process::start(&database, &keys).await,
            Process::start(&database, &keys).await,
        ];
        Self {
            ledger: processes[0].ledger.clone(),
            store,
            processes,
            database,
            _keys: keys,
        }
    }

    async fn take(&self, step: &Step) {
        let [here, there] = &self.processes;
        match step {
            Step::Batch(device, counted, hour) => self.send(*device, *counted, *hour).await,
            Step::Seal(first) => {
                let tally = if *first { here } else { there }.seal().await;
                assert_eq!(tally.failed, []);
            }
            Step::Both => {
                let (here, there) = tokio::join!(here.seal(), there.seal());
                assert_eq!((here.failed, there.failed), (vec![], vec![]));
            }
        }
    }

    async fn send(&self, device: u8, counted: Option<(u8, u64)>, hour: i64) {
        let at = (Utc::now() - TimeDelta::days(DAYS) + TimeDelta::hours(hour)).to_rfc3339();
        let head = counted.map_or_else(String::new, |(boot, seq)| {
            let boot = ["", r#""boot":"b","#][usize::from(boot)];
            format!(r#"{boot}"seq":{seq},"#)
        });
        let value = f64::from(device) + 0.1;
        let bytes =
            format!(r#"{{{head}"readings":[{{"metric":"flow","at":"{at}","value":{value}}}]}}"#);
        let event = NewEvent {
            stream: id(device).telemetry_stream(),
            expected: Expected::Any,
            kind: SENSOR_BATCH_RECORDED.to_owned(),
            schema: 1,
            media: "application/json".to_owned(),
            bytes: bytes.into_bytes(),
            retention: Retention::Batch,
        };
        let append = Append {
            actor: id(device).actor(),
            command: Uuid::new_v4(),
            input_hash: [0; 32],
            cause: String::new(),
            via: "test".to_owned(),
            received_at: Utc::now(),
            unchanged: None,
            events: vec![event],
        };
        self.store.append(self.ledger.id, append).await.unwrap();
    }

    async fn entries(&self) -> Vec<Recorded> {
        self.store
            .read(self.ledger.id, Index(0), 100_000)
            .await
            .unwrap()
    }

    async fn content(&self) -> Vec<Vec<String>> {
        let mut tables = Vec::new();
        for table in ["device_hour", "unsealed", "gap_stream", "boot", "gap"] {
            let sql = format!("SELECT t::text FROM rm_windows.{table} t ORDER BY 1");
            let rows = sqlx::query_scalar(&sql)
                .fetch_all(&self.database.admin_pool)
                .await;
            tables.push(rows.unwrap());
        }
        tables
    }

    async fn stop(self) {
        for process in self.processes {
            process.stop.cancel();
            process.task.await.unwrap();
        }
    }
}

async fn open(database: &TestDatabase, keys: &TempDir) -> EventStore {
    let keys = Arc::new(KeyFiles::new(keys.path()));
    EventStore::open(database.pool.clone(), keys, "sealrock.test")
        .await
        .unwrap()
}

fn id(device: u8) -> DeviceId {
    DeviceId(Uuid::from_u128(u128::from(device) + 1))
}

/// The ledger read by somebody who knows the rules and none of our code that applies them.
#[derive(Default)]
struct Reader {
    batches: BTreeMap<u64, (DeviceId, Recorded, SensorBatch)>,
    seals: BTreeMap<String, (u64, WindowSealed)>,
    seen: BTreeSet<(DeviceId, String, u64)>,
    named: BTreeSet<(DeviceId, String, u64)>,
    first: BTreeMap<(DeviceId, String), u64>,
}

impl Reader {
    fn read(&mut self, recorded: &Recorded) -> Result<(), TestCaseError> {
        let (entry, bytes) = (&recorded.entry, &recorded.payload.as_ref().unwrap().bytes);
        if entry.kind == SENSOR_BATCH_RECORDED {
            let device: DeviceId = entry
                .stream
                .trim_start_matches("telemetry/")
                .parse()
                .unwrap();
            let batch = decode(bytes).unwrap();
            if let Some(seq) = batch.seq {
                self.seen
                    .insert((device, batch.boot.clone().unwrap_or_default(), seq));
            }
            self.batches
                .insert(entry.index.0, (device, recorded.clone(), batch));
            return Ok(());
        }
        match WindowEvent::decode(&entry.kind, entry.schema, bytes).unwrap() {
            WindowEvent::GapDetected(gap) => self.gap(&gap),
            WindowEvent::WindowSealed(seal) => self.seal(entry.index.0, &entry.stream, seal),
        }
    }

    fn gap(&mut self, gap: &GapDetected) -> Result<(), TestCaseError> {
        for seq in gap.from_seq..=gap.to_seq {
            let new = self.named.insert((gap.device, gap.boot.clone(), seq));
            prop_assert!(new, "{seq} is named twice");
        }
        Ok(())
    }

    fn seal(&mut self, at: u64, stream: &str, seal: WindowSealed) -> Result<(), TestCaseError> {
        prop_assert_eq!(stream, window_stream(seal.device, seal.hour));
        let before = self.seals.get(stream);
        prop_assert_eq!(seal.supersedes, before.map(|(index, _)| *index));
        if let Some((_, before)) = before {
            prop_assert!(before.indexes().all(|index| seal.holds(index)));
            prop_assert!(seal.batches > before.batches);
        }
        let (mut again, mut tree) = (Seal::new(seal.device, seal.hour), Frontier::default());
        for index in seal.indexes() {
            let (device, recorded, batch) = &self.batches[&index];
            prop_assert_eq!(*device, seal.device);
            again.add(index, recorded.entry.received_at, batch).unwrap();
            tree.push(recorded.leaf_hash);
        }
        let again = again.finish(Root(tree.root().0), seal.gaps.clone());
        let supersedes = seal.supersedes;
        prop_assert_eq!(
            &WindowSealed {
                supersedes,
                ..again
            },
            &seal
        );
        self.complete(&seal)?;
        self.seals.insert(stream.to_owned(), (at, seal));
        Ok(())
    }

    /// Each seq between the lowest that seals name and this seal's last came or is named by now.
    fn complete(&mut self, seal: &WindowSealed) -> Result<(), TestCaseError> {
        for boot in &seal.boots {
            let key = (seal.device, boot.boot.clone());
            let first = self.first.entry(key).or_insert(boot.first_seq);
            *first = boot.first_seq.min(*first);
            for seq in *first..=boot.last_seq {
                let seq = (seal.device, boot.boot.clone(), seq);
                prop_assert!(
                    self.seen.contains(&seq) || self.named.contains(&seq),
                    "{seq:?}"
                );
            }
        }
        Ok(())
    }

    fn finish(&self) -> Result<(), TestCaseError> {
        for (index, (device, recorded, batch)) in &self.batches {
            let hour = window_of(batch, recorded.entry.received_at);
            let holding = self
                .seals
                .iter()
                .filter(|(_, (_, seal))| seal.holds(*index));
            let holding: Vec<&String> = holding.map(|(stream, _)| stream).collect();
            prop_assert_eq!(holding, [&window_stream(*device, hour)]);
        }
        Ok(())
    }
}

async fn check(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let world = World::new().await;
    for step in steps.iter().chain([&Step::Both]) {
        world.take(step).await;
    }
    let entries = world.entries().await;
    let mut reader = Reader::default();
    for recorded in &entries {
        reader.read(recorded)?;
    }
    reader.finish()?;
    prop_assert_eq!(world.processes[1].seal().await.sealed, 0);
    let live = world.content().await;
    let (runner, token) = (&world.processes[0].runner, CancellationToken::new());
    runner.rebuild(NAME, &token).await.unwrap();
    prop_assert_eq!(world.content().await, live);
    world.stop().await;
    Ok(())
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let counted = prop::option::weighted(0.9, (0u8..2, 0u64..40));
    let batch = (0u8..2, counted, 0i64..4)
        .prop_map(|(device, counted, hour)| Step::Batch(device, counted, hour));
    let step = prop_oneof![
        12 => batch,
        1 => any::<bool>().prop_map(Step::Seal),
        1 => Just(Step::Both),
    ];
    prop::collection::vec(step, 1..60).prop_map(each_seq_once)
}

/// A (device, boot, seq) is recorded once, as the command ids of batches see to.
fn each_seq_once(mut steps: Vec<Step>) -> Vec<Step> {
    let mut seen = BTreeSet::new();
    steps.retain(|step| match step {
        Step::Batch(device, Some(counted), _) => seen.insert((*device, *counted)),
        _ => true,
    });
    steps
}

#[test]
fn in_any_order_each_batch_is_in_one_live_seal_and_no_seq_is_missing_unnamed() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut runner = TestRunner::new(Cases {
        cases: 8,
        failure_persistence: None,
        max_shrink_iters: 30,
        ..Cases::default()
    });
    let found = runner.run(&steps(), |steps| runtime.block_on(check(steps)));
    found.unwrap_or_else(|error| panic!("{error}"));
}

#[tokio::test]
async fn a_turn_ends_at_its_bound_and_one_that_cannot_be_sealed_keeps_none_waiting() {
    let world = World::new().await;
    for hour in 0..3i64 {
        world.send(0, Some((0, hour.unsigned_abs())), hour).await;
        world.send(1, None, hour).await;
    }
    let process = &world.processes[0];
    process.sealer.catch_up(&process.ledger).await.unwrap();
    let lost = sqlx::query("DELETE FROM sealrock.batch_payloads WHERE index = 0");
    lost.execute(&world.database.admin_pool).await.unwrap();
    let some = process
        .sealer
        .seal_due(&process.ledger, Utc::now(), 2, &process.stop)
        .await;
    let some = some.unwrap();
    assert_eq!((some.sealed, some.more), (2, true));
    let all = process
        .sealer
        .seal_due(&process.ledger, Utc::now(), 100, &process.stop)
        .await;
    let all = all.unwrap();
    assert_eq!((all.sealed, all.more), (3, false));
    assert_eq!(all.failed.len(), 1, "{:?}", all.failed);
    assert!(
        all.failed[0].1.contains("sealrock fsck"),
        "{:?}",
        all.failed
    );
    world.stop().await;
}
