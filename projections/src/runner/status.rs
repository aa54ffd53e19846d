//! How each read model is doing, for operators.

use chrono::Utc;
use sealrock_eventstore::{LedgerId, LedgerInfo};
use sealrock_ledger::{Index, LedgerName};
use serde::Serialize;

use super::schema::Schema;
use super::{Runner, RunnerError, checkpoint, stops};

/// One projection on one ledger.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProjectionStatus {
    /// Name of the read model.
    pub projection: String,
    /// Version of this program's tables and fold.
    pub version: u32,
    /// The ledger.
    pub ledger: LedgerName,
    /// Index of the first entry that is not folded.
    pub next_index: u64,
    /// Number of entries in the ledger.
    pub head: u64,
    /// Entries behind.
    pub lag_events: u64,
    /// Age in seconds of the oldest entry that is not folded; 0 if there is none.
    pub lag_seconds: f64,
    /// What it does.
    #[serde(flatten)]
    pub state: State,
    /// How far a rebuild beside it has come, if there is one.
    pub rebuilt_to: Option<u64>,
}

impl ProjectionStatus {
    /// Why it does not go on, if it does not.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        match &self.state {
            State::Running => None,
            State::Retrying { reason } | State::Stopped { reason, .. } => Some(reason.clone()),
            State::OtherVersion { stored } => Some(format!(
                "the tables are of version {stored}; they keep serving, and are rebuilt as \
                 version {}",
                self.version
            )),
        }
    }
}

/// What a projection does on a ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// It folds whatever comes.
    Running,
    /// Something went wrong that may pass, such as Postgres being away. It tries again by itself.
    /// Known only to the process that runs it.
    Retrying {
        /// What went wrong last.
        reason: String,
    },
    /// It stands at an entry that it cannot fold, until a restart or a rebuild.
    Stopped {
        /// The entry.
        index: Index,
        /// Why.
        reason: String,
    },
    /// Its tables were made by another version of Sealrock.
    OtherVersion {
        /// That version.
        stored: u32,
    },
}

impl Runner {
    /// Every projection on every ledger, from the database: also true of what another process runs.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn status(&self) -> Result<Vec<ProjectionStatus>, RunnerError> {
        let ledgers = self.store().ledgers().await?;
        let mut statuses = Vec::new();
        for model in self.models() {
            statuses.extend(
                self.model_status(model.name(), model.version(), &ledgers)
                    .await?,
            );
        }
        Ok(statuses)
    }

    async fn model_status(
        &self,
        name: &'static str,
        version: u32,
        ledgers: &[LedgerInfo],
    ) -> Result<Vec<ProjectionStatus>, RunnerError> {
        let stored = self.stored_version(name).await?;
        let places = self.places(&Schema::live(name)).await?;
        let rebuilt = self.places(&Schema::next(name)).await?;
        let mut statuses = Vec::new();
        for ledger in ledgers {
            let next_index = place_of(&places, ledger.id).unwrap_or(0);
            let head = self.store().size(ledger.id).await?;
            statuses.push(ProjectionStatus {
                projection: name.to_owned(),
                version,
                ledger: ledger.name.clone(),
                next_index,
                head,
                lag_events: head.saturating_sub(next_index),
                lag_seconds: self.lag_seconds(ledger.id, next_index).await?,
                state: self.state(name, version, stored, ledger.id).await?,
                rebuilt_to: place_of(&rebuilt, ledger.id),
            });
        }
        Ok(statuses)
    }

    async fn stored_version(&self, name: &'static str) -> Result<Option<u32>, RunnerError> {
        let mut connection = self.store().pool().acquire().await?;
        Ok(Schema::live(name).version(&mut connection).await?)
    }

    async fn places(&self, schema: &Schema) -> Result<Vec<(LedgerId, u64)>, RunnerError> {
        let mut connection = self.store().pool().acquire().await?;
        if schema.version(&mut connection).await?.is_none() {
            return Ok(Vec::new());
        }
        Ok(checkpoint::all(&mut connection, &schema.name()).await?)
    }

    async fn lag_seconds(&self, ledger: LedgerId, next: u64) -> Result<f64, RunnerError> {
        let waiting = self.store().read(ledger, Index(next), 1).await?;
        let Some(oldest) = waiting.first() else {
            return Ok(0.0);
        };
        let age = Utc::now() - oldest.entry.recorded_at;
        Ok(age.as_seconds_f64().max(0.0))
    }

    async fn state(
        &self,
        name: &str,
        version: u32,
        stored: Option<u32>,
        ledger: LedgerId,
    ) -> Result<State, RunnerError> {
        if let Some(stored) = stored.filter(|stored| *stored != version) {
            return Ok(State::OtherVersion { stored });
        }
        let stop = stops::find(self.store().pool(), name, ledger).await?;
        if let Some(stop) = stop {
            return Ok(State::Stopped {
                index: stop.index,
                reason: stop.reason,
            });
        }
        Ok(match self.reported(name, ledger) {
            Some(State::Retrying { reason }) => State::Retrying { reason },
            _ => State::Running,
        })
    }
}

fn place_of(places: &[(LedgerId, u64)], ledger: LedgerId) -> Option<u64> {
    places
        .iter()
        .find(|(id, _)| *id == ledger)
        .map(|(_, next)| *next)
}
