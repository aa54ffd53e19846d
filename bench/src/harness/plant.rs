//! A plant with devices on a private Postgres that syncs to disk.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use chrono::Utc;
use ed25519_dalek::{Signer, SigningKey};
use futures::StreamExt;
use sealrock_commands::{Commands, DeviceIdentity, Devices};
use sealrock_domain::device::{PublicKey, RegisterDevice};
use sealrock_domain::organisation::RegisterOrganisation;
use sealrock_domain::site::{RegisterSite, SiteKind};
use sealrock_domain::telemetry::Source;
use sealrock_domain::telemetry::frame::{FRAME_VERSION, signed_text};
use sealrock_domain::{Attributes, CredentialId, DeviceId, Slug};
use sealrock_eventstore::{EventStore, KeyFiles};
use sealrock_postgres::{Config, Postgres};
use uuid::Uuid;

use super::context;

const DEVICES: u64 = 16;
/// Batches that wait for their receipt at the same time.
const IN_FLIGHT: usize = 512;
const CONNECTIONS: u32 = 8;

/// Whether devices sign their batches.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Signing {
    No,
    All,
}

pub struct Plant {
    postgres: Postgres,
    store: EventStore,
    devices: Devices,
    identities: Vec<DeviceIdentity>,
    org: Slug,
    origin: String,
    signing: Signing,
}

impl Plant {
    pub async fn start(dir: &Path, signing: Signing) -> anyhow::Result<Self> {
        let postgres = Postgres::start(Config::new(dir.join("postgres"))).await?;
        let login = sealrock_eventstore::connect_as_login(postgres.url(), 1).await?;
        sealrock_eventstore::migrate(&login).await?;
        let pool = sealrock_eventstore::connect(postgres.url(), CONNECTIONS).await?;
        let keys = Arc::new(KeyFiles::new(dir.join("keys")));
        let store = EventStore::open(pool, keys, "sealrock.bench").await?;
        let commands = Commands::new(store.clone(), false);
        let org: Slug = "northsea".parse()?;
        let site: Slug = "plant-1".parse()?;
        let organisation = RegisterOrganisation {
            slug: org.clone(),
            display_name: "Benchmark".parse()?,
            demo: false,
            registry: false,
        };
        commands
            .register_organisation(&context(), organisation)
            .await?;
        let kind = SiteKind::CapturePlant;
        let plant = RegisterSite::new(org.clone(), site.clone(), "Plant".parse()?, kind);
        commands.register_site(&context(), plant).await?;
        let devices = Devices::new(commands.clone());
        let mut identities = Vec::new();
        for number in 0..DEVICES {
            let device = device(&org, &site, number, signing)?;
            let registered = commands.register_device(&context(), device).await?;
            let secret = registered.secret.context("a new device has a secret")?;
            let signed_in = devices
                .authenticate(registered.device, &secret.reveal())
                .await?;
            identities.push(signed_in);
        }
        let origin = store.existing(&org.as_str().parse()?).await?.origin;
        Ok(Self {
            postgres,
            store,
            devices,
            identities,
            org,
            origin: origin.to_string(),
            signing,
        })
    }

    /// Batches of six readings, from all devices in turn; `first` were recorded before.
    pub async fn record(&self, first: u64, batches: u64) -> anyhow::Result<()> {
        let mut receipts = futures::stream::iter(first..first + batches)
            .map(|number| self.batch(number))
            .buffer_unordered(IN_FLIGHT);
        while let Some(receipt) = receipts.next().await {
            receipt?;
        }
        Ok(())
    }

    async fn batch(&self, number: u64) -> anyhow::Result<()> {
        let device = usize::try_from(number % DEVICES)?;
        let mut bytes = batch(number / DEVICES + 1).into_bytes();
        if self.signing == Signing::All {
            let id = self.identities[device].device;
            bytes = frame(&key(number % DEVICES), &self.origin, id, &bytes);
        }
        self.devices
            .record_batch(&self.identities[device], "process:bench", Utc::now(), bytes)
            .await?;
        Ok(())
    }

    pub async fn export(&self, dir: &Path) -> anyhow::Result<()> {
        let name = self.org.as_str().parse()?;
        let ledger = self.store.existing(&name).await?;
        sealrock_audit::export(&self.store, &ledger, dir, &mut |_| {}).await?;
        Ok(())
    }

    pub async fn stop(self) {
        self.store.close().await;
        self.store.pool().close().await;
        self.postgres.stop().await;
    }
}

fn device(
    org: &Slug,
    site: &Slug,
    number: u64,
    signing: Signing,
) -> anyhow::Result<RegisterDevice> {
    Ok(RegisterDevice {
        org: org.clone(),
        site: site.clone(),
        name: format!("meter-{number}").parse()?,
        display_name: format!("Meter {number}").parse()?,
        asset: None,
        source: Source::Real,
        public_key: (signing == Signing::All)
            .then(|| PublicKey::new(key(number).verifying_key().to_bytes())),
        credential: CredentialId(Uuid::nil()), // replaced by the command
        metadata: Attributes::default(),
        sensors: Vec::new(),
    })
}

/// The key of the device with that number.
fn key(number: u64) -> SigningKey {
    let mut seed = [7; 32];
    seed[..8].copy_from_slice(&number.to_be_bytes());
    SigningKey::from_bytes(&seed)
}

/// A batch with its device's signature in front.
fn frame(key: &SigningKey, origin: &str, device: DeviceId, batch: &[u8]) -> Vec<u8> {
    let id = PublicKey::new(key.verifying_key().to_bytes()).id();
    let signature = key.sign(&signed_text(origin, device, batch)).to_bytes();
    [&[FRAME_VERSION], &id.as_bytes()[..], &signature, batch].concat()
}

fn batch(seq: u64) -> String {
    let at = Utc::now().format("%Y-%m-%dT%H:%M:%S%.3fZ");
    let tenths = seq % 100;
    let reading = |metric: &str, base: u64, unit: &str| {
        format!(r#"{{"metric":"{metric}","at":"{at}","value":{base}.{tenths:02},"unit":"{unit}"}}"#)
    };
    let readings = [
        reading("co2_ppm", 412, "ppm"),
        reading("temperature", 21, "degC"),
        reading("humidity", 40, "%"),
        reading("pressure", 1013, "hPa"),
        reading("flow_rate", 12, "t/h"),
        reading("active_power", 230, "kW"),
    ];
    format!(
        r#"{{"seq":{seq},"readings":[{}],"device_time":"{at}"}}"#,
        readings.join(",")
    )
}
