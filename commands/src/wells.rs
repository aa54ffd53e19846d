//! Wells: permit limits, integrity tests, starting and stopping.

use chrono::{DateTime, NaiveDate, Utc};
use sealrock_access::Permission;
use sealrock_domain::well::{
    ApprovePermitLimits, CloseShutIn, MitKind, Operate, PermitLimits, ProposePermitLimits,
    RecordMit, RegisterWell, ShutIn, WellCommand,
};
use sealrock_domain::{AssetId, DisplayName, Reason, Slug};

use crate::commands::Commands;
use crate::context::{Context, Done};
use crate::error::CommandError;
use crate::ledger::{OrganisationLedger, permit};

/// A well by its path.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct WellPath {
    /// The organisation.
    pub organisation: Slug,
    /// The site.
    pub site: Slug,
    /// The well: its asset's name.
    pub well: Slug,
}

impl WellPath {
    /// The id of the well, which is that of its asset.
    #[must_use]
    pub fn id(&self) -> AssetId {
        AssetId::of(&self.organisation, &self.site, &self.well)
    }
}

/// A mechanical integrity test, as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntegrityTest {
    /// Which part of the well was tested.
    pub mit_kind: MitKind,
    /// Whether the well has integrity.
    pub passed: bool,
    /// The day of the test.
    pub tested_on: NaiveDate,
    /// The last day on which a passed test counts.
    pub valid_until: NaiveDate,
    /// The certificate's or report's number.
    pub certificate: DisplayName,
}

impl Commands {
    /// Makes an asset a well. The asset's kind must be that of such a well.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn register_well(
        &self,
        context: &Context,
        command: RegisterWell,
    ) -> Result<Done, CommandError> {
        let (org, site) = (&command.org, &command.site);
        permit(context, Permission::RegisterWell, org, Some(site))?;
        let ledger = self.ledger(org).await?;
        let id = command.id().to_string();
        let register = WellCommand::Register(command.clone());
        if let Some(done) = ledger
            .repeated(&ledger.wells, &id, context, &register)
            .await?
        {
            return Ok(done);
        }
        ledger.require_well_asset(&command).await?;
        ledger.execute(&ledger.wells, &id, context, register).await
    }

    /// Proposes what a well's permit allows; [`approve_permit_limits`](Self::approve_permit_limits)
    /// puts it into force.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn propose_permit_limits(
        &self,
        context: &Context,
        well: &WellPath,
        limits: PermitLimits,
    ) -> Result<Done, CommandError> {
        let by = context.actor()?;
        let command = ProposePermitLimits { limits, by };
        let command = WellCommand::ProposePermitLimits(Box::new(command));
        self.command_well(context, Permission::ProposePermitLimits, well, command)
            .await
    }

    /// Puts the open proposal, by its number, into force: as another person than who proposed it.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn approve_permit_limits(
        &self,
        context: &Context,
        well: &WellPath,
        proposal: u64,
    ) -> Result<Done, CommandError> {
        let by = context.actor()?;
        let command = WellCommand::ApprovePermitLimits(ApprovePermitLimits { proposal, by });
        self.command_well(context, Permission::ApprovePermitLimits, well, command)
            .await
    }

    /// Records a mechanical integrity test. One that was failed shuts in a well that injects, in the
    /// same append.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn record_mit(
        &self,
        context: &Context,
        well: &WellPath,
        test: IntegrityTest,
    ) -> Result<Done, CommandError> {
        let command = WellCommand::RecordMit(RecordMit {
            mit_kind: test.mit_kind,
            passed: test.passed,
            tested_on: test.tested_on,
            valid_until: test.valid_until,
            certificate: test.certificate,
            by: context.actor()?,
            now: context.received_at,
        });
        self.command_well(context, Permission::OperateWell, well, command)
            .await
    }

    /// Starts a well, now or at a time before; it needs a permit in force and integrity then.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn start_injection(
        &self,
        context: &Context,
        well: &WellPath,
        at: Option<DateTime<Utc>>,
    ) -> Result<Done, CommandError> {
        let command = WellCommand::StartInjection(operate(context, at)?);
        self.command_well(context, Permission::OperateWell, well, command)
            .await
    }

    /// Stops a well as planned.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn stop_injection(
        &self,
        context: &Context,
        well: &WellPath,
        at: Option<DateTime<Utc>>,
    ) -> Result<Done, CommandError> {
        let command = WellCommand::StopInjection(operate(context, at)?);
        self.command_well(context, Permission::OperateWell, well, command)
            .await
    }

    /// Shuts a well in; it cannot be started until the cause is closed.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn shut_in_well(
        &self,
        context: &Context,
        well: &WellPath,
        at: Option<DateTime<Utc>>,
        reason: Reason,
    ) -> Result<Done, CommandError> {
        let command = WellCommand::ShutIn(ShutIn {
            at,
            reason,
            by: context.actor()?,
            now: context.received_at,
        });
        self.command_well(context, Permission::OperateWell, well, command)
            .await
    }

    /// Says that the cause of a shut-in is dealt with.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn close_shut_in(
        &self,
        context: &Context,
        well: &WellPath,
        at: Option<DateTime<Utc>>,
        remedy: Reason,
    ) -> Result<Done, CommandError> {
        let command = WellCommand::CloseShutIn(CloseShutIn {
            at,
            remedy,
            by: context.actor()?,
            now: context.received_at,
        });
        self.command_well(context, Permission::OperateWell, well, command)
            .await
    }

    /// Plugs a well for good.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn plug_well(
        &self,
        context: &Context,
        well: &WellPath,
        at: Option<DateTime<Utc>>,
    ) -> Result<Done, CommandError> {
        let command = WellCommand::Plug(operate(context, at)?);
        self.command_well(context, Permission::RegisterWell, well, command)
            .await
    }

    async fn command_well(
        &self,
        context: &Context,
        permission: Permission,
        well: &WellPath,
        command: WellCommand,
    ) -> Result<Done, CommandError> {
        permit(context, permission, &well.organisation, Some(&well.site))?;
        let ledger = self.ledger(&well.organisation).await?;
        let id = well.id().to_string();
        ledger.execute(&ledger.wells, &id, context, command).await
    }
}

fn operate(context: &Context, at: Option<DateTime<Utc>>) -> Result<Operate, CommandError> {
    Ok(Operate {
        at,
        by: context.actor()?,
        now: context.received_at,
    })
}

impl OrganisationLedger {
    /// That the asset is there, in use, and of the kind that such a well is.
    async fn require_well_asset(&self, command: &RegisterWell) -> Result<(), CommandError> {
        let RegisterWell {
            org,
            site,
            slug,
            well_kind,
        } = command;
        self.require_asset(org, site, slug).await?;
        let loaded = self.assets.load_current(&command.id().to_string()).await?;
        let kind = loaded.state().profile().map(|asset| asset.asset_kind);
        if kind == Some(well_kind.asset_kind()) {
            return Ok(());
        }
        Err(CommandError::Rejected(format!(
            "asset {slug} of site {site} cannot be registered as {well_kind}: it is an asset of another \
             kind; register an asset of kind {}",
            kind_name(well_kind.asset_kind())
        )))
    }
}

fn kind_name(kind: sealrock_domain::asset::AssetKind) -> String {
    let name = serde_json::to_value(kind).ok();
    name.and_then(|name| name.as_str().map(str::to_owned))
        .unwrap_or_default()
}
