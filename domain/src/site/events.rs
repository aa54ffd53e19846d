//! What happened to a site.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Country, EmissionTarget, RegisterSite, SiteKind, WithdrawEmissionTarget};
use crate::{DisplayName, Slug, decimal::DecimalText, event::events};

/// A site exists. Fields as in [`RegisterSite`]; absent ones are left out of the payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteRegistered {
    /// The organisation.
    pub org: Slug,
    /// The name in paths and topics; never changes.
    pub slug: Slug,
    /// The name for people.
    pub display_name: DisplayName,
    /// What happens there.
    pub site_kind: SiteKind,
    /// ISO 3166-1 alpha-2 code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Country>,
    /// Degrees north (WGS 84).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latitude: Option<DecimalText>,
    /// Degrees east (WGS 84).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longitude: Option<DecimalText>,
    /// Usual absolute air pressure in kPa.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ambient_pressure_kpa: Option<DecimalText>,
}

impl From<RegisterSite> for SiteRegistered {
    fn from(command: RegisterSite) -> Self {
        Self {
            org: command.org,
            slug: command.slug,
            display_name: command.display_name,
            site_kind: command.site_kind,
            country: command.country,
            latitude: command.latitude,
            longitude: command.longitude,
            ambient_pressure_kpa: command.ambient_pressure_kpa,
        }
    }
}

/// The display name changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteRenamed {
    /// The new name for people.
    pub display_name: DisplayName,
}

/// The site is out of use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteRetired {}

/// The site shall emit no more than this on average, on these days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmissionTargetSet {
    /// Mean rate, kg/h.
    pub average_kg_per_h: DecimalText,
    /// The first UTC day on which it holds; it names the target.
    pub from: NaiveDate,
    /// The last UTC day on which it holds; absent: until it is withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<NaiveDate>,
}

impl From<EmissionTarget> for EmissionTargetSet {
    fn from(target: EmissionTarget) -> Self {
        let EmissionTarget {
            average_kg_per_h,
            from,
            until,
        } = target;
        Self {
            average_kg_per_h,
            from,
            until,
        }
    }
}

impl From<EmissionTargetSet> for EmissionTarget {
    fn from(event: EmissionTargetSet) -> Self {
        let EmissionTargetSet {
            average_kg_per_h,
            from,
            until,
        } = event;
        Self {
            average_kg_per_h,
            from,
            until,
        }
    }
}

/// A target ends sooner, or is taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmissionTargetWithdrawn {
    /// The target's first day.
    pub from: NaiveDate,
    /// The last UTC day on which it still holds; absent: it never held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_day: Option<NaiveDate>,
}

impl From<WithdrawEmissionTarget> for EmissionTargetWithdrawn {
    fn from(command: WithdrawEmissionTarget) -> Self {
        let WithdrawEmissionTarget { from, last_day } = command;
        Self { from, last_day }
    }
}

events! {
    /// An event of a site's stream.
    enum SiteEvent {
        /// See [`SiteRegistered`].
        SiteRegistered = 1,
        /// See [`SiteRenamed`].
        SiteRenamed = 1,
        /// See [`SiteRetired`].
        SiteRetired = 1,
        /// See [`EmissionTargetSet`].
        EmissionTargetSet = 1,
        /// See [`EmissionTargetWithdrawn`].
        EmissionTargetWithdrawn = 1,
    }
}
