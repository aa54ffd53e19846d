//! What the devices of the chain measured, published over MQTT.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
use serde_json::{Value, json};

use crate::support::{Device, SOON};

/// A metric, its value, and its unit.
type Measured = (&'static str, f64, &'static str);

/// The first hour of the day that was measured, and how many were.
pub const HOURS: (u32, u32) = (10, 3);
/// What the meter of the capture unit says in every reading.
pub const CAPTURE: &[Measured] = &[
    ("captured_mass_flow", 12.0, "t/h"),
    ("vented_mass_flow", 0.75, "t/h"),
];
/// What the gauge of the well says in every reading.
pub const INJECTION: &[Measured] = &[
    ("injection_rate", 11.9, "t/h"),
    ("wellhead_pressure", 9.2, "MPa"),
    ("annulus_pressure", 10.4, "MPa"),
];

/// The beginning of an hour of a day.
pub fn hour(day: NaiveDate, hour: u32) -> DateTime<Utc> {
    day.and_hms_opt(hour, 0, 0).unwrap().and_utc()
}

/// When the nth of the measured hours begins.
pub fn measured_hour(day: NaiveDate, n: u32) -> DateTime<Utc> {
    hour(day, HOURS.0 + n)
}

/// A batch of each measured hour: a reading of each metric every ten minutes.
pub fn batches(day: NaiveDate, measured: &[Measured]) -> Vec<String> {
    let (first, count) = HOURS;
    let batch = |n: u32| {
        let begin = hour(day, first + n);
        let readings: Vec<Value> = (0..6)
            .flat_map(|step| {
                let at = begin + TimeDelta::minutes(10 * step);
                let reading = move |(metric, value, unit): &Measured| {
                    json!({ "metric": metric, "at": at, "value": value, "unit": unit })
                };
                measured.iter().map(reading)
            })
            .collect();
        json!({ "boot": "chain", "seq": n + 1, "readings": readings }).to_string()
    };
    (0..count).map(batch).collect()
}

/// Publishes over MQTT until each is acknowledged; `false` if the broker went away before.
pub async fn publish(broker: &(String, u16), device: &Device, batches: &[String]) -> bool {
    let (host, port) = broker.clone();
    let mut options = MqttOptions::new(format!("chain-{}", device.id()), host, port);
    options.set_credentials(device.id(), device.secret());
    options.set_max_packet_size(1 << 20, 1 << 20);
    options.set_keep_alive(Duration::from_secs(30));
    let (client, mut events) = AsyncClient::new(options, 100);
    for batch in batches {
        let sent = client.publish(device.topic(), QoS::AtLeastOnce, false, batch.as_bytes());
        sent.await.unwrap();
    }
    let acknowledged = async {
        let mut waiting = batches.len();
        while waiting > 0 {
            match events.poll().await {
                Ok(Event::Incoming(Packet::PubAck(_))) => waiting -= 1,
                Ok(_) => {}
                Err(_) => return false,
            }
        }
        true
    };
    tokio::time::timeout(SOON, acknowledged).await.unwrap()
}
