//! Wells, their injection days and what they took in all, now and as of any entry.
//!
//! Each well and each day is kept in versions, so that what the model said behind an entry can be
//! asked for ever. Rows belong to one ledger: one that continues another has its own, since what was
//! recorded is carried over.

mod days;
mod fold;
mod queries;
mod rows;
mod share;
mod totals;

use chrono::{DateTime, NaiveDate, Utc};
use sealrock_domain::injection_day::InjectionDay;
use sealrock_domain::well::{Well, WellKind};
use sealrock_domain::{AssetId, Mass, Reason, Slug};
use sealrock_eventstore::LedgerId;
use sealrock_ledger::Index;

pub use days::{DayCursor, DayFilter};
pub use fold::WellsProjection;
pub use queries::WellFilter;
pub use share::Share;
pub use totals::{By, Per};

/// Name of the read model.
pub const NAME: &str = "wells";
/// The most entries that a total names.
pub const MOST_INDEXES: usize = 100;

/// A well, in one version of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredWell {
    /// The ledger that says so.
    pub ledger: LedgerId,
    /// Its id: that of its asset.
    pub id: AssetId,
    /// The organisation.
    pub organisation: Slug,
    /// The site.
    pub site: Slug,
    /// Its name at the site.
    pub slug: Slug,
    /// What it is for.
    pub kind: WellKind,
    /// Status, limits, proposals and tests.
    pub state: Well,
    /// When the newest entry was recorded.
    pub changed_at: DateTime<Utc>,
    /// Every entry that made it so, the newest last.
    pub indexes: Vec<Index>,
}

/// An injection day, in one version of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDay {
    /// The well.
    pub well: AssetId,
    /// Its site.
    pub site: Slug,
    /// Its name at the site.
    pub slug: Slug,
    /// The UTC day.
    pub day: NaiveDate,
    /// Figures, evidence and approval.
    pub state: InjectionDay,
    /// Why this version took the place of the one before, if it is a correction.
    pub reason: Option<Reason>,
    /// When the newest entry was recorded.
    pub changed_at: DateTime<Utc>,
    /// Every entry that made it so, the newest last.
    pub indexes: Vec<Index>,
}

/// What was injected in a span of UTC days, exact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InjectionTotal {
    /// The first day of the day, month or year; `None` for all time.
    pub start: Option<NaiveDate>,
    /// The site, where totals are of sites or wells.
    pub site: Option<Slug>,
    /// The well, where totals are of wells.
    pub well: Option<AssetId>,
    /// CO2 injected, as stated.
    pub injected: Mass,
    /// The part of it that is approved.
    pub approved: Mass,
    /// The part of it that is approved and counts for credits.
    pub creditable: Mass,
    /// Days that are recorded.
    pub days: u64,
    /// How much of the permit's limit that is, where one applies: of a day of a well, or a year.
    pub share: Option<Share>,
    /// The entries of the days' newest versions, at most [`MOST_INDEXES`].
    pub indexes: Vec<Index>,
    /// Whether there are more.
    pub truncated: bool,
}

/// Where a well is, to ask for what is measured there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WellPlace {
    /// The ledger of its organisation.
    pub ledger: LedgerId,
    /// The organisation.
    pub organisation: Slug,
    /// The site.
    pub site: Slug,
    /// Its name at the site.
    pub slug: Slug,
}

impl StoredWell {
    /// Where it is.
    #[must_use]
    pub fn place(&self) -> WellPlace {
        WellPlace {
            ledger: self.ledger,
            organisation: self.organisation.clone(),
            site: self.site.clone(),
            slug: self.slug.clone(),
        }
    }
}
