//! What can go wrong with the tables.

/// The access tables could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Postgres cannot be reached or refused: try again later.
    #[error("the access tables are not available just now: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// Too many passwords are being checked at once: try again in a few seconds.
    #[error("too many sign-ins at once; try again in a few seconds")]
    Busy,
    /// A stored row makes no sense to this version: a person must look.
    #[error("a row of the access tables cannot be read: {0}")]
    Corrupt(String),
}

impl From<sqlx::Error> for AccessError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::Decode(_) => Self::Corrupt(error.to_string()),
            _ => Self::Unavailable(error),
        }
    }
}
