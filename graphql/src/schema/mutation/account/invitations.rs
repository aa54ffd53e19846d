//! Invitations: somebody becomes a member of an organisation by an account of their own.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use sealrock_access::invitations::{self, InvitationToken, Place};
use sealrock_access::{Password, Permission, Principal, Username};
use sealrock_commands::Commands;
use sealrock_domain::Slug;
use sqlx::PgPool;
use uuid::Uuid;

use super::sessions::own_account;
use crate::code::Code;
use crate::schema::guard::{permit, principal};
use crate::schema::input::read;
use crate::schema::mutation::sender;
use crate::schema::problem::Problem;
use crate::schema::types::{Invitation, Role};

#[derive(Default)]
pub(crate) struct InvitationMutation;

/// To what somebody is invited.
#[derive(InputObject)]
struct InviteMemberInput {
    /// Slug of the organisation.
    organisation: String,
    /// What they are to be.
    role: Role,
    /// Slugs of the sites that they are limited to; all of the organisation without it.
    sites: Option<Vec<String>>,
}

/// An invitation, to be given to whom it is for.
#[derive(SimpleObject)]
struct InviteMemberPayload {
    /// What they send back by `acceptInvitation`; good once, and shown this once.
    token: String,
    /// The invitation.
    invitation: Invitation,
}

/// Which invitation.
#[derive(InputObject)]
struct WithdrawInvitationInput {
    /// Slug of the organisation.
    organisation: String,
    /// The invitation.
    id: ID,
}

/// The invitation cannot be accepted any more.
#[derive(SimpleObject)]
struct WithdrawInvitationPayload {
    /// The invitation.
    id: ID,
}

/// Somebody who was invited.
#[derive(InputObject)]
struct AcceptInvitationInput {
    /// What the inviter was answered.
    #[graphql(secret)]
    token: String,
    /// The name to sign in with.
    username: String,
    /// A password of their own: 12 to 1,024 characters that are not easily guessed.
    #[graphql(secret)]
    password: String,
}

/// The account is there: sign in.
#[derive(SimpleObject)]
struct AcceptInvitationPayload {
    /// The name to sign in with.
    username: String,
    /// Slug of the organisation that it is a member of.
    organisation: String,
}

#[Object]
impl InvitationMutation {
    /// Invites somebody to become a member of an organisation.
    async fn invite_member(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "To what.")] input: InviteMemberInput,
    ) -> Result<InviteMemberPayload, Problem> {
        let organisation = read::<Slug>("organisation", &input.organisation)?;
        let sites = input.sites.map(|sites| {
            let sites = sites.iter().map(|site| read::<Slug>("sites", site));
            sites.collect::<Result<Vec<Slug>, _>>()
        });
        let place = Place {
            organisation,
            role: input.role.into(),
            sites: sites.transpose()?,
        };
        permit_at(context, &place)?;
        if place.organisation.is_reserved_for_organisations() {
            let message = format!("there is no organisation {}", place.organisation);
            return Err(Problem::new(Code::NotFound, message));
        }
        if !place.may_be_offered_by(principal(context)?) {
            let message = "nobody invites others to more than they are: leave out sites or roles, or \
                           ask an administrator";
            return Err(Problem::new(Code::Forbidden, message));
        }
        let commands = context.data_unchecked::<Commands>();
        let (sender, inviter) = (sender(context, None)?, own_account(context)?);
        let (made, token) = commands.invite(&sender, &place, inviter).await?;
        Ok(InviteMemberPayload {
            token: token.reveal().to_owned(),
            invitation: made.into(),
        })
    }

    /// Withdraws an invitation that nobody has accepted. Who is limited to some sites withdraws those
    /// that they made.
    async fn withdraw_invitation(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which invitation.")] input: WithdrawInvitationInput,
    ) -> Result<WithdrawInvitationPayload, Problem> {
        let organisation = read::<Slug>("organisation", &input.organisation)?;
        let id = input.id.parse::<Uuid>();
        if let Err(refused) = permit(context, Permission::InviteMember, &organisation, None) {
            let made = own(context, &organisation, id.as_ref().ok()).await?;
            permit_at(context, &made.ok_or(refused)?.place)?;
        }
        let commands = context.data_unchecked::<Commands>();
        let sender = sender(context, None)?;
        let withdrawn = match id {
            Ok(id) => {
                let withdrawn = commands.withdraw_invitation(&sender, &organisation, id);
                withdrawn.await?
            }
            Err(_) => false,
        };
        if withdrawn {
            return Ok(WithdrawInvitationPayload { id: input.id });
        }
        let message = "there is no such invitation that can be accepted: invitations lists them";
        Err(Problem::new(Code::NotFound, message))
    }

    /// Makes the account of somebody who was invited. Needs no token but the invitation's.
    async fn accept_invitation(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The invitation, and the account to make.")] input: AcceptInvitationInput,
    ) -> Result<AcceptInvitationPayload, Problem> {
        let username = read::<Username>("username", &input.username)?;
        let token = InvitationToken::new(input.token);
        let password = Password::new(input.password);
        let commands = context.data_unchecked::<Commands>().clone();
        let name = username.to_string();
        // Who hangs up meanwhile is a member all the same.
        let accepted = tokio::spawn(async move {
            let place = commands.accept_invitation(&token, &username, password);
            place.await
        });
        let accepted = accepted.await.map_err(|error| {
            tracing::error!(%error, "an invitation was not accepted");
            let message = "something is wrong with the platform; its log has the reason";
            Problem::new(Code::Internal, message)
        });
        let place = accepted??;
        Ok(AcceptInvitationPayload {
            username: name,
            organisation: place.organisation.to_string(),
        })
    }
}

/// The invitation, if it holds and the caller made it.
async fn own(
    context: &Context<'_>,
    organisation: &Slug,
    id: Option<&Uuid>,
) -> Result<Option<invitations::Invitation>, Problem> {
    let (Some(id), Principal::User { id: caller, .. }) = (id, principal(context)?) else {
        return Ok(None);
    };
    let pool = context.data_unchecked::<PgPool>();
    let mut held = invitations::list(pool, organisation).await?.into_iter();
    Ok(held.find(|made| made.id == *id && made.invited_by == *caller))
}

/// Whether the caller may invite to all of these sites, or the organisation as a whole.
fn permit_at(context: &Context<'_>, place: &Place) -> Result<(), Problem> {
    let invite = |site| permit(context, Permission::InviteMember, &place.organisation, site);
    match &place.sites {
        Some(sites) if sites.is_empty() => Err(Problem::input(
            "sites: name at least one site, or leave it out to mean all of them",
        )),
        Some(sites) => sites.iter().try_for_each(|site| invite(Some(site))),
        None => invite(None),
    }
}
