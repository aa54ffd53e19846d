//! `sealrock user …`.

use sealrock_access::{Username, accounts};

use crate::cli::User;
use crate::config::Config;
use crate::platform::Platform;

/// Changes accounts, beside a server that may be running.
///
/// # Errors
/// If there is no such account or the database is away.
pub async fn run(config: &Config, command: User) -> anyhow::Result<()> {
    let User::ResetPassword { name } = command;
    let username: Username = name.parse()?;
    let platform = Platform::open(config).await?;
    let reset = accounts::reset_password(platform.store.pool(), &username).await;
    platform.close().await;
    match reset? {
        Some(password) => println!(
            "user {username} password {}   (shown this once)",
            password.reveal()
        ),
        None => anyhow::bail!("there is no user {username}"),
    }
    Ok(())
}
