//! Which sessions a device has stored, so that it has only so many.
//!
//! The library keeps one for every client id that asks for it, with its queue, on disk.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use mqtt5::broker::StorageBackend;
use sealrock_domain::DeviceId;

use super::SESSIONS_PER_DEVICE;
use super::house::House;

/// The client ids of every device, least recently used first. Some may have no session any more:
/// the storage knows.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<HashMap<DeviceId, Vec<String>>>);

impl Sessions {
    fn used(&self, device: DeviceId, client_id: &str) {
        let mut all = self.lock();
        let of_device = all.entry(device).or_default();
        of_device.retain(|other| other != client_id);
        of_device.push(client_id.to_owned());
    }

    fn forget(&self, device: DeviceId, client_id: &str) {
        let mut all = self.lock();
        if let Some(of_device) = all.get_mut(&device) {
            of_device.retain(|other| other != client_id);
            if of_device.is_empty() {
                all.remove(&device);
            }
        }
    }

    fn of(&self, device: DeviceId) -> Vec<String> {
        self.lock().get(&device).cloned().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<DeviceId, Vec<String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl House {
    /// Learns the sessions of the last run, and forgets those that are too many.
    pub(super) async fn index_sessions(&self) -> mqtt5::Result<()> {
        let mut found = Vec::new();
        for client_id in self.storage.session_client_ids().await? {
            let Some(session) = self.storage.get_session(&client_id).await? else {
                continue;
            };
            let device = session.user_id.and_then(|user| user.parse().ok());
            found.extend(device.map(|device| (session.disconnected_at, device, client_id)));
        }
        found.sort_unstable_by_key(|(disconnected_at, ..)| *disconnected_at);
        for (_, device, client_id) in found {
            self.session_used(device, &client_id).await;
        }
        Ok(())
    }

    /// The device came or went with this client id: forgets what it has too many.
    pub(super) async fn session_used(&self, device: DeviceId, client_id: &str) {
        self.sessions.used(device, client_id);
        if self.sessions.of(device).len() <= SESSIONS_PER_DEVICE {
            return;
        }
        if let Err(error) = self.forget_surplus(device).await {
            tracing::warn!(%device, %error, "cannot forget a device's surplus MQTT sessions; trying again when it connects");
        }
    }

    async fn forget_surplus(&self, device: DeviceId) -> mqtt5::Result<()> {
        let mut stored = Vec::new();
        for client_id in self.sessions.of(device) {
            if self.is_stored(device, &client_id).await? {
                stored.push(client_id);
            } else {
                self.sessions.forget(device, &client_id);
            }
        }
        let mut surplus = stored.len().saturating_sub(SESSIONS_PER_DEVICE);
        for client_id in stored {
            if surplus == 0 {
                break;
            }
            if self.forget_session(device, &client_id).await? {
                surplus -= 1;
            }
        }
        Ok(())
    }

    /// Ends the session like its expiry would, unless somebody is connected with it: then it is
    /// looked at again when that connection ends.
    async fn forget_session(&self, device: DeviceId, client_id: &str) -> mqtt5::Result<bool> {
        let slot = self.router.lock_session(client_id).await;
        if self.router.is_connected(client_id).await {
            return Ok(false);
        }
        if self.is_stored(device, client_id).await? {
            self.storage.remove_session(client_id).await?;
            self.storage.remove_all_inflight_messages(client_id).await?;
            self.storage.queue_handle(client_id).clear(None);
            self.router.set_client_subscriptions(&slot, None).await?;
            self.router.cancel_pending_will(client_id);
        }
        self.sessions.forget(device, client_id);
        Ok(true)
    }

    /// A client id may be another device's by now.
    async fn is_stored(&self, device: DeviceId, client_id: &str) -> mqtt5::Result<bool> {
        let session = self.storage.get_session(client_id).await?;
        let holder = session.and_then(|session| session.user_id);
        Ok(holder.is_some_and(|holder| holder == device.to_string()))
    }
}
