//! What every caller of the store may rely on, on a real Postgres.
#![expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::Utc;
use sealrock_eventstore::{
    Append, AppendError, Appended, EventStore, Expected, KeyFiles, LedgerInfo, LedgerKind,
    NewEvent, Recorded, Retention, StoreError,
};
use sealrock_ledger::{Frontier, Index, KeyRange, LogVerifier, leaf_hash};
use sealrock_testkit::{TestDatabase, database};
use sqlx::PgPool;
use tempfile::TempDir;
use uuid::Uuid;

struct Fixture {
    database: TestDatabase,
    keys: TempDir,
    store: EventStore,
    ledger: LedgerInfo,
}

async fn fixture() -> Fixture {
    let database = database().await;
    let keys = tempfile::tempdir().unwrap();
    let store = open(&database.pool, &keys).await;
    let ledger = begin(&store, "northsea").await;
    Fixture {
        database,
        keys,
        store,
        ledger,
    }
}

async fn open(pool: &PgPool, keys: &TempDir) -> EventStore {
    let keys = Arc::new(KeyFiles::new(keys.path()));
    EventStore::open(pool.clone(), keys, "sealrock.test")
        .await
        .unwrap()
}

async fn begin(store: &EventStore, name: &str) -> LedgerInfo {
    store
        .create_ledger(&name.parse().unwrap(), LedgerKind::Operational, false)
        .await
        .unwrap()
}

fn event(stream: &str, expected: Expected, bytes: &[u8]) -> NewEvent {
    NewEvent {
        stream: stream.to_owned(),
        expected,
        kind: "ThingHappened".to_owned(),
        schema: 1,
        media: "application/json".to_owned(),
        bytes: bytes.to_vec(),
        retention: Retention::Kept,
    }
}

fn append(command: Uuid, events: Vec<NewEvent>) -> Append {
    Append {
        actor: "service/test".to_owned(),
        command,
        input_hash: [1; 32],
        cause: String::new(),
        via: "process:test".to_owned(),
        received_at: Utc::now(),
        unchanged: None,
        events,
    }
}

impl Fixture {
    async fn append(&self, stream: &str, expected: Expected) -> Result<Appended, AppendError> {
        let events = vec![event(stream, expected, b"{}")];
        self.store
            .append(self.ledger.id, append(Uuid::now_v7(), events))
            .await
    }

    async fn all(&self) -> Vec<Recorded> {
        self.store
            .read(self.ledger.id, Index(0), 100_000)
            .await
            .unwrap()
    }
}

/// Everything that the format promises of a sequence of entries.
fn assert_chained(ledger: &LedgerInfo, recorded: &[Recorded]) {
    let mut prev = [0; 32];
    for (at, one) in recorded.iter().enumerate() {
        assert_eq!(one.entry.index, Index(at as u64));
        assert_eq!(one.entry.ledger, ledger.origin);
        assert_eq!(one.entry.prev, prev);
        assert_eq!(one.leaf_hash, leaf_hash(&one.entry_bytes));
        assert_eq!(
            one.entry.payload,
            one.payload.as_ref().unwrap().commitment()
        );
        assert!(at == 0 || recorded[at - 1].entry.recorded_at <= one.entry.recorded_at);
        prev = one.leaf_hash.0;
    }
}

#[tokio::test]
async fn an_append_is_answered_with_a_signed_checkpoint_of_a_tree_that_contains_it() {
    let f = fixture().await;
    let appended = f.append("thing/1", Expected::Version(0)).await.unwrap();
    assert_eq!(
        (appended.receipt.first, appended.receipt.last),
        (Index(0), Index(0))
    );

    let recorded = f.all().await;
    assert_chained(&f.ledger, &recorded);
    let verifier = LogVerifier::new(&f.ledger.vkey).unwrap();
    let checkpoint = verifier
        .verify(appended.receipt.checkpoint.as_bytes())
        .unwrap();
    let mut tree = Frontier::default();
    tree.push(recorded[0].leaf_hash);
    assert_eq!((checkpoint.size, checkpoint.root), (1, tree.root()));
    assert_eq!(
        f.store.keys(f.ledger.id).await.unwrap(),
        [KeyRange::only(&f.ledger.vkey)]
    );
}

#[tokio::test]
async fn of_many_streams_the_newest_entry_of_each_that_has_one_is_read_at_once() {
    let f = fixture().await;
    let (other, any) = (begin(&f.store, "southsea").await, Expected::Any);
    for stream in ["thing/1", "thing/2", "thing/1", "thing/12", "thing/1"] {
        f.append(stream, any).await.unwrap();
    }
    let elsewhere = append(Uuid::now_v7(), vec![event("thing/2", any, b"other")]);
    f.store.append(other.id, elsewhere).await.unwrap();
    let asked = ["thing/2", "thing/1", "thing/none", "thing/1"].map(str::to_owned);
    let newest = f.store.newest_of(f.ledger.id, &asked).await.unwrap();
    let all = f.all().await;
    assert_eq!(newest, [all[1].clone(), all[4].clone()]);
    assert_eq!(
        (newest[1].entry.version, newest[1].payload.is_some()),
        (3, true)
    );
    assert_eq!(f.store.newest_of(f.ledger.id, &[]).await.unwrap(), []);
}

#[tokio::test]
async fn a_repeated_command_gets_its_first_receipt_and_is_stored_once() {
    let f = fixture().await;
    let command = Uuid::now_v7();
    let repeat = || append(command, vec![event("thing/1", Expected::Any, b"{}")]);
    let first = f.store.append(f.ledger.id, repeat()).await.unwrap();
    f.append("thing/2", Expected::Any).await.unwrap();
    let second = f.store.append(f.ledger.id, repeat()).await.unwrap();
    assert_eq!((first.duplicate, second.duplicate), (false, true));
    assert_eq!(first.receipt, second.receipt);
    assert_eq!(f.all().await.len(), 2);
}

#[tokio::test]
async fn repetitions_that_arrive_at_once_are_stored_once() {
    let f = fixture().await;
    let command = Uuid::now_v7();
    let repeats = (0..50).map(|_| {
        let (store, ledger) = (f.store.clone(), f.ledger.id);
        let one = append(command, vec![event("thing/1", Expected::Any, b"{}")]);
        tokio::spawn(async move { store.append(ledger, one).await.unwrap() })
    });
    let answers = futures_all(repeats.collect()).await;
    assert_eq!(answers.iter().filter(|a| !a.duplicate).count(), 1);
    assert_eq!(f.all().await.len(), 1);
}

async fn futures_all<T>(tasks: Vec<tokio::task::JoinHandle<T>>) -> Vec<T> {
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

#[tokio::test]
async fn a_reused_command_id_is_refused_and_names_its_first_use() {
    let f = fixture().await;
    let command = Uuid::now_v7();
    let one = || append(command, vec![event("thing/1", Expected::Any, b"{}")]);
    f.append("thing/0", Expected::Any).await.unwrap();
    f.store.append(f.ledger.id, one()).await.unwrap();
    let other = Append {
        input_hash: [2; 32],
        ..one()
    };
    let refused = f.store.append(f.ledger.id, other).await;
    assert!(
        matches!(&refused, Err(AppendError::CommandIdReused { first }) if first.first == Index(1)),
        "{refused:?}"
    );
    let other_actor = Append {
        actor: "service/other".to_owned(),
        ..one()
    };
    assert!(
        !f.store
            .append(f.ledger.id, other_actor)
            .await
            .unwrap()
            .duplicate
    );
}

#[tokio::test]
async fn of_two_who_expect_the_same_version_one_is_refused_and_changes_nothing() {
    let f = fixture().await;
    f.append("thing/1", Expected::Version(0)).await.unwrap();
    let lost = f.append("thing/1", Expected::Version(0)).await;
    assert!(
        matches!(
            &lost,
            Err(AppendError::Conflict {
                expected: 0,
                actual: 1,
                ..
            })
        ),
        "{lost:?}"
    );
    let both = vec![
        event("thing/2", Expected::Version(0), b"{}"),
        event("thing/1", Expected::Version(0), b"{}"),
    ];
    let lost = f
        .store
        .append(f.ledger.id, append(Uuid::now_v7(), both))
        .await;
    assert!(matches!(lost, Err(AppendError::Conflict { .. })));
    // All or none: thing/2 is still new.
    f.append("thing/2", Expected::Version(0)).await.unwrap();
    assert_eq!(f.all().await.len(), 2);
}

/// Decided on `key/1` at this version, and written to another stream.
fn resting(command: Uuid, version: u64) -> Append {
    Append {
        unchanged: Some(("key/1".to_owned(), version)),
        ..append(command, vec![event("thing/1", Expected::Any, b"{}")])
    }
}

#[tokio::test]
async fn a_decision_that_rests_on_another_stream_is_refused_once_that_has_moved() {
    let f = fixture().await;
    let first = resting(Uuid::now_v7(), 0);
    let appended = f.store.append(f.ledger.id, first.clone()).await.unwrap();
    assert_eq!(appended.receipt.first, Index(0));

    f.append("key/1", Expected::Version(0)).await.unwrap();
    let late = resting(Uuid::now_v7(), 0);
    let lost = f.store.append(f.ledger.id, late).await;
    assert!(
        matches!(&lost, Err(AppendError::Conflict { stream, expected: 0, actual: 1 }) if stream == "key/1"),
        "{lost:?}"
    );
    assert_eq!(f.all().await.len(), 2);

    let anew = resting(Uuid::now_v7(), 1);
    f.store.append(f.ledger.id, anew).await.unwrap();
    // What is in the ledger stays answered, whatever moved since.
    let again = f.store.append(f.ledger.id, first).await.unwrap();
    assert!(again.duplicate && again.receipt == appended.receipt);
    assert_eq!(f.all().await.len(), 3);
}

#[tokio::test]
async fn nothing_that_rests_on_a_stream_comes_after_it_moved() {
    let f = fixture().await;
    let other = open(&f.database.pool, &f.keys).await;
    let mut tasks = Vec::new();
    for n in 0..300 {
        let store = if n % 2 == 0 { &f.store } else { &other };
        let (store, ledger) = (store.clone(), f.ledger.id);
        let one = if n == 150 {
            append(Uuid::now_v7(), vec![event("key/1", Expected::Any, b"{}")])
        } else {
            resting(Uuid::now_v7(), 0)
        };
        tasks.push(tokio::spawn(async move {
            store.append(ledger, one).await.is_ok()
        }));
    }
    let answered = futures_all(tasks).await;
    let recorded = f.all().await;
    let accepted = answered.iter().filter(|ok| **ok).count();
    assert_eq!(recorded.len(), accepted);
    assert_eq!(recorded.last().unwrap().entry.stream, "key/1");
}

#[tokio::test]
async fn events_of_one_append_are_numbered_one_after_the_other() {
    let f = fixture().await;
    let events = (0..3)
        .map(|n| event("thing/1", Expected::Version(n), b"{}"))
        .collect();
    let receipt = f
        .store
        .append(f.ledger.id, append(Uuid::now_v7(), events))
        .await
        .unwrap()
        .receipt;
    assert_eq!((receipt.first, receipt.last), (Index(0), Index(2)));
    let versions: Vec<u64> = f.all().await.iter().map(|one| one.entry.version).collect();
    assert_eq!(versions, [1, 2, 3]);
}

#[tokio::test]
async fn two_processes_append_to_one_ledger_without_a_gap_or_a_fork() {
    let f = fixture().await;
    let other = open(&f.database.pool, &f.keys).await;
    let tasks = (0..400u32).map(|n| {
        let store = if n % 2 == 0 {
            f.store.clone()
        } else {
            other.clone()
        };
        let ledger = f.ledger.id;
        let one = append(
            Uuid::now_v7(),
            vec![event(
                &format!("thing/{}", n % 7),
                Expected::Any,
                &n.to_be_bytes(),
            )],
        );
        tokio::spawn(async move { store.append(ledger, one).await.unwrap().receipt.first })
    });
    let indexes: BTreeSet<Index> = futures_all(tasks.collect()).await.into_iter().collect();
    assert_eq!(indexes.len(), 400);
    let recorded = f.all().await;
    assert_eq!(recorded.len(), 400);
    assert_chained(&f.ledger, &recorded);
    // A full tile was stored, and the last checkpoint is that of the whole tree.
    let tiles: i64 = sqlx::query_scalar("SELECT count(*) FROM tiles")
        .fetch_one(&f.database.pool)
        .await
        .unwrap();
    assert_eq!(tiles, 1);
    let mut tree = Frontier::default();
    for one in &recorded {
        tree.push(one.leaf_hash);
    }
    let checkpoint = f.store.last_checkpoint(&f.ledger).await.unwrap().unwrap();
    assert_eq!((checkpoint.size, checkpoint.root), (400, tree.root()));
}

#[tokio::test]
async fn many_who_wait_share_a_commit() {
    let f = fixture().await;
    let tasks = (0..200u32).map(|n| {
        let (store, ledger) = (f.store.clone(), f.ledger.id);
        let one = append(
            Uuid::now_v7(),
            vec![event(&format!("thing/{n}"), Expected::Any, b"{}")],
        );
        tokio::spawn(async move { store.append(ledger, one).await.unwrap() })
    });
    futures_all(tasks.collect()).await;
    let commits: i64 = sqlx::query_scalar("SELECT count(*) FROM checkpoints")
        .fetch_one(&f.database.pool)
        .await
        .unwrap();
    assert!(commits < 100, "200 appends at once took {commits} commits");
}

#[tokio::test]
async fn batches_lie_in_the_partition_of_their_day_and_are_read_like_any_payload() {
    let f = fixture().await;
    let batch = NewEvent {
        retention: Retention::Batch,
        media: "application/cbor".to_owned(),
        ..event("telemetry/1", Expected::Any, &[0xA0])
    };
    f.store
        .append(f.ledger.id, append(Uuid::now_v7(), vec![batch]))
        .await
        .unwrap();
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM payloads")
        .fetch_one(&f.database.pool)
        .await
        .unwrap();
    assert_eq!(kept, 0);
    let recorded = f.all().await;
    let payload = recorded[0].payload.as_ref().unwrap();
    assert_eq!(
        (payload.media.as_str(), payload.bytes.as_slice()),
        ("application/cbor", &[0xA0][..])
    );
}

#[tokio::test]
async fn a_ledger_goes_on_after_a_restart_and_ledgers_do_not_mix() {
    let f = fixture().await;
    f.append("thing/1", Expected::Version(0)).await.unwrap();
    let south = begin(&f.store, "southsea").await;
    f.store
        .append(
            south.id,
            append(
                Uuid::now_v7(),
                vec![event("thing/1", Expected::Version(0), b"{}")],
            ),
        )
        .await
        .unwrap();
    f.store.close().await;
    let closed = f.append("thing/1", Expected::Any).await;
    assert!(
        matches!(closed, Err(AppendError::Unavailable(_))),
        "{closed:?}"
    );

    let again = open(&f.database.pool, &f.keys).await;
    assert_eq!(begin(&again, "northsea").await, f.ledger);
    let next = append(
        Uuid::now_v7(),
        vec![event("thing/1", Expected::Version(1), b"{}")],
    );
    assert_eq!(
        again.append(f.ledger.id, next).await.unwrap().receipt.first,
        Index(1)
    );
    assert_chained(&f.ledger, &f.all().await);
    assert_eq!(again.size(south.id).await.unwrap(), 1);
}

#[tokio::test]
async fn an_installation_keeps_its_origin_and_its_keys() {
    let f = fixture().await;
    let keys = Arc::new(KeyFiles::new(f.keys.path()));
    let renamed = EventStore::open(f.database.pool.clone(), keys, "elsewhere.test").await;
    assert!(matches!(renamed, Err(StoreError::Fatal(_))));

    let no_keys = tempfile::tempdir().unwrap();
    let keyless = open(&f.database.pool, &no_keys).await;
    let refused = keyless
        .append(
            f.ledger.id,
            append(Uuid::now_v7(), vec![event("thing/1", Expected::Any, b"{}")]),
        )
        .await;
    assert!(
        matches!(&refused, Err(AppendError::Fatal(reason)) if reason.contains("log key")),
        "{refused:?}"
    );
}

#[tokio::test]
async fn readers_are_woken_by_appends_of_this_process_and_of_others() {
    let f = fixture().await;
    let other = open(&f.database.pool, &f.keys).await;
    let (mut here, mut there) = (
        f.store.watch_size(f.ledger.id),
        other.watch_size(f.ledger.id),
    );
    f.append("thing/1", Expected::Any).await.unwrap();
    let soon = std::time::Duration::from_secs(10);
    tokio::time::timeout(soon, here.wait_for(|size| *size == 1))
        .await
        .unwrap()
        .unwrap();
    tokio::time::timeout(soon, there.wait_for(|size| *size == 1))
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn what_can_never_be_stored_is_refused_before_it_reaches_the_ledger() {
    let f = fixture().await;
    let none = f
        .store
        .append(f.ledger.id, append(Uuid::now_v7(), vec![]))
        .await;
    assert!(matches!(none, Err(AppendError::Invalid(_))));
    let long = "x".repeat(70_000);
    let long = f.append(&long, Expected::Any).await;
    assert!(matches!(long, Err(AppendError::Invalid(_))));
    assert_eq!(f.store.size(f.ledger.id).await.unwrap(), 0);
}

#[tokio::test]
async fn the_application_can_neither_change_nor_delete_what_is_recorded() {
    let f = fixture().await;
    f.append("thing/1", Expected::Any).await.unwrap();
    for attempt in [
        "UPDATE events SET type = 'Other'",
        "DELETE FROM events",
        "TRUNCATE events",
        "DELETE FROM payloads",
        "UPDATE checkpoints SET note = ''",
        "DELETE FROM tiles",
        "UPDATE commands SET last_index = 9",
        "DELETE FROM ledger_heads",
    ] {
        let refused = sqlx::query(attempt).execute(&f.database.pool).await;
        let refused = refused.unwrap_err().to_string();
        assert!(
            refused.contains("permission denied"),
            "{attempt}: {refused}"
        );
    }
}

#[tokio::test]
async fn a_bounded_read_ends_before_its_payloads_pass_the_bound_and_holds_at_least_one() {
    let f = fixture().await;
    let mut events = Vec::new();
    for (length, retention) in [
        (400, Retention::Kept),
        (400, Retention::Batch),
        (400, Retention::Batch),
        (5000, Retention::Batch),
    ] {
        let mut event = event("thing/1", Expected::Any, &vec![b'x'; length]);
        event.retention = retention;
        events.push(event);
    }
    f.store
        .append(f.ledger.id, append(Uuid::now_v7(), events))
        .await
        .unwrap();
    let lengths = async |from, limit, max_bytes| -> Vec<(u64, usize)> {
        let read = f
            .store
            .read_bounded(f.ledger.id, Index(from), limit, max_bytes);
        let length = |one: &Recorded| one.payload.as_ref().unwrap().bytes.len();
        read.await
            .unwrap()
            .iter()
            .map(|one| (one.entry.index.0, length(one)))
            .collect()
    };
    assert_eq!(lengths(0, 10, 799).await, [(0, 400)]);
    assert_eq!(lengths(0, 10, 800).await, [(0, 400), (1, 400)]);
    assert_eq!(lengths(3, 10, 1).await, [(3, 5000)]);
    assert_eq!(lengths(1, 1, u64::MAX).await, [(1, 400)]);
    assert_eq!(lengths(0, 10, u64::MAX).await.len(), 4);
    assert_eq!(lengths(4, 10, u64::MAX).await, []);
}

#[tokio::test]
async fn entries_are_read_without_those_of_one_type() {
    let f = fixture().await;
    let mut events = Vec::new();
    for kind in ["A", "B", "B", "A", "B", "A"] {
        let mut event = event("thing/1", Expected::Any, kind.as_bytes());
        event.kind = kind.to_owned();
        events.push(event);
    }
    f.store
        .append(f.ledger.id, append(Uuid::now_v7(), events))
        .await
        .unwrap();
    let read = async |kind, from, to, limit| -> Vec<u64> {
        let range = (Index(from), Index(to));
        let read = f.store.read_without(f.ledger.id, kind, range, limit).await;
        let payload = |one: &Recorded| one.payload.as_ref().unwrap().bytes.clone();
        let read = read.unwrap();
        assert!(read.iter().all(|one| payload(one) != kind.as_bytes()));
        read.iter().map(|one| one.entry.index.0).collect()
    };
    assert_eq!(read("B", 0, 6, 10).await, [0, 3, 5]);
    assert_eq!(read("B", 0, 6, 2).await, [0, 3]);
    assert_eq!(read("B", 1, 5, 10).await, [3]);
    assert_eq!(read("B", 1, 3, 10).await, [] as [u64; 0]);
    assert_eq!(read("C", 0, 6, 10).await, [0, 1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn what_postgres_would_refuse_again_is_not_to_be_tried_again() {
    let f = fixture().await;
    sqlx::query("REVOKE INSERT ON sealrock.events FROM sealrock_app")
        .execute(&f.database.admin_pool)
        .await
        .unwrap();
    let refused = f.append("thing/1", Expected::Any).await;
    assert!(matches!(refused, Err(AppendError::Fatal(_))), "{refused:?}");
    let nul = f.append("thing/\0", Expected::Any).await;
    assert!(matches!(nul, Err(AppendError::Invalid(_))), "{nul:?}");
}
