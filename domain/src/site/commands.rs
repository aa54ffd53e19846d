//! What can be asked of a site.
//!
//! A command's serialised form is its input, by which a repeated command id is told from a reused
//! one.

use chrono::NaiveDate;
use serde::Serialize;

use super::{Country, EmissionTarget, SiteKind};
use crate::{DisplayName, SiteId, Slug, decimal::DecimalText};

/// A command to one site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum SiteCommand {
    /// Make it exist.
    Register(Box<RegisterSite>),
    /// Change what people read.
    Rename(RenameSite),
    /// Take it out of use; its history stays.
    Retire,
    /// Set how much it shall emit at most, for some days.
    SetEmissionTarget(EmissionTarget),
    /// End a target, or take it back.
    WithdrawEmissionTarget(WithdrawEmissionTarget),
}

/// Registers a site of an organisation. That the organisation exists is the caller's check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RegisterSite {
    /// The organisation.
    pub org: Slug,
    /// The name in paths and topics.
    pub slug: Slug,
    /// The name for people.
    pub display_name: DisplayName,
    /// What happens there.
    pub site_kind: SiteKind,
    /// ISO 3166-1 alpha-2 code.
    pub country: Option<Country>,
    /// Degrees north (WGS 84), −90 to 90; with a longitude.
    pub latitude: Option<DecimalText>,
    /// Degrees east (WGS 84), −180 to 180; with a latitude.
    pub longitude: Option<DecimalText>,
    /// Usual absolute air pressure in kPa, 30 to 110: stack flow needs it.
    pub ambient_pressure_kpa: Option<DecimalText>,
}

impl RegisterSite {
    /// A site without location or pressure.
    #[must_use]
    pub fn new(org: Slug, slug: Slug, display_name: DisplayName, site_kind: SiteKind) -> Self {
        Self {
            org,
            slug,
            display_name,
            site_kind,
            country: None,
            latitude: None,
            longitude: None,
            ambient_pressure_kpa: None,
        }
    }

    /// The site that the command is for.
    #[must_use]
    pub fn id(&self) -> SiteId {
        SiteId::of(&self.org, &self.slug)
    }
}

/// Changes the display name; the slug stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RenameSite {
    /// The new name for people.
    pub display_name: DisplayName,
}

/// Ends a target, or takes it back as if it had never held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WithdrawEmissionTarget {
    /// The target's first day, which names it.
    pub from: NaiveDate,
    /// The last UTC day on which it still holds; `None` if it shall never have held.
    pub last_day: Option<NaiveDate>,
}

impl From<EmissionTarget> for SiteCommand {
    fn from(target: EmissionTarget) -> Self {
        Self::SetEmissionTarget(target)
    }
}

impl From<WithdrawEmissionTarget> for SiteCommand {
    fn from(command: WithdrawEmissionTarget) -> Self {
        Self::WithdrawEmissionTarget(command)
    }
}

impl From<RegisterSite> for SiteCommand {
    fn from(command: RegisterSite) -> Self {
        Self::Register(Box::new(command))
    }
}

impl From<RenameSite> for SiteCommand {
    fn from(command: RenameSite) -> Self {
        Self::Rename(command)
    }
}
