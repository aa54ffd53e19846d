//! Why the domain says no, for programs: the codes that refusals carry.
//!
//! A code, once published, keeps its meaning. The message beside it is for people: it names the
//! values and the way out.

/// The rule of an aggregate that a command broke; no other code says more.
pub const REJECTED: &str = "REJECTED";
/// A value is above (or below) a limit: of a permit, a regulation, an account.
pub const LIMIT_EXCEEDED: &str = "LIMIT_EXCEEDED";
/// What the command needs is not valid at that time: a permit, an integrity test, a registration.
pub const NOT_IN_FORCE: &str = "NOT_IN_FORCE";
/// A period or a range overlaps one that is recorded.
pub const OVERLAP: &str = "OVERLAP";
/// The record is approved or closed and takes no more changes.
pub const LOCKED: &str = "LOCKED";
/// Who recorded or proposed it may not approve it, nor may anybody of the same organisation where
/// two organisations are asked for.
pub const SELF_APPROVAL: &str = "SELF_APPROVAL";
/// No sealed telemetry stands behind it, or what is sealed measures something else.
pub const NO_EVIDENCE: &str = "NO_EVIDENCE";
/// What is sealed now is not what was sealed when it was recorded: it is to be corrected first.
pub const EVIDENCE_CHANGED: &str = "EVIDENCE_CHANGED";
/// A unit that is not the one of the quantity.
pub const UNIT_MISMATCH: &str = "UNIT_MISMATCH";
/// A value that nothing can have, such as 25 hours in a day.
pub const OUT_OF_RANGE: &str = "OUT_OF_RANGE";
/// The record that the command names is not there.
pub const NOT_FOUND: &str = "NOT_FOUND";

/// What an aggregate answers instead of events.
pub trait Refusal: std::error::Error {
    /// One of the codes of this module.
    fn code(&self) -> &'static str {
        REJECTED
    }
}
