//! The table of log keys against the entries that introduce and retire them.

use sealrock_eventstore::{LedgerInfo, StoreError};
use sealrock_ledger::KeyRange;
use sealrock_ledger::record::{LogKeyRetired, LogKeyRotated, Record, stream_of};
use sqlx::PgConnection;

use super::finding::{Code, Findings};

#[derive(sqlx::FromRow)]
struct Row {
    vkey: String,
    from_size: i64,
    through_size: Option<i64>,
}

/// Index, type and payload of an entry about keys.
type Change = (i64, String, Option<Vec<u8>>);

/// The keys by which to verify checkpoints: those that the entries speak of, or those of the table
/// where such an entry cannot be read (which its payload's own check finds).
pub(super) async fn check(
    c: &mut PgConnection,
    ledger: &LedgerInfo,
    findings: &mut Findings,
) -> Result<Vec<KeyRange>, StoreError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT vkey, from_size, through_size FROM log_keys WHERE ledger_id = $1 ORDER BY from_size",
    )
    .bind(ledger.id.0)
    .fetch_all(&mut *c)
    .await?;
    let stored: Vec<KeyRange> = rows.into_iter().map(Row::range).collect();
    let changes: Vec<Change> = sqlx::query_as(include_str!("../sql/fsck_key_changes.sql"))
        .bind(ledger.id.0)
        .bind(stream_of(&ledger.name))
        .bind([LogKeyRotated::KIND, LogKeyRetired::KIND])
        .fetch_all(c)
        .await?;
    let Some(expected) = ranges(ledger, &changes) else {
        return Ok(stored);
    };
    compare(&expected, &stored, findings);
    Ok(expected)
}

impl Row {
    fn range(self) -> KeyRange {
        KeyRange {
            vkey: self.vkey,
            from: self.from_size.cast_unsigned(),
            through: self.through_size.map(i64::cast_unsigned),
        }
    }
}

/// The ledger's first key, and what its entries made of it. A rotation that its keys did not sign
/// introduces nothing.
fn ranges(ledger: &LedgerInfo, changes: &[Change]) -> Option<Vec<KeyRange>> {
    let mut ranges = vec![KeyRange::only(&ledger.vkey)];
    for (index, kind, bytes) in changes {
        let (index, bytes) = (index.cast_unsigned(), bytes.as_deref()?);
        if kind == LogKeyRotated::KIND {
            let rotated: LogKeyRotated = serde_json::from_slice(bytes).ok()?;
            if rotated.verify(&ledger.origin).is_ok() {
                ranges.push(KeyRange {
                    vkey: rotated.to,
                    from: index + 1,
                    through: None,
                });
            }
        } else {
            let retired: LogKeyRetired = serde_json::from_slice(bytes).ok()?;
            let of = ranges.iter_mut().find(|range| range.vkey == retired.vkey);
            if let Some(range) = of {
                range.through = Some(index);
            }
        }
    }
    Some(ranges)
}

fn compare(expected: &[KeyRange], stored: &[KeyRange], findings: &mut Findings) {
    let of = |ranges: &[KeyRange], vkey: &str| ranges.iter().find(|r| r.vkey == vkey).cloned();
    for range in stored {
        let cause = match of(expected, &range.vkey) {
            None => "no entry introduces this key, and it could sign".to_owned(),
            Some(entries) if entries != *range => format!(
                "it signs {}, the entries say {}",
                trees(range),
                trees(&entries)
            ),
            Some(_) => continue,
        };
        findings.add(Code::KeyDiffers, place(range), cause);
    }
    for range in expected {
        if of(stored, &range.vkey).is_none() {
            let cause = format!(
                "the row is missing: by the entries it signs {}",
                trees(range)
            );
            findings.add(Code::KeyDiffers, place(range), cause);
        }
    }
}

fn place(range: &KeyRange) -> String {
    format!("log_keys vkey {}", range.vkey)
}

fn trees(range: &KeyRange) -> String {
    match range.through {
        Some(through) => format!("trees of {} to {through} entries", range.from),
        None => format!("trees of {} entries and more", range.from),
    }
}
