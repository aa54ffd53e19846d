//! `sealrock organisation|site|asset add`.

use anyhow::Context as _;
use sealrock_commands::Done;
use sealrock_domain::asset::{AssetKind, RegisterAsset};
use sealrock_domain::organisation::RegisterOrganisation;
use sealrock_domain::site::{RegisterSite, SiteKind};
use sealrock_domain::{Attributes, DisplayName, Slug};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::cli;
use crate::config::Config;
use crate::platform::{Platform, cli_context};

/// Registers an organisation.
///
/// # Errors
/// If it is refused or the database is away.
pub async fn organisation(config: &Config, command: cli::Organisation) -> anyhow::Result<()> {
    let cli::Organisation::Add {
        name,
        display_name,
        registry,
        json,
    } = command;
    let command = RegisterOrganisation {
        display_name: self::display_name(display_name, &name)?,
        slug: name.clone(),
        demo: false,
        registry,
    };
    let platform = Platform::open(config).await?;
    let done = platform
        .commands
        .register_organisation(&cli_context(), command)
        .await;
    platform.close().await;
    print(json.json, &format!("organisation {name}"), &done?);
    Ok(())
}

/// Registers a site.
///
/// # Errors
/// As [`organisation`].
pub async fn site(config: &Config, command: cli::Site) -> anyhow::Result<()> {
    let cli::Site::Add {
        org,
        name,
        kind,
        display_name,
        json,
    } = command;
    let display_name = self::display_name(display_name, &name)?;
    let kind: SiteKind = parse_kind("site", &kind)?;
    let command = RegisterSite::new(org.clone(), name.clone(), display_name, kind);
    let platform = Platform::open(config).await?;
    let done = platform
        .commands
        .register_site(&cli_context(), command)
        .await;
    platform.close().await;
    print(json.json, &format!("site {org}/{name}"), &done?);
    Ok(())
}

/// Registers an asset.
///
/// # Errors
/// As [`organisation`].
pub async fn asset(config: &Config, command: cli::Asset) -> anyhow::Result<()> {
    let cli::Asset::Add {
        org,
        site,
        name,
        kind,
        display_name,
        json,
    } = command;
    let kind: AssetKind = parse_kind("asset", &kind)?;
    let command = RegisterAsset {
        display_name: self::display_name(display_name, &name)?,
        org: org.clone(),
        site: site.clone(),
        slug: name.clone(),
        asset_kind: kind,
        assumptions: Attributes::default(),
    };
    let platform = Platform::open(config).await?;
    let done = platform
        .commands
        .register_asset(&cli_context(), command)
        .await;
    platform.close().await;
    print(json.json, &format!("asset {org}/{site}/{name}"), &done?);
    Ok(())
}

/// The given display name, or else the short name.
///
/// # Errors
/// If it is no display name.
pub fn display_name(given: Option<String>, name: &Slug) -> anyhow::Result<DisplayName> {
    Ok(given.unwrap_or_else(|| name.to_string()).parse()?)
}

/// A kind by the name that events have for it.
///
/// # Errors
/// If there is no such kind; the message lists them.
pub fn parse_kind<K: DeserializeOwned>(of: &str, text: &str) -> anyhow::Result<K> {
    serde_json::from_value(json!(text)).with_context(|| format!("--kind {text:?} of the {of}"))
}

fn print(json: bool, what: &str, done: &Done) {
    let receipt = &done.receipt;
    if json {
        let receipt = json!({
            "ledger": receipt.ledger, "firstIndex": receipt.first, "lastIndex": receipt.last,
            "checkpoint": receipt.checkpoint,
        });
        println!("{}", json!({ "registered": what, "receipt": receipt }));
    } else {
        println!(
            "{what} is registered: entry {} of {}",
            receipt.first, receipt.ledger
        );
    }
}
