//! Versions of rows: each change closes the present one and opens the next.

use std::collections::BTreeMap;

use sealrock_eventstore::LedgerId;
use sealrock_ledger::Index;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::PgTransaction;
use sqlx::types::Json;

use super::rows::{Block, MassAccount, Request, Reservation, Span};

/// A row with versions.
pub(super) trait Versioned:
    Clone + Serialize + DeserializeOwned + Send + Sync + Unpin + 'static
{
    /// Reads the present versions of some keys.
    const LOAD: &'static str;
    /// Writes versions; of one that is there, only its end changes.
    const STORE: &'static str;

    fn key(&self) -> &str;
    fn span(&mut self) -> &mut Span;
}

macro_rules! versioned {
    ($($row:ident = $table:literal,)+) => {
        $(impl Versioned for $row {
            const LOAD: &'static str = concat!(
                "SELECT to_jsonb(t) FROM ", $table,
                " t WHERE ledger_id = $1 AND key = ANY ($2) AND to_index IS NULL"
            );
            const STORE: &'static str = concat!(
                "INSERT INTO ", $table, " SELECT (jsonb_populate_record(NULL::", $table,
                ", row || jsonb_build_object('ledger_id', $1::integer))).* ",
                "FROM jsonb_array_elements($2) row ",
                "ON CONFLICT (ledger_id, key, from_index) DO UPDATE SET to_index = excluded.to_index"
            );

            fn key(&self) -> &str {
                &self.key
            }

            fn span(&mut self) -> &mut Span {
                &mut self.span
            }
        })+
    };
}

versioned! {
    MassAccount = "account",
    Reservation = "reservation",
    Request = "request",
    Block = "block",
}

/// The present versions of the rows that a batch touches, and those that it closed.
pub(super) struct Versions<T> {
    open: BTreeMap<String, T>,
    written: Vec<T>,
}

impl<T: Versioned> Versions<T> {
    pub(super) async fn load(
        tx: &mut PgTransaction<'_>,
        ledger: LedgerId,
        keys: &[String],
    ) -> sqlx::Result<Self> {
        let mut open = BTreeMap::new();
        if !keys.is_empty() {
            let rows: Vec<Json<T>> = sqlx::query_scalar(T::LOAD)
                .bind(ledger.0)
                .bind(keys)
                .fetch_all(&mut **tx)
                .await?;
            open.extend(
                rows.into_iter()
                    .map(|Json(row)| (row.key().to_owned(), row)),
            );
        }
        Ok(Self {
            open,
            written: Vec::new(),
        })
    }

    pub(super) fn get(&self, key: &str) -> Option<&T> {
        self.open.get(key)
    }

    /// From `index` on, this is the row of its key.
    pub(super) fn put(&mut self, index: Index, mut row: T) {
        *row.span() = Span::from(index);
        if let Some(mut before) = self.open.insert(row.key().to_owned(), row) {
            before.span().to_index = Some(index);
            self.written.push(before);
        }
    }

    pub(super) async fn store(
        self,
        tx: &mut PgTransaction<'_>,
        ledger: LedgerId,
    ) -> sqlx::Result<()> {
        let rows: Vec<T> = self
            .written
            .into_iter()
            .chain(self.open.into_values())
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        sqlx::query(T::STORE)
            .bind(ledger.0)
            .bind(Json(rows))
            .execute(&mut **tx)
            .await
            .map(drop)
    }
}
