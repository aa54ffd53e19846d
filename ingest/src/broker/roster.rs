//! Who is connected: presence, and the way to end a device's connections.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::Utc;
use sealrock_domain::DeviceId;

use super::presence::PresenceTeller;
use super::wire::{ADMINISTRATIVE_ACTION, Line};
use super::{CONNECTIONS_PER_DEVICE, Presence};
use crate::gate::DeviceIdentity;

/// The lines of every connected device, oldest first. A device is online while it has at least one, so a
/// session that is taken over by the device's own new connection is no absence.
#[derive(Debug)]
pub(super) struct Roster {
    lines: Mutex<HashMap<DeviceId, Vec<Arc<Line>>>>,
    presence: PresenceTeller,
}

impl Roster {
    pub(super) fn new(presence: PresenceTeller) -> Self {
        Self {
            lines: Mutex::default(),
            presence,
        }
    }

    /// Enters the line. Ends the oldest beyond [`CONNECTIONS_PER_DEVICE`] and says whether there
    /// was one.
    pub(super) fn arrived(&self, device: &DeviceIdentity, line: &Arc<Line>) -> bool {
        let mut lines = self.lock();
        let of_device = lines.entry(device.device).or_default();
        of_device.push(Arc::clone(line));
        if of_device.len() == 1 {
            self.tell(device, true);
        }
        metrics::gauge!("sealrock_mqtt_connections").increment(1);
        let open: Vec<_> = of_device.iter().filter(|line| !line.is_cut()).collect();
        let surplus = open.len().saturating_sub(CONNECTIONS_PER_DEVICE);
        open[..surplus].iter().for_each(|line| line.cut());
        surplus > 0
    }

    pub(super) fn left(&self, device: &DeviceIdentity, line: &Arc<Line>) {
        let mut lines = self.lock();
        let Some(of_device) = lines.get_mut(&device.device) else {
            return;
        };
        let Some(place) = of_device.iter().position(|other| Arc::ptr_eq(other, line)) else {
            return;
        };
        of_device.remove(place);
        if of_device.is_empty() {
            lines.remove(&device.device);
            self.tell(device, false);
        }
        metrics::gauge!("sealrock_mqtt_connections").decrement(1);
    }

    pub(super) fn cut(&self, device: DeviceId) {
        for line in self.lock().get(&device).into_iter().flatten() {
            line.cut_for(ADMINISTRATIVE_ACTION);
        }
    }

    pub(super) fn online(&self) -> Vec<DeviceId> {
        self.lock().keys().copied().collect()
    }

    /// Told under the lock, so that the stream's order is the order of events.
    fn tell(&self, device: &DeviceIdentity, online: bool) {
        self.presence.tell(Presence {
            device: device.clone(),
            online,
            at: Utc::now(),
        });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<DeviceId, Vec<Arc<Line>>>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
