//! What operators do with a ledger's keys, its clock and its whereabouts.

use std::path::PathBuf;

use crate::append::Appended;
use crate::error::AppendError;
use crate::history::Witnessed;
use crate::ledgers::LedgerInfo;
use crate::store::EventStore;
use crate::witnessed::copy_of;
use crate::writer::{Adopted, Change, Operator};

impl EventStore {
    /// Lets a second key sign too: one that was prepared for it, or else a new one.
    ///
    /// **Crash**: the key is durable before the ledger names it; one that the ledger does not name
    /// yet is taken by the next attempt. From the commit that holds `LogKeyRotated` on, every
    /// checkpoint bears both signatures; other processes notice at their next append, and stop with
    /// the way out if they lack the new key.
    ///
    /// # Errors
    /// [`AppendError::Invalid`] if a rotation is under way; otherwise as [`EventStore::append`].
    pub async fn rotate_key(
        &self,
        ledger: &LedgerInfo,
        by: Operator,
    ) -> Result<Appended, AppendError> {
        let known = self.keys(ledger.id).await?;
        let key = self.unused_key(&ledger.name, &ledger.origin, known).await?;
        self.change(ledger, Change::Rotate(key), by).await
    }

    /// Ends a rotation: the older key signs no more. It need not be there any longer.
    ///
    /// # Errors
    /// [`AppendError::Invalid`] if only one key is in use; otherwise as [`EventStore::append`].
    pub async fn retire_key(
        &self,
        ledger: &LedgerInfo,
        by: Operator,
    ) -> Result<Appended, AppendError> {
        self.change(ledger, Change::Retire, by).await
    }

    /// Goes on at once after a clock that ran ahead wrote the last entry: `recorded_at` then stays
    /// at that entry's until the clock has passed it. All processes honour it, and only for that
    /// entry. A clock that is off Postgres' or has jumped is refused as ever.
    ///
    /// # Errors
    /// [`AppendError::Invalid`] if the clock is not behind; otherwise as [`EventStore::append`].
    pub async fn correct_clock(
        &self,
        ledger: &LedgerInfo,
        reason: String,
        by: Operator,
    ) -> Result<Appended, AppendError> {
        self.change(ledger, Change::CorrectClock { reason }, by)
            .await
    }

    /// Makes this Postgres the one that the ledger is written on, after a failover, a restore or a
    /// move: if everything that is known to be signed is stored here, by `<ledger>.last` and by
    /// these copies (exports, or checkpoints in files).
    ///
    /// # Errors
    /// [`AppendError::Fatal`] if entries are missing or other ones were signed, with which and the
    /// way out; [`AppendError::Invalid`] if nothing is known outside this database, or a copy cannot
    /// be read.
    pub async fn adopt(
        &self,
        ledger: &LedgerInfo,
        copies: &[PathBuf],
    ) -> Result<Adopted, AppendError> {
        let copies = copies
            .iter()
            .map(|path| copy_of(path))
            .collect::<Result<Vec<_>, _>>()?;
        let mut writer = self.own_writer(ledger);
        let adopted = writer.adopt(&copies).await;
        writer.finish().await;
        adopted
    }

    /// Whether the ledger could be appended to now: its history, the clock and the keys. Nothing is
    /// appended.
    ///
    /// # Errors
    /// What an append would be answered with.
    pub async fn require_signable(&self, ledger: &LedgerInfo) -> Result<(), AppendError> {
        let mut writer = self.own_writer(ledger);
        let probed = writer.probe().await;
        writer.finish().await;
        probed
    }

    /// That a signed checkpoint which somebody else holds (a witness, an auditor) is stored here:
    /// its tree is the beginning of this one. `place` says where it comes from.
    ///
    /// # Errors
    /// [`AppendError::Fatal`] if it is ahead or of another history: then this process signs nothing
    /// more of this ledger, and no process that starts from now on beside these keys.
    pub async fn require_not_behind(
        &self,
        ledger: &LedgerInfo,
        place: &str,
        note: &str,
    ) -> Result<(), AppendError> {
        let witnessed = Witnessed {
            place: place.to_owned(),
            note: note.to_owned(),
        };
        let mut writer = self.own_writer(ledger);
        let held = writer.require_holds(&witnessed).await;
        writer.finish().await;
        if let Err(error @ AppendError::Fatal(_)) = &held {
            self.stop(ledger.id, &error.to_string());
        }
        held
    }

    async fn change(
        &self,
        ledger: &LedgerInfo,
        change: Change,
        by: Operator,
    ) -> Result<Appended, AppendError> {
        let mut writer = self.own_writer(ledger);
        let changed = writer.change(change, by).await;
        writer.finish().await;
        changed
    }
}
