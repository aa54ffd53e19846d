//! Which readings of a batch count.
//!
//! A suspect reading stays in the ledger and in the list of readings, with its reason; it
//! is kept out of latest values, rollups and accounting, and the receipt names it.

use chrono::{DateTime, TimeDelta, Utc};

use super::{MetricName, Quality, Reading, SensorBatch, Value, metric};

/// How far a reading may be ahead of its receipt: clocks of devices drift.
pub const MAX_AHEAD: TimeDelta = TimeDelta::minutes(10);

/// A reading with its verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessed<'a> {
    /// The reading as it came.
    pub reading: &'a Reading,
    /// Whether it counts.
    pub verdict: Verdict,
}

/// Whether a reading counts.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It counts, as this number.
    Good {
        /// The value in the metric's canonical unit; finite.
        value: f64,
        /// The canonical unit.
        unit: &'static str,
    },
    /// It is recorded and does not count.
    Suspect(Suspicion),
}

/// Why a reading does not count; the first reason that applies, in this order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Suspicion {
    /// The catalogue does not have the metric.
    #[error("metric \"{metric}\" is not in the catalogue: use a known metric")]
    UnknownMetric {
        /// The metric given.
        metric: MetricName,
    },
    /// The metric is never read in this unit.
    #[error("\"{unit}\" is not a unit of metric \"{metric}\": use {canonical}")]
    UnknownUnit {
        /// The metric.
        metric: MetricName,
        /// The unit given.
        unit: String,
        /// The unit to use.
        canonical: &'static str,
    },
    /// The metric is a number and the value is none, or too large for the canonical unit.
    #[error("metric \"{metric}\" needs a number that fits a double in {canonical}")]
    NotANumber {
        /// The metric.
        metric: MetricName,
        /// The unit it is stored in.
        canonical: &'static str,
    },
    /// The value is beyond anything that is ever measured.
    #[error("value {value} of metric \"{metric}\" is beyond {range}: mend the sensor or its unit")]
    OutOfRange {
        /// The metric.
        metric: MetricName,
        /// The value in the canonical unit.
        value: String,
        /// The range in which values count, with the unit.
        range: String,
    },
    /// The reading is from the future.
    #[error(
        "the time of metric \"{metric}\" is {seconds} s ahead of receipt: set the device's clock"
    )]
    Future {
        /// The metric.
        metric: MetricName,
        /// Whole seconds that the reading is ahead.
        seconds: i64,
    },
    /// The device itself doubts the value.
    #[error("the device declared metric \"{metric}\" {}", quality.as_str())]
    Quality {
        /// The metric.
        metric: MetricName,
        /// `uncertain` or `bad`.
        quality: Quality,
    },
}

impl Suspicion {
    /// A stable word for programs: receipts, columns, metrics.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownMetric { .. } => "unknown_metric",
            Self::UnknownUnit { .. } => "unknown_unit",
            Self::NotANumber { .. } => "not_a_number",
            Self::OutOfRange { .. } => "out_of_range",
            Self::Future { .. } => "future",
            Self::Quality { .. } => "quality",
        }
    }
}

/// Judges every reading of a batch, in its order.
///
/// A value that the device calls `bad` does not count, and neither does an `uncertain`
/// one: whoever looks at a latest value or cites a sum must be able to trust that no
/// doubt was declared. (OPC UA's aggregates do the same by default, Part 13,
/// `TreatUncertainAsBad`.) Both stay visible as readings, with their quality.
#[must_use]
pub fn assess(batch: &SensorBatch, received_at: DateTime<Utc>) -> Vec<Assessed<'_>> {
    let assess_one = |reading| {
        let verdict = match judge(reading, received_at) {
            Ok((value, unit)) => Verdict::Good { value, unit },
            Err(suspicion) => Verdict::Suspect(suspicion),
        };
        Assessed { reading, verdict }
    };
    batch.readings.iter().map(assess_one).collect()
}

fn judge(reading: &Reading, received_at: DateTime<Utc>) -> Result<(f64, &'static str), Suspicion> {
    let number = canonical(reading)?;
    not_ahead(reading, received_at)?;
    if reading.quality != Quality::Good {
        let metric = reading.metric.clone();
        return Err(Suspicion::Quality {
            metric,
            quality: reading.quality,
        });
    }
    Ok(number)
}

fn canonical(reading: &Reading) -> Result<(f64, &'static str), Suspicion> {
    let name = || reading.metric.clone();
    let known = metric::find(&reading.metric);
    let known = known.ok_or_else(|| Suspicion::UnknownMetric { metric: name() })?;
    let unit = known
        .unit_of(reading.unit.as_deref())
        .ok_or_else(|| Suspicion::UnknownUnit {
            metric: name(),
            unit: reading.unit.clone().unwrap_or_default(),
            canonical: known.unit,
        })?;
    let value = match reading.value {
        Value::Number(value) => known.to_canonical(value, unit),
        Value::Bool(_) | Value::Text(_) => f64::NAN,
    };
    let canonical = known.unit;
    if !value.is_finite() {
        return Err(Suspicion::NotANumber {
            metric: name(),
            canonical,
        });
    }
    if value.abs() > metric::LARGEST {
        return Err(Suspicion::OutOfRange {
            metric: name(),
            value: format!("{value:e}"),
            range: format!("±{:e} {canonical}", metric::LARGEST),
        });
    }
    Ok((value, canonical))
}

fn not_ahead(reading: &Reading, received_at: DateTime<Utc>) -> Result<(), Suspicion> {
    let ahead = reading.at.signed_duration_since(received_at);
    if ahead <= MAX_AHEAD {
        return Ok(());
    }
    Err(Suspicion::Future {
        metric: reading.metric.clone(),
        seconds: ahead.num_seconds(),
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;
    use crate::telemetry::decode;

    fn verdict(reading: &str) -> Verdict {
        let at = r#""at":"2026-11-21T03:12:45Z""#;
        let at = if reading.contains("\"at\"") { "" } else { at };
        let comma = if at.is_empty() { "" } else { "," };
        let json = format!(r#"{{"readings":[{{{reading}{comma}{at}}}]}}"#);
        let batch = decode(json.as_bytes()).unwrap();
        let received_at = "2026-11-21T03:12:46Z".parse().unwrap();
        assess(&batch, received_at).remove(0).verdict
    }

    fn suspicion(reading: &str) -> Suspicion {
        match verdict(reading) {
            Verdict::Suspect(suspicion) => suspicion,
            good @ Verdict::Good { .. } => panic!("{good:?}"),
        }
    }

    #[test]
    fn a_known_metric_in_a_known_unit_is_good_in_the_canonical_unit() {
        let reading = r#""metric":"temperature","value":300,"unit":"K""#;
        let Verdict::Good { value, unit } = verdict(reading) else {
            panic!()
        };
        assert!((value - 26.85).abs() < 1e-9);
        assert_eq!(unit, "Cel");
    }

    #[test]
    fn an_absent_unit_means_the_canonical_one() {
        let reading = r#""metric":"co2_ppm","value":412.7"#;
        assert_eq!(
            verdict(reading),
            Verdict::Good {
                value: 412.7,
                unit: "ppm"
            }
        );
    }

    #[test]
    fn an_unknown_metric_is_suspect() {
        assert_eq!(
            suspicion(r#""metric":"co2","value":1"#).code(),
            "unknown_metric"
        );
    }

    #[test]
    fn a_unit_of_another_quantity_is_suspect_and_names_the_right_one() {
        let suspicion = suspicion(r#""metric":"temperature","value":1,"unit":"kPa""#);
        let message = "\"kPa\" is not a unit of metric \"temperature\": use Cel";
        assert_eq!(suspicion.to_string(), message);
    }

    #[test]
    fn a_text_a_boolean_or_an_overflow_is_no_number() {
        for value in ["\"high\"", "true"] {
            let reading = format!(r#""metric":"co2_ppm","value":{value}"#);
            assert_eq!(suspicion(&reading).code(), "not_a_number");
        }
        let reading = r#""metric":"downhole_pressure","value":1e308,"unit":"atm""#;
        assert_eq!(suspicion(reading).code(), "not_a_number");
    }

    #[test]
    fn a_value_whose_sums_could_overflow_is_out_of_range() {
        let code = |value: &str| {
            suspicion(&format!(r#""metric":"flow","value":{value},"unit":"kg/h""#)).code()
        };
        assert_eq!(code("1e308"), "out_of_range");
        assert_eq!(code("-1.001e18"), "out_of_range");
        let message = "value 1e300 of metric \"co2_ppm\" is beyond ±1e15 ppm: mend the sensor or \
                       its unit";
        let suspicion = suspicion(r#""metric":"co2_ppm","value":1e300"#);
        assert_eq!(suspicion.to_string(), message);
        let good = verdict(r#""metric":"flow","value":1e15"#);
        assert!(matches!(good, Verdict::Good { .. }), "{good:?}");
    }

    #[test]
    fn ten_minutes_ahead_is_good_and_more_is_suspect() {
        let at = |time: &str| format!(r#""metric":"co2_ppm","value":1,"at":"{time}""#);
        let good = verdict(&at("2026-11-21T03:22:46Z"));
        assert!(matches!(good, Verdict::Good { .. }), "{good:?}");
        let metric = "co2_ppm".parse().unwrap();
        let future = suspicion(&at("2026-11-21T03:22:47Z"));
        assert_eq!(
            future,
            Suspicion::Future {
                metric,
                seconds: 601
            }
        );
    }

    #[test]
    fn an_old_reading_is_good() {
        let reading = r#""metric":"co2_ppm","value":1,"at":"2020-01-01T00:00:00Z""#;
        assert!(matches!(verdict(reading), Verdict::Good { .. }));
    }

    #[test]
    fn a_value_that_the_device_doubts_does_not_count() {
        for quality in ["uncertain", "bad"] {
            let reading = format!(r#""metric":"co2_ppm","value":1,"quality":"{quality}""#);
            assert_eq!(suspicion(&reading).code(), "quality");
        }
    }
}
