//! A store with one ledger, to append to and to project.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sealrock_domain::device::{DeviceEvent, DeviceRegistered};
use sealrock_domain::telemetry::{JSON, SENSOR_BATCH_RECORDED, Source, media_type_of};
use sealrock_domain::{Attributes, CredentialId, DeviceId, EventType, Slug};
use sealrock_eventstore::{
    Append, EventStore, Expected, KeyFiles, LedgerInfo, LedgerKind, NewEvent, Retention,
};
use sealrock_ledger::Index;
use sealrock_projections::{Projection, ReadModels, Runner};
use sqlx::PgPool;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Readings of a table with what their series and contexts say.
macro_rules! in_full {
    ($table:literal) => {
        concat!(
            "(SELECT r.at, r.index, r.ordinal, r.value, r.canonical, r.text, \
                     s.ledger_id, s.device_id, s.metric, s.unit, \
                     c.ledger_id AS of_ledger, c.site, c.quality, c.suspicion, c.source, c.truth \
                FROM rm_readings.",
            $table,
            " r JOIN rm_readings.series s ON s.id = r.series \
                JOIN rm_readings.context c ON c.id = r.context)"
        )
    };
}

const PATIENCE: Duration = Duration::from_mins(1);

/// What the tables of readings hold, without the ids of series and contexts, which are those in whose
/// order folds came to them.
pub const READINGS: [&str; 4] = [
    in_full!("reading"),
    in_full!("far_reading"),
    "(SELECT ledger_id, index, device_id, from_at, to_at, far, \
             (SELECT array_agg(s.metric ORDER BY s.metric) FROM rm_readings.series s \
               WHERE s.id = ANY (series)) AS metrics \
        FROM rm_readings.stretch)",
    "(SELECT ledger_id, device_id, metric, unit FROM rm_readings.series)",
];

pub struct Plant {
    pub store: EventStore,
    pub ledger: LedgerInfo,
    pub read: ReadModels,
    pub keys: tempfile::TempDir,
}

/// A runner in its task.
pub struct Running {
    pub runner: Runner,
    token: CancellationToken,
    pub task: JoinHandle<()>,
}

pub fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

pub fn device(name: &str) -> DeviceId {
    DeviceId::of(&slug("northsea"), &slug("plant-1"), &slug(name))
}

/// 2026-11-21 03:00 UTC and some seconds.
pub fn at(seconds: i64) -> DateTime<Utc> {
    "2026-11-21T03:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::seconds(seconds)
}

/// A reading as JSON.
pub fn reading(metric: &str, at: DateTime<Utc>, value: f64) -> String {
    let at = at.format("%Y-%m-%dT%H:%M:%S%.6fZ");
    format!(r#"{{"metric":"{metric}","at":"{at}","value":{value:?}}}"#)
}

/// A batch as JSON; `head` are further fields, each with its comma.
pub fn batch(head: &str, readings: &[String]) -> Vec<u8> {
    format!(r#"{{{head}"readings":[{}]}}"#, readings.join(",")).into_bytes()
}

impl Plant {
    pub async fn new(pool: PgPool) -> Self {
        let keys = tempfile::tempdir().unwrap();
        let files = Arc::new(KeyFiles::new(keys.path()));
        let store = EventStore::open(pool, files, "sealrock.test")
            .await
            .unwrap();
        let ledger = create_ledger(&store, "northsea").await;
        Self {
            read: ReadModels::new(store.clone()),
            store,
            ledger,
            keys,
        }
    }

    pub async fn on_database() -> Self {
        Self::new(sealrock_testkit::database().await.pool).await
    }

    pub fn run(&self, models: Vec<Arc<dyn Projection>>) -> Running {
        let (runner, token) = (
            Runner::new(self.store.clone(), models),
            CancellationToken::new(),
        );
        let task = tokio::spawn({
            let (runner, token) = (runner.clone(), token.clone());
            async move { runner.run(token).await }
        });
        Running {
            runner,
            token,
            task,
        }
    }

    /// Appends to any stream of this plant's ledger, received at `at(3600)`.
    pub async fn append(&self, stream: &str, kind: &str, bytes: Vec<u8>) -> Index {
        append(&self.store, &self.ledger, stream, kind, bytes).await
    }

    pub async fn event(&self, stream: &str, event: &impl EventType) -> Index {
        let encoded = event.encode();
        let bytes = serde_json::to_vec(&encoded.payload).unwrap();
        self.append(stream, encoded.kind, bytes).await
    }

    pub async fn register(&self, name: &str) -> DeviceId {
        let event = DeviceEvent::from(DeviceRegistered {
            org: slug("northsea"),
            site: slug("plant-1"),
            name: slug(name),
            display_name: name.parse().unwrap(),
            asset: None,
            source: Source::Simulator,
            public_key: None,
            credential: CredentialId(Uuid::new_v4()),
            metadata: Attributes::default(),
            sensors: Vec::new(),
        });
        let id = device(name);
        self.event(&id.stream(), &event).await;
        id
    }

    pub async fn batch(&self, device: DeviceId, bytes: Vec<u8>) -> Index {
        self.append(&device.telemetry_stream(), SENSOR_BATCH_RECORDED, bytes)
            .await
    }

    /// What a table holds, as text, in a fixed order.
    pub async fn content(&self, table: &str) -> Vec<String> {
        let sql = format!("SELECT t::text FROM {table} t ORDER BY 1");
        sqlx::query_scalar(&sql)
            .fetch_all(self.store.pool())
            .await
            .unwrap()
    }
}

impl Running {
    /// Waits until every read model has folded `index`.
    pub async fn reach(&self, plant: &Plant, index: Index) {
        for name in self.runner.names() {
            let reached = self
                .runner
                .positions()
                .wait_for(name, plant.ledger.id, index, PATIENCE);
            if let Err(error) = reached.await {
                panic!("{error}; {:#?}", self.runner.status().await);
            }
        }
    }

    pub async fn stop(self) {
        self.token.cancel();
        self.task.await.unwrap();
    }
}

pub async fn create_ledger(store: &EventStore, name: &str) -> LedgerInfo {
    let name = name.parse().unwrap();
    store
        .create_ledger(&name, LedgerKind::Operational, true)
        .await
        .unwrap()
}

pub async fn append(
    store: &EventStore,
    ledger: &LedgerInfo,
    stream: &str,
    kind: &str,
    bytes: Vec<u8>,
) -> Index {
    let retention = if kind == SENSOR_BATCH_RECORDED {
        Retention::Batch
    } else {
        Retention::Kept
    };
    let event = NewEvent {
        stream: stream.to_owned(),
        expected: Expected::Any,
        kind: kind.to_owned(),
        schema: 1,
        media: bytes
            .first()
            .and_then(|first| media_type_of(*first))
            .unwrap_or(JSON)
            .to_owned(),
        bytes,
        retention,
    };
    let append = Append {
        actor: "service/test".to_owned(),
        command: Uuid::new_v4(),
        input_hash: [0; 32],
        cause: String::new(),
        via: "test".to_owned(),
        received_at: at(3600),
        unchanged: None,
        events: vec![event],
    };
    store.append(ledger.id, append).await.unwrap().receipt.last
}
