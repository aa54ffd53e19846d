//! Looks up many things at once where a list would ask for each alone.

use std::collections::HashMap;

use async_graphql::dataloader::Loader as Load;
use sealrock_domain::DeviceId;
use sealrock_projections::ReadModels;
use sealrock_projections::device_status::DeviceStatus;
use sealrock_projections::registry::Device;

use super::problem::Problem;

/// Looks things up in the read models.
pub(crate) struct Loader(pub(crate) ReadModels);

/// Asks for the status of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct StatusOf(pub(crate) DeviceId);

impl Load<DeviceId> for Loader {
    type Value = Device;
    type Error = Problem;

    async fn load(&self, ids: &[DeviceId]) -> Result<HashMap<DeviceId, Device>, Problem> {
        let devices = self.0.devices_by_id(ids).await?;
        Ok(devices.into_iter().map(|device| (device.id, device)).collect())
    }
}

impl Load<StatusOf> for Loader {
    type Value = DeviceStatus;
    type Error = Problem;

    async fn load(&self, ids: &[StatusOf]) -> Result<HashMap<StatusOf, DeviceStatus>, Problem> {
        let ids: Vec<DeviceId> = ids.iter().map(|id| id.0).collect();
        let statuses = self.0.device_statuses(&ids).await?;
        Ok(statuses.into_iter().map(|status| (StatusOf(status.device), status)).collect())
    }
}
