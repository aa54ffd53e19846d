//! What a device sent: a batch, alone or in a signed frame.

use chrono::{DateTime, Utc};
use sealrock_domain::telemetry::{
    self, DecodeError, Frame, SIGNED_BATCH, SensorBatch, command_id, dedup_key, media_type_of,
};
use sealrock_domain::{Topic, TopicKind};
use sealrock_eventstore::{Append, Expected, NewEvent, Retention};
use sha2::{Digest, Sha256};

use super::DeviceIdentity;

/// Bytes that hold a batch.
pub(super) struct Sent<'a> {
    bytes: &'a [u8],
    media: &'static str,
    /// The frame around the batch, if it is signed. Whether the signature fits is not said yet.
    pub(super) frame: Option<Frame<'a>>,
    pub(super) batch: SensorBatch,
}

impl<'a> Sent<'a> {
    /// Reads what came; the first byte decides whether it is a frame.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let media = bytes.first().and_then(|first| media_type_of(*first));
        let frame = match media {
            Some(SIGNED_BATCH) => Some(Frame::parse(bytes)?),
            _ => None,
        };
        Ok(Self {
            bytes,
            media: media.unwrap_or(telemetry::JSON),
            batch: telemetry::decode(frame.map_or(bytes, |frame| frame.batch))?,
            frame,
        })
    }

    /// The entry that records it as it came, resting on `version` of the device's own stream.
    ///
    /// Command id and input are those of the batch inside, whoever signed it: a device that
    /// changed its key between a batch and its repetition, or was given one, repeats itself and
    /// does not send anew. Without seq the content is the identity; the device's own topic stands
    /// for every way in, so that a device that falls back from MQTT to HTTP repeats itself too.
    pub(super) fn append(
        &self,
        identity: &DeviceIdentity,
        version: u64,
        via: &str,
        received_at: DateTime<Utc>,
    ) -> Append {
        let DeviceIdentity {
            device,
            organisation,
            site,
            name,
            ..
        } = identity.clone();
        let topic = Topic::new(organisation, site, name, TopicKind::Batch).to_string();
        let inner = self.frame.map_or(self.bytes, |frame| frame.batch);
        Append {
            actor: device.actor(),
            command: command_id(&dedup_key(device, &self.batch, &topic, inner)),
            input_hash: Sha256::digest(inner).into(),
            cause: String::new(),
            via: via.to_owned(),
            received_at,
            unchanged: Some((device.stream(), version)),
            events: vec![NewEvent {
                stream: device.telemetry_stream(),
                expected: Expected::Any,
                kind: telemetry::SENSOR_BATCH_RECORDED.to_owned(),
                schema: telemetry::SENSOR_BATCH_SCHEMA,
                media: self.media.to_owned(),
                bytes: self.bytes.to_vec(),
                retention: Retention::Batch,
            }],
        }
    }
}
