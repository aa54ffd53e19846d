//! Where the simulated devices' past begins, and how much of it is recorded already.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, Days, NaiveTime, Utc};
use sealrock_domain::DeviceId;
use sealrock_eventstore::EventStore;
use sealrock_projections::latest::LatestFilter;
use sealrock_projections::{ReadModels, latest};
use sealrock_simulator::History;

use super::ORGANISATION;
use crate::cli::Demo;

/// Simulated time between two samples of the past: one falls into each bucket of the rollups.
const STEP: Duration = Duration::from_mins(5);
const DAY: Duration = Duration::from_hours(24);
/// How long the read model may take to see what an earlier run recorded.
const PATIENCE: Duration = Duration::from_mins(5);

/// The past of all devices.
pub struct Past {
    history: History,
    /// The newest reading of each device that has one.
    newest: HashMap<DeviceId, DateTime<Utc>>,
}

impl Past {
    /// What is recorded of `devices` now; they may not be publishing.
    ///
    /// # Errors
    /// If the database is away or the read model does not follow.
    pub async fn recorded(
        store: &EventStore,
        arguments: &Demo,
        devices: Vec<DeviceId>,
    ) -> anyhow::Result<Self> {
        let newest = newest(store, devices).await?;
        let begun = beginning(store, arguments).await?;
        let speed = DAY.div_duration_f64(arguments.day);
        // After a stop, the clock does not run through the days that are recorded already.
        let clock = newest.values().min().copied().unwrap_or(begun);
        Ok(Self {
            history: History::new(begun, STEP, speed)?.with_clock_from(clock),
            newest,
        })
    }

    /// What this device has to send before it goes on live.
    pub fn of(&self, device: DeviceId) -> History {
        match self.newest.get(&device) {
            Some(newest) => self.history.after(*newest),
            None => self.history,
        }
    }
}

/// The midnight at which the past begins: so many days before the one on which the demonstration was
/// registered, whenever it is started again.
///
/// # Errors
/// If the database is away.
pub async fn beginning(store: &EventStore, arguments: &Demo) -> anyhow::Result<DateTime<Utc>> {
    let registered = ReadModels::new(store.clone())
        .organisation(&ORGANISATION.parse()?)
        .await?
        .map_or_else(Utc::now, |organisation| organisation.registered_at);
    let first = registered.date_naive() - Days::new(arguments.days);
    Ok(first.and_time(NaiveTime::MIN).and_utc())
}

async fn newest(
    store: &EventStore,
    devices: Vec<DeviceId>,
) -> anyhow::Result<HashMap<DeviceId, DateTime<Utc>>> {
    let name = ORGANISATION.parse()?;
    let ledger = store.ledger(&name).await?.context("it was registered")?;
    let size = store.size(ledger.id).await?;
    let read = ReadModels::new(store.clone());
    let filter = LatestFilter {
        devices: Some(devices),
        ..LatestFilter::default()
    };
    let folded = async {
        loop {
            let (latest, next) = read.latest(ledger.id, &filter).await?;
            if next.0 >= size {
                return anyhow::Ok(latest);
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let latest = tokio::time::timeout(PATIENCE, folded)
        .await
        .with_context(|| {
            format!(
                "the read model {} does not follow: see `sealrock projections status`",
                latest::NAME
            )
        })??;
    let mut newest = HashMap::new();
    for value in latest {
        let kept = newest.entry(value.device).or_insert(value.at);
        *kept = value.at.max(*kept);
    }
    Ok(newest)
}
