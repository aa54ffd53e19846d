//! Who asks.

use async_graphql::{Context, Object};

use crate::schema::guard::bearer;
use crate::schema::problem::Problem;
use crate::schema::types::Viewer;

#[derive(Default)]
pub(crate) struct ViewerQuery;

#[Object]
impl ViewerQuery {
    /// Who asks: the bearer of the token.
    #[expect(clippy::unused_async, reason = "the schema wants its resolvers so")]
    async fn viewer(&self, context: &Context<'_>) -> Result<Viewer, Problem> {
        Ok(bearer(context)?.into())
    }
}
