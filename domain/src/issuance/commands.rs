//! What can be asked of a mass account's issuances in a registry.

use serde::Serialize;
use uuid::Uuid;

use super::IssuancesId;
use crate::text::Reason;
use crate::{Actor, Citation, KilogramRange, Slug};

/// A command to the issuances of one mass account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum IssuanceCommand {
    /// Credits are requested.
    Open(OpenIssuance),
    /// Issue them.
    Approve(ApproveIssuance),
    /// Do not.
    Refuse(RefuseIssuance),
}

/// Brings a request to the registry, with the kilograms that are set aside for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OpenIssuance {
    /// Its id.
    pub issuance: Uuid,
    /// The organisation that stored the CO2 and asks for credits.
    pub organisation: Slug,
    /// The storage site.
    pub site: Slug,
    /// The calendar year of the account.
    pub year: i32,
    /// The kilograms of the account.
    pub range: KilogramRange,
    /// The entry that set them aside.
    pub source: Citation,
    /// Who asked.
    pub requested_by: Actor,
}

impl OpenIssuance {
    /// The issuances that the command is for.
    #[must_use]
    pub fn id(&self) -> IssuancesId {
        IssuancesId::of(&self.organisation, &self.site, self.year)
    }
}

/// Issues the credits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ApproveIssuance {
    /// The issuance.
    pub issuance: Uuid,
    /// The registry, of whose ledger this is.
    pub registry: Slug,
    /// The last serial of this registry that the ledger of the storage knows of; 0 before the first.
    /// The registry's own ledger may have lost it.
    pub after_serial: u64,
    /// Who decides.
    pub by: Actor,
    /// The organisation that this person acts for.
    pub organisation: Slug,
}

/// Refuses the credits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RefuseIssuance {
    /// The issuance.
    pub issuance: Uuid,
    /// Why.
    pub reason: Reason,
    /// Who decides.
    pub by: Actor,
    /// The organisation that this person acts for.
    pub organisation: Slug,
}

impl From<OpenIssuance> for IssuanceCommand {
    fn from(command: OpenIssuance) -> Self {
        Self::Open(command)
    }
}

impl From<ApproveIssuance> for IssuanceCommand {
    fn from(command: ApproveIssuance) -> Self {
        Self::Approve(command)
    }
}

impl From<RefuseIssuance> for IssuanceCommand {
    fn from(command: RefuseIssuance) -> Self {
        Self::Refuse(command)
    }
}
