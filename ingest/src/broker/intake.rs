//! What happens to a publish before it is acknowledged.
//!
//! The library awaits the hook before it writes PUBACK (`QoS` 1) or PUBREC (`QoS` 2), one publish of
//! a connection after the other. A hook that cannot keep the promise cuts the line first, so
//! whatever the library writes afterwards cannot leave.

use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use mqtt5::QoS;
use mqtt5::broker::{
    BrokerEventHandler, ClientConnectEvent, ClientDisconnectEvent, ClientPublishEvent,
    PublishAction,
};
use mqtt5::packet::publish::PublishPacket;
use rand::Rng;
use tokio::time::Instant;

use super::connection::{Connection, SignedIn};
use super::wire::NOT_AUTHORIZED;
use crate::counters;
use crate::dead_letters::DeadLetter;
use crate::gate::{BatchError, BatchReceipt, Rejection, RejectionCode, in_turn};
use crate::mapping::Found;
use crate::receipt;

/// Where the remains of a `QoS` 2 publish are routed at PUBREL; nobody can subscribe to it.
const NOWHERE: &str = "$sealrock/nowhere";

/// How long the connection of a device that published elsewhere stays open, so that its error
/// receipt and acknowledgement reach it.
const FAREWELL: Duration = Duration::from_millis(250);

/// Waiting times between attempts while the ledger is unavailable.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The batch was given up without an acknowledgement; the line is cut.
struct GivenUp;

impl Connection {
    async fn arrived(&self, signed_in: &SignedIn, client_id: &str) {
        let device = signed_in.identity.device;
        if self.house.roster.arrived(&signed_in.identity, &self.line) {
            counters::mqtt_refused("device-connections");
            if let Some(kept_back) = self.house.logs.limit.turn() {
                tracing::warn!(%device, kept_back, "a device's oldest MQTT connection ended: it has too many");
            }
        }
        self.check_again(signed_in).await;
        self.house.session_used(device, client_id).await;
    }

    async fn take(&self, event: &ClientPublishEvent) {
        let Some(signed_in) = self.signed_in.get() else {
            return self.line.cut();
        };
        if self.house.stopping.is_cancelled() {
            return self.line.cut();
        }
        if self.line.is_cut() {
            return; // what was read before the cut: the acknowledgement could not leave
        }
        let outcome = if *event.topic == *signed_in.topics.batch {
            self.take_batch(signed_in, event).await
        } else if *event.topic == *signed_in.topics.status {
            Ok(()) // presence is known from the connection itself
        } else {
            match self.house.mappings.find(&event.topic) {
                Some(Ok(found)) if found.is_of(&signed_in.identity) => {
                    self.take_mapped(signed_in, event, &found).await
                }
                _ => self.take_foreign(signed_in, event).await,
            }
        };
        if let Err(GivenUp) = outcome {
            counters::batch("mqtt", "unavailable");
            self.line.cut();
        }
    }

    async fn take_batch(
        &self,
        signed_in: &SignedIn,
        event: &ClientPublishEvent,
    ) -> Result<(), GivenUp> {
        let received_at = Utc::now();
        let via = format!("mqtt:{}", signed_in.topics.batch);
        let outcome = self
            .record(|| {
                let bytes = event.payload.clone();
                let sink = &self.house.sink;
                sink.record_batch(&signed_in.identity, &via, received_at, bytes)
            })
            .await?;
        self.answer(signed_in, &via, received_at, event, outcome)
            .await
    }

    /// A message of another make, on a topic that names the device which sent it.
    async fn take_mapped(
        &self,
        signed_in: &SignedIn,
        event: &ClientPublishEvent,
        found: &Found<'_>,
    ) -> Result<(), GivenUp> {
        let received_at = Utc::now();
        let via = format!("mqtt:{}", event.topic);
        let outcome = match found.read(&event.payload, received_at).map(Bytes::from) {
            Err(rejection) => {
                self.within_rate(signed_in).await?;
                Err(rejection)
            }
            Ok(payload) => {
                let sink = &self.house.sink;
                self.record(|| {
                    sink.record_mapped(&signed_in.identity, &via, received_at, payload.clone())
                })
                .await?
            }
        };
        self.answer(signed_in, &via, received_at, event, outcome)
            .await
    }

    /// The receipt, or all that a rejection entails.
    async fn answer(
        &self,
        signed_in: &SignedIn,
        via: &str,
        received_at: DateTime<Utc>,
        event: &ClientPublishEvent,
        outcome: Result<BatchReceipt, Rejection>,
    ) -> Result<(), GivenUp> {
        match outcome {
            Ok(receipt) => {
                counters::batch(
                    "mqtt",
                    if receipt.duplicate {
                        "duplicate"
                    } else {
                        "recorded"
                    },
                );
                self.house
                    .publish(&signed_in.topics.receipt, receipt::short(&receipt))
                    .await;
                Ok(())
            }
            Err(rejection) => {
                self.reject(signed_in, via, received_at, event, rejection)
                    .await
            }
        }
    }

    /// Records the batch, waiting as long as it takes and the device waits too.
    async fn record<F>(
        &self,
        attempt: impl Fn() -> F,
    ) -> Result<Result<BatchReceipt, Rejection>, GivenUp>
    where
        F: Future<Output = Result<BatchReceipt, BatchError>>,
    {
        self.patiently(|| async {
            match in_turn(&attempt).await {
                Ok(receipt) => ControlFlow::Break(Ok(Ok(receipt))),
                Err(BatchError::SignedOut) => {
                    // Not acknowledged: it may send the same bytes when it has signed in anew.
                    self.line.cut_for(NOT_AUTHORIZED);
                    ControlFlow::Break(Err(GivenUp))
                }
                Err(error) => match Rejection::of(&error) {
                    Ok(rejection) => ControlFlow::Break(Ok(Err(rejection))),
                    Err(retry_after) => ControlFlow::Continue(retry_after),
                },
            }
        })
        .await?
    }

    /// What is refused at this door counts as one of the device's batches: it makes a dead letter.
    async fn within_rate(&self, signed_in: &SignedIn) -> Result<(), GivenUp> {
        self.patiently(|| async {
            match self.house.sink.within_rate(&signed_in.identity) {
                Ok(()) => ControlFlow::Break(()),
                Err(error) => {
                    ControlFlow::Continue(Rejection::of(&error).err().unwrap_or_default())
                }
            }
        })
        .await
    }

    /// Dead letter, then error receipt; the caller's return is the acknowledgement, so that the
    /// device does not send the same bytes for ever.
    async fn reject(
        &self,
        signed_in: &SignedIn,
        via: &str,
        received_at: DateTime<Utc>,
        event: &ClientPublishEvent,
        rejection: Rejection,
    ) -> Result<(), GivenUp> {
        let letter = DeadLetter::new(
            &signed_in.identity,
            received_at,
            via,
            &rejection,
            &event.payload,
        );
        self.patiently(|| async {
            match self.house.dead_letters.put(&letter).await {
                Ok(()) => ControlFlow::Break(()),
                Err(unavailable) => ControlFlow::Continue(unavailable.retry_after),
            }
        })
        .await?;
        counters::batch("mqtt", "rejected");
        counters::dead_letter(rejection.code.as_str());
        let seq = receipt::seq_of(&event.payload);
        self.house
            .publish(&signed_in.topics.receipt, receipt::error(seq, &rejection))
            .await;
        Ok(())
    }

    /// A device has two topics to publish to; anything else is a mistake that it should hear of.
    async fn take_foreign(
        &self,
        signed_in: &SignedIn,
        event: &ClientPublishEvent,
    ) -> Result<(), GivenUp> {
        self.within_rate(signed_in).await?;
        let message = format!(
            "this device publishes batches to {}, not to {}",
            signed_in.topics.batch, event.topic
        );
        let rejection = Rejection {
            code: RejectionCode::WrongTopic,
            message,
        };
        let via = format!("mqtt:{}", event.topic);
        self.reject(signed_in, &via, Utc::now(), event, rejection)
            .await?;
        let line = self.line.clone();
        tokio::spawn(async move {
            tokio::time::sleep(FAREWELL).await;
            line.cut();
        });
        Ok(())
    }

    /// Repeats `attempt` until it breaks, with growing, jittered waits. While it waits the
    /// connection reads nothing: that is the back-pressure.
    ///
    /// An attempt that runs is not given up when the device leaves: a device that publishes with
    /// `QoS` 0 and goes at once still has all it sent recorded. One that was cut off is: it may
    /// have been revoked, and its connection must not stay for as long as a batch is held.
    async fn patiently<T, F>(&self, mut attempt: impl FnMut() -> F) -> Result<T, GivenUp>
    where
        F: Future<Output = ControlFlow<T, Duration>>,
    {
        let deadline = Instant::now() + self.house.hold_limit;
        let mut wait = FIRST_WAIT;
        loop {
            let outcome = tokio::select! {
                biased;
                outcome = attempt() => outcome,
                () = self.line.was_cut() => return Err(GivenUp),
                () = tokio::time::sleep_until(deadline) => return Err(GivenUp),
            };
            let retry_after = match outcome {
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
            self.wait(pause, deadline).await?;
        }
    }

    /// Waits, unless there is nobody left to wait for.
    async fn wait(&self, pause: Duration, deadline: Instant) -> Result<(), GivenUp> {
        tokio::select! {
            () = tokio::time::sleep(pause) => Ok(()),
            () = self.line.gone() => Err(GivenUp),
            () = self.house.stopping.cancelled() => Err(GivenUp),
            () = tokio::time::sleep_until(deadline) => Err(GivenUp),
        }
    }
}

/// `QoS` 2 is given what `QoS` 1 gets, with its own handshake. The library remembers a handled
/// packet id only in memory, and would answer its PUBREL after a reconnect with "not found";
/// a substitute without payload is remembered in the session and routed nowhere at PUBREL.
fn completion(event: &ClientPublishEvent) -> PublishAction {
    if event.qos != QoS::ExactlyOnce {
        return PublishAction::Handled;
    }
    let mut substitute = PublishPacket::new(NOWHERE, Vec::new(), QoS::ExactlyOnce);
    substitute.packet_id = event.packet_id;
    PublishAction::Transform(substitute)
}

impl BrokerEventHandler for Connection {
    fn on_client_connect<'a>(
        &'a self,
        event: ClientConnectEvent,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            if let Some(signed_in) = self.signed_in.get() {
                self.arrived(signed_in, &event.client_id).await;
            }
        })
    }

    fn on_client_publish<'a>(
        &'a self,
        event: ClientPublishEvent,
    ) -> Pin<Box<dyn Future<Output = PublishAction> + Send + 'a>> {
        Box::pin(async move {
            self.take(&event).await;
            completion(&event)
        })
    }

    fn on_client_disconnect<'a>(
        &'a self,
        event: ClientDisconnectEvent,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            if let Some(SignedIn { identity, .. }) = self.signed_in.get() {
                self.house.roster.left(identity, &self.line);
                self.house
                    .session_used(identity.device, &event.client_id)
                    .await;
            }
        })
    }
}
