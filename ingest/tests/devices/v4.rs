//! A 3.1.1 device by rumqttc.

use std::time::Duration;

use rumqttc::{
    AsyncClient, ConnAck, ConnectReturnCode, Event, EventLoop, Incoming, MqttOptions, QoS,
};
use sealrock_ingest::DeviceIdentity;

use crate::support::{SECRET, soon, topic};

pub struct Device4 {
    pub client: AsyncClient,
    pub events: EventLoop,
    pub identity: DeviceIdentity,
}

pub fn options(port: u16, identity: &DeviceIdentity) -> MqttOptions {
    let mut options = MqttOptions::new(format!("client of {}", identity.name), "127.0.0.1", port);
    options.set_credentials(identity.device.to_string(), SECRET);
    options.set_keep_alive(Duration::from_secs(30));
    options.set_max_packet_size(4 << 20, 4 << 20);
    options
}

impl Device4 {
    pub async fn connect(options: MqttOptions, identity: DeviceIdentity) -> Self {
        let mut device = Self::new(options, identity);
        assert_eq!(device.connack().await.code, ConnectReturnCode::Success);
        device
    }

    pub fn new(options: MqttOptions, identity: DeviceIdentity) -> Self {
        let (client, events) = AsyncClient::new(options, 2_000);
        Self {
            client,
            events,
            identity,
        }
    }

    pub async fn connack(&mut self) -> ConnAck {
        self.until(|incoming| match incoming {
            Incoming::ConnAck(connack) => Some(connack.clone()),
            _ => None,
        })
        .await
    }

    /// Polls until an incoming packet is what is looked for.
    pub async fn until<T>(&mut self, mut wanted: impl FnMut(&Incoming) -> Option<T>) -> T {
        soon(async {
            loop {
                if let Event::Incoming(incoming) = self.events.poll().await.unwrap()
                    && let Some(found) = wanted(&incoming)
                {
                    return found;
                }
            }
        })
        .await
    }

    /// Polls until the connection ends.
    pub async fn until_closed(&mut self) {
        soon(async { while self.events.poll().await.is_ok() {} }).await;
    }

    pub async fn publish(&self, last: &str, qos: QoS, payload: impl Into<Vec<u8>>) {
        self.client
            .publish(topic(&self.identity, last), qos, false, payload)
            .await
            .unwrap();
    }

    pub async fn puback(&mut self) -> u16 {
        self.until(|incoming| match incoming {
            Incoming::PubAck(ack) => Some(ack.pkid),
            _ => None,
        })
        .await
    }

    pub async fn subscribe_receipts(&mut self) {
        let filter = topic(&self.identity, "receipt");
        self.client
            .subscribe(filter, QoS::AtLeastOnce)
            .await
            .unwrap();
        self.until(|incoming| matches!(incoming, Incoming::SubAck(_)).then_some(()))
            .await;
    }

    pub async fn receipt(&mut self) -> serde_json::Value {
        self.until(|incoming| match incoming {
            Incoming::Publish(publish) => Some(serde_json::from_slice(&publish.payload).unwrap()),
            _ => None,
        })
        .await
    }

    /// Nothing of the kind comes within a while in which the connection is served.
    pub async fn no_puback_for(&mut self, while_: Duration) {
        let ack = tokio::time::timeout(while_, self.puback()).await;
        assert!(ack.is_err(), "acknowledged too early: {ack:?}");
    }
}
