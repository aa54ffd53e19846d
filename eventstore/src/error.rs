//! Errors, by what the caller can do.

use sealrock_ledger::{Index, LedgerName};
use sqlx::error::DatabaseError;

use crate::append::Receipt;
use crate::keys::KeyError;

/// Why the store could not be read or prepared.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Postgres cannot be reached or refused the work just now: try again later.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// What is stored contradicts itself or this installation; a person must look.
    #[error("{0}")]
    Fatal(String),
    /// The log key is missing or not this ledger's.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// No ledger of that name.
    #[error("there is no ledger {0}: register the organisation {0} first")]
    UnknownLedger(LedgerName),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::Decode(_) => {
                Self::Fatal(format!("a stored row cannot be read: {error}"))
            }
            _ if is_of_standby(&error) => Self::Unavailable(format!(
                "this Postgres is a standby and takes no writes ({error}): let DATABASE_URL lead \
                 to its primary, or promote it"
            )),
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

/// SQLSTATE of what is refused in a read-only transaction, as all are during recovery.
fn is_of_standby(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.is_some_and(|code| code == "25006")
}

/// Why an append has no receipt.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// A stream is not at the version that the events were decided on: load again and decide anew.
    /// Nothing was appended.
    #[error("stream {stream} is at version {actual}, not at {expected}: someone else wrote first")]
    Conflict {
        /// The stream.
        stream: String,
        /// The version that the caller knew.
        expected: u64,
        /// The version that it has.
        actual: u64,
    },
    /// The command id was used before, with other input. Nothing was appended.
    #[error("command id was used before, with other input, at index {}", first.first)]
    CommandIdReused {
        /// What the first use was answered.
        first: Box<Receipt>,
    },
    /// The append cannot be stored as it is. Nothing was appended.
    #[error("cannot be appended: {0}")]
    Invalid(String),
    /// The database is away. Nothing was appended: repeat it as it is.
    #[error("the ledger is not available just now, nothing was recorded: {0}")]
    Unavailable(String),
    /// The database went away in the middle of the commit and could not be asked since. Repeat it
    /// as it is: the command id makes sure that it is recorded once.
    #[error("it is not known whether this was recorded; repeat it with the same command id: {0}")]
    OutcomeUnknown(String),
    /// The ledger cannot be written until a person has looked. Nothing was appended.
    #[error("the ledger cannot be written: {0}")]
    Fatal(String),
}

impl From<StoreError> for AppendError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(reason) => Self::Unavailable(reason),
            StoreError::Key(error @ KeyError::Program { .. }) => {
                Self::Unavailable(error.to_string())
            }
            other => Self::Fatal(other.to_string()),
        }
    }
}

impl From<sqlx::Error> for AppendError {
    fn from(error: sqlx::Error) -> Self {
        if is_lasting(&error) {
            return Self::Fatal(format!(
                "Postgres refused what was to be written and would do so again: {error}; run \
                 `sealrock migrate`, then `sealrock fsck`"
            ));
        }
        StoreError::from(error).into()
    }
}

/// Whether the same statement would be refused again: SQLSTATE classes 22 (the data), 23
/// (constraints) and 42 (missing tables and privileges).
fn is_lasting(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.is_some_and(|code| {
        ["22", "23", "42"]
            .iter()
            .any(|class| code.starts_with(class))
    })
}

/// The index of a stored row, which the schema keeps non-negative.
pub(crate) fn index(stored: i64) -> Index {
    Index(u64::try_from(stored).expect("stored indexes count from 0"))
}

/// A count as Postgres stores it.
pub(crate) fn stored(count: u64) -> i64 {
    i64::try_from(count).expect("no ledger holds 2^63 entries")
}
