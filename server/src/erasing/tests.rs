//! Erasures between the entry and the rows, with real read models.

use std::sync::Arc;

use sealrock_commands::{Commands, GapsToSeal, Redaction, WindowToSeal};
use sealrock_eventstore::{
    Append, EventStore, Expected, KeyFiles, LedgerInfo, LedgerKind, NewEvent, Retention,
};
use sealrock_ledger::record::IndexRange;
use sealrock_testkit::database;
use sqlx::Executor;

use super::*;
use crate::platform::cli_context;

struct Scene {
    store: EventStore,
    runner: Runner,
    commands: Commands,
    ledger: LedgerInfo,
    keys: tempfile::TempDir,
}

/// A ledger of ten sealed batches, whose read models have folded nothing.
async fn scene() -> Scene {
    let keys = tempfile::tempdir().unwrap();
    let store = open(database().await.pool, &keys).await;
    let commands = Commands::new(store.clone(), false);
    let ledger = filled(&commands, &store, "northsea").await;
    let runner = Runner::new(store.clone(), sealrock_projections::all());
    runner.prepare().await.unwrap();
    Scene {
        store,
        runner,
        commands,
        ledger,
        keys,
    }
}

async fn open(pool: sqlx::PgPool, keys: &tempfile::TempDir) -> EventStore {
    let files = Arc::new(KeyFiles::new(keys.path()));
    EventStore::open(pool, files, "sealrock.test")
        .await
        .unwrap()
}

async fn filled(commands: &Commands, store: &EventStore, name: &str) -> LedgerInfo {
    let ledger = store
        .create_ledger(&name.parse().unwrap(), LedgerKind::Operational, false)
        .await
        .unwrap();
    for seq in 1..=10 {
        store.append(ledger.id, batch(seq)).await.unwrap();
    }
    let window = WindowToSeal {
        device: "00000000-0000-0000-0000-000000000007".parse().unwrap(),
        hour: "2026-11-21T03".parse().unwrap(),
        entries: (0..10).map(Index).collect(),
        supersedes: None,
    };
    let (context, organisation) = (cli_context(), name.parse().unwrap());
    let draft = commands.draft_seal(&context, &organisation, window).await;
    commands
        .seal_window(&context, draft.unwrap().unwrap(), GapsToSeal::default())
        .await
        .unwrap();
    ledger
}

fn batch(seq: u32) -> Append {
    let bytes = format!(
        r#"{{"seq":{seq},"readings":[{{"metric":"co2_ppm","at":"2026-11-21T03:00:00Z","value":{seq}}}]}}"#
    );
    let event = NewEvent {
        stream: "telemetry/00000000-0000-0000-0000-000000000007".into(),
        expected: Expected::Any,
        kind: "SensorBatchRecorded".into(),
        schema: 1,
        media: "application/json".into(),
        bytes: bytes.into_bytes(),
        retention: Retention::Batch,
    };
    Append {
        actor: "device/00000000-0000-0000-0000-000000000007".into(),
        command: uuid::Uuid::now_v7(),
        input_hash: [0; 32],
        cause: String::new(),
        via: "http:/ingest".into(),
        received_at: "2026-11-21T03:00:01Z".parse().unwrap(),
        unchanged: None,
        events: vec![event],
    }
}

impl Scene {
    async fn redact(&self, first: u64, last: u64) -> Index {
        let redaction = Redaction {
            payloads: vec![IndexRange::from((Index(first), Index(last)))],
            reason: "test".into(),
        };
        let organisation = "northsea".parse().unwrap();
        let done = self
            .commands
            .redact(&cli_context(), &organisation, redaction)
            .await;
        done.unwrap().receipt.first
    }

    async fn payloads(&self) -> usize {
        let read = self.store.read(self.ledger.id, Index(0), 10).await.unwrap();
        read.iter().filter(|one| one.payload.is_some()).count()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_deleted_before_every_read_model_has_folded_the_entry() {
    let scene = scene().await;
    let eraser = Eraser::new(scene.store.clone(), scene.runner.clone());
    let entry = scene.redact(3, 5).await;
    let Outcome::Waiting(behind) = eraser.erase(&scene.ledger, entry).await.unwrap() else {
        panic!("nobody has folded it")
    };
    assert_eq!(behind.len(), scene.runner.names().count());
    assert_eq!(scene.payloads().await, 10);

    let token = CancellationToken::new();
    let running = tokio::spawn({
        let (runner, token) = (scene.runner.clone(), token.clone());
        async move { runner.run(token).await }
    });
    let outcome = eraser
        .erase_when_folded(&scene.ledger, entry, PATIENCE)
        .await;
    assert!(matches!(outcome.unwrap(), Outcome::Erased(3)));
    assert_eq!(scene.payloads().await, 7);
    token.cancel();
    running.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_finishes_what_was_decided_and_half_deleted_when_the_power_went() {
    let scene = scene().await;
    scene.redact(0, 3).await;
    scene.redact(6, 9).await;
    // As the role and the statement do it that delete, cut off after the first two of four.
    let half = "BEGIN; SET LOCAL ROLE sealrock_erase; \
                DELETE FROM batch_payloads WHERE index < 2; COMMIT";
    scene.store.pool().execute(half).await.unwrap();
    assert_eq!(scene.payloads().await, 8);

    let token = CancellationToken::new();
    let kept = tokio::spawn(finish_all(
        Eraser::new(scene.store.clone(), scene.runner.clone()),
        token.clone(),
    ));
    let running = tokio::spawn({
        let (runner, token) = (scene.runner.clone(), token.clone());
        async move { runner.run(token).await }
    });
    while !scene
        .store
        .pending_erasures(&scene.ledger)
        .await
        .unwrap()
        .is_empty()
    {
        tokio::time::sleep(LOOK).await;
    }
    assert_eq!(scene.payloads().await, 2);
    token.cancel();
    kept.await.unwrap();
    running.await.unwrap();
}

#[tokio::test]
async fn a_ledger_that_cannot_be_written_keeps_retention_from_no_other() {
    let scene = scene().await;
    let other = filled(&scene.commands, &scene.store, "southsea").await;
    std::fs::remove_file(scene.keys.path().join("northsea.key")).unwrap();
    // A process that never had the key.
    let store = open(scene.store.pool().clone(), &scene.keys).await;
    let commands = Commands::new(store.clone(), false);
    let eraser = Eraser::new(store.clone(), scene.runner.clone());
    let in_a_moment = chrono::Utc::now() + chrono::TimeDelta::seconds(5);
    keep::retain(&eraser, &commands, in_a_moment).await;
    let pending = async |ledger| store.pending_erasures(ledger).await.unwrap().len();
    assert_eq!(
        (pending(&scene.ledger).await, pending(&other).await),
        (0, 1)
    );
}
