//! The people of the demonstration: an account for each, with a role and an organisation.

use std::path::Path;

use anyhow::Context as _;
use sealrock_access::accounts::{self, AddError};
use sealrock_access::{Password, Principal, Role, Username};
use sealrock_domain::Slug;
use serde_json::json;
use sqlx::PgPool;

use super::kept::Kept;
use super::{ORGANISATION, REGISTRY};

/// Where their passwords are kept, in the data folder.
pub const FILE: &str = "demo-people.json";

/// Who does what in the demonstration.
pub struct People {
    /// Runs the units and wells, and records what they did.
    pub operator: Principal,
    /// Answers for the sites: registers, proposes permit limits, approves what the operator records.
    pub site_manager: Principal,
    /// Answers for the organisation: puts permit limits into force, sets targets.
    pub hq_manager: Principal,
    /// Answers for monitoring, reporting and verification: requests credits.
    pub mrv: Principal,
    /// Acts for the registry, which is another organisation.
    pub registrar: Principal,
}

impl People {
    /// The accounts, made where they are missing. A password that an earlier start kept is kept.
    ///
    /// # Errors
    /// If the database is away, or somebody else has one of the names.
    pub async fn hired(pool: &PgPool, data: &Path) -> anyhow::Result<Self> {
        let mut kept = Kept::read(data, FILE)?;
        let mut hire = async |name: &str, role, organisation: &str| {
            hired(pool, &mut kept, name.parse()?, role, organisation.parse()?).await
        };
        Ok(Self {
            operator: hire("operator", Role::Operator, ORGANISATION).await?,
            site_manager: hire("site-manager", Role::SiteManager, ORGANISATION).await?,
            hq_manager: hire("hq-manager", Role::HqManager, ORGANISATION).await?,
            mrv: hire("mrv", Role::Mrv, ORGANISATION).await?,
            registrar: hire("registrar", Role::Registry, REGISTRY).await?,
        })
    }
}

async fn hired(
    pool: &PgPool,
    kept: &mut Kept,
    username: Username,
    role: Role,
    organisation: Slug,
) -> anyhow::Result<Principal> {
    // Made here and kept here: nobody else has seen it, so it need not be changed.
    let password = Password::random();
    let added = accounts::add_with(pool, &username, role, Some(&organisation), password.clone());
    let added = match added.await {
        Ok(id) => Some(id),
        Err(AddError::Taken(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let account = accounts::list(pool).await?.into_iter();
    let account = account
        .filter(|account| account.role == role)
        .filter(|account| account.organisation.as_ref() == Some(&organisation))
        .find(|account| account.username == username);
    let account = account.with_context(|| {
        format!("user {username} is not the demonstration's: choose another --data, or --fresh")
    })?;
    let forgotten = kept.get(username.as_str()).is_none();
    let unusable = forgotten || account.must_change_password;
    if added.is_none() && unusable {
        accounts::set_password(pool, &username, password.clone(), false).await?;
    }
    if added.is_some() || unusable {
        keep(kept, &username, role, &organisation, &password)?;
    }
    Ok(Principal::signed_in(
        account.id,
        username,
        role,
        Some(organisation),
    ))
}

fn keep(
    kept: &mut Kept,
    username: &Username,
    role: Role,
    organisation: &Slug,
    password: &Password,
) -> anyhow::Result<()> {
    let secret = json!({
        "role": role,
        "organisation": organisation,
        "password": password.reveal(),
    });
    kept.keep(username.as_str().to_owned(), secret)
}
