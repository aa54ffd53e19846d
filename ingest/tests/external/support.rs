//! A ledger with devices, a Mosquitto, and a client that publishes as they do.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, Publish};
use rumqttc::v5::{AsyncClient, Event, EventLoop, MqttOptions};
use sealrock_access::Principal;
use sealrock_commands::{Commands, Context, Devices};
use sealrock_domain::device::RegisterDevice;
use sealrock_domain::organisation::RegisterOrganisation;
use sealrock_domain::site::{RegisterSite, SiteKind};
use sealrock_domain::telemetry::Source;
use sealrock_domain::{Attributes, CredentialId, DeviceId, Slug};
use sealrock_eventstore::{EventStore, KeyFiles, Recorded};
use sealrock_ingest::{
    ExternalBroker, ExternalConfig, KeptLetter, PostgresDeadLetters, PresenceStream,
};
use sealrock_ledger::Index;
use sealrock_testkit::Mosquitto;
use sqlx::PgPool;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// What a test waits at most for something that should happen soon.
pub const SOON: Duration = Duration::from_secs(90);

/// A Mosquitto that loses nothing while it is stopped in order, as in the operator's guide.
pub const LASTING: &[&str] = &[
    "persistence true",
    "max_inflight_messages 0",
    "max_queued_messages 10000000",
    "max_packet_size 1114112",
];

/// The write side on a database, with devices `meter-0` to `meter-9` of `northsea/plant-1`.
pub struct World {
    pub commands: Commands,
    pub store: EventStore,
    pub pool: PgPool,
    keys: Arc<TempDir>,
}

pub fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

pub fn context() -> Context {
    Context {
        principal: Principal::Service { name: slug("cli") },
        command: Uuid::now_v7(),
        via: "cli".to_owned(),
        received_at: Utc::now(),
    }
}

impl World {
    pub async fn on(pool: PgPool) -> Self {
        let keys = tempfile::tempdir().unwrap();
        let files = Arc::new(KeyFiles::new(keys.path()));
        let store = EventStore::open(pool.clone(), files, "sealrock.test");
        let store = store.await.unwrap();
        let world = Self {
            commands: Commands::new(store.clone(), false),
            store,
            pool,
            keys: Arc::new(keys),
        };
        let organisation = RegisterOrganisation {
            slug: slug("northsea"),
            display_name: "North Sea".parse().unwrap(),
            demo: false,
            registry: false,
        };
        let kind = SiteKind::CapturePlant;
        let name = "Plant".parse().unwrap();
        let site = RegisterSite::new(slug("northsea"), slug("plant-1"), name, kind);
        let commands = &world.commands;
        let context = context();
        commands
            .register_organisation(&context, organisation)
            .await
            .unwrap();
        let context = self::context();
        commands.register_site(&context, site).await.unwrap();
        for number in 0..10 {
            world.register(&format!("meter-{number}")).await;
        }
        world
    }

    /// Another process on the same database.
    pub async fn elsewhere(&self, pool: PgPool) -> Self {
        let files = Arc::new(KeyFiles::new(self.keys.path()));
        let store = EventStore::open(pool.clone(), files, "sealrock.test");
        let store = store.await.unwrap();
        Self {
            commands: Commands::new(store.clone(), false),
            store,
            pool,
            keys: Arc::clone(&self.keys),
        }
    }

    pub async fn register(&self, name: &str) {
        let device = RegisterDevice {
            org: slug("northsea"),
            site: slug("plant-1"),
            name: slug(name),
            display_name: name.parse().unwrap(),
            asset: None,
            credential: CredentialId(Uuid::nil()),
            public_key: None,
            source: Source::Real,
            metadata: Attributes::default(),
            sensors: Vec::new(),
        };
        let context = context();
        self.commands
            .register_device(&context, device)
            .await
            .unwrap();
    }

    /// Takes from the broker, as the node of that client id.
    pub fn consume(&self, config: &ExternalConfig) -> (ExternalBroker, PresenceStream) {
        let sink = Arc::new(Devices::new(self.commands.clone()));
        let letters = Arc::new(PostgresDeadLetters::new(self.pool.clone()));
        ExternalBroker::start(config, sink, letters).unwrap()
    }

    pub async fn consume_connected(&self, config: &ExternalConfig) -> ExternalBroker {
        let (broker, _) = self.consume(config);
        soon(broker.connected()).await;
        broker
    }

    /// Every batch of the ledger, in its order.
    pub async fn batches(&self) -> Vec<Recorded> {
        let ledger = self
            .store
            .existing(&"northsea".parse().unwrap())
            .await
            .unwrap();
        let mut all = self.store.read(ledger.id, Index(0), 100_000).await.unwrap();
        all.retain(|recorded| recorded.entry.kind == "SensorBatchRecorded");
        all
    }

    /// Device and seq of every batch, in the ledger's order.
    pub async fn recorded(&self) -> Vec<(String, u64)> {
        let batches = self.batches().await;
        let counted = batches.iter().map(|recorded| {
            let json = &recorded.payload.as_ref().unwrap().bytes;
            let json: serde_json::Value = serde_json::from_slice(json).unwrap();
            (recorded.entry.stream.clone(), json["seq"].as_u64().unwrap())
        });
        counted.collect()
    }

    /// Waits until so many batches are recorded.
    pub async fn has_recorded(&self, number: usize) {
        soon(async {
            while self.recorded().await.len() < number {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
        .await;
    }

    pub async fn letters(&self, organisation: &str) -> Vec<KeptLetter> {
        let letters = PostgresDeadLetters::new(self.pool.clone());
        letters
            .list(&slug(organisation), None, 1_000)
            .await
            .unwrap()
    }
}

/// How the node of that client id takes from the broker.
pub fn config(mosquitto: &Mosquitto, client_id: &str) -> ExternalConfig {
    ExternalConfig {
        url: format!("mqtt://{}", mosquitto.address()).parse().unwrap(),
        client_id: client_id.to_owned(),
        group: None,
        ca: None,
        certificate: None,
        mappings: Arc::default(),
    }
}

pub fn meter(number: u64) -> String {
    format!("meter-{number}")
}

pub fn topic(device: &str, last: &str) -> String {
    format!("sealrock/v1/northsea/plant-1/{device}/{last}")
}

pub fn stream(device: &str) -> String {
    DeviceId::of(&slug("northsea"), &slug("plant-1"), &slug(device)).telemetry_stream()
}

pub fn batch(seq: u64) -> Vec<u8> {
    let reading = r#"{"metric":"co2_ppm","at":"2026-11-21T03:12:45Z","value":412.7}"#;
    format!(r#"{{"seq":{seq},"readings":[{reading}]}}"#).into_bytes()
}

/// So many batches of each of the ten meters, in turn.
pub fn numbered(each: u64) -> Vec<(String, Vec<u8>)> {
    let seqs = 1..=each;
    seqs.flat_map(|seq| (0..10).map(move |number| (topic(&meter(number), "batch"), batch(seq))))
        .collect()
}

/// What is in the ledger after [`numbered`], each once.
pub fn expected(each: u64) -> BTreeSet<(String, u64)> {
    let seqs = 1..=each;
    seqs.flat_map(|seq| (0..10).map(move |number| (stream(&meter(number)), seq)))
        .collect()
}

/// Asserts that each of them is there once, and each device's in its order.
pub async fn assert_each_once(world: &World, each: u64) {
    let recorded = world.recorded().await;
    let set: BTreeSet<_> = recorded.iter().cloned().collect();
    assert_eq!(set, expected(each));
    assert_eq!(recorded.len(), set.len(), "a batch is there twice");
    for number in 0..10 {
        let of_device = stream(&meter(number));
        let seqs: Vec<_> = recorded
            .iter()
            .filter(|(stream, _)| *stream == of_device)
            .map(|(_, seq)| *seq)
            .collect();
        assert!(seqs.is_sorted(), "{of_device}: {seqs:?}");
    }
}

/// A client of the broker, with a large queue.
pub fn client(mosquitto: &Mosquitto, id: &str) -> (AsyncClient, EventLoop) {
    let mut options = MqttOptions::new(id, "127.0.0.1", mosquitto.port());
    options.set_max_packet_size(Some(2 * 1024 * 1024));
    AsyncClient::new(options, 20_000)
}

/// Publishes all with `QoS` 1 and returns when the broker has acknowledged them: from then on it is
/// the broker's to deliver them.
pub async fn publish(mosquitto: &Mosquitto, messages: &[(String, Vec<u8>)]) {
    let (client, mut events) = client(mosquitto, &Uuid::new_v4().to_string());
    for (topic, payload) in messages {
        let sent = client.try_publish(topic, QoS::AtLeastOnce, false, payload.clone());
        sent.unwrap();
    }
    let mut acknowledged = 0;
    soon(async {
        while acknowledged < messages.len() {
            if let Event::Incoming(Packet::PubAck(_)) = events.poll().await.unwrap() {
                acknowledged += 1;
            }
        }
    })
    .await;
}

/// Everything that comes on a filter, from now on.
pub struct Listener {
    events: JoinHandle<()>,
    heard: tokio::sync::mpsc::UnboundedReceiver<Publish>,
}

impl Listener {
    pub async fn to(mosquitto: &Mosquitto, filter: &str) -> Self {
        let (client, mut events) = client(mosquitto, &Uuid::new_v4().to_string());
        client.try_subscribe(filter, QoS::AtLeastOnce).unwrap();
        let (told, heard) = tokio::sync::mpsc::unbounded_channel();
        let (subscribed, wait) = tokio::sync::oneshot::channel();
        let mut subscribed = Some(subscribed);
        let events = tokio::spawn(async move {
            let _client = client;
            loop {
                match events.poll().await {
                    Ok(Event::Incoming(Packet::SubAck(_))) => {
                        let _ = subscribed.take().map(|subscribed| subscribed.send(()));
                    }
                    Ok(Event::Incoming(Packet::Publish(publish))) => drop(told.send(publish)),
                    Ok(_) => {}
                    Err(_) => return,
                }
            }
        });
        soon(wait).await.unwrap();
        Self { events, heard }
    }

    pub async fn next(&mut self) -> (String, serde_json::Value) {
        let publish = soon(self.heard.recv()).await.unwrap();
        let topic = String::from_utf8(publish.topic.to_vec()).unwrap();
        (topic, serde_json::from_slice(&publish.payload).unwrap())
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.events.abort();
    }
}

pub async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, future)
        .await
        .expect("this should have happened by now")
}
