//! Why a command to a well is refused.

use chrono::{DateTime, NaiveDate, Utc};

use super::{MitKind, WellKind};
use crate::refusal::{
    LIMIT_EXCEEDED, LOCKED, NOT_FOUND, NOT_IN_FORCE, OUT_OF_RANGE, REJECTED, SELF_APPROVAL,
};
use crate::{Actor, Reason, Refusal, Slug};

/// Why a command is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WellRejection {
    /// The asset is a well already.
    #[error("well \"{slug}\" is already registered, as {well_kind}: use it")]
    AlreadyRegistered {
        /// The well.
        slug: Slug,
        /// What it is for.
        well_kind: WellKind,
    },
    /// Nothing is registered here.
    #[error("this asset is not registered as a well: register it as one first")]
    NotRegistered,
    /// A plugged well takes nothing.
    #[error(
        "well \"{slug}\" was plugged on {at}, which is for good: nothing more can be done with it"
    )]
    Plugged {
        /// The well.
        slug: Slug,
        /// When.
        at: DateTime<Utc>,
    },
    /// Only an injector injects.
    #[error(
        "well \"{slug}\" is a {well_kind}, not an injector: only injectors have injection permits"
    )]
    NotAnInjector {
        /// The well.
        slug: Slug,
        /// What it is for.
        well_kind: WellKind,
    },
    /// A period runs backwards.
    #[error("the {what} ends on {until}, before {from}, when it begins: check the two days")]
    EndsBeforeItBegins {
        /// Which period.
        what: &'static str,
        /// First day.
        from: NaiveDate,
        /// Last day.
        until: NaiveDate,
    },
    /// An external test counts for a year.
    #[error(
        "an external integrity test is made yearly (40 CFR 146.89(c)): it cannot count until {until}, \
         only until {last}"
    )]
    ExternalTestTooLong {
        /// The last day given.
        until: NaiveDate,
        /// The last day possible.
        last: NaiveDate,
    },
    /// A limit of zero.
    #[error("a limit of 0 for the {limit} allows nothing: give the permit's figure")]
    LimitOfNothing {
        /// Which.
        limit: &'static str,
    },
    /// The proposal is not the open one.
    #[error("well \"{slug}\" has no open proposal {proposal}: {open}")]
    NoSuchProposal {
        /// The well.
        slug: Slug,
        /// The number given.
        proposal: u64,
        /// Which is open.
        open: String,
    },
    /// The proposer cannot approve.
    #[error("{by} proposed these limits: another person must approve them")]
    OwnProposal {
        /// Who.
        by: Actor,
    },
    /// Something happens tomorrow.
    #[error("{at} lies ahead of {now}: what has not happened yet cannot be recorded")]
    InTheFuture {
        /// The time given.
        at: DateTime<Utc>,
        /// The present.
        now: DateTime<Utc>,
    },
    /// Something happens before what is recorded.
    #[error(
        "{at} lies before {last}, the last change of well \"{slug}\": changes are recorded in their \
         order"
    )]
    OutOfOrder {
        /// The well.
        slug: Slug,
        /// The time given.
        at: DateTime<Utc>,
        /// The last change.
        last: DateTime<Utc>,
    },
    /// No limits are in force that day.
    #[error(
        "well \"{slug}\" has no permit in force on {day}{newest}: propose limits and have them \
         approved"
    )]
    NoPermit {
        /// The well.
        slug: Slug,
        /// The day.
        day: NaiveDate,
        /// The newest permit with its days, or nothing.
        newest: String,
    },
    /// No test of this kind counts that day.
    #[error(
        "well \"{slug}\" has no valid {mit_kind} mechanical integrity test on {day}: {found}; record \
         one that was passed"
    )]
    NoIntegrity {
        /// The well.
        slug: Slug,
        /// Which kind.
        mit_kind: MitKind,
        /// The day.
        day: NaiveDate,
        /// The newest test up to then.
        found: String,
    },
    /// It injects already.
    #[error("well \"{slug}\" has been injecting since {since}: nothing to start")]
    Injecting {
        /// The well.
        slug: Slug,
        /// Since when.
        since: DateTime<Utc>,
    },
    /// It must be stopped first.
    #[error("well \"{slug}\" has been injecting since {since}: stop it before it is plugged")]
    StillInjecting {
        /// The well.
        slug: Slug,
        /// Since when.
        since: DateTime<Utc>,
    },
    /// It does not inject.
    #[error("well \"{slug}\" is not injecting: nothing to stop")]
    NotInjecting {
        /// The well.
        slug: Slug,
    },
    /// It is shut in.
    #[error(
        "well \"{slug}\" has been shut in since {since}, because: {reason}. Close the cause before it \
         is started or shut in again"
    )]
    IsShutIn {
        /// The well.
        slug: Slug,
        /// Since when.
        since: DateTime<Utc>,
        /// Why.
        reason: Reason,
    },
    /// It is not shut in.
    #[error("well \"{slug}\" is not shut in: there is nothing to close")]
    NotShutIn {
        /// The well.
        slug: Slug,
    },
    /// Nothing was injected that day, by the well's own record.
    #[error(
        "well \"{slug}\" was not injecting on {day}, by its record of starts and stops: record when \
         it was started, or check the day"
    )]
    IdleThatDay {
        /// The well.
        slug: Slug,
        /// The day.
        day: NaiveDate,
    },
}

impl Refusal for WellRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::NotRegistered => NOT_FOUND,
            Self::Plugged { .. } => LOCKED,
            Self::EndsBeforeItBegins { .. }
            | Self::LimitOfNothing { .. }
            | Self::InTheFuture { .. }
            | Self::OutOfOrder { .. } => OUT_OF_RANGE,
            Self::ExternalTestTooLong { .. } => LIMIT_EXCEEDED,
            Self::OwnProposal { .. } => SELF_APPROVAL,
            Self::NoPermit { .. }
            | Self::NoIntegrity { .. }
            | Self::IsShutIn { .. }
            | Self::IdleThatDay { .. } => NOT_IN_FORCE,
            Self::AlreadyRegistered { .. }
            | Self::NotAnInjector { .. }
            | Self::NoSuchProposal { .. }
            | Self::Injecting { .. }
            | Self::StillInjecting { .. }
            | Self::NotInjecting { .. }
            | Self::NotShutIn { .. } => REJECTED,
        }
    }
}
