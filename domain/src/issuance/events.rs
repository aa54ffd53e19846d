//! What happened to a mass account's issuances in a registry.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::OpenIssuance;
use crate::credit_block::SerialBlock;
use crate::text::Reason;
use crate::{Actor, Citation, KilogramRange, Slug, event::events};

/// Credits are requested for kilograms that were set aside in the ledger of their storage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuanceRequested {
    /// The issuance.
    pub issuance: Uuid,
    /// The organisation that stored the CO2 and asks for credits.
    pub organisation: Slug,
    /// The storage site.
    pub site: Slug,
    /// The calendar year of the account.
    pub year: i32,
    /// The first kilogram of the account.
    pub from_kg: u64,
    /// The first kilogram behind them.
    pub to_kg: u64,
    /// The entry that set them aside.
    pub source: Citation,
    /// Who asked.
    pub requested_by: Actor,
}

impl IssuanceRequested {
    /// The range; `None` if the event says what no registry writes.
    #[must_use]
    pub const fn range(&self) -> Option<KilogramRange> {
        KilogramRange::new(self.from_kg, self.to_kg)
    }
}

impl From<OpenIssuance> for IssuanceRequested {
    fn from(command: OpenIssuance) -> Self {
        Self {
            issuance: command.issuance,
            organisation: command.organisation,
            site: command.site,
            year: command.year,
            from_kg: command.range.from_kg(),
            to_kg: command.range.to_kg(),
            source: command.source,
            requested_by: command.requested_by,
        }
    }
}

/// The registry issues credits; they exist by `CreditsIssued`, in the same append.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuanceApproved {
    /// The issuance.
    pub issuance: Uuid,
    /// The credits.
    pub serials: SerialBlock,
    /// Who decided.
    pub by: Actor,
    /// The organisation that this person acted for.
    pub organisation: Slug,
}

/// The registry issues nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuanceRefused {
    /// The issuance.
    pub issuance: Uuid,
    /// Why.
    pub reason: Reason,
    /// Who decided.
    pub by: Actor,
    /// The organisation that this person acted for.
    pub organisation: Slug,
}

events! {
    /// An event of a stream of issuances.
    enum IssuanceEvent {
        /// See [`IssuanceRequested`].
        IssuanceRequested = 1,
        /// See [`IssuanceApproved`].
        IssuanceApproved = 1,
        /// See [`IssuanceRefused`].
        IssuanceRefused = 1,
    }
}
