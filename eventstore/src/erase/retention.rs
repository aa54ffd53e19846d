//! What retention asks the ledgers: which batches are old, and which entries are cited.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sealrock_ledger::Index;
use serde::Deserialize;

use crate::error::{StoreError, index, stored};
use crate::ledgers::LedgerId;
use crate::store::EventStore;

/// Payloads looked through at a time.
const PAGE: i64 = 500;

/// The field by which an event cites its evidence, whatever else it says.
#[derive(Deserialize)]
struct Citing {
    #[serde(default)]
    evidence: Vec<serde_json::Value>,
}

impl EventStore {
    /// Batches of a ledger that were recorded before `before` and whose payload is there, in order,
    /// behind `after`, at most `limit`.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn batches_before(
        &self,
        ledger: LedgerId,
        before: DateTime<Utc>,
        after: Option<Index>,
        limit: u32,
    ) -> Result<Vec<Index>, StoreError> {
        let after = after.map_or(-1, |after| stored(after.0));
        let found: Vec<i64> = sqlx::query_scalar(include_str!("../sql/batches_before.sql"))
            .bind(ledger.0)
            .bind(before)
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(self.pool())
            .await?;
        Ok(found.into_iter().map(index).collect())
    }

    /// Every entry that any event of any ledger cites as its evidence, as `<origin>#<index>`: what
    /// stands in the list `evidence` at the top of a payload in `application/json`.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn cited(&self) -> Result<HashSet<String>, StoreError> {
        let (mut cited, mut behind) = (HashSet::new(), (i32::MIN, i64::MIN));
        loop {
            let page: Vec<(i32, i64, Vec<u8>)> =
                sqlx::query_as(include_str!("../sql/evidence.sql"))
                    .bind(behind.0)
                    .bind(behind.1)
                    .bind(PAGE)
                    .fetch_all(self.pool())
                    .await?;
            let Some((ledger, index, _)) = page.last() else {
                return Ok(cited);
            };
            behind = (*ledger, *index);
            cited.extend(page.iter().flat_map(|(_, _, bytes)| citations(bytes)));
        }
    }
}

/// A payload that is no such object cites nothing.
fn citations(bytes: &[u8]) -> Vec<String> {
    let Ok(Citing { evidence }) = serde_json::from_slice(bytes) else {
        return Vec::new();
    };
    let texts = evidence.into_iter();
    texts
        .filter_map(|cited| Some(cited.as_str()?.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cited_stands_in_a_list_of_that_name_at_the_top() {
        let cited = |text: &str| citations(text.as_bytes());
        assert_eq!(
            cited(r#"{"evidence":["o#1","o#2",3],"tonnes":"1"}"#),
            ["o#1", "o#2"]
        );
        for nothing in [
            r#"{"basis":{"evidence":["o#1"]}}"#,
            r#"{"evidence":"o#1"}"#,
            r#"{"note":"\"evidence\""}"#,
            "[]",
            "evidence",
        ] {
            assert_eq!(cited(nothing), Vec::<String>::new(), "{nothing}");
        }
    }
}
