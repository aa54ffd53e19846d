//! Ids: newtypes over UUIDs, most of them derived from the path that they name.
//!
//! Deriving an id from its path (`UUIDv5`) makes a name impossible to take twice:
//! the second registration would have to write version 1 of a stream that has one.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Slug;
use crate::credit_block::SerialBlock;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// The UUID inside.
            #[must_use]
            pub const fn as_uuid(&self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(value: &str) -> Result<Self, uuid::Error> {
                value.parse().map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(value: Uuid) -> Self {
                Self(value)
            }
        }
    };
}

id! {
    /// An organisation; derived from its slug.
    OrganisationId
}
id! {
    /// A site; derived from organisation and site slug.
    SiteId
}
id! {
    /// An asset of a site: a stack, a well, a meter; derived from its path.
    AssetId
}
id! {
    /// A device; derived from its path. It is the MQTT user name.
    DeviceId
}
id! {
    /// A device's secret as the access tables know it; random, made by the caller.
    CredentialId
}
id! {
    /// An account of a person; random, so it says nothing about them in the ledger.
    AccountId
}
id! {
    /// An API key as the access tables know it; random.
    ApiKeyId
}
id! {
    /// An invitation as the access tables know it; random, and no secret: it opens nothing.
    InvitationId
}
id! {
    /// A block of credits; derived from its serials.
    CreditBlockId
}

/// `UUIDv5` of a path in the URL namespace. Changing a path's form changes every id.
fn derive(path: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, path.as_bytes())
}

impl OrganisationId {
    /// The id of the organisation with this slug.
    #[must_use]
    pub fn of(org: &Slug) -> Self {
        Self(derive(&format!("sealrock:organisation/{org}")))
    }

    /// The stream of its events: `organisation/<id>`.
    #[must_use]
    pub fn stream(&self) -> String {
        format!("organisation/{self}")
    }
}

impl SiteId {
    /// The id of the site with this path.
    #[must_use]
    pub fn of(org: &Slug, site: &Slug) -> Self {
        Self(derive(&format!("sealrock:site/{org}/{site}")))
    }

    /// The stream of its events: `site/<id>`.
    #[must_use]
    pub fn stream(&self) -> String {
        format!("site/{self}")
    }
}

impl AssetId {
    /// The id of the asset with this path.
    #[must_use]
    pub fn of(org: &Slug, site: &Slug, asset: &Slug) -> Self {
        Self(derive(&format!("sealrock:asset/{org}/{site}/{asset}")))
    }

    /// The stream of its events: `asset/<id>`.
    #[must_use]
    pub fn stream(&self) -> String {
        format!("asset/{self}")
    }
}

impl AccountId {
    /// The person as the actor of an entry: `user/<id>`.
    #[must_use]
    pub fn actor(&self) -> String {
        format!("user/{self}")
    }
}

impl CreditBlockId {
    /// The id of the block with these serials.
    #[must_use]
    pub fn of(serials: &SerialBlock) -> Self {
        Self(derive(&format!("sealrock:credit_block/{serials}")))
    }

    /// The stream of its events: `credit_block/<id>`.
    #[must_use]
    pub fn stream(&self) -> String {
        format!("credit_block/{self}")
    }
}

impl DeviceId {
    /// The id of the device with this path.
    #[must_use]
    pub fn of(org: &Slug, site: &Slug, device: &Slug) -> Self {
        Self(derive(&format!("sealrock:device/{org}/{site}/{device}")))
    }

    /// The stream of its registration, binding and credentials: `device/<id>`.
    #[must_use]
    pub fn stream(&self) -> String {
        format!("device/{self}")
    }

    /// The stream of its sensor batches: `telemetry/<id>`.
    #[must_use]
    pub fn telemetry_stream(&self) -> String {
        format!("telemetry/{self}")
    }

    /// The device as the actor of an entry: `device/<id>`.
    #[must_use]
    pub fn actor(&self) -> String {
        format!("device/{self}")
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    fn slug(value: &str) -> Slug {
        value.parse().unwrap()
    }

    /// These ids are in ledgers: if this test fails, the derivation changed.
    #[test]
    fn derived_ids_never_change() {
        let (org, site, thing) = (slug("northsea"), slug("plant-1"), slug("meter-7"));
        let ids = [
            OrganisationId::of(&org).to_string(),
            SiteId::of(&org, &site).to_string(),
            AssetId::of(&org, &site, &thing).to_string(),
            DeviceId::of(&org, &site, &thing).to_string(),
        ];
        let known = [
            "5701b890-a151-515d-ad55-d0096497a9ab",
            "a023b02d-3944-56c2-b1b0-c3d1333cbf15",
            "73997dcc-17a4-52f5-b0d4-ad068ae3d3c3",
            "fb2ec0ea-b6ec-50a9-bc26-7ce3fff43928",
        ];
        assert_eq!(ids, known);
    }

    #[test]
    fn an_id_reads_back_from_text_and_json() {
        let id = OrganisationId::of(&slug("northsea"));
        assert_eq!(id.to_string().parse::<OrganisationId>().unwrap(), id);
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{id}\""));
        assert_eq!(id.stream(), format!("organisation/{id}"));
    }
}
