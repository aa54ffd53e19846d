//! `sealrock device …`.

use std::ops::RangeInclusive;

use anyhow::Context as _;
use sealrock_commands::{Done, RegisteredDevice};
use sealrock_domain::device::{Fingerprint, KeyId, PublicKey, RegisterDevice};
use sealrock_domain::{Attributes, CredentialId, Topic, TopicKind};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::cli::{Device, DeviceName};
use crate::config::Config;
use crate::organisation::display_name;
use crate::platform::{Platform, cli_context};
use crate::surroundings::Addresses;

/// Registers a device, or changes its credentials and keys.
///
/// # Errors
/// If it is refused or the database is away.
pub async fn run(config: &Config, command: Device) -> anyhow::Result<()> {
    let platform = Platform::open(config).await?;
    let done = answer(&platform, config, command).await;
    platform.close().await;
    println!("{}", done?);
    Ok(())
}

#[expect(clippy::too_many_lines, reason = "an arm a subcommand")]
async fn answer(platform: &Platform, config: &Config, command: Device) -> anyhow::Result<String> {
    let (commands, context) = (&platform.commands, cli_context());
    match command {
        Device::Add {
            device,
            asset,
            count,
            from,
            source,
            display_name: given,
            key,
        } => {
            let command = RegisterDevice {
                org: device.org.clone(),
                site: device.site.clone(),
                name: device.name.clone(),
                display_name: display_name(given.clone(), &device.name)?,
                asset,
                source: source.parse().context("--source")?,
                public_key: key,
                credential: CredentialId(Uuid::nil()), // replaced by the command
                metadata: Attributes::default(),
                sensors: Vec::new(),
            };
            if let Some(count) = count {
                let (numbers, given) = (from..=count, given.as_deref());
                return add_many(platform, config, &device, &command, numbers, given).await;
            }
            let registered = commands.register_device(&context, command).await?;
            Ok(credentials(config, &device, &registered, key))
        }
        Device::Rotate(device) => {
            let DeviceName {
                org, site, name, ..
            } = &device;
            let rotated = commands
                .rotate_credential(&context, org, site, name)
                .await?;
            Ok(credentials(config, &device, &rotated, None))
        }
        Device::Revoke(DeviceName {
            org, site, name, ..
        }) => {
            let done = commands
                .revoke_credential(&context, &org, &site, &name)
                .await?;
            Ok(format!(
                "device {org}/{site}/{name} is locked out: entry {}",
                done.receipt.first
            ))
        }
        Device::RotateKey { device, key } => {
            let DeviceName {
                org, site, name, ..
            } = &device;
            let done = commands.rotate_key(&context, org, site, name, key).await?;
            Ok(key_change(&device, key.id(), "may sign", &done))
        }
        Device::RevokeKey { device, key } => {
            let DeviceName {
                org, site, name, ..
            } = &device;
            let done = commands.revoke_key(&context, org, site, name, key).await?;
            Ok(key_change(&device, key, "signs no more", &done))
        }
        Device::AddCertificate {
            device,
            certificate,
        } => {
            let DeviceName {
                org, site, name, ..
            } = &device;
            let done = commands
                .add_certificate(&context, org, site, name, certificate)
                .await?;
            Ok(certificate_change(&device, certificate, "signs in", &done))
        }
        Device::RevokeCertificate {
            device,
            certificate,
        } => {
            let DeviceName {
                org, site, name, ..
            } = &device;
            let done = commands
                .revoke_certificate(&context, org, site, name, certificate)
                .await?;
            let what = "no more signs in";
            Ok(certificate_change(&device, certificate, what, &done))
        }
        Device::Decommission(DeviceName {
            org, site, name, ..
        }) => {
            let done = commands
                .decommission_device(&context, &org, &site, &name)
                .await?;
            Ok(format!(
                "device {org}/{site}/{name} is out of use: entry {}",
                done.receipt.first
            ))
        }
    }
}

/// Registers devices of that name with these numbers. Each one's credentials are printed as soon as it
/// is registered: if a later one is refused they are not lost.
async fn add_many(
    platform: &Platform,
    config: &Config,
    device: &DeviceName,
    command: &RegisterDevice,
    numbers: RangeInclusive<u32>,
    given: Option<&str>,
) -> anyhow::Result<String> {
    let last = *numbers.end();
    for number in numbers {
        let mut named = device.clone();
        named.name = format!("{}-{number}", device.name).parse()?;
        let given = given.map(|given| format!("{given} {number}"));
        let command = RegisterDevice {
            name: named.name.clone(),
            display_name: display_name(given, &named.name)?,
            ..command.clone()
        };
        let context = cli_context();
        let registered = platform.commands.register_device(&context, command).await;
        let registered = registered.with_context(|| {
            format!(
                "device {}; go on with --from {number} once that is mended",
                named.name
            )
        })?;
        let credentials = credentials(config, &named, &registered, None);
        if number == last {
            return Ok(credentials);
        }
        println!("{credentials}");
        if !device.json.json {
            println!();
        }
    }
    anyhow::bail!("--from is at most --count")
}

fn key_change(device: &DeviceName, key: KeyId, what: &str, done: &Done) -> String {
    let DeviceName {
        org, site, name, ..
    } = device;
    let index = done.receipt.first;
    if device.json.json {
        return json!({ "key": key, "index": index.0 }).to_string();
    }
    format!("key {key} of device {org}/{site}/{name} {what} from entry {index} on")
}

fn certificate_change(
    device: &DeviceName,
    certificate: Fingerprint,
    what: &str,
    done: &Done,
) -> String {
    let DeviceName {
        org, site, name, ..
    } = device;
    let index = done.receipt.first;
    if device.json.json {
        return json!({ "certificate": certificate, "index": index.0 }).to_string();
    }
    format!("certificate {certificate} {what} device {org}/{site}/{name}: entry {index}")
}

fn credentials(
    config: &Config,
    device: &DeviceName,
    registered: &RegisteredDevice,
    key: Option<PublicKey>,
) -> String {
    let mut credentials = as_json(device, registered, Addresses::of(config));
    if let (true, Some(url)) = (credentials["mqtt"].is_null(), &config.mqtt_url) {
        credentials["mqtt"] = url.address().into();
    }
    if let Some(key) = key {
        credentials["key"] = json!(key.id());
    }
    if device.json.json {
        return credentials.to_string();
    }
    let key = key.map_or_else(String::new, |key| {
        let origin = credentials["origin"].as_str().unwrap_or_default();
        format!(
            "\nkey     {}   (its batches must be signed)\norigin  {origin}",
            key.id()
        )
    });
    let text = |key: &str| credentials[key].as_str().unwrap_or_default().to_owned();
    format!(
        "id      {}\nsecret  {}   (shown this once)\ntopic   {}\nmqtt    {}\nhttp    {}{key}",
        text("id"),
        text("secret"),
        text("topic"),
        text("mqtt"),
        text("http")
    )
}

/// The device's credentials as clients read them (`{id, secret, org, site, name, topic, …}`).
pub fn as_json(device: &DeviceName, registered: &RegisteredDevice, at: Addresses) -> Value {
    let DeviceName {
        org, site, name, ..
    } = device;
    let topic = Topic::new(org.clone(), site.clone(), name.clone(), TopicKind::Batch);
    json!({
        "id": registered.device,
        "secret": registered.secret.as_ref().map(sealrock_access::DeviceSecret::reveal),
        "org": org,
        "site": site,
        "name": name,
        "topic": topic.to_string(),
        "origin": registered.done.receipt.ledger,
        "mqtt": at.mqtt_url(),
        "http": format!("{}/ingest", at.http_url()),
    })
}
