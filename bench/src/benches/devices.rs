//! What the benchmarks with devices share: the load, and what their baselines do with a batch.

use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use sealrock_simulator::load::{LoadOptions, LoadReport, Over, Tally, offer};
use sealrock_simulator::{Broker, Credential, stop};
use serde::Deserialize;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

/// Devices, each with a connection of its own.
pub const DEVICES: usize = 400;
/// Readings of a batch.
pub const READINGS: usize = 10;
/// Connections of a baseline to Postgres: more gave no more.
const CONNECTIONS: u32 = 32;

/// Batches at this rate over MQTT, to `broker` or where the credentials say.
pub async fn load(
    credentials: &[Credential],
    broker: Option<&Broker>,
    rate: f64,
    span: Duration,
) -> anyhow::Result<LoadReport> {
    let options = LoadOptions {
        rate,
        readings: READINGS,
        span,
        over: Over::Mqtt(broker.cloned()),
    };
    let (_handle, stop) = stop();
    let report = offer(credentials.to_vec(), &options, &Tally::default(), &stop).await?;
    anyhow::ensure!(report.failed == 0, "{report}");
    Ok(report)
}

/// A batch, as the baselines read it.
#[derive(Deserialize)]
struct Batch {
    readings: Vec<Reading>,
}

#[derive(Deserialize)]
struct Reading {
    metric: String,
    at: DateTime<Utc>,
    value: f64,
    unit: String,
}

/// The table of a baseline: readings under their key, and nothing else.
#[derive(Clone)]
pub struct Readings(PgPool);

impl Readings {
    pub async fn open(url: &str) -> anyhow::Result<Self> {
        let options = PgPoolOptions::new().max_connections(CONNECTIONS);
        let pool = options.connect(url).await?;
        sqlx::raw_sql(include_str!("readings.sql"))
            .execute(&pool)
            .await?;
        Ok(Self(pool))
    }

    /// Inserts all readings of a batch by one statement, and returns when they are committed.
    pub async fn insert(&self, topic: &str, payload: &[u8]) -> anyhow::Result<()> {
        let batch: Batch = serde_json::from_slice(payload)?;
        let device = topic.split('/').nth(4).context("a batch topic")?;
        let of = batch.readings.iter();
        let metrics: Vec<&str> = of.clone().map(|reading| reading.metric.as_str()).collect();
        let times: Vec<DateTime<Utc>> = of.clone().map(|reading| reading.at).collect();
        let values: Vec<f64> = of.clone().map(|reading| reading.value).collect();
        let units: Vec<&str> = of.map(|reading| reading.unit.as_str()).collect();
        sqlx::query(include_str!("insert_readings.sql"))
            .bind(device)
            .bind(metrics)
            .bind(times)
            .bind(values)
            .bind(units)
            .execute(&self.0)
            .await?;
        Ok(())
    }
}
