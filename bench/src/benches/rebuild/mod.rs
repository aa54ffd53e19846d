//! How fast read models are built anew from the ledger.
//!
//! Two ledgers are recorded by the write side: one of devices' batches of ten readings, one of
//! aggregates' events. Each read model is rebuilt on them as `sealrock projections rebuild` does it.
//! The baseline of `readings` is COPY BINARY by one connection of the very rows that the fold wrote,
//! into a table of the same columns, partitions and keys; that of the others is to read all entries
//! with their payloads out of the store and look at nothing: no fold can do less, unless it reads less.

mod copied;
mod follow;
mod ledger;

use std::time::Instant;

use sealrock_eventstore::EventStore;
use sealrock_ledger::Index;
use sealrock_projections::Runner;
use tokio_util::sync::CancellationToken;

use crate::harness::{CpuMeter, Options, PrivatePostgres, Report, Spent, Target, alternate, rate};

/// Models that fold batches, but for `readings`.
const OF_BATCHES: [&str; 4] = ["latest", "rollups", "device_status", "windows"];
/// Models that fold aggregates' events, and have something to fold in the ledger of events.
const OF_EVENTS: [&str; 2] = ["registry", "captures"];
/// Connections of the store, as `sealrock serve` has them.
const CONNECTIONS: u32 = 16;
const EVENTS_A_SECOND: f64 = 60_000.0;
const READINGS_A_SECOND: f64 = 250_000.0;

pub async fn run(options: &Options) -> anyhow::Result<()> {
    let mut report = Report::new("rebuild", "how fast are read models built anew?");
    let postgres = PrivatePostgres::start(options).await?;
    let (batches, events) = (options.scaled(60_000), options.scaled(60_000));
    report.setting(
        "batches",
        format!("{batches} of {} readings", ledger::READINGS),
    );
    report.setting("devices", ledger::DEVICES);
    report.setting("aggregates' events", events);
    let of_batches = postgres.store("of_batches", CONNECTIONS).await?;
    ledger::batches(&of_batches, batches).await?;
    let of_events = postgres.store("of_events", CONNECTIONS).await?;
    ledger::events(&of_events, events).await?;
    for store in [&of_batches, &of_events] {
        // Hint bits and statistics, as autovacuum leaves them some time after an append.
        sqlx::query("VACUUM ANALYZE")
            .execute(store.pool())
            .await
            .ok();
    }
    let meter = postgres.cpu("ours")?;
    readings(&mut report, options, &of_batches, &meter).await?;
    for model in OF_BATCHES {
        others(&mut report, options, &of_batches, model, &meter).await?;
    }
    for model in OF_EVENTS {
        others(&mut report, options, &of_events, model, &meter).await?;
    }
    // These have nothing to fold there: what is measured is how fast they pass batches by.
    others(&mut report, options, &of_batches, "credits", &meter).await?;
    follow::run(&mut report, options, &postgres).await?;
    of_batches.close().await;
    of_events.close().await;
    postgres.stop().await;
    report.print(options.json)
}

async fn readings(
    report: &mut Report,
    options: &Options,
    store: &EventStore,
    meter: &CpuMeter,
) -> anyhow::Result<()> {
    rebuild(store, "readings").await?;
    let copied = copied::Rows::take(store.pool()).await?;
    let (mut base, mut ours) = (Spent::default(), Spent::default());
    let samples = alternate(
        options.pairs,
        async |_| {
            let (before, begun) = (meter.read(), Instant::now());
            copied.copy(store.pool()).await?;
            let rate = rate(copied.count, begun);
            base.add(&meter.since(&before));
            anyhow::Ok(rate)
        },
        async |_| {
            let (before, begun) = (meter.read(), Instant::now());
            rebuild(store, "readings").await?;
            let rate = rate(copied.count, begun);
            ours.add(&meter.since(&before));
            Ok(rate)
        },
    )
    .await?;
    let target = Target::AtLeast(READINGS_A_SECOND);
    let sides = (
        "COPY BINARY of the rows, one connection",
        "readings, rebuilt",
    );
    report.pairs(sides, "readings/s", &samples, None);
    let rates: Vec<f64> = samples.iter().map(|pair| pair.1).collect();
    report.target("readings", "readings/s", &rates, target);
    report.cpu("readings, baseline", base);
    report.cpu("readings, rebuilt", ours);
    Ok(())
}

async fn others(
    report: &mut Report,
    options: &Options,
    store: &EventStore,
    model: &'static str,
    meter: &CpuMeter,
) -> anyhow::Result<()> {
    let ledgers = store.ledgers().await?;
    let size = store.size(ledgers[0].id).await?;
    let mut ours = Spent::default();
    let samples = alternate(
        options.pairs,
        async |_| {
            let begun = Instant::now();
            read_all(store).await?;
            anyhow::Ok(rate(size, begun))
        },
        async |_| {
            let (before, begun) = (meter.read(), Instant::now());
            rebuild(store, model).await?;
            let rate = rate(size, begun);
            ours.add(&meter.since(&before));
            Ok(rate)
        },
    )
    .await?;
    report.pairs(
        ("all entries and payloads, read", model),
        "events/s",
        &samples,
        None,
    );
    let rates: Vec<f64> = samples.iter().map(|pair| pair.1).collect();
    report.target(model, "events/s", &rates, Target::AtLeast(EVENTS_A_SECOND));
    report.cpu(model, ours);
    Ok(())
}

/// As `sealrock projections rebuild <model>`.
async fn rebuild(store: &EventStore, model: &str) -> anyhow::Result<()> {
    let runner = Runner::new(store.clone(), sealrock_projections::all());
    runner.rebuild(model, &CancellationToken::new()).await?;
    Ok(())
}

async fn read_all(store: &EventStore) -> anyhow::Result<()> {
    for ledger in store.ledgers().await? {
        let mut next = Index(0);
        loop {
            let entries = store.read(ledger.id, next, 4_096).await?;
            let Some(last) = entries.last() else { break };
            next = Index(last.entry.index.0 + 1);
        }
    }
    Ok(())
}
