//! Entry by entry: what one says against what those before it said.

use std::collections::{BTreeMap, HashMap};

use sealrock_domain::DeviceId;
use sealrock_domain::device::{DeviceEvent, DeviceKeys, PreparedKey};
use sealrock_domain::telemetry::frame::Frame;
use sealrock_domain::telemetry::window::{WindowEvent, WindowSealed, gap_stream, window_stream};
use sealrock_ledger::Entry;
use sealrock_ledger::record::{PayloadRedacted, RetentionApplied};
use sealrock_ledger::verify::{Cause, Findings, Judge, PayloadState, Seen, Source, SourceError};
use serde::Serialize;

use super::reader::{Batch, Fact, FactReader, Signed, device_of};
use super::recheck::Recheck;
use super::seqs::Seqs;
use super::windows::Windows;

/// The most unknown event types that are named; a ledger has a few dozen.
const MOST_UNKNOWN: usize = 1000;

/// How much was checked beyond the structure of the ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// Batches whose device's signature was verified.
    pub signed_batches: u64,
    /// Batches of devices that have no key.
    pub unsigned_batches: u64,
    /// Batches of devices whose registration or keys are not all shown: whether the signature is
    /// the device's, or one is missing, is not known.
    pub unchecked_signatures: u64,
    /// Batches whose payload is not there, or says what this version does not know.
    pub hidden_batches: u64,
    /// Seals of windows.
    pub seals: u64,
    /// Those of them whose figures were computed again: from all their batches, or from those that
    /// they add to the seal before.
    pub seals_with_figures: u64,
    /// Batches that are there and that no seal holds yet.
    pub unsealed_batches: u64,
}

pub(super) struct FactJudge<'s> {
    reader: &'s FactReader,
    recheck: Recheck<'s>,
    /// Whether the ledger is there from its first entry on, so that what is not known is not there.
    whole: bool,
    /// Whether an entry is not there, which may have said anything.
    unread: bool,
    devices: HashMap<DeviceId, Device>,
    seqs: Seqs,
    windows: Windows,
    /// Whether a seal or an entry is not there, so that a batch may be sealed unseen.
    seals_lost: bool,
    /// Event types that are not known: how many, and the first entry.
    unknown: BTreeMap<(String, u32), (u64, u64)>,
    facts: Facts,
}

#[derive(Default)]
struct Device {
    keys: DeviceKeys,
    /// Whether an event of it is not there.
    opaque: bool,
}

impl<'s> FactJudge<'s> {
    pub(super) fn of(source: &'s dyn Source, reader: &'s FactReader) -> Self {
        Self {
            reader,
            recheck: Recheck::of(source),
            whole: true,
            unread: false,
            devices: HashMap::new(),
            seqs: Seqs::default(),
            windows: Windows::default(),
            seals_lost: false,
            unknown: BTreeMap::new(),
            facts: Facts::default(),
        }
    }

    pub(super) fn into_facts(self) -> Facts {
        self.facts
    }

    /// An entry whose payload is not there.
    fn without_payload(&mut self, index: u64, entry: &Entry) {
        let (kind, id) = entry.stream.split_once('/').unwrap_or_default();
        match (kind, device_of(id)) {
            ("telemetry", Some(device)) => {
                self.facts.hidden_batches += 1;
                self.seqs.hidden(device);
                self.windows.hidden(index, device);
            }
            ("device", Some(device)) => self.devices.entry(device).or_default().opaque = true,
            ("gap", _) => self.seqs.lost_gap(),
            ("window", _) => {
                self.windows.lost_seal(index);
                self.seals_lost = true;
            }
            _ => {}
        }
    }

    fn fact(
        &mut self,
        index: u64,
        entry: &Entry,
        fact: Fact,
        findings: &mut Findings,
    ) -> Result<(), SourceError> {
        match fact {
            Fact::Batch(batch) => self.batch(index, batch, findings),
            Fact::Device(event) => self.device(entry, &event),
            Fact::Window(event) => return self.window(index, entry, *event, findings),
            Fact::Retention(retention) => self.retention(index, &retention, findings),
            Fact::Redaction(redaction) => self.redaction(index, &redaction),
            Fact::Other => {}
            // What it says is as hidden as if it were not there.
            Fact::Unknown => {
                self.unknown(index, entry);
                self.without_payload(index, entry);
            }
            Fact::Malformed(message) => {
                findings.at(index, Cause::PayloadMalformed, message);
                self.without_payload(index, entry);
            }
        }
        Ok(())
    }

    fn unknown(&mut self, index: u64, entry: &Entry) {
        let key = (entry.kind.clone(), entry.schema);
        if self.unknown.len() < MOST_UNKNOWN || self.unknown.contains_key(&key) {
            self.unknown.entry(key).or_insert((0, index)).0 += 1;
        }
    }

    fn device(&mut self, entry: &Entry, event: &DeviceEvent) {
        let id = entry.stream.strip_prefix("device/");
        if let Some(device) = id.and_then(device_of) {
            self.devices.entry(device).or_default().keys.apply(event);
        }
    }

    fn batch(&mut self, index: u64, batch: Batch, findings: &mut Findings) {
        let device = batch.device;
        self.signature(index, device, &batch.signed, findings);
        self.windows.batch(index, device, batch.hour);
        self.seqs.batch(index, device, batch.counter, findings);
    }

    fn signature(&mut self, index: u64, id: DeviceId, signed: &Signed, findings: &mut Findings) {
        let in_doubt = !self.whole || self.unread;
        let Some(device) = self.devices.get(&id) else {
            if in_doubt {
                self.facts.unchecked_signatures += 1;
            } else {
                let message = format!("no entry before it registers device {id}");
                findings.at(index, Cause::DeviceUnknown, message);
            }
            return;
        };
        let keys = &device.keys;
        let (key, by, fits) = match signed {
            Signed::No if keys.required() => {
                let message = format!("device {id} has a key, so its batches must be signed");
                findings.at(index, Cause::BatchUnsigned, message);
                return;
            }
            // An event that is not there may have given it a key.
            Signed::No if in_doubt || device.opaque => {
                self.facts.unchecked_signatures += 1;
                return;
            }
            Signed::No => {
                self.facts.unsigned_batches += 1;
                return;
            }
            Signed::Checked(by, fits) => (by.id(), Some(*by), Some(fits.clone())),
            Signed::Unchecked(bytes) => {
                let Ok(frame) = Frame::parse(bytes) else {
                    return;
                };
                let key = keys.get(frame.key);
                let fits = key.map(|key| {
                    let key = PreparedKey::for_few(*key);
                    self.reader.verify(&frame, &key, id)
                });
                (frame.key, key.copied(), fits)
            }
        };
        let key_of_then = keys.get(key).filter(|valid| Some(**valid) == by);
        match (key_of_then, fits) {
            (Some(_), Some(Ok(()))) => self.facts.signed_batches += 1,
            (Some(_), Some(Err(message))) => {
                findings.at(index, Cause::DeviceSignatureInvalid, message);
            }
            _ if keys.was_revoked(key) => {
                let message = format!("it is signed by key {key}, which device {id} had before");
                findings.at(index, Cause::DeviceKeyNotValid, message);
            }
            _ if in_doubt || device.opaque => self.facts.unchecked_signatures += 1,
            _ => {
                let message = format!("it is signed by key {key}, which device {id} does not have");
                findings.at(index, Cause::DeviceKeyNotValid, message);
            }
        }
    }

    fn window(
        &mut self,
        index: u64,
        entry: &Entry,
        event: WindowEvent,
        findings: &mut Findings,
    ) -> Result<(), SourceError> {
        let stream = match &event {
            WindowEvent::WindowSealed(seal) => window_stream(seal.device, seal.hour),
            WindowEvent::GapDetected(gap) => gap_stream(gap.device),
        };
        if entry.stream != stream || entry.actor.starts_with("device/") {
            let (found, actor) = (&entry.stream, &entry.actor);
            let message = format!("{actor} wrote it into {found}; its place is {stream}");
            findings.at(index, Cause::SealMismatch, message);
            return Ok(());
        }
        match event {
            WindowEvent::GapDetected(gap) => {
                let bounded = self.whole && !self.windows.hides(gap.device);
                self.seqs.gap(index, &gap, bounded, findings);
            }
            WindowEvent::WindowSealed(seal) => return self.seal(index, seal, findings),
        }
        Ok(())
    }

    fn seal(
        &mut self,
        index: u64,
        seal: WindowSealed,
        findings: &mut Findings,
    ) -> Result<(), SourceError> {
        self.facts.seals += 1;
        // Without the beginning, which batches there were is not known.
        if !self.whole {
            return Ok(());
        }
        self.seqs.seal(index, &seal, findings);
        if let Some(seal) = self.windows.seal(index, seal, findings) {
            self.recheck.add(seal, findings)?;
        }
        Ok(())
    }

    /// Retention erases only what a seal at a smaller index holds.
    fn retention(&mut self, index: u64, retention: &RetentionApplied, findings: &mut Findings) {
        if !self.whole || self.seals_lost {
            return;
        }
        for range in &retention.payloads {
            let (first, last) = (range.first.0, range.last.0.min(index));
            if let Some(open) = self.windows.first_unsealed(first, last) {
                let message = format!(
                    "retention erases the payload of entry {open}, which no seal before it holds"
                );
                findings.at(index, Cause::ErasureNotPermitted, message);
                return;
            }
        }
    }

    /// What is redacted before a seal holds it, none may hold later.
    fn redaction(&mut self, index: u64, redaction: &PayloadRedacted) {
        for range in &redaction.payloads {
            self.windows.erase(range.first.0, range.last.0.min(index));
        }
    }

    fn notes(&self, findings: &mut Findings) {
        for ((kind, schema), (count, first)) in &self.unknown {
            let message = format!(
                "{count} entries have type {kind}, schema {schema}, which this version of Sealrock \
                 does not know: what they say was not checked"
            );
            findings.note("unknown-event-type", Some(*first), message);
        }
        let unchecked = if !self.whole {
            Some(
                "the beginning of the ledger is not shown, so seals, gaps of seqs and what retention \
                  erases were not checked",
            )
        } else if self.seals_lost || self.seqs.is_blind() {
            Some(
                "not all seals and gaps of seqs are shown or can be read, so seals that go on from \
                  those, seqs, and what retention erases were not checked",
            )
        } else {
            None
        };
        if let Some(message) = unchecked {
            findings.note("seals-not-checked", None, message.to_owned());
        }
        if self.facts.unchecked_signatures > 0 {
            let message = format!(
                "of {} batches it was not checked whether they are signed as they must be: not all of \
                 their devices' registrations and keys are shown",
                self.facts.unchecked_signatures
            );
            findings.note("signatures-not-checked", None, message);
        }
    }
}

impl Judge<Fact> for FactJudge<'_> {
    fn begin(&mut self, first: u64, size: u64) {
        self.whole = first == 0;
        self.recheck.begin(size);
    }

    fn entry(&mut self, seen: Seen<'_, Fact>, findings: &mut Findings) -> Result<(), SourceError> {
        let Seen { index, entry, .. } = seen;
        let fact = seen.fact.filter(|_| seen.payload == PayloadState::Shown);
        if let Some(fact) = fact {
            return self.fact(index, entry, fact, findings);
        }
        self.without_payload(index, entry);
        Ok(())
    }

    fn unread(&mut self, index: u64) {
        // It may have registered any device, introduced any key, named any gap, sealed anything.
        self.unread = true;
        self.seqs.lost_gap();
        self.windows.unread(index);
        self.seals_lost = true;
    }

    fn end(&mut self, findings: &mut Findings) -> Result<(), SourceError> {
        self.recheck.flush(findings)?;
        self.facts.seals_with_figures = self.recheck.compared();
        self.facts.unsealed_batches = self.windows.unsealed();
        self.notes(findings);
        Ok(())
    }
}
