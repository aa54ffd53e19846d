//! Ids that name a thing among all things.

use async_graphql::ID;
use sealrock_domain::{AssetId, DeviceId, OrganisationId, SiteId};
use uuid::Uuid;

use super::opaque;
use super::problem::Problem;
use crate::code::Code;

/// A thing that `node(id)` finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GlobalId {
    Organisation(OrganisationId),
    Site(SiteId),
    Asset(AssetId),
    Device(DeviceId),
}

impl From<GlobalId> for ID {
    fn from(id: GlobalId) -> Self {
        let text = match id {
            GlobalId::Organisation(id) => format!("organisation:{id}"),
            GlobalId::Site(id) => format!("site:{id}"),
            GlobalId::Asset(id) => format!("asset:{id}"),
            GlobalId::Device(id) => format!("device:{id}"),
        };
        ID(opaque::seal(&text))
    }
}

/// Reads an id. `None` if it is none of ours.
pub(crate) fn read(id: &ID) -> Option<GlobalId> {
    let text = opaque::open(id)?;
    let (kind, uuid) = text.split_once(':')?;
    let uuid: Uuid = uuid.parse().ok()?;
    Some(match kind {
        "organisation" => GlobalId::Organisation(uuid.into()),
        "site" => GlobalId::Site(uuid.into()),
        "asset" => GlobalId::Asset(uuid.into()),
        "device" => GlobalId::Device(uuid.into()),
        _ => return None,
    })
}

/// Reads a device's id: the global one, or the UUID that it signs in with.
pub(crate) fn device(id: &ID) -> Result<DeviceId, Problem> {
    match read(id) {
        Some(GlobalId::Device(id)) => Ok(id),
        Some(_) => Err(wrong(id, "a device")),
        None => id
            .parse::<Uuid>()
            .map(DeviceId)
            .map_err(|_| wrong(id, "a device")),
    }
}

/// Reads a site's id.
pub(crate) fn site(id: &ID) -> Result<SiteId, Problem> {
    match read(id) {
        Some(GlobalId::Site(id)) => Ok(id),
        _ => Err(wrong(id, "a site")),
    }
}

fn wrong(id: &ID, what: &str) -> Problem {
    let message = format!(
        "{:?} is not the id of {what}: give one that came from a query",
        id.as_str()
    );
    Problem::new(Code::BadUserInput, message)
}
