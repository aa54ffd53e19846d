//! Registering devices, their credentials and their keys.

use async_graphql::{Context, ID, Object, SimpleObject};
use sealrock_commands::{Commands, Done};
use sealrock_domain::device::{BindDevice, RegisterDevice};
use sealrock_domain::{Topic, TopicKind};
use sealrock_projections::ReadModels;
use uuid::Uuid;

use super::command::{Recorded, WaitFor, sender};
use super::device_input::{
    BindDeviceInput, DeviceInput, Path, RegisterDeviceInput, RevokeDeviceKeyInput,
    RotateDeviceKeyInput,
};
use super::receipt::Receipt;
use crate::schema::global_id::GlobalId;
use crate::schema::input::read;
use crate::schema::problem::Problem;
use crate::schema::types::Device;

#[derive(Default)]
pub(crate) struct DeviceMutation;

/// The device is registered, or has a new secret.
#[derive(SimpleObject)]
struct DeviceSecretPayload {
    /// Id of the device.
    id: ID,
    /// The id that it signs in with: the MQTT user name.
    device_id: Uuid,
    /// The secret that it signs in with, shown this once: the MQTT password. Null when the command
    /// was recorded before; rotate the credential to get another.
    secret: Option<String>,
    /// The MQTT topic of its batches.
    topic: String,
    /// The device; null until the read model `registry` has it (see `waitFor`).
    device: Option<Device>,
    /// Proof that it is recorded.
    receipt: Receipt,
    /// Whether it was recorded before, under the same command id.
    duplicate: bool,
}

/// The device is changed.
#[derive(SimpleObject)]
pub(super) struct DevicePayload {
    /// Id of the device.
    id: ID,
    /// The device; as it was before until the read model `registry` has the change (see `waitFor`).
    device: Option<Device>,
    /// Proof that it is recorded.
    receipt: Receipt,
    /// Whether it was recorded before, under the same command id.
    duplicate: bool,
}

#[Object]
impl DeviceMutation {
    /// Registers a device of a site and makes its secret.
    async fn register_device(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be recorded, and the command's id.")]
        input: RegisterDeviceInput,
        #[graphql(
            desc = "Read models that must have it before this answers (for a limited time)."
        )]
        wait_for: Option<Vec<String>>,
    ) -> Result<DeviceSecretPayload, Problem> {
        let (sender, wait_for) = (
            sender(context, input.command_id)?,
            WaitFor::read(context, wait_for)?,
        );
        let command = RegisterDevice::try_from(input)?;
        let path = Path {
            organisation: command.org.clone(),
            site: command.site.clone(),
            name: command.name.clone(),
        };
        let registered = context
            .data_unchecked::<Commands>()
            .register_device(&sender, command)
            .await?;
        let secret = registered.secret.map(|secret| secret.reveal().clone());
        let changed = path.changed(context, &registered.done, &wait_for).await;
        Ok(path.with_secret(secret, changed))
    }

    /// Gives a device a new secret; the one before is invalid at once.
    async fn rotate_device_credential(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be recorded, and the command's id.")] input: DeviceInput,
        #[graphql(
            desc = "Read models that must have it before this answers (for a limited time)."
        )]
        wait_for: Option<Vec<String>>,
    ) -> Result<DeviceSecretPayload, Problem> {
        let (sender, wait_for) = (
            sender(context, input.command_id)?,
            WaitFor::read(context, wait_for)?,
        );
        let path = Path::try_from(input)?;
        let Path {
            organisation,
            site,
            name,
        } = &path;
        let commands = context.data_unchecked::<Commands>();
        let rotated = commands
            .rotate_credential(&sender, organisation, site, name)
            .await?;
        let secret = rotated.secret.map(|secret| secret.reveal().clone());
        let changed = path.changed(context, &rotated.done, &wait_for).await;
        Ok(path.with_secret(secret, changed))
    }

    /// Locks a device out until its credential is rotated.
    async fn revoke_device_credential(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be recorded, and the command's id.")] input: DeviceInput,
        #[graphql(
            desc = "Read models that must have it before this answers (for a limited time)."
        )]
        wait_for: Option<Vec<String>>,
    ) -> Result<DevicePayload, Problem> {
        let (sender, wait_for) = (
            sender(context, input.command_id)?,
            WaitFor::read(context, wait_for)?,
        );
        let path = Path::try_from(input)?;
        let Path {
            organisation,
            site,
            name,
        } = &path;
        let commands = context.data_unchecked::<Commands>();
        let done = commands
            .revoke_credential(&sender, organisation, site, name)
            .await?;
        Ok(path.changed(context, &done, &wait_for).await)
    }

    /// Lets a device sign with a further key, beside those before it. A device that had none must sign
    /// from now on.
    async fn rotate_device_key(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be recorded, and the command's id.")]
        input: RotateDeviceKeyInput,
        #[graphql(
            desc = "Read models that must have it before this answers (for a limited time)."
        )]
        wait_for: Option<Vec<String>>,
    ) -> Result<DevicePayload, Problem> {
        let (sender, wait_for) = (
            sender(context, input.command_id)?,
            WaitFor::read(context, wait_for)?,
        );
        let key = read("publicKey", &input.public_key)?;
        let path = Path::read(&input.organisation, &input.site, &input.name)?;
        let Path {
            organisation,
            site,
            name,
        } = &path;
        let commands = context.data_unchecked::<Commands>();
        let done = commands
            .rotate_key(&sender, organisation, site, name, key)
            .await?;
        Ok(path.changed(context, &done, &wait_for).await)
    }

    /// Takes a key from a device for ever. A device whose last key is revoked must sign all the same,
    /// and can send nothing until it has another.
    async fn revoke_device_key(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be recorded, and the command's id.")]
        input: RevokeDeviceKeyInput,
        #[graphql(
            desc = "Read models that must have it before this answers (for a limited time)."
        )]
        wait_for: Option<Vec<String>>,
    ) -> Result<DevicePayload, Problem> {
        let (sender, wait_for) = (
            sender(context, input.command_id)?,
            WaitFor::read(context, wait_for)?,
        );
        let key = read("keyId", &input.key_id)?;
        let path = Path::read(&input.organisation, &input.site, &input.name)?;
        let Path {
            organisation,
            site,
            name,
        } = &path;
        let commands = context.data_unchecked::<Commands>();
        let done = commands
            .revoke_key(&sender, organisation, site, name, key)
            .await?;
        Ok(path.changed(context, &done, &wait_for).await)
    }

    /// Lets a device measure another asset of its site.
    async fn bind_device(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be recorded, and the command's id.")] input: BindDeviceInput,
        #[graphql(
            desc = "Read models that must have it before this answers (for a limited time)."
        )]
        wait_for: Option<Vec<String>>,
    ) -> Result<DevicePayload, Problem> {
        let (sender, wait_for) = (
            sender(context, input.command_id)?,
            WaitFor::read(context, wait_for)?,
        );
        let command = BindDevice {
            asset: read("asset", &input.asset)?,
        };
        let path = Path::read(&input.organisation, &input.site, &input.name)?;
        let Path {
            organisation,
            site,
            name,
        } = &path;
        let commands = context.data_unchecked::<Commands>();
        let done = commands
            .bind_device(&sender, organisation, site, name, command)
            .await?;
        Ok(path.changed(context, &done, &wait_for).await)
    }

    /// Takes a device out of use for good; its history stays.
    async fn decommission_device(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be recorded, and the command's id.")] input: DeviceInput,
        #[graphql(
            desc = "Read models that must have it before this answers (for a limited time)."
        )]
        wait_for: Option<Vec<String>>,
    ) -> Result<DevicePayload, Problem> {
        let (sender, wait_for) = (
            sender(context, input.command_id)?,
            WaitFor::read(context, wait_for)?,
        );
        let path = Path::try_from(input)?;
        let Path {
            organisation,
            site,
            name,
        } = &path;
        let commands = context.data_unchecked::<Commands>();
        let done = commands
            .decommission_device(&sender, organisation, site, name)
            .await?;
        Ok(path.changed(context, &done, &wait_for).await)
    }
}

impl Path {
    pub(super) async fn changed(
        &self,
        context: &Context<'_>,
        done: &Done,
        wait_for: &WaitFor,
    ) -> DevicePayload {
        let recorded = Recorded::new(context, &self.organisation, done, wait_for).await;
        let found = context
            .data_unchecked::<ReadModels>()
            .devices_by_id(&[self.id()])
            .await;
        DevicePayload {
            id: GlobalId::Device(self.id()).into(),
            device: recorded.object(found).map(Device),
            receipt: recorded.receipt,
            duplicate: recorded.duplicate,
        }
    }

    fn with_secret(self, secret: Option<String>, changed: DevicePayload) -> DeviceSecretPayload {
        let DevicePayload {
            id,
            device,
            receipt,
            duplicate,
        } = changed;
        let device_id = self.id().as_uuid();
        let topic =
            Topic::new(self.organisation, self.site, self.name, TopicKind::Batch).to_string();
        DeviceSecretPayload {
            id,
            device_id,
            secret,
            topic,
            device,
            receipt,
            duplicate,
        }
    }
}
