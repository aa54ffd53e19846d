//! What one would write instead: insert, `NOTIFY`, and copy what `LISTEN` hears to bare WebSockets.
//!
//! It runs in a process of its own, as the server does, so that its processor time is told apart.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use axum::extract::ws::{Message, WebSocket};
use axum::extract::{Path, State, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::Utc;
use serde_json::{Value, json};
use sqlx::PgPool;
use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::broadcast;
use tokio_tungstenite::connect_async;

use super::clients::Socket;
use super::round::Published;
use crate::harness::{CpuMeter, Options, PrivatePostgres};

/// Where the process finds its database.
const URL: &str = "BENCH_DATABASE_URL";
const CONNECTIONS: u32 = 16;
/// Messages that a subscriber may be behind.
const BEHIND: usize = 1_024;

pub struct Baseline {
    postgres: PrivatePostgres,
    pool: PgPool,
    server: Child,
    client: reqwest::Client,
    address: String,
    next: AtomicU64,
}

impl Baseline {
    pub async fn start(options: &Options) -> anyhow::Result<Self> {
        let postgres = PrivatePostgres::start(options).await?;
        let url = postgres.database("fan_out").await?;
        let mut server = Command::new(std::env::current_exe()?)
            .arg("notify-server")
            .env(URL, &url)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let output = server.stdout.take().context("its output is piped")?;
        let address = BufReader::new(output).lines().next_line().await?;
        Ok(Self {
            pool: PgPool::connect(&url).await?,
            postgres,
            server,
            client: reqwest::Client::new(),
            address: address.context("it says where it listens")?,
            next: AtomicU64::new(1),
        })
    }

    pub async fn publish(&self, site: usize) -> anyhow::Result<Published> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let at = Utc::now().format("%Y-%m-%dT%H:%M:%S%.3fZ");
        let body = format!(
            r#"{{"seq":{number},"readings":[{{"metric":"event_number","at":"{at}","value":{number}}}]}}"#
        );
        let url = format!("http://{}/ingest/{site}", self.address);
        let answer = self.client.post(url).body(body).send().await?;
        let receipt: Value = answer.error_for_status()?.json().await?;
        Ok((number, receipt["place"].as_u64().context("a place")?))
    }

    pub async fn subscribe(&self, site: usize) -> anyhow::Result<Socket> {
        Ok(connect_async(format!("ws://{}/ws/{site}", self.address))
            .await?
            .0)
    }

    pub async fn recorded(&self, from: u64) -> anyhow::Result<HashMap<u64, u64>> {
        let rows: Vec<(i64, i64)> = sqlx::query_as(
            "SELECT place, (extract(epoch FROM recorded_at) * 1000000)::bigint FROM batches WHERE place >= $1",
        )
        .bind(i64::try_from(from)?)
        .fetch_all(&self.pool)
        .await?;
        let unsigned = |(place, at): (i64, i64)| (place.unsigned_abs(), at.unsigned_abs());
        Ok(rows.into_iter().map(unsigned).collect())
    }

    pub fn cpu(&self) -> anyhow::Result<CpuMeter> {
        let server = self.server.id().context("the process runs")?;
        let meter = CpuMeter::own("clients and devices").process("server", server);
        Ok(meter.tree("postgres", self.postgres.pid()?))
    }
}

/// The process: serves until it is killed.
pub async fn serve() -> anyhow::Result<()> {
    let url = std::env::var(URL).context("this is started by the bench `subscribers`")?;
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .connect(&url)
        .await?;
    sqlx::query(
        "CREATE TABLE batches (place bigserial PRIMARY KEY, site int NOT NULL, body bytea NOT NULL, \
         recorded_at timestamptz NOT NULL DEFAULT clock_timestamp())",
    )
    .execute(&pool)
    .await?;
    let sites = Sites::default();
    let mut listener = PgListener::connect(&url).await?;
    listener.listen("batches").await?;
    tokio::spawn(copy(listener, sites.clone()));
    let routes = Router::new()
        .route("/ingest/{site}", post(ingest))
        .route("/ws/{site}", get(upgrade))
        .with_state((pool, sites));
    let listening = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listening.local_addr()?);
    Ok(axum::serve(listening, routes).await?)
}

/// The subscribers of each site.
#[derive(Clone, Default)]
struct Sites(Arc<Mutex<HashMap<i32, broadcast::Sender<Arc<str>>>>>);

impl Sites {
    fn sender(&self, site: i32) -> broadcast::Sender<Arc<str>> {
        let mut sites = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || broadcast::channel(BEHIND).0;
        sites.entry(site).or_insert_with(new).clone()
    }
}

type Shared = (PgPool, Sites);

/// One transaction: the batch is durable and announced, or neither.
async fn ingest(
    State((pool, _)): State<Shared>,
    Path(site): Path<i32>,
    body: axum::body::Bytes,
) -> Result<Json<Value>, StatusCode> {
    let batch: Value = serde_json::from_slice(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
    let reading = &batch["readings"][0];
    let shown = json!({ "type": "next", "id": "1", "payload": { "data": { "readings": {
        "sentNumber": reading["value"], "metric": reading["metric"], "at": reading["at"],
        "value": null, "unit": null, "quality": "GOOD", "position": batch["seq"],
    } } } });
    let place: i64 = sqlx::query_scalar(
        "WITH batch AS (INSERT INTO batches (site, body) VALUES ($1, $2) RETURNING place) \
         SELECT place FROM batch, pg_notify('batches', $3)",
    )
    .bind(site)
    .bind(&body[..])
    .bind(format!("{site} {shown}"))
    .fetch_one(&pool)
    .await
    .map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok(Json(json!({ "place": place })))
}

async fn copy(mut listener: PgListener, sites: Sites) {
    while let Ok(notice) = listener.recv().await {
        let Some((site, text)) = notice.payload().split_once(' ') else {
            continue;
        };
        if let Ok(site) = site.parse() {
            // Nobody there is nothing wrong.
            let _ = sites.sender(site).send(Arc::from(text));
        }
    }
}

async fn upgrade(
    State((_, sites)): State<Shared>,
    Path(site): Path<i32>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let heard = sites.sender(site).subscribe();
    upgrade.on_upgrade(move |socket| tell(socket, heard))
}

async fn tell(mut socket: WebSocket, mut heard: broadcast::Receiver<Arc<str>>) {
    loop {
        tokio::select! {
            text = heard.recv() => {
                let Ok(text) = text else { return };
                if socket.send(Message::Text((*text).into())).await.is_err() {
                    return;
                }
            }
            frame = socket.recv() => if !matches!(frame, Some(Ok(_))) { return },
        }
    }
}
