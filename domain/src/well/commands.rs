//! What can be asked of a well.
//!
//! A command's serialised form is its input, by which a repeated command id is told from a reused
//! one. What the sender adds (who, and when it came) is no part of it.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use super::{MitKind, PermitLimits, WellKind};
use crate::{Actor, AssetId, DisplayName, Reason, Slug};

/// A command to one well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum WellCommand {
    /// Make an asset a well.
    Register(RegisterWell),
    /// Propose what its permit allows.
    ProposePermitLimits(Box<ProposePermitLimits>),
    /// Put a proposal into force, as a second person.
    ApprovePermitLimits(ApprovePermitLimits),
    /// Record a mechanical integrity test.
    RecordMit(RecordMit),
    /// Begin to inject.
    StartInjection(Operate),
    /// Stop injecting, as planned.
    StopInjection(Operate),
    /// Shut in: after a trip, a failed test, an alarm.
    ShutIn(ShutIn),
    /// Say that the cause of a shut-in is dealt with.
    CloseShutIn(CloseShutIn),
    /// Plug the well for good.
    Plug(Operate),
}

/// Registers the well that an asset is. That the asset exists, and is of
/// [this kind](WellKind::asset_kind), is the sender's check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RegisterWell {
    /// The organisation.
    pub org: Slug,
    /// The site.
    pub site: Slug,
    /// The asset.
    pub slug: Slug,
    /// What the well is for.
    pub well_kind: WellKind,
}

impl RegisterWell {
    /// The well that the command is for: its asset's id.
    #[must_use]
    pub fn id(&self) -> AssetId {
        AssetId::of(&self.org, &self.site, &self.slug)
    }
}

/// Proposes permit limits. A proposal takes the place of one that is still open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProposePermitLimits {
    /// What the permit says.
    pub limits: PermitLimits,
    /// Who proposes.
    pub by: Actor,
}

/// Puts the open proposal into force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ApprovePermitLimits {
    /// Its number: what is approved is what was read, not what took its place meanwhile.
    pub proposal: u64,
    /// Who approves; not who proposed.
    pub by: Actor,
}

/// Records a mechanical integrity test (40 CFR 146.89), passed or failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecordMit {
    /// Which part of the well was tested.
    pub mit_kind: MitKind,
    /// Whether the well has integrity.
    pub passed: bool,
    /// The day of the test.
    pub tested_on: NaiveDate,
    /// The last day on which a passed test counts.
    pub valid_until: NaiveDate,
    /// The certificate's or report's number.
    pub certificate: DisplayName,
    /// Who records it.
    pub by: Actor,
    /// When the command came; the test lies before.
    #[serde(skip)]
    pub now: DateTime<Utc>,
}

/// Starts, stops or plugs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Operate {
    /// When it happened, if it is told later; else when the command came.
    pub at: Option<DateTime<Utc>>,
    /// Who did it.
    pub by: Actor,
    /// When the command came.
    #[serde(skip)]
    pub now: DateTime<Utc>,
}

/// Shuts the well in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShutIn {
    /// When it happened, if it is told later; else when the command came.
    pub at: Option<DateTime<Utc>>,
    /// Why.
    pub reason: Reason,
    /// Who did it.
    pub by: Actor,
    /// When the command came.
    #[serde(skip)]
    pub now: DateTime<Utc>,
}

/// Closes the cause of a shut-in; the well may be started again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CloseShutIn {
    /// When it was closed, if it is told later; else when the command came.
    pub at: Option<DateTime<Utc>>,
    /// What was found and done.
    pub remedy: Reason,
    /// Who says so.
    pub by: Actor,
    /// When the command came.
    #[serde(skip)]
    pub now: DateTime<Utc>,
}
