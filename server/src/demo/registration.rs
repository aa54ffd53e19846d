//! The demonstration's organisation, sites, assets and devices.

use std::collections::BTreeMap;

use sealrock_commands::{CommandError, Commands, Context, Done, RegisteredDevice};
use sealrock_domain::asset::RegisterAsset;
use sealrock_domain::device::{PublicKey, RegisterDevice};
use sealrock_domain::organisation::RegisterOrganisation;
use sealrock_domain::site::{RegisterSite, SiteKind};
use sealrock_domain::telemetry::Source;
use sealrock_domain::{Attributes, CredentialId, DeviceId, Slug};
use sealrock_simulator::{Credential, DeviceSpec, Model, SigningKey, demo_fleet};
use serde_json::Value;
use uuid::Uuid;

use super::kept::Kept;
use super::{ORGANISATION, REGISTRY};
use crate::cli::{DeviceName, Json};
use crate::config::Config;
use crate::device::as_json;
use crate::node::Node;
use crate::organisation::parse_kind;
use crate::platform::{Platform, cli_context_of};

/// A device of the demonstration, registered.
pub struct Registered {
    /// Its id.
    pub id: DeviceId,
    /// What it reports.
    pub model: Model,
    /// How it signs in.
    pub credential: Credential,
}

/// Registers what is not registered yet; the credentials of earlier runs are kept.
///
/// # Errors
/// If the platform refuses or the kept credentials are damaged.
pub async fn register(config: &Config, node: &Node) -> anyhow::Result<Vec<Registered>> {
    let organisation: Slug = ORGANISATION.parse()?;
    let mut kept = Kept::read(&config.data, "demo-devices.json")?;
    register_organisation(
        &node.platform,
        &organisation,
        "Sealrock demonstration",
        false,
    )
    .await?;
    let registry = REGISTRY.parse()?;
    register_organisation(&node.platform, &registry, "Demonstration registry", true).await?;
    let mut devices = Vec::new();
    for spec in demo_fleet() {
        register_place(&node.platform, &organisation, &spec).await?;
        let name = DeviceName {
            org: organisation.clone(),
            site: spec.site.to_string().parse()?,
            name: spec.name.to_string().parse()?,
            json: Json { json: true },
        };
        let credential = credential(&mut kept, node, &name, &spec).await?;
        devices.push(Registered {
            id: DeviceId::of(&name.org, &name.site, &name.name),
            model: spec.model,
            credential,
        });
    }
    Ok(devices)
}

async fn register_organisation(
    platform: &Platform,
    organisation: &Slug,
    display_name: &str,
    registry: bool,
) -> anyhow::Result<()> {
    let command = RegisterOrganisation {
        slug: organisation.clone(),
        display_name: display_name.parse()?,
        demo: true,
        registry,
    };
    let context = context_of(&format!("organisation/{organisation}"));
    known(
        platform
            .commands
            .register_organisation(&context, command)
            .await,
    )
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
    known(platform.commands.register_site(&context, command).await)?;

    let command = RegisterAsset {
        org: org.clone(),
        site: site.clone(),
        slug: asset.clone(),
        display_name: spec.asset_display_name.parse()?,
        asset_kind: parse_kind("asset", spec.asset_kind)?,
        assumptions: assumptions(spec)?,
    };
    let context = context_of(&format!("asset/{org}/{site}/{asset}"));
    known(platform.commands.register_asset(&context, command).await)
}

/// What an earlier version of the demonstration registered in other words is registered.
fn known(answer: Result<Done, CommandError>) -> anyhow::Result<()> {
    match answer {
        Ok(_) | Err(CommandError::CommandIdReused { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// A tea factory's boiler burns firewood, lit with a little diesel.
fn assumptions(spec: &DeviceSpec) -> anyhow::Result<Attributes> {
    if spec.asset_kind != "stack" {
        return Ok(Attributes::default());
    }
    let known = [("fuel", "wood"), ("biogenic_fraction", "0.95")];
    let known = known.map(|(key, value)| (key.to_owned(), value.to_owned()));
    Ok(BTreeMap::from(known).try_into()?)
}

/// The same command id at each start, so that a second start records nothing.
fn context_of(what: &str) -> Context {
    let name = format!("sealrock:demo/{what}");
    cli_context_of(Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()))
}

/// The device's credential: the kept one, or a new one.
async fn credential(
    kept: &mut Kept,
    node: &Node,
    name: &DeviceName,
    spec: &DeviceSpec,
) -> anyhow::Result<Credential> {
    let key = format!("{}/{}", name.site, name.name);
    let mut credential = match kept.get(&key) {
        Some(kept) => kept.clone(),
        None => new_credential(node, name, spec).await?,
    };
    // The broker may have another port than the last time.
    credential["mqtt"] = node.addresses.mqtt_url().into();
    let parsed = Credential::from_json(&serde_json::to_vec(&credential)?)?;
    kept.keep(key, credential)?;
    Ok(parsed)
}

/// Registers the device; one whose secret is not known (any more) gets a new one.
async fn new_credential(
    node: &Node,
    name: &DeviceName,
    spec: &DeviceSpec,
) -> anyhow::Result<Value> {
    let commands = &node.platform.commands;
    let context = cli_context_of(Uuid::now_v7());
    let key = spec.signs.then(SigningKey::random);
    let public_key = key
        .as_ref()
        .map(|key| key.public_key().parse())
        .transpose()?;
    let registered = match commands
        .register_device(&context, registration(name, spec, public_key)?)
        .await
    {
        Err(CommandError::Rejected(_)) => renew(commands, name, public_key).await?,
        registered => registered?,
    };
    let mut credential = as_json(name, &registered, node.addresses);
    if let Some(key) = key {
        credential["signing_key"] = key.seed().into();
    }
    Ok(credential)
}

/// A new secret, and a new key beside the lost one, for a device that is there already.
async fn renew(
    commands: &Commands,
    name: &DeviceName,
    public_key: Option<PublicKey>,
) -> Result<RegisteredDevice, CommandError> {
    let DeviceName {
        org, site, name, ..
    } = name;
    if let Some(key) = public_key {
        let context = cli_context_of(Uuid::now_v7());
        commands.rotate_key(&context, org, site, name, key).await?;
    }
    let context = cli_context_of(Uuid::now_v7());
    commands.rotate_credential(&context, org, site, name).await
}

fn registration(
    name: &DeviceName,
    spec: &DeviceSpec,
    public_key: Option<PublicKey>,
) -> anyhow::Result<RegisterDevice> {
    Ok(RegisterDevice {
        org: name.org.clone(),
        site: name.site.clone(),
        name: name.name.clone(),
        display_name: spec.display_name.parse()?,
        asset: Some(spec.asset.to_string().parse()?),
        source: Source::Simulator,
        public_key,
        credential: CredentialId(Uuid::nil()), // replaced by the command
        metadata: Attributes::default(),
        sensors: Vec::new(),
    })
}
