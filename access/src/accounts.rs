//! Accounts of people: the first administrator, adding, new passwords, erasure.

use chrono::{DateTime, Utc};
use sealrock_domain::Slug;
use serde::Serialize;
use sqlx::{FromRow, PgConnection, PgExecutor, PgPool};
use uuid::Uuid;

use crate::gate::LockedOut;
use crate::sessions::{Because, end_of_nobody, go_on, revoke_all};
use crate::throttle::{self, ThrottleError, TooManyAttempts};
use crate::{
    AccessError, AccountId, Password, PasswordRefused, Principal, Role, SessionId, Username,
    password,
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

/// An account as the gate needs it.
#[derive(Clone)]
pub struct Found {
    /// Which one.
    pub id: AccountId,
    /// The name that it signs in with.
    pub username: Username,
    pub(crate) password_hash: String,
    role: Role,
    organisation: Option<Slug>,
    must_change_password: bool,
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
    /// There were too many wrong attempts before.
    #[error(transparent)]
    TooMany(#[from] TooManyAttempts),
    /// This was the one too many.
    #[error("{}", .0.told)]
    LockedOut(LockedOut),
    /// It could not be done; try again later.
    #[error(transparent)]
    Access(#[from] AccessError),
}

impl From<ThrottleError> for ChangePasswordError {
    fn from(error: ThrottleError) -> Self {
        match error {
            ThrottleError::TooMany(told) => Self::TooMany(told),
            ThrottleError::Access(error) => Self::Access(error),
        }
    }
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
    /// The password that was chosen for it will not do.
    #[error(transparent)]
    Refused(#[from] PasswordRefused),
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
    /// Whether it was registered by its owner, and waits for a role.
    pub waiting: bool,
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
    waiting: bool,
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
    let password = Password::random();
    let username: Username = "admin".parse().expect("a valid name");
    let hash = password::hash(password.clone()).await?;
    let made = insert_if_first(pool, &username, &hash).await?;
    Ok(made.then_some(FirstAdmin { username, password }))
}

/// The account of a name that somebody typed.
///
/// # Errors
/// [`AccessError`] if it could not be looked for.
pub(crate) async fn find(pool: &PgPool, username: &str) -> Result<Option<Found>, AccessError> {
    let Ok(username) = username.parse::<Username>() else {
        return Ok(None);
    };
    let found = sqlx::query_as(include_str!("sql/account_by_username.sql")).bind(username.as_str());
    let row: Option<SignInRow> = found.fetch_optional(pool).await?;
    row.map(Found::try_from).transpose()
}

/// The id of the account of this name.
///
/// # Errors
/// [`AccessError`] if it could not be looked for.
pub async fn find_id(pool: &PgPool, username: &Username) -> Result<Option<AccountId>, AccessError> {
    let found = find(pool, username.as_str()).await?;
    Ok(found.map(|found| found.id))
}

/// The account of this id; `None` if it was erased.
///
/// # Errors
/// [`AccessError`] if it could not be read.
pub(crate) async fn find_by_id(pool: &PgPool, id: AccountId) -> Result<Option<Found>, AccessError> {
    let found = sqlx::query_as(include_str!("sql/account_by_id.sql")).bind(id.0);
    let row: Option<SignInRow> = found.fetch_optional(pool).await?;
    row.map(Found::try_from).transpose()
}

/// Whether the account is as it was found, its password too. It stays so until the end of the
/// transaction: who changes or erases it waits.
///
/// # Errors
/// [`AccessError`] if it could not be read.
pub(crate) async fn hold(
    connection: &mut PgConnection,
    found: &Found,
) -> Result<bool, AccessError> {
    let held: Option<bool> = sqlx::query_scalar(include_str!("sql/hold_account.sql"))
        .bind(found.id.0)
        .bind(&found.password_hash)
        .fetch_optional(connection)
        .await?;
    Ok(held.is_some())
}

/// Replaces a password by one that its owner chose, and ends all sessions but the one in which that is
/// done.
///
/// # Errors
/// [`ChangePasswordError`]; the old password still holds then.
pub async fn change_password(
    pool: &PgPool,
    id: AccountId,
    current: Password,
    new: Password,
    session: Option<SessionId>,
) -> Result<(), ChangePasswordError> {
    let found = find_by_id(pool, id).await?;
    let kept = found.as_ref().map(|found| found.password_hash.clone());
    let right = password::check(current.clone(), kept.clone()).await?;
    let Some(found) = found.filter(|_| right) else {
        return Err(ChangePasswordError::WrongPassword);
    };
    if new == current {
        return Err(PasswordRefused::Unchanged.into());
    }
    let hash = password::hash_chosen(new, found.known()).await??;
    if replace_hash(pool, &found, &hash, session).await? {
        Ok(())
    } else {
        Err(ChangePasswordError::WrongPassword)
    }
}

/// Only in place of the hash that was checked: of two changes at once the second is refused.
async fn replace_hash(
    pool: &PgPool,
    found: &Found,
    hash: &str,
    session: Option<SessionId>,
) -> Result<bool, AccessError> {
    let mut transaction = pool.begin().await?;
    let changed = sqlx::query(include_str!("sql/change_password.sql"))
        .bind(found.id.0)
        .bind(&found.password_hash)
        .bind(hash)
        .execute(&mut *transaction)
        .await?;
    if changed.rows_affected() == 0 {
        return Ok(false);
    }
    if let Some(session) = session
        && !go_on(&mut transaction, session).await?
    {
        return Ok(false);
    }
    revoke_all(&mut *transaction, found.id, session, Because::Password).await?;
    transaction.commit().await?;
    Ok(true)
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
    allowed(role, organisation)?;
    let password = Password::random();
    let hash = password::hash(password.clone()).await?;
    let kept = Kept {
        hash,
        must_change_password: true,
        in_ledger: false,
    };
    insert(pool, username, (role, organisation), kept).await?;
    Ok(password)
}

/// Makes an account with a password that is known to who is to use it, and need not be changed.
///
/// # Errors
/// As [`add`], and that the password will not do.
pub async fn add_with(
    pool: &PgPool,
    username: &Username,
    role: Role,
    organisation: Option<&Slug>,
    password: Password,
) -> Result<AccountId, AddError> {
    allowed(role, organisation)?;
    let known = known(username, organisation);
    let hash = password::hash_chosen(password, known).await??;
    let kept = Kept {
        hash,
        must_change_password: false,
        in_ledger: false,
    };
    insert(pool, username, (role, organisation), kept).await
}

/// Inserts the account of somebody who may do nothing before the ledger of the organisation says so.
pub(crate) async fn add_member(
    connection: &mut PgConnection,
    username: &Username,
    role: Role,
    organisation: &Slug,
    hash: String,
) -> Result<AccountId, AddError> {
    allowed(role, Some(organisation))?;
    let kept = Kept {
        hash,
        must_change_password: false,
        in_ledger: true,
    };
    insert(connection, username, (role, Some(organisation)), kept).await
}

/// The hash of a password that is chosen for an account to come.
///
/// # Errors
/// [`AddError`] if it will not do.
pub(crate) async fn hash_of_member(
    username: &Username,
    organisation: &Slug,
    password: Password,
) -> Result<String, AddError> {
    let known = known(username, Some(organisation));
    Ok(password::hash_chosen(password, known).await??)
}

/// How a new account is kept.
struct Kept {
    hash: String,
    must_change_password: bool,
    in_ledger: bool,
}

fn allowed(role: Role, organisation: Option<&Slug>) -> Result<(), AddError> {
    if !Role::ACCOUNTS.contains(&role) {
        return Err(AddError::NoAccount(role));
    }
    if organisation.is_none() && role.needs_organisation() {
        return Err(AddError::NeedsOrganisation(role));
    }
    Ok(())
}

async fn insert(
    executor: impl PgExecutor<'_>,
    username: &Username,
    (role, organisation): (Role, Option<&Slug>),
    kept: Kept,
) -> Result<AccountId, AddError> {
    let id = Uuid::new_v4();
    let added = sqlx::query(include_str!("sql/insert_account.sql"))
        .bind(id)
        .bind(username.as_str())
        .bind(kept.hash)
        .bind(role.name())
        .bind(organisation.map(Slug::as_str))
        .bind(kept.must_change_password)
        .bind(kept.in_ledger)
        .execute(executor)
        .await
        .map_err(AccessError::from)?;
    if added.rows_affected() == 1 {
        Ok(AccountId(id))
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
    let password = Password::random();
    let set = set_password(pool, username, password.clone(), true).await?;
    Ok(set.map(|_| password))
}

/// As [`reset_password`], to a password that is known to who is to use it, whatever it is; it may be
/// one that need not be changed. Ends all sessions of the account, whose id is answered.
///
/// # Errors
/// As [`reset_password`].
pub async fn set_password(
    pool: &PgPool,
    username: &Username,
    password: Password,
    must_change: bool,
) -> Result<Option<AccountId>, AccessError> {
    let hash = password::hash(password).await?;
    let mut transaction = pool.begin().await?;
    let reset = sqlx::query_scalar(include_str!("sql/reset_password.sql"))
        .bind(username.as_str())
        .bind(hash)
        .bind(must_change)
        .fetch_optional(&mut *transaction)
        .await?;
    let Some(id) = reset.map(AccountId) else {
        return Ok(None);
    };
    revoke_all(&mut *transaction, id, None, Because::Password).await?;
    transaction.commit().await?;
    throttle::forgive(pool, username.as_str(), id).await?;
    Ok(Some(id))
}

/// Forgets a person: name, password, second factor and sessions. Ledgers keep the id, which says
/// nothing about them then. Answers the id; `None` if there is no such account.
///
/// # Errors
/// [`AccessError`]; nothing was erased then, unless the connection was lost in the commit.
pub async fn erase(pool: &PgPool, username: &Username) -> Result<Option<AccountId>, AccessError> {
    let mut transaction = pool.begin().await?;
    let erased = "DELETE FROM access.accounts WHERE username = $1 RETURNING account_id";
    let erased = sqlx::query_scalar(erased)
        .bind(username.as_str())
        .fetch_optional(&mut *transaction)
        .await?;
    let Some(id) = erased.map(AccountId) else {
        return Ok(None);
    };
    end_of_nobody(&mut transaction, id).await?;
    sqlx::query("UPDATE access.invitations SET revoked_at = now() WHERE invited_by = $1 AND account_id IS NULL")
        .bind(id.0)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    throttle::forgive(pool, username.as_str(), id).await?;
    Ok(Some(id))
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

impl Found {
    /// Who the account is, in a session.
    pub(crate) fn principal(&self, in_session: SessionId, proved: DateTime<Utc>) -> Principal {
        let mut principal = self.principal_without_session();
        if let Principal::User {
            session,
            stepped_up,
            must_change_password,
            ..
        } = &mut principal
        {
            *session = Some(in_session);
            *stepped_up = Some(proved);
            *must_change_password = self.must_change_password;
        }
        principal
    }

    /// Who the account is.
    pub(crate) fn principal_without_session(&self) -> Principal {
        let (username, organisation) = (self.username.clone(), self.organisation.clone());
        Principal::signed_in(self.id, username, self.role, organisation)
    }

    /// What whoever guesses its password tries first.
    fn known(&self) -> Vec<String> {
        known(&self.username, self.organisation.as_ref())
    }
}

fn known(username: &Username, organisation: Option<&Slug>) -> Vec<String> {
    let organisation = organisation.map(ToString::to_string);
    organisation
        .into_iter()
        .chain([username.to_string()])
        .collect()
}

impl TryFrom<SignInRow> for Found {
    type Error = AccessError;

    fn try_from(row: SignInRow) -> Result<Self, AccessError> {
        let organisation = row.organisation.as_deref();
        let Standing {
            username,
            role,
            organisation,
        } = Standing::read(row.account_id, &row.username, &row.role, organisation)?;
        Ok(Self {
            id: AccountId(row.account_id),
            username,
            password_hash: row.password_hash,
            role,
            organisation,
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
            waiting: row.waiting,
            created_at: row.created_at,
        })
    }
}
