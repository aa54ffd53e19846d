//! Things of the registry that others lead to, as far as the caller may see them: what it may not is
//! not there.

use async_graphql::Context;
use futures::future::try_join_all;
use sealrock_access::Permission::ReadTelemetry;
use sealrock_domain::{AssetId, DeviceId, OrganisationId, SiteId, Slug};
use sealrock_projections::registry::{self, PlaceCursor, Within};

use super::{Asset, Device, Organisation, Site};
use crate::schema::guard::{Reach, sees};
use crate::schema::loaders::{AssetsOf, DevicesOf, PlacePage, SitesOf, load};
use crate::schema::problem::Problem;

/// An organisation of which the caller reaches anything.
pub(crate) async fn organisation(
    context: &Context<'_>,
    id: OrganisationId,
) -> Result<Option<Organisation>, Problem> {
    let Some(found) = load(context, id).await? else {
        return Ok(None);
    };
    let reach = Reach::of(context, ReadTelemetry, &found.slug)?;
    Ok((!reach.is_nothing()).then_some(Organisation(found)))
}

/// A site.
pub(crate) async fn site(context: &Context<'_>, id: SiteId) -> Result<Option<Site>, Problem> {
    let Some(found) = load(context, id).await? else {
        return Ok(None);
    };
    let seen = at(context, &found.organisation, &found.slug)?;
    Ok(seen.then_some(Site(found)))
}

/// An asset.
pub(crate) async fn asset(context: &Context<'_>, id: AssetId) -> Result<Option<Asset>, Problem> {
    let Some(found) = load(context, id).await? else {
        return Ok(None);
    };
    let seen = at(context, &found.organisation, &found.site)?;
    Ok(seen.then_some(Asset(found)))
}

/// A device.
pub(crate) async fn device(context: &Context<'_>, id: DeviceId) -> Result<Option<Device>, Problem> {
    let Some(found) = load(context, id).await? else {
        return Ok(None);
    };
    let seen = at(context, &found.organisation, &found.site)?;
    Ok(seen.then_some(Device(found)))
}

/// Whether the caller sees what stands at a site.
pub(super) fn at(context: &Context<'_>, organisation: &Slug, site: &Slug) -> Result<bool, Problem> {
    sees(context, ReadTelemetry, organisation, Some(site))
}

/// Sites of an organisation, by name: so many behind one.
pub(super) async fn sites(
    context: &Context<'_>,
    asked: SitesOf,
) -> Result<Vec<registry::Site>, Problem> {
    let seen = match Reach::of(context, ReadTelemetry, &asked.organisation)? {
        Reach::Whole => return Ok(load(context, asked).await?.unwrap_or_default()),
        Reach::Sites(seen) => seen,
    };
    let behind = seen
        .iter()
        .filter(|site| Some(*site) > asked.after.as_ref());
    let wanted = behind.map(|site| load(context, SiteId::of(&asked.organisation, site)));
    let mut found: Vec<_> = try_join_all(wanted).await?.into_iter().flatten().collect();
    found.truncate(asked.first as usize);
    Ok(found)
}

/// Assets of a place, by site and name: so many behind one.
pub(super) async fn assets(
    context: &Context<'_>,
    asked: PlacePage,
) -> Result<Vec<registry::Asset>, Problem> {
    let first = asked.first as usize;
    let pages = parts(context, asked)?.into_iter().map(AssetsOf);
    let found = try_join_all(pages.map(|page| load(context, page))).await?;
    Ok(found.into_iter().flatten().flatten().take(first).collect())
}

/// Devices of a place, by site and name: so many behind one.
pub(super) async fn devices(
    context: &Context<'_>,
    asked: PlacePage,
) -> Result<Vec<registry::Device>, Problem> {
    let first = asked.first as usize;
    let pages = parts(context, asked)?.into_iter().map(DevicesOf);
    let found = try_join_all(pages.map(|page| load(context, page))).await?;
    Ok(found.into_iter().flatten().flatten().take(first).collect())
}

/// A page of a place as one that the caller may see, or one of each site that it may see.
fn parts(context: &Context<'_>, asked: PlacePage) -> Result<Vec<PlacePage>, Problem> {
    let organisation = &asked.within.organisation;
    let Reach::Sites(seen) = Reach::of(context, ReadTelemetry, organisation)? else {
        return Ok(vec![asked]);
    };
    if let Some(site) = &asked.within.site {
        let is_seen = seen.contains(site);
        return Ok(is_seen.then_some(asked).into_iter().collect());
    }
    let behind = |site: &Slug| {
        let after = asked.after.as_ref();
        after.is_none_or(|after: &PlaceCursor| *site >= after.site)
    };
    let seen = seen.into_iter().filter(behind);
    Ok(seen.map(|site| at_site(&asked, site)).collect())
}

fn at_site(asked: &PlacePage, site: Slug) -> PlacePage {
    let after = asked.after.as_ref().filter(|after| after.site == site);
    PlacePage {
        after: after.cloned(),
        first: asked.first,
        within: Within {
            site: Some(site),
            ..asked.within.clone()
        },
    }
}
