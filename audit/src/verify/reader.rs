//! What payloads say, made out on all cores.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use sealrock_domain::credit_block::CreditBlockEvent;
use sealrock_domain::device::{DeviceEvent, KeyId, PreparedKey, PublicKey};
use sealrock_domain::issuance::IssuanceEvent;
use sealrock_domain::mass_account::MassAccountEvent;
use sealrock_domain::telemetry::frame::Frame;
use sealrock_domain::telemetry::window::{Hour, WindowEvent, window_of};
use sealrock_domain::telemetry::{
    JSON, SENSOR_BATCH_RECORDED, SENSOR_BATCH_SCHEMA, SIGNED_BATCH, decode_recorded,
};
use sealrock_domain::{
    DeviceId, EventDecodeError, EventType, asset::AssetEvent, organisation::OrganisationEvent,
    site::SiteEvent,
};
use sealrock_ledger::record::{PayloadRedacted, Record, RetentionApplied};
use sealrock_ledger::verify::{Reader, is_known_record};
use sealrock_ledger::{Entry, Origin, PayloadRef};

/// Keys whose multiples are kept, 80 KiB each: 40 MiB at most. Those of further devices verify with
/// the library's function, at a third of the speed.
const MOST_PREPARED: usize = 512;

/// What a payload says, as far as the facts of a ledger depend on it.
pub(super) enum Fact {
    Batch(Batch),
    Device(Box<DeviceEvent>),
    Window(Box<WindowEvent>),
    Retention(RetentionApplied),
    Redaction(PayloadRedacted),
    /// It is understood, and nothing depends on it.
    Other,
    /// A type or schema that this version does not know.
    Unknown,
    /// It is not what the entry's type and schema say.
    Malformed(String),
}

/// A device's batch.
pub(super) struct Batch {
    pub(super) device: DeviceId,
    pub(super) hour: Hour,
    /// Boot and seq, where it carries a seq.
    pub(super) counter: Option<(String, u64)>,
    pub(super) signed: Signed,
}

/// Whether a device signed a batch.
pub(super) enum Signed {
    No,
    /// A key of its id was known, and its signature fits or not. Another key may have the same id.
    Checked(PublicKey, Result<(), String>),
    /// By a key that was not known yet: the frame.
    Unchecked(Vec<u8>),
}

/// Reads payloads, and remembers all keys that it sees, so that signatures are verified on all
/// cores. A key's id tells what the key is wherever it was introduced; whether it was valid where it
/// was used is for the judge, who knows the order.
pub(super) struct FactReader {
    origin: Origin,
    keys: RwLock<HashMap<(DeviceId, KeyId), Arc<PreparedKey>>>,
}

impl FactReader {
    pub(super) fn of(origin: Origin) -> Self {
        Self {
            origin,
            keys: RwLock::default(),
        }
    }

    /// Whether a frame's signature is by this key, for this device and ledger.
    pub(super) fn verify(
        &self,
        frame: &Frame<'_>,
        key: &PreparedKey,
        device: DeviceId,
    ) -> Result<(), String> {
        frame
            .verify_prepared(key, self.origin.as_str(), device)
            .map_err(|e| e.to_string())
    }

    fn batch(
        &self,
        device: DeviceId,
        entry: &Entry,
        payload: &PayloadRef<'_>,
    ) -> Result<Batch, String> {
        let batch = decode_recorded(&payload.media, payload.bytes).map_err(|e| e.to_string())?;
        let signed = if payload.media == SIGNED_BATCH {
            let frame = Frame::parse(payload.bytes).map_err(|e| e.to_string())?;
            let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
            let key = keys.get(&(device, frame.key)).cloned();
            drop(keys);
            match key {
                Some(key) => Signed::Checked(key.key(), self.verify(&frame, &key, device)),
                None => Signed::Unchecked(payload.bytes.to_vec()),
            }
        } else {
            Signed::No
        };
        let hour = window_of(&batch, entry.received_at);
        let counter = batch.seq.map(|seq| (batch.boot.unwrap_or_default(), seq));
        Ok(Batch {
            device,
            hour,
            counter,
            signed,
        })
    }

    fn device(&self, id: &str, entry: &Entry, payload: &PayloadRef<'_>) -> Fact {
        let event = match decode::<DeviceEvent>(entry, payload) {
            Ok(event) => event,
            Err(fact) => return fact,
        };
        let key = match &event {
            DeviceEvent::DeviceRegistered(event) => event.public_key,
            DeviceEvent::DeviceKeyRotated(event) => Some(event.public_key),
            _ => None,
        };
        if let (Some(key), Some(device)) = (key, device_of(id)) {
            let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
            let prepared = if keys.len() < MOST_PREPARED {
                PreparedKey::for_many(key)
            } else {
                PreparedKey::for_few(key)
            };
            keys.insert((device, key.id()), Arc::new(prepared));
        }
        Fact::Device(Box::new(event))
    }
}

impl Reader for FactReader {
    type Fact = Fact;

    fn read(&self, entry: &Entry, payload: &PayloadRef<'_>) -> Fact {
        let (kind, id) = entry.stream.split_once('/').unwrap_or_default();
        match kind {
            "telemetry" => match (batch_kind(entry), device_of(id)) {
                (true, Some(device)) => self
                    .batch(device, entry, payload)
                    .map_or_else(Fact::Malformed, Fact::Batch),
                _ => Fact::Unknown,
            },
            "device" => self.device(id, entry, payload),
            "window" | "gap" => decode::<WindowEvent>(entry, payload)
                .map_or_else(|fact| fact, |event| Fact::Window(Box::new(event))),
            "ledger" if !is_known_record(entry) => Fact::Unknown,
            "ledger" if entry.kind == RetentionApplied::KIND => {
                // That it cannot be read is found by the ledger's verifier.
                serde_json::from_slice(payload.bytes).map_or(Fact::Other, Fact::Retention)
            }
            "ledger" if entry.kind == PayloadRedacted::KIND => {
                serde_json::from_slice(payload.bytes).map_or(Fact::Other, Fact::Redaction)
            }
            "ledger" => Fact::Other,
            "organisation" => other::<OrganisationEvent>(entry, payload),
            "site" => other::<SiteEvent>(entry, payload),
            "asset" => other::<AssetEvent>(entry, payload),
            "mass_account" => other::<MassAccountEvent>(entry, payload),
            "issuance" => other::<IssuanceEvent>(entry, payload),
            "credit_block" => other::<CreditBlockEvent>(entry, payload),
            _ => Fact::Unknown,
        }
    }
}

/// Whether an entry is a batch, by its type.
pub(super) fn batch_kind(entry: &Entry) -> bool {
    entry.kind == SENSOR_BATCH_RECORDED && entry.schema == SENSOR_BATCH_SCHEMA
}

/// A device's id as streams spell it.
pub(super) fn device_of(id: &str) -> Option<DeviceId> {
    let device: DeviceId = id.parse().ok()?;
    (device.to_string() == id).then_some(device)
}

fn decode<T: EventType>(entry: &Entry, payload: &PayloadRef<'_>) -> Result<T, Fact> {
    let event =
        T::decode(&entry.kind, entry.schema, payload.bytes).map_err(|error| match error {
            EventDecodeError::Malformed { .. } => Fact::Malformed(error.to_string()),
            EventDecodeError::UnknownType { .. } | EventDecodeError::UnknownSchema { .. } => {
                Fact::Unknown
            }
        })?;
    // Under another media type it would not be held to the canonical form.
    if payload.media == JSON {
        Ok(event)
    } else {
        let (kind, media) = (&entry.kind, &payload.media);
        let message = format!("the payload of a {kind} has media type {media:?}, not {JSON}");
        Err(Fact::Malformed(message))
    }
}

fn other<T: EventType>(entry: &Entry, payload: &PayloadRef<'_>) -> Fact {
    decode::<T>(entry, payload).map_or_else(|fact| fact, |_| Fact::Other)
}
