//! What can be asked of a mass account.

use chrono::{Datelike, NaiveDate};
use serde::Serialize;
use uuid::Uuid;

use super::MassAccountId;
use crate::credit_block::SerialBlock;
use crate::text::Reason;
use crate::{Actor, AssetId, Citation, Mass, Slug};

/// A command to one mass account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum MassAccountCommand {
    /// Add what a well stored on an approved day.
    RecordNetMass(RecordNetMass),
    /// Take off what was lost again.
    RecordStorageLoss(RecordStorageLoss),
    /// Set kilograms aside for an issuance.
    Reserve(ReserveRange),
    /// Credits were issued for a reserved range.
    Finalise(FinaliseRange),
    /// No credits will be issued for a reserved range.
    Release(ReleaseRange),
}

/// Adds the mass that a well stored on a day which was approved and is creditable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecordNetMass {
    /// The organisation.
    pub org: Slug,
    /// The storage site.
    pub site: Slug,
    /// The well.
    pub well: AssetId,
    /// The UTC day.
    pub day: NaiveDate,
    /// What was stored.
    pub mass_kg: Mass,
}

impl RecordNetMass {
    /// The account that the command is for: that of the day's year.
    #[must_use]
    pub fn id(&self) -> MassAccountId {
        MassAccountId::of(&self.org, &self.site, self.day.year())
    }
}

/// Takes off CO2 that left the store again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecordStorageLoss {
    /// The organisation.
    pub org: Slug,
    /// The storage site.
    pub site: Slug,
    /// The year whose account bears it.
    pub year: i32,
    /// What was lost; the upper bound where it is an estimate (MRR 2018/2066, Annex IV §23.B).
    pub mass_kg: Mass,
    /// The UTC day on which it was lost, or on which that was found.
    pub occurred_on: NaiveDate,
    /// How it was lost and how that is known.
    pub reason: Reason,
    /// The entries that it rests on; may be empty.
    pub evidence: Vec<Citation>,
    /// Who records it.
    pub by: Actor,
}

impl RecordStorageLoss {
    /// The account that the command is for.
    #[must_use]
    pub fn id(&self) -> MassAccountId {
        MassAccountId::of(&self.org, &self.site, self.year)
    }
}

/// Sets whole tonnes aside, in the first free range that holds them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReserveRange {
    /// The issuance that they are for.
    pub issuance: Uuid,
    /// The registry that is to issue credits.
    pub registry: Slug,
    /// How much, in tonnes.
    pub tonnes: u64,
    /// Who requests it.
    pub by: Actor,
}

/// Ends a reservation: these credits were issued for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FinaliseRange {
    /// The issuance.
    pub issuance: Uuid,
    /// The serials.
    pub serials: SerialBlock,
}

/// Ends a reservation without credits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReleaseRange {
    /// The issuance.
    pub issuance: Uuid,
    /// What the registry said.
    pub reason: Reason,
}

macro_rules! into_command {
    ($($variant:ident($command:ident),)+) => {
        $(impl From<$command> for MassAccountCommand {
            fn from(command: $command) -> Self {
                Self::$variant(command)
            }
        })+
    };
}

into_command! {
    RecordNetMass(RecordNetMass),
    RecordStorageLoss(RecordStorageLoss),
    Reserve(ReserveRange),
    Finalise(FinaliseRange),
    Release(ReleaseRange),
}
