//! A database with the write side on it, and the commands that the tests send.

use std::sync::Arc;

use chrono::Utc;
use sealrock_access::{AccountId, Principal, Role};
use sealrock_commands::{Commands, Context, DeviceIdentity, Devices, RegisteredDevice};
use sealrock_domain::asset::{AssetKind, RegisterAsset};
use sealrock_domain::device::RegisterDevice;
use sealrock_domain::organisation::RegisterOrganisation;
use sealrock_domain::site::{RegisterSite, SiteKind};
use sealrock_domain::telemetry::Source;
use sealrock_domain::{Attributes, CredentialId, Slug};
use sealrock_eventstore::{EventStore, KeyFiles, LedgerInfo, Recorded};
use sealrock_ledger::Index;
use sealrock_testkit::{TestDatabase, database};
use sqlx::PgPool;
use tempfile::TempDir;
use uuid::Uuid;

pub struct Fixture {
    pub database: TestDatabase,
    pub store: EventStore,
    pub commands: Commands,
    pub devices: Devices,
    pub keys: TempDir,
}

/// An installation without an organisation.
pub async fn empty() -> Fixture {
    let database = database().await;
    let keys = tempfile::tempdir().unwrap();
    let store = open(&database.pool, &keys).await;
    let commands = Commands::new(store.clone(), false);
    let devices = Devices::new(commands.clone());
    Fixture {
        database,
        store,
        commands,
        devices,
        keys,
    }
}

/// `northsea` with site `plant-1` and asset `stack-1`.
pub async fn with_a_site() -> Fixture {
    let f = empty().await;
    register_site_of_northsea(&f.commands).await;
    f
}

/// As [`with_a_site`], with device `meter-7`.
pub async fn with_a_device() -> (Fixture, RegisteredDevice) {
    let f = with_a_site().await;
    let device = f
        .commands
        .register_device(&admin(), device("meter-7"))
        .await
        .unwrap();
    (f, device)
}

pub async fn register_site_of_northsea(commands: &Commands) {
    commands
        .register_organisation(&admin(), organisation("northsea"))
        .await
        .unwrap();
    commands
        .register_site(&admin(), site("plant-1"))
        .await
        .unwrap();
    commands
        .register_asset(&admin(), asset("stack-1"))
        .await
        .unwrap();
}

pub async fn open(pool: &PgPool, keys: &TempDir) -> EventStore {
    let keys = Arc::new(KeyFiles::new(keys.path()));
    EventStore::open(pool.clone(), keys, "sealrock.test")
        .await
        .unwrap()
}

impl Fixture {
    /// The write side of another process on the same database.
    pub async fn elsewhere(&self) -> Commands {
        Commands::new(open(&self.database.pool, &self.keys).await, false)
    }

    pub async fn ledger(&self) -> LedgerInfo {
        self.store
            .existing(&"northsea".parse().unwrap())
            .await
            .unwrap()
    }

    /// Every entry of `northsea`.
    pub async fn entries(&self) -> Vec<Recorded> {
        self.store
            .read(self.ledger().await.id, Index(0), 100_000)
            .await
            .unwrap()
    }

    pub async fn sign_in(&self, device: &RegisteredDevice) -> DeviceIdentity {
        self.devices
            .authenticate(device.device, &secret(device))
            .await
            .unwrap()
    }
}

pub fn secret(device: &RegisteredDevice) -> String {
    device.secret.as_ref().unwrap().reveal()
}

pub fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

/// An administrator's context with a new command id.
pub fn admin() -> Context {
    let username = "ada".parse().unwrap();
    let principal = Principal::signed_in(AccountId(Uuid::nil()), username, Role::Admin, None);
    context(principal)
}

pub fn context(principal: Principal) -> Context {
    let command = Uuid::now_v7();
    Context {
        principal,
        command,
        via: "graphql".to_owned(),
        received_at: Utc::now(),
    }
}

pub fn organisation(slug: &str) -> RegisterOrganisation {
    RegisterOrganisation {
        slug: slug.parse().unwrap(),
        display_name: "North Sea".parse().unwrap(),
        demo: false,
        registry: false,
    }
}

pub fn site(name: &str) -> RegisterSite {
    let display_name = format!("The {name}").parse().unwrap();
    RegisterSite::new(
        slug("northsea"),
        slug(name),
        display_name,
        SiteKind::CapturePlant,
    )
}

pub fn asset(name: &str) -> RegisterAsset {
    RegisterAsset {
        org: slug("northsea"),
        site: slug("plant-1"),
        slug: slug(name),
        display_name: format!("The {name}").parse().unwrap(),
        asset_kind: AssetKind::Stack,
        assumptions: Attributes::default(),
    }
}

pub fn device(name: &str) -> RegisterDevice {
    RegisterDevice {
        org: slug("northsea"),
        site: slug("plant-1"),
        name: slug(name),
        display_name: format!("The {name}").parse().unwrap(),
        asset: Some(slug("stack-1")),
        source: Source::Real,
        public_key: None,
        credential: CredentialId(Uuid::nil()),
        metadata: Attributes::default(),
        sensors: Vec::new(),
    }
}
