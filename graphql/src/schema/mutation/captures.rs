//! Capture units and captures.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, NaiveDate, Utc};
use sealrock_commands::{CaptureStatement, CaptureUnitPath, Commands, Done};
use sealrock_domain::Reason;
use sealrock_domain::capture_day::CapturePeriod;
use sealrock_domain::capture_unit::{RegisterCaptureUnit, SetCaptureUnitStatus};
use sealrock_projections::ReadModels;
use uuid::Uuid;

use super::command::{Recorded, WaitFor, sender};
use super::receipt::Receipt;
use crate::schema::global_id::GlobalId;
use crate::schema::input::{read, read_option};
use crate::schema::problem::Problem;
use crate::schema::scalars::{Day, Time};
use crate::schema::types::{Capture, CaptureTechnology, CaptureUnit, CaptureUnitStatus, Captures};

#[derive(Default)]
pub(crate) struct CaptureMutation;

/// A capture unit to be.
#[derive(InputObject)]
struct RegisterCaptureUnitInput {
    /// Idempotency key: the same key with the same input is answered with the first receipt.
    command_id: Option<Uuid>,
    /// Slug of the organisation.
    organisation: String,
    /// Slug of the site.
    site: String,
    /// Slug of the asset, of kind `CAPTURE_UNIT`, that it stands on; the unit has its name.
    asset: String,
    /// How it captures.
    technology: CaptureTechnology,
    /// The most that it can capture in a UTC day, kg, a decimal. Nothing above it can be recorded.
    capacity_kg_per_day: Option<String>,
}

/// Whether a capture unit runs.
#[derive(InputObject)]
struct SetCaptureUnitStatusInput {
    /// Idempotency key: the same key with the same input is answered with the first receipt.
    command_id: Option<Uuid>,
    /// Slug of the organisation.
    organisation: String,
    /// Slug of the site.
    site: String,
    /// Slug of the unit.
    unit: String,
    /// From now on.
    status: CaptureUnitStatus,
    /// Why.
    reason: Option<String>,
}

/// What a unit captured in a period.
#[derive(InputObject)]
struct RecordCaptureInput {
    /// Idempotency key: the same key with the same input is answered with the first receipt.
    command_id: Option<Uuid>,
    /// Slug of the organisation.
    organisation: String,
    /// Slug of the site.
    site: String,
    /// Slug of the unit.
    unit: String,
    /// When the period begins.
    from: Time,
    /// When it ends: in the same UTC day, at most at midnight.
    to: Time,
    /// CO2 that was captured, kg, a decimal with up to three places.
    captured_kg: String,
    /// CO2 that came in and was let go, kg, a decimal with up to three places.
    vented_kg: String,
    /// Electricity that it took, kWh, a decimal.
    electricity_kwh: Option<String>,
    /// Heat that it took, MJ, a decimal.
    heat_mj: Option<String>,
    /// Slugs of the devices that measured it: their sealed hours are cited as evidence. With any, the
    /// period begins and ends on the hour. Of two that measure the same flow in an hour,
    /// the one that measures less counts.
    devices: Option<Vec<String>>,
}

/// The record of a period as it should be: all figures anew.
#[derive(InputObject)]
struct CorrectCaptureInput {
    /// Idempotency key: the same key with the same input is answered with the first receipt.
    command_id: Option<Uuid>,
    /// Slug of the organisation.
    organisation: String,
    /// Slug of the site.
    site: String,
    /// Slug of the unit.
    unit: String,
    /// When the period of the record begins.
    from: Time,
    /// CO2 that was captured, kg, a decimal with up to three places.
    captured_kg: String,
    /// CO2 that came in and was let go, kg, a decimal with up to three places.
    vented_kg: String,
    /// Electricity that it took, kWh, a decimal.
    electricity_kwh: Option<String>,
    /// Heat that it took, MJ, a decimal.
    heat_mj: Option<String>,
    /// Slugs of the devices that measured it: their hours are cited as they are sealed now.
    devices: Option<Vec<String>>,
    /// Why it is corrected.
    reason: String,
}

/// A day to approve.
#[derive(InputObject)]
struct ApproveCaptureDayInput {
    /// Idempotency key: the same key with the same input is answered with the first receipt.
    command_id: Option<Uuid>,
    /// Slug of the organisation.
    organisation: String,
    /// Slug of the site.
    site: String,
    /// Slug of the unit.
    unit: String,
    /// The UTC day.
    day: Day,
}

/// The unit is registered or has another status.
#[derive(SimpleObject)]
struct CaptureUnitPayload {
    /// Id of the unit's asset.
    id: ID,
    /// The unit; null until the read model `captures` has it (see `waitFor`).
    unit: Option<CaptureUnit>,
    /// Proof that it is recorded.
    receipt: Receipt,
    /// Whether it was recorded before, under the same command id.
    duplicate: bool,
}

/// The captures of a unit's day have changed.
#[derive(SimpleObject)]
struct CaptureDayPayload {
    /// The record; null if the day was approved, and until the read model `captures` has it (see
    /// `waitFor`).
    capture: Option<Capture>,
    /// All of the unit's records of that day, by time, as the read model `captures` has them.
    day: Vec<Capture>,
    /// Proof that it is recorded.
    receipt: Receipt,
    /// Whether it was recorded before, under the same command id.
    duplicate: bool,
}

#[Object]
impl CaptureMutation {
    /// Makes an asset of kind `CAPTURE_UNIT` a capture unit, on standby.
    async fn register_capture_unit(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be recorded, and the command's id.")]
        input: RegisterCaptureUnitInput,
        #[graphql(
            desc = "Read models that must have it before this answers (for a limited time)."
        )]
        wait_for: Option<Vec<String>>,
    ) -> Result<CaptureUnitPayload, Problem> {
        let (sender, wait_for) = (
            sender(context, input.command_id)?,
            WaitFor::read(context, wait_for)?,
        );
        let unit = path(&input.organisation, &input.site, ("asset", &input.asset))?;
        let capacity = input.capacity_kg_per_day.as_deref();
        let command = RegisterCaptureUnit {
            org: unit.org.clone(),
            site: unit.site.clone(),
            slug: unit.unit.clone(),
            technology: input.technology.into(),
            capacity_kg_per_day: read_option("capacityKgPerDay", capacity)?,
        };
        let commands = context.data_unchecked::<Commands>();
        let done = commands.register_capture_unit(&sender, command).await?;
        Ok(unit_payload(context, &unit, &done, &wait_for).await)
    }

    /// Says whether a capture unit runs. A decommissioned one stays so.
    async fn set_capture_unit_status(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be recorded, and the command's id.")]
        input: SetCaptureUnitStatusInput,
        #[graphql(
            desc = "Read models that must have it before this answers (for a limited time)."
        )]
        wait_for: Option<Vec<String>>,
    ) -> Result<CaptureUnitPayload, Problem> {
        let (sender, wait_for) = (
            sender(context, input.command_id)?,
            WaitFor::read(context, wait_for)?,
        );
        let unit = path(&input.organisation, &input.site, ("unit", &input.unit))?;
        let command = SetCaptureUnitStatus {
            status: input.status.into(),
            reason: read_option("reason", input.reason.as_deref())?,
        };
        let done = context
            .data_unchecked::<Commands>()
            .set_capture_unit_status(&sender, &unit, command)
            .await?;
        Ok(unit_payload(context, &unit, &done, &wait_for).await)
    }

    /// Records what a unit captured in a period of a UTC day, with the sealed hours that it rests on.
    async fn record_capture(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be recorded, and the command's id.")]
        input: RecordCaptureInput,
        #[graphql(
            desc = "Read models that must have it before this answers (for a limited time)."
        )]
        wait_for: Option<Vec<String>>,
    ) -> Result<CaptureDayPayload, Problem> {
        let (sender, wait_for) = (
            sender(context, input.command_id)?,
            WaitFor::read(context, wait_for)?,
        );
        let unit = path(&input.organisation, &input.site, ("unit", &input.unit))?;
        let (from, to) = (input.from.0, input.to.0);
        let statement = CaptureStatement::try_from(input)?;
        let done = context
            .data_unchecked::<Commands>()
            .record_capture(&sender, &unit, CapturePeriod { from, to }, &statement)
            .await?;
        let of = (from.date_naive(), Some(from));
        Ok(day_payload(context, (&unit, of), &done, &wait_for).await)
    }

    /// Corrects the record of a period by a further entry; what it said before stays on record.
    async fn correct_capture(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be recorded, and the command's id.")]
        input: CorrectCaptureInput,
        #[graphql(
            desc = "Read models that must have it before this answers (for a limited time)."
        )]
        wait_for: Option<Vec<String>>,
    ) -> Result<CaptureDayPayload, Problem> {
        let (sender, wait_for) = (
            sender(context, input.command_id)?,
            WaitFor::read(context, wait_for)?,
        );
        let unit = path(&input.organisation, &input.site, ("unit", &input.unit))?;
        let reason: Reason = read("reason", &input.reason)?;
        let from = input.from.0;
        let statement = CaptureStatement::try_from(input)?;
        let done = context
            .data_unchecked::<Commands>()
            .correct_capture(&sender, &unit, from, (&statement, &reason))
            .await?;
        let of = (from.date_naive(), Some(from));
        Ok(day_payload(context, (&unit, of), &done, &wait_for).await)
    }

    /// Approves what a unit captured on a UTC day. It must be over, measured by sealed hours, and
    /// recorded by other people; nothing of it can be changed afterwards.
    async fn approve_capture_day(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be recorded, and the command's id.")]
        input: ApproveCaptureDayInput,
        #[graphql(
            desc = "Read models that must have it before this answers (for a limited time)."
        )]
        wait_for: Option<Vec<String>>,
    ) -> Result<CaptureDayPayload, Problem> {
        let (sender, wait_for) = (
            sender(context, input.command_id)?,
            WaitFor::read(context, wait_for)?,
        );
        let unit = path(&input.organisation, &input.site, ("unit", &input.unit))?;
        let done = context
            .data_unchecked::<Commands>()
            .approve_capture_day(&sender, &unit, input.day.0)
            .await?;
        let of = (input.day.0, None);
        Ok(day_payload(context, (&unit, of), &done, &wait_for).await)
    }
}

fn path(
    organisation: &str,
    site: &str,
    (field, unit): (&str, &str),
) -> Result<CaptureUnitPath, Problem> {
    Ok(CaptureUnitPath {
        org: read("organisation", organisation)?,
        site: read("site", site)?,
        unit: read(field, unit)?,
    })
}

async fn unit_payload(
    context: &Context<'_>,
    unit: &CaptureUnitPath,
    done: &Done,
    wait_for: &WaitFor,
) -> CaptureUnitPayload {
    let recorded = Recorded::new(context, &unit.org, done, wait_for).await;
    let found = match captures(context, &recorded, unit).await {
        Some(captures) => recorded.shown(captures.units(context).await),
        None => None,
    };
    let found = found.and_then(|mut units| units.pop());
    CaptureUnitPayload {
        id: GlobalId::Asset(unit.id()).into(),
        unit: found,
        receipt: recorded.receipt,
        duplicate: recorded.duplicate,
    }
}

async fn day_payload(
    context: &Context<'_>,
    (unit, (day, from)): (&CaptureUnitPath, (NaiveDate, Option<DateTime<Utc>>)),
    done: &Done,
    wait_for: &WaitFor,
) -> CaptureDayPayload {
    let recorded = Recorded::new(context, &unit.org, done, wait_for).await;
    let read = context.data_unchecked::<ReadModels>();
    let captures = captures(context, &recorded, unit).await;
    let (mut capture, mut of_day) = (None, Vec::new());
    if let Some(captures) = captures {
        of_day = recorded.objects(captures.of_day(read, day).await);
        let mut records = of_day.iter();
        capture = records.find(|one| Some(one.begin()) == from).cloned();
    }
    CaptureDayPayload {
        capture,
        day: of_day,
        receipt: recorded.receipt,
        duplicate: recorded.duplicate,
    }
}

/// The captures of a unit, as far as the caller may see them.
async fn captures(
    context: &Context<'_>,
    recorded: &Recorded<'_>,
    unit: &CaptureUnitPath,
) -> Option<Captures> {
    match Captures::of(context, &unit.org, Some(&unit.site), None).await {
        Ok(captures) => captures.map(|captures| captures.of_unit(unit.id())),
        Err(problem) => {
            recorded.report(problem);
            None
        }
    }
}

macro_rules! statement_of {
    ($input:ty) => {
        impl TryFrom<$input> for CaptureStatement {
            type Error = Problem;

            fn try_from(input: $input) -> Result<Self, Problem> {
                let devices = input.devices.unwrap_or_default();
                let devices = devices.iter().map(|device| read("devices", device));
                Ok(Self {
                    captured: read("capturedKg", &input.captured_kg)?,
                    vented: read("ventedKg", &input.vented_kg)?,
                    electricity_kwh: read_option(
                        "electricityKwh",
                        input.electricity_kwh.as_deref(),
                    )?,
                    heat_mj: read_option("heatMj", input.heat_mj.as_deref())?,
                    devices: devices.collect::<Result<_, _>>()?,
                })
            }
        }
    };
}

statement_of!(RecordCaptureInput);
statement_of!(CorrectCaptureInput);
