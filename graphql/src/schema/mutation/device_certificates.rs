//! Certificates that devices sign in by.

use async_graphql::{Context, Object};
use sealrock_commands::Commands;
use sealrock_domain::device::Fingerprint;

use super::command::{WaitFor, sender};
use super::device_input::{DeviceCertificateInput, Path};
use super::devices::DevicePayload;
use crate::schema::input::read;
use crate::schema::problem::Problem;

#[derive(Default)]
pub(crate) struct DeviceCertificateMutation;

/// The device, and the fingerprint; tools write it with colons and in capitals.
fn certificate(input: &DeviceCertificateInput) -> Result<(Path, Fingerprint), Problem> {
    let bare = input.fingerprint.replace(':', "").to_ascii_lowercase();
    let path = Path::read(&input.organisation, &input.site, &input.name)?;
    Ok((path, read("fingerprint", &bare)?))
}

#[Object]
impl DeviceCertificateMutation {
    /// Lets a device sign in by a further client certificate, beside its secret and those before. The
    /// authority that issued it must be one of the server's `device_ca`.
    async fn add_device_certificate(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be recorded, and the command's id.")]
        input: DeviceCertificateInput,
        #[graphql(
            desc = "Read models that must have it before this answers (for a limited time)."
        )]
        wait_for: Option<Vec<String>>,
    ) -> Result<DevicePayload, Problem> {
        let sender = sender(context, input.command_id)?;
        let wait_for = WaitFor::read(context, wait_for)?;
        let (path, fingerprint) = certificate(&input)?;
        let commands = context.data_unchecked::<Commands>();
        let (organisation, site, name) = (&path.organisation, &path.site, &path.name);
        let done = commands
            .add_certificate(&sender, organisation, site, name, fingerprint)
            .await?;
        Ok(path.changed(context, &done, &wait_for).await)
    }

    /// Takes a client certificate from a device for ever. Connections that it opened end.
    async fn revoke_device_certificate(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be recorded, and the command's id.")]
        input: DeviceCertificateInput,
        #[graphql(
            desc = "Read models that must have it before this answers (for a limited time)."
        )]
        wait_for: Option<Vec<String>>,
    ) -> Result<DevicePayload, Problem> {
        let sender = sender(context, input.command_id)?;
        let wait_for = WaitFor::read(context, wait_for)?;
        let (path, fingerprint) = certificate(&input)?;
        let commands = context.data_unchecked::<Commands>();
        let (organisation, site, name) = (&path.organisation, &path.site, &path.name);
        let done = commands
            .revoke_certificate(&sender, organisation, site, name, fingerprint)
            .await?;
        Ok(path.changed(context, &done, &wait_for).await)
    }
}
