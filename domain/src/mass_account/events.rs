//! What happened to a mass account.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::credit_block::SerialBlock;
use crate::text::Reason;
use crate::{Actor, AssetId, Citation, KilogramRange, Mass, Slug, event::events};

/// A well stored this much on an approved, creditable day.
///
/// It stands in the same append as the day's approval, which has the evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetMassRecorded {
    /// The organisation.
    pub org: Slug,
    /// The storage site.
    pub site: Slug,
    /// The well.
    pub well: AssetId,
    /// The UTC day; its year is the account's.
    pub day: NaiveDate,
    /// What was stored.
    pub mass_kg: Mass,
}

/// CO2 left the store again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StorageLossRecorded {
    /// The organisation.
    pub org: Slug,
    /// The storage site.
    pub site: Slug,
    /// The year whose account bears it.
    pub year: i32,
    /// What was lost.
    pub mass_kg: Mass,
    /// The UTC day on which it was lost, or on which that was found.
    pub occurred_on: NaiveDate,
    /// How it was lost and how that is known.
    pub reason: Reason,
    /// The entries that it rests on. Absent where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Citation>,
    /// Who recorded it.
    pub by: Actor,
}

/// Kilograms are set aside for an issuance: no other one can have them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RangeReserved {
    /// The issuance; whoever knows this id can follow it through both ledgers.
    pub issuance: Uuid,
    /// The registry that is to issue credits.
    pub registry: Slug,
    /// The first kilogram.
    pub from_kg: u64,
    /// The first kilogram behind it.
    pub to_kg: u64,
    /// Who requested it.
    pub by: Actor,
}

impl RangeReserved {
    /// The range; `None` if the event says what no account writes.
    #[must_use]
    pub const fn range(&self) -> Option<KilogramRange> {
        KilogramRange::new(self.from_kg, self.to_kg)
    }
}

/// Credits were issued for a reserved range: it is used up for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RangeFinalised {
    /// The issuance.
    pub issuance: Uuid,
    /// The serials that the registry gave.
    pub serials: SerialBlock,
}

/// A reserved range is free again: the registry issued nothing for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RangeReleased {
    /// The issuance.
    pub issuance: Uuid,
    /// What the registry said.
    pub reason: Reason,
}

events! {
    /// An event of a mass account's stream.
    enum MassAccountEvent {
        /// See [`NetMassRecorded`].
        NetMassRecorded = 1,
        /// See [`StorageLossRecorded`].
        StorageLossRecorded = 1,
        /// See [`RangeReserved`].
        RangeReserved = 1,
        /// See [`RangeFinalised`].
        RangeFinalised = 1,
        /// See [`RangeReleased`].
        RangeReleased = 1,
    }
}
