//! What a person of the registry decides: credits, or none.

use std::sync::Arc;

use sealrock_access::Permission;
use sealrock_domain::credit_block::{IssueCredits, SerialBlock};
use sealrock_domain::issuance::{
    ApproveIssuance, Issuance, IssuanceEvent, IssuanceRequested, IssuancesId, RefuseIssuance,
};
use sealrock_domain::mass_account::{MassAccount, MassAccountId};
use sealrock_domain::refusal::{LIMIT_EXCEEDED, SELF_APPROVAL};
use sealrock_domain::{Actor, Citation, CreditBlockId, EventType, KilogramRange, Reason, Slug};
use sealrock_eventstore::{Loaded, NewEvent};
use serde::Serialize;
use uuid::Uuid;

use super::{cited, reserved};
use crate::commands::Commands;
use crate::context::{Context, Done};
use crate::error::CommandError;
use crate::ledger::{Decision, OrganisationLedger, decide_events, permit};

/// An issuance in a registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IssuanceName {
    /// The registry.
    pub registry: Slug,
    /// The organisation that stored the CO2.
    pub organisation: Slug,
    /// The storage site.
    pub site: Slug,
    /// The calendar year in which it was stored.
    pub year: i32,
    /// The issuance.
    pub issuance: Uuid,
}

impl IssuanceName {
    fn stream_id(&self) -> IssuancesId {
        IssuancesId::of(&self.organisation, &self.site, self.year)
    }
}

/// Credits exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedCredits {
    /// Their block.
    pub block: CreditBlockId,
    /// Their serials.
    pub serials: SerialBlock,
    /// Where they stand.
    pub done: Done,
}

/// Who decides, for which organisation.
struct Decider {
    by: Actor,
    organisation: Slug,
}

impl Commands {
    /// Issues the credits of an issuance: `IssuanceApproved` and `CreditsIssued`, in one append.
    ///
    /// The kilograms must still be set aside in the ledger of their storage, and that account must
    /// hold as much as is taken of it: what was lost since the request is not issued.
    ///
    /// # Errors
    /// [`CommandError::Refused`] with `SELF_APPROVAL` for who requested it or acts for the same
    /// organisation or none, with `LOCKED` if it is decided, with `LIMIT_EXCEEDED` if the account has
    /// a deficit; [`CommandError::NotFound`] if the registry knows no such issuance.
    pub async fn approve_issuance(
        &self,
        context: &Context,
        name: &IssuanceName,
    ) -> Result<IssuedCredits, CommandError> {
        let (registry, decider) = self.decider(context, name).await?;
        let done = registry
            .transact(context, &("approve_issuance", name), || {
                Box::pin(self.approve(&registry, name, &decider))
            })
            .await?;
        let (citation, first) = (registry.citation(done.receipt.first)?, done.receipt.first);
        let approved = self.read(&registry.info, &[first]).await?.pop();
        let event = approved.map(|recorded| cited::event(&recorded, &citation));
        let Some(IssuanceEvent::IssuanceApproved(event)) = event.transpose()? else {
            return Err(CommandError::Fatal(format!(
                "{citation} is no approval: run `sealrock fsck`"
            )));
        };
        Ok(IssuedCredits {
            block: CreditBlockId::of(&event.serials),
            serials: event.serials,
            done,
        })
    }

    /// Refuses the credits of an issuance; its kilograms become free again.
    ///
    /// # Errors
    /// As [`Commands::approve_issuance`].
    pub async fn refuse_issuance(
        &self,
        context: &Context,
        name: &IssuanceName,
        reason: &Reason,
    ) -> Result<Done, CommandError> {
        let (registry, decider) = self.decider(context, name).await?;
        registry
            .transact(context, &("refuse_issuance", name, reason), || {
                Box::pin(refuse(&registry, name, reason, &decider))
            })
            .await
    }

    async fn decider(
        &self,
        context: &Context,
        name: &IssuanceName,
    ) -> Result<(Arc<OrganisationLedger>, Decider), CommandError> {
        permit(context, Permission::DecideIssuance, &name.registry, None)?;
        let actor = context.principal.actor();
        let organisation = context.principal.organisation().cloned().ok_or_else(|| {
            let message = format!(
                "{actor} acts for no organisation: issuances are decided by people of the registry"
            );
            CommandError::refused(SELF_APPROVAL, message)
        })?;
        let by = actor
            .parse()
            .map_err(|error| CommandError::Fatal(format!("{error}")))?;
        let registry = self.ledger(&name.registry).await?;
        Ok((registry, Decider { by, organisation }))
    }

    async fn approve(
        &self,
        registry: &OrganisationLedger,
        name: &IssuanceName,
        decider: &Decider,
    ) -> Result<Decision, CommandError> {
        let id = name.stream_id().to_string();
        let issuances = registry.issuances.load_current(&id).await?;
        let source = self.ledger(&name.organisation).await?;
        let id = MassAccountId::of(&name.organisation, &name.site, name.year);
        let account = source.mass_accounts.load_current(&id.to_string()).await?;
        let account = account.state();
        let command = ApproveIssuance {
            issuance: name.issuance,
            registry: name.registry.clone(),
            after_serial: account.ranges().last_serial(&name.registry),
            by: decider.by.clone(),
            organisation: decider.organisation.clone(),
        };
        let mut events = decide_events(&registry.issuances, &issuances, command.into()).await?;
        let requested = requested(&issuances, name)?;
        let range = require_kilograms(account, &name.registry, requested)?;
        let command = IssueCredits {
            issuance: name.issuance,
            serials: serials(&events)?,
            range,
            holder: requested.organisation.clone(),
        };
        let block = registry
            .credit_blocks
            .load_current(&command.id().to_string())
            .await?;
        events.extend(decide_events(&registry.credit_blocks, &block, command.into()).await?);
        Ok(Decision {
            events,
            unchanged: None,
            cause: Some(registry.request_entry(name).await?),
        })
    }
}

/// That the ledger of the storage still sets these kilograms aside, and holds them.
fn require_kilograms(
    account: &MassAccount,
    registry: &Slug,
    requested: &IssuanceRequested,
) -> Result<KilogramRange, CommandError> {
    let allocation = reserved(account, requested.issuance, registry)?;
    if requested.range() != Some(allocation.range) {
        return Err(CommandError::Rejected(format!(
            "issuance {} names other kilograms than are set aside for it, {}",
            requested.issuance, allocation.range
        )));
    }
    let deficit = account.deficit_kg();
    if deficit > 0 {
        let message = format!(
            "{deficit} kg more are reserved or issued than the account of {} in {} holds since \
             its losses: refuse the issuance, or wait until as much is stored in that year",
            requested.site, requested.year
        );
        return Err(CommandError::refused(LIMIT_EXCEEDED, message));
    }
    Ok(allocation.range)
}

async fn refuse(
    registry: &OrganisationLedger,
    name: &IssuanceName,
    reason: &Reason,
    decider: &Decider,
) -> Result<Decision, CommandError> {
    let id = name.stream_id().to_string();
    let issuances = registry.issuances.load_current(&id).await?;
    let command = RefuseIssuance {
        issuance: name.issuance,
        reason: reason.clone(),
        by: decider.by.clone(),
        organisation: decider.organisation.clone(),
    };
    let events = decide_events(&registry.issuances, &issuances, command.into()).await?;
    Ok(Decision {
        events,
        unchanged: None,
        cause: Some(registry.request_entry(name).await?),
    })
}

fn requested<'a>(
    issuances: &'a Loaded<Issuance>,
    name: &IssuanceName,
) -> Result<&'a IssuanceRequested, CommandError> {
    let request = issuances.state().get(name.issuance);
    request.map(|request| &request.requested).ok_or_else(|| {
        CommandError::NotFound(format!("issuance {} was not requested", name.issuance))
    })
}

/// The serials that an approval gives.
fn serials(events: &[NewEvent]) -> Result<SerialBlock, CommandError> {
    let decoded = events
        .iter()
        .map(|event| IssuanceEvent::decode(&event.kind, event.schema, &event.bytes));
    for event in decoded {
        if let Ok(IssuanceEvent::IssuanceApproved(event)) = event {
            return Ok(event.serials);
        }
    }
    Err(CommandError::Fatal(
        "an approval without serials".to_owned(),
    ))
}

impl OrganisationLedger {
    /// The entry that requested an issuance.
    async fn request_entry(&self, name: &IssuanceName) -> Result<Citation, CommandError> {
        let stream = name.stream_id().stream();
        let entries = self.store.read_stream(self.info.id, &stream, 0).await?;
        for recorded in entries {
            let citation = self.citation(recorded.entry.index)?;
            if let Ok(IssuanceEvent::IssuanceRequested(event)) = cited::event(&recorded, &citation)
                && event.issuance == name.issuance
            {
                return Ok(citation);
            }
        }
        Err(CommandError::NotFound(format!(
            "issuance {} was not requested",
            name.issuance
        )))
    }
}
