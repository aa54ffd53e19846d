//! What becomes of one message before it is acknowledged.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use rand::Rng;
use sealrock_domain::{DeviceId, Slug, Topic, TopicKind};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::broker::Presence;
use crate::broker::presence::PresenceTeller;
use crate::counters;
use crate::dead_letters::{DeadLetter, DeadLetters};
use crate::gate::{
    BatchError, BatchReceipt, BatchSink, DeviceIdentity, Rejection, RejectionCode, in_turn,
};
use crate::mapping::Mappings;
use crate::receipt;

/// Waiting times between attempts while the ledger is unavailable.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Whose letters those are whose sender nobody knows: the platform's own. They are bounded together,
/// as one device's are.
const NOBODYS: DeviceId = DeviceId(Uuid::nil());
const PLATFORM: &str = "registry";

/// Where messages are brought.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) sink: Arc<dyn BatchSink>,
    pub(super) dead_letters: Arc<dyn DeadLetters>,
    pub(super) mappings: Arc<Mappings>,
    pub(super) presence: PresenceTeller,
    pub(super) stopping: CancellationToken,
}

/// A message as it came.
#[derive(Clone)]
pub(super) struct Message {
    /// The topic's bytes; they need not be text.
    pub(super) topic: Bytes,
    pub(super) payload: Bytes,
    pub(super) at: DateTime<Utc>,
    /// Room that it takes; free again when it is durable.
    pub(super) room: Arc<OwnedSemaphorePermit>,
}

/// The message is durable, or needs not be.
pub(super) struct Done {
    /// The receipt, and its topic.
    pub(super) receipt: Option<(String, Vec<u8>)>,
}

/// The node stops: the message stays with the broker.
pub(super) struct GivenUp;

/// The lane of a message: batches of one device keep their order, whatever topic they come on.
pub(super) fn lane(topic: &[u8], mappings: &Mappings) -> String {
    let device = std::str::from_utf8(topic).ok().and_then(|topic| {
        let own = topic.parse::<Topic>().ok();
        own.or_else(|| mappings.find(topic)?.ok().map(|found| found.device))
    });
    match device {
        Some(topic) => format!("{}/{}/{}", topic.org, topic.site, topic.device),
        None => String::new(),
    }
}

impl Desk {
    /// Records the message, or keeps it as a dead letter; tries for as long as it takes.
    ///
    /// # Errors
    /// [`GivenUp`] when the node stops.
    pub(super) async fn take(&self, message: Message) -> Result<Done, GivenUp> {
        let done = self.take_topic(&message).await;
        drop(message.room);
        if done.is_err() {
            counters::batch("external", "unavailable");
        }
        done
    }

    /// Keeps a message that cannot be taken because taking it panics.
    ///
    /// # Errors
    /// [`GivenUp`] when the node stops.
    pub(super) async fn give_up(&self, message: Message) -> Result<Done, GivenUp> {
        let text = String::from_utf8_lossy(&message.topic);
        let topic = text.parse::<Topic>().ok();
        let batch = topic.filter(|topic| topic.kind == TopicKind::Batch);
        let rejection = Rejection {
            code: RejectionCode::Failed,
            message: "the platform fails on this message: its operator finds why in the log"
                .to_owned(),
        };
        self.reject(&message, &text, batch.as_ref(), None, &rejection)
            .await
    }

    async fn take_topic(&self, message: &Message) -> Result<Done, GivenUp> {
        let text = String::from_utf8_lossy(&message.topic);
        if let Ok(topic) = text.parse::<Topic>() {
            return match topic.kind {
                TopicKind::Batch => self.take_batch(message, &topic).await,
                TopicKind::Status => self.take_status(message, &topic).await,
                TopicKind::Receipt => Ok(Done { receipt: None }),
            };
        }
        let rejection = match self.mappings.find(&text) {
            Some(Ok(found)) => {
                let payload = found.read(&message.payload, message.at).map(Bytes::from);
                return self
                    .take_mapped(message, &text, &found.device, payload)
                    .await;
            }
            Some(Err(rejection)) => rejection,
            None => Rejection {
                code: RejectionCode::WrongTopic,
                message: format!("{text} is neither a batch topic nor mapped"),
            },
        };
        self.reject(message, &text, None, None, &rejection).await
    }

    async fn take_batch(&self, message: &Message, topic: &Topic) -> Result<Done, GivenUp> {
        let via = format!("mqtt:{topic}");
        match self.device(topic).await? {
            Err(rejection) => {
                let text = topic.to_string();
                self.reject(message, &text, Some(topic), None, &rejection)
                    .await
            }
            Ok(identity) => {
                let record = || {
                    let bytes = message.payload.clone();
                    self.sink.record_batch(&identity, &via, message.at, bytes)
                };
                let outcome = self.patiently(record).await?;
                self.answer(message, topic, &via, &identity, outcome).await
            }
        }
    }

    async fn take_mapped(
        &self,
        message: &Message,
        via: &str,
        topic: &Topic,
        payload: Result<Bytes, Rejection>,
    ) -> Result<Done, GivenUp> {
        let identity = match self.device(topic).await? {
            Err(rejection) => {
                return self
                    .reject(message, via, Some(topic), None, &rejection)
                    .await;
            }
            Ok(identity) => identity,
        };
        let via = format!("mqtt:{via}");
        let outcome = match payload {
            Err(rejection) => Err(rejection),
            Ok(payload) => {
                let record = || {
                    let payload = payload.clone();
                    self.sink
                        .record_mapped(&identity, &via, message.at, payload)
                };
                self.patiently(record).await?
            }
        };
        self.answer(message, topic, &via, &identity, outcome).await
    }

    /// The device that the topic names.
    async fn device(&self, topic: &Topic) -> Result<Result<DeviceIdentity, Rejection>, GivenUp> {
        let Topic {
            org, site, device, ..
        } = topic;
        self.patiently(|| self.sink.vouched_for(org, site, device))
            .await
    }

    async fn take_status(&self, message: &Message, topic: &Topic) -> Result<Done, GivenUp> {
        let online = match message.payload.trim_ascii() {
            b"online" => true,
            b"offline" => false,
            _ => return Ok(Done { receipt: None }),
        };
        if let Ok(device) = self.device(topic).await? {
            let at = message.at;
            self.presence.tell(Presence { device, online, at });
        }
        Ok(Done { receipt: None })
    }

    async fn answer(
        &self,
        message: &Message,
        topic: &Topic,
        via: &str,
        identity: &DeviceIdentity,
        outcome: Result<BatchReceipt, Rejection>,
    ) -> Result<Done, GivenUp> {
        let receipt = match outcome {
            Ok(receipt) => receipt,
            Err(rejection) => {
                let via = via.trim_start_matches("mqtt:");
                return self
                    .reject(message, via, Some(topic), Some(identity), &rejection)
                    .await;
            }
        };
        let outcome = if receipt.duplicate {
            "duplicate"
        } else {
            "recorded"
        };
        counters::batch("external", outcome);
        Ok(Done {
            receipt: Some((receipt_topic(topic), receipt::short(&receipt))),
        })
    }

    /// Dead letter, then error receipt where there is a device to tell; then it is acknowledged, so
    /// that the broker does not send it for ever.
    async fn reject(
        &self,
        message: &Message,
        topic: &str,
        device: Option<&Topic>,
        identity: Option<&DeviceIdentity>,
        rejection: &Rejection,
    ) -> Result<Done, GivenUp> {
        let platform = || PLATFORM.parse::<Slug>().expect("it is a slug");
        let letter = DeadLetter {
            id: Uuid::now_v7(),
            device: identity.map_or(NOBODYS, |identity| identity.device),
            organisation: identity.map_or_else(platform, |identity| identity.organisation.clone()),
            received_at: message.at,
            via: format!("mqtt:{}", clipped(topic)),
            reason: rejection.code.as_str().to_owned(),
            message: rejection.message.clone(),
            bytes: message.payload.clone(),
        };
        self.persistently(|| async {
            match self.dead_letters.put(&letter).await {
                Ok(()) => ControlFlow::Break(()),
                Err(unavailable) => ControlFlow::Continue(unavailable.retry_after),
            }
        })
        .await?;
        counters::batch("external", "rejected");
        counters::dead_letter(rejection.code.as_str());
        let receipt = device.map(|topic| {
            let seq = receipt::seq_of(&message.payload);
            (receipt_topic(topic), receipt::error(seq, rejection))
        });
        Ok(Done { receipt })
    }

    /// Repeats what may succeed later.
    async fn patiently<T, F>(
        &self,
        attempt: impl Fn() -> F,
    ) -> Result<Result<T, Rejection>, GivenUp>
    where
        F: Future<Output = Result<T, BatchError>>,
    {
        self.persistently(|| async {
            match in_turn(&attempt).await {
                Ok(taken) => ControlFlow::Break(Ok(taken)),
                Err(error) => match Rejection::of(&error) {
                    Ok(rejection) => ControlFlow::Break(Err(rejection)),
                    Err(retry_after) => ControlFlow::Continue(retry_after),
                },
            }
        })
        .await
    }

    /// Repeats `attempt` until it breaks or the node stops, with growing, jittered waits.
    async fn persistently<T, F>(&self, attempt: impl Fn() -> F) -> Result<T, GivenUp>
    where
        F: Future<Output = ControlFlow<T, Duration>>,
    {
        let mut wait = FIRST_WAIT;
        loop {
            // An attempt that runs is not given up: it may be in the ledger a moment later.
            let retry_after = match attempt().await {
                ControlFlow::Break(outcome) => return Ok(outcome),
                ControlFlow::Continue(retry_after) => retry_after,
            };
            if wait == FIRST_WAIT {
                counters::held();
            }
            let pause = wait
                .max(retry_after)
                .min(LONGEST_WAIT)
                .mul_f64(rand::thread_rng().gen_range(0.5..1.0));
            wait = (wait * 2).min(LONGEST_WAIT);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.stopping.cancelled() => return Err(GivenUp),
            }
        }
    }
}

fn receipt_topic(topic: &Topic) -> String {
    topic.with_kind(TopicKind::Receipt).to_string()
}

/// A topic may have 65,535 bytes.
fn clipped(topic: &str) -> String {
    topic.chars().take(300).collect()
}
