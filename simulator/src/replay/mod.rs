//! Plays recorded data: a CSV file, read a row at a time, through a column mapping.

mod mapping;
mod rows;
mod run;

pub use mapping::{BadRows, Column, ColumnMapping, Mapping, MappingError};
pub use rows::{BadRow, Row, RowError, Rows};
pub use run::{ReplayError, ReplayOptions, ReplayReport, replay};
