//! What can be asked of an organisation's access.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{AccessNote, Role};
use crate::{AccountId, Actor, ApiKeyId, CredentialId, Slug};

/// A change of the access of one organisation, and who wants it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChangeAccess {
    /// Who. A member must be one in the stream as it is: whoever lost a role a moment ago has lost it.
    pub by: Actor,
    /// What.
    pub change: AccessCommand,
}

/// A command to the access of one organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum AccessCommand {
    /// Make somebody a member, or give a member another role.
    AssignRole(AssignRole),
    /// Make somebody a member of whom the stream knows nothing yet: who accepted an invitation, or
    /// had a role before there were entries of roles.
    Admit(AdmitMember),
    /// Let somebody be a member no longer.
    Deactivate(DeactivateMember),
    /// Let people of another organisation look.
    Grant(GrantAccess),
    /// End that.
    Revoke(RevokeAccess),
    /// Give a program a key.
    IssueKey(IssueApiKey),
    /// Give it another secret.
    RotateKey(RotateApiKey),
    /// Take the key away.
    RevokeKey(RevokeApiKey),
    /// Change what holds for everybody.
    ChangeSettings(AccessSettings),
    /// Note what happened to access.
    Note(AccessNote),
}

impl AccessCommand {
    /// The role of a member who asks for it; `None` for what the platform does by itself.
    pub(super) const fn needs(&self) -> Option<Role> {
        match self {
            Self::Note(AccessNote::SecondFactorReset { .. }) => Some(Role::Admin),
            Self::Admit(_) | Self::Note(_) => None,
            Self::Grant(_) | Self::Revoke(_) => Some(Role::HqManager),
            _ => Some(Role::Admin),
        }
    }
}

/// Gives an account a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AssignRole {
    /// The account.
    pub account: AccountId,
    /// What it is from now on.
    pub role: Role,
    /// The sites that it is limited to; `None` for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sites: Option<Vec<Slug>>,
}

/// Makes somebody a member who is new.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AdmitMember {
    /// What they are to be.
    pub member: AssignRole,
    /// Who invited them, if somebody did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invited_by: Option<AccountId>,
}

/// Ends a membership.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeactivateMember {
    /// The account.
    pub account: AccountId,
}

/// Lets people of another organisation look, in one role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GrantAccess {
    /// The organisation that grants.
    pub own: Slug,
    /// The organisation whose people may look.
    pub organisation: Slug,
    /// Those of this role.
    pub role: Role,
    /// The sites that they may look at; `None` for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sites: Option<Vec<Slug>>,
    /// From when on they may not any more.
    pub until: DateTime<Utc>,
    /// The present. It is no part of the input: a command that is repeated comes later.
    #[serde(skip)]
    pub now: DateTime<Utc>,
}

/// Ends a grant before its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RevokeAccess {
    /// The organisation whose people may look.
    pub organisation: Slug,
    /// Those of this role.
    pub role: Role,
    /// The present; no part of the input.
    #[serde(skip)]
    pub now: DateTime<Utc>,
}

/// Issues a key. Its secret's row is there already, and opens nothing before the entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IssueApiKey {
    /// The key; made anew by each attempt, so it is no part of the input.
    #[serde(skip)]
    pub key: ApiKeyId,
    /// Its secret; no part of the input.
    #[serde(skip)]
    pub credential: CredentialId,
    /// The role of which it has permissions.
    pub role: Role,
    /// Those that it has, by their names.
    pub permissions: Vec<Slug>,
    /// The sites that it is limited to; `None` for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sites: Option<Vec<Slug>>,
    /// From when on it opens nothing.
    pub until: DateTime<Utc>,
    /// The present; no part of the input.
    #[serde(skip)]
    pub now: DateTime<Utc>,
}

/// Gives a key another secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RotateApiKey {
    /// The key.
    pub key: ApiKeyId,
    /// The secret to come; no part of the input.
    #[serde(skip)]
    pub credential: CredentialId,
    /// From when on the key opens nothing.
    pub until: DateTime<Utc>,
    /// For how many seconds from now the secret before it is good too.
    pub overlap_seconds: u32,
    /// The present; no part of the input.
    #[serde(skip)]
    pub now: DateTime<Utc>,
}

/// Takes a key away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RevokeApiKey {
    /// The key.
    pub key: ApiKeyId,
}

/// What holds for everybody of an organisation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AccessSettings {
    /// Whether people may become members by themselves.
    pub self_registration: bool,
    /// Whether members must have a second factor.
    pub second_factor_required: bool,
}
