//! Devices: what publishes sensor batches, with its binding, credential and keys.

mod certificate;
mod commands;
mod events;
mod key;
#[cfg(test)]
mod key_tests;
mod keys;
mod multiples;
mod prepared;
mod rejection;
mod sensor;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use cqrs_es::{Aggregate, event_sink::EventSink};
use serde::{Deserialize, Serialize};

pub use certificate::{DeviceCertificates, Fingerprint, FingerprintError};
pub use commands::{
    AddCertificate, BindDevice, DeviceCommand, RegisterDevice, RevokeCertificate, RevokeKey,
    RotateCredential, RotateKey,
};
pub use events::{
    DeviceBound, DeviceCertificateAdded, DeviceCertificateRevoked, DeviceCredentialRevoked,
    DeviceCredentialRotated, DeviceDecommissioned, DeviceEvent, DeviceKeyRevoked, DeviceKeyRotated,
    DeviceRegistered,
};
pub use key::{KeyId, KeyIdError, PublicKey, PublicKeyError, UnusableKey};
pub use keys::DeviceKeys;
pub use prepared::PreparedKey;
pub use rejection::DeviceRejection;
pub use sensor::Sensor;

use crate::{CredentialId, Slug, telemetry::Source};

/// The device of one stream; empty before its registration.
///
/// At most one credential is valid at a time: rotation replaces it at once. Keys are several:
/// a rotation adds one, and the device changes over to it before the old one is revoked. So are
/// certificates, which sign it in beside the credential while it has one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    profile: Option<DeviceRegistered>,
    credential: Option<CredentialId>,
    /// Never valid again: reviving one would revive a secret that may have leaked.
    spent_credentials: BTreeSet<CredentialId>,
    keys: DeviceKeys,
    certificates: DeviceCertificates,
    decommissioned: bool,
}

type Decision = Result<DeviceEvent, DeviceRejection>;

impl Device {
    /// What was registered, with the present asset: organisation, site, name, source.
    /// `credential` and `public_key` in it are the first ones; see
    /// [`active_credentials`](Self::active_credentials) and [`valid_keys`](Self::valid_keys).
    #[must_use]
    pub fn profile(&self) -> Option<&DeviceRegistered> {
        self.profile.as_ref()
    }

    /// The asset that it measures now.
    #[must_use]
    pub fn asset(&self) -> Option<&Slug> {
        self.profile.as_ref()?.asset.as_ref()
    }

    /// The keys that it may sign with, and whether it must.
    #[must_use]
    pub fn keys(&self) -> &DeviceKeys {
        &self.keys
    }

    /// The keys whose signatures count now; none once it is decommissioned.
    #[must_use]
    pub fn valid_keys(&self) -> impl ExactSizeIterator<Item = &PublicKey> {
        self.keys.valid()
    }

    /// Whether its readings are real, simulated or migrated, when a batch says nothing.
    #[must_use]
    pub fn source(&self) -> Option<Source> {
        self.profile.as_ref().map(|profile| profile.source)
    }

    /// The credentials that sign it in: one, or none once revoked or decommissioned.
    #[must_use]
    pub fn active_credentials(&self) -> &[CredentialId] {
        self.credential.as_slice()
    }

    /// Whether this certificate signs it in: not while it is locked out, which is what revoking its
    /// credential does.
    #[must_use]
    pub fn is_signed_in_by(&self, certificate: Fingerprint) -> bool {
        self.credential.is_some() && self.certificates.has(certificate)
    }

    /// The certificates that sign it in while it is not locked out.
    #[must_use]
    pub fn certificates(&self) -> &DeviceCertificates {
        &self.certificates
    }

    /// Whether it is out of use for good.
    #[must_use]
    pub fn is_decommissioned(&self) -> bool {
        self.decommissioned
    }

    fn decide(&self, command: DeviceCommand) -> Decision {
        match command {
            DeviceCommand::Register(command) => self.register(*command),
            DeviceCommand::Bind(command) => self.bind(command),
            DeviceCommand::RotateCredential(command) => self.rotate(command),
            DeviceCommand::RevokeCredential => self.revoke(),
            DeviceCommand::RotateKey(command) => self.rotate_key(command),
            DeviceCommand::RevokeKey(command) => self.revoke_key(command),
            DeviceCommand::AddCertificate(AddCertificate { fingerprint }) => {
                self.certificates
                    .may_add(&self.active()?.name, fingerprint)?;
                Ok(DeviceCertificateAdded { fingerprint }.into())
            }
            DeviceCommand::RevokeCertificate(RevokeCertificate { fingerprint }) => {
                self.certificates
                    .may_revoke(&self.active()?.name, fingerprint)?;
                Ok(DeviceCertificateRevoked { fingerprint }.into())
            }
            DeviceCommand::Decommission => self.active().map(|_| DeviceDecommissioned {}.into()),
        }
    }

    fn active(&self) -> Result<&DeviceRegistered, DeviceRejection> {
        let profile = self
            .profile
            .as_ref()
            .ok_or(DeviceRejection::NotRegistered)?;
        if self.decommissioned {
            return Err(DeviceRejection::Decommissioned {
                name: profile.name.clone(),
            });
        }
        Ok(profile)
    }

    fn register(&self, command: RegisterDevice) -> Decision {
        if let Some(existing) = self.profile.clone() {
            let DeviceRegistered {
                site,
                name,
                display_name,
                ..
            } = existing;
            return Err(DeviceRejection::AlreadyRegistered {
                site,
                name,
                display_name,
            });
        }
        sensor::check(&command.sensors)?;
        command.public_key.as_ref().map_or(Ok(()), usable)?;
        Ok(DeviceRegistered::from(command).into())
    }

    fn bind(&self, BindDevice { asset }: BindDevice) -> Decision {
        let profile = self.active()?;
        if profile.asset.as_ref() == Some(&asset) {
            return Err(DeviceRejection::AlreadyBound {
                name: profile.name.clone(),
                asset,
            });
        }
        Ok(DeviceBound { asset }.into())
    }

    fn rotate(&self, RotateCredential { credential }: RotateCredential) -> Decision {
        self.active()?;
        if self.credential == Some(credential) || self.spent_credentials.contains(&credential) {
            return Err(DeviceRejection::CredentialUsed { credential });
        }
        Ok(DeviceCredentialRotated { credential }.into())
    }

    fn revoke(&self) -> Decision {
        let name = &self.active()?.name;
        let no_credential = || DeviceRejection::NoCredential { name: name.clone() };
        let credential = self.credential.ok_or_else(no_credential)?;
        Ok(DeviceCredentialRevoked { credential }.into())
    }

    fn rotate_key(&self, RotateKey { public_key }: RotateKey) -> Decision {
        let (name, key) = (self.active()?.name.clone(), public_key.id());
        usable(&public_key)?;
        if self.keys.get(key).is_some() {
            return Err(DeviceRejection::KeyValid { name, key });
        }
        if self.keys.was_revoked(key) {
            return Err(DeviceRejection::KeyRevoked { name, key });
        }
        if self.keys.valid().len() >= DeviceKeys::MOST {
            let most = DeviceKeys::MOST;
            return Err(DeviceRejection::TooManyKeys { name, most });
        }
        Ok(DeviceKeyRotated { public_key }.into())
    }

    fn revoke_key(&self, RevokeKey { key_id }: RevokeKey) -> Decision {
        let (name, key) = (self.active()?.name.clone(), key_id);
        if self.keys.get(key).is_some() {
            return Ok(DeviceKeyRevoked { key_id }.into());
        }
        if self.keys.was_revoked(key) {
            return Err(DeviceRejection::KeyRevoked { name, key });
        }
        let valid: Vec<String> = self.valid_keys().map(|key| key.id().to_string()).collect();
        let valid = match valid.as_slice() {
            [] => "it has none".to_owned(),
            some => format!("it has {}", some.join(", ")),
        };
        Err(DeviceRejection::KeyUnknown { name, key, valid })
    }

    fn spend_credential(&mut self) {
        self.spent_credentials.extend(self.credential.take());
    }
}

fn usable(key: &PublicKey) -> Result<(), DeviceRejection> {
    key.check().map_err(|reason| DeviceRejection::UnusableKey {
        key: key.id(),
        reason,
    })
}

impl Aggregate for Device {
    const TYPE: &'static str = "device";
    type Command = DeviceCommand;
    type Event = DeviceEvent;
    type Error = DeviceRejection;
    type Services = ();

    async fn handle(
        &mut self,
        command: Self::Command,
        (): &Self::Services,
        sink: &EventSink<Self>,
    ) -> Result<(), Self::Error> {
        let event = self.decide(command)?;
        sink.write(event, self).await;
        Ok(())
    }

    fn apply(&mut self, event: Self::Event) {
        self.keys.apply(&event);
        self.certificates.apply(&event);
        match event {
            DeviceEvent::DeviceRegistered(event) => {
                self.credential = Some(event.credential);
                self.profile = Some(event);
            }
            DeviceEvent::DeviceBound(event) => {
                if let Some(profile) = &mut self.profile {
                    profile.asset = Some(event.asset);
                }
            }
            DeviceEvent::DeviceCredentialRotated(event) => {
                self.spend_credential();
                self.credential = Some(event.credential);
            }
            DeviceEvent::DeviceCredentialRevoked(_) => self.spend_credential(),
            DeviceEvent::DeviceKeyRotated(_)
            | DeviceEvent::DeviceKeyRevoked(_)
            | DeviceEvent::DeviceCertificateAdded(_)
            | DeviceEvent::DeviceCertificateRevoked(_) => {}
            DeviceEvent::DeviceDecommissioned(_) => {
                self.spend_credential();
                self.decommissioned = true;
            }
        }
    }
}
