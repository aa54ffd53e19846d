//! `sealrock grant …` and `sealrock api-key …`.

use sealrock_access::ApiKeySecret;
use sealrock_commands::{GrantRequest, IssuedApiKey, KeyRequest};
use sealrock_domain::Slug;
use sealrock_domain::access::{AccessGranted, ApiKey as Stored};

use crate::cli::{ApiKey, Grant};
use crate::config::Config;
use crate::platform::{Platform, cli_context};

/// Lets people of other organisations look, or ends that.
///
/// # Errors
/// If it is refused or the database is away.
pub async fn grant(config: &Config, command: Grant) -> anyhow::Result<()> {
    let platform = Platform::open(config).await?;
    let done = granted(&platform, command).await;
    platform.close().await;
    println!("{}", done?);
    Ok(())
}

async fn granted(platform: &Platform, command: Grant) -> anyhow::Result<String> {
    let (commands, context) = (&platform.commands, cli_context());
    match command {
        Grant::Add {
            org,
            to,
            role,
            until,
            site,
        } => {
            let said = format!("{} of {to} may look at {org} until {until}", role.name());
            let request = GrantRequest {
                to,
                role,
                sites: limited(site),
                until,
            };
            let done = commands.grant_access(&context, &org, request).await?;
            Ok(format!("{said}   (entry {})", done.receipt.last))
        }
        Grant::End { org, to, role } => {
            let done = commands.revoke_access(&context, &org, &to, role).await?;
            let entry = done.receipt.last;
            Ok(format!(
                "{role} of {to} may not look at {org} any more   (entry {entry})"
            ))
        }
        Grant::List { org } => {
            let access = commands.access_of(&org).await?;
            let lines = access.state().grants().iter().map(line_of_grant);
            Ok(lines.collect::<Vec<_>>().join("\n"))
        }
    }
}

fn line_of_grant(grant: &AccessGranted) -> String {
    let AccessGranted {
        organisation,
        role,
        sites,
        until,
    } = grant;
    format!(
        "{organisation:<24} {role:<13} until {until} {}",
        at(sites.as_deref())
    )
}

/// Issues, rotates, revokes or lists keys of programs.
///
/// # Errors
/// If it is refused or the database is away.
pub async fn api_key(config: &Config, command: ApiKey) -> anyhow::Result<()> {
    let platform = Platform::open(config).await?;
    let done = keyed(&platform, command).await;
    platform.close().await;
    println!("{}", done?);
    Ok(())
}

async fn keyed(platform: &Platform, command: ApiKey) -> anyhow::Result<String> {
    let (commands, context) = (&platform.commands, cli_context());
    match command {
        ApiKey::Issue {
            org,
            label,
            role,
            permission,
            site,
            until,
        } => {
            let request = KeyRequest {
                label,
                role,
                permissions: permission,
                sites: limited(site),
                until,
            };
            Ok(shown(
                &commands.issue_api_key(&context, &org, request).await?,
            ))
        }
        ApiKey::Rotate {
            org,
            key,
            until,
            overlap,
        } => {
            let seconds = u32::try_from(overlap.as_secs()).unwrap_or(u32::MAX);
            let rotated = commands.rotate_api_key(&context, &org, key, until, seconds);
            Ok(shown(&rotated.await?))
        }
        ApiKey::Revoke { org, key } => {
            let done = commands.revoke_api_key(&context, &org, key).await?;
            let entry = done.receipt.last;
            Ok(format!(
                "key {key} opens nothing any more   (entry {entry})"
            ))
        }
        ApiKey::List { org } => {
            let access = commands.access_of(&org).await?;
            let lines = access.state().keys().map(line_of_key);
            Ok(lines.collect::<Vec<_>>().join("\n"))
        }
    }
}

fn shown(issued: &IssuedApiKey) -> String {
    let entry = issued.done.receipt.last;
    let secret = issued.secret.as_ref().map(ApiKeySecret::reveal);
    match (issued.key, secret) {
        (Some(key), Some(secret)) => {
            format!("key {key} {secret}   (shown this once; entry {entry})")
        }
        _ => format!("this was recorded before   (entry {entry})"),
    }
}

fn line_of_key(key: &Stored) -> String {
    let Stored {
        issued, credential, ..
    } = key;
    let permissions: Vec<&str> = issued.permissions.iter().map(Slug::as_str).collect();
    let state = if key.revoked {
        "revoked".to_owned()
    } else {
        format!("until {}", credential.1)
    };
    let sites = at(issued.sites.as_deref());
    let (id, role) = (issued.key, issued.role);
    format!("{id} {role:<13} {state} {} {sites}", permissions.join(","))
}

fn at(sites: Option<&[Slug]>) -> String {
    let sites = sites.map(|sites| sites.iter().map(Slug::as_str).collect::<Vec<_>>());
    sites.map_or(String::new(), |sites| format!("at {}", sites.join(", ")))
}

/// None named is all.
pub fn limited(sites: Vec<Slug>) -> Option<Vec<Slug>> {
    (!sites.is_empty()).then_some(sites)
}
