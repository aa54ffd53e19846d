//! Accounts of people: the first administrator, sign-in, a new password.

use chrono::{DateTime, Utc};
use sealrock_domain::Slug;
use serde::Serialize;
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use crate::{
    AccessError, AccountId, Password, PasswordRefused, Principal, Role, Username, password,
};

/// The administrator that is made when there is no account yet. The password is nowhere else in
/// plain text: show it once.
#[derive(Debug)]
pub struct FirstAdmin {
    /// `admin`.
    pub username: Username,
    /// Random; to be changed at the first sign-in.
    pub password: Password,
}

/// A person whose password was right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// Always a [`Principal::User`].
    pub principal: Principal,
    /// Whether the person should choose a password of their own before anything else.
    pub must_change_password: bool,
}

/// Why a sign-in failed.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// No such user, or not their password: which of the two is not told.
    #[error("the user name or the password is wrong")]
    WrongCredentials,
    /// It could not be checked; try again later.
    #[error(transparent)]
    Access(#[from] AccessError),
}

/// Why a password was not changed; the old one still holds.
#[derive(Debug, thiserror::Error)]
pub enum ChangePasswordError {
    /// The current password given is not the account's, or there is no such account (any more).
    #[error("the current password is wrong")]
    WrongPassword,
    /// The new password will not do.
    #[error(transparent)]
    Refused(#[from] PasswordRefused),
    /// It could not be done; try again later.
    #[error(transparent)]
    Access(#[from] AccessError),
}

/// Why an account was not made.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// The name is taken, by whatever role.
    #[error("there is a user {0} already; choose another name, or reset that one's password")]
    Taken(Username),
    /// Devices and parts of the platform are no accounts.
    #[error("no account can be {0}; a person is one of: {roles}", roles = account_roles())]
    NoAccount(Role),
    /// Only administrators and auditors can be of no organisation.
    #[error(
        "an account of role {0} acts for one organisation and reaches no other: say which; only \
         admin and auditor can be of none"
    )]
    NeedsOrganisation(Role),
    /// It could not be done; try again later.
    #[error(transparent)]
    Access(#[from] AccessError),
}

/// An account, without its password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// What ledgers name, as `user/<id>`.
    pub id: AccountId,
    /// The name that it signs in with.
    pub username: Username,
    /// What it may do.
    pub role: Role,
    /// The organisation that it acts for, and the only one that it reaches; `None` reaches all.
    pub organisation: Option<Slug>,
    /// Whether its password was made by the platform and has not been changed yet.
    pub must_change_password: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

#[derive(FromRow)]
struct SignInRow {
    account_id: Uuid,
    username: String,
    password_hash: String,
    role: String,
    organisation: Option<String>,
    must_change_password: bool,
}

#[derive(FromRow)]
struct AccountRow {
    account_id: Uuid,
    username: String,
    role: String,
    organisation: Option<String>,
    must_change_password: bool,
    created_at: DateTime<Utc>,
}

/// Makes the first administrator if there is no account at all. Of several processes that start
/// at once exactly one makes it; the others are answered `None`.
///
/// # Errors
/// [`AccessError`]; no account was made then, unless the connection was lost in the commit. In
/// that case an account exists whose password nobody knows: delete its row and start again.
///
/// # Panics
/// Never: `admin` is a valid name.
pub async fn create_first_admin(pool: &PgPool) -> Result<Option<FirstAdmin>, AccessError> {
    if any_account(pool).await? {
        return Ok(None);
    }
    let password = Password::generate();
    let username: Username = "admin".parse().expect("a valid name");
    let hash = password::hash(password.clone()).await?;
    let made = insert_if_first(pool, &username, &hash).await?;
    Ok(made.then_some(FirstAdmin { username, password }))
}

/// Checks a name and a password. Takes the same time whether or not the name exists.
///
/// # Errors
/// [`SignInError::WrongCredentials`], or that it could not be checked.
pub async fn sign_in(
    pool: &PgPool,
    username: &str,
    password: Password,
) -> Result<SignedIn, SignInError> {
    let account = match username.parse::<Username>() {
        Ok(username) => by_username(pool, &username).await?,
        Err(_) => None,
    };
    let kept = account
        .as_ref()
        .map(|account| account.password_hash.clone());
    let right = password::check(password, kept).await?;
    match account {
        Some(account) if right => Ok(account.try_into()?),
        _ => Err(SignInError::WrongCredentials),
    }
}

/// Replaces a password by one that its owner chose.
///
/// # Errors
/// [`ChangePasswordError`]; the old password still holds then.
pub async fn change_password(
    pool: &PgPool,
    id: AccountId,
    current: Password,
    new: Password,
) -> Result<(), ChangePasswordError> {
    let kept = kept_hash(pool, id).await?;
    if !password::check(current.clone(), kept.clone()).await? {
        return Err(ChangePasswordError::WrongPassword);
    }
    new.replaces(&current)?;
    let hash = password::hash(new).await?;
    // Only in place of the hash that was checked: of two changes at once the second is refused.
    let changed = sqlx::query(include_str!("sql/change_password.sql"))
        .bind(id.0)
        .bind(kept)
        .bind(hash)
        .execute(pool)
        .await
        .map_err(AccessError::from)?;
    if changed.rows_affected() == 1 {
        Ok(())
    } else {
        Err(ChangePasswordError::WrongPassword)
    }
}

/// Makes an account with a random password, to be changed at its first sign-in. For an operator at
/// the machine: it asks for no password, and takes the organisation's word for being there.
///
/// # Errors
/// [`AddError`]; no account was made then, unless the connection was lost in the commit.
pub async fn add(
    pool: &PgPool,
    username: &Username,
    role: Role,
    organisation: Option<&Slug>,
) -> Result<Password, AddError> {
    if !Role::ACCOUNTS.contains(&role) {
        return Err(AddError::NoAccount(role));
    }
    if organisation.is_none() && role.needs_organisation() {
        return Err(AddError::NeedsOrganisation(role));
    }
    let password = Password::generate();
    let hash = password::hash(password.clone()).await?;
    let added = sqlx::query(include_str!("sql/insert_account.sql"))
        .bind(Uuid::new_v4())
        .bind(username.as_str())
        .bind(hash)
        .bind(role.name())
        .bind(organisation.map(Slug::as_str))
        .execute(pool)
        .await
        .map_err(AccessError::from)?;
    if added.rows_affected() == 1 {
        Ok(password)
    } else {
        Err(AddError::Taken(username.clone()))
    }
}

/// All accounts, by name.
///
/// # Errors
/// [`AccessError`] if they cannot be read.
pub async fn list(pool: &PgPool) -> Result<Vec<Account>, AccessError> {
    let rows: Vec<AccountRow> = sqlx::query_as(include_str!("sql/accounts.sql"))
        .fetch_all(pool)
        .await?;
    rows.into_iter().map(Account::try_from).collect()
}

/// Gives an account a new random password, to be changed at its next sign-in; `None` if there is no
/// such account. For an operator at the machine: it asks for no password.
///
/// # Errors
/// [`AccessError`]; the old password still holds then, unless the connection was lost in the commit.
pub async fn reset_password(
    pool: &PgPool,
    username: &Username,
) -> Result<Option<Password>, AccessError> {
    let password = Password::generate();
    let hash = password::hash(password.clone()).await?;
    let reset = sqlx::query(include_str!("sql/reset_password.sql"))
        .bind(username.as_str())
        .bind(hash)
        .execute(pool)
        .await?;
    Ok((reset.rows_affected() == 1).then_some(password))
}

async fn any_account(pool: &PgPool) -> Result<bool, AccessError> {
    let found = sqlx::query_scalar("SELECT EXISTS (SELECT FROM access.accounts)");
    Ok(found.fetch_one(pool).await?)
}

async fn insert_if_first(
    pool: &PgPool,
    username: &Username,
    hash: &str,
) -> Result<bool, AccessError> {
    let mut transaction = pool.begin().await?;
    // Writers wait for each other, so that only one of them sees an empty table.
    sqlx::query("LOCK TABLE access.accounts IN SHARE ROW EXCLUSIVE MODE")
        .execute(&mut *transaction)
        .await?;
    let inserted = sqlx::query(include_str!("sql/insert_first_admin.sql"))
        .bind(Uuid::new_v4())
        .bind(username.as_str())
        .bind(hash)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(inserted.rows_affected() == 1)
}

async fn by_username(pool: &PgPool, username: &Username) -> Result<Option<SignInRow>, AccessError> {
    let found = sqlx::query_as(include_str!("sql/account_by_username.sql"));
    Ok(found.bind(username.as_str()).fetch_optional(pool).await?)
}

async fn kept_hash(pool: &PgPool, id: AccountId) -> Result<Option<String>, AccessError> {
    let found =
        sqlx::query_scalar("SELECT password_hash FROM access.accounts WHERE account_id = $1");
    Ok(found.bind(id.0).fetch_optional(pool).await?)
}

fn account_roles() -> String {
    Role::ACCOUNTS.map(Role::name).join(", ")
}

/// What an account is, from the texts of its row.
struct Standing {
    username: Username,
    role: Role,
    organisation: Option<Slug>,
}

impl Standing {
    fn read(
        id: Uuid,
        username: &str,
        role: &str,
        organisation: Option<&str>,
    ) -> Result<Self, AccessError> {
        let corrupt = |what: &str| AccessError::Corrupt(format!("account {id}: {what}"));
        let role = role.parse::<Role>().map_err(|_| corrupt("unknown role"))?;
        let username = username.parse().map_err(|_| corrupt("bad user name"))?;
        let organisation = organisation.map(str::parse).transpose();
        let organisation: Option<Slug> = organisation.map_err(|_| corrupt("bad organisation"))?;
        // Without one it would reach every organisation, which its role must not.
        if organisation.is_none() && role.needs_organisation() {
            return Err(corrupt("no organisation"));
        }
        Ok(Self {
            username,
            role,
            organisation,
        })
    }
}

impl TryFrom<SignInRow> for SignedIn {
    type Error = AccessError;

    fn try_from(row: SignInRow) -> Result<Self, AccessError> {
        let organisation = row.organisation.as_deref();
        let Standing {
            username,
            role,
            organisation,
        } = Standing::read(row.account_id, &row.username, &row.role, organisation)?;
        let id = AccountId(row.account_id);
        let principal = Principal::signed_in(id, username, role, organisation);
        Ok(Self {
            principal,
            must_change_password: row.must_change_password,
        })
    }
}

impl TryFrom<AccountRow> for Account {
    type Error = AccessError;

    fn try_from(row: AccountRow) -> Result<Self, AccessError> {
        let organisation = row.organisation.as_deref();
        let Standing {
            username,
            role,
            organisation,
        } = Standing::read(row.account_id, &row.username, &row.role, organisation)?;
        Ok(Self {
            id: AccountId(row.account_id),
            username,
            role,
            organisation,
            must_change_password: row.must_change_password,
            created_at: row.created_at,
        })
    }
}
