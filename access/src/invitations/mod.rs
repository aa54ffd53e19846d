//! Invitations: an organisation lets somebody make an account who has what it was answered, once.
//!
//! Who may invite whom is for the caller to ask; here an invitation is made, taken once, or withdrawn.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use rand::RngCore;
use sealrock_domain::Slug;
use sha2::{Digest, Sha256};
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use crate::accounts::AddError;
use crate::{AccessError, AccountId, Password, Principal, Role, Username, accounts};

/// How long an invitation can be taken.
pub const HOLDS: Duration = Duration::from_hours(24 * 7);

/// What the invited person sends back; good once. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct InvitationToken(String);

/// To what somebody is invited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The organisation.
    pub organisation: Slug,
    /// In which role.
    pub role: Role,
    /// At which sites; `None` for all of the organisation.
    pub sites: Option<Vec<Slug>>,
}

/// An invitation that nobody has taken yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Which one.
    pub id: Uuid,
    /// To what.
    pub place: Place,
    /// Who invited.
    pub invited_by: AccountId,
    /// Until when it can be taken.
    pub expires_at: DateTime<Utc>,
}

impl Place {
    /// Whether somebody may invite others to it: nobody gives more than they have. Administrators
    /// give every role, managers of an organisation every other one; managers of sites give those who
    /// work there, at the sites that they are limited to themselves.
    #[must_use]
    pub fn may_be_offered_by(&self, inviter: &Principal) -> bool {
        let Principal::User {
            role,
            sites,
            organisation,
            ..
        } = inviter
        else {
            return false;
        };
        let there = organisation
            .as_ref()
            .is_none_or(|own| *own == self.organisation);
        let given = match role {
            Role::Admin => Role::ACCOUNTS.contains(&self.role),
            Role::HqManager => Role::ACCOUNTS.contains(&self.role) && self.role != Role::Admin,
            Role::SiteManager => matches!(self.role, Role::Operator | Role::Maintenance),
            _ => false,
        };
        let at_sites = match (sites, &self.sites) {
            (_, Some(offered)) if offered.is_empty() => false,
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(offered)) => offered.iter().all(|site| own.contains(site)),
        };
        there && given && at_sites
    }
}

/// Why an invitation was not taken.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// None of ours, or taken, withdrawn, or too old: which of them is not told.
    #[error("this invitation does not hold (any more): ask for another one")]
    Invalid,
    /// The account cannot be made like this; the invitation holds still.
    #[error(transparent)]
    Account(#[from] AddError),
    /// It could not be done; try again later.
    #[error(transparent)]
    Access(#[from] AccessError),
}

impl InvitationToken {
    /// What somebody sent.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, to be shown to the inviter once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    fn random() -> Self {
        let mut bytes = [0; 32];
        rand::rngs::OsRng.fill_bytes(&mut bytes);
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// As it is kept: of 32 random bytes a plain hash is enough.
    fn hash(&self) -> Vec<u8> {
        Sha256::digest(self.0.trim().as_bytes()).to_vec()
    }
}

impl fmt::Debug for InvitationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InvitationToken(masked)")
    }
}

#[derive(FromRow)]
struct Row {
    invitation_id: Uuid,
    organisation: String,
    role: String,
    sites: Option<Vec<String>>,
    invited_by: Uuid,
    expires_at: DateTime<Utc>,
}

/// Makes an invitation; its token is nowhere else in plain text.
///
/// # Errors
/// [`AccessError`]; there is none then.
pub async fn invite(
    pool: &PgPool,
    place: &Place,
    invited_by: AccountId,
) -> Result<(Invitation, InvitationToken), AccessError> {
    let token = InvitationToken::random();
    let sites = place.sites.as_ref();
    let sites = sites.map(|sites| sites.iter().map(ToString::to_string).collect::<Vec<_>>());
    let row: Row = sqlx::query_as(include_str!("sql/invite.sql"))
        .bind(Uuid::new_v4())
        .bind(token.hash())
        .bind(place.organisation.as_str())
        .bind(place.role.name())
        .bind(sites)
        .bind(invited_by.0)
        .bind(HOLDS.as_secs_f64())
        .fetch_one(pool)
        .await?;
    Ok((row.try_into()?, token))
}

/// The invitations of an organisation that can be taken, the newest first.
///
/// # Errors
/// [`AccessError`] if they cannot be read.
pub async fn list(pool: &PgPool, organisation: &Slug) -> Result<Vec<Invitation>, AccessError> {
    let rows: Vec<Row> = sqlx::query_as(include_str!("sql/list.sql"))
        .bind(organisation.as_str())
        .fetch_all(pool)
        .await?;
    rows.into_iter().map(Invitation::try_from).collect()
}

/// Withdraws an invitation of this organisation; `false` if there is no such one that holds.
///
/// # Errors
/// [`AccessError`]; it holds still.
pub async fn withdraw(pool: &PgPool, organisation: &Slug, id: Uuid) -> Result<bool, AccessError> {
    let withdrawn = sqlx::query(include_str!("sql/withdraw.sql"))
        .bind(id)
        .bind(organisation.as_str())
        .execute(pool)
        .await?;
    Ok(withdrawn.rows_affected() == 1)
}

/// Makes the account of somebody who was invited, with a password of their own. It may do nothing
/// before an entry of the organisation's ledger makes it a member. The invitation is used up then; of
/// two who take it at once one gets it.
///
/// # Errors
/// [`AcceptError`]; no account is left then.
pub async fn accept(
    pool: &PgPool,
    token: &InvitationToken,
    username: &Username,
    password: Password,
) -> Result<(AccountId, Invitation), AcceptError> {
    let row: Option<Row> = sqlx::query_as(include_str!("sql/find.sql"))
        .bind(token.hash())
        .fetch_optional(pool)
        .await
        .map_err(AccessError::from)?;
    let invitation: Invitation = row.ok_or(AcceptError::Invalid)?.try_into()?;
    let Place {
        organisation, role, ..
    } = &invitation.place;
    let hash = accounts::hash_of_member(username, organisation, password).await?;
    let mut transaction = pool.begin().await.map_err(AccessError::from)?;
    let added = accounts::add_member(&mut transaction, username, *role, organisation, hash);
    let id = added.await?;
    let used = sqlx::query(include_str!("sql/accept.sql"))
        .bind(invitation.id)
        .bind(id.0)
        .execute(&mut *transaction)
        .await
        .map_err(AccessError::from)?;
    // Somebody else may have been first.
    if used.rows_affected() == 0 {
        return Err(AcceptError::Invalid);
    }
    transaction.commit().await.map_err(AccessError::from)?;
    Ok((id, invitation))
}

/// Undoes that this account accepted the invitation: nothing came of it, and another may.
///
/// # Errors
/// [`AccessError`]; it stays accepted.
pub async fn undo(pool: &PgPool, invitation: Uuid, account: AccountId) -> Result<(), AccessError> {
    let mut transaction = pool.begin().await?;
    sqlx::query(include_str!("sql/undo.sql"))
        .bind(invitation)
        .bind(account.0)
        .execute(&mut *transaction)
        .await?;
    sqlx::query("DELETE FROM access.accounts WHERE account_id = $1")
        .bind(account.0)
        .execute(&mut *transaction)
        .await?;
    Ok(transaction.commit().await?)
}

/// What was accepted of late, with who did: each is to be a member by an entry of the ledger.
///
/// # Errors
/// [`AccessError`] if it cannot be read.
pub async fn accepted(pool: &PgPool) -> Result<Vec<(AccountId, Invitation)>, AccessError> {
    let rows: Vec<Accepted> = sqlx::query_as(include_str!("sql/accepted.sql"))
        .fetch_all(pool)
        .await?;
    let read = |row: Accepted| Ok((AccountId(row.account_id), row.invitation.try_into()?));
    rows.into_iter().map(read).collect()
}

#[derive(FromRow)]
struct Accepted {
    account_id: Uuid,
    #[sqlx(flatten)]
    invitation: Row,
}

impl TryFrom<Row> for Invitation {
    type Error = AccessError;

    fn try_from(row: Row) -> Result<Self, AccessError> {
        let id = row.invitation_id;
        let corrupt = |what: &str| AccessError::Corrupt(format!("invitation {id}: {what}"));
        let role = row.role.parse().map_err(|_| corrupt("unknown role"))?;
        let organisation = row.organisation.parse();
        let organisation = organisation.map_err(|_| corrupt("bad organisation"))?;
        let sites = row.sites.map(|sites| {
            let sites = sites.iter().map(|site| site.parse());
            sites.collect::<Result<Vec<Slug>, _>>()
        });
        let sites = sites.transpose().map_err(|_| corrupt("bad site"))?;
        Ok(Self {
            id,
            place: Place {
                organisation,
                role,
                sites,
            },
            invited_by: AccountId(row.invited_by),
            expires_at: row.expires_at,
        })
    }
}
