//! Devices to the embedded broker, acknowledged durable, and how far the read models are behind.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use mqtt5::QoS;
use mqtt5::broker::MqttBroker;
use mqtt5::broker::config::{AuthConfig, BrokerConfig, StorageConfig};
use mqtt5::broker::events::{BrokerEventHandler, ClientPublishEvent, PublishAction};
use sealrock_simulator::{Broker, Credential};
use tokio::task::JoinHandle;

use super::devices::{DEVICES, READINGS, Readings, load};
use crate::harness::{
    Behind, CpuMeter, Installation, Options, PrivatePostgres, Report, Spent, Target, alternate,
};

/// Batches a second that are offered to see how many fit: more than do.
const MORE_THAN_FITS: f64 = 20_000.0;
/// Batches a second that must be sustained.
const SUSTAINED: f64 = 8_000.0;
/// The long run is so many times a run of a pair: a minute at `--seconds 10`.
const LONG: u32 = 6;

pub async fn run(options: &Options) -> anyhow::Result<()> {
    let mut report = Report::new(
        "mqtt",
        "how many batches a second become durable that devices publish by MQTT?",
    );
    report.setting("connections", DEVICES);
    report.setting("readings a batch", READINGS);
    let postgres = PrivatePostgres::start(options).await?;
    let ours = Arc::new(Installation::start(&postgres, "ours", None).await?);
    let devices = ours.devices(DEVICES)?;
    let theirs = Baseline::start(&postgres).await?;
    let span = Duration::from_secs(options.seconds);

    let cpu = ours.cpu("generator and baseline's broker", &postgres)?;
    let (mut of_baseline, mut of_ours) = (Spent::default(), Spent::default());
    let samples = alternate(
        options.pairs,
        async |_| theirs.measure(&devices, span, &cpu, &mut of_baseline).await,
        async |_| {
            settle(&ours).await?;
            let before = cpu.read();
            let load = load(&devices, None, MORE_THAN_FITS, span).await?;
            of_ours.add(&cpu.since(&before));
            anyhow::Ok(load.acknowledged_rate)
        },
    )
    .await?;
    let sides = (
        "the same broker library, INSERT of the readings before PUBACK",
        "acknowledged",
    );
    report.pairs(sides, "batches/s", &samples, None);
    report.cpu("baseline", of_baseline);
    report.cpu("ours", of_ours);
    let acknowledged: Vec<f64> = samples.iter().map(|pair| pair.1).collect();
    let target = Target::AtLeast(SUSTAINED);
    report.target("acknowledged durable", "batches/s", &acknowledged, target);
    drop(theirs);
    sustained(&mut report, &ours, &postgres, &devices, span * LONG).await?;
    report.note("ThingsBoard publishes 3,333 readings/s for a node of 4 vCPU with PostgreSQL");
    drop(ours);
    postgres.stop().await;
    report.print(options.json)
}

/// The rate of the target, for longer: latencies, and how far the read models are behind.
async fn sustained(
    report: &mut Report,
    ours: &Arc<Installation>,
    postgres: &PrivatePostgres,
    devices: &[Credential],
    span: Duration,
) -> anyhow::Result<()> {
    settle(ours).await?;
    let cpu = ours.cpu("generator", postgres)?;
    let (before, behind) = (cpu.read(), Behind::watch(Arc::clone(ours)));
    let load = load(devices, None, SUSTAINED, span).await?;
    report.cpu(
        format!("{} s sustained", span.as_secs()),
        cpu.since(&before),
    );
    let target = Target::AtLeast(0.99 * SUSTAINED);
    let rate = load.acknowledged_rate;
    report.target(
        "8,000/s offered: acknowledged",
        "batches/s",
        &[rate],
        target,
    );
    report.figure("latency p50", "ms", &[load.latency_ms.p50]);
    report.figure("latency p99", "ms", &[load.latency_ms.p99]);
    report.figure("latency max", "ms", &[load.latency_ms.max]);
    for (model, most, end) in behind.end() {
        let target = Target::AtMost(2.0);
        report.target(format!("{model} behind at most"), "s", &[most], target);
        report.figure(format!("{model} behind in the end"), "s", &[end]);
    }
    Ok(())
}

/// Waits until the read models have folded what is there, at most a minute and a half.
pub(super) async fn settle(installation: &Installation) -> anyhow::Result<()> {
    for _ in 0..90 {
        let metrics = installation.metrics().await?;
        if metrics.sum("sealrock_projection_lag_events", &["\"northsea\""]) == 0.0 {
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}

/// What a user would build: the same broker library, whose hook has each message's readings
/// committed before the PUBACK.
struct Baseline {
    address: Broker,
    running: JoinHandle<()>,
}

struct Inserting(Readings);

impl BrokerEventHandler for Inserting {
    fn on_client_publish<'a>(
        &'a self,
        event: ClientPublishEvent,
    ) -> Pin<Box<dyn Future<Output = PublishAction> + Send + 'a>> {
        Box::pin(async move {
            match self.0.insert(&event.topic, &event.payload).await {
                Ok(()) => PublishAction::Handled,
                Err(error) => {
                    eprintln!("the baseline failed: {error:#}");
                    std::process::exit(1)
                }
            }
        })
    }
}

impl Baseline {
    async fn start(postgres: &PrivatePostgres) -> anyhow::Result<Self> {
        let readings = Readings::open(&postgres.database("baseline").await?).await?;
        let config = BrokerConfig {
            bind_addresses: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
            maximum_qos: QoS::AtLeastOnce as u8,
            auth_config: AuthConfig {
                allow_anonymous: true,
                ..AuthConfig::default()
            },
            storage_config: StorageConfig {
                enable_persistence: false,
                ..StorageConfig::default()
            },
            sys_topics_enabled: false,
            event_handler: Some(Arc::new(Inserting(readings))),
            ..BrokerConfig::default()
        };
        let mut broker = MqttBroker::with_config(config).await?;
        let at = broker.local_addr();
        let address = at.ok_or_else(|| anyhow::anyhow!("the baseline's broker does not listen"))?;
        let running = tokio::spawn(async move {
            if let Err(error) = broker.run().await {
                eprintln!("the baseline's broker ended: {error}");
            }
        });
        Ok(Self {
            address: Broker {
                host: address.ip().to_string(),
                port: address.port(),
                tls: false,
            },
            running,
        })
    }

    async fn measure(
        &self,
        devices: &[Credential],
        span: Duration,
        cpu: &CpuMeter,
        spent: &mut Spent,
    ) -> anyhow::Result<f64> {
        let before = cpu.read();
        let load = load(devices, Some(&self.address), MORE_THAN_FITS, span).await?;
        spent.add(&cpu.since(&before));
        Ok(load.acknowledged_rate)
    }
}

impl Drop for Baseline {
    fn drop(&mut self) {
        self.running.abort();
    }
}
