//! What happened to a block of credits.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{IssueCredits, SerialBlock, SerialBlockError, SerialSeries};
use crate::{Slug, event::events};

/// Credits exist: one for each tonne of the range, by serials that no others have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreditsIssued {
    /// The issuance.
    pub issuance: Uuid,
    /// The registry that issued them.
    pub registry: Slug,
    /// The organisation that stored the CO2.
    pub organisation: Slug,
    /// The storage site, their project.
    pub site: Slug,
    /// The calendar year in which the CO2 was stored.
    pub vintage: i32,
    /// The first serial.
    pub first_serial: u64,
    /// The last serial, in it too: last − first + 1 tonnes.
    pub last_serial: u64,
    /// The first kilogram of the mass account that they rest on.
    pub from_kg: u64,
    /// The first kilogram behind them.
    pub to_kg: u64,
    /// The organisation that has them.
    pub holder: Slug,
}

impl CreditsIssued {
    /// The block.
    ///
    /// # Errors
    /// If the event says what no registry writes.
    pub fn serials(&self) -> Result<SerialBlock, SerialBlockError> {
        let series = SerialSeries {
            registry: self.registry.clone(),
            organisation: self.organisation.clone(),
            site: self.site.clone(),
            vintage: self.vintage,
        };
        SerialBlock::new(series, self.first_serial, self.last_serial)
    }
}

impl From<IssueCredits> for CreditsIssued {
    fn from(command: IssueCredits) -> Self {
        let series = command.serials.series().clone();
        Self {
            issuance: command.issuance,
            registry: series.registry,
            organisation: series.organisation,
            site: series.site,
            vintage: series.vintage,
            first_serial: command.serials.first(),
            last_serial: command.serials.last(),
            from_kg: command.range.from_kg(),
            to_kg: command.range.to_kg(),
            holder: command.holder,
        }
    }
}

events! {
    /// An event of a block's stream.
    enum CreditBlockEvent {
        /// See [`CreditsIssued`].
        CreditsIssued = 1,
    }
}
