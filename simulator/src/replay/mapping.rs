//! What the columns of a file mean: a TOML document.

use std::collections::BTreeSet;

use chrono::{DateTime, Days, FixedOffset, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use serde::Deserialize;

use crate::batch::Source;
use crate::slug::Slug;

/// A column mapping. Unknown keys are refused, so a misspelt one is noticed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    #[serde(default)]
    pub(super) file: FileLayout,
    pub(super) time: TimeRule,
    /// The columns that are played; others are left out.
    #[serde(rename = "column")]
    pub columns: Vec<ColumnMapping>,
    /// What the batches say of their origin.
    #[serde(default)]
    pub source: Source,
}

/// What to do with a row that cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BadRows {
    /// Report it and go on.
    #[default]
    Skip,
    /// Report it and stop.
    Stop,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FileLayout {
    pub(super) header: bool,
    pub(super) delimiter: char,
}

impl Default for FileLayout {
    fn default() -> Self {
        Self {
            header: true,
            delimiter: ',',
        }
    }
}

/// A column by its header, or by its number, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Column {
    /// Counted from 1.
    Number(usize),
    /// As in the header, without spaces around it.
    Name(String),
}

/// What one column measures.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnMapping {
    /// Which column.
    pub column: Column,
    /// Name in the platform's catalogue.
    pub metric: String,
    /// Unit of the value after `scale`.
    pub unit: String,
    /// Name of the device that reports it.
    pub device: Slug,
    /// Factor from the file's number to `unit`.
    #[serde(default = "one")]
    pub scale: f64,
}

fn one() -> f64 {
    1.0
}

/// Where a row's time comes from.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum TimeRule {
    Column(TimeColumn),
    Steps(TimeSteps),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TimeColumn {
    pub(super) column: Column,
    /// chrono's strftime.
    format: String,
    /// Of local time to UTC, such as `+09:00`.
    offset: Offset,
    /// 00:00 of a day is written for midnight at its end.
    #[serde(default)]
    midnight_ends_day: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TimeSteps {
    start: DateTime<FixedOffset>,
    step_seconds: u32,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Offset(FixedOffset);

impl TryFrom<String> for Offset {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parsed = text.parse().map(Self);
        parsed.map_err(|_| format!("offset `{text}`: give one such as \"+09:00\""))
    }
}

/// A mapping that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    /// Not the TOML document that is expected.
    #[error("the mapping cannot be read: {0}")]
    Toml(#[from] toml::de::Error),
    /// Nothing to play.
    #[error("the mapping names no [[column]]")]
    NoColumns,
    /// A file without header has no names.
    #[error("column {0:?}: without a header, give the column's number (from 1)")]
    NameWithoutHeader(String),
    /// Columns count from 1.
    #[error("column 0: columns are counted from 1")]
    ColumnZero,
    /// A delimiter that is no single byte.
    #[error("delimiter {0:?}: give one ASCII character")]
    Delimiter(char),
    /// A factor that makes no number.
    #[error("scale {0}: give a number other than 0")]
    Scale(f64),
}

const BUILTIN: &[(&str, &str)] = &[
    (
        "steel-industry-energy",
        include_str!("../../mappings/steel-industry-energy.toml"),
    ),
    (
        "ai4i2020-maintenance",
        include_str!("../../mappings/ai4i2020-maintenance.toml"),
    ),
    (
        "gas-turbine-stack-2015",
        include_str!("../../mappings/gas-turbine-stack-2015.toml"),
    ),
];

impl Mapping {
    /// Reads and checks a mapping.
    ///
    /// # Errors
    /// Names the place in the document, or what does not fit together.
    pub fn parse(text: &str) -> Result<Self, MappingError> {
        let mapping: Self = toml::from_str(text)?;
        mapping.check()?;
        Ok(mapping)
    }

    /// A mapping that comes with the simulator, by the name of the file that it
    /// describes without `.csv`.
    ///
    /// # Panics
    /// Never: a test parses each of them.
    #[must_use]
    pub fn builtin(name: &str) -> Option<Self> {
        let (_, text) = BUILTIN.iter().find(|(builtin, _)| *builtin == name)?;
        Some(Self::parse(text).expect("the project's mappings are tested"))
    }

    /// Names of the mappings that come with the simulator.
    pub fn builtin_names() -> impl Iterator<Item = &'static str> {
        BUILTIN.iter().map(|(name, _)| *name)
    }

    /// The devices that this mapping needs credentials for.
    #[must_use]
    pub fn devices(&self) -> BTreeSet<&Slug> {
        self.columns.iter().map(|column| &column.device).collect()
    }

    fn check(&self) -> Result<(), MappingError> {
        if self.columns.is_empty() {
            return Err(MappingError::NoColumns);
        }
        if !self.file.delimiter.is_ascii() {
            return Err(MappingError::Delimiter(self.file.delimiter));
        }
        let scale = self
            .columns
            .iter()
            .map(|column| column.scale)
            .find(|s| !s.is_normal());
        if let Some(scale) = scale {
            return Err(MappingError::Scale(scale));
        }
        let columns = self.columns.iter().map(|column| &column.column);
        columns
            .chain(self.time.column())
            .try_for_each(|column| self.check_column(column))
    }

    fn check_column(&self, column: &Column) -> Result<(), MappingError> {
        match column {
            Column::Number(0) => Err(MappingError::ColumnZero),
            Column::Name(name) if !self.file.header => {
                Err(MappingError::NameWithoutHeader(name.clone()))
            }
            Column::Number(_) | Column::Name(_) => Ok(()),
        }
    }
}

impl TimeRule {
    pub(super) fn column(&self) -> Option<&Column> {
        match self {
            Self::Column(rule) => Some(&rule.column),
            Self::Steps(_) => None,
        }
    }

    /// Time of data row `n` (from 0) whose time field is `text`.
    pub(super) fn time(&self, n: u64, text: &str) -> Option<DateTime<Utc>> {
        match self {
            Self::Column(rule) => rule.parse(text),
            Self::Steps(steps) => {
                let n = i64::try_from(n).ok()?;
                let offset = TimeDelta::try_seconds(i64::from(steps.step_seconds).checked_mul(n)?)?;
                steps.start.to_utc().checked_add_signed(offset)
            }
        }
    }
}

impl TimeColumn {
    fn parse(&self, text: &str) -> Option<DateTime<Utc>> {
        let local = NaiveDateTime::parse_from_str(text, &self.format).ok()?;
        let ends_day = self.midnight_ends_day && local.time() == NaiveTime::MIN;
        let local = if ends_day {
            local.checked_add_days(Days::new(1))?
        } else {
            local
        };
        Some(local.and_local_timezone(self.offset.0).single()?.to_utc())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed test may panic")]
mod tests {
    use super::*;

    const STEPS: &str = "[time]\nstart = \"2015-01-01T00:00:00Z\"\nstep_seconds = 60\n";

    #[test]
    fn the_projects_mappings_parse() {
        for name in Mapping::builtin_names() {
            let mapping = Mapping::builtin(name).unwrap();
            assert!(!mapping.devices().is_empty(), "{name}");
        }
        assert!(Mapping::builtin("unknown").is_none());
    }

    #[test]
    fn midnight_belongs_to_the_end_of_the_named_day() {
        let mapping = Mapping::builtin("steel-industry-energy").unwrap();
        let time = |text| mapping.time.time(0, text).unwrap().to_rfc3339();
        assert_eq!(time("31/12/2018 23:45"), "2018-12-31T14:45:00+00:00");
        assert_eq!(time("31/12/2018 00:00"), "2018-12-31T15:00:00+00:00");
    }

    #[test]
    fn a_mapping_that_cannot_work_is_refused_with_the_reason() {
        let column = |column: &str| {
            format!(
                "{STEPS}[[column]]\ncolumn = {column}\nmetric = \"flow\"\nunit = \"t/h\"\ndevice = \"d\"\n"
            )
        };
        let refused = |text: &str, reason: &str| {
            let error = Mapping::parse(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        };
        refused(&format!("column = []\n{STEPS}"), "no [[column]]");
        refused(&column("0"), "counted from 1");
        refused(
            &format!("[file]\nheader = false\n{}", column("\"a\"")),
            "without a header",
        );
        refused(&format!("{}scale = 0\n", column("1")), "scale 0");
        refused(&format!("{}typo = 1\n", column("1")), "typo");
        refused(&format!("source = \"real\"\n{}", column("1")), "real");
    }
}
