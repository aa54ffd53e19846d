//! A whole command (load, decide, append, receipt) against stock cqrs-es with postgres-es.
//!
//! Both sides run the same aggregate, `Site`, whose code implements `cqrs_es::Aggregate`, and the
//! same command, a new display name, over 10,000 sites in turn: one event a command, as durable.

mod baseline;
mod ours;

use std::time::Duration;

use sealrock_domain::site::RenameSite;

use crate::harness::{
    Chart, CpuMeter, Line, Load, Options, PrivatePostgres, Report, Spent, Target, alternate,
};
pub use baseline::{Kind, Stock};
pub use ours::Ours;

/// Sites, each with a stream of its own.
const STREAMS: u64 = 10_000;
/// Clients of the first two targets, which the baseline gets its best configuration for, too.
const CLIENTS: [(usize, f64); 2] = [(16, 4.0), (64, 8.0)];
const TARGET_AT_BEST: f64 = 12.0;
/// Clients with which both sides are tried for their best.
const TRIED: [usize; 6] = [1, 4, 16, 64, 256, 1024];
/// How long a configuration is tried.
const TRY: Duration = Duration::from_secs(1);

pub async fn run(options: &Options) -> anyhow::Result<()> {
    let mut report = Report::new(
        "command",
        "how many whole commands a second, beside stock cqrs-es with postgres-es?",
    );
    let postgres = PrivatePostgres::start(options).await?;
    let sites = options.scaled(STREAMS);
    report.setting("sites, a stream each", sites);
    let stock = Stock::start(&postgres, "stock", sites).await?;
    let ours = Ours::start(&postgres, "ours", sites).await?;
    let best = stock.best(&TRIED, TRY).await?;
    for (clients, kind, rate) in &best {
        let clients = format!("baseline with {clients} clients is best");
        report.note(format!("{clients} with {kind}: {rate:.0} commands/s"));
    }
    let curve = ours.curve(&TRIED, TRY).await;
    plot(options, &best, &curve)?;
    let cpu = postgres.cpu("clients and framework")?;
    for (clients, target) in CLIENTS {
        let kind = kind_for(&best, clients);
        let both = ((clients, kind), clients);
        compare(options, &mut report, (&stock, &ours), both, &cpu, target).await?;
    }
    let top = best.iter().max_by(|a, b| a.2.total_cmp(&b.2));
    let theirs = top.map_or((16, Kind::DOCUMENTED), |(clients, kind, _)| {
        (*clients, *kind)
    });
    let most = curve.iter().max_by(|a, b| a.1.total_cmp(&b.1));
    let own = most.map_or(1024, |(clients, _)| *clients);
    let (both, target) = ((&stock, &ours), TARGET_AT_BEST);
    compare(options, &mut report, both, (theirs, own), &cpu, target).await?;
    ours.stop().await;
    stock.stop().await;
    postgres.stop().await;
    report.print(options.json)
}

/// Pairs of runs of both sides.
async fn compare(
    options: &Options,
    report: &mut Report,
    (stock, ours): (&Stock, &Ours),
    ((clients, kind), own): ((usize, Kind), usize),
    cpu: &CpuMeter,
    target: f64,
) -> anyhow::Result<()> {
    let span = Duration::from_secs(options.seconds);
    let mut spent = [Spent::default(), Spent::default()];
    let [theirs, mine] = &mut spent;
    let (mut own_p50, mut own_p99) = (Vec::new(), Vec::new());
    let samples = alternate(
        options.pairs,
        async |_| {
            stock.begin_anew().await?;
            let running = stock.open(kind).await?;
            let before = cpu.read();
            let load = running.run(clients, span).await;
            theirs.add(&cpu.since(&before));
            all_answered(&load)
        },
        async |_| {
            let before = cpu.read();
            let load = ours.run(own, span).await;
            mine.add(&cpu.since(&before));
            own_p50.push(load.ms(0.5));
            own_p99.push(load.ms(0.99));
            all_answered(&load)
        },
    )
    .await?;
    let stock_name = format!("cqrs-es, {clients} clients, {kind}");
    let own_name = format!("sealrock, {own} clients");
    let sides = (stock_name.as_str(), own_name.as_str());
    report.pairs(sides, "commands/s", &samples, Some(Target::AtLeast(target)));
    report.figure(format!("{own_name}: p50"), "ms", &own_p50);
    report.figure(format!("{own_name}: p99"), "ms", &own_p99);
    let [theirs, mine] = spent;
    report.cpu(stock_name, theirs);
    report.cpu(own_name, mine);
    Ok(())
}

/// Commands a second; none may have failed.
pub fn all_answered(load: &Load) -> anyhow::Result<f64> {
    anyhow::ensure!(load.failed == 0, "{} commands failed", load.failed);
    Ok(load.rate())
}

fn kind_for(best: &[(usize, Kind, f64)], clients: usize) -> Kind {
    let found = best.iter().find(|(tried, ..)| *tried == clients);
    found.map_or(Kind::DOCUMENTED, |(_, kind, _)| *kind)
}

/// The command with this number: a name that the site does not have yet.
pub fn rename(number: u64) -> anyhow::Result<RenameSite> {
    let display_name = format!(
        "Injection field in the northern sector, wells drilled from one pad, change {number:012} \
         of the name that people read"
    );
    Ok(RenameSite {
        display_name: display_name.parse()?,
    })
}

#[expect(clippy::cast_precision_loss, reason = "at most 1,024 clients")]
fn plot(
    options: &Options,
    best: &[(usize, Kind, f64)],
    curve: &[(usize, f64)],
) -> anyhow::Result<()> {
    let Some(folder) = &options.plots else {
        return Ok(());
    };
    let theirs = best
        .iter()
        .map(|(clients, _, rate)| (*clients as f64, *rate));
    let own = curve.iter().map(|(clients, rate)| (*clients as f64, *rate));
    let line = |label: &str, points| Line {
        label: label.to_owned(),
        points,
    };
    let chart = Chart {
        title: "Whole commands, 10,000 streams",
        x: "clients",
        y: "commands/s",
        logarithmic: true,
        lines: vec![
            line("sealrock", own.collect()),
            line(
                "cqrs-es with postgres-es, best of its settings",
                theirs.collect(),
            ),
        ],
    };
    chart.write(folder, "command")
}
