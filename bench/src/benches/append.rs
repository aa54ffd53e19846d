//! Appends by the write side, against the bare copying of the same bytes into one table.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::Utc;
use sealrock_eventstore::{
    Append, EventStore, Expected, LedgerId, LedgerKind, NewEvent, Retention,
};
use tokio::time::Instant;
use uuid::Uuid;

use super::rows::{self, Inserts, Table};
use crate::harness::{
    Chart, Line, Load, Options, PrivatePostgres, Report, Spent, Target, alternate, closed_loop,
};

/// Requests in flight.
const CLIENTS: usize = 1024;
/// Streams that they append to in turn.
const STREAMS: u64 = 10_000;
/// Bytes of an event's payload.
pub const PAYLOAD: usize = 600;
/// Rows of one COPY, which is one transaction.
const COPIED: u16 = 1000;
/// Clients of the plot.
const STEPS: [usize; 6] = [1, 4, 16, 64, 256, 1024];
const CONNECTIONS: u32 = 16;
/// Connections of the baseline of the plot: with more, Postgres only gets slower on two cores.
const BACKENDS: usize = 64;

/// Appends one event after the other to ledgers, each to its stream at the version that it must have.
#[derive(Clone)]
pub struct Appender {
    store: EventStore,
    ledgers: Arc<[LedgerId]>,
    next: Arc<AtomicU64>,
    prefix: Arc<str>,
}

impl Appender {
    /// To new streams of these ledgers.
    pub fn new(store: &EventStore, ledgers: &[LedgerId]) -> Self {
        Self {
            store: store.clone(),
            ledgers: ledgers.into(),
            next: Arc::default(),
            // Not the half that is the time: two may be made in one millisecond.
            prefix: Uuid::now_v7().simple().to_string()[20..].into(),
        }
    }

    /// Appends the next event; answers whether it is durable.
    pub async fn append(self) -> bool {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let ledgers = self.ledgers.len() as u64;
        let ledger = self.ledgers[usize::try_from(number % ledgers).unwrap_or(0)];
        let nth = number / ledgers;
        let append = append(&self.prefix, nth % STREAMS, nth / STREAMS, number);
        self.store.append(ledger, append).await.is_ok()
    }
}

fn append(prefix: &str, stream: u64, version: u64, number: u64) -> Append {
    Append {
        actor: "device/0198a000-0000-7000-8000-000000000001".into(),
        command: Uuid::now_v7(),
        input_hash: [7; 32],
        cause: String::new(),
        via: "http:/ingest".into(),
        received_at: Utc::now(),
        unchanged: None,
        events: vec![NewEvent {
            stream: format!("meter/{prefix}-{stream:06}"),
            expected: Expected::Version(version),
            kind: "MeterRead".into(),
            schema: 1,
            media: "application/json".into(),
            bytes: rows::payload(number),
            retention: Retention::Kept,
        }],
    }
}

async fn load(appender: &Appender, clients: usize, span: Duration) -> anyhow::Result<Load> {
    let one = appender.clone();
    let load = closed_loop(clients, span, move |_| one.clone().append()).await;
    anyhow::ensure!(load.failed == 0, "{} appends failed", load.failed);
    Ok(load)
}

pub async fn run(options: &Options) -> anyhow::Result<()> {
    let mut report = Report::new(
        "append",
        "how much of the speed of a bare COPY is left when every table is written and checked?",
    );
    let postgres = PrivatePostgres::start(options).await?;
    let store = postgres.store("ours", CONNECTIONS).await?;
    let mut ledgers = Vec::new();
    for name in ["one", "two", "three", "four"] {
        let name = name.parse()?;
        let ledger = store.create_ledger(&name, LedgerKind::Operational, false);
        ledgers.push(ledger.await?.id);
    }
    let mut copied = Table::new(&postgres.database("copied").await?).await?;
    report.setting("in flight", CLIENTS);
    report.setting("payload", format!("{PAYLOAD} bytes, {STREAMS} streams"));
    report.setting(
        "baseline",
        format!("COPY BINARY of {COPIED} rows a transaction, one backend"),
    );
    let span = Duration::from_secs(options.seconds);
    for (ledgers, ours, least) in [
        (&ledgers[..1], "appended, one ledger", 0.40),
        (&ledgers[..], "appended, four ledgers", 0.55),
    ] {
        let appender = Appender::new(&store, ledgers);
        // Its streams exist, and everybody's caches are warm.
        load(&appender, CLIENTS, span.min(Duration::from_secs(2))).await?;
        let meter = postgres.cpu("appending")?;
        let (mut copying, mut appending) = (Spent::default(), Spent::default());
        let (mut copies, mut appends) = (0, 0);
        let samples = alternate(
            options.pairs,
            async |_| {
                let before = meter.read();
                let (rows, rate) = copy(&mut copied, span).await?;
                copying.add(&meter.since(&before));
                copies += rows;
                anyhow::Ok(rate)
            },
            async |_| {
                let before = meter.read();
                let load = load(&appender, CLIENTS, span).await?;
                appending.add(&meter.since(&before));
                appends += load.answered;
                Ok(load.rate())
            },
        )
        .await?;
        report.pairs(
            ("COPY", ours),
            "events/s",
            &samples,
            Some(Target::AtLeast(least)),
        );
        report.cpu(format!("COPY of {copies} rows beside {ours}"), copying);
        report.cpu(format!("{appends} {ours}"), appending);
    }
    if let Some(folder) = &options.plots {
        let inserted = postgres.database("inserted").await?;
        plot(&store, &ledgers, &inserted, span, folder).await?;
    }
    report.print(options.json)?;
    store.close().await;
    postgres.stop().await;
    Ok(())
}

/// Rows of the events' shape by COPY BINARY, as fast as one backend takes them; answers how many, and
/// how many a second.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
async fn copy(table: &mut Table, span: Duration) -> anyhow::Result<(u64, f64)> {
    let begun = Instant::now();
    let mut rows = 0;
    while begun.elapsed() < span {
        let bytes = table.shape.binary(table.next, COPIED);
        let mut copy = table.connection.copy_in_raw(rows::COPY).await?;
        copy.send(bytes).await?;
        rows += copy.finish().await?;
        table.next += i64::from(COPIED);
    }
    Ok((rows, rows as f64 / begun.elapsed().as_secs_f64()))
}

/// Rates and latencies over the number of clients, beside an INSERT per transaction.
async fn plot(
    store: &EventStore,
    ledgers: &[LedgerId],
    inserted: &str,
    span: Duration,
    folder: &Path,
) -> anyhow::Result<()> {
    let (one, four) = (
        Appender::new(store, &ledgers[..1]),
        Appender::new(store, ledgers),
    );
    let inserts = Inserts::new(inserted, BACKENDS).await?;
    let names = ["one ledger", "four ledgers", "INSERT per transaction"];
    let mut rates = names.map(Line::new);
    let mut latencies = names.map(Line::new);
    for clients in STEPS {
        let loads = [
            load(&one, clients, span).await?,
            load(&four, clients, span).await?,
            inserts.load(clients.min(BACKENDS), span).await,
        ];
        for ((load, rate), latency) in loads.iter().zip(&mut rates).zip(&mut latencies) {
            #[expect(clippy::cast_precision_loss, reason = "at most 1,024 clients")]
            let x = clients as f64;
            rate.points.push((x, load.rate()));
            latency.points.push((x, load.ms(0.5)));
        }
    }
    let chart = |title, y, lines: [Line; 3]| Chart {
        title,
        x: "clients",
        y,
        logarithmic: true,
        lines: lines.into(),
    };
    chart("Appends a second", "events/s", rates).write(folder, "append-rate")?;
    chart("Append, median", "ms", latencies).write(folder, "append-latency")
}
