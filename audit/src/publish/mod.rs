//! Which checkpoint others are shown: the newest one that the witnesses' quorum has cosigned.

mod alarm;
mod follow;
mod round;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sealrock_eventstore::{EventStore, LedgerId, LedgerInfo, StoreError};
use sealrock_ledger::{CheckError, Checkpoint, LogVerifier, Policy, PolicyError, ProofError};

use crate::stored_tiles::stored;
use crate::timestamp::Authority;
use crate::witness::Witnesses;

/// How checkpoints are published.
#[derive(Debug, Clone)]
pub struct Publishing {
    /// Who must cosign; nobody if not given.
    pub witnesses: Option<Witnesses>,
    /// Who stamps the time; nobody if not given.
    pub authority: Option<Authority>,
    /// Least time between two published checkpoints of a ledger.
    pub every: Duration,
    /// Folder where it is kept what a witness says against a ledger.
    pub evidence: PathBuf,
}

/// Publishes checkpoints, and says which ones are. Cloning is cheap.
///
/// **Without witnesses and authority** every committed checkpoint is published as it is, at its
/// commit, and nothing more is stored. **With them** a checkpoint is published by a row in
/// `published`, once the quorum has cosigned it. What is published stays so: a changed quorum counts
/// for what is published from then on. **Crash**: at any point, the next round begins again from the
/// newest commit; a cosignature that was lost is given again. Several processes may publish.
#[derive(Clone)]
pub struct Publisher {
    inner: Arc<Inner>,
}

struct Inner {
    store: EventStore,
    publishing: Publishing,
    http: reqwest::Client,
}

/// A checkpoint that others are shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// The checkpoint; its note has the cosignatures.
    pub checkpoint: Checkpoint,
    /// RFC 3161 `TimeStampResp`, DER, over [`crate::timestamp::stamped_bytes`] of the note.
    pub timestamp: Option<Vec<u8>>,
    /// Since when; `None` if it was published by its commit.
    pub at: Option<DateTime<Utc>>,
}

/// How far what is published is behind what is committed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lag {
    /// Entries that are committed and not yet covered by a published checkpoint.
    pub entries: u64,
    /// For how long the first of them has been waiting.
    pub since: Option<DateTime<Utc>>,
}

/// Why a ledger's newest checkpoint is not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The database is away or contradicts itself.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The ledger's keys and the witnesses make no policy.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// A note in the database is damaged.
    #[error("a stored checkpoint: {0}")]
    Note(#[from] CheckError),
    /// No consistency proof can be made.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// A witness has seen another history, or more of it. Nothing more of this ledger is published
    /// until a person has looked and the server was started again.
    #[error(
        "witness {witness} has seen another history of ledger {ledger} than this database holds: \
         {reason}. Nothing more of it is published. If the database was restored from a backup, \
         entries are lost: bring back the newer one. What the witness says is kept in {}",
        evidence.display()
    )]
    Contradicted {
        /// The ledger's name.
        ledger: String,
        /// The witness.
        witness: String,
        /// What it says.
        reason: String,
        /// Where that is kept.
        evidence: PathBuf,
    },
}

impl Publishing {
    /// Without witnesses and timestamps.
    #[must_use]
    pub fn plain() -> Self {
        Self {
            witnesses: None,
            authority: None,
            every: Duration::from_secs(1),
            evidence: PathBuf::new(),
        }
    }

    fn is_plain(&self) -> bool {
        self.witnesses.is_none() && self.authority.is_none()
    }
}

impl Publisher {
    /// Publishes ledgers of this store; witnesses are asked through `http`.
    #[must_use]
    pub fn new(store: EventStore, publishing: Publishing, http: reqwest::Client) -> Self {
        let inner = Arc::new(Inner {
            store,
            publishing,
            http,
        });
        Self { inner }
    }

    /// The store whose ledgers these are.
    #[must_use]
    pub fn store(&self) -> &EventStore {
        &self.inner.store
    }

    /// Whether there is nothing to [`run`](Self::run): with neither witnesses nor an authority a commit
    /// publishes by itself.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.inner.publishing.is_plain()
    }

    /// What an auditor has to trust: the ledger's keys, and the witnesses with their quorum.
    ///
    /// # Errors
    /// If the database is away, or a stored key is malformed.
    pub async fn policy(&self, ledger: &LedgerInfo) -> Result<Policy, PublishError> {
        let keys = self.store().keys(ledger.id).await?;
        Ok(match &self.inner.publishing.witnesses {
            Some(witnesses) => witnesses.policy(&keys)?,
            None => Policy::of_keys(&keys),
        })
    }

    /// The newest published checkpoint; `None` if there is none yet.
    ///
    /// # Errors
    /// If the database is away, or the stored checkpoint does not verify.
    pub async fn published(&self, ledger: &LedgerInfo) -> Result<Option<Published>, StoreError> {
        if self.inner.publishing.is_plain() {
            let newest = self.store().last_checkpoint(ledger).await?;
            return Ok(newest.map(|checkpoint| Published {
                checkpoint,
                timestamp: None,
                at: None,
            }));
        }
        let Some(row) = Row::newest(self.store(), ledger.id).await? else {
            return Ok(None);
        };
        let keys = self.store().keys(ledger.id).await?;
        let checkpoint = LogVerifier::of(&keys)
            .and_then(|verifier| verifier.verify(row.note.as_bytes()))
            .map_err(|e| StoreError::Fatal(format!("a published checkpoint: {e}")))?;
        Ok(Some(Published {
            checkpoint,
            timestamp: row.timestamp,
            at: Some(row.published_at),
        }))
    }

    /// How far the published checkpoint is behind.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn lag(&self, ledger: &LedgerInfo) -> Result<Lag, StoreError> {
        let published = match self.published(ledger).await? {
            Some(published) => published.checkpoint.size,
            None => 0,
        };
        let entries = self
            .store()
            .size(ledger.id)
            .await?
            .saturating_sub(published);
        let since = sqlx::query_scalar(include_str!("../sql/unpublished_since.sql"))
            .bind(ledger.id.0)
            .bind(stored(published))
            .fetch_optional(self.store().pool())
            .await?;
        Ok(Lag { entries, since })
    }
}

/// A row of `published`.
#[derive(sqlx::FromRow)]
struct Row {
    size: i64,
    note: String,
    timestamp: Option<Vec<u8>>,
    published_at: DateTime<Utc>,
}

impl Row {
    async fn newest(store: &EventStore, ledger: LedgerId) -> Result<Option<Self>, StoreError> {
        let newest = sqlx::query_as(include_str!("../sql/published.sql"));
        Ok(newest.bind(ledger.0).fetch_optional(store.pool()).await?)
    }
}
