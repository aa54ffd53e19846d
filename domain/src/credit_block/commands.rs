//! What can be asked of a block of credits.

use serde::Serialize;
use uuid::Uuid;

use super::SerialBlock;
use crate::{CreditBlockId, KilogramRange, Slug};

/// A command to one block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum CreditBlockCommand {
    /// Make it exist.
    Issue(IssueCredits),
}

/// Issues credits: together with the approval of the issuance, in one append.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IssueCredits {
    /// The issuance.
    pub issuance: Uuid,
    /// The credits.
    pub serials: SerialBlock,
    /// The kilograms of the mass account that they rest on.
    pub range: KilogramRange,
    /// The organisation that has them.
    pub holder: Slug,
}

impl IssueCredits {
    /// The block that the command is for.
    #[must_use]
    pub fn id(&self) -> CreditBlockId {
        CreditBlockId::of(&self.serials)
    }
}

impl From<IssueCredits> for CreditBlockCommand {
    fn from(command: IssueCredits) -> Self {
        Self::Issue(command)
    }
}
