//! What happened to an organisation.

use serde::{Deserialize, Serialize};

use crate::{DisplayName, Slug, event::events};

/// An organisation exists, and with it its ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrganisationRegistered {
    /// The name in paths, topics and the ledger's origin; never changes.
    pub slug: Slug,
    /// The name for people.
    pub display_name: DisplayName,
    /// Whether the ledger is a demonstration's: evidence of simulated devices counts there, and
    /// only there. Absent where it is not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub demo: bool,
    /// Whether it is a registry: its ledger holds issuances and credits, and nothing of plants.
    /// Absent where it is not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub registry: bool,
}

/// The display name changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrganisationRenamed {
    /// The new name for people.
    pub display_name: DisplayName,
}

events! {
    /// An event of an organisation's stream.
    enum OrganisationEvent {
        /// See [`OrganisationRegistered`].
        OrganisationRegistered = 1,
        /// See [`OrganisationRenamed`].
        OrganisationRenamed = 1,
    }
}
