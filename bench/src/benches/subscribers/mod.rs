//! A thousand WebSocket subscribers: how long after the commit does each have what its site sent?
//!
//! Ours is the release binary: devices `POST /ingest`, and each client subscribes to the readings of a
//! site over `graphql-transport-ws`. The baseline is what one would write instead: a process that
//! inserts the same batch, announces it by `NOTIFY` in the same transaction, and copies what it
//! hears from `LISTEN` to the bare WebSockets of that site; its Postgres has the same settings.
//! Latency is from the time that the entry (the row) bears, which the server's transaction took from
//! this machine's clock before it committed, to the client's having read the message.

mod baseline;
mod clients;
mod ours;
mod round;

use std::sync::Arc;
use std::time::Duration;

use crate::harness::{Options, Report, Spent, Target, alternate};

pub use baseline::serve as serve_baseline;
use clients::Audience;
use round::{Round, Side};

const SITES: usize = 50;
const SUBSCRIBERS: usize = 1_000;
const RATE: f64 = 100.0;
/// Devices of a site: enough that none waits for its own answer at a hundred events a second.
const DEVICES: usize = 8;
/// Events a second for one site's thousand subscribers.
const RATES: [f64; 4] = [100.0, 50.0, 20.0, 10.0];
/// What the target allows.
const P99_MS: f64 = 250.0;

pub async fn run(options: &Options) -> anyhow::Result<()> {
    let mut report = Report::new(
        "subscribers",
        "how long after its commit does a reading reach those who subscribed to its site?",
    );
    let sites = usize::try_from(options.scaled(SITES as u64))?;
    let subscribers = usize::try_from(options.scaled(SUBSCRIBERS as u64))?;
    report.setting("subscribers", subscribers);
    report.setting("sites", sites);
    report.setting("events a second in all", RATE);
    report.setting(
        "a delivery's time",
        "from the entry's recordedAt, taken before COMMIT, to the client's read",
    );
    let ours: Arc<Side> = Arc::new(Side::Ours(
        ours::Ours::start(options, sites, DEVICES).await?,
    ));
    let theirs = Box::new(baseline::Baseline::start(options).await?);
    let theirs = Arc::new(Side::Baseline(theirs));
    by_site(options, &mut report, (&theirs, &ours), (sites, subscribers)).await?;
    for side in [&theirs, &ours] {
        one_site(options, &mut report, side, subscribers).await?;
    }
    report.print(options.json)
}

/// Each site's event to its own subscribers: the target.
async fn by_site(
    options: &Options,
    report: &mut Report,
    (theirs, ours): (&Arc<Side>, &Arc<Side>),
    (sites, subscribers): (usize, usize),
) -> anyhow::Result<()> {
    let places: Vec<usize> = (0..subscribers).map(|number| number % sites).collect();
    let span = Duration::from_secs(options.seconds);
    let all: Vec<usize> = (0..sites).collect();
    let mut rounds = [Vec::new(), Vec::new()];
    let heard = [
        Audience::gather(theirs, &places).await?,
        Audience::gather(ours, &places).await?,
    ];
    let [base, own] = &mut rounds;
    let samples = alternate(
        options.pairs,
        async |_| measure(base, theirs, &heard[0], &all, span).await,
        async |_| measure(own, ours, &heard[1], &all, span).await,
    )
    .await?;
    report.pairs(
        ("NOTIFY and bare sockets, p99", "ours, p99"),
        "ms",
        &samples,
        None,
    );
    let p99: Vec<f64> = samples.iter().map(|pair| pair.1).collect();
    report.target("commit to client, p99", "ms", &p99, Target::AtMost(P99_MS));
    let [base, own] = &rounds;
    tell(report, "baseline", base);
    tell(report, "ours", own);
    let wrong: Vec<f64> = own.iter().map(Round::wrong).collect();
    report.target(
        "lost, doubled or out of order",
        "deliveries",
        &wrong,
        Target::AtMost(0.0),
    );
    Ok(())
}

async fn measure(
    rounds: &mut Vec<Round>,
    side: &Arc<Side>,
    audience: &Audience,
    sites: &[usize],
    span: Duration,
) -> anyhow::Result<f64> {
    let round = round::run(side, audience, sites, RATE, span).await?;
    let p99 = round.ms(0.99);
    rounds.push(round);
    Ok(p99)
}

fn tell(report: &mut Report, who: &str, rounds: &[Round]) {
    let each = |of: &dyn Fn(&Round) -> f64| rounds.iter().map(of).collect::<Vec<_>>();
    report.figure(format!("{who}: p50"), "ms", &each(&|round| round.ms(0.5)));
    report.figure(
        format!("{who}: slowest"),
        "ms",
        &each(&|round| round.ms(1.0)),
    );
    report.figure(format!("{who}: deliveries"), "/s", &each(&Round::rate));
    report.figure(
        format!("{who}: lost"),
        "deliveries",
        &each(&|round| round.lost),
    );
    report.figure(
        format!("{who}: doubled"),
        "deliveries",
        &each(&|round| round.doubled),
    );
    report.figure(
        format!("{who}: out of order"),
        "deliveries",
        &each(&|round| round.disordered),
    );
    let mut spent = Spent::default();
    for round in rounds {
        spent.add(&round.cpu);
    }
    report.cpu(format!("{who}, {} runs", rounds.len()), spent);
}

/// One site's events to all subscribers: the first rate that holds, from the highest down.
async fn one_site(
    options: &Options,
    report: &mut Report,
    side: &Arc<Side>,
    subscribers: usize,
) -> anyhow::Result<()> {
    let span = Duration::from_secs(options.seconds);
    let audience = Audience::gather(side, &vec![0; subscribers]).await?;
    for rate in RATES {
        let round = round::run(side, &audience, &[0], rate, span).await?;
        let who = format!("{}, one site to all, {rate} events/s", side.name());
        report.figure(format!("{who}: p99"), "ms", &[round.ms(0.99)]);
        report.figure(format!("{who}: deliveries"), "/s", &[round.rate()]);
        report.figure(format!("{who}: lost"), "deliveries", &[round.lost]);
        report.cpu(who, round.cpu.clone());
        if round.ms(0.99) <= P99_MS && round.lost == 0.0 {
            break;
        }
    }
    Ok(())
}
