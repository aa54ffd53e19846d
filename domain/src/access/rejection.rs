//! Why a change of access is refused.

use chrono::{DateTime, Utc};

use super::Role;
use crate::refusal::{NOT_FOUND, OUT_OF_RANGE, SELF_APPROVAL};
use crate::{AccountId, ApiKeyId, Refusal, Slug};

/// Why a command is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessRejection {
    /// Nobody changes their own role.
    #[error(
        "nobody changes their own role, ends their own membership or resets their own second factor: \
         ask another administrator"
    )]
    OwnRole,
    /// Whoever asks lost their role, maybe a moment ago.
    #[error("your role does not allow this any more: ask an administrator")]
    NoLonger,
    /// The stream knows the account already.
    #[error("account {account} is or was a member already: assign it a role instead")]
    Known {
        /// The account.
        account: AccountId,
    },
    /// An invitation holds as long as who gave it is a member.
    #[error("who invited you is no member any more: ask for another invitation")]
    InviterLeft,
    /// An organisation has an owner.
    #[error(
        "account {account} is the last administrator: make another member one first, or nobody could \
         manage access any more"
    )]
    LastOwner {
        /// The account.
        account: AccountId,
    },
    /// Parts of the platform and devices are no members.
    #[error("{role} is no role of a person")]
    NoMember {
        /// The role.
        role: Role,
    },
    /// The role reaches all of an organisation.
    #[error(
        "{role} reaches the whole organisation; only operator, site-manager and maintenance can be limited to sites"
    )]
    NotBySite {
        /// The role.
        role: Role,
    },
    /// A limit to no site at all.
    #[error("name at least one site, or none of this to mean all of them")]
    NoSite,
    /// Nothing would change.
    #[error("that is so already: nothing to change")]
    Unchanged,
    /// There is no such member.
    #[error("account {account} is no active member here")]
    UnknownMember {
        /// The account.
        account: AccountId,
    },
    /// A grant is for who looks.
    #[error(
        "only a verifier, regulator or auditor of another organisation can be granted access, not {role}"
    )]
    NotGranted {
        /// The role.
        role: Role,
    },
    /// A grant is to others.
    #[error("{organisation} is this organisation: give its people a role instead")]
    OwnOrganisation {
        /// The organisation.
        organisation: Slug,
    },
    /// There is no such grant.
    #[error("no {role} of {organisation} has access here")]
    UnknownGrant {
        /// The other organisation.
        organisation: Slug,
        /// The role.
        role: Role,
    },
    /// A time that does not fit.
    #[error("{until} will not do: give a time between now and {latest}")]
    Until {
        /// What was given.
        until: DateTime<Utc>,
        /// The latest that may be.
        latest: DateTime<Utc>,
    },
    /// A key of nothing.
    #[error("give the key at least one permission")]
    NoPermission,
    /// There is no such key.
    #[error("there is no key {key} here that is not revoked")]
    UnknownKey {
        /// The key.
        key: ApiKeyId,
    },
    /// Too long an overlap.
    #[error("the secret before can be good for another {most} seconds at most")]
    Overlap {
        /// The longest.
        most: u32,
    },
}

impl Refusal for AccessRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::OwnRole => SELF_APPROVAL,
            Self::UnknownMember { .. } | Self::UnknownGrant { .. } | Self::UnknownKey { .. } => {
                NOT_FOUND
            }
            Self::Until { .. } | Self::Overlap { .. } => OUT_OF_RANGE,
            _ => crate::refusal::REJECTED,
        }
    }
}
