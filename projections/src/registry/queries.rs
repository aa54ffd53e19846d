//! Things by id, by name, and page by page in the order of their names.

use sealrock_domain::{AssetId, DeviceId, OrganisationId, SiteId, Slug};
use serde::de::DeserializeOwned;
use sqlx::types::{Json, Uuid};

use super::{Asset, Device, Organisation, Site};
use crate::read_models::{QueryError, ReadModels};

/// Which assets or devices: those of an organisation, or fewer.
#[derive(Debug, Clone)]
pub struct Within {
    /// Of this organisation.
    pub organisation: Slug,
    /// Of this site only.
    pub site: Option<Slug>,
    /// Of devices: only those that measure this asset. Ignored for assets.
    pub asset: Option<Slug>,
}

/// The place of an asset or device in an organisation: pages are ordered by it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
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
        let rows: Vec<Json<Site>> = sqlx::query_scalar(include_str!("sites.sql"))
            .bind(organisation.as_str())
            .bind(after.map_or("", Slug::as_str))
            .bind(i64::from(first))
            .fetch_all(self.pool())
            .await?;
        Ok(unwrap(rows))
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
        self.places(include_str!("assets.sql"), within, after, first)
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
        self.places(include_str!("devices.sql"), within, after, first)
            .await
    }

    async fn places<T: DeserializeOwned + Send + Unpin + 'static>(
        &self,
        sql: &'static str,
        within: &Within,
        after: Option<&PlaceCursor>,
        first: u32,
    ) -> Result<Vec<T>, QueryError> {
        let (site, slug) = after.map_or(("", ""), |a| (a.site.as_str(), a.slug.as_str()));
        let rows: Vec<Json<T>> = sqlx::query_scalar(sql)
            .bind(within.organisation.as_str())
            .bind(within.site.as_ref().map(Slug::as_str))
            .bind(within.asset.as_ref().map(Slug::as_str))
            .bind(site)
            .bind(slug)
            .bind(i64::from(first))
            .fetch_all(self.pool())
            .await?;
        Ok(unwrap(rows))
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

fn unwrap<T>(rows: Vec<Json<T>>) -> Vec<T> {
    rows.into_iter().map(|Json(row)| row).collect()
}
