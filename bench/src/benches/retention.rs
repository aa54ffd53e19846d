//! Payloads of a day whose time is over: deleted row by row, or dropped with the day's table.
//!
//! Both ways are the store's own, for entries `RetentionApplied` that are committed before: each look-up
//! and each note is in both. The baseline is what is done where a day keeps something.

use std::time::Instant;

use chrono::{NaiveDate, Utc};
use sealrock_eventstore::{EventStore, Expected, LedgerInfo, LedgerKind, NewEvent, Retention};
use sealrock_ledger::Index;
use sealrock_ledger::record::{IndexRange, Record as _, RetentionApplied, stream_of};
use sqlx::PgPool;

use crate::harness::{Options, PrivatePostgres, Report, alternate, append_of};

/// Bytes of a payload.
const PAYLOAD: usize = 600;
/// Events of one append.
const TOGETHER: u64 = 500;

pub async fn run(options: &Options) -> anyhow::Result<()> {
    let mut report = Report::new(
        "retention",
        "what does it cost to erase a day's payloads when all of them are due?",
    );
    let postgres = PrivatePostgres::start(options).await?;
    let store = postgres.store("retention", 4).await?;
    let admin = PgPool::connect(&postgres.url("retention")).await?;
    let name = "northsea".parse()?;
    let ledger = store
        .create_ledger(&name, LedgerKind::Operational, false)
        .await?;
    let payloads = options.scaled(20_000);
    report.setting("payloads of the day", payloads);
    report.setting("bytes of a payload", PAYLOAD);
    let days = Days {
        store: &store,
        admin: &admin,
        ledger,
        payloads,
    };
    let (mut rows, mut dropped) = (Vec::new(), Vec::new());
    let samples = alternate(
        options.pairs,
        async |pair| {
            let erasure = days.due(2 * pair).await?;
            let cost = days.cost(async || days.delete(erasure).await).await?;
            rows.push(cost.wal_mb);
            anyhow::Ok(cost.per_second)
        },
        async |pair| {
            let erasure = days.due(2 * pair + 1).await?;
            let cost = days.cost(async || days.drop_day(erasure).await).await?;
            dropped.push(cost.wal_mb);
            Ok(cost.per_second)
        },
    )
    .await?;
    report.pairs(
        ("row by row", "with the day's table"),
        "payloads/s",
        &samples,
        None,
    );
    report.figure("write-ahead log, row by row", "MB", &rows);
    report.figure("write-ahead log, with the day's table", "MB", &dropped);
    admin.close().await;
    store.close().await;
    report.print(options.json)?;
    postgres.stop().await;
    Ok(())
}

struct Days<'a> {
    store: &'a EventStore,
    admin: &'a PgPool,
    ledger: LedgerInfo,
    payloads: u64,
}

struct Cost {
    per_second: f64,
    wal_mb: f64,
}

impl Days<'_> {
    /// Payloads of a day long past, and the entry that erases them.
    async fn due(&self, number: usize) -> anyhow::Result<Index> {
        let first = self.store.size(self.ledger.id).await?;
        let mut last = first;
        for _ in 0..self.payloads.div_ceil(TOGETHER) {
            let events = (0..TOGETHER).map(|_| batch()).collect();
            let done = self.store.append(self.ledger.id, append_of(events)).await?;
            last = done.receipt.last.0;
        }
        self.move_to(day(number)?, first, last).await?;
        let record = RetentionApplied {
            before: Utc::now(),
            payloads: vec![IndexRange::from((Index(first), Index(last)))],
        };
        let event = NewEvent {
            stream: stream_of(&self.ledger.name),
            kind: RetentionApplied::KIND.to_owned(),
            bytes: serde_json::to_vec(&record)?,
            retention: Retention::Kept,
            ..batch()
        };
        let done = self
            .store
            .append(self.ledger.id, append_of(vec![event]))
            .await?;
        Ok(done.receipt.first)
    }

    /// As if they had been recorded then.
    async fn move_to(&self, day: NaiveDate, first: u64, last: u64) -> anyhow::Result<()> {
        let (first, last) = (first.cast_signed(), last.cast_signed());
        sqlx::query("SELECT sealrock.ensure_batch_day($1)")
            .bind(day)
            .execute(self.admin)
            .await?;
        for statement in [
            "UPDATE sealrock.batch_payloads SET day = $1 WHERE index BETWEEN $2 AND $3",
            "UPDATE sealrock.events SET recorded_at = $1 + interval '12 hours' \
             WHERE index BETWEEN $2 AND $3",
        ] {
            let moved = sqlx::query(statement).bind(day).bind(first).bind(last);
            moved.execute(self.admin).await?;
        }
        sqlx::query("CHECKPOINT").execute(self.admin).await?;
        Ok(())
    }

    async fn delete(&self, erasure: Index) -> anyhow::Result<()> {
        let erased = self.store.erase(&self.ledger, erasure).await?;
        anyhow::ensure!(erased >= self.payloads, "{erased} payloads were there");
        Ok(())
    }

    async fn drop_day(&self, erasure: Index) -> anyhow::Result<()> {
        let folded = [(self.ledger.clone(), erasure)];
        let dropped = self.store.drop_erased_days(&folded).await?;
        anyhow::ensure!(dropped.len() == 1, "the day was not dropped");
        self.store.erase(&self.ledger, erasure).await?;
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    async fn cost(&self, act: impl AsyncFnOnce() -> anyhow::Result<()>) -> anyhow::Result<Cost> {
        let (begun, before) = (Instant::now(), self.wal().await?);
        act().await?;
        let seconds = begun.elapsed().as_secs_f64();
        Ok(Cost {
            per_second: self.payloads as f64 / seconds,
            wal_mb: (self.wal().await? - before) as f64 / 1_000_000.0,
        })
    }

    async fn wal(&self) -> anyhow::Result<i64> {
        let at = sqlx::query_scalar("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint");
        Ok(at.fetch_one(self.admin).await?)
    }
}

fn day(number: usize) -> anyhow::Result<NaiveDate> {
    let first: NaiveDate = "2020-01-01".parse()?;
    Ok(first + chrono::Days::new(number as u64))
}

fn batch() -> NewEvent {
    NewEvent {
        stream: "telemetry/northsea/site-0/meter-0".to_owned(),
        expected: Expected::Any,
        kind: "SensorBatchRecorded".to_owned(),
        schema: 1,
        media: "application/json".to_owned(),
        bytes: vec![b'x'; PAYLOAD],
        retention: Retention::Batch,
    }
}
