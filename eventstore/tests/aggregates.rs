//! Aggregates over the store, as cqrs-es uses them, on a real Postgres.
#![expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use cqrs_es::event_sink::EventSink;
use cqrs_es::persist::PersistedEventStore;
use cqrs_es::{Aggregate, AggregateError, CqrsFramework, DomainEvent, EventStore as _};
use postgres_es::PostgresEventRepository;
use sealrock_eventstore::{
    AggregateCache, AggregateStore, AppendError, Codec, CommandContext, EventStore, KeyFiles,
    LedgerInfo, LedgerKind,
};
use sealrock_testkit::{TestDatabase, database};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use tokio::sync::Barrier;
use uuid::Uuid;

/// Counts, and refuses to go below zero.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Counter {
    total: i64,
    events: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum CounterEvent {
    Added { by: i64 },
}

#[derive(Debug, thiserror::Error)]
#[error("{total} is too little to take {taken} from")]
struct TooLittle {
    total: i64,
    taken: i64,
}

/// Holds every decision until all who share it have loaded.
#[derive(Default)]
struct Meeting(Option<Barrier>);

impl DomainEvent for CounterEvent {
    fn event_type(&self) -> String {
        "Added".to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

impl Aggregate for Counter {
    const TYPE: &'static str = "counter";
    /// Amounts to add, an event each.
    type Command = Vec<i64>;
    type Event = CounterEvent;
    type Error = TooLittle;
    type Services = Arc<Meeting>;

    async fn handle(
        &mut self,
        amounts: Vec<i64>,
        meeting: &Arc<Meeting>,
        sink: &EventSink<Self>,
    ) -> Result<(), TooLittle> {
        if let Some(barrier) = &meeting.0 {
            barrier.wait().await;
        }
        for by in amounts {
            let total = self.total;
            if total + by < 0 {
                return Err(TooLittle { total, taken: -by });
            }
            sink.write(CounterEvent::Added { by }, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, CounterEvent::Added { by }: CounterEvent) {
        self.total += by;
        self.events += 1;
    }
}

/// The fields of an event, as an entry's payload has them.
#[derive(Deserialize)]
struct Added {
    by: i64,
}

fn codec(code_version: i32) -> Codec<CounterEvent> {
    Codec {
        encode: |CounterEvent::Added { by }| serde_json::json!({ "by": by }),
        decode: |_, _, bytes| {
            let Added { by } = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
            Ok(CounterEvent::Added { by })
        },
        code_version,
    }
}

type Counters = AggregateStore<Counter>;

struct Fixture {
    database: TestDatabase,
    keys: TempDir,
    store: EventStore,
    ledger: LedgerInfo,
}

async fn fixture() -> Fixture {
    let database = database().await;
    let keys = tempfile::tempdir().unwrap();
    let store = open(&database, &keys).await;
    let ledger = begin(&store, "northsea").await;
    Fixture {
        database,
        keys,
        store,
        ledger,
    }
}

async fn open(database: &TestDatabase, keys: &TempDir) -> EventStore {
    let keys = Arc::new(KeyFiles::new(keys.path()));
    EventStore::open(database.pool.clone(), keys, "sealrock.test")
        .await
        .unwrap()
}

async fn begin(store: &EventStore, name: &str) -> LedgerInfo {
    store
        .create_ledger(&name.parse().unwrap(), LedgerKind::Operational, false)
        .await
        .unwrap()
}

impl Fixture {
    /// Counters with a cache of their own, which begins empty.
    fn counters(&self) -> Counters {
        self.counters_of(1)
    }

    fn counters_of(&self, code_version: i32) -> Counters {
        AggregateStore::new(
            self.store.clone(),
            self.ledger.clone(),
            codec(code_version),
            AggregateCache::default(),
        )
    }

    async fn truth(&self, id: &str) -> i64 {
        let events = self.counters().load_events(id).await.unwrap();
        events
            .iter()
            .map(
                |CounterEventEnvelope {
                     payload: CounterEvent::Added { by },
                     ..
                 }| by,
            )
            .sum()
    }

    async fn put_snapshot(&self, id: &str, version: i64, code_version: i32, state: &[u8]) {
        sqlx::query(
            "INSERT INTO snapshots (ledger_id, stream, version, code_version, state) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (ledger_id, stream) DO UPDATE \
             SET version = $3, code_version = $4, state = $5",
        )
        .bind(self.ledger.id.0)
        .bind(format!("counter/{id}"))
        .bind(version)
        .bind(code_version)
        .bind(state)
        .execute(&self.database.pool)
        .await
        .unwrap();
    }

    async fn snapshot(&self, id: &str) -> Option<(i64, Counter)> {
        let row: Option<(i64, Vec<u8>)> =
            sqlx::query_as("SELECT version, state FROM snapshots WHERE stream = $1")
                .bind(format!("counter/{id}"))
                .fetch_optional(&self.database.pool)
                .await
                .unwrap();
        row.map(|(version, state)| (version, serde_json::from_slice(&state).unwrap()))
    }

    /// The snapshot that is stored beside the commands, once it is of this version.
    async fn snapshot_at(&self, id: &str, version: i64) -> Counter {
        let stored = async {
            loop {
                match self.snapshot(id).await {
                    Some((stored, counter)) if stored == version => return counter,
                    _ => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        };
        let stored = tokio::time::timeout(Duration::from_secs(30), stored).await;
        stored.expect("stored in the end")
    }
}

type CounterEventEnvelope = cqrs_es::EventEnvelope<Counter>;

fn framework(counters: &Counters) -> CqrsFramework<Counter, Counters> {
    CqrsFramework::new(counters.clone(), Vec::new(), Arc::default())
}

async fn total(counters: &Counters, id: &str) -> (u64, i64) {
    let loaded = counters.load(id).await.unwrap();
    (loaded.version(), loaded.state().total)
}

fn context() -> CommandContext {
    CommandContext {
        actor: "service/test".to_owned(),
        command: Uuid::now_v7(),
        input_hash: [1; 32],
        cause: String::new(),
        via: "process:test".to_owned(),
        received_at: Utc::now(),
    }
}

#[tokio::test]
async fn the_framework_decides_on_the_state_that_its_events_made() {
    let f = fixture().await;
    let counters = f.counters();
    let cqrs = framework(&counters);
    cqrs.execute("a", vec![10]).await.unwrap();
    cqrs.execute("a", vec![10, 5]).await.unwrap();
    cqrs.execute("a", vec![-20]).await.unwrap();
    let refused = cqrs.execute("a", vec![-6]).await;
    assert!(matches!(
        refused,
        Err(AggregateError::UserError(TooLittle { total: 5, .. }))
    ));
    assert_eq!(total(&counters, "a").await, (4, 5));
    assert_eq!(total(&f.counters(), "a").await, (4, 5));
    assert_eq!(total(&counters, "b").await, (0, 0));
}

#[tokio::test]
async fn all_events_of_a_stream_are_loaded_in_order_and_numbered_from_one() {
    let f = fixture().await;
    let cqrs = framework(&f.counters());
    for by in 1..=5 {
        cqrs.execute("a", vec![by]).await.unwrap();
        cqrs.execute("b", vec![100]).await.unwrap();
    }
    let events = f.counters().load_events("a").await.unwrap();
    let numbered: Vec<(usize, CounterEvent)> = events
        .into_iter()
        .map(|one| (one.sequence, one.payload))
        .collect();
    let expected: Vec<_> = (1..=5)
        .map(|n| {
            (
                n,
                CounterEvent::Added {
                    by: i64::try_from(n).unwrap(),
                },
            )
        })
        .collect();
    assert_eq!(numbered, expected);
}

#[tokio::test]
async fn a_command_without_events_appends_nothing() {
    let f = fixture().await;
    framework(&f.counters()).execute("a", vec![]).await.unwrap();
    assert_eq!(f.store.size(f.ledger.id).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_decide_on_one_version_one_wins_and_the_others_are_told() {
    const MANY: usize = 8;
    let f = fixture().await;
    let meeting = Arc::new(Meeting(Some(Barrier::new(MANY))));
    for round in 1..=5 {
        // Every second one shares a cache, the others are like processes of their own.
        let shared = f.counters();
        let tasks: Vec<_> = (0..MANY)
            .map(|n| {
                let counters = if n % 2 == 0 {
                    shared.clone()
                } else {
                    f.counters()
                };
                let cqrs = CqrsFramework::new(counters, Vec::new(), Arc::clone(&meeting));
                tokio::spawn(async move { cqrs.execute("a", vec![1]).await })
            })
            .collect();
        let mut won = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(()) => won += 1,
                Err(AggregateError::AggregateConflict) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
        assert_eq!(won, 1);
        assert_eq!(f.truth("a").await, round);
        assert_eq!(total(&shared, "a").await.1, round);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_who_try_again_after_a_conflict_lose_no_update() {
    let f = fixture().await;
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let cqrs = framework(&f.counters());
            tokio::spawn(async move {
                let mut done = 0;
                while done < 10 {
                    match cqrs.execute("a", vec![1]).await {
                        Ok(()) => done += 1,
                        Err(AggregateError::AggregateConflict) => {}
                        Err(error) => panic!("{error:?}"),
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(f.truth("a").await, 40);
    assert_eq!(total(&f.counters(), "a").await, (40, 40));
}

#[tokio::test]
async fn a_snapshot_is_the_fold_of_the_events_and_new_readers_start_from_it() {
    let f = fixture().await;
    let cqrs = framework(&f.counters());
    for _ in 0..63 {
        cqrs.execute("a", vec![10]).await.unwrap();
    }
    assert_eq!(f.snapshot("a").await, None);
    // The version that is due lies within one command.
    cqrs.execute("a", vec![10, 10]).await.unwrap();
    cqrs.execute("a", vec![10]).await.unwrap();
    let folded = Counter {
        total: 650,
        events: 65,
    };
    assert_eq!(f.snapshot_at("a", 65).await, folded);
    assert_eq!(total(&f.counters(), "a").await, (66, 660));
    assert_eq!(f.truth("a").await, 660);

    // That it is used shows when it lies.
    let lie = serde_json::to_vec(&Counter {
        total: 7,
        events: 65,
    })
    .unwrap();
    f.put_snapshot("a", 65, 1, &lie).await;
    assert_eq!(total(&f.counters(), "a").await, (66, 17));
}

#[tokio::test]
async fn snapshots_come_again_when_the_stream_has_grown() {
    let f = fixture().await;
    let cqrs = framework(&f.counters());
    cqrs.execute("a", vec![1; 100]).await.unwrap();
    f.snapshot_at("a", 100).await;
    cqrs.execute("a", vec![1; 27]).await.unwrap();
    assert_eq!(f.snapshot("a").await.unwrap().0, 100);
    cqrs.execute("a", vec![1]).await.unwrap();
    let folded = Counter {
        total: 128,
        events: 128,
    };
    assert_eq!(f.snapshot_at("a", 128).await, folded);
}

#[tokio::test]
async fn what_falls_out_of_a_full_cache_is_loaded_again() {
    let f = fixture().await;
    let room_for_two = AggregateCache::with_bytes(1300);
    let store = || {
        let (store, ledger) = (f.store.clone(), f.ledger.clone());
        AggregateStore::new(store, ledger, codec(1), room_for_two.clone())
    };
    let cqrs = framework(&store());
    for round in 1..=3 {
        for id in ["a", "b", "c", "d"] {
            cqrs.execute(id, vec![round]).await.unwrap();
        }
    }
    for id in ["a", "b", "c", "d"] {
        assert_eq!(total(&store(), id).await, (3, 6), "{id}");
        assert_eq!(f.truth(id).await, 6);
    }
}

#[tokio::test]
async fn ledgers_that_share_a_cache_have_states_of_their_own() {
    let f = fixture().await;
    let south = begin(&f.store, "southsea").await;
    let cache = AggregateCache::default();
    let counters = |ledger: &LedgerInfo| {
        AggregateStore::new(f.store.clone(), ledger.clone(), codec(1), cache.clone())
    };
    let (north, south) = (counters(&f.ledger), counters(&south));
    framework(&north).execute("a", vec![10]).await.unwrap();
    framework(&south).execute("a", vec![1, 1]).await.unwrap();
    assert_eq!(total(&north, "a").await, (1, 10));
    assert_eq!(total(&south, "a").await, (2, 2));
}

#[tokio::test]
async fn a_snapshot_that_is_not_ours_to_read_is_ignored() {
    let f = fixture().await;
    framework(&f.counters())
        .execute("a", vec![1; 70])
        .await
        .unwrap();
    f.snapshot_at("a", 70).await;
    let lie = serde_json::to_vec(&Counter {
        total: 7,
        events: 70,
    })
    .unwrap();
    for (what, version, code_version, state) in [
        ("of other code", 70, 2, &lie[..]),
        ("garbage", 70, 1, &b"\xFF\x00no state"[..]),
        ("ahead of its stream", 71, 1, &lie[..]),
        ("of an impossible version", -1, 1, &lie[..]),
    ] {
        f.put_snapshot("a", version, code_version, state).await;
        assert_eq!(total(&f.counters(), "a").await, (70, 70), "{what}");
    }
    // The new code reads its own.
    f.put_snapshot("a", 70, 2, &lie).await;
    assert_eq!(total(&f.counters_of(2), "a").await, (70, 7));
}

#[tokio::test]
async fn a_cache_that_is_behind_loses_the_commit_and_catches_up() {
    let f = fixture().await;
    let elsewhere = open(&f.database, &f.keys).await;
    let elsewhere = framework(&AggregateStore::new(
        elsewhere,
        f.ledger.clone(),
        codec(1),
        AggregateCache::default(),
    ));
    let counters = f.counters();
    let here = framework(&counters);
    here.execute("a", vec![10]).await.unwrap();
    elsewhere.execute("a", vec![-10]).await.unwrap();

    // By the cache there are ten to take, in truth there is nothing.
    let lost = here.execute("a", vec![-10]).await;
    assert!(
        matches!(lost, Err(AggregateError::AggregateConflict)),
        "{lost:?}"
    );
    let refused = here.execute("a", vec![-10]).await;
    assert!(
        matches!(refused, Err(AggregateError::UserError(_))),
        "{refused:?}"
    );
    assert_eq!(f.truth("a").await, 0);

    elsewhere.execute("a", vec![3]).await.unwrap();
    assert_eq!(counters.load_current("a").await.unwrap().state().total, 3);
    here.execute("a", vec![-3]).await.unwrap();
    assert_eq!(total(&counters, "a").await, (4, 0));
}

#[tokio::test]
async fn a_commit_counts_what_was_decided_once_whatever_became_of_the_state() {
    let f = fixture().await;
    let counters = f.counters();
    let mut loaded = counters.load("a").await.unwrap();
    let sink = EventSink::default();
    // Deciding changes the state that was loaded, as cqrs-es does it.
    cqrs_es::AggregateContext::aggregate(&mut loaded)
        .handle(vec![10], &Arc::default(), &sink)
        .await
        .unwrap();
    counters
        .commit_events(sink.collect().await, loaded, context())
        .await
        .unwrap();
    assert_eq!(total(&counters, "a").await, (1, 10));

    let untouched = counters.load("a").await.unwrap();
    let events = vec![CounterEvent::Added { by: 5 }];
    counters
        .commit_events(events.clone(), untouched.clone(), context())
        .await
        .unwrap();
    assert_eq!(total(&counters, "a").await, (2, 15));
    let late = counters.commit_events(events, untouched, context()).await;
    assert!(
        matches!(
            late,
            Err(AppendError::Conflict {
                expected: 1,
                actual: 2,
                ..
            })
        ),
        "{late:?}"
    );
    assert_eq!(total(&counters, "a").await, (2, 15));
}

#[tokio::test]
async fn a_command_id_in_the_metadata_makes_a_command_count_once() {
    let f = fixture().await;
    let counters = f.counters();
    let cqrs = framework(&counters);
    let metadata = HashMap::from([
        ("command".to_owned(), Uuid::now_v7().to_string()),
        ("actor".to_owned(), "user/1".to_owned()),
    ]);
    for _ in 0..2 {
        cqrs.execute_with_metadata("a", vec![10], metadata.clone())
            .await
            .unwrap();
    }
    assert_eq!(total(&counters, "a").await, (1, 10));
    let other = cqrs.execute_with_metadata("a", vec![11], metadata).await;
    assert!(
        matches!(other, Err(AggregateError::UnexpectedError(_))),
        "{other:?}"
    );
    assert_eq!(f.truth("a").await, 10);
    let entry = &f
        .store
        .read_stream(f.ledger.id, "counter/a", 0)
        .await
        .unwrap()[0]
        .entry;
    assert_eq!(
        (entry.actor.as_str(), entry.via.as_str()),
        ("user/1", "process:cqrs")
    );
}

#[tokio::test]
async fn the_reader_of_postgres_es_reads_our_log() {
    let f = fixture().await;
    framework(&f.counters())
        .execute("a/1", vec![1, 2])
        .await
        .unwrap();
    framework(&f.counters())
        .execute("a/1", vec![3])
        .await
        .unwrap();
    framework(&f.counters())
        .execute("b", vec![100])
        .await
        .unwrap();
    let south = begin(&f.store, "southsea").await;
    let cache = AggregateCache::default();
    let other = AggregateStore::new(f.store.clone(), south, codec(1), cache);
    framework(&other).execute("a/1", vec![50]).await.unwrap();

    let one_ledger = format!(
        "(SELECT * FROM sealrock.postgres_es_events WHERE ledger_id = {}) AS events",
        f.ledger.id
    );
    let read = theirs(&f, &one_ledger, "a/1").await;
    let ours = f.counters().load_events("a/1").await.unwrap();
    assert_eq!(read.len(), 3);
    for (theirs, ours) in read.iter().zip(&ours) {
        assert_eq!(
            (&theirs.payload, theirs.sequence),
            (&ours.payload, ours.sequence)
        );
        assert_eq!(theirs.metadata["actor"], "service/cqrs");
    }
    assert_eq!(
        theirs(&f, "sealrock.postgres_es_events", "b").await.len(),
        1
    );
    // The view itself has all ledgers, so an id that two of them hold needs its ledger named.
    assert_eq!(
        theirs(&f, "sealrock.postgres_es_events", "a/1").await.len(),
        4
    );
}

async fn theirs(f: &Fixture, table: &str, id: &str) -> Vec<CounterEventEnvelope> {
    let repository =
        PostgresEventRepository::new(f.database.pool.clone()).with_tables(table, "no_snapshots");
    let store = PersistedEventStore::<_, Counter>::new_event_store(repository);
    store.load_events(id).await.unwrap()
}
