//! Invitations that can be accepted.

use async_graphql::{Context, Object};
use sealrock_access::{AccountId, Permission, Principal, Refused, Scope, authorise, invitations};
use sealrock_domain::Slug;
use sqlx::PgPool;

use crate::schema::guard::{permit, principal};
use crate::schema::input::read;
use crate::schema::problem::Problem;
use crate::schema::types::Invitation;

#[derive(Default)]
pub(crate) struct InvitationQuery;

#[Object]
impl InvitationQuery {
    /// The invitations of an organisation that nobody has accepted yet, the newest first; who does not
    /// read who has access sees those that they made.
    #[graphql(complexity = "20 * child_complexity")]
    async fn invitations(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Slug of the organisation.")] organisation: String,
    ) -> Result<Vec<Invitation>, Problem> {
        let organisation = read::<Slug>("organisation", &organisation)?;
        let all = permit(context, Permission::ReadAccess, &organisation, None);
        let own = match all {
            Ok(()) => None,
            Err(refused) => Some(inviter(context, &organisation).ok_or(refused)?),
        };
        let pool = context.data_unchecked::<PgPool>();
        let listed = invitations::list(pool, &organisation).await?;
        let shown = |made: &invitations::Invitation| own.is_none_or(|own| made.invited_by == own);
        let shown = listed.into_iter().filter(shown);
        Ok(shown.map(Invitation::from).collect())
    }
}

/// The caller, if they may invite anywhere in the organisation; that they proved long ago who they are
/// keeps nobody from looking at what they did.
fn inviter(context: &Context<'_>, organisation: &Slug) -> Option<AccountId> {
    let principal = principal(context).ok()?;
    let Principal::User { id, .. } = principal else {
        return None;
    };
    let whole = Scope::organisation(organisation.clone());
    let sites = principal.sites_of(organisation).into_iter();
    let sites = sites.map(|site| Scope::site(organisation.clone(), site.clone()));
    let invites = |scope: Scope| match authorise(principal, Permission::InviteMember, &scope) {
        Ok(()) => true,
        Err(denied) => denied.why == Refused::StepUp,
    };
    std::iter::once(whole)
        .chain(sites)
        .any(invites)
        .then_some(*id)
}
