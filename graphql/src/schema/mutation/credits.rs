//! Requesting credits, deciding on them, and recording what was lost.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use sealrock_access::Permission::DecideIssuance;
use sealrock_commands::{
    Commands, Done, IssuanceName, IssuanceRequest, StorageLoss as LossCommand,
};
use sealrock_domain::mass_account::MassAccountId;
use sealrock_domain::{Citation, Slug};
use sealrock_projections::ReadModels;
use uuid::Uuid;

use super::command::{Recorded, WaitFor, sender};
use super::receipt::Receipt;
use crate::code::Code;
use crate::schema::guard::permit;
use crate::schema::input::read;
use crate::schema::problem::Problem;
use crate::schema::provenance::ledger_of;
use crate::schema::query::visible_issuance;
use crate::schema::scalars::{Count, Day};
use crate::schema::types::{CreditBlock, Issuance, MassAccount};

#[derive(Default)]
pub(crate) struct CreditMutation;

/// Credits that are asked for.
#[derive(InputObject)]
struct RequestIssuanceInput {
    /// Idempotency key: the same key with the same input is answered with the first receipt.
    command_id: Option<Uuid>,
    /// Slug of the organisation that stored the CO2.
    organisation: String,
    /// Slug of the storage site.
    site: String,
    /// The calendar year in which it was stored.
    year: i32,
    /// Slug of the registry that is to issue credits.
    registry: String,
    /// How many credits, one a tonne.
    tonnes: Count,
}

/// An issuance to be approved.
#[derive(InputObject)]
struct ApproveIssuanceInput {
    /// Idempotency key: the same key with the same input is answered with the first receipt.
    command_id: Option<Uuid>,
    /// Slug of the registry that decides.
    registry: String,
    /// Id of the issuance.
    issuance: ID,
}

/// An issuance to be refused.
#[derive(InputObject)]
struct RefuseIssuanceInput {
    /// Idempotency key: the same key with the same input is answered with the first receipt.
    command_id: Option<Uuid>,
    /// Slug of the registry that decides.
    registry: String,
    /// Id of the issuance.
    issuance: ID,
    /// Why, 1 to 1000 characters; it stays in both ledgers for ever, so without personal data.
    reason: String,
}

/// Stored CO2 that was lost again.
#[derive(InputObject)]
struct RecordStorageLossInput {
    /// Idempotency key: the same key with the same input is answered with the first receipt.
    command_id: Option<Uuid>,
    /// Slug of the organisation.
    organisation: String,
    /// Slug of the storage site.
    site: String,
    /// The year whose account bears it: that in which the CO2 was stored.
    year: i32,
    /// What was lost, kg, a decimal; the upper bound where it is an estimate.
    mass_kg: String,
    /// The UTC day on which it was lost, or on which that was found.
    occurred_on: Day,
    /// How it was lost and how that is known, 1 to 1000 characters.
    reason: String,
    /// Entries of the organisation's ledger that it rests on, `<origin>#<index>`.
    #[graphql(default)]
    evidence: Vec<String>,
}

/// Credits are asked for, and kilograms set aside for them.
#[derive(SimpleObject)]
struct RequestIssuancePayload {
    /// Id of the issuance.
    id: ID,
    /// The first kilogram of the mass account.
    from_kg: Count,
    /// The first kilogram behind it.
    to_kg: Count,
    /// The issuance; null until the read model `credits` has it (see `waitFor`).
    issuance: Option<Issuance>,
    /// Proof that it is recorded, in the organisation's ledger.
    receipt: Receipt,
    /// Whether it was recorded before, under the same command id.
    duplicate: bool,
}

/// Credits are issued.
#[derive(SimpleObject)]
struct ApproveIssuancePayload {
    /// Id of their block.
    block_id: ID,
    /// Their serials.
    serials: String,
    /// The block; null until the read model `credits` has it (see `waitFor`).
    block: Option<CreditBlock>,
    /// The issuance, as the read model `credits` has it.
    issuance: Option<Issuance>,
    /// Proof that it is recorded, in the registry's ledger.
    receipt: Receipt,
    /// Whether it was recorded before, under the same command id.
    duplicate: bool,
}

/// Credits are refused.
#[derive(SimpleObject)]
struct RefuseIssuancePayload {
    /// The issuance, as the read model `credits` has it.
    issuance: Option<Issuance>,
    /// Proof that it is recorded, in the registry's ledger.
    receipt: Receipt,
    /// Whether it was recorded before, under the same command id.
    duplicate: bool,
}

/// The loss is recorded.
#[derive(SimpleObject)]
struct RecordStorageLossPayload {
    /// The account that bears it; null until the read model `credits` has it (see `waitFor`).
    mass_account: Option<MassAccount>,
    /// Proof that it is recorded.
    receipt: Receipt,
    /// Whether it was recorded before, under the same command id.
    duplicate: bool,
}

#[Object]
impl CreditMutation {
    /// Asks a registry for credits for stored CO2: whole tonnes of the site's mass account of that
    /// year are set aside, and the platform brings the request to the registry.
    async fn request_issuance(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be recorded, and the command's id.")]
        input: RequestIssuanceInput,
        #[graphql(
            desc = "Read models that must have it before this answers (for a limited time)."
        )]
        wait_for: Option<Vec<String>>,
    ) -> Result<RequestIssuancePayload, Problem> {
        let (sender, wait_for) = (
            sender(context, input.command_id)?,
            WaitFor::read(context, wait_for)?,
        );
        let request = IssuanceRequest::try_from(input)?;
        let requested = context
            .data_unchecked::<Commands>()
            .request_issuance(&sender, &request)
            .await?;
        let recorded =
            Recorded::new(context, &request.organisation, &requested.done, &wait_for).await;
        Ok(RequestIssuancePayload {
            id: requested.issuance.to_string().into(),
            from_kg: Count(requested.range.from_kg()),
            to_kg: Count(requested.range.to_kg()),
            issuance: shown(context, &recorded, requested.issuance, &request.registry).await,
            receipt: recorded.receipt,
            duplicate: recorded.duplicate,
        })
    }

    /// Issues the credits of an issuance, for the registry: by a person of the registry's
    /// organisation who did not request them.
    async fn approve_issuance(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be recorded, and the command's id.")]
        input: ApproveIssuanceInput,
        #[graphql(
            desc = "Read models that must have it before this answers (for a limited time)."
        )]
        wait_for: Option<Vec<String>>,
    ) -> Result<ApproveIssuancePayload, Problem> {
        let (sender, wait_for) = (
            sender(context, input.command_id)?,
            WaitFor::read(context, wait_for)?,
        );
        let name = named(context, &input.registry, &input.issuance).await?;
        let issued = context
            .data_unchecked::<Commands>()
            .approve_issuance(&sender, &name)
            .await?;
        let recorded = Recorded::new(context, &name.registry, &issued.done, &wait_for).await;
        let models = context.data_unchecked::<ReadModels>();
        let block = models.credit_blocks_by_id(&[issued.block], &[]).await;
        Ok(ApproveIssuancePayload {
            block_id: issued.block.to_string().into(),
            serials: issued.serials.to_string(),
            block: recorded.object(block).map(CreditBlock),
            issuance: shown(context, &recorded, name.issuance, &name.registry).await,
            receipt: recorded.receipt,
            duplicate: recorded.duplicate,
        })
    }

    /// Refuses the credits of an issuance, for the registry; the platform frees the kilograms.
    async fn refuse_issuance(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be recorded, and the command's id.")]
        input: RefuseIssuanceInput,
        #[graphql(
            desc = "Read models that must have it before this answers (for a limited time)."
        )]
        wait_for: Option<Vec<String>>,
    ) -> Result<RefuseIssuancePayload, Problem> {
        let (sender, wait_for) = (
            sender(context, input.command_id)?,
            WaitFor::read(context, wait_for)?,
        );
        let reason = read("reason", &input.reason)?;
        let name = named(context, &input.registry, &input.issuance).await?;
        let done = context
            .data_unchecked::<Commands>()
            .refuse_issuance(&sender, &name, &reason)
            .await?;
        let recorded = Recorded::new(context, &name.registry, &done, &wait_for).await;
        Ok(RefuseIssuancePayload {
            issuance: shown(context, &recorded, name.issuance, &name.registry).await,
            receipt: recorded.receipt,
            duplicate: recorded.duplicate,
        })
    }

    /// Records that stored CO2 was lost again. It is taken off the site's mass account of the year in
    /// which it was stored, even if credits were issued for it: then nothing more can be requested of
    /// that account until it is made good.
    async fn record_storage_loss(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be recorded, and the command's id.")]
        input: RecordStorageLossInput,
        #[graphql(
            desc = "Read models that must have it before this answers (for a limited time)."
        )]
        wait_for: Option<Vec<String>>,
    ) -> Result<RecordStorageLossPayload, Problem> {
        let (sender, wait_for) = (
            sender(context, input.command_id)?,
            WaitFor::read(context, wait_for)?,
        );
        let loss = LossCommand::try_from(input)?;
        let id = MassAccountId::of(&loss.organisation, &loss.site, loss.year);
        let organisation = loss.organisation.clone();
        let done = context
            .data_unchecked::<Commands>()
            .record_storage_loss(&sender, loss)
            .await?;
        let recorded = Recorded::new(context, &organisation, &done, &wait_for).await;
        let account = account(context, &organisation, id, &done).await;
        Ok(RecordStorageLossPayload {
            mass_account: recorded.object(account),
            receipt: recorded.receipt,
            duplicate: recorded.duplicate,
        })
    }
}

impl TryFrom<RequestIssuanceInput> for IssuanceRequest {
    type Error = Problem;

    fn try_from(input: RequestIssuanceInput) -> Result<Self, Problem> {
        Ok(Self {
            organisation: read("organisation", &input.organisation)?,
            site: read("site", &input.site)?,
            year: input.year,
            registry: read("registry", &input.registry)?,
            tonnes: input.tonnes.0,
        })
    }
}

impl TryFrom<RecordStorageLossInput> for LossCommand {
    type Error = Problem;

    fn try_from(input: RecordStorageLossInput) -> Result<Self, Problem> {
        let evidence = input.evidence.iter().map(|text| read("evidence", text));
        Ok(Self {
            organisation: read("organisation", &input.organisation)?,
            site: read("site", &input.site)?,
            year: input.year,
            mass: read("massKg", &input.mass_kg)?,
            occurred_on: input.occurred_on.0,
            reason: read("reason", &input.reason)?,
            evidence: evidence.collect::<Result<Vec<Citation>, Problem>>()?,
        })
    }
}

/// The name of an issuance that was requested of this registry.
async fn named(context: &Context<'_>, registry: &str, id: &ID) -> Result<IssuanceName, Problem> {
    let registry: Slug = read("registry", registry)?;
    permit(context, DecideIssuance, &registry, None)?;
    let unknown = || {
        let message = format!(
            "registry {registry} has no issuance {:?}: give the id of one that is REQUESTED there",
            id.as_str()
        );
        Problem::new(Code::NotFound, message)
    };
    let issuance = visible_issuance(context, id).await?.ok_or_else(unknown)?;
    let request = issuance.stored.request.ok_or_else(unknown)?;
    if issuance.registry != registry {
        return Err(unknown());
    }
    Ok(IssuanceName {
        registry,
        organisation: request.organisation,
        site: request.site,
        year: request.year,
        issuance: request.issuance,
    })
}

/// The issuance as far as the read model knows it.
async fn shown(
    context: &Context<'_>,
    recorded: &Recorded<'_>,
    issuance: Uuid,
    registry: &Slug,
) -> Option<Issuance> {
    let models = context.data_unchecked::<ReadModels>();
    let stored = recorded.object(models.issuances_by_id(&[issuance]).await)?;
    let registry = registry.clone();
    Some(Issuance { stored, registry })
}

/// The account as far as the read model knows it, if it knows what was recorded.
async fn account(
    context: &Context<'_>,
    organisation: &Slug,
    id: MassAccountId,
    done: &Done,
) -> Result<Vec<MassAccount>, sealrock_projections::QueryError> {
    let models = context.data_unchecked::<ReadModels>();
    let Some(ledger) = models.current_ledger(&ledger_of(organisation)).await? else {
        return Ok(Vec::new());
    };
    let found = models.mass_account(ledger.id, id, None).await?;
    let (ledger, as_of) = (ledger.id, None);
    let account = found.filter(|account| account.span.from_index >= done.receipt.last);
    let account = account.map(|stored| MassAccount {
        stored,
        ledger,
        as_of,
    });
    Ok(account.into_iter().collect())
}
