//! One device's connection by MQTT 5: as little as a load generator needs, with the codec of
//! `rumqttc` and without its event loop, which takes as much processor as a broker.

use std::collections::VecDeque;
use std::io;

use bytes::BytesMut;
use rumqttc::v5::mqttbytes::v5::{
    ConnAck, Connect, ConnectReturnCode, Login, Packet, PubAck, PubAckReason, Publish,
};
use rumqttc::v5::mqttbytes::{Error as CodecError, QoS};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Duration, Instant, sleep, sleep_until};

use super::lane::Lane;
use crate::credential::{Broker, Credential};
use crate::publisher::Stop;
use crate::tls::{self, Line};

/// Batches of a connection that wait for their PUBACK at a time: enough that the connection is
/// never idle, and few enough to lie in the socket's buffers.
const WINDOW: u16 = 16;
/// Time between attempts to connect after a loss.
const RECONNECT: Duration = Duration::from_millis(500);

/// A connection that has signed in.
pub(super) struct Connection {
    credential: Credential,
    broker: Broker,
    stream: Box<dyn Line>,
    read: BytesMut,
    write: BytesMut,
    window: u16,
    next_id: u16,
    in_flight: VecDeque<(u16, Instant)>,
}

impl Connection {
    /// Connects and signs in.
    pub(super) async fn open(credential: Credential, broker: Broker) -> Result<Self, String> {
        let (stream, window) = sign_in(&credential, &broker).await?;
        Ok(Self {
            credential,
            broker,
            stream,
            read: BytesMut::with_capacity(1024),
            write: BytesMut::with_capacity(4096),
            window,
            next_id: 1,
            in_flight: VecDeque::new(),
        })
    }

    /// Sends all that is due until all is answered.
    pub(super) async fn run(mut self, mut lane: Lane, mut stop: Stop) {
        loop {
            let ended = tokio::select! {
                ended = self.send_all(&mut lane) => ended,
                () = stop.stopped() => return,
            };
            let Err(reason) = ended else { return };
            lane.tally.failed(self.in_flight.len() as u64, reason);
            self.in_flight.clear();
            tokio::select! {
                () = self.reconnect() => {}
                () = stop.stopped() => return,
            }
        }
    }

    async fn send_all(&mut self, lane: &mut Lane) -> Result<(), String> {
        loop {
            self.send_due(lane).await?;
            let room = self.in_flight.len() < usize::from(self.window);
            let next = lane.due().filter(|_| room);
            if next.is_none() && self.in_flight.is_empty() {
                return Ok(());
            }
            tokio::select! {
                read = self.stream.read_buf(&mut self.read) => {
                    if read.map_err(|error| error.to_string())? == 0 {
                        return Err("the connection was closed".into());
                    }
                    self.take_answers(lane)?;
                }
                () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
            }
        }
    }

    /// Writes what is due, as far as the window has room.
    async fn send_due(&mut self, lane: &mut Lane) -> Result<(), String> {
        let (now, before) = (Instant::now(), self.in_flight.len());
        while self.in_flight.len() < usize::from(self.window)
            && lane.due().is_some_and(|due| due <= now)
        {
            let (bytes, due) = lane.take(&self.credential);
            let topic = self.credential.topic.as_str();
            let mut publish = Publish::new(topic, QoS::AtLeastOnce, bytes, None);
            publish.pkid = self.next_id;
            publish
                .write(&mut self.write)
                .map_err(|error| error.to_string())?;
            self.in_flight.push_back((self.next_id, due));
            self.next_id = self.next_id.checked_add(1).unwrap_or(1);
        }
        if self.write.is_empty() {
            return Ok(());
        }
        lane.tally.sent((self.in_flight.len() - before) as u64);
        let written = self.stream.write_all(&self.write).await;
        self.write.clear();
        written.map_err(|error| error.to_string())
    }

    fn take_answers(&mut self, lane: &Lane) -> Result<(), String> {
        loop {
            match Packet::read(&mut self.read, None) {
                Ok(Packet::PubAck(PubAck { pkid, reason, .. })) => {
                    let known = self.in_flight.iter().position(|(id, _)| *id == pkid);
                    let Some((_, due)) = known.and_then(|at| self.in_flight.remove(at)) else {
                        return Err(format!("an acknowledgement of {pkid}, which was not sent"));
                    };
                    match reason {
                        PubAckReason::Success | PubAckReason::NoMatchingSubscribers => {
                            lane.tally.acknowledged(due);
                        }
                        reason => lane.tally.failed(1, format!("{reason:?}")),
                    }
                }
                Ok(Packet::Disconnect(why)) => return Err(format!("{:?}", why.reason_code)),
                Ok(_) => {}
                Err(CodecError::InsufficientBytes(_)) => return Ok(()),
                Err(error) => return Err(error.to_string()),
            }
        }
    }

    async fn reconnect(&mut self) {
        loop {
            sleep(RECONNECT).await;
            if let Ok((stream, window)) = sign_in(&self.credential, &self.broker).await {
                (self.stream, self.window) = (stream, window);
                self.read.clear();
                self.write.clear();
                return;
            }
        }
    }
}

/// A connected stream, and how many publishes may wait for their PUBACK on it.
async fn sign_in(credential: &Credential, broker: &Broker) -> Result<(Box<dyn Line>, u16), String> {
    let text = |error: io::Error| format!("{}:{}: {error}", broker.host, broker.port);
    let mut stream = tls::connect(broker).await.map_err(text)?;
    let connect = Connect {
        // None: whoever sends load is heard of often enough.
        keep_alive: 0,
        client_id: format!("load-{}", credential.device_id),
        clean_start: true,
        properties: None,
    };
    let login = Login::new(credential.device_id.clone(), credential.secret().to_owned());
    let mut bytes = BytesMut::new();
    connect
        .write(&None, &Some(login), &mut bytes)
        .map_err(|error| error.to_string())?;
    stream.write_all(&bytes).await.map_err(text)?;
    let ConnAck {
        code, properties, ..
    } = connack(&mut stream).await?;
    if code != ConnectReturnCode::Success {
        return Err(format!("not let in: {code:?}"));
    }
    let maximum = properties.and_then(|properties| properties.receive_max);
    Ok((stream, WINDOW.min(maximum.unwrap_or(WINDOW)).max(1)))
}

async fn connack(stream: &mut Box<dyn Line>) -> Result<ConnAck, String> {
    let mut read = BytesMut::new();
    loop {
        let got = stream.read_buf(&mut read).await;
        if got.map_err(|error| error.to_string())? == 0 {
            return Err("closed before it was let in".into());
        }
        match Packet::read(&mut read, None) {
            Ok(Packet::ConnAck(connack)) => return Ok(connack),
            Ok(_) => return Err("something else than a CONNACK".into()),
            Err(CodecError::InsufficientBytes(_)) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
}
