//! What a site is and where: its kind, country, location and air pressure.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{RegisterSite, SiteRejection};
use crate::decimal::DecimalText;

/// What happens at a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SiteKind {
    /// A tea factory: wood-fired boilers and a stack.
    TeaFactory,
    /// Another factory.
    Factory,
    /// A plant that captures CO2.
    CapturePlant,
    /// A pipeline with its stations.
    Pipeline,
    /// A place where CO2 changes carriers: a port, a rail or truck station.
    Terminal,
    /// An injection field.
    Injection,
    /// A place that only watches: monitoring wells, soil gas, seismics.
    Monitoring,
    /// A solar plant.
    Solar,
    /// Anything else.
    Other,
}

/// An ISO 3166-1 alpha-2 country code, such as `NO`. Checked for form, not against the list.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Country(String);

/// A text that is not a country code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{value}\" is not a country code: use two capital letters of ISO 3166-1, such as \"NO\"")]
pub struct CountryError {
    /// What was given, cut after 80 characters.
    pub value: String,
}

impl FromStr for Country {
    type Err = CountryError;

    fn from_str(value: &str) -> Result<Self, CountryError> {
        if value.len() == 2 && value.bytes().all(|b| b.is_ascii_uppercase()) {
            Ok(Self(value.to_owned()))
        } else {
            let value = value.chars().take(80).collect();
            Err(CountryError { value })
        }
    }
}

impl TryFrom<String> for Country {
    type Error = CountryError;

    fn try_from(value: String) -> Result<Self, CountryError> {
        value.parse()
    }
}

impl From<Country> for String {
    fn from(country: Country) -> Self {
        country.0
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Refuses half a location, and coordinates or pressures that no place has.
pub(super) fn check(site: &RegisterSite) -> Result<(), SiteRejection> {
    if site.latitude.is_some() != site.longitude.is_some() {
        return Err(SiteRejection::HalfALocation);
    }
    within("latitude", site.latitude.as_ref(), -90, 90, "degrees")?;
    within("longitude", site.longitude.as_ref(), -180, 180, "degrees")?;
    within(
        "ambient pressure",
        site.ambient_pressure_kpa.as_ref(),
        30,
        110,
        "kPa",
    )
}

fn within(
    quantity: &'static str,
    value: Option<&DecimalText>,
    low: i32,
    high: i32,
    unit: &'static str,
) -> Result<(), SiteRejection> {
    let Some(value) = value else { return Ok(()) };
    if (f64::from(low)..=f64::from(high)).contains(&value.to_f64()) {
        return Ok(());
    }
    let value = value.to_string();
    Err(SiteRejection::OutOfRange {
        quantity,
        value,
        low,
        high,
        unit,
    })
}
