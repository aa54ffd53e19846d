//! Why a registry refuses.

use uuid::Uuid;

use crate::refusal::{LOCKED, NOT_FOUND, OUT_OF_RANGE, OVERLAP, SELF_APPROVAL};
use crate::{Actor, KilogramRange, Refusal, Slug};

/// Why a command is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssuanceRejection {
    /// The id is used once.
    #[error("issuance {issuance} is {state} here already")]
    Known {
        /// The issuance.
        issuance: Uuid,
        /// What it is.
        state: &'static str,
    },
    /// One credit is one tonne.
    #[error("{range} are no whole tonnes: credits are issued for whole tonnes")]
    NotWholeTonnes {
        /// The range asked for.
        range: KilogramRange,
    },
    /// A kilogram would be in two issuances.
    #[error(
        "{range} overlap {taken} of issuance {other}, which is requested or issued: no kilogram is \
         issued twice"
    )]
    Overlap {
        /// The range asked for.
        range: KilogramRange,
        /// The issuance that is in the way.
        other: Uuid,
        /// Its range.
        taken: KilogramRange,
    },
    /// Nobody requested it here.
    #[error("issuance {issuance} was not requested here: request it first, from its storage site")]
    Unknown {
        /// The issuance.
        issuance: Uuid,
    },
    /// A decision is final.
    #[error("issuance {issuance} is {state}: what is decided stays so")]
    Decided {
        /// The issuance.
        issuance: Uuid,
        /// What it is.
        state: &'static str,
    },
    /// Who requested it does not decide.
    #[error("{by} requested this issuance and may not decide it: a second person does")]
    OwnRequest {
        /// Who wants to decide.
        by: Actor,
    },
    /// The organisation that requested it does not decide.
    #[error(
        "organisation {organisation} requested this issuance and may not decide it: a person of \
         the registry's organisation does"
    )]
    SameOrganisation {
        /// The organisation of who wants to decide.
        organisation: Slug,
    },
    /// Serials are counted up to 2^53 − 1.
    #[error("serial {last} is the last one that was given, and the next block passes 2^53 − 1")]
    SerialsExhausted {
        /// The last serial that was given.
        last: u64,
    },
}

impl Refusal for IssuanceRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::Known { .. } | Self::Overlap { .. } => OVERLAP,
            Self::NotWholeTonnes { .. } | Self::SerialsExhausted { .. } => OUT_OF_RANGE,
            Self::Unknown { .. } => NOT_FOUND,
            Self::Decided { .. } => LOCKED,
            Self::OwnRequest { .. } | Self::SameOrganisation { .. } => SELF_APPROVAL,
        }
    }
}
