//! What a device sent: a batch, alone or in a signed frame, or a message that was read as one.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use sealrock_domain::telemetry::{
    self, DecodeError, Frame, MAPPED_BATCH, MappedBatch, SIGNED_BATCH, SensorBatch, command_id,
    dedup_key, media_type_of,
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
    /// What makes it the same again: the batch inside, or the message of another make.
    content: Cow<'a, [u8]>,
    /// The topic that its content came on, where that is not the device's own.
    topic: Option<String>,
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
            content: Cow::Borrowed(frame.map_or(bytes, |frame| frame.batch)),
            topic: None,
            frame,
        })
    }

    /// Reads what a mapping made of a message of another make.
    ///
    /// A message that bears no time is another one at another moment, even with the same text: the
    /// time of receipt is part of its content.
    pub(super) fn read_mapped(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mapped = MappedBatch::parse(bytes)?;
        let batch = telemetry::decode(mapped.batch)?;
        let mut content = mapped.original.into_bytes();
        if mapped.timed_by_receipt {
            let times = batch.readings.iter().map(|reading| reading.at.to_rfc3339());
            content.extend(times.flat_map(|time| format!("\n{time}").into_bytes()));
        }
        Ok(Self {
            bytes,
            media: MAPPED_BATCH,
            frame: None,
            batch,
            content: Cow::Owned(content),
            topic: Some(mapped.topic),
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
        let device = identity.device;
        let topic = match &self.topic {
            Some(topic) => Cow::Borrowed(topic.as_str()),
            // The device's count is the identity: its topic is not asked for.
            None if self.batch.seq.is_some() => Cow::Borrowed(""),
            None => {
                let (org, site) = (identity.organisation.clone(), identity.site.clone());
                let own = Topic::new(org, site, identity.name.clone(), TopicKind::Batch);
                Cow::Owned(own.to_string())
            }
        };
        Append {
            actor: device.actor(),
            command: command_id(&dedup_key(device, &self.batch, &topic, &self.content)),
            input_hash: Sha256::digest(&self.content).into(),
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
