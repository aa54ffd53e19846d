//! Credits for stored CO2: from a reservation in the ledger of its storage to credits in the ledger
//! of a registry, and back.
//!
//! ```text
//!  operational ledger              registry ledger
//!  RangeReserved  ───────open────▶ IssuanceRequested
//!                                     │ a person of the registry
//!                                     ├─ approves ─▶ IssuanceApproved + CreditsIssued (one append)
//!                                     └─ refuses ──▶ IssuanceRefused
//!  RangeFinalised ◀─────finish──────  │
//!  RangeReleased  ◀───────────────────┘
//! ```
//!
//! Each arrow between ledgers is a command of its own, and may be sent by anybody, at any time, as
//! often as they like: its id follows from the issuance, so it is recorded once. What it rests on is
//! read from the other ledger, at the entry that is cited, and cited again as `cause`.

mod cited;
mod decide;
mod finish;
mod loss;
mod open;
mod request;

use sealrock_domain::Slug;
use sealrock_domain::mass_account::{Allocation, AllocationState, MassAccount};
use sealrock_eventstore::LedgerKind;
use serde::Serialize;
use uuid::Uuid;

pub use decide::{IssuanceName, IssuedCredits};
pub use loss::StorageLoss;
pub use request::{IssuanceRequest, RequestedIssuance};

use crate::commands::Commands;
use crate::context::Context;
use crate::error::CommandError;
use crate::ledger::OrganisationLedger;

/// The input of a step of the process: the step's command id follows from it, and nothing else
/// counts, so a step is the same whoever takes it.
#[derive(Serialize)]
struct Step {
    step: &'static str,
    issuance: Uuid,
}

impl Step {
    /// The context of whoever takes the step, with the step's command id in place of theirs.
    fn context(&self, context: &Context) -> Context {
        let name = format!("sealrock:issuance/{}/{}", self.step, self.issuance);
        Context {
            command: Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()),
            ..context.clone()
        }
    }
}

impl Commands {
    /// The ledger of a registry that may issue credits for what `source` stored: simulated evidence
    /// becomes credits in a demonstration's registry and in no other.
    async fn registry_for(
        &self,
        source: &OrganisationLedger,
        registry: &Slug,
    ) -> Result<std::sync::Arc<OrganisationLedger>, CommandError> {
        let found = self.ledger(registry).await?;
        if found.info.kind != LedgerKind::Registry {
            return Err(CommandError::Rejected(format!(
                "{registry} is no registry: name one that issues credits"
            )));
        }
        if found.info.demo != source.info.demo {
            let (of_source, of_registry) = (made_for(source), made_for(&found));
            return Err(CommandError::Rejected(format!(
                "{} is {of_source} and registry {registry} {of_registry}: a registry issues credits \
                 only for its like, so that nothing simulated becomes a credit",
                source.info.name
            )));
        }
        Ok(found)
    }
}

fn made_for(ledger: &OrganisationLedger) -> &'static str {
    if ledger.info.demo {
        "a demonstration"
    } else {
        "real"
    }
}

/// The range that an account has set aside for an issuance at this registry, and not decided of.
fn reserved<'a>(
    account: &'a MassAccount,
    issuance: Uuid,
    registry: &Slug,
) -> Result<&'a Allocation, CommandError> {
    let allocation = account
        .ranges()
        .get(issuance)
        .filter(|allocation| allocation.registry == *registry);
    match allocation {
        Some(found) if found.state == AllocationState::Reserved => Ok(found),
        _ => Err(CommandError::Rejected(format!(
            "no kilograms are set aside for issuance {issuance} at registry {registry} in the ledger \
             of their storage: it cannot go on"
        ))),
    }
}
