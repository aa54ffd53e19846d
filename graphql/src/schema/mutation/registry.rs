//! Registering organisations, sites and assets.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use sealrock_commands::Commands;
use sealrock_domain::asset::RegisterAsset;
use sealrock_domain::organisation::RegisterOrganisation;
use sealrock_domain::site::RegisterSite;
use sealrock_projections::ReadModels;
use uuid::Uuid;

use super::command::{Recorded, WaitFor, sender};
use super::receipt::Receipt;
use crate::schema::global_id::GlobalId;
use crate::schema::input::{read, read_option};
use crate::schema::problem::Problem;
use crate::schema::types::{Asset, AssetKind, AttributeInput, Organisation, Site, SiteKind};

#[derive(Default)]
pub(crate) struct RegistryMutation;

/// An organisation to be.
#[derive(InputObject)]
struct RegisterOrganisationInput {
    /// Idempotency key: the same key with the same input is answered with the first receipt.
    command_id: Option<Uuid>,
    /// Its name in paths and topics and its ledger's: 1 to 63 of a-z, 0-9 and hyphens. Never changes.
    slug: String,
    /// Its name for people.
    display_name: String,
    /// Whether it is a registry: its ledger holds issuances and credits, and it has no sites.
    registry: Option<bool>,
}

/// A site to be.
#[derive(InputObject)]
struct RegisterSiteInput {
    /// Idempotency key: the same key with the same input is answered with the first receipt.
    command_id: Option<Uuid>,
    /// Slug of its organisation.
    organisation: String,
    /// Its name in paths and topics. Never changes.
    slug: String,
    /// Its name for people.
    display_name: String,
    /// What happens there.
    kind: SiteKind,
    /// Country, ISO 3166-1 alpha-2.
    country: Option<String>,
    /// Degrees north (WGS 84), a decimal.
    latitude: Option<String>,
    /// Degrees east (WGS 84), a decimal.
    longitude: Option<String>,
    /// Usual absolute air pressure in kPa, a decimal.
    ambient_pressure_kpa: Option<String>,
}

/// An asset to be.
#[derive(InputObject)]
struct RegisterAssetInput {
    /// Idempotency key: the same key with the same input is answered with the first receipt.
    command_id: Option<Uuid>,
    /// Slug of its organisation.
    organisation: String,
    /// Slug of its site.
    site: String,
    /// Its name in paths. Never changes.
    slug: String,
    /// Its name for people.
    display_name: String,
    /// What it is.
    kind: AssetKind,
    /// Installation metadata and assumptions.
    assumptions: Option<Vec<AttributeInput>>,
}

/// The organisation is registered.
#[derive(SimpleObject)]
struct RegisterOrganisationPayload {
    /// Id of the organisation.
    id: ID,
    /// The organisation; null until the read model `registry` has it (see `waitFor`).
    organisation: Option<Organisation>,
    /// Proof that it is recorded.
    receipt: Receipt,
    /// Whether it was recorded before, under the same command id.
    duplicate: bool,
}

/// The site is registered.
#[derive(SimpleObject)]
struct RegisterSitePayload {
    /// Id of the site.
    id: ID,
    /// The site; null until the read model `registry` has it (see `waitFor`).
    site: Option<Site>,
    /// Proof that it is recorded.
    receipt: Receipt,
    /// Whether it was recorded before, under the same command id.
    duplicate: bool,
}

/// The asset is registered.
#[derive(SimpleObject)]
struct RegisterAssetPayload {
    /// Id of the asset.
    id: ID,
    /// The asset; null until the read model `registry` has it (see `waitFor`).
    asset: Option<Asset>,
    /// Proof that it is recorded.
    receipt: Receipt,
    /// Whether it was recorded before, under the same command id.
    duplicate: bool,
}

#[Object]
impl RegistryMutation {
    /// Registers an organisation and begins its ledger.
    async fn register_organisation(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be recorded, and the command's id.")]
        input: RegisterOrganisationInput,
        #[graphql(
            desc = "Read models that must have it before this answers (for a limited time)."
        )]
        wait_for: Option<Vec<String>>,
    ) -> Result<RegisterOrganisationPayload, Problem> {
        let (sender, wait_for) = (
            sender(context, input.command_id)?,
            WaitFor::read(context, wait_for)?,
        );
        let command = RegisterOrganisation::try_from(input)?;
        let (id, slug) = (command.id(), command.slug.clone());
        let done = context
            .data_unchecked::<Commands>()
            .register_organisation(&sender, command)
            .await?;
        let recorded = Recorded::new(context, &slug, &done, &wait_for).await;
        let found = context
            .data_unchecked::<ReadModels>()
            .organisations_by_id(&[id])
            .await;
        Ok(RegisterOrganisationPayload {
            id: GlobalId::Organisation(id).into(),
            organisation: recorded.object(found).map(Organisation),
            receipt: recorded.receipt,
            duplicate: recorded.duplicate,
        })
    }

    /// Registers a site of an organisation.
    async fn register_site(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be recorded, and the command's id.")] input: RegisterSiteInput,
        #[graphql(
            desc = "Read models that must have it before this answers (for a limited time)."
        )]
        wait_for: Option<Vec<String>>,
    ) -> Result<RegisterSitePayload, Problem> {
        let (sender, wait_for) = (
            sender(context, input.command_id)?,
            WaitFor::read(context, wait_for)?,
        );
        let command = RegisterSite::try_from(input)?;
        let (id, organisation) = (command.id(), command.org.clone());
        let done = context
            .data_unchecked::<Commands>()
            .register_site(&sender, command)
            .await?;
        let recorded = Recorded::new(context, &organisation, &done, &wait_for).await;
        let found = context
            .data_unchecked::<ReadModels>()
            .sites_by_id(&[id])
            .await;
        Ok(RegisterSitePayload {
            id: GlobalId::Site(id).into(),
            site: recorded.object(found).map(Site),
            receipt: recorded.receipt,
            duplicate: recorded.duplicate,
        })
    }

    /// Registers an asset of a site.
    async fn register_asset(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be recorded, and the command's id.")]
        input: RegisterAssetInput,
        #[graphql(
            desc = "Read models that must have it before this answers (for a limited time)."
        )]
        wait_for: Option<Vec<String>>,
    ) -> Result<RegisterAssetPayload, Problem> {
        let (sender, wait_for) = (
            sender(context, input.command_id)?,
            WaitFor::read(context, wait_for)?,
        );
        let command = RegisterAsset::try_from(input)?;
        let (id, organisation) = (command.id(), command.org.clone());
        let done = context
            .data_unchecked::<Commands>()
            .register_asset(&sender, command)
            .await?;
        let recorded = Recorded::new(context, &organisation, &done, &wait_for).await;
        let found = context
            .data_unchecked::<ReadModels>()
            .assets_by_id(&[id])
            .await;
        Ok(RegisterAssetPayload {
            id: GlobalId::Asset(id).into(),
            asset: recorded.object(found).map(Asset),
            receipt: recorded.receipt,
            duplicate: recorded.duplicate,
        })
    }
}

impl TryFrom<RegisterOrganisationInput> for RegisterOrganisation {
    type Error = Problem;

    fn try_from(input: RegisterOrganisationInput) -> Result<Self, Problem> {
        Ok(Self {
            slug: read("slug", &input.slug)?,
            display_name: read("displayName", &input.display_name)?,
            demo: false,
            registry: input.registry.unwrap_or_default(),
        })
    }
}

impl TryFrom<RegisterSiteInput> for RegisterSite {
    type Error = Problem;

    fn try_from(input: RegisterSiteInput) -> Result<Self, Problem> {
        Ok(Self {
            org: read("organisation", &input.organisation)?,
            slug: read("slug", &input.slug)?,
            display_name: read("displayName", &input.display_name)?,
            site_kind: input.kind.into(),
            country: read_option("country", input.country.as_deref())?,
            latitude: read_option("latitude", input.latitude.as_deref())?,
            longitude: read_option("longitude", input.longitude.as_deref())?,
            ambient_pressure_kpa: read_option(
                "ambientPressureKpa",
                input.ambient_pressure_kpa.as_deref(),
            )?,
        })
    }
}

impl TryFrom<RegisterAssetInput> for RegisterAsset {
    type Error = Problem;

    fn try_from(input: RegisterAssetInput) -> Result<Self, Problem> {
        Ok(Self {
            org: read("organisation", &input.organisation)?,
            site: read("site", &input.site)?,
            slug: read("slug", &input.slug)?,
            display_name: read("displayName", &input.display_name)?,
            asset_kind: input.kind.into(),
            assumptions: AttributeInput::read(input.assumptions)?,
        })
    }
}
