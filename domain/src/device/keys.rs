//! Which keys a device may sign with.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{DeviceEvent, KeyId, PublicKey};

/// The keys of one device, as of a version of its stream.
///
/// Who has had a key must sign for ever, also while no key is valid: otherwise revoking a leaked
/// key would open the door to batches that nobody signed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceKeys {
    valid: BTreeMap<KeyId, PublicKey>,
    /// Never valid again: they may be in other hands.
    revoked: BTreeSet<KeyId>,
}

impl DeviceKeys {
    /// The most valid keys at a time: one in use, one to change over to, and room for devices of
    /// several signing parts.
    pub const MOST: usize = 16;

    /// The valid keys, in the order of their ids.
    #[must_use]
    pub fn valid(&self) -> impl ExactSizeIterator<Item = &PublicKey> {
        self.valid.values()
    }

    /// The valid key of this id.
    #[must_use]
    pub fn get(&self, id: KeyId) -> Option<&PublicKey> {
        self.valid.get(&id)
    }

    /// Whether the key of this id was valid once, and is not any more.
    #[must_use]
    pub fn was_revoked(&self, id: KeyId) -> bool {
        self.revoked.contains(&id)
    }

    /// Whether the device's batches must be signed.
    #[must_use]
    pub fn required(&self) -> bool {
        !self.valid.is_empty() || !self.revoked.is_empty()
    }

    /// Folds an event of the device's stream; those that concern no key change nothing.
    pub fn apply(&mut self, event: &DeviceEvent) {
        match event {
            DeviceEvent::DeviceRegistered(event) => self.add(event.public_key),
            DeviceEvent::DeviceKeyRotated(event) => self.add(Some(event.public_key)),
            DeviceEvent::DeviceKeyRevoked(event) => {
                self.valid.remove(&event.key_id);
                self.revoked.insert(event.key_id);
            }
            DeviceEvent::DeviceDecommissioned(_) => {
                self.revoked
                    .extend(std::mem::take(&mut self.valid).into_keys());
            }
            DeviceEvent::DeviceBound(_)
            | DeviceEvent::DeviceCredentialRotated(_)
            | DeviceEvent::DeviceCredentialRevoked(_)
            | DeviceEvent::DeviceCertificateAdded(_)
            | DeviceEvent::DeviceCertificateRevoked(_) => {}
        }
    }

    fn add(&mut self, key: Option<PublicKey>) {
        let key = key.filter(|key| !self.revoked.contains(&key.id()));
        self.valid.extend(key.map(|key| (key.id(), key)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::{DeviceKeyRevoked, DeviceKeyRotated};

    #[test]
    fn a_revoked_key_is_never_valid_again() {
        let public_key = PublicKey::new([7; 32]);
        let key_id = public_key.id();
        let mut keys = DeviceKeys::default();
        let rotated: DeviceEvent = DeviceKeyRotated { public_key }.into();
        keys.apply(&rotated);
        assert!(keys.get(key_id).is_some());
        keys.apply(&DeviceKeyRevoked { key_id }.into());
        keys.apply(&rotated);
        assert_eq!(keys.get(key_id), None);
        assert!(keys.was_revoked(key_id) && keys.required());
    }
}
