//! What happened to an asset.

use serde::{Deserialize, Serialize};

use super::{AssetKind, RegisterAsset};
use crate::{Attributes, DisplayName, Slug, event::events};

/// An asset exists. Fields as in [`RegisterAsset`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssetRegistered {
    /// The organisation.
    pub org: Slug,
    /// The site.
    pub site: Slug,
    /// The name in paths, unique at the site; never changes.
    pub slug: Slug,
    /// The name for people.
    pub display_name: DisplayName,
    /// What it is.
    pub asset_kind: AssetKind,
    /// Installation metadata and assumptions.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub assumptions: Attributes,
}

impl From<RegisterAsset> for AssetRegistered {
    fn from(command: RegisterAsset) -> Self {
        Self {
            org: command.org,
            site: command.site,
            slug: command.slug,
            display_name: command.display_name,
            asset_kind: command.asset_kind,
            assumptions: command.assumptions,
        }
    }
}

/// The asset is out of use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssetRetired {}

events! {
    /// An event of an asset's stream.
    enum AssetEvent {
        /// See [`AssetRegistered`].
        AssetRegistered = 1,
        /// See [`AssetRetired`].
        AssetRetired = 1,
    }
}
