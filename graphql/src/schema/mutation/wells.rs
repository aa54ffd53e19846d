//! Wells: registering, permits, tests, starting and stopping.

use async_graphql::{Context, Object, SimpleObject};
use sealrock_commands::{Commands, Done, WellPath};
use sealrock_projections::ReadModels;
use sealrock_projections::wells::WellFilter;

use super::command::{Recorded, WaitFor, sender};
use super::receipt::Receipt;
use super::well_input::{
    ApprovePermitLimitsInput, CloseShutInInput, OfWell, OperateWellInput, ProposePermitLimitsInput,
    RecordMitInput, RegisterWellInput, ShutInWellInput,
};
use crate::schema::input::read;
use crate::schema::problem::Problem;
use crate::schema::types::{Injections, Well};

#[derive(Default)]
pub(crate) struct WellMutation;

/// What was asked of the well is recorded.
#[derive(SimpleObject)]
struct WellPayload {
    /// The well; null until the read model `wells` has it (see `waitFor`).
    well: Option<Well>,
    /// Proof that it is recorded.
    receipt: Receipt,
    /// Whether it was recorded before, under the same command id.
    duplicate: bool,
}

/// The resolvers of commands to one well: read the input, send the command, show the well.
macro_rules! well_mutation {
    ($context:ident, $input:ident, $wait_for:ident, |$commands:ident, $sender:ident, $path:ident| $send:expr) => {{
        let (sender, wait_for) = (
            sender($context, $input.command_id)?,
            WaitFor::read($context, $wait_for)?,
        );
        let path = $input.path()?;
        let done = {
            let ($commands, $sender, $path) =
                ($context.data_unchecked::<Commands>(), &sender, &path);
            $send.await?
        };
        Ok(payload($context, &path, &done, &wait_for).await)
    }};
}

#[Object]
impl WellMutation {
    /// Registers the well that an asset is.
    async fn register_well(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be recorded, and the command's id.")] input: RegisterWellInput,
        #[graphql(
            desc = "Read models that must have it before this answers (for a limited time)."
        )]
        wait_for: Option<Vec<String>>,
    ) -> Result<WellPayload, Problem> {
        well_mutation!(context, input, wait_for, |commands, sender, path| {
            commands.register_well(sender, input.command(path))
        })
    }

    /// Proposes the limits of a well's permit. A proposal takes the place of one that is still open.
    async fn propose_permit_limits(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be recorded, and the command's id.")]
        input: ProposePermitLimitsInput,
        #[graphql(
            desc = "Read models that must have it before this answers (for a limited time)."
        )]
        wait_for: Option<Vec<String>>,
    ) -> Result<WellPayload, Problem> {
        let limits = input.limits()?;
        well_mutation!(context, input, wait_for, |commands, sender, path| {
            commands.propose_permit_limits(sender, path, limits)
        })
    }

    /// Puts proposed limits into force; as another person than who proposed them.
    async fn approve_permit_limits(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be recorded, and the command's id.")]
        input: ApprovePermitLimitsInput,
        #[graphql(
            desc = "Read models that must have it before this answers (for a limited time)."
        )]
        wait_for: Option<Vec<String>>,
    ) -> Result<WellPayload, Problem> {
        well_mutation!(context, input, wait_for, |commands, sender, path| {
            commands.approve_permit_limits(sender, path, input.proposal.0)
        })
    }

    /// Records a mechanical integrity test. One that was failed shuts in a well that injects.
    async fn record_mit(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be recorded, and the command's id.")] input: RecordMitInput,
        #[graphql(
            desc = "Read models that must have it before this answers (for a limited time)."
        )]
        wait_for: Option<Vec<String>>,
    ) -> Result<WellPayload, Problem> {
        let test = input.test()?;
        well_mutation!(context, input, wait_for, |commands, sender, path| {
            commands.record_mit(sender, path, test)
        })
    }

    /// Records that a well began to inject. It needs a permit and both integrity tests in force.
    async fn start_injection(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be recorded, and the command's id.")] input: OperateWellInput,
        #[graphql(
            desc = "Read models that must have it before this answers (for a limited time)."
        )]
        wait_for: Option<Vec<String>>,
    ) -> Result<WellPayload, Problem> {
        well_mutation!(context, input, wait_for, |commands, sender, path| {
            commands.start_injection(sender, path, input.at())
        })
    }

    /// Records that a well stopped injecting, as planned.
    async fn stop_injection(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be recorded, and the command's id.")] input: OperateWellInput,
        #[graphql(
            desc = "Read models that must have it before this answers (for a limited time)."
        )]
        wait_for: Option<Vec<String>>,
    ) -> Result<WellPayload, Problem> {
        well_mutation!(context, input, wait_for, |commands, sender, path| {
            commands.stop_injection(sender, path, input.at())
        })
    }

    /// Records that a well was shut in. It starts again only after the cause is closed.
    async fn shut_in_well(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be recorded, and the command's id.")] input: ShutInWellInput,
        #[graphql(
            desc = "Read models that must have it before this answers (for a limited time)."
        )]
        wait_for: Option<Vec<String>>,
    ) -> Result<WellPayload, Problem> {
        let reason = read("reason", &input.reason)?;
        well_mutation!(context, input, wait_for, |commands, sender, path| {
            commands.shut_in_well(sender, path, input.at(), reason)
        })
    }

    /// Records that the cause of a shut-in is dealt with.
    async fn close_shut_in(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be recorded, and the command's id.")] input: CloseShutInInput,
        #[graphql(
            desc = "Read models that must have it before this answers (for a limited time)."
        )]
        wait_for: Option<Vec<String>>,
    ) -> Result<WellPayload, Problem> {
        let remedy = read("remedy", &input.remedy)?;
        well_mutation!(context, input, wait_for, |commands, sender, path| {
            commands.close_shut_in(sender, path, input.at(), remedy)
        })
    }

    /// Records that a well was plugged, which is for good.
    async fn plug_well(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be recorded, and the command's id.")] input: OperateWellInput,
        #[graphql(
            desc = "Read models that must have it before this answers (for a limited time)."
        )]
        wait_for: Option<Vec<String>>,
    ) -> Result<WellPayload, Problem> {
        well_mutation!(context, input, wait_for, |commands, sender, path| {
            commands.plug_well(sender, path, input.at())
        })
    }
}

async fn payload(
    context: &Context<'_>,
    path: &WellPath,
    done: &Done,
    wait_for: &WaitFor,
) -> WellPayload {
    let recorded = Recorded::new(context, &path.organisation, done, wait_for).await;
    let well = shown(context, path).await;
    WellPayload {
        well: recorded.shown(well).flatten(),
        receipt: recorded.receipt,
        duplicate: recorded.duplicate,
    }
}

async fn shown(context: &Context<'_>, path: &WellPath) -> Result<Option<Well>, Problem> {
    let site = Some(path.site.clone());
    let of = Injections::of(context, &path.organisation, site, None).await?;
    let filter = WellFilter {
        wells: Some(vec![path.id()]),
        ..WellFilter::default()
    };
    let read = context.data_unchecked::<ReadModels>();
    Ok(of.wells(read, filter).await?.pop())
}
