//! Invitations that can be accepted.

use async_graphql::{Context, Object};
use sealrock_access::{Permission, invitations};
use sealrock_domain::Slug;
use sqlx::PgPool;

use crate::schema::guard::permit;
use crate::schema::input::read;
use crate::schema::problem::Problem;
use crate::schema::types::Invitation;

#[derive(Default)]
pub(crate) struct InvitationQuery;

#[Object]
impl InvitationQuery {
    /// The invitations of an organisation that nobody has accepted yet, the newest first.
    #[graphql(complexity = "20 * child_complexity")]
    async fn invitations(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Slug of the organisation.")] organisation: String,
    ) -> Result<Vec<Invitation>, Problem> {
        let organisation = read::<Slug>("organisation", &organisation)?;
        permit(context, Permission::ReadAccess, &organisation, None)?;
        let pool = context.data_unchecked::<PgPool>();
        let listed = invitations::list(pool, &organisation).await?;
        Ok(listed.into_iter().map(Invitation::from).collect())
    }
}
