//! Members by invitation.

use std::time::Duration;

use chrono::Utc;
use sealrock_access::invitations::{self, AcceptError, Invitation, InvitationToken, Place};
use sealrock_access::{AccessError, AccountId, Password, Principal, Username};
use sealrock_domain::access::{AccessNote, AdmitMember, AssignRole};
use sealrock_domain::{InvitationId, Slug};
use uuid::Uuid;

use crate::commands::Commands;
use crate::context::{Context, Done};
use crate::error::CommandError;

/// How often the entry is tried while the ledger is away, each time after twice as long.
const ATTEMPTS: u32 = 5;

/// Why somebody who was invited is no member.
#[derive(Debug, thiserror::Error)]
pub enum InvitationError {
    /// The invitation or the account.
    #[error(transparent)]
    Accept(#[from] AcceptError),
    /// The ledger.
    #[error(transparent)]
    Command(#[from] CommandError),
}

impl Commands {
    /// Invites somebody. The row comes first: nobody has its token before the entry is there. Who may
    /// invite to this place is for the caller to ask.
    ///
    /// # Errors
    /// See [`CommandError`]; there is no invitation then.
    pub async fn invite(
        &self,
        context: &Context,
        place: &Place,
        invited_by: AccountId,
    ) -> Result<(Invitation, InvitationToken), CommandError> {
        let pool = self.store.pool();
        let (made, token) = invitations::invite(pool, place, invited_by).await?;
        let note = AccessNote::UserInvited {
            invitation: InvitationId(made.id),
            role: place.role,
            sites: place.sites.clone(),
        };
        let noted = self.note_access(context, &place.organisation, note).await;
        if noted.is_err() {
            invitations::withdraw(pool, &place.organisation, made.id).await?;
        }
        noted?;
        Ok((made, token))
    }

    /// Withdraws an invitation of an organisation; `false` if there is no such one that holds. The row
    /// comes first: of who accepts at this moment no entry says that the invitation was withdrawn. Who
    /// may is for the caller to ask.
    ///
    /// # Errors
    /// See [`CommandError`]; where the ledger was away the invitation is withdrawn all the same, and no
    /// entry says so.
    pub async fn withdraw_invitation(
        &self,
        context: &Context,
        organisation: &Slug,
        id: Uuid,
    ) -> Result<bool, CommandError> {
        let pool = self.store.pool();
        if !invitations::withdraw(pool, organisation, id).await? {
            return Ok(false);
        }
        let invitation = InvitationId(id);
        let note = AccessNote::InvitationWithdrawn { invitation };
        self.note_access(context, organisation, note).await?;
        Ok(true)
    }

    /// Makes somebody who was invited an account, and a member by an entry. Nothing is left of it where
    /// the entry is refused; where the ledger is away for long, the next start writes it.
    ///
    /// # Errors
    /// [`InvitationError`].
    pub async fn accept_invitation(
        &self,
        token: &InvitationToken,
        username: &Username,
        password: Password,
    ) -> Result<Place, InvitationError> {
        let pool = self.store.pool();
        let accepted = invitations::accept(pool, token, username, password).await;
        let (account, invitation) = accepted?;
        let mut admitted = self.admit_invited(account, &invitation).await;
        for attempt in 0..ATTEMPTS {
            match admitted {
                Err(ref error) if error.says_no() => {
                    let undone = invitations::undo(pool, invitation.id, account).await;
                    undone.map_err(AcceptError::from)?;
                    break;
                }
                Err(_) => tokio::time::sleep(Duration::from_secs(1 << attempt)).await,
                Ok(_) => break,
            }
            admitted = self.admit_invited(account, &invitation).await;
        }
        admitted?;
        Ok(invitation.place)
    }

    /// Who accepted an invitation and is in no entry, because the server ended in between, gets it now.
    ///
    /// # Errors
    /// [`AccessError`] if rows cannot be read. What a ledger refuses is told to the log.
    pub async fn finish_invitations(&self) -> Result<(), AccessError> {
        for (account, invitation) in invitations::accepted(self.store.pool()).await? {
            let access = self.access_of(&invitation.place.organisation).await;
            let known = access.map(|access| access.state().member(account).is_some());
            if matches!(known, Ok(false))
                && let Err(error) = self.admit_invited(account, &invitation).await
            {
                tracing::warn!(%error, %account, "who accepted an invitation is no member");
            }
        }
        Ok(())
    }

    async fn admit_invited(
        &self,
        account: AccountId,
        invitation: &Invitation,
    ) -> Result<Done, CommandError> {
        let Invitation {
            place, invited_by, ..
        } = invitation;
        let inviter = self.principal_now(*invited_by).await?;
        if !inviter.is_some_and(|inviter| place.may_be_offered_by(&inviter)) {
            return Err(CommandError::Rejected(
                "who invited you may not do so any more: ask for another invitation".to_owned(),
            ));
        }
        let name = "invitations".parse().expect("a slug");
        let context = Context {
            principal: Principal::Service { name },
            // One for each account, whoever tries.
            command: Uuid::new_v5(&account.as_uuid(), b"sealrock:invited"),
            via: "graphql".to_owned(),
            received_at: Utc::now(),
        };
        let member = AdmitMember {
            member: AssignRole {
                account,
                role: place.role,
                sites: place.sites.clone(),
            },
            invited_by: Some(*invited_by),
        };
        self.admit_member(&context, &place.organisation, member)
            .await
    }
}
