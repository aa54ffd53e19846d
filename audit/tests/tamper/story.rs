//! Three hours of four devices: signed and unsigned batches, gaps, seals, a late batch, keys that
//! change, payloads that are erased.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use chrono::TimeDelta;
use ed25519_dalek::{Signer, SigningKey};
use sealrock_domain::device::PublicKey;
use sealrock_domain::telemetry::frame::{FRAME_VERSION, signed_text};
use sealrock_domain::telemetry::window::{
    Gap, GapDetected, Hour, Root, Seal, WindowSealed, gap_stream, window_of, window_stream,
};
use sealrock_domain::telemetry::{
    JSON, SENSOR_BATCH_RECORDED, SIGNED_BATCH, SensorBatch, decode_recorded,
};
use sealrock_domain::{DeviceId, EventType, telemetry::window::WindowEvent};
use sealrock_ledger::record::{
    ClockCorrected, LogKeyRetired, LogKeyRotated, PayloadRedacted, Record, RetentionApplied,
};
use sealrock_ledger::{Entry, Frontier, Index, KeyRange, LogKey, Payload, Slot};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use crate::log::{BytesTwist, Log, New, Told, Twist, origin};

const TICKS: u64 = 290;
const OWN: &str = "ledger/northsea";
const SERVICE: &str = "service/platform";
const USER: &str = "user/0192a1b2-c3d4-7e5f-8a9b-00000000000a";

/// Signs its batches. It has a second key from tick 90 on, and only that from tick 140 on.
pub const SIGNING: u32 = 0;
/// Counts, keeps its counter.
pub const STEADY: u32 = 1;
/// Counts within boots, loses some, and sends one hours late.
pub const LOSSY: u32 = 2;
/// Does not count.
pub const PLAIN: u32 = 3;

pub fn device(number: u32) -> DeviceId {
    DeviceId(Uuid::from_u128(0x7000 + u128::from(number)))
}

pub fn device_key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number + 1; 32])
}

fn public(key: &SigningKey) -> PublicKey {
    PublicKey::new(key.verifying_key().to_bytes())
}

pub fn frame(key: &SigningKey, device: DeviceId, batch: &[u8]) -> Vec<u8> {
    let text = signed_text(origin().as_str(), device, batch);
    let signature = key.sign(&text).to_bytes();
    let id = public(key).id();
    [&[FRAME_VERSION][..], id.as_bytes(), &signature, batch].concat()
}

fn canonical(value: &impl Serialize) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(value).unwrap()
}

/// The log's keys: made once, so that two tellings of the story are the same to the byte.
pub fn log_key(number: usize) -> LogKey {
    static KEYS: OnceLock<[LogKey; 3]> = OnceLock::new();
    let keys = KEYS.get_or_init(|| [(); 3].map(|()| LogKey::generate(&origin()).unwrap()));
    keys[number].clone()
}

/// What happens on the way, besides the twists.
#[derive(Clone, Copy, Default)]
pub struct Plan<'a> {
    pub twist: Option<Twist<'a>>,
    pub bytes_twist: Option<BytesTwist<'a>>,
    /// Which gap is not named, by its number.
    pub gap_unnamed: Option<usize>,
    /// Which batch of the device that loses some is told twice, by its number.
    pub seq_twice: Option<u64>,
    /// Batches that are redacted besides, and at which tick.
    pub redacted: &'a [u64],
    pub redacted_at: u64,
    /// Whether seals hold them even if they come later.
    pub sealed_though_redacted: bool,
    /// A gap that is named at once, before anything is sent.
    pub named_early: Option<(u64, u64)>,
}

pub struct Story<'a> {
    pub log: Log<'a>,
    plan: Plan<'a>,
    /// Batches by device and hour that no seal holds: index, batch.
    open: BTreeMap<(DeviceId, Hour), Vec<(u64, SensorBatch)>>,
    seals: BTreeMap<(DeviceId, Hour), (u64, WindowSealed, Frontier)>,
    seqs: BTreeMap<(u32, String), u64>,
    sent: u64,
    gaps: usize,
    unnamed: Vec<(DeviceId, Gap)>,
}

/// The honest story.
pub fn honest() -> &'static Told {
    static TOLD: OnceLock<Told> = OnceLock::new();
    TOLD.get_or_init(|| tell(Plan::default()))
}

/// Keys and ranges as the entries record them.
fn keys(log: &Told) -> Vec<(LogKey, KeyRange)> {
    let at = |kind: &str| log.first(kind);
    let range = |number, from, through| {
        let key = log_key(number);
        let vkey = key.vkey().to_owned();
        (
            key,
            KeyRange {
                vkey,
                from,
                through,
            },
        )
    };
    let (rotated, retired) = (at(LogKeyRotated::KIND), at(LogKeyRetired::KIND));
    vec![range(0, 0, Some(retired)), range(1, rotated + 1, None)]
}

pub fn tell(plan: Plan<'_>) -> Told {
    let twist = plan.twist.unwrap_or(&|_: &mut Entry, _: &mut Payload| {});
    let bytes_twist = plan.bytes_twist.unwrap_or(&|_, _: &mut Vec<u8>| {});
    let mut story = Story {
        log: Log::new(log_key(0), twist, bytes_twist),
        plan,
        open: BTreeMap::new(),
        seals: BTreeMap::new(),
        seqs: BTreeMap::new(),
        sent: 0,
        gaps: 0,
        unnamed: Vec::new(),
    };
    story.register();
    for tick in 0..TICKS {
        story.log.clock += TimeDelta::seconds(40);
        story.happens(tick);
        story.batch(tick);
    }
    let mut told = story.log.told;
    told.keys = keys(&told);
    told
}

impl Story<'_> {
    fn event(&mut self, stream: &str, kind: &str, actor: &str, event: &impl Serialize) -> u64 {
        self.log.push(New {
            stream,
            kind,
            actor,
            media: JSON,
            bytes: canonical(event),
        })
    }

    fn own<R: Record>(&mut self, actor: &str, record: &R) -> u64 {
        self.event(OWN, R::KIND, actor, record)
    }

    fn register(&mut self) {
        let organisation = json!({"demo":false,"display_name":"North Sea","slug":"northsea"});
        let stream = "organisation/0192a1b2-c3d4-7e5f-8a9b-000000000001";
        self.event(stream, "OrganisationRegistered", USER, &organisation);
        for number in 0..4 {
            let mut registered = json!({
                "credential": format!("0192a1b2-c3d4-7e5f-8a9b-00000000000{number}"),
                "display_name": "Meter", "name": format!("meter-{number}"), "org": "northsea",
                "site": "plant-1", "source": "real",
            });
            if number == SIGNING {
                registered["public_key"] = json!(public(&device_key(0)).to_string());
            }
            let stream = format!("device/{}", device(number));
            self.event(&stream, "DeviceRegistered", USER, &registered);
        }
    }

    fn happens(&mut self, tick: u64) {
        let stream = format!("device/{}", device(SIGNING));
        if tick == self.plan.redacted_at && !self.plan.redacted.is_empty() {
            self.redact_besides();
        }
        match tick {
            90 => {
                let rotated = json!({"public_key": public(&device_key(1)).to_string()});
                self.event(&stream, "DeviceKeyRotated", USER, &rotated);
            }
            140 => {
                let revoked = json!({"key_id": public(&device_key(0)).id().to_string()});
                self.event(&stream, "DeviceKeyRevoked", USER, &revoked);
            }
            60 => {
                let record = LogKeyRotated::sign(&origin(), &log_key(0), &log_key(1)).unwrap();
                self.own(USER, &record);
            }
            150 => {
                let vkey = log_key(0).vkey().to_owned();
                self.own(USER, &LogKeyRetired { vkey });
            }
            155 => {
                let (clock, reason) = (self.log.clock, "it was two minutes slow".to_owned());
                let last_entry = clock;
                self.own(
                    USER,
                    &ClockCorrected {
                        clock,
                        last_entry,
                        reason,
                    },
                );
            }
            115 | 205 | 270 => self.seal_all(),
            230 => self.redact(),
            5 => self.name_early(),
            240 => self.retain(),
            _ => {}
        }
    }

    fn batch(&mut self, tick: u64) {
        let number = match tick % 8 {
            0 => SIGNING,
            1 | 4 => STEADY,
            2 | 5 | 6 => LOSSY,
            _ => PLAIN,
        };
        let boot = match number {
            LOSSY if tick < 130 => Some("b1"),
            LOSSY => Some("b2"),
            _ => None,
        };
        let seq = (number != PLAIN).then(|| self.next_seq(number, boot, tick));
        let late = TimeDelta::minutes(if tick == 190 { 120 } else { 0 });
        let at = self.log.clock - TimeDelta::seconds(2) - late;
        let reading =
            |metric: &str, value: f64| json!({"at": at, "metric": metric, "value": value});
        let value = 400.0 + f64::from(u32::try_from(tick * 37 % 101).unwrap()) / 10.0;
        let mut batch = json!({
            "readings": [reading("co2_ppm", value), reading("temperature", value / 20.0)],
        });
        if let Some(seq) = seq {
            batch["seq"] = json!(seq);
        }
        if let Some(boot) = boot {
            batch["boot"] = json!(boot);
        }
        let key = (number == SIGNING).then(|| device_key(u8::from(tick >= 100)));
        self.send(number, serde_json::to_vec(&batch).unwrap(), key.as_ref());
    }

    fn next_seq(&mut self, number: u32, boot: Option<&str>, tick: u64) -> u64 {
        let name = boot.unwrap_or_default().to_owned();
        let seq = self.seqs.entry((number, name.clone())).or_insert(0);
        if number == LOSSY {
            self.sent += 1;
            if self.plan.seq_twice == Some(self.sent) {
                return (*seq).max(1);
            }
        }
        *seq += 1;
        if number == LOSSY && tick % 29 == 5 {
            let gap = Gap {
                boot: name,
                from_seq: *seq,
                to_seq: *seq + 1,
            };
            *seq += 2;
            self.unnamed.push((device(number), gap));
        }
        *seq
    }

    fn send(&mut self, number: u32, batch: Vec<u8>, key: Option<&SigningKey>) {
        let id = device(number);
        let (media, bytes) = match key {
            Some(key) => (SIGNED_BATCH, frame(key, id, &batch)),
            None => (JSON, batch),
        };
        let index = self.log.push(New {
            stream: &format!("telemetry/{id}"),
            kind: SENSOR_BATCH_RECORDED,
            actor: &format!("device/{id}"),
            media,
            bytes,
        });
        let slot = self.log.told.slots.last().unwrap();
        let payload = slot.shown().unwrap();
        let Ok(batch) = decode_recorded(&payload.media, &payload.bytes) else {
            return;
        };
        let hour = window_of(&batch, self.log.clock);
        self.open
            .entry((id, hour))
            .or_default()
            .push((index, batch));
    }

    /// Names all gaps, then seals every hour that is over.
    fn seal_all(&mut self) {
        for (device, gap) in std::mem::take(&mut self.unnamed) {
            self.gaps += 1;
            if self.plan.gap_unnamed == Some(self.gaps) {
                continue;
            }
            let Gap {
                boot,
                from_seq,
                to_seq,
            } = gap;
            let named = GapDetected {
                boot,
                device,
                from_seq,
                to_seq,
            };
            self.window(&gap_stream(device), &named.into());
        }
        let now = self.log.clock;
        let over = |(_, hour): &&(DeviceId, Hour)| hour.end() < now;
        let due: Vec<(DeviceId, Hour)> = self.open.keys().filter(over).copied().collect();
        for (device, hour) in due {
            self.seal(device, hour);
        }
    }

    fn seal(&mut self, device: DeviceId, hour: Hour) {
        let window = (device, hour);
        let (mut seal, mut frontier) = match self.seals.remove(&window) {
            Some((index, seal, frontier)) => (Seal::superseding(index, seal), frontier),
            None => (Seal::new(device, hour), Frontier::default()),
        };
        for (index, batch) in self.open.remove(&window).unwrap() {
            frontier.push(self.log.told.leaf(index));
            let received_at = self.log.told.entry(index).received_at;
            seal.add(index, received_at, &batch).unwrap();
        }
        let seal = seal.finish(Root(frontier.root().0), vec![]);
        let index = self.window(&window_stream(device, hour), &seal.clone().into());
        self.seals.insert(window, (index, seal, frontier));
    }

    fn window(&mut self, stream: &str, event: &WindowEvent) -> u64 {
        let encoded = event.encode();
        self.event(stream, encoded.kind, SERVICE, &encoded.payload)
    }

    /// Indexes of the sealed batches of a device's first hour.
    fn sealed(&self, number: u32) -> Vec<u64> {
        let of = |((id, _), _): &(&(DeviceId, Hour), _)| *id == device(number);
        let (_, (_, seal, _)) = self.seals.iter().find(of).unwrap();
        seal.indexes().collect()
    }

    fn erase(&mut self, indexes: &[u64]) -> Vec<sealrock_ledger::record::IndexRange> {
        for index in indexes {
            self.log.told.slots[usize::try_from(*index).unwrap()] = Slot::Erased;
        }
        let range = |index: &u64| (Index(*index), Index(*index)).into();
        indexes.iter().map(range).collect()
    }

    fn redact(&mut self) {
        let payloads = self.erase(&self.sealed(STEADY)[3..5]);
        let reason = "a name in a tag".into();
        self.own(USER, &PayloadRedacted { payloads, reason });
    }

    fn redact_besides(&mut self) {
        let redacted = self.plan.redacted;
        let payloads = self.erase(redacted);
        if !self.plan.sealed_though_redacted {
            self.open.retain(|_, batches| {
                batches.retain(|(index, _)| !redacted.contains(index));
                !batches.is_empty()
            });
        }
        let reason = "another name".into();
        self.own(USER, &PayloadRedacted { payloads, reason });
    }

    fn name_early(&mut self) {
        let Some((from_seq, to_seq)) = self.plan.named_early else {
            return;
        };
        let named = GapDetected {
            boot: "b1".into(),
            device: device(LOSSY),
            from_seq,
            to_seq,
        };
        self.window(&gap_stream(named.device), &named.into());
    }

    fn retain(&mut self) {
        let payloads = self.erase(&self.sealed(PLAIN));
        let before = self.log.clock;
        self.own(SERVICE, &RetentionApplied { before, payloads });
    }
}
