//! What a stack looks like inside, from a day on.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::quantity::{Length, Measured};

/// The cross-section where the speed is measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Section {
    /// `A = w·h`.
    Rectangular {
        /// Inner width.
        width: Measured<Length>,
        /// Inner height.
        height: Measured<Length>,
    },
    /// `A = π·d²/4`.
    Round {
        /// Inner diameter.
        diameter: Measured<Length>,
    },
}

impl Section {
    /// Square metres.
    #[must_use]
    pub fn square_metres(&self) -> f64 {
        match self {
            Self::Rectangular { width, height } => width.base() * height.base(),
            Self::Round { diameter } => std::f64::consts::PI * diameter.base().powi(2) / 4.0,
        }
    }
}

/// A stack's geometry from a day on, until that of a later day.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Geometry {
    /// The first day.
    pub since: NaiveDate,
    /// The cross-section.
    pub section: Section,
    /// Mean speed over the section as a share of the speed at the measured point.
    #[serde(default = "flat")]
    pub profile_factor: f64,
}

const fn flat() -> f64 {
    1.0
}

/// Why a stack has no geometry on a day.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GeometryError {
    /// It is not known yet.
    #[error(
        "no geometry holds on {on}: the first is of {first}; add the one that held on that day"
    )]
    Before {
        /// The day.
        on: NaiveDate,
        /// The first day with a geometry.
        first: NaiveDate,
    },
    /// There is none.
    #[error("there is no geometry: give the stack's cross-section")]
    None,
    /// Two for one day.
    #[error("two geometries begin on {since}: keep the one that is right")]
    Twice {
        /// The day.
        since: NaiveDate,
    },
    /// Nothing flows through it.
    #[error("the geometry of {since} has an area of 0 m2: give the inner dimensions")]
    NoArea {
        /// Its first day.
        since: NaiveDate,
    },
    /// No share of the speed.
    #[error(
        "the geometry of {since} has a profile factor of {factor}: it is the mean speed as a share of \
         the measured one, above 0 and at most 2"
    )]
    Profile {
        /// Its first day.
        since: NaiveDate,
        /// What was given.
        factor: f64,
    },
}

/// The geometry that holds on a day. A later change leaves the results of earlier days as they are.
///
/// # Errors
/// See [`GeometryError`].
pub fn on(history: &[Geometry], day: NaiveDate) -> Result<Geometry, GeometryError> {
    let mut sorted = history.to_vec();
    sorted.sort_by_key(|geometry| geometry.since);
    if let Some(pair) = sorted
        .windows(2)
        .find(|pair| pair[0].since == pair[1].since)
    {
        let since = pair[0].since;
        return Err(GeometryError::Twice { since });
    }
    sorted.iter().try_for_each(check)?;
    let first = sorted.first().ok_or(GeometryError::None)?.since;
    let held = sorted.into_iter().rfind(|geometry| geometry.since <= day);
    held.ok_or(GeometryError::Before { on: day, first })
}

fn check(geometry: &Geometry) -> Result<(), GeometryError> {
    let Geometry {
        since,
        section,
        profile_factor: factor,
    } = *geometry;
    if section.square_metres() <= 0.0 {
        return Err(GeometryError::NoArea { since });
    }
    if !(factor > 0.0 && factor <= 2.0) {
        return Err(GeometryError::Profile { since, factor });
    }
    Ok(())
}
