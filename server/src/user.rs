//! `sealrock user …`.

use sealrock_access::{Password, Role, Username, accounts};
use serde_json::json;

use crate::cli::{Json, User};
use crate::config::Config;
use crate::platform::Platform;

/// Changes accounts, beside a server that may be running.
///
/// # Errors
/// If there is no such account or the database is away.
pub async fn run(config: &Config, command: User) -> anyhow::Result<()> {
    match command {
        User::Add { name, role, json } => add(config, &name.parse()?, role.into(), &json).await,
        User::ResetPassword { name } => reset_password(config, &name.parse()?).await,
    }
}

async fn add(config: &Config, name: &Username, role: Role, json: &Json) -> anyhow::Result<()> {
    let platform = Platform::open(config).await?;
    let added = accounts::add(platform.store.pool(), name, role).await;
    platform.close().await;
    let password = added?;
    if json.json {
        let password = password.reveal();
        println!(
            "{}",
            json!({ "username": name, "role": role, "password": password })
        );
    } else {
        show(name, &password);
    }
    Ok(())
}

async fn reset_password(config: &Config, name: &Username) -> anyhow::Result<()> {
    let platform = Platform::open(config).await?;
    let reset = accounts::reset_password(platform.store.pool(), name).await;
    platform.close().await;
    match reset? {
        Some(password) => show(name, &password),
        None => anyhow::bail!("there is no user {name}"),
    }
    Ok(())
}

fn show(name: &Username, password: &Password) {
    println!(
        "user {name} password {}   (shown this once)",
        password.reveal()
    );
}
