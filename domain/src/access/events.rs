//! What happened to an organisation's access. Ids only: who a person is stands in tables that can
//! be erased.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Role;
use crate::{AccountId, ApiKeyId, CredentialId, Slug, event::events};

/// An account is a member with this role from now on, whatever it was before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleAssigned {
    /// The account.
    pub account: AccountId,
    /// What it is.
    pub role: Role,
    /// The sites that it is limited to; absent where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sites: Option<Vec<Slug>>,
    /// Who invited the account, if it became a member by an invitation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invited_by: Option<AccountId>,
}

/// An account is a member no longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberDeactivated {
    /// The account.
    pub account: AccountId,
}

/// People of another organisation may look, in one role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessGranted {
    /// Their organisation.
    pub organisation: Slug,
    /// Those of this role.
    pub role: Role,
    /// The sites that they may look at; absent where it is all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sites: Option<Vec<Slug>>,
    /// From when on they may not any more.
    pub until: DateTime<Utc>,
}

/// They may not any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessRevoked {
    /// Their organisation.
    pub organisation: Slug,
    /// Those of this role.
    pub role: Role,
}

/// A program has a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyIssued {
    /// The key.
    pub key: ApiKeyId,
    /// Its secret as the access tables know it.
    pub credential: CredentialId,
    /// The role of which it has permissions.
    pub role: Role,
    /// Those that it has.
    pub permissions: Vec<Slug>,
    /// The sites that it is limited to; absent where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sites: Option<Vec<Slug>>,
    /// From when on it opens nothing.
    pub until: DateTime<Utc>,
}

/// A key has another secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyRotated {
    /// The key.
    pub key: ApiKeyId,
    /// The secret.
    pub credential: CredentialId,
    /// From when on the key opens nothing.
    pub until: DateTime<Utc>,
    /// From when on the secret before it opens nothing.
    pub previous_until: DateTime<Utc>,
}

/// A key opens nothing any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyRevoked {
    /// The key.
    pub key: ApiKeyId,
}

/// What holds for everybody changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessSettingsChanged {
    /// Whether people may become members by themselves.
    pub self_registration: bool,
    /// Whether members must have a second factor.
    pub second_factor_required: bool,
}

/// Somebody keeps trying passwords of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignInBurstDetected {
    /// The account.
    pub account: AccountId,
    /// How many were wrong.
    pub failures: u32,
}

/// A member's second factor was taken away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecondFactorReset {
    /// The member.
    pub account: AccountId,
}

/// Somebody signed in began to export the ledger; the entry's actor says who.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerExported {
    /// How many entries it had.
    pub entries: u64,
}

events! {
    /// An event of the stream of an organisation's access.
    enum AccessEvent {
        /// See [`RoleAssigned`].
        RoleAssigned = 1,
        /// See [`MemberDeactivated`].
        MemberDeactivated = 1,
        /// See [`AccessGranted`].
        AccessGranted = 1,
        /// See [`AccessRevoked`].
        AccessRevoked = 1,
        /// See [`ApiKeyIssued`].
        ApiKeyIssued = 1,
        /// See [`ApiKeyRotated`].
        ApiKeyRotated = 1,
        /// See [`ApiKeyRevoked`].
        ApiKeyRevoked = 1,
        /// See [`AccessSettingsChanged`].
        AccessSettingsChanged = 1,
        /// See [`SignInBurstDetected`].
        SignInBurstDetected = 1,
        /// See [`SecondFactorReset`].
        SecondFactorReset = 1,
        /// See [`LedgerExported`].
        LedgerExported = 1,
    }
}
