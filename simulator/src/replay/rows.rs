//! Rows of a file, one at a time, as readings of devices.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

use chrono::{DateTime, Utc};
use csv::{ErrorKind, Reader, ReaderBuilder, StringRecord, Terminator, Trim};

use super::mapping::{Column, ColumnMapping, Mapping};
use crate::batch::{Quality, Reading, Value};
use crate::slug::Slug;

const BOM: char = '\u{feff}';

/// What the devices reported at one moment.
#[derive(Debug)]
pub struct Row {
    /// The row's time.
    pub at: DateTime<Utc>,
    /// Readings by device; empty cells give none.
    pub readings: BTreeMap<Slug, Vec<Reading>>,
}

/// A row that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRow {
    /// Line of the file, counted from 1.
    pub line: u64,
    /// What is wrong.
    pub reason: String,
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

/// Why rows do not come.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// This row only; the next may be good.
    #[error("{0}")]
    Bad(BadRow),
    /// The mapping names a column that the file does not have.
    #[error("the file has no column {0}; its header is: {1}")]
    NoColumn(String, String),
    /// The file cannot be read any further.
    #[error("the file cannot be read: {0}")]
    File(#[from] csv::Error),
}

/// Reads a file a row at a time: memory does not grow with its length.
pub struct Rows<R> {
    reader: Reader<R>,
    mapping: Mapping,
    /// Index of each mapped column, and of the time.
    places: Vec<usize>,
    time_place: Option<usize>,
    record: StringRecord,
    /// Data rows so far, bad ones too: a bad row must not shift the others' times.
    count: u64,
}

impl<R: Read> Rows<R> {
    /// Opens a file by its mapping.
    ///
    /// # Errors
    /// When the header cannot be read or lacks a mapped column.
    pub fn open(file: R, mapping: Mapping) -> Result<Self, RowError> {
        let delimiter = u8::try_from(mapping.file.delimiter).unwrap_or(b',');
        let mut reader = ReaderBuilder::new()
            .has_headers(mapping.file.header)
            .delimiter(delimiter)
            // The crate's CRLF mode counts lines one short; trimming takes the \r.
            .terminator(Terminator::Any(b'\n'))
            .trim(Trim::All)
            .from_reader(file);
        let header = if mapping.file.header {
            reader.headers()?.clone()
        } else {
            StringRecord::new()
        };
        let find = |column: &Column| place(&header, column);
        let places = mapping
            .columns
            .iter()
            .map(|c| find(&c.column))
            .collect::<Result<_, _>>()?;
        let time_place = mapping.time.column().map(find).transpose()?;
        Ok(Self {
            reader,
            mapping,
            places,
            time_place,
            record: StringRecord::new(),
            count: 0,
        })
    }

    /// The next row; `None` at the end.
    ///
    /// # Errors
    /// [`RowError::Bad`] for a row to skip; anything else is the end.
    pub fn next_row(&mut self) -> Option<Result<Row, RowError>> {
        let read = self.reader.read_record(&mut self.record);
        let n = self.count;
        self.count += 1;
        match read {
            Ok(false) => None,
            Ok(true) => Some(self.row(n).map_err(|reason| self.bad(reason))),
            Err(error) => Some(Err(self.broken(error))),
        }
    }

    fn row(&self, n: u64) -> Result<Row, String> {
        let text = self
            .time_place
            .map_or("", |place| cell(&self.record, place));
        let time = self.mapping.time.time(n, text);
        let at = time.ok_or_else(|| format!("`{text}` is no time of the mapping's format"))?;
        let mut readings: BTreeMap<Slug, Vec<Reading>> = BTreeMap::new();
        for (column, &place) in self.mapping.columns.iter().zip(&self.places) {
            if let Some(reading) = reading(column, at, cell(&self.record, place))? {
                readings
                    .entry(column.device.clone())
                    .or_default()
                    .push(reading);
            }
        }
        Ok(Row { at, readings })
    }

    fn bad(&self, reason: String) -> RowError {
        let line = self.record.position().map_or(0, csv::Position::line);
        RowError::Bad(BadRow { line, reason })
    }

    /// Rows of a wrong length or encoding are bad; a failing disk is the end.
    fn broken(&self, error: csv::Error) -> RowError {
        let reason = match error.kind() {
            ErrorKind::UnequalLengths {
                expected_len, len, ..
            } => {
                format!("{len} fields instead of {expected_len}")
            }
            ErrorKind::Utf8 { err, .. } => format!("not UTF-8: {err}"),
            _ => return RowError::File(error),
        };
        let line = error
            .position()
            .map_or_else(|| self.reader.position().line(), csv::Position::line);
        RowError::Bad(BadRow { line, reason })
    }
}

/// A field; a byte order mark before the first one is no part of it.
fn cell(record: &StringRecord, place: usize) -> &str {
    record.get(place).unwrap_or("").trim_start_matches(BOM)
}

fn place(header: &StringRecord, column: &Column) -> Result<usize, RowError> {
    match column {
        Column::Number(number) => Ok(number - 1),
        Column::Name(name) => {
            let found = (0..header.len()).find(|&i| cell(header, i) == name);
            let names = || header.iter().collect::<Vec<_>>().join(", ");
            found.ok_or_else(|| RowError::NoColumn(name.clone(), names()))
        }
    }
}

/// `None` for an empty cell: nothing was measured.
fn reading(
    column: &ColumnMapping,
    at: DateTime<Utc>,
    text: &str,
) -> Result<Option<Reading>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let number = text.parse::<f64>().ok().map(|number| number * column.scale);
    let Some(number) = number.filter(|number| number.is_finite()) else {
        return Err(format!("`{text}` for {} is no number", column.metric));
    };
    Ok(Some(Reading {
        metric: column.metric.clone().into(),
        at,
        value: Value::Number(number),
        unit: column.unit.clone().into(),
        quality: Quality::Good,
    }))
}
