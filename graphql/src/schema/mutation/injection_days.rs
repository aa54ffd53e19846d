//! Injection days: recorded, corrected, approved.

use async_graphql::{Context, Object, SimpleObject};
use chrono::NaiveDate;
use sealrock_commands::{Commands, Done, WellPath};
use sealrock_projections::ReadModels;

use super::command::{Recorded, WaitFor, sender};
use super::receipt::Receipt;
use super::well_input::{
    ApproveInjectionDayInput, CorrectInjectionDayInput, OfWell, RecordInjectionDayInput,
};
use crate::schema::input::read;
use crate::schema::problem::Problem;
use crate::schema::types::{InjectionDay, Injections};

#[derive(Default)]
pub(crate) struct InjectionDayMutation;

/// What was asked of the day is recorded.
#[derive(SimpleObject)]
struct InjectionDayPayload {
    /// The day; null until the read model `wells` has it (see `waitFor`).
    injection_day: Option<InjectionDay>,
    /// Proof that it is recorded.
    receipt: Receipt,
    /// Whether it was recorded before, under the same command id.
    duplicate: bool,
}

#[Object]
impl InjectionDayMutation {
    /// Records what a well took on a UTC day, with the sealed hours of the devices that measured it.
    /// Refused above a limit of the permit, as stated or as measured, and without permit or integrity
    /// on that day.
    async fn record_injection_day(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be recorded, and the command's id.")]
        input: RecordInjectionDayInput,
        #[graphql(
            desc = "Read models that must have it before this answers (for a limited time)."
        )]
        wait_for: Option<Vec<String>>,
    ) -> Result<InjectionDayPayload, Problem> {
        let (sender, wait_for) = (
            sender(context, input.command_id)?,
            WaitFor::read(context, wait_for)?,
        );
        let injected = input.injected()?;
        let (path, day) = (injected.well.clone(), injected.day);
        let commands = context.data_unchecked::<Commands>();
        let done = commands.record_injection_day(&sender, injected).await?;
        Ok(payload(context, (&path, day), &done, &wait_for).await)
    }

    /// Corrects a day that is not approved: all its figures, and the seals that there are now.
    async fn correct_injection_day(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be recorded, and the command's id.")]
        input: CorrectInjectionDayInput,
        #[graphql(
            desc = "Read models that must have it before this answers (for a limited time)."
        )]
        wait_for: Option<Vec<String>>,
    ) -> Result<InjectionDayPayload, Problem> {
        let (sender, wait_for) = (
            sender(context, input.command_id)?,
            WaitFor::read(context, wait_for)?,
        );
        let (injected, reason) = (input.injected()?, read("reason", &input.reason)?);
        let (path, day) = (injected.well.clone(), injected.day);
        let commands = context.data_unchecked::<Commands>();
        let done = commands
            .correct_injection_day(&sender, injected, reason)
            .await?;
        Ok(payload(context, (&path, day), &done, &wait_for).await)
    }

    /// Approves a day, as another person than who recorded or corrected it: it is locked, and if real
    /// devices measured it, its mass is in the site's account of that year by the same commit.
    async fn approve_injection_day(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be recorded, and the command's id.")]
        input: ApproveInjectionDayInput,
        #[graphql(
            desc = "Read models that must have it before this answers (for a limited time)."
        )]
        wait_for: Option<Vec<String>>,
    ) -> Result<InjectionDayPayload, Problem> {
        let (sender, wait_for) = (
            sender(context, input.command_id)?,
            WaitFor::read(context, wait_for)?,
        );
        let (path, day) = (input.path()?, input.day.0);
        let commands = context.data_unchecked::<Commands>();
        let done = commands.approve_injection_day(&sender, &path, day).await?;
        Ok(payload(context, (&path, day), &done, &wait_for).await)
    }
}

async fn payload(
    context: &Context<'_>,
    of: (&WellPath, NaiveDate),
    done: &Done,
    wait_for: &WaitFor,
) -> InjectionDayPayload {
    let recorded = Recorded::new(context, &of.0.organisation, done, wait_for).await;
    let day = shown(context, of).await;
    InjectionDayPayload {
        injection_day: recorded.shown(day).flatten(),
        receipt: recorded.receipt,
        duplicate: recorded.duplicate,
    }
}

async fn shown(
    context: &Context<'_>,
    (path, day): (&WellPath, NaiveDate),
) -> Result<Option<InjectionDay>, Problem> {
    let site = Some(path.site.clone());
    let of = Injections::of(context, &path.organisation, site, None).await?;
    let read = context.data_unchecked::<ReadModels>();
    let versions = read.injection_day_versions(of.ledger.id, (path.id(), day), None);
    Ok(versions.await?.pop().map(|day| of.day(day)))
}
