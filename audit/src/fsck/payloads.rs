//! The payload tables against the entries' commitments, and against what entries erase.

use chrono::NaiveDate;
use sealrock_eventstore::{Erasure, IndexSet, LedgerId, LedgerInfo, StoreError, readable_erasures};
use sealrock_ledger::{Entry, Index, Payload};
use sqlx::{Executor, PgConnection};

use super::cursor::Cursor;
use super::entries::EventRow;
use super::finding::{Code, Findings};

/// Streams of batches; the payloads of all others are kept for ever.
const TELEMETRY: &str = "telemetry/";

#[derive(sqlx::FromRow)]
struct Row {
    index: i64,
    /// Of a row of `batch_payloads`.
    day: Option<NaiveDate>,
    media: String,
    salt: Vec<u8>,
    bytes: Vec<u8>,
}

/// The two tables, each in the order of the ledger.
pub(super) struct Payloads {
    tables: [Cursor<Row>; 2],
    /// Entries that erase, each with what it erases.
    erasures: Vec<(Index, IndexSet)>,
    /// All that is erased.
    erased: IndexSet,
}

impl Payloads {
    pub(super) async fn open(
        c: &mut PgConnection,
        ledger: &LedgerInfo,
    ) -> Result<Self, StoreError> {
        let erasures: Vec<(Index, IndexSet)> = readable_erasures(c, ledger)
            .await?
            .into_iter()
            .filter_map(permitted)
            .collect();
        let erased = erasures.iter().flat_map(|(_, set)| set.ranges()).collect();
        let ledger = ledger.id;
        let kept = include_str!("../sql/fsck_payloads.sql");
        let batches = include_str!("../sql/fsck_batch_payloads.sql");
        // By the index of the table: to sort, the server would copy all payloads to its disk first.
        c.execute("SET LOCAL enable_sort = off").await?;
        // A payload may have 1 MiB: few at a time.
        let tables = [
            Cursor::open(c, "payloads_in_order", 32, kept, ledger).await?,
            Cursor::open(c, "batches_in_order", 32, batches, ledger).await?,
        ];
        c.execute("SET LOCAL enable_sort = on").await?;
        Ok(Self {
            tables,
            erasures,
            erased,
        })
    }

    /// Checks what stands for one entry; `entry` is `None` where it cannot be trusted.
    pub(super) async fn check(
        &mut self,
        c: &mut PgConnection,
        event: &EventRow,
        entry: Option<&Entry>,
        findings: &mut Findings,
    ) -> Result<(), StoreError> {
        let index = event.index();
        let erased = self.erased_by(event);
        let mut found = 0;
        while let Some(row) = self.next_up_to(c, index).await? {
            if row.index() < index {
                row.stray(findings);
                continue;
            }
            found += 1;
            if found > 1 {
                row.add(
                    Code::PayloadMisplaced,
                    "the entry has another payload as well",
                    findings,
                );
            } else if let Some(by) = erased {
                let cause = format!("entry {by} erases it, and it is still there");
                row.add(Code::ErasureUnfinished, cause, findings);
            } else {
                row.check(event, entry, findings);
            }
        }
        if found == 0 && erased.is_none() {
            let cause = "the entry has no payload, and no entry of the ledger erases it";
            findings.at(
                Code::PayloadMissing,
                table(&event.stream),
                (index, index),
                cause,
            );
        }
        Ok(())
    }

    pub(super) async fn ends(
        &mut self,
        c: &mut PgConnection,
        ledger: LedgerId,
        findings: &mut Findings,
    ) -> Result<(), StoreError> {
        while let Some(row) = self.next_up_to(c, u64::MAX).await? {
            row.stray(findings);
        }
        let finished: Vec<i64> =
            sqlx::query_scalar("SELECT index FROM erasures WHERE ledger_id = $1 ORDER BY index")
                .bind(ledger.0)
                .fetch_all(c)
                .await?;
        for index in finished.into_iter().map(i64::cast_unsigned) {
            if !self.erasures.iter().any(|(by, _)| by.0 == index) {
                let cause = "no entry of that index erases payloads";
                findings.at(Code::ErasureStray, "erasures", (index, index), cause);
            }
        }
        Ok(())
    }

    /// The entry that erases this one's payload. Only those of telemetry can be erased.
    fn erased_by(&self, event: &EventRow) -> Option<Index> {
        let index = Index(event.index());
        if !event.stream.starts_with(TELEMETRY) || !self.erased.contains(index) {
            return None;
        }
        let by = self.erasures.iter().find(|(_, set)| set.contains(index));
        by.map(|(by, _)| *by)
    }

    /// A row of either table, up to that index.
    async fn next_up_to(
        &mut self,
        c: &mut PgConnection,
        index: u64,
    ) -> Result<Option<Row>, StoreError> {
        for table in &mut self.tables {
            if let Some(row) = table.next_if(c, |row| row.index() <= index).await? {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }
}

/// What an entry erases: payloads before it, and only if no device wrote it.
fn permitted(erasure: Erasure) -> Option<(Index, IndexSet)> {
    let by = erasure.index;
    let before = erasure.payloads.iter().all(|range| range.last < by);
    (before && !erasure.actor.starts_with("device/"))
        .then(|| (by, erasure.payloads.into_iter().collect()))
}

impl Row {
    fn index(&self) -> u64 {
        self.index.cast_unsigned()
    }

    fn table(&self) -> &'static str {
        if self.day.is_some() {
            "batch_payloads"
        } else {
            "payloads"
        }
    }

    fn stray(&self, findings: &mut Findings) {
        self.add(
            Code::PayloadStray,
            "there is no entry of that index",
            findings,
        );
    }

    fn add(&self, code: Code, cause: impl Into<String>, findings: &mut Findings) {
        findings.at(code, self.table(), (self.index(), self.index()), cause);
    }

    fn check(&self, event: &EventRow, entry: Option<&Entry>, findings: &mut Findings) {
        // The columns of a row whose entry cannot be read are the next best.
        let stream = entry.map_or(&event.stream, |entry| &entry.stream);
        let recorded_at = entry.map_or(event.recorded_at, |entry| entry.recorded_at);
        if self.table() != table(stream) {
            let cause = format!("the payloads of {stream} stand in {}", table(stream));
            self.add(Code::PayloadMisplaced, cause, findings);
        } else if self.day.is_some_and(|day| day != recorded_at.date_naive()) {
            let cause = format!("its day is not that of recorded_at, {recorded_at}");
            self.add(Code::PayloadMisplaced, cause, findings);
        }
        if let Some(Err(cause)) = entry.map(|entry| self.fits(entry)) {
            self.add(Code::PayloadChanged, cause, findings);
        }
    }

    fn fits(&self, entry: &Entry) -> Result<(), String> {
        let length = self.salt.len();
        let salt = self.salt.as_slice().try_into();
        let salt = salt.map_err(|_| format!("its salt has {length} bytes, not 16"))?;
        if self.media.len() > 255 {
            return Err(format!(
                "its media type has {} bytes, at most 255",
                self.media.len()
            ));
        }
        let payload = Payload {
            media: self.media.clone(),
            salt,
            bytes: self.bytes.clone(),
        };
        if payload.commitment() == entry.payload {
            Ok(())
        } else {
            Err("salt, media type and bytes are not what the entry commits to".into())
        }
    }
}

fn table(stream: &str) -> &'static str {
    if stream.starts_with(TELEMETRY) {
        "batch_payloads"
    } else {
        "payloads"
    }
}
