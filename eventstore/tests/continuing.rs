//! A ledger whose history was lost in part goes on as another one.
#![expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::path::PathBuf;
use std::sync::Arc;

use chrono::Utc;
use sealrock_eventstore::{
    Append, AppendError, Continued, EventStore, Expected, KeyFiles, LedgerInfo, LedgerKind,
    NewEvent, Operator, Retention,
};
use sealrock_ledger::record::{LedgerContinued, Record};
use sealrock_ledger::{Index, LogVerifier};
use sealrock_testkit::{TestDatabase, database};
use tempfile::TempDir;
use uuid::Uuid;

const TABLES: [&str; 6] = [
    "ledger_heads",
    "events",
    "payloads",
    "commands",
    "checkpoints",
    "tiles",
];

struct Fixture {
    database: TestDatabase,
    keys: TempDir,
    store: EventStore,
    old: LedgerInfo,
}

impl Fixture {
    /// A ledger of two aggregates and some batches, which lost everything from index 5 on.
    async fn with_loss() -> Self {
        let mut f = Self::begin().await;
        for stream in ["thing/1", "thing/2", "telemetry/1", "thing/1", "window/1"] {
            f.append(stream).await.unwrap();
        }
        f.admin("CREATE SCHEMA backup").await;
        for table in TABLES {
            f.admin(&format!(
                "CREATE TABLE backup.{table} AS TABLE sealrock.{table}"
            ))
            .await;
        }
        for _ in 0..3 {
            f.append("thing/1").await.unwrap();
        }
        f.store.close().await;
        for table in TABLES {
            f.admin(&format!("DELETE FROM sealrock.{table}")).await;
            f.admin(&format!(
                "INSERT INTO sealrock.{table} TABLE backup.{table}"
            ))
            .await;
        }
        f.store = open(&f.database, &f.keys).await;
        f
    }

    async fn begin() -> Self {
        let database = database().await;
        let keys = tempfile::tempdir().unwrap();
        let store = open(&database, &keys).await;
        let name = "northsea".parse().unwrap();
        let old = store
            .create_ledger(&name, LedgerKind::Operational, true)
            .await
            .unwrap();
        Self {
            database,
            keys,
            store,
            old,
        }
    }

    async fn admin(&self, sql: &str) {
        sqlx::query(sql)
            .execute(&self.database.admin_pool)
            .await
            .unwrap();
    }

    async fn append(&self, stream: &str) -> Result<Index, AppendError> {
        let appended = self.store.append(self.old.id, append(stream)).await?;
        Ok(appended.receipt.first)
    }

    async fn proceed(&self, name: &str) -> Result<Continued, AppendError> {
        let reason = "the disk of the only copy failed".to_owned();
        let by = Operator {
            actor: "service/cli".into(),
            via: "cli".into(),
        };
        let name = name.parse().unwrap();
        let copies: &[PathBuf] = &[];
        self.store
            .continue_ledger(&self.old, &name, &["thing"], (copies, reason), by)
            .await
    }
}

async fn open(database: &TestDatabase, keys: &TempDir) -> EventStore {
    let keys = Arc::new(KeyFiles::new(keys.path()));
    EventStore::open(database.pool.clone(), keys, "sealrock.test")
        .await
        .unwrap()
}

fn append(stream: &str) -> Append {
    Append {
        actor: "service/test".into(),
        command: Uuid::now_v7(),
        input_hash: [7; 32],
        cause: String::new(),
        via: "process:test".into(),
        received_at: Utc::now(),
        unchanged: None,
        events: vec![NewEvent {
            stream: stream.into(),
            expected: Expected::Any,
            kind: "ThingHappened".into(),
            schema: 1,
            media: "application/json".into(),
            bytes: format!(r#"{{"stream":"{stream}"}}"#).into_bytes(),
            retention: Retention::Kept,
        }],
    }
}

#[tokio::test]
async fn what_survived_is_carried_over_behind_an_entry_that_says_what_was_lost() {
    let f = Fixture::with_loss().await;
    let refused = f.append("thing/1").await;
    assert!(
        matches!(&refused, Err(AppendError::Fatal(why)) if why.contains("entries 5 to 7 are missing")),
        "{refused:?}"
    );
    let before = f.store.read(f.old.id, Index(0), 10).await.unwrap();
    let continued = f.proceed("northsea-2").await.unwrap();
    assert_eq!(
        (continued.signed, continued.surviving, continued.carried),
        (8, 5, 3)
    );
    let new = continued.ledger;
    assert_eq!((new.continues, new.demo), (Some(f.old.id), true));

    let entries = f.store.read(new.id, Index(0), 10).await.unwrap();
    assert_eq!(entries.len(), 4);
    let first = &entries[0];
    assert_eq!(first.entry.kind, LedgerContinued::KIND);
    let record: LedgerContinued =
        serde_json::from_slice(&first.payload.as_ref().unwrap().bytes).unwrap();
    assert_eq!((&record.parent, record.surviving), (&f.old.origin, 5));
    let signed = LogVerifier::new(&f.old.vkey)
        .unwrap()
        .verify(record.checkpoint.as_bytes())
        .unwrap();
    assert_eq!(signed.size, 8);

    for (carried, index) in entries[1..].iter().zip([0, 1, 3]) {
        let original = &before[index];
        assert_eq!(carried.entry.cause, format!("{}#{index}", f.old.origin));
        assert_eq!(carried.entry.stream, original.entry.stream);
        assert_eq!(carried.entry.version, original.entry.version);
        assert_eq!(carried.entry.command, original.entry.command);
        assert_eq!(carried.entry.received_at, original.entry.received_at);
        let payloads = [carried, original].map(|one| one.payload.as_ref().unwrap());
        assert_eq!(payloads[0].bytes, payloads[1].bytes);
        assert_ne!(payloads[0].salt, payloads[1].salt);
    }
    let newest = f.store.last_checkpoint(&new).await.unwrap().unwrap();
    assert_eq!(
        (newest.size, newest.note),
        (4, continued.receipt.checkpoint)
    );
}

#[tokio::test]
async fn the_old_ledger_is_closed_for_good_and_the_new_one_takes_its_place() {
    let f = Fixture::with_loss().await;
    let new = f.proceed("northsea-2").await.unwrap().ledger;
    assert!(f.store.is_closed(f.old.id) && !f.store.is_closed(new.id));
    let current = f.store.current(&f.old.name).await.unwrap();
    assert_eq!((&current, new.id), (&new, current.id));
    let other_process = open(&f.database, &f.keys).await;
    for store in [&f.store, &other_process] {
        let refused = store.append(f.old.id, append("thing/1")).await;
        assert!(
            matches!(&refused, Err(AppendError::Fatal(why)) if why.contains("northsea-2 continues it")),
            "{refused:?}"
        );
        let refused = store.adopt(&f.old, &[]).await;
        assert!(matches!(refused, Err(AppendError::Fatal(_))), "{refused:?}");
    }
    f.store.append(new.id, append("thing/1")).await.unwrap();

    // A command that the old ledger had recorded is known in the new one.
    let carried = &f.store.read(new.id, Index(1), 1).await.unwrap()[0];
    let mut repeated = append("thing/1");
    repeated.command = carried.entry.command.parse().unwrap();
    let again = f.store.append(new.id, repeated).await.unwrap();
    assert!(again.duplicate && again.receipt.first == Index(1));
}

#[tokio::test]
async fn a_continuation_that_was_interrupted_goes_on_under_the_same_name_only() {
    let f = Fixture::with_loss().await;
    // As after a crash between the new ledger's row and its first commit.
    f.admin(
        "CREATE FUNCTION sealrock.refuse() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN RAISE EXCEPTION 'the power went'; END $$",
    )
    .await;
    f.admin(
        "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON sealrock.checkpoints \
         DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sealrock.refuse()",
    )
    .await;
    let broken = f.proceed("northsea-2").await;
    assert!(
        matches!(broken, Err(AppendError::Unavailable(_))),
        "{broken:?}"
    );
    f.admin("DROP TRIGGER refuse ON sealrock.checkpoints").await;
    // Nothing is closed, and the organisation is still where it was.
    let current = f.store.current(&f.old.name).await.unwrap();
    assert_eq!(current.id, f.old.id);

    let other = f.proceed("northsea-3").await;
    assert!(
        matches!(&other, Err(AppendError::Invalid(why)) if why.contains("northsea-2 was begun")),
        "{other:?}"
    );
    assert_eq!(f.proceed("northsea-2").await.unwrap().carried, 3);
    let again = f.proceed("northsea-2").await;
    assert!(matches!(again, Err(AppendError::Fatal(_))), "{again:?}");
}

#[tokio::test]
async fn a_whole_ledger_is_not_continued_and_a_name_in_use_not_taken() {
    let f = Fixture::begin().await;
    f.append("thing/1").await.unwrap();
    let refused = f.proceed("northsea-2").await;
    assert!(
        matches!(&refused, Err(AppendError::Invalid(why)) if why.contains("nothing is missing")),
        "{refused:?}"
    );
    assert!(
        f.store
            .ledger(&"northsea-2".parse().unwrap())
            .await
            .unwrap()
            .is_none()
    );

    let f = Fixture::with_loss().await;
    let name = "southsea".parse().unwrap();
    let kind = LedgerKind::Operational;
    f.store.create_ledger(&name, kind, false).await.unwrap();
    let refused = f.proceed("southsea").await;
    assert!(
        matches!(&refused, Err(AppendError::Invalid(why)) if why.contains("another ledger southsea")),
        "{refused:?}"
    );
}
