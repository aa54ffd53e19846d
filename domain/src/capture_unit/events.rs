//! What happened to a capture unit.

use serde::{Deserialize, Serialize};

use super::{CaptureTechnology, CaptureUnitStatus, RegisterCaptureUnit};
use crate::{Mass, Reason, Slug, event::events};

/// An asset is a capture unit, on standby. Fields as in [`RegisterCaptureUnit`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaptureUnitRegistered {
    /// The organisation.
    pub org: Slug,
    /// The site.
    pub site: Slug,
    /// The asset's name at the site.
    pub slug: Slug,
    /// How it captures.
    pub technology: CaptureTechnology,
    /// The most that it can capture in a UTC day. Absent where nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity_kg_per_day: Option<Mass>,
}

impl From<RegisterCaptureUnit> for CaptureUnitRegistered {
    fn from(command: RegisterCaptureUnit) -> Self {
        Self {
            org: command.org,
            site: command.site,
            slug: command.slug,
            technology: command.technology,
            capacity_kg_per_day: command.capacity_kg_per_day,
        }
    }
}

/// The unit runs or runs no longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaptureUnitStatusChanged {
    /// From now on.
    pub status: CaptureUnitStatus,
    /// Why. Absent where nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

events! {
    /// An event of a capture unit's stream.
    enum CaptureUnitEvent {
        /// See [`CaptureUnitRegistered`].
        CaptureUnitRegistered = 1,
        /// See [`CaptureUnitStatusChanged`].
        CaptureUnitStatusChanged = 1,
    }
}
