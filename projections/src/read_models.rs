//! The handle that queries go through.

use sealrock_eventstore::{EventStore, LedgerId, StoreError};
use sqlx::PgPool;

/// All read models, to ask. Cheap to clone. Its tables are made by [`crate::Runner::prepare`].
///
/// Every answer is what some commit of the read model left; two calls may see two commits.
#[derive(Clone)]
pub struct ReadModels {
    store: EventStore,
    /// Asked instead of the store's own, if there is one.
    pool: Option<PgPool>,
}

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// Postgres is away or refuses: try again.
    #[error("the read models cannot be asked just now: {0}")]
    Unavailable(#[from] sqlx::Error),
    /// The event store cannot be read: try again.
    #[error("the ledger cannot be read: {0}")]
    Store(#[from] StoreError),
    /// The question has no answer in any state; the text says which one has.
    #[error("{0}")]
    Invalid(String),
    /// A stored value is none that this code writes: rebuild the read model.
    #[error("a read model holds {0:?}, which this version does not know: rebuild it")]
    Stored(String),
}

impl QueryError {
    /// Whether Postgres gave it up because it took too long.
    #[must_use]
    pub fn took_too_long(&self) -> bool {
        /// `query_canceled`.
        const CANCELLED: &str = "57014";
        match self {
            Self::Unavailable(sqlx::Error::Database(error)) => {
                error.code().is_some_and(|code| code == CANCELLED)
            }
            _ => false,
        }
    }

    /// Whether the same question may be answered in a moment.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Unavailable(_) | Self::Store(StoreError::Unavailable(_))
        )
    }
}

impl ReadModels {
    /// Reads through the store's pool.
    #[must_use]
    pub fn new(store: EventStore) -> Self {
        Self { store, pool: None }
    }

    /// Reads tables of read models through this pool, such as one of
    /// [`sealrock_eventstore::connect_for_questions`]. Entries of ledgers still come from the store.
    #[must_use]
    pub fn asking(self, pool: PgPool) -> Self {
        Self {
            pool: Some(pool),
            ..self
        }
    }

    /// The index after the last entry that `projection` has folded of `ledger`; 0 before the first.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn next_index(
        &self,
        projection: &'static str,
        ledger: LedgerId,
    ) -> Result<u64, QueryError> {
        let sql = format!("SELECT next_index FROM rm_{projection}.checkpoint WHERE ledger_id = $1");
        let next: Option<i64> = sqlx::query_scalar(&sql)
            .bind(ledger.0)
            .fetch_optional(self.pool())
            .await?;
        Ok(next.unwrap_or(0).unsigned_abs())
    }

    pub(crate) fn pool(&self) -> &PgPool {
        self.pool.as_ref().unwrap_or_else(|| self.store.pool())
    }

    pub(crate) fn store(&self) -> &EventStore {
        &self.store
    }
}

impl std::fmt::Debug for ReadModels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReadModels")
    }
}

/// A stored text as the newtype it was written from.
pub(crate) fn stored<T: std::str::FromStr>(text: &str) -> Result<T, QueryError> {
    text.parse()
        .map_err(|_| QueryError::Stored(text.to_owned()))
}
