//! Topics of other makes, by the mapping that is handed out as an example.

use std::sync::Arc;
use std::time::Duration;

use sealrock_domain::telemetry::{MAPPED_BATCH, MappedBatch, Value, decode_recorded};
use sealrock_ingest::{ExternalConfig, Mappings, TopicMapping};
use sealrock_testkit::{Mosquitto, database};

use crate::support::*;

/// `ingest/mappings/solar-and-battery.toml`, for the devices of these tests.
fn example() -> Arc<Mappings> {
    let table: toml::Table = include_str!("../../mappings/solar-and-battery.toml")
        .parse()
        .unwrap();
    let mut topics: Vec<TopicMapping> = table["topics"].clone().try_into().unwrap();
    topics[0].organisation = Some(slug("northsea"));
    Arc::new(Mappings::new(&topics).unwrap())
}

fn message(value: &str, unit: &str) -> String {
    format!(
        r#"{{ "timestamp": "2026-11-21T03:12:45.120Z", "value": {value}, "unit": "{unit}", "source": "inverter" }}"#
    )
}

#[tokio::test]
async fn a_solar_plants_messages_become_readings_with_their_digits() {
    let world = World::on(database().await.pool).await;
    let mosquitto = Mosquitto::start(LASTING);
    let asked = ExternalConfig {
        mappings: example(),
        ..config(&mosquitto, "node-1")
    };
    let broker = world.consume_connected(&asked).await;
    let mut receipts = Listener::to(&mosquitto, "sealrock/v1/+/+/+/receipt").await;
    let sent = [
        ("pv_generation", "42.700", "kW"),
        ("battery_soc", "81", "percent"),
        ("grid", "-3.5e1", "kW"),
    ];
    for (metric, value, unit) in sent {
        let to = format!("vidyutai/plant-1/meter-1/{metric}");
        // The gateway repeats itself.
        let messages = [
            (to.clone(), message(value, unit).into()),
            (to, message(value, unit).into()),
        ];
        publish(&mosquitto, &messages).await;
        for duplicate in [serde_json::Value::Null, true.into()] {
            let (topic, receipt) = receipts.next().await;
            assert!(topic.contains("/meter-1/"), "{topic}");
            assert_eq!(receipt["duplicate"], duplicate, "{receipt}");
            assert_eq!(
                receipt["suspectCount"],
                serde_json::Value::Null,
                "{receipt}"
            );
        }
    }
    broker.stop(Duration::from_secs(10)).await;
    let batches = world.batches().await;
    assert_eq!(batches.len(), 3);
    let metrics = ["pv_generation", "battery_soc", "grid_power"];
    for ((recorded, (as_sent, value, unit)), metric) in batches.iter().zip(sent).zip(metrics) {
        let payload = recorded.payload.as_ref().unwrap();
        assert_eq!(payload.media, MAPPED_BATCH);
        let mapped = MappedBatch::parse(&payload.bytes).unwrap();
        assert_eq!(mapped.topic, format!("vidyutai/plant-1/meter-1/{as_sent}"));
        assert_eq!(mapped.original, message(value, unit));
        let text = String::from_utf8_lossy(mapped.batch);
        assert!(text.contains(&format!("\"value\":{value},")), "{text}");
        let batch = decode_recorded(&payload.media, &payload.bytes).unwrap();
        assert_eq!(batch.readings[0].metric.as_str(), metric);
        assert_eq!(
            batch.readings[0].value,
            Value::Number(value.parse().unwrap())
        );
        assert_eq!(batch.tags["source"], "inverter");
    }
}

#[tokio::test]
async fn a_message_that_is_not_of_the_mappings_form_is_its_devices_dead_letter() {
    let world = World::on(database().await.pool).await;
    let mosquitto = Mosquitto::start(LASTING);
    let asked = ExternalConfig {
        mappings: example(),
        ..config(&mosquitto, "node-1")
    };
    let broker = world.consume_connected(&asked).await;
    let mut receipts = Listener::to(&mosquitto, "sealrock/v1/+/+/+/receipt").await;
    let to = "vidyutai/plant-1/meter-1/pv_generation".to_owned();
    publish(&mosquitto, &[(to, b"4.2".to_vec())]).await;
    let (_, receipt) = receipts.next().await;
    assert_eq!(receipt["error"]["code"], "undecodable");
    broker.stop(Duration::from_secs(10)).await;
    let letter = world.letters("northsea").await.remove(0);
    assert_eq!(letter.via, "mqtt:vidyutai/plant-1/meter-1/pv_generation");
    assert_eq!(letter.bytes, b"4.2");
}
