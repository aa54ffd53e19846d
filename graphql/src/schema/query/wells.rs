//! Wells, injection days and totals.

use async_graphql::{Context, Object};
use chrono::TimeDelta;
use sealrock_domain::{AssetId, Slug};
use sealrock_projections::ReadModels;
use sealrock_projections::wells::{DayFilter, WellFilter};

use crate::schema::input;
use crate::schema::paging::{self, Page};
use crate::schema::position::Position;
use crate::schema::problem::Problem;
use crate::schema::scalars::Day;
use crate::schema::types::{
    InjectionBy, InjectionDay, InjectionPer, InjectionTotal, Injections, Well, WellKind,
};

#[derive(Default)]
pub(crate) struct WellQuery;

#[Object]
impl WellQuery {
    /// The wells of an organisation, or of one of its sites, by site and name.
    #[graphql(complexity = "10 + 5 * child_complexity")]
    async fn wells(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The organisation, by its slug.")] organisation: String,
        #[graphql(desc = "The site, by its slug within the organisation.")] site: Option<String>,
        #[graphql(desc = "Of this kind only.")] kind: Option<WellKind>,
        #[graphql(desc = "As the ledger had it behind this entry; without it, as of now.")]
        as_of: Option<Position>,
    ) -> Result<Vec<Well>, Problem> {
        let filter = WellFilter {
            kind: kind.map(Into::into),
            ..WellFilter::default()
        };
        let of = asked(context, &organisation, site.as_deref(), as_of).await?;
        of.wells(context.data_unchecked::<ReadModels>(), filter)
            .await
    }

    /// The well of this path; null if there is none.
    #[graphql(complexity = "10 + child_complexity")]
    async fn well(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The organisation, by its slug.")] organisation: String,
        #[graphql(desc = "The site, by its slug within the organisation.")] site: String,
        #[graphql(desc = "Its own slug.")] slug: String,
        #[graphql(desc = "As the ledger had it behind this entry; without it, as of now.")]
        as_of: Option<Position>,
    ) -> Result<Option<Well>, Problem> {
        let of = asked(context, &organisation, Some(&site), as_of).await?;
        let filter = WellFilter {
            wells: Some(vec![well_id(&organisation, &site, &slug)?]),
            ..WellFilter::default()
        };
        let read = context.data_unchecked::<ReadModels>();
        Ok(of.wells(read, filter).await?.pop())
    }

    /// The wells that inject now; with `latest`, what is measured there.
    #[graphql(complexity = "10 + 5 * child_complexity")]
    async fn active_injectors(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The organisation, by its slug.")] organisation: String,
        #[graphql(desc = "The site, by its slug within the organisation.")] site: Option<String>,
    ) -> Result<Vec<Well>, Problem> {
        let filter = WellFilter {
            injecting: true,
            ..WellFilter::default()
        };
        let of = asked(context, &organisation, site.as_deref(), None).await?;
        of.wells(context.data_unchecked::<ReadModels>(), filter)
            .await
    }

    /// The monitoring wells that are not plugged and whose devices have measured something within the
    /// last minutes.
    #[graphql(complexity = "10 + 5 * child_complexity")]
    async fn active_monitors(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The organisation, by its slug.")] organisation: String,
        #[graphql(desc = "The site, by its slug within the organisation.")] site: Option<String>,
        #[graphql(default = 1440, desc = "How old the newest reading may be.")] within_minutes: u32,
    ) -> Result<Vec<Well>, Problem> {
        let filter = WellFilter {
            kind: Some(WellKind::Monitor.into()),
            ..WellFilter::default()
        };
        let of = asked(context, &organisation, site.as_deref(), None).await?;
        let read = context.data_unchecked::<ReadModels>();
        let monitors = of.wells(read, filter).await?;
        let within = TimeDelta::minutes(i64::from(within_minutes));
        of.reporting(read, monitors, within).await
    }

    /// What the wells took, the newest day first.
    #[graphql(complexity = "paging::cost(first, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "they are the query's arguments")]
    async fn injection_days(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The organisation, by its slug.")] organisation: String,
        #[graphql(desc = "The site, by its slug within the organisation.")] site: Option<String>,
        #[graphql(desc = "Slug of a well of that site.")] well: Option<String>,
        #[graphql(desc = "From this UTC day on.")] from_day: Option<Day>,
        #[graphql(desc = "Up to and with this UTC day.")] to_day: Option<Day>,
        #[graphql(desc = "Approved days, or those that are not.")] approved: Option<bool>,
        #[graphql(desc = "How many items: 1 to 1,000; without it, 20.")] first: Option<i32>,
        #[graphql(desc = "Behind this `endCursor` of the page before.")] after: Option<String>,
        #[graphql(desc = "As the ledger had it behind this entry; without it, as of now.")]
        as_of: Option<Position>,
    ) -> Result<Page<InjectionDay>, Problem> {
        let filter = DayFilter {
            approved,
            ..days(
                &organisation,
                site.as_deref(),
                well.as_deref(),
                (from_day, to_day),
            )?
        };
        let of = asked(context, &organisation, site.as_deref(), as_of).await?;
        of.days(context, filter, (first, after)).await
    }

    /// What the wells took in all, by day, month or year; of wells with their share of the permit.
    #[graphql(complexity = "30 * child_complexity")]
    #[expect(clippy::too_many_arguments, reason = "they are the query's arguments")]
    async fn injection_totals(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The organisation, by its slug.")] organisation: String,
        #[graphql(desc = "The site, by its slug within the organisation.")] site: Option<String>,
        #[graphql(desc = "Slug of a well of that site.")] well: Option<String>,
        #[graphql(desc = "The time that each total is of.")] per: InjectionPer,
        #[graphql(desc = "What each total is of.", default_with = "InjectionBy::Well")]
        by: InjectionBy,
        #[graphql(desc = "From this UTC day on.")] from_day: Option<Day>,
        #[graphql(desc = "Up to and with this UTC day.")] to_day: Option<Day>,
        #[graphql(desc = "As the ledger had it behind this entry; without it, as of now.")]
        as_of: Option<Position>,
    ) -> Result<Vec<InjectionTotal>, Problem> {
        let site_of = site.as_deref();
        let filter = days(&organisation, site_of, well.as_deref(), (from_day, to_day))?;
        let of = asked(context, &organisation, site_of, as_of).await?;
        let read = context.data_unchecked::<ReadModels>();
        of.totals(read, filter, (per.into(), by.into())).await
    }
}

async fn asked(
    context: &Context<'_>,
    organisation: &str,
    site: Option<&str>,
    as_of: Option<Position>,
) -> Result<Injections, Problem> {
    let organisation: Slug = input::read("organisation", organisation)?;
    let site = input::read_option("site", site)?;
    Injections::of(context, &organisation, site, as_of).await
}

fn well_id(organisation: &str, site: &str, well: &str) -> Result<AssetId, Problem> {
    Ok(AssetId::of(
        &input::read("organisation", organisation)?,
        &input::read("site", site)?,
        &input::read("well", well)?,
    ))
}

fn days(
    organisation: &str,
    site: Option<&str>,
    well: Option<&str>,
    (from_day, to_day): (Option<Day>, Option<Day>),
) -> Result<DayFilter, Problem> {
    let well = match (site, well) {
        (Some(site), Some(well)) => Some(well_id(organisation, site, well)?),
        (None, Some(_)) => return Err(Problem::input("well: give its site too")),
        (_, None) => None,
    };
    Ok(DayFilter {
        well,
        first_day: from_day.map(|day| day.0),
        last_day: to_day.map(|day| day.0),
        ..DayFilter::default()
    })
}
