//! What can be asked of an organisation.
//!
//! A command's serialised form is its input, by which a repeated command id is told from a reused
//! one.

use serde::Serialize;

use crate::{DisplayName, OrganisationId, Slug};

/// A command to one organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum OrganisationCommand {
    /// Make it exist.
    Register(RegisterOrganisation),
    /// Change what people read.
    Rename(RenameOrganisation),
}

/// Registers an organisation; its ledger has the slug as its name, for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RegisterOrganisation {
    /// The name in paths, topics and the ledger's origin.
    pub slug: Slug,
    /// The name for people.
    pub display_name: DisplayName,
    /// Whether its ledger is a demonstration's. Not the caller's to choose: the write side sets it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub demo: bool,
    /// Whether it is a registry: its ledger holds issuances and credits, and nothing of plants.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub registry: bool,
}

impl RegisterOrganisation {
    /// The organisation that the command is for.
    #[must_use]
    pub fn id(&self) -> OrganisationId {
        OrganisationId::of(&self.slug)
    }
}

/// Changes the display name; the slug stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RenameOrganisation {
    /// The new name for people.
    pub display_name: DisplayName,
}

impl From<RegisterOrganisation> for OrganisationCommand {
    fn from(command: RegisterOrganisation) -> Self {
        Self::Register(command)
    }
}

impl From<RenameOrganisation> for OrganisationCommand {
    fn from(command: RenameOrganisation) -> Self {
        Self::Rename(command)
    }
}
