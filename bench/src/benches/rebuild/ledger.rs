//! What is rebuilt: a ledger of devices' batches, and one of aggregates' events. Both are appended by
//! the store's writer.

use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt;
use sealrock_domain::capture_day::{CaptureDayEvent, CaptureDayId, CaptureRecorded};
use sealrock_domain::capture_unit::{CaptureTechnology, CaptureUnitEvent, CaptureUnitRegistered};
use sealrock_domain::device::{DeviceEvent, DeviceRegistered};
use sealrock_domain::telemetry::{JSON, SENSOR_BATCH_RECORDED, Source};
use sealrock_domain::{AssetId, Attributes, CredentialId, DeviceId, EventType, Mass, Slug};
use sealrock_eventstore::{EventStore, Expected, LedgerInfo, LedgerKind, NewEvent, Retention};
use uuid::Uuid;

use crate::harness::append_of;

pub const DEVICES: u64 = 64;
pub const READINGS: u64 = 10;
/// Devices that send at once where read models follow.
const SENDERS: u64 = 400;
/// Appends that wait for their receipt at the same time.
const IN_FLIGHT: usize = 1_024;
/// Events of one append.
const TOGETHER: u64 = 4;
const METRICS: [(&str, &str, &str); 5] = [
    ("co2_ppm", "412", "ppm"),
    ("temperature", "21", "degC"),
    ("humidity", "40", "%"),
    ("pressure", "1013", "hPa"),
    ("flow", "12", "t/h"),
];

fn slug(text: &str) -> Slug {
    text.parse().expect("a slug")
}

/// A batch of each device in turn, ten seconds of its time apart, the last one a minute ago.
pub async fn batches(store: &EventStore, count: u64) -> anyhow::Result<()> {
    let ledger = create(store, "northsea").await?;
    let devices: Vec<NewEvent> = (0..DEVICES).map(device).collect();
    append(store, &ledger, devices).await?;
    let rounds = i64::try_from(count / DEVICES + 1)?;
    let begin = Utc::now() - TimeDelta::seconds(60 + 10 * rounds);
    let event = move |number: u64| batch(number, begin);
    append_all(store, &ledger, count, event).await
}

/// An empty ledger with devices that will send.
pub async fn begin(store: &EventStore) -> anyhow::Result<LedgerInfo> {
    let ledger = create(store, "northsea").await?;
    let devices: Vec<NewEvent> = (0..SENDERS).map(device).collect();
    append(store, &ledger, devices).await?;
    Ok(ledger)
}

/// Batches as devices send them now.
pub fn live(numbers: std::ops::Range<u64>) -> Vec<NewEvent> {
    let now = Utc::now() - TimeDelta::seconds(6);
    let one = |number| batch_of(number % SENDERS, number / SENDERS + 1, now);
    numbers.map(one).collect()
}

/// A fourth of registrations of devices, the rest captures of a unit, an hour each.
pub async fn events(store: &EventStore, count: u64) -> anyhow::Result<()> {
    let ledger = create(store, "northsea").await?;
    let unit = CaptureUnitEvent::from(CaptureUnitRegistered {
        org: slug("northsea"),
        site: slug("plant-1"),
        slug: slug("amine-1"),
        technology: CaptureTechnology::Amine,
        capacity_kg_per_day: Mass::from_tonnes(600),
    });
    let stream = format!("capture_unit/{}", asset());
    append(store, &ledger, vec![kept(stream, &unit)]).await?;
    let begin: DateTime<Utc> = "2000-01-01T00:00:00Z".parse()?;
    let event = move |number: u64| match number % 4 {
        0 => device(number),
        _ => capture(begin + TimeDelta::hours(number.cast_signed())),
    };
    append_all(store, &ledger, count, event).await
}

async fn create(store: &EventStore, name: &str) -> anyhow::Result<LedgerInfo> {
    let name = name.parse()?;
    Ok(store
        .create_ledger(&name, LedgerKind::Operational, true)
        .await?)
}

async fn append_all(
    store: &EventStore,
    ledger: &LedgerInfo,
    count: u64,
    event: impl Fn(u64) -> NewEvent,
) -> anyhow::Result<()> {
    let appends = (0..count.div_ceil(TOGETHER)).map(|number| {
        let numbers = number * TOGETHER..((number + 1) * TOGETHER).min(count);
        append(store, ledger, numbers.map(&event).collect())
    });
    let mut receipts = futures::stream::iter(appends).buffered(IN_FLIGHT);
    while let Some(receipt) = receipts.next().await {
        receipt?;
    }
    Ok(())
}

pub async fn append(
    store: &EventStore,
    ledger: &LedgerInfo,
    events: Vec<NewEvent>,
) -> anyhow::Result<()> {
    store.append(ledger.id, append_of(events)).await?;
    Ok(())
}

fn kept(stream: String, event: &impl EventType) -> NewEvent {
    let encoded = event.encode();
    NewEvent {
        stream,
        expected: Expected::Any,
        kind: encoded.kind.to_owned(),
        schema: encoded.schema,
        media: JSON.to_owned(),
        bytes: encoded.payload.to_string().into_bytes(),
        retention: Retention::Kept,
    }
}

fn device_id(number: u64) -> DeviceId {
    let name = slug(&format!("meter-{number}"));
    DeviceId::of(&slug("northsea"), &slug("plant-1"), &name)
}

fn device(number: u64) -> NewEvent {
    let event = DeviceEvent::from(DeviceRegistered {
        org: slug("northsea"),
        site: slug("plant-1"),
        name: slug(&format!("meter-{number}")),
        display_name: format!("Meter {number}").parse().expect("a text"),
        asset: None,
        source: Source::Simulator,
        public_key: None,
        credential: CredentialId(Uuid::now_v7()),
        metadata: Attributes::default(),
        sensors: Vec::new(),
    });
    kept(device_id(number).stream(), &event)
}

fn asset() -> AssetId {
    AssetId::of(&slug("northsea"), &slug("plant-1"), &slug("amine-1"))
}

fn capture(from: DateTime<Utc>) -> NewEvent {
    let event = CaptureDayEvent::from(CaptureRecorded {
        org: slug("northsea"),
        site: slug("plant-1"),
        unit: slug("amine-1"),
        from,
        to: from + TimeDelta::hours(1),
        captured_kg: Mass::from_tonnes(20).unwrap_or_default(),
        vented_kg: Mass::default(),
        electricity_kwh: None,
        heat_mj: None,
        measured: None,
        evidence: Vec::new(),
        by: "service/bench".parse().expect("an actor"),
    });
    let unit = asset();
    let day = CaptureDayId {
        unit,
        day: from.date_naive(),
    };
    kept(format!("capture_day/{day}"), &event)
}

fn batch(number: u64, begin: DateTime<Utc>) -> NewEvent {
    let seq = number / DEVICES + 1;
    batch_of(
        number % DEVICES,
        seq,
        begin + TimeDelta::seconds(10 * seq.cast_signed()),
    )
}

fn batch_of(device: u64, seq: u64, begin: DateTime<Utc>) -> NewEvent {
    let reading = |nth: u64| {
        let (metric, whole, unit) = METRICS[usize::try_from(nth % 5).unwrap_or(0)];
        let at = (begin + TimeDelta::seconds((nth / 5).cast_signed() * 5)).format("%FT%T%.3fZ");
        let part = (seq * 7 + nth) % 100;
        format!(r#"{{"metric":"{metric}","at":"{at}","value":{whole}.{part:02},"unit":"{unit}"}}"#)
    };
    let readings: Vec<String> = (0..READINGS).map(reading).collect();
    let bytes = format!(r#"{{"seq":{seq},"readings":[{}]}}"#, readings.join(","));
    NewEvent {
        stream: device_id(device).telemetry_stream(),
        expected: Expected::Any,
        kind: SENSOR_BATCH_RECORDED.to_owned(),
        schema: 1,
        media: JSON.to_owned(),
        bytes: bytes.into_bytes(),
        retention: Retention::Batch,
    }
}
