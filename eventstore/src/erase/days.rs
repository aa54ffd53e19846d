//! Dropping the partitions of days: those that hold nothing, and those whose payloads are all erased.

use chrono::NaiveDate;
use sealrock_ledger::Index;

use super::{is_in_use, named};
use crate::error::{StoreError, stored};
use crate::ledgers::LedgerInfo;
use crate::store::EventStore;

/// A day of payloads that was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DroppedDay {
    /// Which.
    pub day: NaiveDate,
    /// Payloads that it held, of all ledgers.
    pub payloads: u64,
}

impl EventStore {
    /// Drops the days whose payloads the entries `folded`, all together, erase: as [`erase`](Self::erase)
    /// does, at the cost of looking through the indexes instead of deleting rows. What other days hold
    /// is left for `erase`, which also notes that an erasure is finished. The caller knows that every
    /// read model has folded the entries.
    ///
    /// **Crash contract.** A day a transaction. Which payloads an entry erases is looked up inside it, by
    /// the function of the schema's owner that drops: a day goes only if committed entries name all
    /// that it holds. An entry stays pending until `erase` is done with it.
    ///
    /// # Errors
    /// As [`erase`](Self::erase). A day that somebody uses at this moment is no error: it stays.
    pub async fn drop_erased_days(
        &self,
        folded: &[(LedgerInfo, Index)],
    ) -> Result<Vec<DroppedDay>, StoreError> {
        let mut dropped = Vec::new();
        for day in self.erased_days(folded).await? {
            if let Some(payloads) = self.drop_erased_day(day, folded).await? {
                metrics::counter!("sealrock_payloads_erased_total", "ledger" => "whole days")
                    .increment(payloads);
                dropped.push(DroppedDay { day, payloads });
            }
        }
        Ok(dropped)
    }

    /// Drops the partitions of days whose payloads are all erased, yesterday's and later ones left
    /// out, and answers which. A day that somebody uses at this moment is left for another time.
    ///
    /// # Errors
    /// As [`erase`](Self::erase).
    pub async fn drop_empty_days(&self) -> Result<Vec<NaiveDate>, StoreError> {
        let days: Vec<NaiveDate> = sqlx::query_scalar(include_str!("../sql/batch_days.sql"))
            .fetch_all(self.pool())
            .await?;
        let mut dropped = Vec::new();
        for day in days {
            let mut tx = self.begin_as_eraser().await?;
            let done: Result<bool, sqlx::Error> = sqlx::query_scalar("SELECT drop_batch_day($1)")
                .bind(day)
                .fetch_one(&mut *tx)
                .await;
            match done {
                Ok(true) => {
                    tx.commit().await?;
                    dropped.push(day);
                }
                Ok(false) => {}
                Err(error) if is_in_use(&error) => {
                    tracing::debug!(%day, "an empty day is in use and stays for now");
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(dropped)
    }

    /// The days that payloads of these erasures may be in.
    async fn erased_days(
        &self,
        folded: &[(LedgerInfo, Index)],
    ) -> Result<Vec<NaiveDate>, StoreError> {
        let (mut ledgers, mut firsts, mut lasts) = (Vec::new(), Vec::new(), Vec::new());
        let mut connection = self.pool().acquire().await?;
        for (ledger, entry) in folded {
            for range in named(&mut connection, ledger, *entry).await?.payloads {
                ledgers.push(ledger.id.0);
                firsts.push(stored(range.first.0));
                lasts.push(stored(range.last.0));
            }
        }
        Ok(sqlx::query_scalar(include_str!("../sql/erased_days.sql"))
            .bind(ledgers)
            .bind(firsts)
            .bind(lasts)
            .fetch_all(&mut *connection)
            .await?)
    }

    async fn drop_erased_day(
        &self,
        day: NaiveDate,
        folded: &[(LedgerInfo, Index)],
    ) -> Result<Option<u64>, StoreError> {
        let ledgers: Vec<i32> = folded.iter().map(|(ledger, _)| ledger.id.0).collect();
        let entries: Vec<i64> = folded.iter().map(|(_, entry)| stored(entry.0)).collect();
        let mut tx = self.begin_as_eraser().await?;
        let done: Result<Option<i64>, sqlx::Error> =
            sqlx::query_scalar("SELECT drop_erased_batch_day($1, $2, $3)")
                .bind(day)
                .bind(ledgers)
                .bind(entries)
                .fetch_one(&mut *tx)
                .await;
        match done {
            Ok(Some(payloads)) => {
                tx.commit().await?;
                Ok(Some(payloads.unsigned_abs()))
            }
            Ok(None) => Ok(None),
            Err(error) if is_in_use(&error) => {
                tracing::debug!(%day, "an erased day is in use; its payloads are deleted one by one");
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }
}
