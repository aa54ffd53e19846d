//! What a device says that it measures.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::DeviceRejection;
use crate::telemetry::{MetricName, metric};

/// One sensor of a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sensor {
    /// What it measures. A metric outside the catalogue is allowed; its readings are
    /// recorded, and `suspect` until the catalogue has it.
    pub metric: MetricName,
    /// The unit that its readings come in.
    pub unit: String,
    /// Model, place, calibration: for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// The most sensors of one device.
const MAX_SENSORS: usize = 256;
/// The longest unit and description, in bytes.
const MAX_TEXT: usize = 1024;

fn is_printable(text: &str) -> bool {
    text.len() <= MAX_TEXT && !text.chars().any(char::is_control)
}

/// Refuses two sensors of one metric, and units in which a known metric is never read.
pub(super) fn check(sensors: &[Sensor]) -> Result<(), DeviceRejection> {
    if sensors.len() > MAX_SENSORS {
        return Err(DeviceRejection::TooManySensors {
            count: sensors.len(),
            most: MAX_SENSORS,
        });
    }
    let mut seen = BTreeSet::new();
    for sensor in sensors {
        if !seen.insert(&sensor.metric) {
            return Err(DeviceRejection::SensorTwice {
                metric: sensor.metric.clone(),
            });
        }
        check_one(sensor)?;
    }
    Ok(())
}

fn check_one(
    Sensor {
        metric,
        unit,
        description,
    }: &Sensor,
) -> Result<(), DeviceRejection> {
    if !is_printable(unit) || !is_printable(description) {
        let metric = metric.clone();
        return Err(DeviceRejection::SensorText {
            metric,
            most: MAX_TEXT,
        });
    }
    let Some(known) = metric::find(metric) else {
        return Ok(());
    };
    if known.accepts(unit) {
        return Ok(());
    }
    let (metric, unit) = (metric.clone(), unit.clone());
    Err(DeviceRejection::SensorUnit {
        metric,
        unit,
        accepted: known.accepted_units().join(", "),
    })
}
