//! `sealrock user …`.

use anyhow::Context as _;
use sealrock_access::accounts::{Account, AddError};
use sealrock_access::{AccountId, Password, Role, Username, accounts, standing};
use sealrock_domain::Slug;
use serde_json::json;
use sqlx::PgPool;

use crate::access::limited;
use crate::cli::{Json, User};
use crate::config::Config;
#[cfg(feature = "oidc")]
use crate::oidc;
use crate::platform::{Platform, cli_context};

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
            password_stdin,
            json,
        } => {
            let given = password_stdin.then(read_password).transpose()?;
            let of = (role.into(), org.as_ref());
            add(config, &name.parse()?, of, given, &json).await
        }
        User::Assign { name, role, site } => {
            assign(config, &name.parse()?, role.into(), limited(site)).await
        }
        User::Deactivate { name } => deactivate(config, &name.parse()?).await,
        User::List(json) => list(config, &json).await,
        User::ResetPassword { name } => reset_password(config, &name.parse()?).await,
        User::ResetSecondFactor { name } => reset_second_factor(config, &name.parse()?).await,
        #[cfg(feature = "oidc")]
        User::LinkOidc { name, subject } => oidc::link(config, &name.parse()?, subject).await,
        #[cfg(feature = "oidc")]
        User::UnlinkOidc { name } => oidc::unlink(config, &name.parse()?).await,
        User::Erase { name } => erase(config, &name.parse()?).await,
    }
}

async fn add(
    config: &Config,
    name: &Username,
    (role, organisation): (Role, Option<&Slug>),
    given: Option<Password>,
    json: &Json,
) -> anyhow::Result<()> {
    let platform = Platform::open(config).await?;
    let added = add_on(&platform, name, (role, organisation), given).await;
    platform.close().await;
    let Some(password) = added? else {
        println!("user {name} is added, with the password that was given");
        return Ok(());
    };
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

/// Answers the password that was made, if none was given.
async fn add_on(
    platform: &Platform,
    name: &Username,
    (role, organisation): (Role, Option<&Slug>),
    given: Option<Password>,
) -> anyhow::Result<Option<Password>> {
    if let Some(organisation) = organisation {
        require_organisation(platform, organisation).await?;
    }
    let pool = platform.store.pool();
    let added = match given {
        Some(given) => accounts::add_with(pool, name, role, organisation, given)
            .await
            .map(|_| None),
        None => accounts::add(pool, name, role, organisation)
            .await
            .map(Some),
    };
    let password = added.map_err(|error| match error {
        AddError::NeedsOrganisation(_) => anyhow::anyhow!("{error} (--org <name>)"),
        _ => error.into(),
    })?;
    let commands = &platform.commands;
    // The role becomes an entry of the organisation's ledger; of an account without one, of the platform's.
    if organisation.is_none() {
        commands.note_added(&cli_context(), name, role).await?;
    }
    commands.record_roles_of_rows().await?;
    Ok(password)
}

async fn assign(
    config: &Config,
    name: &Username,
    role: Role,
    sites: Option<Vec<Slug>>,
) -> anyhow::Result<()> {
    let platform = Platform::open(config).await?;
    let done = async {
        let (account, own) = member(&platform, name).await?;
        let context = cli_context();
        let assigned = platform
            .commands
            .assign_role(&context, &own, account, role, sites);
        anyhow::Ok(assigned.await?)
    }
    .await;
    platform.close().await;
    println!(
        "user {name} is {role} from now on   (entry {})",
        done?.receipt.last
    );
    Ok(())
}

async fn deactivate(config: &Config, name: &Username) -> anyhow::Result<()> {
    let platform = Platform::open(config).await?;
    let done = async {
        let (account, own) = member(&platform, name).await?;
        let context = cli_context();
        anyhow::Ok(
            platform
                .commands
                .deactivate_member(&context, &own, account)
                .await?,
        )
    }
    .await;
    platform.close().await;
    println!(
        "user {name} is no member any more   (entry {})",
        done?.receipt.last
    );
    Ok(())
}

/// The account of that name.
///
/// # Errors
/// If there is none, with the command that tells which there are.
pub(crate) async fn account(pool: &PgPool, name: &Username) -> anyhow::Result<AccountId> {
    let account = accounts::find_id(pool, name).await?;
    account.with_context(|| no_such_user(name))
}

/// An account of an organisation.
async fn member(platform: &Platform, name: &Username) -> anyhow::Result<(AccountId, Slug)> {
    let pool = platform.store.pool();
    let account = account(pool, name).await?;
    let row = standing::find(pool, account).await?;
    let row = row.with_context(|| no_such_user(name))?;
    let own = row.organisation.with_context(|| {
        format!(
            "user {name} is of no organisation: its role is {} for good",
            row.role
        )
    })?;
    Ok((account, own))
}

/// Every organisation has a ledger of its name. One that continues another is no organisation's name,
/// and the platform's own is none.
async fn require_organisation(platform: &Platform, wanted: &Slug) -> anyhow::Result<()> {
    let ledgers = platform.store.ledgers().await?;
    let own = Slug::platform();
    let names: Vec<&str> = ledgers
        .iter()
        .filter(|ledger| ledger.continues.is_none() && ledger.name.as_str() != own.as_str())
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
    let waits = if account.waiting {
        "   (registered by its owner, waits for a role)"
    } else if account.must_change_password {
        "   (has not chosen a password yet)"
    } else {
        ""
    };
    println!("{username:<24} {role:<13} {organisation:<24} user/{id}{waits}");
}

async fn reset_password(config: &Config, name: &Username) -> anyhow::Result<()> {
    let platform = Platform::open(config).await?;
    let reset = platform.commands.reset_password(&cli_context(), name).await;
    platform.close().await;
    match reset? {
        Some(password) => show(name, &password),
        None => anyhow::bail!(no_such_user(name)),
    }
    Ok(())
}

async fn reset_second_factor(config: &Config, name: &Username) -> anyhow::Result<()> {
    let platform = Platform::open(config).await?;
    let removed = async {
        let account = account(platform.store.pool(), name).await?;
        let (commands, by) = (&platform.commands, cli_context());
        anyhow::Ok(commands.take_second_factor(&by, account).await?)
    }
    .await;
    platform.close().await;
    if removed? {
        println!("user {name} signs in by the password alone, until a second factor is enrolled");
    } else {
        println!("user {name} has no second factor");
    }
    Ok(())
}

async fn erase(config: &Config, name: &Username) -> anyhow::Result<()> {
    let platform = Platform::open(config).await?;
    let erased = platform.commands.erase_account(&cli_context(), name).await;
    platform.close().await;
    let id = erased?.with_context(|| no_such_user(name))?;
    println!("user {name} is erased; ledgers name user/{id}, which says nothing about anybody now");
    Ok(())
}

fn no_such_user(name: &Username) -> String {
    format!("there is no user {name}; `sealrock user list` names those there are")
}

/// A line of standard input.
fn read_password() -> anyhow::Result<Password> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    let password = line.trim_end_matches(['\r', '\n']);
    anyhow::ensure!(
        !password.is_empty(),
        "standard input has no password: give it as one line"
    );
    Ok(Password::new(password))
}

fn show(name: &Username, password: &Password) {
    println!(
        "user {name} password {}   (shown this once)",
        password.reveal()
    );
}
