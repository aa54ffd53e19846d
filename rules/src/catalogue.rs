//! Every rule set by its name.

use crate::calculation::{RuleEntry, RuleSet};
use crate::density::DensityRule;
use crate::eu_ets::{capture, custody, storage, transport};
use crate::factors;
use crate::net_removal::{Crcf, Isometric, Puro, Verra};
use crate::stack::StackEmission;
use crate::uncertainty::ConservativeCredit;
use crate::us_98::{subpart_pp, subpart_rr, subpart_uu, subpart_vv};

static RULES: &[RuleEntry] = &[
    RuleEntry::of::<subpart_rr::SubpartRr>(),
    RuleEntry::of::<subpart_pp::SubpartPp>(),
    RuleEntry::of::<subpart_uu::SubpartUu>(),
    RuleEntry::of::<subpart_vv::SubpartVv>(),
    RuleEntry::of::<capture::CaptureUntil2024>(),
    RuleEntry::of::<capture::CaptureSince2025>(),
    RuleEntry::of::<transport::Transport>(),
    RuleEntry::of::<storage::Storage>(),
    RuleEntry::of::<custody::Custody>(),
    RuleEntry::of::<Crcf>(),
    RuleEntry::of::<Verra>(),
    RuleEntry::of::<Puro>(),
    RuleEntry::of::<Isometric>(),
    RuleEntry::of::<factors::EnergyEmissions>(),
    RuleEntry::of::<StackEmission>(),
    RuleEntry::of::<DensityRule>(),
    RuleEntry::of::<ConservativeCredit>(),
];

/// Every version of every rule set.
#[must_use]
pub fn rules() -> &'static [RuleEntry] {
    RULES
}

/// A version of a rule set; without a version, the last one.
#[must_use]
pub fn rule(id: &str, version: Option<u32>) -> Option<&'static RuleEntry> {
    let of_id = RULES.iter().filter(|rule| rule.set().id == id);
    let wanted = |set: &RuleSet| version.is_none_or(|version| version == set.version);
    of_id
        .filter(|rule| wanted(rule.set()))
        .max_by_key(|rule| rule.set().version)
}
