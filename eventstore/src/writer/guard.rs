//! Before a writer signs for the first time on a Postgres, and again after anything went wrong: is
//! this database the one whose history was signed?

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sealrock_ledger::{Checkpoint, KeyRange, LogVerifier};
use sqlx::PgTransaction;

use super::head::Locked;
use crate::error::AppendError;
use crate::history::{Doubt, History, Reason, Witnessed};
use crate::keys::KeySource;
use crate::last::{LastFile, LastKeeper};
use crate::ledgers::{LedgerId, LedgerInfo};
use crate::stops::Stops;

/// What a writer knows of a ledger from outside the database.
pub(super) struct Guard {
    file: LastFile,
    keeper: LastKeeper,
    /// The newest checkpoint that this writer committed.
    newest: Option<Checkpoint>,
    /// When the Postgres was started on which all was found right.
    passed_on: Option<DateTime<Utc>>,
    stops: Arc<Stops>,
}

impl Guard {
    pub(super) fn new(keys: &Arc<dyn KeySource>, ledger: &LedgerInfo, stops: Arc<Stops>) -> Self {
        let file = LastFile::new(keys.folder(), &ledger.name);
        Self {
            keeper: LastKeeper::start(file.clone(), ledger.id, Arc::clone(&stops)),
            file,
            newest: None,
            passed_on: None,
            stops,
        }
    }

    /// That the stored history holds everything that is known to be signed, here and on the Postgres
    /// that wrote it. Looked at once, and again after [`Guard::doubt`], where the head went back, or
    /// on another Postgres: the pool replaces dead connections without a word, so an idle writer
    /// would not notice that the database was exchanged.
    pub(super) async fn check(
        &mut self,
        tx: &mut PgTransaction<'_>,
        ledger: &LedgerInfo,
        locked: &Locked,
        keys: &[KeyRange],
    ) -> Result<(), AppendError> {
        if let Some(reason) = self.stops.reason(ledger.id) {
            return Err(AppendError::Fatal(reason));
        }
        if self.passed_on == Some(locked.started) && !self.went_back(locked) {
            return locked.require_same_cluster(&ledger.name);
        }
        self.passed_on = None;
        let history = History {
            ledger,
            keys,
            size: locked.head.size(),
            folder: self.file.folder(),
        };
        history.require_whole(tx).await?;
        for witnessed in self.witnessed()? {
            history.require_holds(tx, &witnessed).await?;
        }
        locked.require_same_cluster(&ledger.name)?;
        self.passed_on = Some(locked.started);
        Ok(())
    }

    /// Whether all was found right on the Postgres that was started then, and nothing is known against
    /// it since.
    pub(super) fn is_content(&self, ledger: LedgerId, started: DateTime<Utc>) -> bool {
        self.passed_on == Some(started) && self.stops.reason(ledger).is_none()
    }

    /// Something went wrong: Postgres may have been exchanged for another state of it.
    pub(super) fn doubt(&mut self) {
        self.passed_on = None;
    }

    pub(super) fn committed(&mut self, checkpoint: Checkpoint) {
        self.keeper.committed(checkpoint.clone());
        self.newest = Some(checkpoint);
    }

    /// Returns when the newest checkpoint is kept outside the database.
    pub(super) async fn finish(self) {
        self.keeper.finish().await;
    }

    /// Keeps a checkpoint that somebody else holds and this database lacks as the last one known.
    pub(super) fn keep_if_ahead(&self, keys: &[KeyRange], witnessed: &Witnessed, doubt: &Doubt) {
        let verified = LogVerifier::of(keys).and_then(|v| v.verify(witnessed.note.as_bytes()));
        if let (Reason::Lost { .. }, Ok(checkpoint)) = (&doubt.reason, verified) {
            self.keeper.committed(checkpoint);
        }
    }

    /// Whether the head row is behind what this writer committed, or has another root there.
    fn went_back(&self, locked: &Locked) -> bool {
        let (size, root) = (locked.head.size(), locked.head.root);
        let other = |newest: &Checkpoint| {
            size < newest.size || (size == newest.size && root != newest.root)
        };
        self.newest.as_ref().is_some_and(other)
    }

    /// The signed notes that the stored history must hold.
    pub(super) fn witnessed(&self) -> Result<Vec<Witnessed>, AppendError> {
        let path = self.file.path().display().to_string();
        let in_file = self
            .file
            .read()
            .map_err(|e| AppendError::Unavailable(format!("{path}: {e}")))?;
        let in_memory = self.newest.as_ref().map(|newest| Witnessed {
            place: "what this process has recorded".to_owned(),
            note: newest.note.clone(),
        });
        let in_file = in_file.map(|note| Witnessed { place: path, note });
        Ok(in_memory.into_iter().chain(in_file).collect())
    }
}
