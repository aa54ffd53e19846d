//! `sealrock demo`: a whole CCS chain on one machine.

mod books;
mod commissioning;
mod credits;
mod history;
mod kept;
mod measured;
mod people;
mod registration;
mod sending;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use sealrock_eventstore::EventStore;
use sealrock_simulator::{
    Boot, Device, FleetOptions, Options, Overflow, ProgressSink, Schedule, Seed, run_fleet, stop,
};

use crate::cli::Demo;
use crate::config::{Config, Span};
use crate::node::{Node, stop_requested};
use crate::platform::Platform;
use crate::roles::Roles;
use crate::surroundings::Addresses;
use books::Books;
use commissioning::commission;
use history::{Past, beginning};
use people::People;
use registration::register;

const ORGANISATION: &str = "demo";
/// Issues credits to it, and is another organisation.
const REGISTRY: &str = "demo-registry";
/// Nothing of the demonstration comes late, and who looks at it does not wait.
const SEAL_AFTER: Span = Span(Duration::from_secs(1));
/// How often progress is printed.
const PROGRESS: Duration = Duration::from_secs(5);

/// Runs the demonstration until Ctrl-C.
///
/// # Errors
/// If something does not start.
pub async fn run(mut config: Config, arguments: Demo) -> anyhow::Result<()> {
    config.demo = true;
    config.roles = Roles::default();
    config.development = true;
    if config.seal_after == Config::default().seal_after {
        config.seal_after = SEAL_AFTER;
    }
    config.mqtt_ws = config
        .mqtt_ws
        .or(Some(SocketAddr::from(([127, 0, 0, 1], 9001))));
    if arguments.fresh {
        begin_anew(&config)?;
    }
    println!("starting Postgres, the ledger, the broker and the simulated devices …");
    let node = Node::start(&config).await?;
    let outcome = simulate(&config, &node, &arguments).await;
    node.stop().await;
    outcome
}

async fn simulate(config: &Config, node: &Node, arguments: &Demo) -> anyhow::Result<()> {
    let devices = register(config, node).await?;
    let books = books(config, &node.platform, arguments).await?;
    let ids = devices.iter().map(|device| device.id).collect();
    let past = Past::recorded(&node.platform.store, arguments, ids).await?;
    let schedule = Schedule::new(chrono::Utc::now(), arguments.interval, 1.0)?;
    let devices = devices.into_iter().map(|device| Device {
        history: Some(past.of(device.id)),
        credential: device.credential,
        model: device.model,
        seed: Seed(arguments.seed),
        schedule,
        boot: Boot::random(),
    });
    let devices = devices.collect();
    println!("{}", welcome(config, node.addresses, arguments));
    let (stop_handle, stop) = stop();
    let progress = ProgressSink::default();
    let (sink, reporting) = (
        progress.clone(),
        report(node.platform.store.clone(), progress),
    );
    // A history loses nothing by waiting.
    let options = FleetOptions {
        publisher: Options {
            overflow: Overflow::Wait,
            ..Options::default()
        },
        ..FleetOptions::default()
    };
    let fleet = tokio::spawn(async move { run_fleet(devices, options, &sink, &stop).await });
    tokio::select! {
        requested = stop_requested() => requested?,
        () = reporting => {}
        () = books.keep() => {}
    }
    stop_handle.stop();
    fleet.await.context("the simulated devices")?;
    Ok(())
}

/// The people, their plants in service, and the books that they keep.
async fn books(config: &Config, platform: &Platform, arguments: &Demo) -> anyhow::Result<Books> {
    let Platform {
        store, commands, ..
    } = platform;
    let people = People::hired(store.pool(), &config.data).await?;
    let first = beginning(store, arguments).await?;
    commission(commands, &people, first).await?;
    Books::open(store, commands.clone(), people, first.date_naive()).await
}

/// Prints how much has arrived, until dropped.
async fn report(store: EventStore, progress: ProgressSink) {
    let mut every = tokio::time::interval(PROGRESS);
    every.tick().await;
    loop {
        every.tick().await;
        let entries = match ORGANISATION.parse() {
            Ok(name) => match store.ledger(&name).await {
                Ok(Some(ledger)) => store.size(ledger.id).await.unwrap_or_default(),
                _ => 0,
            },
            Err(_) => 0,
        };
        println!("devices: {}; ledger: {entries} entries", progress.get());
    }
}

/// Deletes what an earlier demonstration left, and nothing that is not one's data folder.
fn begin_anew(config: &Config) -> anyhow::Result<()> {
    let (data, postgres) = (&config.data, config.postgres_folder());
    anyhow::ensure!(
        sealrock_postgres::attach(&postgres).is_none(),
        "a server runs on {}: stop it first",
        data.display()
    );
    let ours = postgres.exists() || !data.exists() || std::fs::read_dir(data)?.next().is_none();
    anyhow::ensure!(
        ours,
        "{} holds something else than a demonstration: choose another --data",
        data.display()
    );
    for folder in [&postgres, data] {
        if folder.exists() {
            std::fs::remove_dir_all(folder)
                .with_context(|| format!("cannot delete {}", folder.display()))?;
        }
    }
    Ok(())
}

fn welcome(config: &Config, at: Addresses, arguments: &Demo) -> String {
    // As it was called, so that the lines can be pasted.
    let program = std::env::args()
        .next()
        .unwrap_or_else(|| "sealrock".to_owned());
    let (http, live) = (at.http_url(), at.ws_url());
    let mqtt = at
        .mqtt_url()
        .map_or_else(String::new, |mqtt| format!("MQTT     {mqtt}\n"));
    let (data, people) = (config.data.display(), people::FILE);
    let websocket = at
        .mqtt_ws_url()
        .map_or_else(String::new, |ws| format!("MQTT/WS  {ws}\n"));
    let (days, day) = (arguments.days, arguments.day);
    format!(
        "
Sealrock is running, with data flowing. A new demonstration begins {days} days ago; a day of the past
takes {day:?}. When its hours are sealed, what was captured and injected is recorded, approved by a
second person, and credited. Yesterday is left to you.

GraphQL  {http}/graphql   (a page to try queries on, in a browser)
Live     {live}/graphql/ws
{mqtt}{websocket}Ingest   {http}/ingest
Health   {http}/readyz   {http}/metrics
Data     {data}
People   operator, site-manager, hq-manager and mrv of demo, registrar of demo-registry;
         their passwords: {data}/{people}

What to try next, in another terminal (docs/tour.md tells the whole tour):
  {program} device add --data {data} --org demo --site kericho-tea --name my-probe --json
  {program} projections status --data {data}
  {program} export demo ./export --data {data} && {program} verify ./export
  {program} fsck demo --data {data}
Ctrl-C stops; the data stay.
"
    )
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]
mod tests {
    use super::*;
    use crate::organisation::parse_kind;
    use sealrock_domain::asset::AssetKind;
    use sealrock_domain::site::SiteKind;
    use sealrock_domain::telemetry::{Verdict, assess, decode};
    use sealrock_simulator::replay::Mapping;
    use sealrock_simulator::{Credential, demo_fleet};

    #[test]
    fn every_reading_of_the_demonstration_counts() {
        let start = chrono::Utc::now() - chrono::TimeDelta::days(1);
        for spec in demo_fleet() {
            let device = Device {
                credential: Credential::from_json(
                    br#"{"id":"d","secret":"s","org":"demo","site":"s","name":"n",
                        "topic":"sealrock/v1/demo/s/n/batch","mqtt":"localhost:1883"}"#,
                )
                .unwrap(),
                model: spec.model,
                seed: Seed(1),
                history: None,
                schedule: Schedule::new(start, Duration::from_mins(20), 1.0).unwrap(),
                boot: Boot::random(),
            };
            for batch in device.batches().take(72) {
                let batch = decode(&batch.bytes).unwrap();
                for assessed in assess(&batch, chrono::Utc::now()) {
                    let good = matches!(assessed.verdict, Verdict::Good { .. });
                    assert!(good, "{}: {assessed:?}", spec.name);
                }
            }
        }
    }

    #[test]
    fn the_demonstrations_sites_and_assets_are_of_kinds_that_the_platform_knows() {
        for spec in demo_fleet() {
            parse_kind::<SiteKind>("site", spec.site_kind).unwrap();
            parse_kind::<AssetKind>("asset", spec.asset_kind).unwrap();
        }
    }

    #[test]
    fn the_mappings_of_recorded_data_name_metrics_and_units_of_the_catalogue() {
        for name in Mapping::builtin_names() {
            for column in Mapping::builtin(name).unwrap().columns {
                let metric = column.metric.parse().unwrap();
                let known = sealrock_domain::telemetry::metric::find(&metric);
                let known = known.unwrap_or_else(|| panic!("{name}: {} is unknown", column.metric));
                assert!(
                    known.accepts(&column.unit),
                    "{name}: {} in {}",
                    column.metric,
                    column.unit
                );
            }
        }
    }
}
