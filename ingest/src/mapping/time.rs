//! When a message says that it was measured.

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use serde_json::value::RawValue;

use super::config::{TimeFormat, TopicMapping};
use super::payload::shown;

/// The time of receipt, as batches spell it.
pub(super) fn of_receipt(received_at: DateTime<Utc>) -> String {
    received_at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// The time of a message, as batches spell it.
pub(super) fn read(
    config: &TopicMapping,
    field: Option<&RawValue>,
    received_at: DateTime<Utc>,
) -> Result<String, String> {
    if config.time == TimeFormat::Received {
        return Ok(of_receipt(received_at));
    }
    let path = &config.fields.time;
    let raw = field.ok_or_else(|| format!("the message has no time in \"{path}\""))?;
    let text = match serde_json::from_str::<String>(raw.get()) {
        Ok(text) => text,
        Err(_) => raw.get().to_owned(),
    };
    let time = match config.time {
        TimeFormat::Seconds => since_1970(&text, 0),
        TimeFormat::Milliseconds => since_1970(&text, 3),
        _ => calendar(&text, config.assume_utc),
    };
    time.ok_or_else(|| {
        let form = match config.time {
            TimeFormat::Seconds => "seconds since 1970",
            TimeFormat::Milliseconds => "milliseconds since 1970",
            _ => "an RFC 3339 time with an offset (or set `assume_utc`)",
        };
        format!("\"{path}\" is \"{}\", not {form}", shown(&text))
    })
}

fn calendar(text: &str, assume_utc: bool) -> Option<String> {
    if DateTime::parse_from_rfc3339(text).is_ok() {
        return Some(text.to_owned());
    }
    let without_offset = text.replacen(' ', "T", 1);
    let fits = assume_utc
        && NaiveDateTime::parse_from_str(&without_offset, "%Y-%m-%dT%H:%M:%S%.f").is_ok();
    fits.then(|| format!("{without_offset}Z"))
}

/// Seconds, or parts of 10^`shift` of them; digits beyond the nanosecond are dropped.
fn since_1970(text: &str, shift: usize) -> Option<String> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let at = whole.len().saturating_sub(shift);
    let (seconds, parts) = whole.split_at(at);
    let parts = format!("{parts:0>shift$}{fraction}");
    let nanos: String = parts.chars().chain("000000000".chars()).take(9).collect();
    let seconds = if seconds.is_empty() {
        0
    } else {
        seconds.parse().ok()?
    };
    let time = DateTime::from_timestamp(seconds, nanos.parse().ok()?)?;
    Some(time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_since_1970_are_exact_to_the_nanosecond() {
        for (text, shift, time) in [
            ("1795230765", 0, "2026-11-21T03:12:45Z"),
            ("1795230765.12", 0, "2026-11-21T03:12:45.120Z"),
            ("1795230765.1234567891", 0, "2026-11-21T03:12:45.123456789Z"),
            ("1795230765120", 3, "2026-11-21T03:12:45.120Z"),
            ("1795230765120.5", 3, "2026-11-21T03:12:45.120500Z"),
            ("5", 3, "1970-01-01T00:00:00.005Z"),
            ("0", 0, "1970-01-01T00:00:00Z"),
        ] {
            assert_eq!(since_1970(text, shift).as_deref(), Some(time), "{text}");
        }
        for text in ["", ".5", "-1", "1e9", "now", "99999999999999999999"] {
            assert_eq!(since_1970(text, 0), None, "{text}");
        }
    }

    #[test]
    fn a_time_without_an_offset_is_taken_for_utc_only_where_that_is_set() {
        let with = "2026-11-21T08:42:45+05:30";
        assert_eq!(calendar(with, false).as_deref(), Some(with));
        assert_eq!(calendar("2026-11-21 03:12:45.5", false), None);
        let taken = calendar("2026-11-21 03:12:45.5", true);
        assert_eq!(taken.as_deref(), Some("2026-11-21T03:12:45.5Z"));
        assert_eq!(calendar("yesterday", true), None);
    }
}
