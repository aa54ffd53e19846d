//! What a read model gives the runner: a name, tables, and a fold.

use async_trait::async_trait;
use sealrock_eventstore::LedgerInfo;
use sealrock_ledger::Index;
use sqlx::PgTransaction;

use super::shown::Shown;

/// A read model's tables and the fold that fills them from a ledger.
///
/// **Crash contract.** The runner commits what [`fold`](Projection::fold) wrote together with the
/// move of the checkpoint, or neither: a fold sees every entry of a ledger exactly once, in order,
/// however often the process dies in between.
///
/// **Names.** Every statement of a fold names its tables *without* a schema. The runner sets the
/// `search_path` to `rm_<name>`, and in a rebuild to `rm_<name>_next`; a qualified name would write
/// the rebuild's rows into the live tables.
///
/// **Concurrency.** Different ledgers are folded at once. A fold touches only rows that belong to
/// its own ledger; otherwise two folds could wait for each other.
#[async_trait]
pub trait Projection: Send + Sync + 'static {
    /// Name of the read model, `[a-z][a-z_]{0,39}`; its tables live in schema `rm_<name>`.
    fn name(&self) -> &'static str;

    /// Version of tables and fold. Another number than the stored one makes the runner rebuild.
    fn version(&self) -> u32;

    /// The tables (DDL), names without a schema. `checkpoint` and `read_model` are the runner's.
    fn schema(&self) -> &'static str;

    /// Indexes (DDL) that folding can do without, names without a schema, each `CREATE … INDEX IF NOT
    /// EXISTS`. Live tables have them from the start; a rebuild makes them when the tables are filled,
    /// which is cheaper than to keep them up row by row.
    fn indexes(&self) -> &'static str {
        ""
    }

    /// Whether sensor batches mean anything to this read model. One that answers no is not shown them,
    /// so that they need not be read; between the entries of its batches there are gaps then.
    fn folds_batches(&self) -> bool {
        true
    }

    /// Whether [`prepare`](Projection::prepare) has anything to do, ever.
    fn prepares(&self) -> bool {
        false
    }

    /// Makes room for a batch before its transaction begins, e.g. partitions.
    ///
    /// It has a transaction of its own, with the `search_path` of the fold, and is called again in
    /// a new one as long as it answers [`Prepared::Again`]: table locks stay few and short. What it
    /// makes must be harmless if the fold never follows.
    ///
    /// # Errors
    /// [`FoldError`], as in [`fold`](Projection::fold).
    async fn prepare(
        &self,
        _tx: &mut PgTransaction<'_>,
        _ledger: &LedgerInfo,
        _batch: &[Shown],
    ) -> Result<Prepared, FoldError> {
        Ok(Prepared::Ready)
    }

    /// Writes what `batch` (consecutive entries of `ledger`, at least one) means to the read model.
    ///
    /// Decode everything first, then write with set-based SQL.
    ///
    /// # Errors
    /// [`FoldError::Poison`] if an entry cannot be understood: the entries before it are folded
    /// alone, then this projection stops on this ledger. [`FoldError::Database`] is retried.
    async fn fold(
        &self,
        tx: &mut PgTransaction<'_>,
        ledger: &LedgerInfo,
        batch: &[Shown],
    ) -> Result<(), FoldError>;
}

/// Whether [`Projection::prepare`] is through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prepared {
    /// The batch can be folded.
    Ready,
    /// There is more to make: commit and call again.
    Again,
}

/// Why a batch was not folded.
#[derive(Debug, thiserror::Error)]
pub enum FoldError {
    /// An entry that this code cannot fold, now or later: a newer code or a fix is the way out.
    #[error("entry {index} cannot be folded: {reason}")]
    Poison {
        /// The entry.
        index: Index,
        /// What is wrong with it, for the operator.
        reason: String,
    },
    /// Postgres refused or went away.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl FoldError {
    /// A poison error for an entry that could not be decoded.
    pub fn poison(index: Index, reason: impl std::fmt::Display) -> Self {
        Self::Poison {
            index,
            reason: reason.to_string(),
        }
    }
}
