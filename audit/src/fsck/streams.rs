//! The streams table against the entries.

use std::collections::HashMap;

use sealrock_eventstore::{LedgerId, StoreError};
use sqlx::PgConnection;

use super::cursor::Cursor;
use super::finding::{Code, Findings};

#[derive(sqlx::FromRow)]
struct Row {
    stream: String,
    version: i64,
}

/// Wants one row per stream, with the version of its last entry.
pub(super) async fn check(
    c: &mut PgConnection,
    ledger: LedgerId,
    mut versions: HashMap<String, u64>,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let sql = include_str!("../sql/fsck_streams.sql");
    let mut rows = Cursor::<Row>::open(c, "streams_in_order", 1000, sql, ledger).await?;
    while let Some(Row { stream, version }) = rows.next(c).await? {
        let last = versions.remove(&stream).unwrap_or(0);
        if last != version.cast_unsigned() {
            let cause = format!("it is at version {version}, its last entry at {last}");
            findings.add(
                Code::StreamVersion,
                format!("streams stream {stream}"),
                cause,
            );
        }
    }
    let mut missing: Vec<_> = versions.into_iter().collect();
    missing.sort_unstable();
    for (stream, version) in missing {
        let cause = format!("the row is missing; its last entry is at version {version}");
        findings.add(
            Code::StreamVersion,
            format!("streams stream {stream}"),
            cause,
        );
    }
    Ok(())
}
