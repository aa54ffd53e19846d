//! Going on with a database that was restored, moved or failed over to.

use sqlx::PgTransaction;

use super::head::{self, Cluster, Locked};
use super::{Writer, persist};
use crate::error::AppendError;
use crate::history::{History, Witnessed};
use crate::reader;

/// What was found of a ledger that now goes on here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adopted {
    /// Entries that are here.
    pub size: u64,
    /// What the stored history was held against, with the number of entries that each speaks of.
    pub held_against: Vec<(String, u64)>,
}

impl Writer {
    /// Makes this Postgres the one that the ledger is written on, if everything that is known to be
    /// signed is here.
    pub(crate) async fn adopt(&mut self, copies: &[Witnessed]) -> Result<Adopted, AppendError> {
        let mut tx = self.pool.begin_with(persist::BEGIN).await?;
        let locked = head::lock(&mut tx, self.ledger.id).await?;
        locked.require_open(&self.ledger.name)?;
        let adopted = self.held_against(&mut tx, &locked, copies).await?;
        self.store_cluster(&mut tx, locked.here).await?;
        tx.commit().await?;
        Ok(adopted)
    }

    /// That a ledger could be appended to here and now, without appending anything.
    pub(crate) async fn probe(&mut self) -> Result<(), AppendError> {
        let mut tx = self.pool.begin_with(persist::BEGIN).await?;
        let (mut standing, _) = self.lock(&mut tx, false).await?;
        // What was signed when the head was moved there says the same.
        let (size, root) = (standing.end.head.size(), standing.end.head.root);
        standing.keys.sign(size, root).await?;
        tx.rollback().await?;
        Ok(())
    }

    /// That the stored history holds this signed note. One that is ahead is kept as the last that is
    /// known, so that no later start signs without it.
    pub(crate) async fn require_holds(&mut self, witnessed: &Witnessed) -> Result<(), AppendError> {
        let mut tx = self.pool.begin_with(persist::BEGIN).await?;
        let locked = head::lock(&mut tx, self.ledger.id).await?;
        let keys = reader::keys(&mut *tx, self.ledger.id).await?;
        let history = History {
            ledger: &self.ledger,
            keys: &keys,
            size: locked.head.size(),
            folder: self.keys.folder(),
        };
        match history.require_holds(&mut tx, witnessed).await {
            Ok(_) => Ok(()),
            Err(doubt) => {
                self.guard.keep_if_ahead(&keys, witnessed, &doubt);
                Err(doubt.into())
            }
        }
    }

    async fn held_against(
        &self,
        tx: &mut PgTransaction<'_>,
        locked: &Locked,
        copies: &[Witnessed],
    ) -> Result<Adopted, AppendError> {
        let keys = reader::keys(&mut **tx, self.ledger.id).await?;
        let history = History {
            ledger: &self.ledger,
            keys: &keys,
            size: locked.head.size(),
            folder: self.keys.folder(),
        };
        history.require_whole(tx).await?;
        let mut held_against = Vec::new();
        for witnessed in self.guard.witnessed()?.iter().chain(copies) {
            let held = history.require_holds(tx, witnessed).await?;
            held_against.push((witnessed.place.clone(), held.size));
        }
        if held_against.is_empty() && history.size > 0 {
            let name = &self.ledger.name;
            return Err(AppendError::Invalid(format!(
                "nothing outside this database says how far ledger {name} had come: put \
                 {name}.last back beside its key, or name an export or a checkpoint that you kept, \
                 by `sealrock ledger adopt {name} --copy <directory or file>`"
            )));
        }
        Ok(Adopted {
            size: history.size,
            held_against,
        })
    }

    async fn store_cluster(
        &self,
        tx: &mut PgTransaction<'_>,
        here: Cluster,
    ) -> Result<(), AppendError> {
        sqlx::query(
            "UPDATE ledger_heads SET system_identifier = $2, timeline = $3 WHERE ledger_id = $1",
        )
        .bind(self.ledger.id.0)
        .bind(here.system_identifier)
        .bind(here.timeline)
        .execute(&mut **tx)
        .await?;
        Ok(())
    }
}
