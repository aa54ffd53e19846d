//! Credits: whole tonnes of CO2 that a registry vouches for, in blocks of serials.

mod commands;
mod events;
mod foreign;
mod partition;
mod serials;
#[cfg(test)]
mod tests;

use cqrs_es::{Aggregate, event_sink::EventSink};
use serde::{Deserialize, Serialize};

pub use commands::{CreditBlockCommand, IssueCredits};
pub use events::{CreditBlockEvent, CreditsIssued};
pub use foreign::{Convention, ForeignBlock, ForeignBlockError};
pub use partition::PartitionError;
pub(crate) use partition::partition;
pub use serials::{SerialBlock, SerialBlockError, SerialSeries};

use crate::refusal::OVERLAP;
use crate::{KG_PER_TONNE, Refusal};

/// The block of one stream; empty before its credits are issued.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreditBlock {
    issued: Option<CreditsIssued>,
}

/// Why a command is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CreditBlockRejection {
    /// Serials are given once.
    #[error(
        "credits {serials} were issued already, by issuance {issuance}: serials are given once"
    )]
    AlreadyIssued {
        /// The block, printed.
        serials: String,
        /// The issuance that it came from.
        issuance: uuid::Uuid,
    },
    /// One credit is one tonne.
    #[error("{quantity} credits do not fit {kilograms} kg: one credit is {KG_PER_TONNE} kg")]
    QuantityDiffers {
        /// Credits of the block.
        quantity: u64,
        /// Kilograms that they are to rest on.
        kilograms: u64,
    },
}

impl Refusal for CreditBlockRejection {
    fn code(&self) -> &'static str {
        OVERLAP
    }
}

impl CreditBlock {
    /// What was issued, once it was.
    #[must_use]
    pub const fn issued(&self) -> Option<&CreditsIssued> {
        self.issued.as_ref()
    }

    fn decide(
        &self,
        command: CreditBlockCommand,
    ) -> Result<CreditBlockEvent, CreditBlockRejection> {
        let CreditBlockCommand::Issue(command) = command;
        if let Some(issued) = &self.issued {
            return Err(CreditBlockRejection::AlreadyIssued {
                serials: command.serials.to_string(),
                issuance: issued.issuance,
            });
        }
        let (quantity, kilograms) = (command.serials.quantity(), command.range.kilograms());
        if quantity.checked_mul(KG_PER_TONNE) != Some(kilograms) {
            return Err(CreditBlockRejection::QuantityDiffers {
                quantity,
                kilograms,
            });
        }
        Ok(CreditsIssued::from(command).into())
    }
}

impl Aggregate for CreditBlock {
    const TYPE: &'static str = "credit_block";
    type Command = CreditBlockCommand;
    type Event = CreditBlockEvent;
    type Error = CreditBlockRejection;
    type Services = ();

    async fn handle(
        &mut self,
        command: Self::Command,
        (): &Self::Services,
        sink: &EventSink<Self>,
    ) -> Result<(), Self::Error> {
        let event = self.decide(command)?;
        sink.write(event, self).await;
        Ok(())
    }

    fn apply(&mut self, event: Self::Event) {
        let CreditBlockEvent::CreditsIssued(event) = event;
        self.issued = Some(event);
    }
}
