//! Devices to Debian's Mosquitto, and from it into the ledger.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{ConnectProperties, Packet};
use rumqttc::v5::{AsyncClient, Event, MqttOptions};
use sealrock_simulator::{Broker, Credential};
use sealrock_testkit::Mosquitto;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::devices::{DEVICES, READINGS, Readings, load};
use super::mqtt::settle;
use crate::harness::{Installation, Options, PrivatePostgres, Report, Spent, Target, alternate};

/// Messages a second that are offered to see how many fit.
const MORE_THAN_FITS: f64 = 12_000.0;
const TARGET: f64 = 8_000.0;
/// As the operator's guide has it.
const CONFIGURATION: [&str; 3] = [
    "persistence true",
    "max_inflight_messages 0",
    "max_queued_messages 10000000",
];
/// Messages of the baseline that are not acknowledged at a time, as ours.
const RECEIVE_MAXIMUM: u16 = 2_000;

pub async fn run(options: &Options) -> anyhow::Result<()> {
    let mut report = Report::new(
        "external",
        "how many messages a second become durable that come by Mosquitto?",
    );
    report.setting("connections of devices", DEVICES);
    report.setting("readings a batch", READINGS);
    report.setting("mosquitto", CONFIGURATION.join(", "));
    let postgres = PrivatePostgres::start(options).await?;
    // One for each side, so that neither gets the other's messages.
    let (broker, other) = (
        Mosquitto::start(&CONFIGURATION),
        Mosquitto::start(&CONFIGURATION),
    );
    let ours = Installation::start(&postgres, "ours", Some(broker.address())).await?;
    let devices = ours.devices(DEVICES)?;
    let theirs = Consumer::start(&postgres, other.address()).await?;
    let span = Duration::from_secs(options.seconds);

    let cpu = ours.cpu("generator and baseline's consumer", &postgres)?;
    let (mut of_baseline, mut of_ours) = (Spent::default(), Spent::default());
    let samples = alternate(
        options.pairs,
        async |_| {
            let before = cpu.read();
            let rate = theirs.measure(&devices, &address(&other), span).await?;
            of_baseline.add(&cpu.since(&before));
            anyhow::Ok(rate)
        },
        async |_| {
            settle(&ours).await?;
            let before = cpu.read();
            let rate = measure(&ours, &devices, &address(&broker), span).await?;
            of_ours.add(&cpu.since(&before));
            Ok(rate)
        },
    )
    .await?;
    let sides = (
        "rumqttc with manual acks, INSERT of the readings before PUBACK",
        "recorded and acknowledged",
    );
    report.pairs(sides, "messages/s", &samples, None);
    report.cpu("baseline", of_baseline);
    report.cpu("ours", of_ours);
    let recorded: Vec<f64> = samples.iter().map(|pair| pair.1).collect();
    let target = Target::AtLeast(TARGET);
    report.target("recorded", "messages/s", &recorded, target);
    drop((theirs, ours));
    postgres.stop().await;
    report.print(options.json)
}

fn address(broker: &Mosquitto) -> Broker {
    Broker {
        host: broker.address().ip().to_string(),
        port: broker.port(),
        tls: false,
    }
}

/// Messages a second, from the first that is sent to the last that is recorded.
async fn measure(
    ours: &Installation,
    devices: &[Credential],
    broker: &Broker,
    span: Duration,
) -> anyhow::Result<f64> {
    let recorded = async || {
        let labels = ["transport=\"external\"", "outcome=\"recorded\""];
        let metrics = ours.metrics().await?;
        anyhow::Ok(metrics.sum("sealrock_ingest_batches_total", &labels))
    };
    let (before, begun) = (recorded().await?, Instant::now());
    let sent = load(devices, Some(broker), MORE_THAN_FITS, span)
        .await?
        .acknowledged;
    drained(sent, begun, async || Ok(recorded().await? - before)).await
}

/// Waits until all that was sent has come through.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
async fn drained(
    sent: u64,
    begun: Instant,
    come: impl AsyncFn() -> anyhow::Result<f64>,
) -> anyhow::Result<f64> {
    let sent = sent as f64;
    loop {
        if come().await? >= sent {
            return Ok(sent / begun.elapsed().as_secs_f64());
        }
        anyhow::ensure!(
            begun.elapsed() < Duration::from_mins(3),
            "messages were lost: {} of {sent} came",
            come().await?
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What a user would build: `rumqttc` with manual acknowledgements, each sent when the message's
/// readings are committed, as many at a time as the broker delivers.
struct Consumer {
    /// Messages that it has committed and acknowledged.
    done: Arc<AtomicU64>,
    running: JoinHandle<()>,
}

impl Consumer {
    async fn start(postgres: &PrivatePostgres, broker: SocketAddr) -> anyhow::Result<Self> {
        let readings = Readings::open(&postgres.database("baseline").await?).await?;
        let mut options = MqttOptions::new("consumer", broker.ip().to_string(), broker.port());
        let mut properties = ConnectProperties::new();
        properties.receive_maximum = Some(RECEIVE_MAXIMUM);
        options
            .set_connect_properties(properties)
            .set_manual_acks(true);
        let (client, mut events) = AsyncClient::new(options, usize::from(RECEIVE_MAXIMUM) * 2);
        client
            .subscribe("sealrock/v1/+/+/+/batch", QoS::AtLeastOnce)
            .await?;
        let done = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&done);
        let running = tokio::spawn(async move {
            loop {
                match events.poll().await {
                    Ok(Event::Incoming(Packet::Publish(publish))) => {
                        let (sink, client) = (readings.clone(), client.clone());
                        let counted = Arc::clone(&counted);
                        tokio::spawn(async move {
                            let topic = String::from_utf8_lossy(&publish.topic);
                            let inserted = sink.insert(&topic, &publish.payload).await;
                            let acknowledged = inserted.is_ok() && client.try_ack(&publish).is_ok();
                            assert!(acknowledged, "the baseline failed: {inserted:?}");
                            counted.fetch_add(1, Ordering::Relaxed);
                        });
                    }
                    Ok(_) => {}
                    Err(error) => eprintln!("the baseline's connection: {error}"),
                }
            }
        });
        Ok(Self { done, running })
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    async fn measure(
        &self,
        devices: &[Credential],
        broker: &Broker,
        span: Duration,
    ) -> anyhow::Result<f64> {
        let come = || self.done.load(Ordering::Relaxed) as f64;
        let (before, begun) = (come(), Instant::now());
        let sent = load(devices, Some(broker), MORE_THAN_FITS, span)
            .await?
            .acknowledged;
        drained(sent, begun, async || Ok(come() - before)).await
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.running.abort();
    }
}
