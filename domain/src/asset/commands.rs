//! What can be asked of an asset.
//!
//! A command's serialised form is its input, by which a repeated command id is told from a reused
//! one.

use serde::Serialize;

use super::AssetKind;
use crate::{AssetId, Attributes, DisplayName, Slug};

/// A command to one asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum AssetCommand {
    /// Make it exist.
    Register(Box<RegisterAsset>),
    /// Take it out of use; its history stays.
    Retire,
}

/// Registers an asset of a site. That the site exists is the caller's check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RegisterAsset {
    /// The organisation.
    pub org: Slug,
    /// The site.
    pub site: Slug,
    /// The name in paths, unique at the site.
    pub slug: Slug,
    /// The name for people.
    pub display_name: DisplayName,
    /// What it is.
    pub asset_kind: AssetKind,
    /// Installation metadata and assumptions, such as `duct_area_m2` = `0.785`.
    pub assumptions: Attributes,
}

impl RegisterAsset {
    /// The asset that the command is for.
    #[must_use]
    pub fn id(&self) -> AssetId {
        AssetId::of(&self.org, &self.site, &self.slug)
    }
}

impl From<RegisterAsset> for AssetCommand {
    fn from(command: RegisterAsset) -> Self {
        Self::Register(Box::new(command))
    }
}
