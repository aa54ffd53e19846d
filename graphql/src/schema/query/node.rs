//! `node(id)`.

use async_graphql::{ID, Interface};

use crate::schema::types::{Asset, Device, Organisation, Site};

/// A thing with an id among all things.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Id for `node`."))]
pub(crate) enum Node {
    Organisation(Organisation),
    Site(Site),
    Asset(Asset),
    Device(Device),
}
