//! What can be asked of a capture unit.

use serde::Serialize;

use super::{CaptureTechnology, CaptureUnitStatus};
use crate::{AssetId, Mass, Reason, Slug};

/// A command to one capture unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum CaptureUnitCommand {
    /// Make an asset a capture unit.
    Register(RegisterCaptureUnit),
    /// Say whether it runs.
    SetStatus(SetCaptureUnitStatus),
}

/// Makes an asset a capture unit. That the asset exists and is of that kind is the caller's check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RegisterCaptureUnit {
    /// The organisation.
    pub org: Slug,
    /// The site.
    pub site: Slug,
    /// The asset's name at the site, and the unit's.
    pub slug: Slug,
    /// How it captures.
    pub technology: CaptureTechnology,
    /// The most that it can capture in a UTC day; nothing above it can be recorded.
    pub capacity_kg_per_day: Option<Mass>,
}

impl RegisterCaptureUnit {
    /// The unit that the command is for: the asset's id.
    #[must_use]
    pub fn id(&self) -> AssetId {
        AssetId::of(&self.org, &self.site, &self.slug)
    }
}

/// Says whether the unit runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SetCaptureUnitStatus {
    /// From now on.
    pub status: CaptureUnitStatus,
    /// Why.
    pub reason: Option<Reason>,
}

impl From<RegisterCaptureUnit> for CaptureUnitCommand {
    fn from(command: RegisterCaptureUnit) -> Self {
        Self::Register(command)
    }
}

impl From<SetCaptureUnitStatus> for CaptureUnitCommand {
    fn from(command: SetCaptureUnitStatus) -> Self {
        Self::SetStatus(command)
    }
}
