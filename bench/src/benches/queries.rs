//! Queries over a year's history: GraphQL over HTTP against one prepared statement on the same tables.

use std::time::Duration;

use crate::dataset::{Asked, Asker, DataSet, Extent, Question};
use crate::harness::{CpuMeter, Load, Options, Report, Spent, Target, open_loop, resident_kb};

/// Questions a second, of one kind at a time.
const RATE: f64 = 40.0;
/// Batches at scale 1; ten readings each.
pub const BATCHES: u64 = 5_000_000;

pub async fn run(options: &Options) -> anyhow::Result<()> {
    let temporary = tempfile::tempdir()?;
    let dir = options.dir.as_deref().unwrap_or(temporary.path());
    let set = DataSet::of(dir, Extent::Year(options.scaled(BATCHES))).await?;
    let asked = Asked::of(&set, &api_only()).await?;
    let mut report = Report::new("queries", "how long do answers take over a year's history?");
    let entries = set.samples().last().map_or(0, |sample| sample.entries);
    report.setting("entries", entries);
    report.setting("questions a second", RATE);
    let meter = CpuMeter::own("client")
        .process("server", asked.server_pid())
        .tree("postgres", asked.postgres_pid()?);
    for question in Question::ALL {
        measure(options, &asked.asker(), question, &meter, &mut report).await?;
    }
    let megabytes = resident_kb(asked.server_pid()) / 1024;
    report.note(format!(
        "the server had {megabytes} MB in memory at the end"
    ));
    asked.stop().await;
    report.print(options.json)
}

/// A server that answers and does nothing else: no broker, no sealing of the past.
pub fn api_only() -> [(&'static str, String); 1] {
    [("SEALROCK_ROLES", "api".to_owned())]
}

async fn measure(
    options: &Options,
    asker: &Asker,
    question: Question,
    meter: &CpuMeter,
    report: &mut Report,
) -> anyhow::Result<()> {
    let name = question.name();
    warm(asker, question).await?;
    let span = Duration::from_secs(options.seconds) / 2;
    let (mut p50, mut p99) = (Vec::new(), Vec::new());
    let mut spent = [Spent::default(), Spent::default()];
    for pair in 0..options.pairs {
        let order = if pair % 2 == 0 { [0, 1] } else { [1, 0] };
        let mut of_pair = [(0.0, 0.0); 2];
        for side in order {
            let before = meter.read();
            let load = match side {
                0 => by_sql(asker, question, span).await,
                _ => by_graphql(asker, question, span).await,
            };
            spent[side].add(&meter.since(&before));
            anyhow::ensure!(load.failed == 0, "{name}: {} failed", load.failed);
            of_pair[side] = (load.ms(0.5), load.ms(0.99));
        }
        p50.push((of_pair[0].0, of_pair[1].0));
        p99.push((of_pair[0].1, of_pair[1].1));
    }
    report.pairs(
        (&format!("{name}, SQL, p50"), &format!("{name}, p50")),
        "ms",
        &p50,
        None,
    );
    let sql: Vec<f64> = p99.iter().map(|pair| pair.0).collect();
    let ours: Vec<f64> = p99.iter().map(|pair| pair.1).collect();
    report.figure(format!("{name}, SQL, p99"), "ms", &sql);
    report.target(format!("{name}, p99"), "ms", &ours, Target::AtMost(20.0));
    let [sql, graphql] = spent;
    report.cpu(format!("{name}, SQL"), sql);
    report.cpu(format!("{name}, GraphQL"), graphql);
    Ok(())
}

/// Caches, connections and plans as they are in a server that runs for some time; and that the answer
/// is one.
pub async fn warm(asker: &Asker, question: Question) -> anyhow::Result<()> {
    for number in 0..200 {
        let answer = asker.graphql(question, number).await?;
        let text = String::from_utf8_lossy(&answer);
        let good = text.starts_with(r#"{"data""#) && !text.contains(r#""errors""#);
        anyhow::ensure!(good, "{}: {text:.500}", question.name());
        anyhow::ensure!(asker.sql(question, number).await? > 0, "no rows");
    }
    Ok(())
}

pub async fn by_graphql(asker: &Asker, question: Question, span: Duration) -> Load {
    open_loop(RATE, span, |number| {
        let asker = asker.clone();
        async move {
            let answer = asker.graphql(question, number).await;
            answer.is_ok_and(|answer| answer.starts_with(br#"{"data""#))
        }
    })
    .await
}

async fn by_sql(asker: &Asker, question: Question, span: Duration) -> Load {
    open_loop(RATE, span, |number| {
        let asker = asker.clone();
        async move { asker.sql(question, number).await.is_ok() }
    })
    .await
}
