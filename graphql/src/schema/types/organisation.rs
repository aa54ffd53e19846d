//! Organisations.

use async_graphql::{Context, ID, Object};
use sealrock_domain::Slug;
use sealrock_projections::registry::{Organisation as Stored, Within};

use super::captures::{self, Capture, CaptureTotal, CaptureUnit};
use super::{Asset, Device, Ledger, Per, Site, shown};
use crate::schema::global_id::GlobalId;
use crate::schema::loaders::{CurrentLedger, SitesOf, ledger_name, load};
use crate::schema::paging::{self, Page};
use crate::schema::position::Position;
use crate::schema::problem::Problem;
use crate::schema::provenance::{Provenance, ledger_of};
use crate::schema::scalars::{Day, Time};

/// An organisation: whoever runs sites and answers for them. It has a ledger of its own.
pub(crate) struct Organisation(pub(crate) Stored);

/// An organisation: whoever runs sites and answers for them. It has a ledger of its own.
#[Object]
impl Organisation {
    /// Id for `node`.
    pub(crate) async fn id(&self) -> ID {
        GlobalId::Organisation(self.0.id).into()
    }

    /// Its name in paths and topics, which is also its ledger's.
    async fn slug(&self) -> &str {
        self.0.slug.as_str()
    }

    /// Its name for people.
    async fn display_name(&self) -> &str {
        self.0.display_name.as_ref()
    }

    /// When it was registered.
    async fn registered_at(&self) -> Time {
        self.0.registered_at.into()
    }

    /// Its ledger.
    async fn ledger(&self, context: &Context<'_>) -> Result<Option<Ledger>, Problem> {
        let current = CurrentLedger(ledger_of(&self.0.slug));
        Ok(load(context, current).await?.map(Ledger))
    }

    /// Its sites, by name: those that the caller may see.
    #[graphql(complexity = "paging::cost(first, child_complexity)")]
    async fn sites(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many items: 1 to 1,000; without it, 20.")] first: Option<i32>,
        #[graphql(desc = "Behind this `endCursor` of the page before.")] after: Option<String>,
    ) -> Result<Page<Site>, Problem> {
        let (size, after) = (paging::size(first)?, paging::slug(after.as_deref())?);
        let is_first = after.is_none();
        let asked = SitesOf {
            organisation: self.0.slug.clone(),
            after,
            first: size + 1,
        };
        let found = shown::sites(context, asked).await?;
        Ok(paging::page(
            found,
            size,
            is_first,
            |site| site.slug.to_string(),
            Site,
        ))
    }

    /// Its assets, by site and name: those that the caller may see.
    #[graphql(complexity = "paging::cost(first, child_complexity)")]
    async fn assets(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many items: 1 to 1,000; without it, 20.")] first: Option<i32>,
        #[graphql(desc = "Behind this `endCursor` of the page before.")] after: Option<String>,
    ) -> Result<Page<Asset>, Problem> {
        Asset::page(context, self.within(), first, after).await
    }

    /// Its devices, by site and name: those that the caller may see.
    #[graphql(complexity = "paging::cost(first, child_complexity)")]
    async fn devices(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many items: 1 to 1,000; without it, 20.")] first: Option<i32>,
        #[graphql(desc = "Behind this `endCursor` of the page before.")] after: Option<String>,
    ) -> Result<Page<Device>, Problem> {
        Device::page(context, self.within(), first, after).await
    }

    /// Its capture units, by site and name.
    #[graphql(complexity = "10 + 5 * child_complexity")]
    async fn capture_units(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "As the ledger had it behind this entry; without it, as of now.")]
        as_of: Option<Position>,
    ) -> Result<Vec<CaptureUnit>, Problem> {
        captures::units(context, self.place(), as_of).await
    }

    /// What its units captured, the newest first.
    #[graphql(complexity = "paging::cost(first, child_complexity)")]
    async fn captures(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many items: 1 to 1,000; without it, 20.")] first: Option<i32>,
        #[graphql(desc = "Behind this `endCursor` of the page before.")] after: Option<String>,
        #[graphql(desc = "From this UTC day on.")] from_day: Option<Day>,
        #[graphql(desc = "Up to and with this UTC day.")] to_day: Option<Day>,
        #[graphql(desc = "As the ledger had it behind this entry; without it, as of now.")]
        as_of: Option<Position>,
    ) -> Result<Page<Capture>, Problem> {
        let days = (from_day, to_day);
        captures::page(context, self.place(), days, (first, after), as_of).await
    }

    /// What its units captured in all, by day, month or year.
    #[graphql(complexity = "10 + 10 * child_complexity")]
    async fn capture_totals(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The time that each total is of.")] per: Per,
        #[graphql(desc = "From this UTC day on.")] from_day: Option<Day>,
        #[graphql(desc = "Up to and with this UTC day.")] to_day: Option<Day>,
        #[graphql(desc = "As the ledger had it behind this entry; without it, as of now.")]
        as_of: Option<Position>,
    ) -> Result<Vec<CaptureTotal>, Problem> {
        let asked = (per, (from_day, to_day));
        captures::totals(context, self.place(), asked, as_of).await
    }

    /// The entries that registered it and changed it last.
    async fn provenance(&self, context: &Context<'_>) -> Result<Provenance, Problem> {
        let ledger = ledger_name(context, self.0.ledger).await?;
        Ok(Provenance::of(
            &ledger,
            [self.0.first_index, self.0.last_index],
        ))
    }
}

impl Organisation {
    fn place(&self) -> (&Slug, Option<&Slug>) {
        (&self.0.slug, None)
    }

    fn within(&self) -> Within {
        Within {
            organisation: self.0.slug.clone(),
            site: None,
            asset: None,
        }
    }
}
