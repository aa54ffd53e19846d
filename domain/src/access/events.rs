//! What happened to an organisation's access. Ids only: who a person is stands in tables that can
//! be erased.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Role;
use crate::{AccountId, Actor, ApiKeyId, CredentialId, InvitationId, Slug, event::events};

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

/// A person enrolled a second factor of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MfaEnrolled {
    /// The account.
    pub account: AccountId,
}

/// A person took their own second factor away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MfaDisabled {
    /// The account.
    pub account: AccountId,
}

/// Whoever runs the platform gave an account another password, and ended its sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordReset {
    /// The account.
    pub account: AccountId,
}

/// An account is signed in to by an identity provider from now on. As whom it knows them is in no entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityLinked {
    /// The account.
    pub account: AccountId,
}

/// No identity provider signs in to an account any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityUnlinked {
    /// The account.
    pub account: AccountId,
}

/// Somebody was invited to become a member; the entry's actor says by whom. Who accepts is a member by
/// [`RoleAssigned`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserInvited {
    /// The invitation.
    pub invitation: InvitationId,
    /// To which role.
    pub role: Role,
    /// The sites that they are to be limited to; absent where they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sites: Option<Vec<Slug>>,
}

/// An invitation was withdrawn before anybody accepted it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InvitationWithdrawn {
    /// The invitation.
    pub invitation: InvitationId,
}

/// An account that waited for a role got none, and is erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistrationDeclined {
    /// The account.
    pub account: AccountId,
}

/// An account of no organisation was made: it reaches all of them in its role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountAdded {
    /// The account.
    pub account: AccountId,
    /// Its role, for good.
    pub role: Role,
}

/// An account of no organisation was erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountErased {
    /// The account.
    pub account: AccountId,
}

/// Access tokens of the platform are signed by another key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenKeysRotated {
    /// Whether the keys before were forgotten because somebody else may have them.
    pub compromised: bool,
}

/// Somebody began to export the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerExported {
    /// How many entries it had.
    pub entries: u64,
    /// Who; absent in entries of before, whose actor says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reader: Option<Actor>,
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
        /// See [`MfaEnrolled`].
        MfaEnrolled = 1,
        /// See [`MfaDisabled`].
        MfaDisabled = 1,
        /// See [`PasswordReset`].
        PasswordReset = 1,
        /// See [`IdentityLinked`].
        IdentityLinked = 1,
        /// See [`IdentityUnlinked`].
        IdentityUnlinked = 1,
        /// See [`UserInvited`].
        UserInvited = 1,
        /// See [`InvitationWithdrawn`].
        InvitationWithdrawn = 1,
        /// See [`RegistrationDeclined`].
        RegistrationDeclined = 1,
        /// See [`AccountAdded`].
        AccountAdded = 1,
        /// See [`AccountErased`].
        AccountErased = 1,
        /// See [`TokenKeysRotated`].
        TokenKeysRotated = 1,
        /// See [`LedgerExported`].
        LedgerExported = 1,
    }
}
