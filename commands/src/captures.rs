//! Captures: units, what they captured, and who approves it.

use chrono::{DateTime, NaiveDate, Utc};
use futures::FutureExt;
use sealrock_access::Permission;
use sealrock_domain::asset::AssetKind;
use sealrock_domain::capture_day::{
    ApproveCaptureDay, CaptureDay, CaptureDayId, CaptureFigures, CaptureMeasured, CapturePeriod,
    CaptureRecord, CorrectCapture, RecordCapture,
};
use sealrock_domain::capture_unit::{
    CaptureUnit, CaptureUnitCommand, RegisterCaptureUnit, SetCaptureUnitStatus,
};
use sealrock_domain::decimal::DecimalText;
use sealrock_domain::{Actor, AssetId, Mass, Reason, Slug};
use sealrock_eventstore::Loaded;
use serde::Serialize;

use crate::commands::Commands;
use crate::context::{Context, Done};
use crate::error::CommandError;
use crate::evidence::{self, Evidence};
use crate::ledger::{Decision, OrganisationLedger, decide_events, permit};

/// What the meters of a unit measure.
const CAPTURED: &str = "captured_mass_flow";
const VENTED: &str = "vented_mass_flow";

/// A capture unit by its path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CaptureUnitPath {
    /// The organisation.
    pub org: Slug,
    /// The site.
    pub site: Slug,
    /// The unit: the asset's name.
    pub unit: Slug,
}

/// What people say of a period, and the devices that measured it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CaptureStatement {
    /// CO2 that was captured.
    pub captured: Mass,
    /// CO2 that came in and was let go.
    pub vented: Mass,
    /// Electricity that it took.
    pub electricity_kwh: Option<DecimalText>,
    /// Heat that it took.
    pub heat_mj: Option<DecimalText>,
    /// The devices whose sealed hours are the evidence. With any, the period begins and ends on the
    /// hour.
    pub devices: Vec<Slug>,
}

impl CaptureUnitPath {
    /// The unit.
    #[must_use]
    pub fn id(&self) -> AssetId {
        AssetId::of(&self.org, &self.site, &self.unit)
    }

    fn day(&self, day: NaiveDate) -> CaptureDayId {
        let unit = self.id();
        CaptureDayId { unit, day }
    }
}

impl Commands {
    /// Makes an asset of kind `capture_unit` a capture unit.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn register_capture_unit(
        &self,
        context: &Context,
        command: RegisterCaptureUnit,
    ) -> Result<Done, CommandError> {
        let path = CaptureUnitPath {
            org: command.org.clone(),
            site: command.site.clone(),
            unit: command.slug.clone(),
        };
        let site = Some(&path.site);
        permit(context, Permission::RegisterCaptureUnit, &path.org, site)?;
        let ledger = self.ledger(&path.org).await?;
        let (id, command) = (path.id().to_string(), CaptureUnitCommand::from(command));
        let units = &ledger.capture_units;
        if let Some(done) = ledger.repeated(units, &id, context, &command).await? {
            return Ok(done);
        }
        ledger.require_capturing_asset(&path).await?;
        ledger.execute(units, &id, context, command).await
    }

    /// Says whether a capture unit runs.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn set_capture_unit_status(
        &self,
        context: &Context,
        path: &CaptureUnitPath,
        command: SetCaptureUnitStatus,
    ) -> Result<Done, CommandError> {
        let site = Some(&path.site);
        permit(context, Permission::RegisterCaptureUnit, &path.org, site)?;
        let ledger = self.ledger(&path.org).await?;
        let id = path.id().to_string();
        ledger
            .execute(&ledger.capture_units, &id, context, command.into())
            .await
    }

    /// Records what a unit captured in a period of a UTC day, citing the sealed hours of the devices
    /// that measured it.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn record_capture(
        &self,
        context: &Context,
        path: &CaptureUnitPath,
        period: CapturePeriod,
        statement: &CaptureStatement,
    ) -> Result<Done, CommandError> {
        let site = Some(&path.site);
        permit(context, Permission::RecordCapture, &path.org, site)?;
        let ledger = self.ledger(&path.org).await?;
        let (ledger, by) = (&*ledger, actor(context)?);
        let input = ("record_capture", path, period, statement);
        let decide = || {
            let by = by.clone();
            async move {
                ledger
                    .require_asset(&path.org, &path.site, &path.unit)
                    .await?;
                let unit = ledger.load_unit(path).await?;
                let profile = unit.state().in_service();
                let profile = profile.map_err(|no| CommandError::refusal(&no))?;
                let figures = ledger.figures(path, period, statement).await?;
                let command = RecordCapture {
                    org: path.org.clone(),
                    site: path.site.clone(),
                    unit: path.unit.clone(),
                    period,
                    figures,
                    capacity_kg_per_day: profile.capacity_kg_per_day,
                    by,
                    at: context.received_at,
                };
                let day = ledger.load_day(path.day(period.day())).await?;
                let events = decide_events(&ledger.capture_days, &day, command.into()).await?;
                Ok(on_unit(events, &unit))
            }
            .boxed()
        };
        ledger.transact(context, &input, decide).await
    }

    /// Corrects the record of the period that begins at `from`: all figures anew, and the evidence as
    /// it is sealed now.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn correct_capture(
        &self,
        context: &Context,
        path: &CaptureUnitPath,
        from: DateTime<Utc>,
        (statement, reason): (&CaptureStatement, &Reason),
    ) -> Result<Done, CommandError> {
        let site = Some(&path.site);
        permit(context, Permission::RecordCapture, &path.org, site)?;
        let ledger = self.ledger(&path.org).await?;
        let (ledger, by) = (&*ledger, actor(context)?);
        let input = ("correct_capture", path, from, statement, reason);
        let decide = || {
            let by = by.clone();
            async move {
                let unit = ledger.load_unit(path).await?;
                let profile = unit.state().registered();
                let profile = profile.map_err(|no| CommandError::refusal(&no))?;
                let day = ledger.load_day(path.day(from.date_naive())).await?;
                let record = day.state().get(from);
                let to = record.map_err(|no| CommandError::refusal(&no))?.to;
                let period = CapturePeriod { from, to };
                let command = CorrectCapture {
                    from,
                    figures: ledger.figures(path, period, statement).await?,
                    capacity_kg_per_day: profile.capacity_kg_per_day,
                    reason: reason.clone(),
                    by,
                };
                let events = decide_events(&ledger.capture_days, &day, command.into()).await?;
                Ok(on_unit(events, &unit))
            }
            .boxed()
        };
        ledger.transact(context, &input, decide).await
    }

    /// Approves what a unit captured on a UTC day; nothing of it can be changed from then on. Refused
    /// (`EVIDENCE_CHANGED`) where other seals stand behind a record by now.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn approve_capture_day(
        &self,
        context: &Context,
        path: &CaptureUnitPath,
        day: NaiveDate,
    ) -> Result<Done, CommandError> {
        let site = Some(&path.site);
        permit(context, Permission::ApproveCapture, &path.org, site)?;
        let ledger = self.ledger(&path.org).await?;
        let (ledger, by) = (&*ledger, actor(context)?);
        let input = ("approve_capture_day", path, day);
        let decide = || {
            let by = by.clone();
            async move {
                let at = context.received_at;
                let day = ledger.load_day(path.day(day)).await?;
                let command = ApproveCaptureDay { by, at }.into();
                let events = decide_events(&ledger.capture_days, &day, command).await?;
                ledger.require_seals_of(path, day.state()).await?;
                Ok(Decision {
                    events,
                    unchanged: None,
                    cause: None,
                })
            }
            .boxed()
        };
        ledger.transact(context, &input, decide).await
    }
}

impl OrganisationLedger {
    /// That the asset exists, is in use, and is one that captures.
    async fn require_capturing_asset(&self, path: &CaptureUnitPath) -> Result<(), CommandError> {
        self.require_asset(&path.org, &path.site, &path.unit)
            .await?;
        let asset = self.assets.load_current(&path.id().to_string()).await?;
        match asset.state().profile().map(|asset| asset.asset_kind) {
            Some(AssetKind::CaptureUnit) => Ok(()),
            _ => Err(CommandError::Rejected(format!(
                "asset {} of site {} is no capture unit by its kind: register an asset of kind \
                 capture_unit",
                path.unit, path.site
            ))),
        }
    }

    async fn load_unit(&self, path: &CaptureUnitPath) -> Result<Loaded<CaptureUnit>, CommandError> {
        let id = path.id().to_string();
        Ok(self.capture_units.load_current(&id).await?)
    }

    async fn load_day(&self, id: CaptureDayId) -> Result<Loaded<CaptureDay>, CommandError> {
        Ok(self.capture_days.load_current(&id.to_string()).await?)
    }

    /// That every record of the day rests on what is sealed of its period now.
    async fn require_seals_of(
        &self,
        path: &CaptureUnitPath,
        day: &CaptureDay,
    ) -> Result<(), CommandError> {
        for (from, CaptureRecord { to, figures }) in day.records() {
            let now = self.evidence_now(&path.site, &path.unit, (*from, *to), &figures.evidence);
            let now = now.await?;
            // Named devices without a seal are not known any more, and may have been unreal.
            let found = measured(&now).map(|found| CaptureMeasured {
                real: figures.measured.as_ref().is_some_and(|it| it.real),
                ..found
            });
            if now.citations != figures.evidence || found != figures.measured {
                let what = format!("the record of unit {} from {from}", path.unit);
                return Err(evidence::changed(&what));
            }
        }
        Ok(())
    }

    async fn figures(
        &self,
        path: &CaptureUnitPath,
        period: CapturePeriod,
        statement: &CaptureStatement,
    ) -> Result<CaptureFigures, CommandError> {
        let (times, devices) = ((period.from, period.to), &statement.devices);
        let evidence = self
            .evidence(&path.org, &path.site, &path.unit, times, devices)
            .await?;
        Ok(CaptureFigures {
            captured_kg: statement.captured,
            vented_kg: statement.vented,
            electricity_kwh: statement.electricity_kwh.clone(),
            heat_mj: statement.heat_mj.clone(),
            measured: measured(&evidence),
            evidence: evidence.citations,
        })
    }
}

fn measured(evidence: &Evidence) -> Option<CaptureMeasured> {
    let hours = u32::try_from(evidence.hours()).ok().filter(|n| *n > 0)?;
    Some(CaptureMeasured {
        captured_kg: evidence.mass_of(CAPTURED),
        hours,
        real: evidence.real,
        vented_kg: evidence.mass_at_most(VENTED),
    })
}

/// A decision that rests on the unit as it was loaded.
fn on_unit(events: Vec<sealrock_eventstore::NewEvent>, unit: &Loaded<CaptureUnit>) -> Decision {
    Decision {
        events,
        unchanged: Some((unit.stream().to_owned(), unit.version())),
        cause: None,
    }
}

/// Who acts, as events name them.
fn actor(context: &Context) -> Result<Actor, CommandError> {
    let actor = context.principal.actor().parse();
    actor.map_err(|error| CommandError::Fatal(format!("{error}")))
}
