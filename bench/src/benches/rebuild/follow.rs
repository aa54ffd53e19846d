//! How far behind the read models are while batches come, and what that costs.

use std::time::{Duration, Instant};

use sealrock_eventstore::EventStore;
use sealrock_projections::Runner;
use tokio_util::sync::CancellationToken;

use super::ledger;
use crate::harness::{Options, PrivatePostgres, Report, Target, open_loop};

/// Batches a second, of ten readings each, that the plant of target 5 sends.
const OFFERED: f64 = 8_000.0;
/// Appended together, as the writer would find them waiting.
const TOGETHER: u64 = 8;
const MODELS: [&str; 3] = ["readings", "latest", "rollups"];
const SAMPLE: Duration = Duration::from_millis(50);

/// Appends batches at target 5's rate in this process, without a broker, while all read models follow.
pub async fn run(
    report: &mut Report,
    options: &Options,
    postgres: &PrivatePostgres,
) -> anyhow::Result<()> {
    let store = postgres.store("followed", super::CONNECTIONS).await?;
    let ledger = ledger::begin(&store).await?;
    let runner = Runner::new(store.clone(), sealrock_projections::all());
    let token = CancellationToken::new();
    let running = tokio::spawn({
        let (runner, token) = (runner.clone(), token.clone());
        async move { runner.run(token).await }
    });
    let sampling = tokio::spawn(greatest_lag(
        store.clone(),
        runner,
        ledger.id,
        token.clone(),
    ));
    let meter = postgres.cpu("writer, folds and generator")?;
    let before = meter.read();
    let span = Duration::from_secs(options.seconds.max(5) * 2);
    #[expect(clippy::cast_precision_loss, reason = "a small constant")]
    let appends = OFFERED / TOGETHER as f64;
    let load = open_loop(appends, span, |number| {
        let (store, ledger) = (store.clone(), ledger.clone());
        let batches = ledger::live(number * TOGETHER..(number + 1) * TOGETHER);
        async move { ledger::append(&store, &ledger, batches).await.is_ok() }
    })
    .await;
    report.cpu(format!("following for {span:?}"), meter.since(&before));
    tokio::time::sleep(Duration::from_secs(1)).await;
    token.cancel();
    running.await?;
    let lag = sampling.await?;
    anyhow::ensure!(load.failed == 0, "{} appends failed", load.failed);
    #[expect(clippy::cast_precision_loss, reason = "a small constant")]
    let batches = load.rate() * TOGETHER as f64;
    report.figure("following: batches recorded", "batches/s", &[batches]);
    for (model, lag) in MODELS.iter().zip(lag) {
        let what = format!("following: {model} at most behind");
        report.target(what, "s", &[lag], Target::AtMost(2.0));
    }
    store.close().await;
    Ok(())
}

/// Of each model, the greatest age of an entry that it had not folded.
async fn greatest_lag(
    store: EventStore,
    runner: Runner,
    ledger: sealrock_eventstore::LedgerId,
    token: CancellationToken,
) -> [f64; 3] {
    let size = store.watch_size(ledger);
    let positions = MODELS.map(|model| runner.positions().watch(model, ledger));
    let mut grown: Vec<(Instant, u64)> = Vec::new();
    let mut greatest = [0.0_f64; 3];
    while !token.is_cancelled() {
        let now = Instant::now();
        grown.push((now, *size.borrow()));
        for (position, greatest) in positions.iter().zip(&mut greatest) {
            let next = *position.borrow();
            // The first moment at which there was more than is folded now.
            let waiting = grown.partition_point(|(_, size)| *size <= next);
            if let Some((since, _)) = grown.get(waiting) {
                *greatest = greatest.max(now.duration_since(*since).as_secs_f64());
            }
        }
        tokio::time::sleep(SAMPLE).await;
    }
    greatest
}
