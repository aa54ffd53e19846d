//! Who offers too much.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::Utc;
use futures::{SinkExt, StreamExt};
use reqwest::StatusCode;
use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, QoS};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_util::sync::CancellationToken;

use super::ORGANISATION;
use crate::harness::{DeviceLogin, Served};

/// Readings of a batch over MQTT, some 80 bytes each.
const MQTT_READINGS: u64 = 100;
/// Batches that a device has sent and not been acknowledged.
const IN_FLIGHT: u16 = 20;
/// Readings of a batch over HTTP: half a megabyte.
const HTTP_READINGS: u64 = 6_000;
/// Posts and questions under way, of each kind.
const AT_ONCE: usize = 200;
/// Connections that stall, of each kind.
const STALLED: usize = 200;

/// What is offered until it is told to end.
pub struct Offers {
    ending: CancellationToken,
    tasks: JoinSet<()>,
    told: Arc<Told>,
}

/// What the server promised.
pub struct Promised {
    /// Acknowledged batches by device.
    pub by_device: HashMap<String, u64>,
    pub answers: Vec<(&'static str, f64)>,
}

#[derive(Default)]
struct Told {
    by_device: Mutex<HashMap<String, u64>>,
    mqtt: AtomicU64,
    recorded: AtomicU64,
    post_busy: AtomicU64,
    post_other: AtomicU64,
    answered: AtomicU64,
    query_busy: AtomicU64,
    query_late: AtomicU64,
    query_other: AtomicU64,
}

impl Told {
    fn acknowledged(&self, device: &str) {
        let mut devices = self
            .by_device
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *devices.entry(device.to_owned()).or_default() += 1;
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Offers {
    /// Half of the devices publish, the others post.
    pub fn begin(served: &Arc<Served>, devices: &[DeviceLogin]) -> Self {
        let mut offers = Self {
            ending: CancellationToken::new(),
            tasks: JoinSet::new(),
            told: Arc::new(Told::default()),
        };
        let (publish, post) = devices.split_at(devices.len() / 2);
        for device in publish {
            offers.run(publishes(
                served.mqtt.clone(),
                device.clone(),
                Arc::clone(&offers.told),
            ));
        }
        let numbers = Arc::new(AtomicU64::new(1));
        for number in 0..AT_ONCE {
            let device = post[number % post.len()].clone();
            let told = Arc::clone(&offers.told);
            offers.run(posts(
                Arc::clone(served),
                device,
                Arc::clone(&numbers),
                told,
            ));
            offers.run(asks(Arc::clone(served), Arc::clone(&offers.told)));
        }
        for _ in 0..STALLED {
            offers.run(never_reads(Arc::clone(served)));
            offers.run(sends_half(served.http.clone()));
        }
        offers
    }

    pub fn describe() -> String {
        format!(
            "devices over MQTT with {IN_FLIGHT} batches of {MQTT_READINGS} readings in flight; \
             {AT_ONCE} posts of {HTTP_READINGS} readings at a time; {AT_ONCE} questions for 1,000 \
             entries at a time; {STALLED} sockets that subscribe to all entries and never read; \
             {STALLED} requests of which half is sent"
        )
    }

    fn run(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        let ending = self.ending.clone();
        self.tasks.spawn(async move {
            ending.run_until_cancelled(task).await;
        });
    }

    /// Stops offering.
    pub async fn end(mut self) -> Promised {
        self.ending.cancel();
        while self.tasks.join_next().await.is_some() {}
        let told = &self.told;
        #[expect(clippy::cast_precision_loss, reason = "counts of a run")]
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
        let by_device = told
            .by_device
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Promised {
            by_device: by_device.clone(),
            answers: vec![
                ("MQTT: acknowledged", read(&told.mqtt)),
                ("POST /ingest: recorded", read(&told.recorded)),
                ("POST /ingest: 503", read(&told.post_busy)),
                ("POST /ingest: other", read(&told.post_other)),
                ("POST /graphql: answered", read(&told.answered)),
                ("POST /graphql: 503", read(&told.query_busy)),
                ("POST /graphql: 504", read(&told.query_late)),
                ("POST /graphql: other", read(&told.query_other)),
            ],
        }
    }
}

fn batch(seq: u64, readings: u64) -> String {
    let at = Utc::now().format("%Y-%m-%dT%H:%M:%S%.3fZ");
    let one = |number: u64| {
        let (metric, value) = (number % 1_000, number % 97);
        format!(r#"{{"metric":"load_{metric}","at":"{at}","value":{value}}}"#)
    };
    let readings: Vec<String> = (0..readings).map(one).collect();
    format!(r#"{{"seq":{seq},"readings":[{}]}}"#, readings.join(","))
}

async fn publishes(broker: String, device: DeviceLogin, told: Arc<Told>) {
    let Some((host, port)) = broker.rsplit_once(':') else {
        return;
    };
    let mut options = MqttOptions::new(&device.id, host, port.parse().unwrap_or_default());
    options.set_credentials(&device.id, &device.secret);
    options.set_keep_alive(Duration::from_mins(1));
    options.set_inflight(IN_FLIGHT);
    options.set_max_packet_size(1 << 20, 1 << 20);
    let (client, events) = AsyncClient::new(options, 1);
    tokio::join!(
        async {
            for seq in 1.. {
                let body = batch(seq, MQTT_READINGS);
                if client
                    .publish(&device.topic, QoS::AtLeastOnce, false, body)
                    .await
                    .is_err()
                {
                    return;
                }
            }
        },
        acknowledgements(events, &device.id, &told)
    );
}

async fn acknowledgements(mut events: EventLoop, device: &str, told: &Told) {
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Packet::PubAck(_))) => {
                count(&told.mqtt);
                told.acknowledged(device);
            }
            Ok(_) => {}
            Err(_) => tokio::time::sleep(Duration::from_millis(500)).await,
        }
    }
}

async fn posts(served: Arc<Served>, device: DeviceLogin, numbers: Arc<AtomicU64>, told: Arc<Told>) {
    let client = reqwest::Client::new();
    let url = format!("{}/ingest", served.http);
    loop {
        let body = batch(numbers.fetch_add(1, Ordering::Relaxed), HTTP_READINGS);
        let request = client
            .post(&url)
            .basic_auth(&device.id, Some(&device.secret))
            .header("content-type", "application/json");
        match request
            .body(body)
            .send()
            .await
            .map(|answer| answer.status())
        {
            Ok(StatusCode::OK) => {
                count(&told.recorded);
                told.acknowledged(&device.id);
            }
            Ok(StatusCode::SERVICE_UNAVAILABLE) => {
                count(&told.post_busy);
                // Nobody waits as long as Retry-After says, but a loop without a pause measures itself.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            _ => count(&told.post_other),
        }
    }
}

async fn asks(served: Arc<Served>, told: Arc<Told>) {
    let client = reqwest::Client::new();
    let query = "query($ledger: String!) { ledgerEntries(ledger: $ledger, first: 1000) \
                 { nodes { index json leafHash } } }";
    let body = json!({ "query": query, "variables": { "ledger": ORGANISATION } });
    loop {
        let request = client.post(format!("{}/graphql", served.http));
        let request = request.bearer_auth(served.token()).json(&body);
        let status = match request.send().await {
            Ok(answer) => {
                let status = answer.status();
                // The answer is taken, or its connection would be closed.
                let _ = answer.bytes().await;
                Some(status)
            }
            Err(_) => None,
        };
        match status {
            Some(StatusCode::OK) => count(&told.answered),
            Some(StatusCode::SERVICE_UNAVAILABLE) => {
                count(&told.query_busy);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Some(StatusCode::GATEWAY_TIMEOUT) => count(&told.query_late),
            _ => count(&told.query_other),
        }
    }
}

/// Subscribes to everything from the start, and takes nothing; again when it is closed.
async fn never_reads(served: Arc<Served>) {
    loop {
        if let Ok(socket) = subscribe(&served).await {
            tokio::time::sleep(Duration::from_mins(2)).await;
            drop(socket);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn subscribe(served: &Served) -> anyhow::Result<impl Sized + use<>> {
    let url = format!("{}/graphql/ws", served.http.replacen("http", "ws", 1));
    let mut request = url.into_client_request()?;
    let protocol = "graphql-transport-ws".parse()?;
    request
        .headers_mut()
        .insert("sec-websocket-protocol", protocol);
    let (mut socket, _) = connect_async(request).await?;
    let token = format!("Bearer {}", served.token());
    let init = json!({ "type": "connection_init", "payload": { "authorization": token } });
    socket.send(Message::text(init.to_string())).await?;
    socket.next().await;
    let start = "query($ledger: String!) { ledger(name: $ledger) { start } }";
    let start = served
        .graphql(start, json!({ "ledger": ORGANISATION }))
        .await?;
    let query = "subscription($ledger: String!, $after: Position) { ledgerEntries(ledger: $ledger, \
                 after: $after) { index json payload { text } } }";
    let variables = json!({ "ledger": ORGANISATION, "after": start["ledger"]["start"] });
    let subscribe = json!({ "type": "subscribe", "id": "1",
        "payload": { "query": query, "variables": variables } });
    socket.send(Message::text(subscribe.to_string())).await?;
    Ok(socket)
}

/// Says that a body comes, sends half of it, and stalls.
async fn sends_half(http: String) {
    let address = http.trim_start_matches("http://").to_owned();
    loop {
        if let Ok(mut stream) = TcpStream::connect(&address).await {
            let head = format!(
                "POST /graphql HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
                 content-length: 1000000\r\n\r\n"
            );
            let _ = stream.write_all(head.as_bytes()).await;
            let _ = stream.write_all(&vec![b' '; 500_000]).await;
            tokio::time::sleep(Duration::from_mins(1)).await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
