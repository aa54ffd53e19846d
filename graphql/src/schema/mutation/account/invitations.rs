//! Invitations: somebody becomes a member of an organisation by an account of their own.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::Utc;
use sealrock_access::invitations::{self, InvitationToken, Place};
use sealrock_access::{AccountId, Password, Permission, Principal, Username, accounts};
use sealrock_commands::{Commands, Context as CommandContext};
use sealrock_domain::Slug;
use sealrock_domain::access::{AdmitMember, AssignRole};
use sqlx::PgPool;
use uuid::Uuid;

use super::sessions::own_account;
use crate::code::Code;
use crate::schema::guard::{permit, principal};
use crate::schema::input::read;
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
        if !place.may_be_offered_by(principal(context)?) {
            let message = "nobody invites others to more than they are: leave out sites or roles, or \
                           ask an administrator";
            return Err(Problem::new(Code::Forbidden, message));
        }
        let pool = context.data_unchecked::<PgPool>();
        let (made, token) = invitations::invite(pool, &place, own_account(context)?).await?;
        Ok(InviteMemberPayload {
            token: token.reveal().to_owned(),
            invitation: made.into(),
        })
    }

    /// Withdraws an invitation that nobody has accepted.
    async fn withdraw_invitation(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which invitation.")] input: WithdrawInvitationInput,
    ) -> Result<WithdrawInvitationPayload, Problem> {
        let organisation = read::<Slug>("organisation", &input.organisation)?;
        permit(context, Permission::InviteMember, &organisation, None)?;
        let pool = context.data_unchecked::<PgPool>();
        let withdrawn = match input.id.parse::<Uuid>() {
            Ok(id) => invitations::withdraw(pool, &organisation, id).await?,
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
        let pool = context.data_unchecked::<PgPool>();
        let (account, accepted) = invitations::accept(pool, &token, &username, password).await?;
        let member = make_member(context, account, &accepted).await;
        if let Err(problem) = member {
            // Nobody is left with an account that is nothing.
            invitations::give_back(pool, accepted.id).await?;
            accounts::erase(pool, &username).await?;
            return Err(problem);
        }
        Ok(AcceptInvitationPayload {
            username: username.to_string(),
            organisation: accepted.place.organisation.to_string(),
        })
    }
}

/// Whether the caller may invite to all of these sites, or the organisation as a whole.
fn permit_at(context: &Context<'_>, place: &Place) -> Result<(), Problem> {
    let invite = |site| permit(context, Permission::InviteMember, &place.organisation, site);
    match &place.sites {
        Some(sites) => sites.iter().try_for_each(|site| invite(Some(site))),
        None => invite(None),
    }
}

/// The entry by which the account may do anything: who invited was allowed to.
async fn make_member(
    context: &Context<'_>,
    account: AccountId,
    accepted: &invitations::Invitation,
) -> Result<(), Problem> {
    let name = "invitations".parse().expect("a slug");
    let by = CommandContext {
        principal: Principal::Service { name },
        command: Uuid::new_v5(&account.0, b"sealrock:invited"),
        via: "graphql".to_owned(),
        received_at: Utc::now(),
    };
    let commands = context.data_unchecked::<Commands>();
    let Place {
        organisation,
        role,
        sites,
    } = &accepted.place;
    let member = AdmitMember {
        member: AssignRole {
            account,
            role: *role,
            sites: sites.clone(),
        },
        invited_by: Some(accepted.invited_by),
    };
    commands.admit_member(&by, organisation, member).await?;
    Ok(())
}
