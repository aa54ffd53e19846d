//! A ledger to look at.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use sealrock_audit::Exported;
use sealrock_eventstore::{
    Append, EventStore, Expected, KeyFiles, LedgerInfo, LedgerKind, NewEvent, Retention,
};
use sealrock_testkit::{TestDatabase, database};
use tempfile::TempDir;
use uuid::Uuid;

/// A store on a database of its own, with one ledger.
pub struct Ledger {
    pub database: TestDatabase,
    pub store: EventStore,
    pub info: LedgerInfo,
    keys: TempDir,
}

impl Ledger {
    pub async fn empty() -> Self {
        Self::with_keys(tempfile::tempdir().unwrap()).await
    }

    /// A ledger of the same name and key in another database, with another history.
    pub async fn fork(&self, entries: usize) -> Self {
        let keys = tempfile::tempdir().unwrap();
        let file = "northsea.key";
        std::fs::copy(self.keys.path().join(file), keys.path().join(file)).unwrap();
        let fork = Self::with_keys(keys).await;
        fork.grow(entries).await;
        fork
    }

    /// A folder beside the keys that goes with the ledger.
    pub fn folder(&self) -> &Path {
        self.keys.path()
    }

    async fn with_keys(keys: TempDir) -> Self {
        let database = database().await;
        let files = Arc::new(KeyFiles::new(keys.path()));
        let store = EventStore::open(database.pool.clone(), files, "sealrock.test")
            .await
            .unwrap();
        let name = "northsea".parse().unwrap();
        let info = store
            .create_ledger(&name, LedgerKind::Operational, false)
            .await
            .unwrap();
        Self {
            database,
            store,
            info,
            keys,
        }
    }

    /// A ledger of `entries` entries, in commits of 25.
    pub async fn of(entries: usize) -> Self {
        let ledger = Self::empty().await;
        ledger.grow(entries).await;
        ledger
    }

    /// Appends entries to several streams: aggregates' and batches'.
    pub async fn grow(&self, entries: usize) {
        let size = usize::try_from(self.store.size(self.info.id).await.unwrap()).unwrap();
        let indexes: Vec<usize> = (size..size + entries).collect();
        for commit in indexes.chunks(25) {
            let append = append(commit.iter().map(|index| event(*index)).collect());
            self.store.append(self.info.id, append).await.unwrap();
        }
    }

    pub async fn export(&self, dir: &Path) -> Exported {
        sealrock_audit::export(&self.store, &self.info, dir, &mut |_| {})
            .await
            .unwrap()
    }

    /// Changes the database behind the platform's back.
    pub async fn damage(&self, sql: &str) {
        use sqlx::Executor;
        let mut connection = self.database.admin_pool.acquire().await.unwrap();
        connection
            .execute("SET search_path TO sealrock")
            .await
            .unwrap();
        connection
            .execute(sql)
            .await
            .unwrap_or_else(|e| panic!("{sql}: {e}"));
    }
}

pub fn append(events: Vec<NewEvent>) -> Append {
    Append {
        actor: "service/test".into(),
        command: Uuid::new_v4(),
        input_hash: [1; 32],
        cause: String::new(),
        via: "process:\"tést\" 😀\u{1f}".into(),
        received_at: "2026-11-21T03:12:45.120001Z".parse().unwrap(),
        unchanged: None,
        events,
    }
}

pub fn event(index: usize) -> NewEvent {
    let batch = !index.is_multiple_of(3);
    let (kind, stream) = if batch {
        ("SensorBatchRecorded", format!("telemetry/{}", index % 5))
    } else {
        ("AssetRenamed", format!("asset/{}", index % 4))
    };
    NewEvent {
        stream,
        expected: Expected::Any,
        kind: kind.into(),
        schema: 1,
        media: if batch {
            "application/cbor"
        } else {
            "application/json"
        }
        .into(),
        bytes: format!(r#"{{"n":{index}}}"#).into_bytes(),
        retention: if batch {
            Retention::Batch
        } else {
            Retention::Kept
        },
    }
}

/// All files below a directory, by path.
pub fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let (mut files, mut folders) = (BTreeMap::new(), vec![dir.to_owned()]);
    while let Some(folder) = folders.pop() {
        for item in std::fs::read_dir(folder).unwrap() {
            let path = item.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
                files.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    files
}
