//! What happened around the access of an organisation and changes nothing of what the stream holds.
//! Who did it is the entry's actor.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::events::{
    AccountAdded, AccountErased, IdentityLinked, IdentityUnlinked, InvitationWithdrawn,
    LedgerExported, MfaDisabled, MfaEnrolled, PasswordReset, RegistrationDeclined,
    SecondFactorReset, SignInBurstDetected, TokenKeysRotated, UserInvited,
};
use super::{AccessEvent, Role};
use crate::{AccountId, Actor, InvitationId, Slug};

/// What happened to access and changes nothing of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum AccessNote {
    /// Somebody keeps trying passwords.
    SignInBurst {
        /// The account that they want to be.
        account: AccountId,
        /// How many were wrong.
        failures: u32,
    },
    /// A member's second factor was taken away, to enrol another one.
    SecondFactorReset {
        /// The member.
        account: AccountId,
        /// Since when it was asked for: the same command for a later one is another.
        since: DateTime<Utc>,
    },
    /// A person enrolled a second factor of their own.
    MfaEnrolled {
        /// The account.
        account: AccountId,
    },
    /// A person took their own second factor away.
    MfaDisabled {
        /// The account.
        account: AccountId,
    },
    /// Whoever runs the platform gave an account another password.
    PasswordReset {
        /// The account.
        account: AccountId,
    },
    /// An account is signed in to by an identity provider from now on.
    IdentityLinked {
        /// The account.
        account: AccountId,
    },
    /// It is no more.
    IdentityUnlinked {
        /// The account.
        account: AccountId,
    },
    /// Somebody was invited.
    UserInvited {
        /// The invitation.
        invitation: InvitationId,
        /// To which role.
        role: Role,
        /// At which sites; `None` for all.
        #[serde(skip_serializing_if = "Option::is_none")]
        sites: Option<Vec<Slug>>,
    },
    /// An invitation was withdrawn before anybody accepted it.
    InvitationWithdrawn {
        /// The invitation.
        invitation: InvitationId,
    },
    /// An account that waited for a role got none, and was erased.
    RegistrationDeclined {
        /// The account.
        account: AccountId,
    },
    /// An account of no organisation was made.
    AccountAdded {
        /// The account.
        account: AccountId,
        /// Its role, for good.
        role: Role,
    },
    /// An account of no organisation was erased.
    AccountErased {
        /// The account.
        account: AccountId,
    },
    /// Access tokens are signed by another key.
    TokenKeysRotated {
        /// Whether the keys before were forgotten because somebody else may have them.
        compromised: bool,
    },
    /// Somebody had themselves given the ledger.
    LedgerExported {
        /// Who.
        reader: Actor,
        /// How many entries it had. No part of the input: the same export may be noted by another
        /// node, when the ledger had another size.
        #[serde(skip)]
        entries: u64,
    },
}

impl From<AccessNote> for AccessEvent {
    fn from(note: AccessNote) -> Self {
        use AccessNote as Note;
        match note {
            Note::SignInBurst { account, failures } => {
                SignInBurstDetected { account, failures }.into()
            }
            Note::SecondFactorReset { account, .. } => SecondFactorReset { account }.into(),
            Note::MfaEnrolled { account } => MfaEnrolled { account }.into(),
            Note::MfaDisabled { account } => MfaDisabled { account }.into(),
            Note::PasswordReset { account } => PasswordReset { account }.into(),
            Note::IdentityLinked { account } => IdentityLinked { account }.into(),
            Note::IdentityUnlinked { account } => IdentityUnlinked { account }.into(),
            Note::UserInvited {
                invitation,
                role,
                sites,
            } => UserInvited {
                invitation,
                role,
                sites,
            }
            .into(),
            Note::InvitationWithdrawn { invitation } => InvitationWithdrawn { invitation }.into(),
            Note::RegistrationDeclined { account } => RegistrationDeclined { account }.into(),
            Note::AccountAdded { account, role } => AccountAdded { account, role }.into(),
            Note::AccountErased { account } => AccountErased { account }.into(),
            Note::TokenKeysRotated { compromised } => TokenKeysRotated { compromised }.into(),
            Note::LedgerExported { reader, entries } => LedgerExported {
                entries,
                reader: Some(reader),
            }
            .into(),
        }
    }
}
