//! How long an append takes, against a single row that is inserted in a transaction of its own.

use std::time::Duration;

use sealrock_eventstore::LedgerKind;

use super::append::Appender;
use super::rows::Inserts;
use crate::harness::{Options, PrivatePostgres, Report, Target, alternate, closed_loop, open_loop};

/// Appends a second that are offered.
const OFFERED: f64 = 10_000.0;
const CONNECTIONS: u32 = 8;

pub async fn run(options: &Options) -> anyhow::Result<()> {
    let mut report = Report::new("latency", "what does a receipt cost in waiting?");
    let postgres = PrivatePostgres::start(options).await?;
    let store = postgres.store("ours", CONNECTIONS).await?;
    let ledger = store
        .create_ledger(&"one".parse()?, LedgerKind::Operational, false)
        .await?;
    let inserts = Inserts::new(&postgres.database("inserted").await?, 1).await?;
    let appender = Appender::new(&store, &[ledger.id]);
    let span = Duration::from_secs(options.seconds);
    let one = async |clients| {
        let appender = appender.clone();
        closed_loop(clients, span, move |_| appender.clone().append()).await
    };
    // Its streams exist, and everybody's caches are warm.
    one(64).await;
    inserts.load(1, span.min(Duration::from_secs(1))).await;
    let mut inserted_p99 = Vec::new();
    let samples = alternate(
        options.pairs,
        async |_| {
            let load = inserts.load(1, span).await;
            inserted_p99.push(load.ms(0.99));
            checked(&load).map(|()| load.ms(0.5))
        },
        async |_| {
            let load = one(1).await;
            checked(&load).map(|()| load.ms(0.5))
        },
    )
    .await?;
    let sides = ("INSERT, p50", "append by one client, p50");
    report.pairs(sides, "ms", &samples, Some(Target::AtMost(1.5)));
    let (mut offered, mut reached) = (Vec::new(), Vec::new());
    for inserted in &inserted_p99 {
        let load = open_loop(OFFERED, span, |_| appender.clone().append()).await;
        checked(&load)?;
        offered.push((*inserted, load.ms(0.99)));
        reached.push(load.rate());
    }
    let ours = format!("append at {OFFERED} offered a second, p99");
    report.pairs(
        ("INSERT, p99", &ours),
        "ms",
        &offered,
        Some(Target::AtMost(5.0)),
    );
    report.figure("reached of what was offered", "events/s", &reached);
    report.print(options.json)?;
    store.close().await;
    postgres.stop().await;
    Ok(())
}

fn checked(load: &crate::harness::Load) -> anyhow::Result<()> {
    anyhow::ensure!(load.failed == 0, "{} requests failed", load.failed);
    Ok(())
}
