//! Which sites emit least: their mean emission rates over a period, ranked where enough was measured.
//!
//! Asked of `registry`, `rollups`, `targets` and `captures`; it has no tables of its own.
//!
//! * **Rate of a stack**: the mean over the period's buckets of five minutes of what its devices
//!   report as `co2_emission_rate`. Each bucket with readings weighs the same, however many they are.
//!   Devices at one stack measure the same gas: of several the mean counts in each bucket, so a probe
//!   and its successor make one series.
//! * **Rate of a site**: the sum of its stacks'; unknown while one of them has no data.
//! * **Coverage**: buckets with readings by buckets of the period, of the stack that has the fewest.
//!   All buckets that are over are expected, those before a stack or device was registered too: a site
//!   that was measured for a week is not compared with those that were measured for a month. Late
//!   readings fill their buckets when they come.
//! * **Rank**: by rate, lowest first, among sites with a coverage of at least 75 %; rates are compared
//!   to the gram an hour, and equal ones share a rank. Which devices stand at which stack is as it is
//!   now.
//! * **Fossil and biogenic** CO2 leave a stack as one gas. They are told apart by the assumption
//!   `biogenic_fraction` (0 to 1) of the stack, where every stack of the site has one.
//! * **Captured** mass stands beside the rate and changes no rank. A site that captures and has no
//!   stack is listed without a rank.

mod captured;
mod period;
mod queries;
mod rank;
mod rate;

use sealrock_domain::decimal::DecimalText;
use sealrock_domain::{DeviceId, Slug};

pub use captured::Captured;
pub use period::{LONGEST, Period};
pub use rate::Rate;

use crate::registry::Site;
use crate::targets::SiteTarget;

/// What the devices at a stack report.
pub const METRIC: &str = "co2_emission_rate";
/// Asset assumption: which part of a stack's CO2 is of plants that grew, 0 to 1.
pub const BIOGENIC_FRACTION: &str = "biogenic_fraction";
/// The least part of the period's buckets that a ranked site has data of, in percent.
pub const REQUIRED_COVERAGE_PERCENT: u64 = 75;

/// By what sites are ranked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RankBy {
    /// All CO2.
    #[default]
    Total,
    /// Fossil CO2 only: sites whose split is unknown have no rank.
    Fossil,
}

/// The sites of an organisation with stacks or captures: those with a rank by rank, then the others by name.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaderboard {
    /// The period that is compared.
    pub period: Period,
    /// The sites.
    pub rows: Vec<Row>,
}

/// A site over the period.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The site.
    pub site: Site,
    /// Its place, or why it has none.
    pub rank: Result<u32, Unranked>,
    /// What it emitted on average; `None` while a stack has no data.
    pub rate: Option<Rate>,
    /// Its fossil and biogenic parts, or why they are not known.
    pub split: Result<Split, NoSplit>,
    /// Buckets of five minutes with data, of the stack that has the fewest.
    pub filled: u64,
    /// Its stacks, by name.
    pub stacks: Vec<Stack>,
    /// What it captured; `None` without a record.
    pub captured: Option<Captured>,
    /// The targets of days of the period.
    pub targets: Vec<SiteTarget>,
    /// The target of the whole period, kg/h: the mean over its time; `None` if a part has none.
    pub target_kg_per_h: Option<f64>,
    /// Whether the rate is the target's or lower; `None` without a rank or a target.
    pub target_met: Option<bool>,
}

/// Why a site has no rank.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unranked {
    /// Too little was measured.
    #[error(
        "{filled} of {expected} buckets of five minutes have data at stack {stack}: \
         {REQUIRED_COVERAGE_PERCENT} % are required"
    )]
    Coverage {
        /// The stack with the fewest.
        stack: Slug,
        /// Its buckets with data.
        filled: u64,
        /// Buckets of the period.
        expected: u64,
    },
    /// Nothing could be measured.
    #[error("it has no stack: what it emits is not measured")]
    NoStack,
    /// Ranked by fossil CO2, and the split is not known.
    #[error("its fossil part is not known: {0}")]
    Split(NoSplit),
}

/// Why fossil and biogenic CO2 of a site are not told apart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoSplit {
    /// There is no rate to split.
    #[error("there is no rate of all its stacks")]
    NoRate,
    /// A stack does not say.
    #[error("stack {0} has no assumption {BIOGENIC_FRACTION}")]
    Unknown(Slug),
    /// A stack says something else.
    #[error(
        "stack {stack} has the assumption {BIOGENIC_FRACTION} {value:?}: it is a number from 0 to 1"
    )]
    Unusable {
        /// The stack.
        stack: Slug,
        /// What its assumption is.
        value: String,
    },
}

/// Fossil and biogenic CO2; together the rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split {
    /// Of fuels from the ground.
    pub fossil: Rate,
    /// Of plants that grew.
    pub biogenic: Rate,
}

/// A stack over the period.
#[derive(Debug, Clone, PartialEq)]
pub struct Stack {
    /// Its name.
    pub slug: Slug,
    /// What it emitted on average; `None` without data.
    pub rate: Option<Rate>,
    /// Buckets of five minutes with data.
    pub filled: u64,
    /// Which part of its CO2 is biogenic, or why that is not known.
    pub biogenic_fraction: Result<DecimalText, NoSplit>,
    /// The devices that measured.
    pub devices: Vec<DeviceId>,
}
