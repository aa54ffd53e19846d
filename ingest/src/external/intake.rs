//! The task that has messages recorded and acknowledges them.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::Publish;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::again::{Again, Name, Taken};
use super::connection::{Heard, Received};
use super::lanes::Lanes;
use super::line::Line;
use super::message::{Desk, Done, GivenUp, Message, lane};
use super::order::{Order, Place};
use crate::counters;

/// Messages that are being recorded at a time: about as many as one commit takes.
const AT_A_TIME: usize = 1_000;

/// The task's state.
pub(super) struct Intake {
    desk: Desk,
    lanes: Lanes<(Option<Place>, Message)>,
    order: Order<Taken>,
    again: Again,
    line: Option<Arc<Line>>,
    under_way: HashMap<Id, UnderWay>,
    work: JoinSet<Result<Done, GivenUp>>,
}

/// A message that a task has.
struct UnderWay {
    lane: String,
    place: Option<Place>,
    message: Message,
    /// How many tasks have panicked over it.
    panics: u8,
}

/// A message that as many tasks have panicked over becomes a dead letter: until it is durable
/// nothing that came behind it is acknowledged, of whichever organisation.
const PANICS: u8 = 2;

impl Intake {
    pub(super) fn new(desk: Desk) -> Self {
        Self {
            desk,
            lanes: Lanes::new(AT_A_TIME),
            order: Order::new(),
            again: Again::default(),
            line: None,
            under_way: HashMap::new(),
            work: JoinSet::new(),
        }
    }

    /// Runs until it is told to stop and what was under way has ended.
    pub(super) async fn run(
        mut self,
        mut heard: UnboundedReceiver<Heard>,
        stopping: CancellationToken,
    ) {
        loop {
            if stopping.is_cancelled() {
                self.lanes.forget_waiting();
                if self.work.is_empty() {
                    return;
                }
            }
            while let Some((lane, (place, message))) = self.lanes.begin() {
                self.begin(UnderWay {
                    lane,
                    place,
                    message,
                    panics: 0,
                });
            }
            tokio::select! {
                biased;
                Some(ended) = self.work.join_next_with_id() => self.ended(ended),
                () = stopping.cancelled(), if !stopping.is_cancelled() => {}
                told = heard.recv(), if !stopping.is_cancelled() => match told {
                    Some(told) => self.hear(told),
                    None => stopping.cancel(),
                },
            }
        }
    }

    fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Connected { line, resumed } => {
                self.line = Some(line);
                // What waits is recorded all the same, though its places are gone. A broker that
                // lost its last seconds has our session and not these messages, which it had
                // acknowledged to their senders.
                let unacknowledged = self.order.begin();
                self.again.begin(unacknowledged, resumed);
            }
            Heard::Message(received) => self.queue(*received),
        }
    }

    fn queue(&mut self, received: Received) {
        let Received { publish, at, room } = received;
        let (topic, payload) = (publish.topic.clone(), publish.payload.clone());
        let name = Name::of(&topic, &payload);
        let at = self.again.first_came(&name, publish.dup).unwrap_or(at);
        let acknowledged = publish.qos != QoS::AtMostOnce;
        let place = acknowledged.then(|| {
            // Only its packet id is needed any more, and its bytes are freed before it is.
            let bytes = Bytes::new();
            let publish = Publish {
                topic: bytes.clone(),
                payload: bytes,
                properties: None,
                ..publish
            };
            self.order.arrived(Taken { publish, name, at })
        });
        let lane = lane(&topic, &self.desk.mappings);
        let message = Message {
            topic,
            payload,
            at,
            room: Arc::new(room),
        };
        self.lanes.add(lane, (place, message));
    }

    fn begin(&mut self, work: UnderWay) {
        let (desk, message) = (self.desk.clone(), work.message.clone());
        let hopeless = work.panics >= PANICS;
        let task = self.work.spawn(async move {
            if hopeless {
                desk.give_up(message).await
            } else {
                desk.take(message).await
            }
        });
        self.under_way.insert(task.id(), work);
    }

    /// Receipt first, then the acknowledgements that are due: they leave in this order.
    fn ended(&mut self, ended: Result<(Id, Result<Done, GivenUp>), JoinError>) {
        let (id, ended) = match ended {
            Ok((id, outcome)) => (id, Ok(outcome.ok())),
            Err(error) => (error.id(), Err(error)),
        };
        let Some(work) = self.under_way.remove(&id) else {
            return;
        };
        let outcome = match ended {
            Ok(outcome) => outcome,
            Err(error) => {
                tracing::error!(%error, "taking a message of the external broker failed");
                if work.panics < PANICS {
                    let panics = work.panics + 1;
                    return self.begin(UnderWay { panics, ..work });
                }
                None
            }
        };
        self.lanes.ended(&work.lane);
        let (Some(Done { receipt }), Some(line)) = (outcome, &self.line) else {
            return;
        };
        if let Some((topic, payload)) = receipt
            && !line.publish(&topic, payload)
        {
            counters::external_receipt_dropped();
        }
        let durable = work.place.map(|place| self.order.durable(place));
        for taken in durable.unwrap_or_default() {
            line.acknowledge(&taken.publish);
        }
    }
}
