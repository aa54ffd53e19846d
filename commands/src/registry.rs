//! Organisations, sites and assets.

use sealrock_access::Permission;
use sealrock_domain::asset::{AssetCommand, RegisterAsset};
use sealrock_domain::organisation::{
    OrganisationCommand, OrganisationRejection, RegisterOrganisation, RenameOrganisation,
};
use sealrock_domain::site::{
    EmissionTarget, RegisterSite, RenameSite, SiteCommand, WithdrawEmissionTarget,
};
use sealrock_domain::{AssetId, OrganisationId, SiteId, Slug};
use sealrock_eventstore::LedgerKind;

use crate::commands::Commands;
use crate::context::{Context, Done};
use crate::error::CommandError;
use crate::ledger::{OrganisationLedger, permit};

impl Commands {
    /// Registers an organisation and begins its ledger.
    ///
    /// `command.demo` is replaced by what the ledger is. A crash in between leaves an empty ledger; the same command goes on from there.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn register_organisation(
        &self,
        context: &Context,
        mut command: RegisterOrganisation,
    ) -> Result<Done, CommandError> {
        permit(
            context,
            Permission::RegisterOrganisation,
            &command.slug,
            None,
        )?;
        if command.slug.is_reserved_for_organisations() {
            let rejection = OrganisationRejection::Reserved { slug: command.slug };
            return Err(CommandError::Rejected(rejection.to_string()));
        }
        let kind = if command.registry {
            LedgerKind::Registry
        } else {
            LedgerKind::Operational
        };
        let ledger = self.new_ledger(&command.slug, kind).await?;
        // What the ledger is stands in its first entry, signed, for those who see entries only.
        command.demo = ledger.info.demo;
        let id = command.id().to_string();
        ledger
            .execute(
                &ledger.organisations,
                &id,
                context,
                OrganisationCommand::Register(command),
            )
            .await
    }

    /// Changes an organisation's display name.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn rename_organisation(
        &self,
        context: &Context,
        organisation: &Slug,
        command: RenameOrganisation,
    ) -> Result<Done, CommandError> {
        permit(
            context,
            Permission::RegisterOrganisation,
            organisation,
            None,
        )?;
        let ledger = self.ledger(organisation).await?;
        let id = OrganisationId::of(organisation).to_string();
        ledger
            .execute(&ledger.organisations, &id, context, command.into())
            .await
    }

    /// Registers a site of an organisation.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn register_site(
        &self,
        context: &Context,
        command: RegisterSite,
    ) -> Result<Done, CommandError> {
        permit(context, Permission::RegisterSite, &command.org, None)?;
        let ledger = self.ledger(&command.org).await?;
        if ledger.info.kind == LedgerKind::Registry {
            return Err(CommandError::Rejected(format!(
                "{} is a registry and has no sites: who issues credits stores no CO2",
                command.org
            )));
        }
        ledger.require_organisation(&command.org).await?;
        let id = command.id().to_string();
        ledger
            .execute(&ledger.sites, &id, context, command.into())
            .await
    }

    /// Changes a site's display name.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn rename_site(
        &self,
        context: &Context,
        organisation: &Slug,
        site: &Slug,
        command: RenameSite,
    ) -> Result<Done, CommandError> {
        let permission = Permission::RegisterSite;
        self.command_site(context, permission, organisation, site, command.into())
            .await
    }

    /// Takes a site out of use; its history stays.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn retire_site(
        &self,
        context: &Context,
        organisation: &Slug,
        site: &Slug,
    ) -> Result<Done, CommandError> {
        let permission = Permission::RegisterSite;
        self.command_site(context, permission, organisation, site, SiteCommand::Retire)
            .await
    }

    /// Sets how much a site shall emit on average at most, for some days.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn set_emission_target(
        &self,
        context: &Context,
        organisation: &Slug,
        site: &Slug,
        target: EmissionTarget,
    ) -> Result<Done, CommandError> {
        let permission = Permission::SetEmissionTarget;
        self.command_site(context, permission, organisation, site, target.into())
            .await
    }

    /// Ends an emission target of a site, or takes it back.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn withdraw_emission_target(
        &self,
        context: &Context,
        organisation: &Slug,
        site: &Slug,
        command: WithdrawEmissionTarget,
    ) -> Result<Done, CommandError> {
        let permission = Permission::SetEmissionTarget;
        self.command_site(context, permission, organisation, site, command.into())
            .await
    }

    /// Registers an asset of a site.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn register_asset(
        &self,
        context: &Context,
        command: RegisterAsset,
    ) -> Result<Done, CommandError> {
        permit(
            context,
            Permission::RegisterAsset,
            &command.org,
            Some(&command.site),
        )?;
        let ledger = self.ledger(&command.org).await?;
        let (org, site, id) = (
            command.org.clone(),
            command.site.clone(),
            command.id().to_string(),
        );
        let command = AssetCommand::from(command);
        if let Some(done) = ledger
            .repeated(&ledger.assets, &id, context, &command)
            .await?
        {
            return Ok(done);
        }
        ledger.require_site(&org, &site).await?;
        ledger.execute(&ledger.assets, &id, context, command).await
    }

    /// Takes an asset out of use; its history stays.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn retire_asset(
        &self,
        context: &Context,
        organisation: &Slug,
        site: &Slug,
        asset: &Slug,
    ) -> Result<Done, CommandError> {
        permit(context, Permission::RegisterAsset, organisation, Some(site))?;
        let ledger = self.ledger(organisation).await?;
        let id = AssetId::of(organisation, site, asset).to_string();
        ledger
            .execute(&ledger.assets, &id, context, AssetCommand::Retire)
            .await
    }

    async fn command_site(
        &self,
        context: &Context,
        permission: Permission,
        organisation: &Slug,
        site: &Slug,
        command: SiteCommand,
    ) -> Result<Done, CommandError> {
        permit(context, permission, organisation, Some(site))?;
        let ledger = self.ledger(organisation).await?;
        let id = SiteId::of(organisation, site).to_string();
        ledger.execute(&ledger.sites, &id, context, command).await
    }
}

impl OrganisationLedger {
    async fn require_organisation(&self, organisation: &Slug) -> Result<(), CommandError> {
        let id = OrganisationId::of(organisation).to_string();
        let loaded = self.organisations.load_current(&id).await?;
        loaded.state().profile().map(|_| ()).ok_or_else(|| {
            CommandError::NotFound(format!(
                "there is no organisation {organisation}: register it first"
            ))
        })
    }

    /// That the site exists and is in use.
    pub(crate) async fn require_site(
        &self,
        organisation: &Slug,
        site: &Slug,
    ) -> Result<(), CommandError> {
        let loaded = self
            .sites
            .load_current(&SiteId::of(organisation, site).to_string())
            .await?;
        if loaded.state().profile().is_none() {
            return Err(CommandError::NotFound(format!(
                "organisation {organisation} has no site {site}: register it first"
            )));
        }
        if loaded.state().is_retired() {
            return Err(CommandError::Rejected(format!(
                "site {site} of {organisation} is retired: nothing new can be registered there"
            )));
        }
        Ok(())
    }

    /// That the asset exists and is in use.
    pub(crate) async fn require_asset(
        &self,
        organisation: &Slug,
        site: &Slug,
        asset: &Slug,
    ) -> Result<(), CommandError> {
        let id = AssetId::of(organisation, site, asset).to_string();
        let loaded = self.assets.load_current(&id).await?;
        if loaded.state().profile().is_none() {
            return Err(CommandError::NotFound(format!(
                "site {site} of {organisation} has no asset {asset}: register it first"
            )));
        }
        if loaded.state().is_retired() {
            return Err(CommandError::Rejected(format!(
                "asset {asset} of site {site} is retired: choose another asset"
            )));
        }
        Ok(())
    }
}
