//! Rows in the binary format of COPY, the cheapest way into a table.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use sqlx::PgTransaction;
use sqlx::types::Uuid;

/// The signature, no flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// Postgres counts microseconds from 2000-01-01.
const EPOCH_MICROS: i64 = 946_684_800_000_000;
/// 2000-01-01, in days from 0001-01-01, which is day 1.
const EPOCH_DAYS: i32 = 730_120;

/// The type integer in Postgres' catalogue.
const INTEGER_OID: i32 = 23;

fn micros(time: DateTime<Utc>) -> i64 {
    time.timestamp_micros().saturating_sub(EPOCH_MICROS)
}

/// Rows that are being put together.
#[derive(Debug)]
pub(crate) struct CopyRows {
    bytes: Vec<u8>,
    rows: usize,
}

impl CopyRows {
    pub(crate) fn new() -> Self {
        Self {
            bytes: HEADER.to_vec(),
            rows: 0,
        }
    }

    /// Begins a row of so many columns; they follow one by one.
    pub(crate) fn row(&mut self, columns: i16) -> &mut Self {
        self.rows += 1;
        self.bytes.extend_from_slice(&columns.to_be_bytes());
        self
    }

    pub(crate) fn integer(&mut self, value: i32) -> &mut Self {
        self.field(&value.to_be_bytes())
    }

    pub(crate) fn bigint(&mut self, value: i64) -> &mut Self {
        self.field(&value.to_be_bytes())
    }

    pub(crate) fn uuid(&mut self, value: Uuid) -> &mut Self {
        self.field(value.as_bytes())
    }

    pub(crate) fn time(&mut self, value: DateTime<Utc>) -> &mut Self {
        self.bigint(micros(value))
    }

    pub(crate) fn text(&mut self, value: Option<&str>) -> &mut Self {
        self.nullable(value.map(str::as_bytes))
    }

    pub(crate) fn nullable_bigint(&mut self, value: Option<i64>) -> &mut Self {
        self.nullable(value.map(i64::to_be_bytes).as_ref().map(|v| &v[..]))
    }

    /// A day, without its zone.
    pub(crate) fn date(&mut self, value: NaiveDate) -> &mut Self {
        let days = value.num_days_from_ce() - EPOCH_DAYS;
        self.field(&days.to_be_bytes())
    }

    pub(crate) fn double(&mut self, value: Option<f64>) -> &mut Self {
        self.nullable(value.map(f64::to_be_bytes).as_ref().map(|v| &v[..]))
    }

    pub(crate) fn boolean(&mut self, value: Option<bool>) -> &mut Self {
        self.nullable(value.map(|v| [u8::from(v)]).as_ref().map(|v| &v[..]))
    }

    /// An array of one dimension: that, no NULLs, the type integer, its length, its lower bound.
    pub(crate) fn integers(&mut self, values: &[i32]) -> &mut Self {
        let length = i32::try_from(values.len()).unwrap_or(i32::MAX);
        let head = [1, 0, INTEGER_OID, length, 1];
        let elements = values.iter().flat_map(|value| [4, *value]);
        let words = head.into_iter().chain(elements);
        let bytes: Vec<u8> = words.flat_map(i32::to_be_bytes).collect();
        self.field(&bytes)
    }

    /// Sends the rows, if there are any. `sql` is a COPY … FROM STDIN (FORMAT binary).
    pub(crate) async fn send(mut self, tx: &mut PgTransaction<'_>, sql: &str) -> sqlx::Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        self.bytes.extend_from_slice(&(-1_i16).to_be_bytes());
        let mut copy = tx.copy_in_raw(sql).await?;
        copy.send(self.bytes).await?;
        copy.finish().await.map(drop)
    }

    fn nullable(&mut self, value: Option<&[u8]>) -> &mut Self {
        if let Some(value) = value {
            return self.field(value);
        }
        self.bytes.extend_from_slice(&(-1_i32).to_be_bytes());
        self
    }

    /// No field is longer than the batch that it came in.
    fn field(&mut self, value: &[u8]) -> &mut Self {
        let length = i32::try_from(value.len()).unwrap_or(i32::MAX);
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(value);
        self
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

    use super::*;

    type Row = (
        i32,
        i64,
        Uuid,
        String,
        Option<String>,
        DateTime<Utc>,
        DateTime<Utc>,
        NaiveDate,
        Option<f64>,
        Option<bool>,
        Option<i64>,
        Vec<i32>,
    );

    #[tokio::test]
    async fn every_type_comes_back_from_postgres_as_it_was_copied() {
        let database = sealrock_testkit::database().await;
        let mut tx = database.admin_pool.begin().await.unwrap();
        sqlx::query(
            "CREATE TEMP TABLE t (a integer, b bigint, c uuid, d text, e text, f timestamptz, \
             g timestamptz, h date, i double precision, j boolean, k bigint, l integer[])",
        )
        .execute(&mut *tx)
        .await
        .unwrap();
        let time = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let rows: [Row; 2] = [
            (
                -1,
                1 << 40,
                Uuid::from_u128(7),
                "é".to_owned(),
                Some(String::new()),
                time("2026-11-21T03:00:00.123456Z"),
                time("1969-12-31T23:59:59.999999Z"),
                day("1999-12-31"),
                Some(-0.1),
                Some(true),
                Some(-5),
                vec![7, i32::MIN, i32::MAX],
            ),
            (
                7,
                -3,
                Uuid::nil(),
                "x".repeat(70_000),
                None,
                time("0001-01-01T00:00:00Z"),
                time("2000-01-01T00:00:00Z"),
                day("2026-11-21"),
                None,
                None,
                None,
                vec![0],
            ),
        ];
        let mut copy = CopyRows::new();
        for (a, b, c, d, e, f, g, h, i, j, k, l) in &rows {
            copy.row(12)
                .integer(*a)
                .bigint(*b)
                .uuid(*c)
                .text(Some(d))
                .text(e.as_deref())
                .time(*f)
                .time(*g)
                .date(*h)
                .double(*i)
                .boolean(*j)
                .nullable_bigint(*k)
                .integers(l);
        }
        copy.send(&mut tx, "COPY t FROM STDIN (FORMAT binary)")
            .await
            .unwrap();
        let read: Vec<Row> = sqlx::query_as("SELECT * FROM t ORDER BY a")
            .fetch_all(&mut *tx)
            .await
            .unwrap();
        assert_eq!(read, rows);
    }
}
