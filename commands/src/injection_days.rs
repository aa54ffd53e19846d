//! Injection days: recorded with their evidence, corrected, approved by a second person.
//!
//! A day is decided on the well as it is: its limits, tests and starts. So the append rests on the
//! version of the well's stream. Whatever changes it meanwhile is a conflict, and the day is decided
//! anew.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, Utc};
use futures::FutureExt;
use sealrock_access::Permission;
use sealrock_domain::injection_day::{
    self, ApproveInjectionDay, CorrectInjectionDay, DayFigures, InjectionDay, InjectionDayCommand,
    InjectionDayRecorded, Measured, RecordInjectionDay, Surroundings,
};
use sealrock_domain::mass_account::{MassAccount, MassAccountId, RecordNetMass};
use sealrock_domain::well::{PermitLimits, Well};
use sealrock_domain::{Actor, Reason, Slug};
use sealrock_eventstore::{Loaded, NewEvent};
use serde::Serialize;

use crate::commands::Commands;
use crate::context::{Context, Done};
use crate::error::CommandError;
use crate::evidence;
use crate::ledger::{Decision, OrganisationLedger, decide_events, permit};
use crate::wells::WellPath;

/// What an operator says of a day of a well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InjectedDay {
    /// The well.
    pub well: WellPath,
    /// The UTC day.
    pub day: NaiveDate,
    /// The figures.
    pub figures: DayFigures,
    /// The devices, bound to the well, whose sealed hours stand behind the figures.
    pub devices: Vec<Slug>,
}

impl Commands {
    /// Records what a well took on a UTC day, and cites the seals of that day.
    ///
    /// # Errors
    /// See [`CommandError`]; refused above a limit of the permit, or without permit and integrity.
    pub async fn record_injection_day(
        &self,
        context: &Context,
        day: InjectedDay,
    ) -> Result<Done, CommandError> {
        let ledger = self.ledger_for(context, Permission::RecordInjection, &day.well);
        let (ledger, by) = (ledger.await?, context.actor()?);
        let (ledger, today) = (&*ledger, context.received_at.date_naive());
        let input = ("record_injection_day", &day);
        let decide = || ledger.decide_record(&day, by.clone(), today).boxed();
        ledger.transact(context, &input, decide).await
    }

    /// Puts other figures, and the seals that there are now, in the place of a day's that is not
    /// approved.
    ///
    /// # Errors
    /// See [`CommandError`]; refused like [`record_injection_day`](Self::record_injection_day).
    pub async fn correct_injection_day(
        &self,
        context: &Context,
        day: InjectedDay,
        reason: Reason,
    ) -> Result<Done, CommandError> {
        let ledger = self.ledger_for(context, Permission::RecordInjection, &day.well);
        let (ledger, by) = (ledger.await?, context.actor()?);
        let ledger = &*ledger;
        let input = ("correct_injection_day", &day, &reason);
        let decide = || ledger.decide_correct(&day, &reason, by.clone()).boxed();
        ledger.transact(context, &input, decide).await
    }

    /// Approves a day, which locks it. If its evidence is creditable, the same append adds its mass, as
    /// stated and no more than measured, to the site's account of that year: never twice, and never
    /// without the approval. Refused (`EVIDENCE_CHANGED`) where other seals stand behind the day by
    /// now.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn approve_injection_day(
        &self,
        context: &Context,
        well: &WellPath,
        day: NaiveDate,
    ) -> Result<Done, CommandError> {
        let ledger = self.ledger_for(context, Permission::ApproveInjection, well);
        let (ledger, by) = (ledger.await?, context.actor()?);
        let (ledger, today) = (&*ledger, context.received_at.date_naive());
        let input = ("approve_injection_day", well, day);
        let decide = || ledger.decide_approve(well, day, by.clone(), today).boxed();
        ledger.transact(context, &input, decide).await
    }

    async fn ledger_for(
        &self,
        context: &Context,
        permission: Permission,
        well: &WellPath,
    ) -> Result<std::sync::Arc<OrganisationLedger>, CommandError> {
        permit(context, permission, &well.organisation, Some(&well.site))?;
        self.ledger(&well.organisation).await
    }
}

/// What a day is decided on, as it is committed now.
struct Scene {
    well: Loaded<Well>,
    limits: PermitLimits,
    day: Loaded<InjectionDay>,
    account: Loaded<MassAccount>,
}

impl Scene {
    /// The decision, which rests on the well though it changes nothing of it.
    fn decided(&self, events: Vec<NewEvent>) -> Decision {
        Decision {
            events,
            unchanged: Some((self.well.stream().to_owned(), self.well.version())),
            cause: None,
        }
    }
}

impl OrganisationLedger {
    async fn scene(&self, well: &WellPath, day: NaiveDate) -> Result<Scene, CommandError> {
        let id = well.id();
        let loaded = self.wells.load_current(&id.to_string()).await?;
        let limits = loaded.state().limits_of(day);
        let limits = limits.map_err(|refusal| CommandError::refusal(&refusal))?;
        let account = MassAccountId::of(&well.organisation, &well.site, day.year());
        let day = injection_day::id(id, day);
        Ok(Scene {
            well: loaded,
            limits,
            day: self.injection_days.load_current(&day).await?,
            account: self
                .mass_accounts
                .load_current(&account.to_string())
                .await?,
        })
    }

    async fn surroundings(
        &self,
        injected: &InjectedDay,
        scene: &Scene,
    ) -> Result<Surroundings, CommandError> {
        let well = &injected.well;
        let evidence = self
            .evidence(
                &well.organisation,
                &well.site,
                &well.well,
                whole(injected.day)?,
                &injected.devices,
            )
            .await?;
        Ok(Surroundings {
            limits: scene.limits.clone(),
            hours_open: scene.well.state().hours_open_on(injected.day),
            approved_this_year: scene.account.state().stored_by(well.id()),
            measured: Measured::of(&evidence),
            real: evidence.real,
            evidence: evidence.citations,
        })
    }

    async fn decide_record(
        &self,
        injected: &InjectedDay,
        by: Actor,
        today: NaiveDate,
    ) -> Result<Decision, CommandError> {
        let well = &injected.well;
        let scene = self.scene(well, injected.day).await?;
        let command = RecordInjectionDay {
            org: well.organisation.clone(),
            site: well.site.clone(),
            well: well.well.clone(),
            day: injected.day,
            figures: injected.figures.clone(),
            surroundings: self.surroundings(injected, &scene).await?,
            by,
            today,
        };
        let command = InjectionDayCommand::Record(Box::new(command));
        let events = decide_events(&self.injection_days, &scene.day, command).await?;
        Ok(scene.decided(events))
    }

    async fn decide_correct(
        &self,
        injected: &InjectedDay,
        reason: &Reason,
        by: Actor,
    ) -> Result<Decision, CommandError> {
        let scene = self.scene(&injected.well, injected.day).await?;
        let command = CorrectInjectionDay {
            figures: injected.figures.clone(),
            surroundings: self.surroundings(injected, &scene).await?,
            reason: reason.clone(),
            by,
        };
        let command = InjectionDayCommand::Correct(Box::new(command));
        let events = decide_events(&self.injection_days, &scene.day, command).await?;
        Ok(scene.decided(events))
    }

    async fn decide_approve(
        &self,
        well: &WellPath,
        day: NaiveDate,
        by: Actor,
        today: NaiveDate,
    ) -> Result<Decision, CommandError> {
        let scene = self.scene(well, day).await?;
        let demo = self.info.demo;
        let command = ApproveInjectionDay {
            limits: scene.limits.clone(),
            hours_open: scene.well.state().hours_open_on(day),
            approved_this_year: scene.account.state().stored_by(well.id()),
            demo,
            by,
            today,
        };
        let command = InjectionDayCommand::Approve(Box::new(command));
        let mut events = decide_events(&self.injection_days, &scene.day, command).await?;
        let recorded = scene.day.state().recorded();
        if let Some(recorded) = recorded {
            self.require_present_seals(well, recorded).await?;
        }
        if let Some(recorded) = recorded.filter(|recorded| recorded.creditable_in(demo)) {
            let net_mass = RecordNetMass {
                org: well.organisation.clone(),
                site: well.site.clone(),
                well: well.id(),
                day,
                mass_kg: recorded.net_mass(),
            };
            let account = &scene.account;
            events.extend(decide_events(&self.mass_accounts, account, net_mass.into()).await?);
        }
        Ok(scene.decided(events))
    }

    /// That the day rests on what is sealed of it now.
    async fn require_present_seals(
        &self,
        well: &WellPath,
        day: &InjectionDayRecorded,
    ) -> Result<(), CommandError> {
        let now = self.evidence_now(&well.site, &well.well, whole(day.day)?, &day.evidence);
        let now = now.await?;
        if now.citations == day.evidence && Measured::of(&now) == day.measured {
            return Ok(());
        }
        let what = format!("{} of well {}", day.day, well.well);
        Err(evidence::changed(&what))
    }
}

/// From midnight to midnight.
fn whole(day: NaiveDate) -> Result<(DateTime<Utc>, DateTime<Utc>), CommandError> {
    let from = day.and_time(NaiveTime::MIN).and_utc();
    let to = from.checked_add_days(Days::new(1));
    let to = to.ok_or_else(|| CommandError::Invalid(format!("{day}: this day is out of range")))?;
    Ok((from, to))
}
