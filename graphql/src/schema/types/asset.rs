//! Assets.

use async_graphql::{Context, ID, Object};
use sealrock_domain::SiteId;
use sealrock_projections::registry::{Asset as Stored, Within};

use super::{AssetKind, Attribute, CaptureUnit, Captures, Device, Site, shown};
use crate::schema::global_id::GlobalId;
use crate::schema::loaders::{PlacePage, ledger_name};
use crate::schema::paging::{self, Page};
use crate::schema::position::Position;
use crate::schema::problem::Problem;
use crate::schema::provenance::Provenance;
use crate::schema::scalars::Time;

/// A thing at a site that devices measure, such as a stack or a well.
pub(crate) struct Asset(pub(crate) Stored);

/// A thing at a site that devices measure, such as a stack or a well.
#[Object]
impl Asset {
    /// Id for `node`.
    pub(crate) async fn id(&self) -> ID {
        GlobalId::Asset(self.0.id).into()
    }

    /// Its name in paths.
    async fn slug(&self) -> &str {
        self.0.slug.as_str()
    }

    /// Its name for people.
    async fn display_name(&self) -> &str {
        self.0.display_name.as_ref()
    }

    /// What it is.
    async fn kind(&self) -> AssetKind {
        self.0.kind.into()
    }

    /// Installation metadata and assumptions.
    async fn assumptions(&self) -> Vec<Attribute> {
        Attribute::all(&self.0.assumptions)
    }

    /// Whether it is out of use.
    async fn retired(&self) -> bool {
        self.0.retired
    }

    /// When it was registered.
    async fn registered_at(&self) -> Time {
        self.0.registered_at.into()
    }

    /// Where it is.
    async fn site(&self, context: &Context<'_>) -> Result<Option<Site>, Problem> {
        shown::site(context, SiteId::of(&self.0.organisation, &self.0.site)).await
    }

    /// The devices that measure it, by name.
    #[graphql(complexity = "paging::cost(first, child_complexity)")]
    async fn devices(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many items: 1 to 1,000; without it, 20.")] first: Option<i32>,
        #[graphql(desc = "Behind this `endCursor` of the page before.")] after: Option<String>,
    ) -> Result<Page<Device>, Problem> {
        let Stored {
            organisation,
            site,
            slug,
            ..
        } = self.0.clone();
        let within = Within {
            organisation,
            site: Some(site),
            asset: Some(slug),
        };
        Device::page(context, within, first, after).await
    }

    /// It as a capture unit; null if it is none.
    #[graphql(complexity = "10 + child_complexity")]
    async fn capture_unit(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "As the ledger had it behind this entry; without it, as of now.")]
        as_of: Option<Position>,
    ) -> Result<Option<CaptureUnit>, Problem> {
        let (organisation, site) = (&self.0.organisation, Some(&self.0.site));
        let captures = Captures::of(context, organisation, site, as_of).await?;
        let Some(captures) = captures else {
            return Ok(None);
        };
        Ok(captures.of_unit(self.0.id).units(context).await?.pop())
    }

    /// The entries that registered it and changed it last.
    async fn provenance(&self, context: &Context<'_>) -> Result<Provenance, Problem> {
        let ledger = ledger_name(context, self.0.ledger).await?;
        let entries = [self.0.first_index, self.0.last_index];
        Ok(Provenance::of(&ledger, entries))
    }
}

impl Asset {
    pub(super) async fn page(
        context: &Context<'_>,
        within: Within,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Page<Self>, Problem> {
        let (size, after) = (paging::size(first)?, paging::place(after.as_deref())?);
        let is_first = after.is_none();
        let asked = PlacePage {
            within,
            after,
            first: size + 1,
        };
        let found = shown::assets(context, asked).await?;
        let cursor = |asset: &Stored| format!("{}/{}", asset.site, asset.slug);
        Ok(paging::page(found, size, is_first, cursor, Self))
    }
}
