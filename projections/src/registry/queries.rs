//! Things by id, by name, and page by page in the order of their names.

use sealrock_domain::{AssetId, DeviceId, OrganisationId, SiteId, Slug};
use serde::de::DeserializeOwned;
use sqlx::types::{Json, Uuid};

use super::{Asset, Device, Organisation, Site};
use crate::asked::{by_number, only};
use crate::read_models::{QueryError, ReadModels};

/// Which assets or devices: those of an organisation, or fewer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Within {
    /// Of this organisation.
    pub organisation: Slug,
    /// Of this site only.
    pub site: Option<Slug>,
    /// Of devices: only those that measure this asset. Ignored for assets.
    pub asset: Option<Slug>,
}

/// The place of an asset or device in an organisation: pages are ordered by it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlaceCursor {
    /// Its site.
    pub site: Slug,
    /// Its name.
    pub slug: Slug,
}

impl ReadModels {
    /// The organisations with these ids, in any order; unknown ids are left out.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn organisations_by_id(
        &self,
        ids: &[OrganisationId],
    ) -> Result<Vec<Organisation>, QueryError> {
        self.by_id("organisation", ids.iter().map(|id| id.0)).await
    }

    /// The sites with these ids, in any order; unknown ids are left out.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn sites_by_id(&self, ids: &[SiteId]) -> Result<Vec<Site>, QueryError> {
        self.by_id("site", ids.iter().map(|id| id.0)).await
    }

    /// The assets with these ids, in any order; unknown ids are left out.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn assets_by_id(&self, ids: &[AssetId]) -> Result<Vec<Asset>, QueryError> {
        self.by_id("asset", ids.iter().map(|id| id.0)).await
    }

    /// The devices with these ids, in any order; unknown ids are left out.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn devices_by_id(&self, ids: &[DeviceId]) -> Result<Vec<Device>, QueryError> {
        self.by_id("device", ids.iter().map(|id| id.0)).await
    }

    /// The organisation of this name.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn organisation(&self, slug: &Slug) -> Result<Option<Organisation>, QueryError> {
        let found = self
            .organisations_by_id(&[OrganisationId::of(slug)])
            .await?;
        Ok(found.into_iter().next())
    }

    /// The site of this path.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn site(&self, organisation: &Slug, slug: &Slug) -> Result<Option<Site>, QueryError> {
        let found = self.sites_by_id(&[SiteId::of(organisation, slug)]).await?;
        Ok(found.into_iter().next())
    }

    /// The asset of this path.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn asset(
        &self,
        organisation: &Slug,
        place: &PlaceCursor,
    ) -> Result<Option<Asset>, QueryError> {
        let id = AssetId::of(organisation, &place.site, &place.slug);
        Ok(self.assets_by_id(&[id]).await?.into_iter().next())
    }

    /// The device of this path.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn device(
        &self,
        organisation: &Slug,
        place: &PlaceCursor,
    ) -> Result<Option<Device>, QueryError> {
        let id = DeviceId::of(organisation, &place.site, &place.slug);
        Ok(self.devices_by_id(&[id]).await?.into_iter().next())
    }

    /// At most `first` organisations behind `after`, by slug; `only` keeps those of these slugs.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn organisations(
        &self,
        only: Option<&[Slug]>,
        after: Option<&Slug>,
        first: u32,
    ) -> Result<Vec<Organisation>, QueryError> {
        let only: Option<Vec<&str>> = only.map(|slugs| slugs.iter().map(Slug::as_str).collect());
        let rows: Vec<Json<Organisation>> = sqlx::query_scalar(include_str!("organisations.sql"))
            .bind(only)
            .bind(after.map_or("", Slug::as_str))
            .bind(i64::from(first))
            .fetch_all(self.pool())
            .await?;
        Ok(unwrap(rows))
    }

    /// At most `first` sites of an organisation behind `after`, by slug.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn sites(
        &self,
        organisation: &Slug,
        after: Option<&Slug>,
        first: u32,
    ) -> Result<Vec<Site>, QueryError> {
        let one = std::slice::from_ref(organisation);
        Ok(only(self.sites_of(one, after, first).await?))
    }

    /// As [`sites`](Self::sites) of each of these organisations, in their order.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn sites_of(
        &self,
        organisations: &[Slug],
        after: Option<&Slug>,
        first: u32,
    ) -> Result<Vec<Vec<Site>>, QueryError> {
        let names: Vec<&str> = organisations.iter().map(Slug::as_str).collect();
        let rows: Vec<Numbered<Site>> = sqlx::query_as(include_str!("sites.sql"))
            .bind(names)
            .bind(after.map_or("", Slug::as_str))
            .bind(i64::from(first))
            .fetch_all(self.pool())
            .await?;
        Ok(numbered(rows, organisations.len()))
    }

    /// At most `first` assets behind `after`, by site and slug.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn assets(
        &self,
        within: &Within,
        after: Option<&PlaceCursor>,
        first: u32,
    ) -> Result<Vec<Asset>, QueryError> {
        let one = std::slice::from_ref(within);
        Ok(only(self.assets_of(one, after, first).await?))
    }

    /// As [`assets`](Self::assets) of each of these places, in their order.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn assets_of(
        &self,
        places: &[Within],
        after: Option<&PlaceCursor>,
        first: u32,
    ) -> Result<Vec<Vec<Asset>>, QueryError> {
        self.places(include_str!("assets.sql"), places, after, first)
            .await
    }

    /// At most `first` devices behind `after`, by site and slug.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn devices(
        &self,
        within: &Within,
        after: Option<&PlaceCursor>,
        first: u32,
    ) -> Result<Vec<Device>, QueryError> {
        let one = std::slice::from_ref(within);
        Ok(only(self.devices_of(one, after, first).await?))
    }

    /// As [`devices`](Self::devices) of each of these places, in their order.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn devices_of(
        &self,
        places: &[Within],
        after: Option<&PlaceCursor>,
        first: u32,
    ) -> Result<Vec<Vec<Device>>, QueryError> {
        self.places(include_str!("devices.sql"), places, after, first)
            .await
    }

    async fn places<T: DeserializeOwned + Send + Unpin + 'static>(
        &self,
        sql: &'static str,
        places: &[Within],
        after: Option<&PlaceCursor>,
        first: u32,
    ) -> Result<Vec<Vec<T>>, QueryError> {
        fn text(slug: Option<&Slug>) -> Option<&str> {
            slug.map(Slug::as_str)
        }
        let (site, slug) = after.map_or(("", ""), |a| (a.site.as_str(), a.slug.as_str()));
        let organisations: Vec<&str> = places.iter().map(|at| at.organisation.as_str()).collect();
        let sites: Vec<Option<&str>> = places.iter().map(|at| text(at.site.as_ref())).collect();
        let assets: Vec<Option<&str>> = places.iter().map(|at| text(at.asset.as_ref())).collect();
        let rows: Vec<Numbered<T>> = sqlx::query_as(sql)
            .bind(organisations)
            .bind(sites)
            .bind(assets)
            .bind(site)
            .bind(slug)
            .bind(i64::from(first))
            .fetch_all(self.pool())
            .await?;
        Ok(numbered(rows, places.len()))
    }

    async fn by_id<T: DeserializeOwned + Send + Unpin + 'static>(
        &self,
        table: &'static str,
        ids: impl Iterator<Item = Uuid>,
    ) -> Result<Vec<T>, QueryError> {
        let sql = format!("SELECT to_jsonb(t) FROM rm_registry.{table} t WHERE id = ANY ($1)");
        let ids: Vec<Uuid> = ids.collect();
        let rows: Vec<Json<T>> = sqlx::query_scalar(&sql)
            .bind(ids)
            .fetch_all(self.pool())
            .await?;
        Ok(unwrap(rows))
    }
}

/// A thing, and which of several questions it answers, from 1.
type Numbered<T> = (i64, Json<T>);

/// The answers to so many questions, in their order.
fn numbered<T>(rows: Vec<Numbered<T>>, questions: usize) -> Vec<Vec<T>> {
    let rows = rows.into_iter().map(|(number, Json(row))| (number, row));
    by_number(rows, questions)
}

fn unwrap<T>(rows: Vec<Json<T>>) -> Vec<T> {
    rows.into_iter().map(|Json(row)| row).collect()
}
