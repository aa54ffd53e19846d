//! The baselines of the write side: the same bytes as an entry's row and payload, in one table.

use std::fmt::Write;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use chrono::Utc;
use sealrock_ledger::{Entry, Index, Origin, Payload, SALT_BYTES};
use sqlx::{Connection, Executor, PgConnection};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::harness::{Load, closed_loop};

/// Copies rows in Postgres' binary format.
pub const COPY: &str =
    "COPY events (index, entry, leaf_hash, salt, payload) FROM STDIN (FORMAT binary)";
const INSERT: &str =
    "INSERT INTO events (index, entry, leaf_hash, salt, payload) VALUES ($1, $2, $3, $4, $5)";

/// What a row holds, but for its index.
pub struct Shape {
    entry: Vec<u8>,
    payload: Vec<u8>,
}

/// A JSON text of 600 bytes, each another one.
pub fn payload(number: u64) -> Vec<u8> {
    static VALUES: LazyLock<String> = LazyLock::new(|| {
        let mut values = String::new();
        let mut value = 1u64;
        while values.len() < super::append::PAYLOAD {
            value = value
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let _ = write!(values, "{},", 100 + value % 900);
        }
        values
    });
    let mut text = format!(r#"{{"meter":{},"values":["#, 100_000_000_000 + number);
    let left = super::append::PAYLOAD - text.len() - 2;
    text.push_str(&VALUES[..left - left % 4 - 1]);
    text.push_str("]}");
    text.push_str(&"    "[..super::append::PAYLOAD - text.len()]);
    text.into_bytes()
}

impl Shape {
    pub fn new() -> Self {
        let bytes = payload(1);
        let payload = Payload {
            media: "application/json".into(),
            salt: [7; SALT_BYTES],
            bytes,
        };
        let now = Utc::now();
        let entry = Entry {
            actor: "device/0198a000-0000-7000-8000-000000000001".into(),
            cause: String::new(),
            command: Uuid::now_v7().to_string(),
            index: Index(1_000_000),
            ledger: Origin::new("sealrock.bench", &"one".parse().expect("a name")),
            payload: payload.commitment(),
            prev: [7; 32],
            received_at: now,
            recorded_at: now,
            schema: 1,
            stream: "meter/0198a0000000-000001".into(),
            kind: "MeterRead".into(),
            v: 1,
            version: 100,
            via: "http:/ingest".into(),
        };
        Self {
            entry: entry.to_bytes().expect("a small entry"),
            payload: payload.bytes,
        }
    }

    /// `count` rows from index `first` on, as COPY BINARY takes them.
    pub fn binary(&self, first: i64, count: u16) -> Vec<u8> {
        let row = 2 + 5 * 4 + 8 + self.entry.len() + 32 + SALT_BYTES + self.payload.len();
        let mut bytes = Vec::with_capacity(21 + usize::from(count) * row);
        bytes.extend_from_slice(b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0");
        for nth in 0..i64::from(count) {
            bytes.extend_from_slice(&5i16.to_be_bytes());
            let index = (first + nth).to_be_bytes();
            let fields: [&[u8]; 5] = [
                &index,
                &self.entry,
                &[7; 32],
                &[7; SALT_BYTES],
                &self.payload,
            ];
            for field in fields {
                let length = i32::try_from(field.len()).expect("small fields");
                bytes.extend_from_slice(&length.to_be_bytes());
                bytes.extend_from_slice(field);
            }
        }
        bytes.extend_from_slice(&(-1i16).to_be_bytes());
        bytes
    }

    /// Inserts the row of `index`, in a transaction of its own.
    pub async fn insert(&self, table: &mut PgConnection, index: i64) -> sqlx::Result<()> {
        sqlx::query(INSERT)
            .bind(index)
            .bind(&self.entry)
            .bind([7_u8; 32].as_slice())
            .bind([7_u8; SALT_BYTES].as_slice())
            .bind(&self.payload)
            .execute(table)
            .await?;
        Ok(())
    }
}

/// The table, and a connection to it.
pub struct Table {
    pub connection: PgConnection,
    pub shape: Shape,
    /// Index of the next row.
    pub next: i64,
}

impl Table {
    /// In the new database at `url`.
    pub async fn new(url: &str) -> sqlx::Result<Self> {
        let mut connection = PgConnection::connect(url).await?;
        connection
            .execute(
                "CREATE TABLE events (index bigint PRIMARY KEY, entry bytea NOT NULL, \
                 leaf_hash bytea NOT NULL, salt bytea NOT NULL, payload bytea NOT NULL)",
            )
            .await?;
        Ok(Self {
            connection,
            shape: Shape::new(),
            next: 0,
        })
    }
}

/// Clients that insert a row per transaction, each on a connection of its own.
pub struct Inserts {
    connections: Vec<Arc<Mutex<PgConnection>>>,
    shape: Arc<Shape>,
    next: Arc<AtomicI64>,
}

impl Inserts {
    /// Into a new table in the new database at `url`, by as many connections.
    pub async fn new(url: &str, connections: usize) -> sqlx::Result<Self> {
        let Table {
            connection, shape, ..
        } = Table::new(url).await?;
        let mut all = vec![Arc::new(Mutex::new(connection))];
        while all.len() < connections {
            all.push(Arc::new(Mutex::new(PgConnection::connect(url).await?)));
        }
        Ok(Self {
            connections: all,
            shape: Arc::new(shape),
            next: Arc::default(),
        })
    }

    /// What as many clients come to.
    pub async fn load(&self, clients: usize, span: Duration) -> Load {
        let free: Arc<[_]> = self.connections[..clients].into();
        let (shape, next) = (Arc::clone(&self.shape), Arc::clone(&self.next));
        closed_loop(clients, span, move |_| {
            let (free, shape, next) = (Arc::clone(&free), Arc::clone(&shape), Arc::clone(&next));
            async move {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(mut connection) = free.iter().find_map(|one| one.try_lock().ok()) else {
                    return false;
                };
                shape.insert(&mut connection, index).await.is_ok()
            }
        })
        .await
    }
}
