//! The real server: `POST /ingest` and `graphql-transport-ws`.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use super::clients::Socket;
use super::round::Published;
use crate::harness::{CpuMeter, DeviceLogin, Options, Served};

/// Whose sites they are.
const ORGANISATION: &str = "northsea";

pub struct Ours {
    served: Served,
    client: reqwest::Client,
    /// Of each site.
    devices: Vec<Vec<DeviceLogin>>,
    next: AtomicU64,
}

impl Ours {
    /// A new server with this many sites, each with so many devices.
    pub async fn start(options: &Options, sites: usize, devices: usize) -> anyhow::Result<Self> {
        let served = Served::start(options, &[]).await?;
        served.register(ORGANISATION, sites).await?;
        let mut all = Vec::new();
        for site in 0..sites {
            let mut own = Vec::new();
            // Only the first site is ever asked for a hundred events a second.
            for number in 0..if site == 0 { devices } else { 1 } {
                let name = format!("meter-{number}");
                let site = format!("site-{site}");
                own.push(served.device(ORGANISATION, &site, &name).await?);
            }
            all.push(own);
        }
        Ok(Self {
            served,
            client: reqwest::Client::new(),
            devices: all,
            next: AtomicU64::new(1),
        })
    }

    pub async fn publish(&self, site: usize) -> anyhow::Result<Published> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let devices = &self.devices[site];
        let device = &devices[usize::try_from(number)? % devices.len()];
        let at = Utc::now().format("%Y-%m-%dT%H:%M:%S%.3fZ");
        let body = format!(
            r#"{{"seq":{number},"readings":[{{"metric":"event_number","at":"{at}","value":{number}}}]}}"#
        );
        let request = self.client.post(format!("{}/ingest", self.served.http));
        let request = request
            .basic_auth(&device.id, Some(&device.secret))
            .header("content-type", "application/json");
        let answer = request.body(body).send().await?.error_for_status()?;
        let receipt: Value = answer.json().await?;
        Ok((number, receipt["index"].as_u64().context("an index")?))
    }

    pub async fn subscribe(&self, site: usize) -> anyhow::Result<Socket> {
        let url = format!("{}/graphql/ws", self.served.http.replacen("http", "ws", 1));
        let mut request = url.into_client_request()?;
        let headers = request.headers_mut();
        headers.insert("sec-websocket-protocol", "graphql-transport-ws".parse()?);
        let (mut socket, _) = connect_async(request).await?;
        let token = format!("Bearer {}", self.served.token());
        let init = json!({ "type": "connection_init", "payload": { "authorization": token } });
        socket.send(Message::text(init.to_string())).await?;
        let answer = socket.next().await.context("an acknowledgement")??;
        anyhow::ensure!(answer.to_text()?.contains("connection_ack"), "{answer}");
        let query = "subscription($organisation: String!, $site: String!) { readings(organisation: \
                     $organisation, site: $site) { sentNumber metric at value unit quality position } }";
        let variables = json!({ "organisation": ORGANISATION, "site": format!("site-{site}") });
        let subscribe = json!({ "type": "subscribe", "id": "1",
            "payload": { "query": query, "variables": variables } });
        socket.send(Message::text(subscribe.to_string())).await?;
        Ok(socket)
    }

    /// The entries' own times, from the entry at `from` on.
    pub async fn recorded(&self, from: u64) -> anyhow::Result<HashMap<u64, u64>> {
        let place = "query($ledger: String!, $index: Count!) \
                     { ledgerEntry(ledger: $ledger, index: $index) { position } }";
        let before = from.checked_sub(1).context("a registration comes first")?;
        let found = json!({ "ledger": ORGANISATION, "index": before });
        let mut after = self.served.graphql(place, found).await?["ledgerEntry"]["position"].take();
        let page = "query($ledger: String!, $after: String) { ledgerEntries(ledger: $ledger, \
                    first: 1000, after: $after) { nodes { index recordedAt } scannedTo pageInfo \
                    { hasNextPage } } }";
        let mut times = HashMap::new();
        loop {
            let variables = json!({ "ledger": ORGANISATION, "after": after });
            let mut found = self.served.graphql(page, variables).await?["ledgerEntries"].take();
            for node in found["nodes"].as_array().into_iter().flatten() {
                let index = node["index"].as_u64().context("an index")?;
                times.insert(index, micros(&node["recordedAt"])?);
            }
            if found["pageInfo"]["hasNextPage"] != true {
                return Ok(times);
            }
            after = found["scannedTo"].take();
        }
    }

    pub fn cpu(&self) -> anyhow::Result<CpuMeter> {
        self.served.cpu("clients and devices")
    }
}

/// Microseconds of a time as GraphQL writes it.
fn micros(text: &Value) -> anyhow::Result<u64> {
    let at: DateTime<Utc> = text.as_str().context("a time")?.parse()?;
    Ok(u64::try_from(at.timestamp_micros())?)
}
