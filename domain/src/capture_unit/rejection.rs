//! Why a capture unit refuses.

use super::{CaptureTechnology, CaptureUnitStatus};
use crate::refusal::{NOT_FOUND, NOT_IN_FORCE, OUT_OF_RANGE, REJECTED};
use crate::{Refusal, Slug};

/// Why a command is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaptureUnitRejection {
    /// The asset is one already.
    #[error("\"{slug}\" of site \"{site}\" is a capture unit ({technology}) already: use it")]
    AlreadyRegistered {
        /// Its site.
        site: Slug,
        /// The unit.
        slug: Slug,
        /// As it was registered.
        technology: CaptureTechnology,
    },
    /// Nothing is registered here.
    #[error("this asset is no capture unit: register it as one first")]
    NotRegistered,
    /// A unit that can capture nothing is none.
    #[error("a capacity of 0 kg a day lets nothing be recorded: give the capacity, or none")]
    NoCapacity,
    /// Nothing changes.
    #[error("capture unit \"{slug}\" is {status} already")]
    SameStatus {
        /// The unit.
        slug: Slug,
        /// What it is.
        status: CaptureUnitStatus,
    },
    /// For good.
    #[error(
        "capture unit \"{slug}\" is decommissioned and captures nothing more: what it captured before \
         can still be corrected and approved; for a new unit register a new asset"
    )]
    Decommissioned {
        /// The unit.
        slug: Slug,
    },
}

impl Refusal for CaptureUnitRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::AlreadyRegistered { .. } | Self::SameStatus { .. } => REJECTED,
            Self::NotRegistered => NOT_FOUND,
            Self::NoCapacity => OUT_OF_RANGE,
            Self::Decommissioned { .. } => NOT_IN_FORCE,
        }
    }
}
