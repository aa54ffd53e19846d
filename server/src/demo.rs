//! `sealrock demo`: a whole CCS chain on one machine.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use sealrock_commands::{CommandError, Context};
use sealrock_domain::asset::RegisterAsset;
use sealrock_domain::device::RegisterDevice;
use sealrock_domain::organisation::RegisterOrganisation;
use sealrock_domain::site::{RegisterSite, SiteKind};
use sealrock_domain::telemetry::Source;
use sealrock_domain::{Attributes, CredentialId, Slug};
use sealrock_simulator::{
    Boot, Credential, Device, DeviceSpec, FleetOptions, ProgressSink, Schedule, Seed, demo_fleet,
    run_fleet, stop,
};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::cli::{Demo, DeviceName, Json};
use crate::config::Config;
use crate::device::as_json;
use crate::node::{Node, stop_requested};
use crate::organisation::parse_kind;
use crate::platform::{Platform, cli_context_of};
use crate::surroundings::Addresses;

const ORGANISATION: &str = "demo";
/// How often progress is printed.
const PROGRESS: Duration = Duration::from_secs(5);

/// Runs the demonstration until Ctrl-C.
///
/// # Errors
/// If something does not start.
pub async fn run(mut config: Config, arguments: Demo) -> anyhow::Result<()> {
    config.demo = true;
    config.development = true;
    config.mqtt_ws = config
        .mqtt_ws
        .or(Some(SocketAddr::from(([127, 0, 0, 1], 9001))));
    if arguments.fresh {
        begin_anew(&config)?;
    }
    println!("starting Postgres, the ledger, the broker and eight simulated devices …");
    let node = Node::start(&config).await?;
    let outcome = simulate(&config, &node, &arguments).await;
    node.stop().await;
    outcome
}

async fn simulate(config: &Config, node: &Node, arguments: &Demo) -> anyhow::Result<()> {
    let devices = register(config, node).await?;
    let devices = devices
        .into_iter()
        .map(|(model, credential)| {
            Ok(Device {
                credential,
                model,
                seed: Seed(arguments.seed),
                schedule: Schedule::new(chrono::Utc::now(), arguments.interval, 1.0)?,
                boot: Boot::random(),
            })
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    println!("{}", welcome(config, node.addresses));
    let (stop_handle, stop) = stop();
    let progress = ProgressSink::default();
    let (sink, reporting) = (
        progress.clone(),
        report(node.platform.store.clone(), progress),
    );
    let fleet =
        tokio::spawn(
            async move { run_fleet(devices, FleetOptions::default(), &sink, &stop).await },
        );
    tokio::select! {
        requested = stop_requested() => requested?,
        () = reporting => {}
    }
    stop_handle.stop();
    fleet.await.context("the simulated devices")?;
    Ok(())
}

/// Registers what is not registered yet; the credentials of earlier runs are kept.
async fn register(
    config: &Config,
    node: &Node,
) -> anyhow::Result<Vec<(sealrock_simulator::Model, Credential)>> {
    let organisation: Slug = ORGANISATION.parse()?;
    let mut kept = Kept::read(&config.data)?;
    register_organisation(&node.platform, &organisation).await?;
    let mut devices = Vec::new();
    for spec in demo_fleet() {
        register_place(&node.platform, &organisation, &spec).await?;
        let name = DeviceName {
            org: organisation.clone(),
            site: spec.site.to_string().parse()?,
            name: spec.name.to_string().parse()?,
            json: Json { json: true },
        };
        let credential = kept.credential(node, &name, &spec).await?;
        devices.push((spec.model, credential));
    }
    kept.write()?;
    Ok(devices)
}

async fn register_organisation(platform: &Platform, organisation: &Slug) -> anyhow::Result<()> {
    let command = RegisterOrganisation {
        slug: organisation.clone(),
        display_name: "Sealrock demonstration".parse()?,
    };
    let context = context_of(&format!("organisation/{organisation}"));
    platform
        .commands
        .register_organisation(&context, command)
        .await?;
    Ok(())
}

async fn register_place(platform: &Platform, org: &Slug, spec: &DeviceSpec) -> anyhow::Result<()> {
    let (site, asset): (Slug, Slug) = (
        spec.site.to_string().parse()?,
        spec.asset.to_string().parse()?,
    );
    let kind: SiteKind = parse_kind("site", spec.site_kind)?;
    let display_name = spec.site_display_name.parse()?;
    let mut command = RegisterSite::new(org.clone(), site.clone(), display_name, kind);
    command.country = Some(spec.country.to_owned().try_into()?);
    let context = context_of(&format!("site/{org}/{site}"));
    platform.commands.register_site(&context, command).await?;

    let command = RegisterAsset {
        org: org.clone(),
        site: site.clone(),
        slug: asset.clone(),
        display_name: spec.asset_display_name.parse()?,
        asset_kind: parse_kind("asset", spec.asset_kind)?,
        assumptions: Attributes::default(),
    };
    let context = context_of(&format!("asset/{org}/{site}/{asset}"));
    platform.commands.register_asset(&context, command).await?;
    Ok(())
}

/// The same command id at each start, so that a second start records nothing.
fn context_of(what: &str) -> Context {
    let name = format!("sealrock:demo/{what}");
    cli_context_of(Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()))
}

/// The devices' credentials, by name, in a file for the owner only.
struct Kept {
    path: PathBuf,
    credentials: Map<String, Value>,
}

impl Kept {
    fn read(data: &Path) -> anyhow::Result<Self> {
        let path = data.join("demo-devices.json");
        let credentials = match std::fs::read(&path) {
            Ok(kept) => serde_json::from_slice(&kept)
                .with_context(|| format!("{} is damaged: delete it", path.display()))?,
            Err(_) => Map::new(),
        };
        Ok(Self { path, credentials })
    }

    async fn credential(
        &mut self,
        node: &Node,
        name: &DeviceName,
        spec: &DeviceSpec,
    ) -> anyhow::Result<Credential> {
        let key = format!("{}/{}", name.site, name.name);
        let mut credential = match self.credentials.remove(&key) {
            Some(kept) => kept,
            None => new_credential(node, name, spec).await?,
        };
        // The broker may have another port than the last time.
        credential["mqtt"] = format!("mqtt://{}", node.addresses.mqtt).into();
        let parsed = Credential::from_json(&serde_json::to_vec(&credential)?)?;
        self.credentials.insert(key, credential);
        Ok(parsed)
    }

    fn write(&self) -> anyhow::Result<()> {
        use std::io::Write;
        use std::os::unix::fs::OpenOptionsExt;
        let mut options = std::fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&self.path)?;
        file.write_all(&serde_json::to_vec_pretty(&self.credentials)?)?;
        Ok(())
    }
}

/// Registers the device; one whose secret is not known (any more) gets a new one.
async fn new_credential(
    node: &Node,
    name: &DeviceName,
    spec: &DeviceSpec,
) -> anyhow::Result<Value> {
    let commands = &node.platform.commands;
    let context = cli_context_of(Uuid::now_v7());
    let registered = match commands
        .register_device(&context, registration(name, spec)?)
        .await
    {
        Err(CommandError::Rejected(_)) => {
            let context = cli_context_of(Uuid::now_v7());
            commands
                .rotate_credential(&context, &name.org, &name.site, &name.name)
                .await?
        }
        registered => registered?,
    };
    Ok(as_json(name, &registered, node.addresses))
}

fn registration(name: &DeviceName, spec: &DeviceSpec) -> anyhow::Result<RegisterDevice> {
    Ok(RegisterDevice {
        org: name.org.clone(),
        site: name.site.clone(),
        name: name.name.clone(),
        display_name: spec.display_name.parse()?,
        asset: Some(spec.asset.to_string().parse()?),
        source: Source::Simulator,
        public_key: None,
        credential: CredentialId(Uuid::nil()), // replaced by the command
        metadata: Attributes::default(),
        sensors: Vec::new(),
    })
}

/// Prints how much has arrived, until dropped.
async fn report(store: sealrock_eventstore::EventStore, progress: ProgressSink) {
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

fn welcome(config: &Config, at: Addresses) -> String {
    let Addresses { http, mqtt, .. } = at;
    let data = config.data.display();
    let websocket = at
        .mqtt_ws
        .map_or_else(String::new, |ws| format!("MQTT/WS  ws://{ws}/mqtt\n"));
    format!(
        "
Sealrock is running, with data flowing.

GraphQL  http://{http}/graphql   (a page to try queries on, in a browser)
Live     ws://{http}/graphql/ws
MQTT     mqtt://{mqtt}
{websocket}Ingest   http://{http}/ingest
Health   http://{http}/readyz   http://{http}/metrics
Data     {data}

What to try next, in another terminal (docs/tour.md tells the whole tour):
  sealrock device add --data {data} --org demo --site kericho-tea --name my-probe --json
  sealrock projections status --data {data}
  sealrock export demo ./export --data {data} && sealrock verify ./export
  sealrock fsck demo --data {data}
Ctrl-C stops; the data stay.
"
    )
}

#[cfg(test)]
#[expect(
    clippy::unwrap_used,
    reason = "a failed set-up is a failed test"
)]
mod tests {
    use super::*;
    use sealrock_domain::asset::AssetKind;
    use sealrock_domain::telemetry::{Verdict, assess, decode};
    use sealrock_simulator::replay::Mapping;

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
                assert!(known.accepts(&column.unit), "{name}: {} in {}", column.metric, column.unit);
            }
        }
    }
}
