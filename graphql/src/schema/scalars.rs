//! Scalars of our own.

use async_graphql::{InputValueError, InputValueResult, Number, Scalar, ScalarType, Value};
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use sealrock_domain::MAX_SAFE_INTEGER;

/// A moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Time(pub(crate) DateTime<Utc>);

/// A time as RFC 3339 in UTC with microseconds, such as `2026-11-21T03:12:45.120000Z`. As input, any
/// offset is read.
#[Scalar(
    name = "DateTime",
    specified_by_url = "https://scalars.graphql.org/andimarek/date-time.html"
)]
impl ScalarType for Time {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else {
            return Err(InputValueError::expected_type(value));
        };
        let time = DateTime::parse_from_rfc3339(text).map_err(|error| {
            format!("{text:?} is not an RFC 3339 time such as 2026-11-21T03:12:45Z: {error}")
        })?;
        Ok(Self(time.to_utc()))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

impl From<DateTime<Utc>> for Time {
    fn from(time: DateTime<Utc>) -> Self {
        Self(time)
    }
}

/// A day of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Day(pub(crate) NaiveDate);

/// A calendar day as RFC 3339 full-date, such as `2026-11-21`: the day from midnight to midnight UTC.
#[Scalar(
    name = "Date",
    specified_by_url = "https://scalars.graphql.org/andimarek/local-date.html"
)]
impl ScalarType for Day {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else {
            return Err(InputValueError::expected_type(value));
        };
        let problem =
            || InputValueError::custom(format!("{text:?} is not a day such as 2026-11-21"));
        let written_in_full = text.len() == 10;
        let day = text.parse().ok().filter(|_| written_in_full);
        day.map(Self).ok_or_else(problem)
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

impl From<NaiveDate> for Day {
    fn from(day: NaiveDate) -> Self {
        Self(day)
    }
}

/// A number of things, or the place of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) u64);

/// A count from zero as a JSON number, such as an entry's index in its ledger. It outgrows the 32 bits
/// of `Int`; at most 2^53 − 1.
#[Scalar(name = "Count")]
impl ScalarType for Count {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::Number(number) = &value else {
            return Err(InputValueError::expected_type(value));
        };
        let count = number.as_u64().filter(|count| *count <= MAX_SAFE_INTEGER);
        let problem = || {
            InputValueError::custom(format!("{number} is not a whole number from 0 to 2^53 - 1"))
        };
        count.map(Self).ok_or_else(problem)
    }

    fn to_value(&self) -> Value {
        Value::Number(Number::from(self.0))
    }
}

impl From<u64> for Count {
    fn from(count: u64) -> Self {
        Self(count)
    }
}

impl From<sealrock_ledger::Index> for Count {
    fn from(index: sealrock_ledger::Index) -> Self {
        Self(index.0)
    }
}
