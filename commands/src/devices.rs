//! Devices, their credentials and their keys.

use sealrock_access::{DeviceSecret, Permission, credentials};
use sealrock_domain::device::{
    AddCertificate, BindDevice, DeviceCommand, Fingerprint, KeyId, PublicKey, RegisterDevice,
    RevokeCertificate, RevokeKey, RotateCredential, RotateKey,
};
use sealrock_domain::{CredentialId, DeviceId, Slug};

use crate::commands::Commands;
use crate::context::{Context, Done};
use crate::error::CommandError;
use crate::ledger::{OrganisationLedger, permit};

/// A device that got a new secret.
#[derive(Debug)]
pub struct RegisteredDevice {
    /// Its id: the MQTT user name.
    pub device: DeviceId,
    /// The secret, shown this once. `None` when the command was recorded before: its secret was
    /// shown then; rotate to get a new one.
    pub secret: Option<DeviceSecret>,
    /// Where it stands in the ledger.
    pub done: Done,
}

impl Commands {
    /// Registers a device of a site and makes its secret. `command.credential` is replaced.
    ///
    /// The secret's hash is stored before the entry; it signs nobody in until the entry names it,
    /// so a crash in between leaves a row without effect.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn register_device(
        &self,
        context: &Context,
        mut command: RegisterDevice,
    ) -> Result<RegisteredDevice, CommandError> {
        let (org, site) = (command.org.clone(), command.site.clone());
        permit(context, Permission::RegisterDevice, &org, Some(&site))?;
        let ledger = self.ledger(&org).await?;
        let device = command.id();
        // The credential is no part of a command's input, so any will do to ask with.
        if let Some(done) = ledger
            .repeated_device(context, device, &command.clone().into())
            .await?
        {
            return Ok(RegisteredDevice {
                device,
                secret: None,
                done,
            });
        }
        ledger.require_site(&org, &site).await?;
        if let Some(asset) = &command.asset {
            ledger.require_asset(&org, &site, asset).await?;
        }
        let (credential, secret) = self.new_credential(&org, device).await?;
        command.credential = credential;
        let done = ledger
            .command_device(context, device, command.into())
            .await?;
        Ok(RegisteredDevice::new(device, secret, done))
    }

    /// Gives a device a new secret; the one before is invalid at once.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn rotate_credential(
        &self,
        context: &Context,
        organisation: &Slug,
        site: &Slug,
        name: &Slug,
    ) -> Result<RegisteredDevice, CommandError> {
        permit(
            context,
            Permission::ManageDeviceCredentials,
            organisation,
            Some(site),
        )?;
        let ledger = self.ledger(organisation).await?;
        let device = DeviceId::of(organisation, site, name);
        let (credential, secret) = self.new_credential(organisation, device).await?;
        let command = DeviceCommand::RotateCredential(RotateCredential { credential });
        let done = ledger.command_device(context, device, command).await?;
        Ok(RegisteredDevice::new(device, secret, done))
    }

    /// Lets a device measure another asset of its site.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn bind_device(
        &self,
        context: &Context,
        organisation: &Slug,
        site: &Slug,
        name: &Slug,
        command: BindDevice,
    ) -> Result<Done, CommandError> {
        permit(
            context,
            Permission::RegisterDevice,
            organisation,
            Some(site),
        )?;
        let ledger = self.ledger(organisation).await?;
        let (device, asset) = (
            DeviceId::of(organisation, site, name),
            command.asset.clone(),
        );
        let command = DeviceCommand::from(command);
        if let Some(done) = ledger.repeated_device(context, device, &command).await? {
            return Ok(done);
        }
        ledger.require_asset(organisation, site, &asset).await?;
        ledger.command_device(context, device, command).await
    }

    /// Locks a device out until its credential is rotated.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn revoke_credential(
        &self,
        context: &Context,
        organisation: &Slug,
        site: &Slug,
        name: &Slug,
    ) -> Result<Done, CommandError> {
        permit(
            context,
            Permission::ManageDeviceCredentials,
            organisation,
            Some(site),
        )?;
        let command = DeviceCommand::RevokeCredential;
        self.command_device(context, organisation, site, name, command)
            .await
    }

    /// Lets a device sign with a further key. The keys before it stay valid until they are revoked;
    /// a device that had none must sign from this entry on.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn rotate_key(
        &self,
        context: &Context,
        organisation: &Slug,
        site: &Slug,
        name: &Slug,
        public_key: PublicKey,
    ) -> Result<Done, CommandError> {
        let command = RotateKey { public_key }.into();
        self.change_keys(context, organisation, site, name, command)
            .await
    }

    /// Takes a key from a device for ever: no batch that it signed can come after this entry.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn revoke_key(
        &self,
        context: &Context,
        organisation: &Slug,
        site: &Slug,
        name: &Slug,
        key_id: KeyId,
    ) -> Result<Done, CommandError> {
        let command = RevokeKey { key_id }.into();
        self.change_keys(context, organisation, site, name, command)
            .await
    }

    /// Lets a further certificate sign a device in, beside its secret and the certificates before.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn add_certificate(
        &self,
        context: &Context,
        organisation: &Slug,
        site: &Slug,
        name: &Slug,
        fingerprint: Fingerprint,
    ) -> Result<Done, CommandError> {
        let command = DeviceCommand::AddCertificate(AddCertificate { fingerprint });
        self.change_keys(context, organisation, site, name, command)
            .await
    }

    /// Takes a certificate from a device for ever: its open connections end.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn revoke_certificate(
        &self,
        context: &Context,
        organisation: &Slug,
        site: &Slug,
        name: &Slug,
        fingerprint: Fingerprint,
    ) -> Result<Done, CommandError> {
        let command = DeviceCommand::RevokeCertificate(RevokeCertificate { fingerprint });
        self.change_keys(context, organisation, site, name, command)
            .await
    }

    async fn change_keys(
        &self,
        context: &Context,
        organisation: &Slug,
        site: &Slug,
        name: &Slug,
        command: DeviceCommand,
    ) -> Result<Done, CommandError> {
        permit(
            context,
            Permission::ManageDeviceCredentials,
            organisation,
            Some(site),
        )?;
        self.command_device(context, organisation, site, name, command)
            .await
    }

    /// Takes a device out of use for good; its history stays.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn decommission_device(
        &self,
        context: &Context,
        organisation: &Slug,
        site: &Slug,
        name: &Slug,
    ) -> Result<Done, CommandError> {
        permit(
            context,
            Permission::RegisterDevice,
            organisation,
            Some(site),
        )?;
        let command = DeviceCommand::Decommission;
        self.command_device(context, organisation, site, name, command)
            .await
    }

    async fn command_device(
        &self,
        context: &Context,
        organisation: &Slug,
        site: &Slug,
        name: &Slug,
        command: DeviceCommand,
    ) -> Result<Done, CommandError> {
        let ledger = self.ledger(organisation).await?;
        ledger
            .command_device(context, DeviceId::of(organisation, site, name), command)
            .await
    }

    async fn new_credential(
        &self,
        organisation: &Slug,
        device: DeviceId,
    ) -> Result<(CredentialId, DeviceSecret), CommandError> {
        let secret = DeviceSecret::generate();
        let credential = credentials::insert(self.store.pool(), organisation, device, &secret)
            .await
            .map_err(|e| CommandError::Unavailable(e.to_string()))?;
        Ok((credential, secret))
    }
}

impl OrganisationLedger {
    async fn repeated_device(
        &self,
        context: &Context,
        device: DeviceId,
        command: &DeviceCommand,
    ) -> Result<Option<Done>, CommandError> {
        self.repeated(&self.devices, &device.to_string(), context, command)
            .await
    }

    async fn command_device(
        &self,
        context: &Context,
        device: DeviceId,
        command: DeviceCommand,
    ) -> Result<Done, CommandError> {
        self.execute(&self.devices, &device.to_string(), context, command)
            .await
    }
}

impl RegisteredDevice {
    fn new(device: DeviceId, secret: DeviceSecret, done: Done) -> Self {
        let secret = (!done.duplicate).then_some(secret);
        Self {
            device,
            secret,
            done,
        }
    }
}
