//! Why a command was not recorded, by what the caller can do.

use sealrock_access::Denied;
use sealrock_domain::Refusal;
use sealrock_domain::refusal::{NOT_FOUND, REJECTED};
use sealrock_eventstore::{AppendError, Receipt, StoreError};

/// Why a command was not recorded.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The caller may not do this.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The command breaks a rule of the domain; the message says which, and the way out.
    #[error("{0}")]
    Rejected(String),
    /// As [`Rejected`](Self::Rejected), with a code of [`sealrock_domain::refusal`] that says more.
    #[error("{message}")]
    Refused {
        /// For programs.
        code: &'static str,
        /// For people: which rule, the values, and the way out.
        message: String,
    },
    /// What the command is about does not exist.
    #[error("{0}")]
    NotFound(String),
    /// The command id was used before, with other input.
    #[error(
        "this command id was used before with other input, at index {}: choose a new id", first.first
    )]
    CommandIdReused {
        /// What the first use was answered.
        first: Box<Receipt>,
    },
    /// Others kept writing to the same stream; try again.
    #[error("others are changing the same thing at this moment, nothing was recorded: try again")]
    Conflict,
    /// The ledger is away and nothing was recorded; try again.
    #[error("{0}")]
    Unavailable(String),
    /// It may or may not be recorded; repeat it with the same command id to learn which.
    #[error("{0}")]
    OutcomeUnknown(String),
    /// The input can never be recorded.
    #[error("{0}")]
    Invalid(String),
    /// A person must look at the platform.
    #[error("{0}")]
    Fatal(String),
}

impl CommandError {
    /// What an aggregate says.
    pub(crate) fn refusal(refusal: &impl Refusal) -> Self {
        Self::refused(refusal.code(), refusal.to_string())
    }

    /// A no with a code of [`sealrock_domain::refusal`].
    pub(crate) fn refused(code: &'static str, message: String) -> Self {
        match code {
            REJECTED => Self::Rejected(message),
            NOT_FOUND => Self::NotFound(message),
            code => Self::Refused { code, message },
        }
    }

    /// Whether the domain says no on what is recorded now: an answer that the same command, sent
    /// twice at once, may get to its second copy.
    pub(crate) fn is_decided(&self) -> bool {
        matches!(
            self,
            Self::Rejected(_) | Self::Refused { .. } | Self::NotFound(_) | Self::Conflict
        )
    }

    /// Whether asking again will not help.
    pub(crate) fn says_no(&self) -> bool {
        matches!(
            self,
            Self::Denied(_)
                | Self::Rejected(_)
                | Self::Refused { .. }
                | Self::NotFound(_)
                | Self::Invalid(_)
        )
    }

    /// Whether nothing was recorded now, though it may have been earlier under the same command id.
    pub(crate) fn may_hide_a_receipt(&self) -> bool {
        !matches!(
            self,
            Self::CommandIdReused { .. } | Self::OutcomeUnknown(_) | Self::Denied(_)
        )
    }
}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(reason) => Self::Unavailable(format!(
                "the database is not available, try again: {reason}"
            )),
            StoreError::UnknownLedger(name) => Self::NotFound(format!(
                "there is no organisation {name}: register it first"
            )),
            other => Self::Fatal(other.to_string()),
        }
    }
}

impl From<AppendError> for CommandError {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Conflict { .. } => Self::Conflict,
            AppendError::CommandIdReused { first } => Self::CommandIdReused { first },
            AppendError::Invalid(_) => Self::Invalid(error.to_string()),
            AppendError::Unavailable(_) => Self::Unavailable(error.to_string()),
            AppendError::OutcomeUnknown(_) => Self::OutcomeUnknown(error.to_string()),
            AppendError::Fatal(_) => Self::Fatal(error.to_string()),
        }
    }
}
