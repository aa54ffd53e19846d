//! Why a mass account refuses.

use chrono::NaiveDate;
use uuid::Uuid;

use crate::refusal::{LIMIT_EXCEEDED, LOCKED, NOT_FOUND, OUT_OF_RANGE, OVERLAP, REJECTED};
use crate::{AssetId, Mass, Refusal};

/// Why a command is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MassAccountRejection {
    /// A well's day counts once.
    #[error(
        "what well {well} stored on {day} is in this account already: a day is approved once, and \
         what was lost since is recorded as a storage loss"
    )]
    DayRecorded {
        /// The well.
        well: AssetId,
        /// The day.
        day: NaiveDate,
    },
    /// Nothing was lost.
    #[error("a storage loss of 0 kg says nothing: give what was lost")]
    NoLoss,
    /// Nine billion tonnes are more than the account can hold.
    #[error("with {mass} the account would hold more than nine billion tonnes: check the unit")]
    TooLarge {
        /// The mass of the command.
        mass: Mass,
    },
    /// Credits are whole tonnes, from one on.
    #[error("credits for {tonnes} t cannot be requested: ask for 1 to 9007199254740 whole tonnes")]
    ImpossibleQuantity {
        /// What was asked for.
        tonnes: u64,
    },
    /// More was lost than is left over.
    #[error(
        "{deficit_kg} kg more are reserved or issued than this account holds since its losses: \
         nothing can be requested until as much is stored in the same year, or released"
    )]
    Deficit {
        /// What is missing, rounded up to kilograms.
        deficit_kg: u64,
    },
    /// No free range is long enough.
    #[error(
        "{tonnes} t are not free: this account holds {net} net, of which {taken_kg} kg are reserved \
         or issued, and the longest free range has {longest_kg} kg"
    )]
    NotEnough {
        /// What was asked for.
        tonnes: u64,
        /// What the account holds, losses taken off.
        net: Mass,
        /// What is reserved or finalised.
        taken_kg: u64,
        /// The longest range that could be had.
        longest_kg: u64,
    },
    /// The id of an issuance is used once.
    #[error("issuance {issuance} has a range of this account already: choose a new id")]
    IssuanceKnown {
        /// The issuance.
        issuance: Uuid,
    },
    /// No range of this account was reserved for it.
    #[error("no range of this account was reserved for issuance {issuance}")]
    UnknownIssuance {
        /// The issuance.
        issuance: Uuid,
    },
    /// It is decided.
    #[error("the range of issuance {issuance} is {state} already, for good")]
    NotReserved {
        /// The issuance.
        issuance: Uuid,
        /// What it is: `finalised` or `released`.
        state: &'static str,
    },
    /// The block has another quantity than the range.
    #[error(
        "serials {serials} are {quantity} t, but issuance {issuance} reserved {reserved_kg} kg: \
         the registry issued something else"
    )]
    QuantityDiffers {
        /// The issuance.
        issuance: Uuid,
        /// The block, printed.
        serials: String,
        /// Its tonnes.
        quantity: u64,
        /// Kilograms of the range.
        reserved_kg: u64,
    },
    /// A serial is of one credit.
    #[error(
        "serials {serials} of issuance {issuance} overlap {taken}, which issuance {other} has: no \
         serial is given twice"
    )]
    SerialsTaken {
        /// The issuance.
        issuance: Uuid,
        /// The block, printed.
        serials: String,
        /// The issuance that is in the way.
        other: Uuid,
        /// Its block, printed.
        taken: String,
    },
}

impl Refusal for MassAccountRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::DayRecorded { .. } | Self::IssuanceKnown { .. } | Self::SerialsTaken { .. } => {
                OVERLAP
            }
            Self::Deficit { .. } | Self::NotEnough { .. } => LIMIT_EXCEEDED,
            Self::NoLoss | Self::TooLarge { .. } | Self::ImpossibleQuantity { .. } => OUT_OF_RANGE,
            Self::UnknownIssuance { .. } => NOT_FOUND,
            Self::NotReserved { .. } => LOCKED,
            Self::QuantityDiffers { .. } => REJECTED,
        }
    }
}
