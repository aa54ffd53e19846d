#![doc = include_str!("../README.md")]
#![expect(
    clippy::doc_markdown,
    clippy::similar_names,
    reason = "prose names products; what is built comes of a build, and a site has a side"
)]

mod benches;
mod dataset;
mod harness;

use clap::{Parser, ValueEnum};

use harness::Options;

#[derive(Parser)]
#[command(about, long_about = None)]
struct Cli {
    /// Which
    bench: Bench,
    #[command(flatten)]
    options: Options,
}

/// The benchmarks; `all` runs one after the other.
#[derive(ValueEnum, Clone, Copy, PartialEq)]
enum Bench {
    All,
    Append,
    Latency,
    Command,
    Stream,
    Mqtt,
    External,
    Verify,
    Rebuild,
    Queries,
    Growth,
    Subscribers,
    Overload,
    Retention,
    /// Verifies the export in `--dir` and ends: `verify` runs it to see what memory that takes
    #[value(hide = true)]
    VerifyExport,
    /// The baseline of `subscribers`, which starts it
    #[value(hide = true)]
    NotifyServer,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .expect("nothing in this process has chosen a provider before main");
    let Cli { bench, options } = Cli::parse();
    if bench == Bench::VerifyExport {
        return benches::verify::export(&options);
    }
    if bench == Bench::NotifyServer {
        return benches::subscribers::serve_baseline().await;
    }
    let all = bench == Bench::All;
    if all || bench == Bench::Append {
        benches::append::run(&options).await?;
    }
    if all || bench == Bench::Latency {
        benches::latency::run(&options).await?;
    }
    if all || bench == Bench::Command {
        benches::command::run(&options).await?;
    }
    if all || bench == Bench::Stream {
        benches::stream::run(&options).await?;
    }
    if all || bench == Bench::Mqtt {
        benches::mqtt::run(&options).await?;
    }
    if all || bench == Bench::External {
        benches::external::run(&options).await?;
    }
    if all || bench == Bench::Verify {
        benches::verify::run(&options).await?;
    }
    if all || bench == Bench::Rebuild {
        benches::rebuild::run(&options).await?;
    }
    if all || bench == Bench::Queries {
        benches::queries::run(&options).await?;
    }
    if all || bench == Bench::Growth {
        benches::growth::run(&options).await?;
    }
    if all || bench == Bench::Subscribers {
        benches::subscribers::run(&options).await?;
    }
    if all || bench == Bench::Overload {
        benches::overload::run(&options).await?;
    }
    if all || bench == Bench::Retention {
        benches::retention::run(&options).await?;
    }
    Ok(())
}
