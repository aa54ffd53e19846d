//! Load: batches that are due at their time, whether or not earlier ones are answered.
//!
//! Batch `k` of all is due `k / rate` seconds after the begin and belongs to device `k mod devices`.
//! What is due and cannot be sent, because its connection has its window full or is lost, stays due:
//! it is a number and takes no memory, and when it is sent its latency counts from when it was due.

mod http;
mod lane;
mod mqtt;
mod payload;
mod tally;

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::credential::{Broker, Credential};
use crate::publisher::Stop;
use lane::{Lane, Plan};
pub use tally::{Latency, LoadReport, Tally};

/// How long batches that were sent are waited for after the last was due.
const LAST_ANSWERS: Duration = Duration::from_secs(15);
/// How long all devices together may take to connect.
const CONNECTING: Duration = Duration::from_mins(2);

/// What to offer.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// Batches a second, of all devices together.
    pub rate: f64,
    /// Readings of a batch.
    pub readings: usize,
    /// For how long.
    pub span: Duration,
    /// How they are sent.
    pub over: Over,
}

/// How batches are sent.
#[derive(Clone, Debug)]
pub enum Over {
    /// By MQTT 5, `QoS` 1, a connection a device, to this broker or else the credential's.
    Mqtt(Option<Broker>),
    /// By `POST /ingest`, a connection a device, one request at a time.
    Http {
        /// Where, if not where the credential says.
        url: Option<String>,
        /// A certificate (PEM) to trust beside the machine's.
        ca: Option<Vec<u8>>,
    },
}

/// Why nothing could be offered.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The options make no load.
    #[error("{0}")]
    Options(&'static str),
    /// A device could not connect before the load began.
    #[error("device {device}: {reason}")]
    Connect {
        /// The device's name.
        device: String,
        /// What went wrong.
        reason: String,
    },
}

/// Connects all devices, offers the load, and waits some time for the last answers. `tally` can be
/// read meanwhile.
///
/// # Errors
/// [`LoadError`] if it does not begin. Once begun, whatever goes wrong is counted.
pub async fn offer(
    credentials: Vec<Credential>,
    options: &LoadOptions,
    tally: &Tally,
    stop: &Stop,
) -> Result<LoadReport, LoadError> {
    check(options, &credentials)?;
    let devices = credentials.len();
    let senders = connect(credentials, options).await?;
    let plan = Plan::new(options, devices, Instant::now());
    tally.begin(plan.begun);
    let mut lanes = JoinSet::new();
    for (place, sender) in senders.into_iter().enumerate() {
        let lane = Lane::new(&plan, place, tally.clone());
        lanes.spawn(sender.run(lane, stop.clone()));
    }
    let end = plan.end + LAST_ANSWERS;
    let all = async { while lanes.join_next().await.is_some() {} };
    let _late = tokio::time::timeout_at(end, all).await;
    lanes.shutdown().await;
    Ok(tally.report(&plan, options.rate))
}

fn check(options: &LoadOptions, credentials: &[Credential]) -> Result<(), LoadError> {
    let wrong = LoadError::Options;
    if credentials.is_empty() {
        return Err(wrong("there are no devices"));
    }
    if !(options.rate.is_finite() && options.rate >= 0.001) {
        return Err(wrong(
            "the rate is a number of batches a second, at least 0.001",
        ));
    }
    if !(1..=10_000).contains(&options.readings) {
        return Err(wrong("a batch has 1 to 10000 readings"));
    }
    Ok(())
}

/// One device's way to the platform.
enum Sender {
    Mqtt(Box<mqtt::Connection>),
    Http(Box<http::Sender>),
}

impl Sender {
    async fn run(self, lane: Lane, stop: Stop) {
        match self {
            Self::Mqtt(connection) => connection.run(lane, stop).await,
            Self::Http(client) => client.run(lane, stop).await,
        }
    }
}

/// Connects one device after the other, so that signing in is no load of its own.
async fn connect(
    credentials: Vec<Credential>,
    options: &LoadOptions,
) -> Result<Vec<Sender>, LoadError> {
    let deadline = Instant::now() + CONNECTING;
    let shared = match &options.over {
        Over::Mqtt(_) => None,
        Over::Http { ca, .. } => {
            let client = http::shared(ca.as_deref(), credentials.len());
            Some(client.map_err(|error| refused("all", &error))?)
        }
    };
    let mut senders = Vec::with_capacity(credentials.len());
    for credential in credentials {
        let name = credential.name.to_string();
        let sender = match (&options.over, &shared) {
            (Over::Http { url, .. }, Some(shared)) => {
                let client = http::Sender::new(shared.clone(), credential, url.as_deref());
                Sender::Http(Box::new(client.map_err(|reason| refused(&name, &reason))?))
            }
            (Over::Mqtt(broker), _) => {
                let broker = broker.clone().unwrap_or_else(|| credential.broker.clone());
                let opened = mqtt::Connection::open(credential, broker);
                let opened = tokio::time::timeout_at(deadline, opened).await;
                let opened = opened.unwrap_or_else(|_| Err("not connected in time".into()));
                Sender::Mqtt(Box::new(opened.map_err(|reason| refused(&name, &reason))?))
            }
            (Over::Http { .. }, None) => return Err(refused(&name, &"no HTTP client")),
        };
        senders.push(sender);
    }
    Ok(senders)
}

fn refused(device: &str, reason: &impl ToString) -> LoadError {
    LoadError::Connect {
        device: device.to_owned(),
        reason: reason.to_string(),
    }
}
