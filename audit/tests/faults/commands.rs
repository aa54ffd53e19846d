//! What is appended while something breaks.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sealrock_eventstore::{
    Append, AppendError, EventStore, Expected, KeyFiles, LedgerInfo, LedgerKind, NewEvent,
    Retention,
};
use sealrock_ledger::Index;
use sqlx::PgPool;
use tempfile::TempDir;
use uuid::Uuid;

/// Entries before: the commands fill the first tile.
const PREFILLED: usize = 254;
/// Commands under test.
pub const COMMANDS: usize = 3;
/// Their entries together.
const ENTRIES: usize = 5;

const _: () = assert!(PREFILLED < 256 && PREFILLED + ENTRIES > 256);

const HOST: &str = "sealrock.test";

/// A ledger for one row of the table.
pub struct Ledger {
    store: EventStore,
    info: LedgerInfo,
    keys: TempDir,
}

impl Ledger {
    /// A prefilled ledger of that name, made past the proxy.
    pub async fn new(pool: &PgPool, case: &str) -> Self {
        let keys = tempfile::tempdir().unwrap();
        let files = Arc::new(KeyFiles::new(keys.path()));
        let store = EventStore::open(pool.clone(), files, HOST).await.unwrap();
        let name = case.to_lowercase().parse().unwrap();
        let info = store
            .create_ledger(&name, LedgerKind::Operational, false)
            .await
            .unwrap();
        let events = (0..PREFILLED).map(|_| event("thing/0", Retention::Kept));
        let append = append(Uuid::now_v7(), events.collect());
        store.append(info.id, append).await.unwrap();
        Self { store, info, keys }
    }

    pub fn keys(&self) -> &Path {
        self.keys.path()
    }

    pub fn name(&self) -> String {
        self.info.name.to_string()
    }

    /// Records the commands by way of `url`, each as often as it takes; answers number and index.
    pub async fn record_by(&self, url: &str) -> Vec<(usize, u64)> {
        record(url, self.keys(), &self.name(), |_, _| {}).await
    }

    /// Each command stands where each of its acknowledgements said, once, and the ledger is whole.
    pub async fn assert_recorded_once(&self, acknowledged: &[(usize, u64)]) {
        let mut places = BTreeMap::new();
        for (command, index) in acknowledged {
            let place = *places.entry(*command).or_insert(*index);
            assert_eq!(place, *index, "command {command} was acknowledged twice");
        }
        assert_eq!(places.len(), COMMANDS);
        let size = self.store.size(self.info.id).await.unwrap();
        assert_eq!(size, (PREFILLED + ENTRIES) as u64);
        for (number, place) in places {
            let recorded = self
                .store
                .read(self.info.id, Index(place), 1)
                .await
                .unwrap();
            assert_eq!(recorded[0].entry.command, command_id(number).to_string());
        }
        let report = sealrock_audit::fsck(
            &self.store,
            &self.info,
            sealrock_audit::Pace::Full,
            &mut |_| {},
        )
        .await;
        let findings = report.unwrap().findings;
        assert!(findings.is_empty(), "{findings:#?}");
    }
}

/// Records the commands and prints each acknowledgement as soon as it is there.
pub async fn record_and_print(url: &str, keys: &Path, ledger: &str) {
    record(url, keys, ledger, |command, index| {
        println!("acknowledged {command} {index}");
    })
    .await;
}

/// Reads a line of [`record_and_print`].
pub fn read_acknowledgement(line: &str) -> Option<(usize, u64)> {
    // The test harness may have begun the line.
    let (_, numbers) = line.split_once("acknowledged ")?;
    let (command, index) = numbers.split_once(' ')?;
    Some((command.parse().ok()?, index.parse().ok()?))
}

async fn record(
    url: &str,
    keys: &Path,
    ledger: &str,
    acknowledged: impl Fn(usize, u64),
) -> Vec<(usize, u64)> {
    let pool = sealrock_eventstore::connect(url, 4).await.unwrap();
    let files = Arc::new(KeyFiles::new(keys));
    let store = EventStore::open(pool, files, HOST).await.unwrap();
    let info = store.existing(&ledger.parse().unwrap()).await.unwrap();
    let one = async |number| {
        let index = append_until_acknowledged(&store, &info, number).await;
        acknowledged(number, index);
        (number, index)
    };
    // The first has every kind of row and fills a tile; the others share commits as it comes.
    let first = one(0).await;
    let (second, third) = tokio::join!(one(1), one(2));
    store.close().await;
    store.pool().close().await;
    vec![first, second, third]
}

async fn append_until_acknowledged(store: &EventStore, info: &LedgerInfo, number: usize) -> u64 {
    for _ in 0..100 {
        match store.append(info.id, command(number)).await {
            Ok(appended) => return appended.receipt.first.0,
            Err(AppendError::Unavailable(_) | AppendError::OutcomeUnknown(_)) => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(error) => panic!("command {number}: {error}"),
        }
    }
    panic!("command {number} was never acknowledged");
}

fn command(number: usize) -> Append {
    let (kept, batch) = (Retention::Kept, Retention::Batch);
    let events = match number {
        0 => vec![
            event("thing/1", kept),
            event("telemetry/1", batch),
            event("thing/1", kept),
        ],
        1 => vec![event("telemetry/1", batch)],
        _ => vec![event("thing/2", kept)],
    };
    append(command_id(number), events)
}

fn command_id(number: usize) -> Uuid {
    Uuid::from_u128(number as u128 + 1)
}

fn append(command: Uuid, events: Vec<NewEvent>) -> Append {
    Append {
        actor: "service/test".into(),
        command,
        input_hash: [0; 32],
        cause: String::new(),
        via: "process:test".into(),
        received_at: chrono::Utc::now(),
        unchanged: None,
        events,
    }
}

fn event(stream: &str, retention: Retention) -> NewEvent {
    NewEvent {
        stream: stream.into(),
        expected: Expected::Any,
        kind: "ThingHappened".into(),
        schema: 1,
        media: "application/json".into(),
        bytes: b"{}".to_vec(),
        retention,
    }
}
