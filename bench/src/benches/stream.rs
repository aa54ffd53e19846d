//! A command on one stream that has 10,000 events, against stock cqrs-es with postgres-es.

use std::time::{Duration, Instant};

use super::command::{Kind, Ours, Stock, all_answered};
use crate::harness::{Options, PrivatePostgres, Report, Target, alternate};

/// Events that the stream has before.
const EVENTS: u64 = 10_000;

pub async fn run(options: &Options) -> anyhow::Result<()> {
    let mut report = Report::new(
        "stream",
        "how long does a command on a stream of 10,000 events take?",
    );
    let postgres = PrivatePostgres::start(options).await?;
    let events = options.scaled(EVENTS);
    report.setting("events of the stream", events);
    let stock = Stock::start(&postgres, "stock", 1).await?;
    stock.grow(events).await?;
    let mut ours = Ours::start(&postgres, "ours", 1).await?;
    ours.grow(events).await?;
    let span = Duration::from_secs(options.seconds);
    let samples = alternate(
        options.pairs,
        async |_| {
            let running = stock.open(Kind::DOCUMENTED).await?;
            all_answered(&running.run(1, span).await)
        },
        async |_| all_answered(&ours.run(1, span).await),
    )
    .await?;
    let sides = ("cqrs-es, every event at each command", "sealrock, warm");
    let target = Some(Target::AtLeast(100.0));
    report.pairs(sides, "commands/s", &samples, target);
    let samples = alternate(
        options.pairs,
        async |_| {
            let running = stock.open(Kind::DOCUMENTED).await?;
            let begun = Instant::now();
            running.once().await?;
            anyhow::Ok(milliseconds(begun))
        },
        async |_| {
            ours.restart(&postgres).await?;
            let begun = Instant::now();
            ours.once().await?;
            Ok(milliseconds(begun))
        },
    )
    .await?;
    let sides = (
        "cqrs-es, its first command after a restart",
        "sealrock, its first command after a restart",
    );
    report.pairs(sides, "ms", &samples, Some(Target::AtMost(0.01)));
    ours.stop().await;
    stock.stop().await;
    postgres.stop().await;
    report.print(options.json)
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}
