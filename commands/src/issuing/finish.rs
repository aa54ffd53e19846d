//! The last step of the process: what the registry decided ends the reservation.

use sealrock_access::Permission;
use sealrock_domain::credit_block::CreditBlockEvent;
use sealrock_domain::issuance::{IssuanceEvent, IssuancesId};
use sealrock_domain::mass_account::{
    FinaliseRange, MassAccountCommand, MassAccountId, ReleaseRange,
};
use sealrock_domain::{Citation, CreditBlockId, EventDecodeError, EventType, Slug};
use uuid::Uuid;

use super::cited::Cited;
use super::{Step, reserved};
use crate::commands::Commands;
use crate::context::{Context, Done};
use crate::error::CommandError;
use crate::ledger::{Decision, OrganisationLedger, decide_events, permit};

/// What a registry decided, as its entry says.
struct Decided {
    registry: Slug,
    organisation: Slug,
    account: MassAccountId,
    issuance: Uuid,
    command: MassAccountCommand,
    citation: Citation,
}

/// An entry that ends an issuance.
enum Outcome {
    Issued(CreditBlockEvent),
    Issuance(IssuanceEvent),
}

impl EventType for Outcome {
    const KNOWN: &'static [(&'static str, u32)] = &[("CreditsIssued", 1), ("IssuanceRefused", 1)];

    fn encode(&self) -> sealrock_domain::Encoded {
        match self {
            Self::Issued(event) => event.encode(),
            Self::Issuance(event) => event.encode(),
        }
    }

    fn decode(kind: &str, schema: u32, bytes: &[u8]) -> Result<Self, EventDecodeError> {
        if CreditBlockEvent::has_kind(kind) {
            return CreditBlockEvent::decode(kind, schema, bytes).map(Self::Issued);
        }
        IssuanceEvent::decode(kind, schema, bytes).map(Self::Issuance)
    }
}

impl Commands {
    /// Ends a reservation as the registry decided: the entry `decided` must be the `CreditsIssued` or
    /// the `IssuanceRefused` of an issuance, in the ledger of the registry that the range is reserved
    /// for. The command id in `context` is not used: one that follows from the issuance takes its
    /// place.
    ///
    /// **Crash contract.** One append. Before it, the range is reserved and this is to be done; after
    /// it, it is done, and doing it again answers the first receipt.
    ///
    /// # Errors
    /// [`CommandError::Rejected`] if the entry says something else, or the range is not reserved for
    /// this registry.
    pub async fn finish_issuance(
        &self,
        context: &Context,
        decided: &Citation,
    ) -> Result<Done, CommandError> {
        let cited: Cited<Outcome> = self.cited(decided).await?;
        permit(
            context,
            Permission::RecordIssuanceStep,
            &cited.organisation,
            None,
        )?;
        let decided = decided_of(cited, decided.clone())?;
        let source = self.ledger(&decided.organisation).await?;
        let step = Step {
            step: "finish",
            issuance: decided.issuance,
        };
        source
            .transact(&step.context(context), &step, || {
                Box::pin(finish(&source, &decided))
            })
            .await
    }
}

fn decided_of(cited: Cited<Outcome>, citation: Citation) -> Result<Decided, CommandError> {
    let Cited {
        organisation: registry,
        stream,
        event,
    } = cited;
    let found = match event {
        Outcome::Issued(CreditBlockEvent::CreditsIssued(event)) => {
            let serials = event
                .serials()
                .ok()
                .filter(|serials| stream == CreditBlockId::of(serials).stream());
            let account = MassAccountId::of(&event.organisation, &event.site, event.vintage);
            let issuance = event.issuance;
            serials.map(|serials| {
                let command = FinaliseRange { issuance, serials }.into();
                (event.organisation, account, issuance, command)
            })
        }
        Outcome::Issuance(IssuanceEvent::IssuanceRefused(event)) => {
            let id = stream.strip_prefix("issuance/");
            let id: Option<IssuancesId> = id.and_then(|id| id.parse().ok());
            let (issuance, reason) = (event.issuance, event.reason);
            id.map(|id| {
                let command = ReleaseRange { issuance, reason }.into();
                (id.organisation, id.account, issuance, command)
            })
        }
        Outcome::Issuance(_) => None,
    };
    let (organisation, account, issuance, command) = found.ok_or_else(|| {
        CommandError::Rejected(format!(
            "{citation} neither issues credits nor refuses them"
        ))
    })?;
    Ok(Decided {
        registry,
        organisation,
        account,
        issuance,
        command,
        citation,
    })
}

async fn finish(source: &OrganisationLedger, decided: &Decided) -> Result<Decision, CommandError> {
    let id = decided.account.to_string();
    let account = source.mass_accounts.load_current(&id).await?;
    reserved(account.state(), decided.issuance, &decided.registry)?;
    let command = decided.command.clone();
    let events = decide_events(&source.mass_accounts, &account, command).await?;
    Ok(Decision {
        events,
        unchanged: None,
        cause: Some(decided.citation.clone()),
    })
}
