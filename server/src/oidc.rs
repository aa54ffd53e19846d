//! Signing in by an identity provider: its settings, and who its subjects are.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use sealrock_access::Username;
use sealrock_access::links::Subject;
use sealrock_oidc::{CALLBACK, Oidc, OidcSettings};

use crate::config::{Config, OidcConfig};
use crate::platform::{Platform, cli_context};
use crate::user;

/// The provider that is set, if one is. It is asked nothing yet.
///
/// # Errors
/// If its settings cannot be used.
pub fn provider(config: &Config) -> anyhow::Result<Option<Oidc>> {
    let Some(OidcConfig {
        issuer,
        client_id,
        secret_file,
        redirect_url,
    }) = config.oidc()?
    else {
        return Ok(None);
    };
    let redirect_url = redirect_url.parse().ok();
    let redirect_url = redirect_url.filter(|url: &reqwest::Url| url.path() == CALLBACK);
    let settings = OidcSettings {
        issuer: issuer.to_owned(),
        client_id: client_id.to_owned(),
        client_secret: secret(secret_file)?,
        redirect_url: redirect_url.with_context(|| {
            format!("oidc_redirect_url is no address of {CALLBACK}, such as https://sealrock.example{CALLBACK}")
        })?,
    };
    Ok(Some(Oidc::new(settings).context("oidc_issuer")?))
}

fn secret(file: &Path) -> anyhow::Result<String> {
    let shown = file.display();
    let found = std::fs::metadata(file)
        .with_context(|| format!("oidc_client_secret_file {shown} cannot be read"))?;
    let mode = found.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        anyhow::bail!(
            "{shown} may be read by others (mode {mode:o}): run `chmod 600 {shown}`; if others did read \
         it, have the provider make another secret"
        );
    }
    let secret = std::fs::read_to_string(file)
        .with_context(|| format!("oidc_client_secret_file {shown} cannot be read"))?;
    let secret = secret.trim();
    anyhow::ensure!(
        !secret.is_empty(),
        "{shown} is empty: put the secret there that the provider gave"
    );
    Ok(secret.to_owned())
}

/// Says that a subject of the provider is this user.
///
/// # Errors
/// If there is no provider or no such user, or the subject is another user.
pub async fn link(config: &Config, name: &Username, subject: String) -> anyhow::Result<()> {
    let issuer = config.oidc()?.map(|oidc| oidc.issuer.to_owned());
    let issuer =
        issuer.context("no identity provider is set: oidc_issuer and its fellows say which")?;
    anyhow::ensure!(
        (1..=255).contains(&subject.len()),
        "a subject has 1 to 255 characters: give it as the provider's tokens have it"
    );
    let platform = Platform::open(config).await?;
    let linked = link_on(&platform, name, Subject { issuer, subject }).await;
    platform.close().await;
    linked
}

async fn link_on(platform: &Platform, name: &Username, subject: Subject) -> anyhow::Result<()> {
    let account = user::account(platform.store.pool(), name).await?;
    let commands = &platform.commands;
    let (issuer, told) = (&subject.issuer, &subject.subject);
    anyhow::ensure!(
        commands
            .link_identity(&cli_context(), &subject, account)
            .await?,
        "{told} of {issuer} is another user already: `sealrock user unlink-oidc` ends that"
    );
    println!(
        "user {name} signs in as {told} of {issuer} from now on; a password that was issued and never \
         changed, or of a registration that waits, is void"
    );
    Ok(())
}

/// Ends all links of a user, and the sessions.
///
/// # Errors
/// If there is no such user.
pub async fn unlink(config: &Config, name: &Username) -> anyhow::Result<()> {
    let platform = Platform::open(config).await?;
    let unlinked = async {
        let account = user::account(platform.store.pool(), name).await?;
        let (commands, by) = (&platform.commands, cli_context());
        anyhow::Ok(commands.unlink_identity(&by, account).await?)
    }
    .await;
    platform.close().await;
    if unlinked? {
        println!("user {name} signs in by the provider no more, and the sessions are ended");
    } else {
        println!("user {name} is linked to nobody");
    }
    Ok(())
}
