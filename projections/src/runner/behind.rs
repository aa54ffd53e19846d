//! Which read models may still hold what an entry erases.

use sealrock_eventstore::LedgerInfo;
use sealrock_ledger::Index;
use serde::Serialize;

use super::schema::Schema;
use super::{Runner, RunnerError, checkpoint, stops};

/// Tables that have not folded an entry yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Behind {
    /// Their schema.
    pub tables: String,
    /// Why they are behind, and the way out; `None` if they are on their way.
    pub reason: Option<String>,
}

impl Behind {
    fn of(schema: &Schema, reason: Option<String>) -> Self {
        Self {
            tables: schema.name(),
            reason,
        }
    }
}

impl Runner {
    /// The tables of this program's read models that have not folded entry `index` of `ledger`: those
    /// that queries read, those that a rebuild fills, and those that a rebuild replaced. From the
    /// database: also true of what another process runs.
    ///
    /// When none is left, nothing that the entry erases is in any read model, and none will fold it
    /// again: whatever begins to fold later is not shown what the entry erases.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn behind(
        &self,
        ledger: &LedgerInfo,
        index: Index,
    ) -> Result<Vec<Behind>, RunnerError> {
        let mut behind = Vec::new();
        for name in self.names() {
            let (live, next, old) = (Schema::live(name), Schema::next(name), Schema::old(name));
            if !self.is_past(&live, ledger, index).await? {
                behind.push(Behind::of(&live, self.stop(name, ledger).await?));
            }
            let rebuild = format!("`sealrock projections rebuild {name}`");
            if !self.is_past(&next, ledger, index).await? {
                let why = "a rebuild fills them, or was interrupted: if none runs, run";
                behind.push(Behind::of(&next, Some(format!("{why} {rebuild}"))));
            }
            if self.exists(&old).await? {
                let why = "a rebuild replaced them and has not dropped them: if none runs, run";
                behind.push(Behind::of(&old, Some(format!("{why} {rebuild}"))));
            }
        }
        Ok(behind)
    }

    async fn stop(&self, name: &str, ledger: &LedgerInfo) -> Result<Option<String>, RunnerError> {
        let stop = stops::find(self.store().pool(), name, ledger.id).await?;
        Ok(stop.map(|stop| {
            format!(
                "it stands at entry {}: {}; see `sealrock projections status`",
                stop.index, stop.reason
            )
        }))
    }

    /// Tables that are not there hold nothing.
    async fn is_past(
        &self,
        schema: &Schema,
        ledger: &LedgerInfo,
        index: Index,
    ) -> Result<bool, RunnerError> {
        if !self.exists(schema).await? {
            return Ok(true);
        }
        let place = checkpoint::look(self.store().pool(), &schema.name(), ledger.id).await?;
        Ok(place.next > index.0)
    }

    async fn exists(&self, schema: &Schema) -> Result<bool, RunnerError> {
        let mut connection = self.store().pool().acquire().await?;
        Ok(schema.version(&mut connection).await?.is_some())
    }
}
