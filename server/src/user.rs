//! `sealrock user …`.

use sealrock_access::accounts::{Account, AddError};
use sealrock_access::{Password, Role, Username, accounts};
use sealrock_domain::Slug;
use serde_json::json;

use crate::cli::{Json, User};
use crate::config::Config;
use crate::platform::Platform;

/// Changes or lists accounts, beside a server that may be running.
///
/// # Errors
/// If there is no such account, the new one is refused, or the database is away.
pub async fn run(config: &Config, command: User) -> anyhow::Result<()> {
    match command {
        User::Add {
            name,
            role,
            org,
            json,
        } => add(config, &name.parse()?, role.into(), org.as_ref(), &json).await,
        User::List(json) => list(config, &json).await,
        User::ResetPassword { name } => reset_password(config, &name.parse()?).await,
    }
}

async fn add(
    config: &Config,
    name: &Username,
    role: Role,
    organisation: Option<&Slug>,
    json: &Json,
) -> anyhow::Result<()> {
    let platform = Platform::open(config).await?;
    let added = add_on(&platform, name, role, organisation).await;
    platform.close().await;
    let password = added?;
    if json.json {
        let password = password.reveal();
        println!(
            "{}",
            json!({ "username": name, "role": role, "organisation": organisation, "password": password })
        );
    } else {
        show(name, &password);
    }
    Ok(())
}

async fn add_on(
    platform: &Platform,
    name: &Username,
    role: Role,
    organisation: Option<&Slug>,
) -> anyhow::Result<Password> {
    if let Some(organisation) = organisation {
        require_organisation(platform, organisation).await?;
    }
    let added = accounts::add(platform.store.pool(), name, role, organisation).await;
    added.map_err(|error| match error {
        AddError::NeedsOrganisation(_) => anyhow::anyhow!("{error} (--org <name>)"),
        _ => error.into(),
    })
}

/// Every organisation has a ledger of its name. One that continues another is no organisation's name.
async fn require_organisation(platform: &Platform, wanted: &Slug) -> anyhow::Result<()> {
    let ledgers = platform.store.ledgers().await?;
    let names: Vec<&str> = ledgers
        .iter()
        .filter(|ledger| ledger.continues.is_none())
        .map(|ledger| ledger.name.as_str())
        .collect();
    if names.contains(&wanted.as_str()) {
        return Ok(());
    }
    let known = match names.as_slice() {
        [] => "none is registered yet".to_owned(),
        names => format!("there are: {}", names.join(", ")),
    };
    anyhow::bail!(
        "there is no organisation {wanted}; {known}. \
         `sealrock organisation add --name {wanted}` registers it"
    )
}

async fn list(config: &Config, json: &Json) -> anyhow::Result<()> {
    let platform = Platform::open(config).await?;
    let listed = accounts::list(platform.store.pool()).await;
    platform.close().await;
    let listed = listed?;
    if json.json {
        println!("{}", serde_json::to_string(&listed)?);
    } else {
        listed.iter().for_each(print);
    }
    Ok(())
}

fn print(account: &Account) {
    let Account {
        id,
        username,
        role,
        organisation,
        ..
    } = account;
    let organisation = organisation.as_ref().map_or("–", Slug::as_str);
    let waits = if account.must_change_password {
        "   (has not chosen a password yet)"
    } else {
        ""
    };
    println!("{username:<24} {role:<13} {organisation:<24} user/{id}{waits}");
}

async fn reset_password(config: &Config, name: &Username) -> anyhow::Result<()> {
    let platform = Platform::open(config).await?;
    let reset = accounts::reset_password(platform.store.pool(), name).await;
    platform.close().await;
    match reset? {
        Some(password) => show(name, &password),
        None => {
            anyhow::bail!("there is no user {name}; `sealrock user list` names those there are")
        }
    }
    Ok(())
}

fn show(name: &Username, password: &Password) {
    println!(
        "user {name} password {}   (shown this once)",
        password.reveal()
    );
}
