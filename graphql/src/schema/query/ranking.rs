//! The leaderboard and the front page.

use async_graphql::{Context, Object};
use chrono::Utc;
use sealrock_access::Permission::{self, ReadAccounting, ReadRanking};
use sealrock_domain::Slug;
use sealrock_projections::ReadModels;
use sealrock_projections::leaderboard::Period;
use sealrock_projections::registry::Organisation;

use crate::code::Code;
use crate::schema::guard::permit;
use crate::schema::input;
use crate::schema::problem::Problem;
use crate::schema::provenance::ledger_of;
use crate::schema::scalars::Time;
use crate::schema::types::{Leaderboard, LeaderboardOrder, SystemOverview};

#[derive(Default)]
pub(crate) struct RankingQuery;

#[Object]
impl RankingQuery {
    /// The sites of an organisation that have stacks or captures, ranked by what they emit on average from `from`
    /// up to and without `to`, lowest first. A site is ranked if at least three quarters of the
    /// period's five minutes have data at each of its stacks; the others are listed with the reason.
    #[graphql(complexity = "100 + child_complexity")]
    async fn leaderboard(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The organisation, by its slug.")] organisation: String,
        #[graphql(desc = "From this time on.")] from: Time,
        #[graphql(desc = "Without it, the present.")] to: Option<Time>,
        #[graphql(
            desc = "What the rows are ranked by.",
            default_with = "LeaderboardOrder::Total"
        )]
        rank_by: LeaderboardOrder,
    ) -> Result<Leaderboard, Problem> {
        let organisation = found(context, &organisation, ReadRanking).await?;
        let now = Utc::now();
        let period = Period::new(from.0, to.map_or(now, |to| to.0), now)?;
        let read = context.data_unchecked::<ReadModels>();
        let by = rank_by.into();
        let found = read
            .leaderboard(&organisation.slug, organisation.ledger, period, by)
            .await?;
        Ok(Leaderboard::new(by, found))
    }

    /// The figures of an organisation's front page.
    #[graphql(complexity = "100 + child_complexity")]
    async fn system_overview(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The organisation, by its slug.")] organisation: String,
    ) -> Result<SystemOverview, Problem> {
        let organisation = found(context, &organisation, ReadAccounting).await?;
        let name = ledger_of(&organisation.slug);
        let ledger = context
            .data_unchecked::<ReadModels>()
            .current_ledger(&name)
            .await?;
        let none = || Problem::new(Code::NotFound, format!("there is no ledger {name}"));
        Ok(SystemOverview {
            organisation,
            ledger: ledger.ok_or_else(none)?,
            now: Utc::now(),
        })
    }
}

/// An organisation of which the caller may read this.
async fn found(
    context: &Context<'_>,
    name: &str,
    what: Permission,
) -> Result<Organisation, Problem> {
    let slug: Slug = input::read("organisation", name)?;
    permit(context, what, &slug, None)?;
    let found = context
        .data_unchecked::<ReadModels>()
        .organisation(&slug)
        .await?;
    found.ok_or_else(|| Problem::new(Code::NotFound, format!("there is no organisation {slug}")))
}
