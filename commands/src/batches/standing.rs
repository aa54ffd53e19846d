//! What a device may send, as of a version of its stream.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;
use sealrock_domain::device::{Device, DeviceKeys, Fingerprint, KeyId};
use sealrock_domain::telemetry::Frame;
use sealrock_domain::{CredentialId, DeviceId, Slug};
use sealrock_eventstore::{LedgerId, Loaded};
use sealrock_ledger::Origin;

use super::{BatchError, DeviceIdentity, SignIn};

/// Devices whose standing is kept in memory; each takes some hundred bytes.
const KEPT: usize = 100_000;

/// What signs a device in and its keys, and the version of its stream that they were read at.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) version: u64,
    decommissioned: bool,
    /// None: it was revoked and none has followed, so the device is locked out.
    credential: Option<CredentialId>,
    certificates: Box<[Fingerprint]>,
    keys: DeviceKeys,
}

/// What is known of devices, by ledger: one that continues another begins each device's stream anew,
/// perhaps at a smaller version. It may be behind: a batch that was judged by it rests on its version.
pub(super) struct Standings(Mutex<LruCache<Key, Arc<Standing>>>);

pub(super) type Key = (LedgerId, DeviceId);

impl From<&Loaded<Device>> for Standing {
    fn from(loaded: &Loaded<Device>) -> Self {
        let state = loaded.state();
        Self {
            version: loaded.version(),
            decommissioned: state.is_decommissioned(),
            credential: state.active_credentials().first().copied(),
            certificates: state.certificates().valid().copied().collect(),
            keys: state.keys().clone(),
        }
    }
}

impl Standing {
    /// Whether what was sent may be recorded: by who is still signed in, and signed by a valid key, or
    /// unsigned by a device that never had one.
    pub(super) fn judge(
        &self,
        identity: &DeviceIdentity,
        origin: &Origin,
        frame: Option<&Frame<'_>>,
    ) -> Result<(), BatchError> {
        let name = &identity.name;
        if self.decommissioned {
            return refused(format!("device {name} is decommissioned and sends no more"));
        }
        self.still_signed_in(identity)?;
        let Some(frame) = frame else {
            return self.unsigned(name);
        };
        let Some(key) = self.keys.get(frame.key) else {
            return refused(self.unknown_key(name, frame.key));
        };
        frame
            .verify(key, origin.as_str(), identity.device)
            .or_else(|error| refused(format!("device {name}: {error}")))
    }

    /// A revocation may come between the sign-in and the batch.
    fn still_signed_in(&self, identity: &DeviceIdentity) -> Result<(), BatchError> {
        let valid = match &identity.sign_in {
            SignIn::Secret(id) => self.credential == Some(*id),
            SignIn::Certificate(shown) => {
                self.credential.is_some() && self.certificates.contains(shown)
            }
            SignIn::Broker if self.credential.is_none() => {
                return refused(format!(
                    "device {} is locked out: `sealrock device rotate` lets it in again",
                    identity.name
                ));
            }
            SignIn::Broker => true,
        };
        valid.then_some(()).ok_or(BatchError::SignedOut)
    }

    fn unsigned(&self, name: &Slug) -> Result<(), BatchError> {
        if !self.keys.required() {
            return Ok(());
        }
        refused(format!(
            "device {name} has a key, so its batches must be signed: send each in a signed frame \
             (0x01, key id, signature, batch)"
        ))
    }

    fn unknown_key(&self, name: &Slug, key: KeyId) -> String {
        if self.keys.was_revoked(key) {
            return format!("key {key} of device {name} was revoked: sign with another");
        }
        let valid: Vec<String> = self.keys.valid().map(|key| key.id().to_string()).collect();
        let has = match valid.as_slice() {
            [] => "which has none".to_owned(),
            some => format!("which has {}", some.join(", ")),
        };
        format!(
            "key {key} is no key of device {name}, {has}: add its public key with `sealrock device \
             rotate-key`"
        )
    }
}

fn refused(reason: String) -> Result<(), BatchError> {
    Err(BatchError::Refused(reason))
}

impl Standings {
    pub(super) fn get(&self, device: Key) -> Option<Arc<Standing>> {
        self.lock().get(&device).cloned()
    }

    /// Keeps the newer of what is known and what is given, and answers it.
    pub(super) fn keep(&self, device: Key, given: Standing) -> Arc<Standing> {
        let mut kept = self.lock();
        if let Some(known) = kept.get(&device)
            && known.version > given.version
        {
            return Arc::clone(known);
        }
        let given = Arc::new(given);
        kept.put(device, Arc::clone(&given));
        // Bounded by hand, because a bounded cache takes the memory for its bound at once.
        if kept.len() > KEPT {
            kept.pop_lru();
        }
        given
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<Key, Arc<Standing>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Standings {
    fn default() -> Self {
        Self(Mutex::new(LruCache::unbounded()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_ledger_knows_of_a_device_is_not_what_the_one_that_continues_it_knows() {
        let (kept, device) = (Standings::default(), DeviceId(uuid::Uuid::nil()));
        let at = |version| Standing {
            version,
            decommissioned: false,
            credential: None,
            certificates: Box::default(),
            keys: DeviceKeys::default(),
        };
        let (old, new) = (LedgerId(1), LedgerId(2));
        kept.keep((old, device), at(5));
        assert!(kept.get((new, device)).is_none());
        assert_eq!(kept.keep((new, device), at(3)).version, 3);
        assert_eq!(kept.keep((old, device), at(4)).version, 5);
    }
}
