//! Rows of one table in order, a batch at a time, several tables side by side in one snapshot.

use std::collections::VecDeque;

use sealrock_eventstore::{LedgerId, StoreError};
use sqlx::postgres::PgRow;
use sqlx::{Executor, FromRow, PgConnection};

/// A cursor of the database, read in batches.
pub(super) struct Cursor<R> {
    fetch: String,
    rows: VecDeque<R>,
    ended: bool,
}

impl<R: for<'r> FromRow<'r, PgRow> + Send + Unpin> Cursor<R> {
    /// `sql` names the ledger as `$ledger`: DECLARE takes no parameters, and an id is a number.
    pub(super) async fn open(
        connection: &mut PgConnection,
        name: &str,
        batch: u32,
        sql: &str,
        ledger: LedgerId,
    ) -> Result<Self, StoreError> {
        let sql = sql.replace("$ledger", &ledger.0.to_string());
        let declare = format!("DECLARE {name} NO SCROLL CURSOR FOR {sql}");
        connection.execute(declare.as_str()).await?;
        let fetch = format!("FETCH {batch} FROM {name}");
        Ok(Self {
            fetch,
            rows: VecDeque::new(),
            ended: false,
        })
    }

    pub(super) async fn peek(&mut self, c: &mut PgConnection) -> Result<Option<&R>, StoreError> {
        if self.rows.is_empty() && !self.ended {
            self.rows = sqlx::query_as(&self.fetch).fetch_all(c).await?.into();
            self.ended = self.rows.is_empty();
        }
        Ok(self.rows.front())
    }

    pub(super) async fn next(&mut self, c: &mut PgConnection) -> Result<Option<R>, StoreError> {
        self.peek(c).await?;
        Ok(self.rows.pop_front())
    }

    /// The next row, if it fits.
    pub(super) async fn next_if(
        &mut self,
        c: &mut PgConnection,
        fits: impl Fn(&R) -> bool,
    ) -> Result<Option<R>, StoreError> {
        let fits = self.peek(c).await?.is_some_and(fits);
        Ok(if fits { self.rows.pop_front() } else { None })
    }
}
