//! Organisations, sites, assets and devices.

use async_graphql::{Context, ID, Object};
use sealrock_access::Permission::ReadTelemetry;
use sealrock_domain::{AssetId, DeviceId, OrganisationId, SiteId, Slug};
use sealrock_projections::{ReadModels, registry};

use super::node::Node;
use crate::schema::global_id::{self, GlobalId};
use crate::schema::guard::{Reach, may, principal, sees};
use crate::schema::input;
use crate::schema::paging::{self, Page};
use crate::schema::problem::Problem;
use crate::schema::types::{Asset, Device, Organisation, Site, shown};

#[derive(Default)]
pub(crate) struct RegistryQuery;

#[Object]
impl RegistryQuery {
    /// The thing with this id; null if there is none.
    async fn node(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Its id, as an earlier answer gave it.")] id: ID,
    ) -> Result<Option<Node>, Problem> {
        principal(context)?;
        Ok(match global_id::read(&id) {
            Some(GlobalId::Organisation(id)) => {
                organisation(context, id).await?.map(Node::Organisation)
            }
            Some(GlobalId::Site(id)) => site(context, id)
                .await?
                .map(|found| Node::Site(Site(found))),
            Some(GlobalId::Asset(id)) => asset(context, id).await?.map(Node::Asset),
            Some(GlobalId::Device(id)) => device(context, id)
                .await?
                .map(|found| Node::Device(Device(found))),
            None => None,
        })
    }

    /// The organisations of which the caller may see anything, by name.
    #[graphql(complexity = "paging::cost(first, child_complexity)")]
    async fn organisations(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many items: 1 to 1,000; without it, 20.")] first: Option<i32>,
        #[graphql(desc = "Behind this `endCursor` of the page before.")] after: Option<String>,
    ) -> Result<Page<Organisation>, Problem> {
        let (size, after) = (paging::size(first)?, paging::slug(after.as_deref())?);
        let read = context.data_unchecked::<ReadModels>();
        let only = seen(context)?;
        let found = read
            .organisations(only.as_deref(), after.as_ref(), size + 1)
            .await?;
        let cursor = |organisation: &registry::Organisation| organisation.slug.to_string();
        let mut page = paging::page(found, size, after.is_none(), cursor, Organisation);
        // Who is of no organisation sees all of them, or none.
        page.edges
            .retain(|edge| only.is_some() || may(context, ReadTelemetry, &edge.node.0.slug));
        Ok(page)
    }

    /// The organisation of this name; null if there is none.
    async fn organisation(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Its own slug.")] slug: String,
    ) -> Result<Option<Organisation>, Problem> {
        organisation(context, OrganisationId::of(&input::read("slug", &slug)?)).await
    }

    /// The site of this path; null if there is none.
    async fn site(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The organisation, by its slug.")] organisation: String,
        #[graphql(desc = "Its own slug.")] slug: String,
    ) -> Result<Option<Site>, Problem> {
        let organisation: Slug = input::read("organisation", &organisation)?;
        let id = SiteId::of(&organisation, &input::read("slug", &slug)?);
        Ok(site(context, id).await?.map(Site))
    }

    /// The asset of this path; null if there is none.
    async fn asset(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The organisation, by its slug.")] organisation: String,
        #[graphql(desc = "The site that it stands at.")] site: String,
        #[graphql(desc = "Its own slug.")] slug: String,
    ) -> Result<Option<Asset>, Problem> {
        let organisation: Slug = input::read("organisation", &organisation)?;
        let site: Slug = input::read("site", &site)?;
        asset(
            context,
            AssetId::of(&organisation, &site, &input::read("slug", &slug)?),
        )
        .await
    }

    /// The device with this id, global or the one that it signs in with; null if there is none.
    async fn device(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Its id, as an earlier answer gave it.")] id: ID,
    ) -> Result<Option<Device>, Problem> {
        Ok(device(context, global_id::device(&id)?).await?.map(Device))
    }
}

async fn organisation(
    context: &Context<'_>,
    id: OrganisationId,
) -> Result<Option<Organisation>, Problem> {
    principal(context)?;
    shown::organisation(context, id).await
}

/// The names of the organisations of which somebody of an organisation sees anything.
fn seen(context: &Context<'_>) -> Result<Option<Vec<Slug>>, Problem> {
    let Some(named) = principal(context)?.organisations() else {
        return Ok(None);
    };
    let mut seen = Vec::new();
    for organisation in named {
        if !Reach::of(context, ReadTelemetry, organisation)?.is_nothing() {
            seen.push(organisation.clone());
        }
    }
    Ok(Some(seen))
}

/// A site that the caller may see.
pub(crate) async fn site(
    context: &Context<'_>,
    id: SiteId,
) -> Result<Option<registry::Site>, Problem> {
    principal(context)?;
    let found = context
        .data_unchecked::<ReadModels>()
        .sites_by_id(&[id])
        .await?;
    let Some(found) = found.into_iter().next() else {
        return Ok(None);
    };
    let seen = sees(
        context,
        ReadTelemetry,
        &found.organisation,
        Some(&found.slug),
    )?;
    Ok(seen.then_some(found))
}

async fn asset(context: &Context<'_>, id: AssetId) -> Result<Option<Asset>, Problem> {
    principal(context)?;
    shown::asset(context, id).await
}

/// A device that the caller may see.
pub(crate) async fn device(
    context: &Context<'_>,
    id: DeviceId,
) -> Result<Option<registry::Device>, Problem> {
    principal(context)?;
    let found = context
        .data_unchecked::<ReadModels>()
        .devices_by_id(&[id])
        .await?;
    let Some(found) = found.into_iter().next() else {
        return Ok(None);
    };
    let seen = sees(
        context,
        ReadTelemetry,
        &found.organisation,
        Some(&found.site),
    )?;
    Ok(seen.then_some(found))
}
