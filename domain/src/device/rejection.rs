//! Why a command to a device is refused.

use crate::{CredentialId, DisplayName, Slug, telemetry::MetricName};

/// Why a command is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceRejection {
    /// The name is taken at this site.
    #[error(
        "device \"{name}\" of site \"{site}\" is already registered as \"{display_name}\": rotate \
         its credential to use it, or choose another name"
    )]
    AlreadyRegistered {
        /// Its site.
        site: Slug,
        /// The existing device.
        name: Slug,
        /// Its display name.
        display_name: DisplayName,
    },
    /// Nothing is registered here.
    #[error("this device is not registered: register it first")]
    NotRegistered,
    /// A decommissioned device takes no more changes.
    #[error("device \"{name}\" is decommissioned for good: register a new device")]
    Decommissioned {
        /// The decommissioned device.
        name: Slug,
    },
    /// It measures this asset already.
    #[error("device \"{name}\" is already bound to asset \"{asset}\": nothing to change")]
    AlreadyBound {
        /// The device.
        name: Slug,
        /// The asset.
        asset: Slug,
    },
    /// The credential is, or was, this device's.
    #[error("credential {credential} was used by this device before: make a new one")]
    CredentialUsed {
        /// The credential given.
        credential: CredentialId,
    },
    /// There is nothing to revoke.
    #[error("device \"{name}\" has no valid credential: nothing to revoke; rotate to get one")]
    NoCredential {
        /// The device.
        name: Slug,
    },
    /// Two sensors measure the same metric.
    #[error(
        "metric \"{metric}\" is listed by two sensors: a device reports a metric once; register \
         a second device"
    )]
    SensorTwice {
        /// The metric listed twice.
        metric: MetricName,
    },
    /// The metric is known and is never read in this unit.
    #[error("\"{unit}\" is not a unit of metric \"{metric}\": use one of {accepted}")]
    SensorUnit {
        /// The metric.
        metric: MetricName,
        /// The unit given.
        unit: String,
        /// Units that are understood.
        accepted: String,
    },
    /// A unit or description is too long or not printable.
    #[error(
        "unit or description of sensor \"{metric}\" is longer than {most} bytes or has control \
         characters"
    )]
    SensorText {
        /// The sensor's metric.
        metric: MetricName,
        /// The longest text in bytes.
        most: usize,
    },
    /// Too many sensors.
    #[error("{count} sensors are too many: a device has at most {most}; split it in two devices")]
    TooManySensors {
        /// Sensors given.
        count: usize,
        /// The most that a device may have.
        most: usize,
    },
}
