//! The emission targets of sites: what holds on which days, and what held as of any entry.

mod fold;
mod queries;
mod rows;

use sealrock_domain::SiteId;
use sealrock_domain::site::EmissionTarget;
use sealrock_ledger::Index;

pub use fold::TargetsProjection;

/// Name of the read model.
pub const NAME: &str = "targets";

/// An emission target of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteTarget {
    /// The site.
    pub site: SiteId,
    /// What it shall emit at most, and when.
    pub target: EmissionTarget,
    /// The entry that set it.
    pub set_by: Index,
    /// The entry that changed it last; at first the same.
    pub changed_by: Index,
}
