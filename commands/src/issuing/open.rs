//! The first step of the process: a reservation becomes a request at the registry.

use sealrock_access::Permission;
use sealrock_domain::Citation;
use sealrock_domain::issuance::OpenIssuance;
use sealrock_domain::mass_account::{MassAccountEvent, MassAccountId, RangeReserved};
use sealrock_domain::refusal::NOT_FOUND;

use super::cited::Cited;
use super::{Step, reserved};
use crate::commands::Commands;
use crate::context::{Context, Done};
use crate::error::CommandError;
use crate::ledger::{Decision, OrganisationLedger, decide_events, permit};

/// A reservation as its entry says.
struct Source {
    account: MassAccountId,
    event: RangeReserved,
    citation: Citation,
}

impl Commands {
    /// Brings a reservation to its registry: the entry `source` must be a `RangeReserved` that is
    /// neither finalised nor released. The command id in `context` is not used: one that follows from
    /// the issuance takes its place.
    ///
    /// **Crash contract.** One append. Before it, the reservation stands and this is to be done;
    /// after it, it is done, and doing it again answers the first receipt.
    ///
    /// # Errors
    /// [`CommandError::Rejected`] if the entry says something else, the range is not reserved any
    /// more, or the registry may not issue for it; [`CommandError::Refused`] with `OVERLAP` if the
    /// registry has kilograms of it in another issuance.
    pub async fn open_issuance(
        &self,
        context: &Context,
        source: &Citation,
    ) -> Result<Done, CommandError> {
        let cited: Cited<MassAccountEvent> = self.cited(source).await?;
        permit(
            context,
            Permission::RecordIssuanceStep,
            &cited.organisation,
            None,
        )?;
        let from = self.ledger(&cited.organisation).await?;
        let source = source_of(cited, source.clone())?;
        let registry = self.registry_for(&from, &source.event.registry).await?;
        let step = Step {
            step: "open",
            issuance: source.event.issuance,
        };
        registry
            .transact(&step.context(context), &step, || {
                Box::pin(open(&from, &registry, &source))
            })
            .await
    }
}

fn source_of(cited: Cited<MassAccountEvent>, citation: Citation) -> Result<Source, CommandError> {
    let account = cited.stream.strip_prefix("mass_account/");
    let account = account.and_then(|id| id.parse().ok());
    match (cited.event, account) {
        (MassAccountEvent::RangeReserved(event), Some(account)) => Ok(Source {
            account,
            event,
            citation,
        }),
        _ => Err(CommandError::Rejected(format!(
            "{citation} reserves no kilograms of a mass account"
        ))),
    }
}

async fn open(
    from: &OrganisationLedger,
    registry: &OrganisationLedger,
    source: &Source,
) -> Result<Decision, CommandError> {
    let account = from
        .mass_accounts
        .load_current(&source.account.to_string())
        .await?;
    let account = account.state();
    let event = &source.event;
    let allocation = reserved(account, event.issuance, &event.registry)?;
    let (organisation, site) = account.place().ok_or_else(|| {
        CommandError::refused(
            NOT_FOUND,
            format!("mass account {} is empty", source.account),
        )
    })?;
    let command = OpenIssuance {
        issuance: event.issuance,
        organisation: organisation.clone(),
        site: site.clone(),
        year: source.account.year,
        range: allocation.range,
        source: source.citation.clone(),
        requested_by: event.by.clone(),
    };
    let issuances = registry
        .issuances
        .load_current(&command.id().to_string())
        .await?;
    let events = decide_events(&registry.issuances, &issuances, command.into()).await?;
    Ok(Decision {
        events,
        unchanged: None,
        cause: Some(source.citation.clone()),
    })
}
