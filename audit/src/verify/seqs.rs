//! The seqs of every device's boots, and the gaps that the ledger names.

use std::collections::HashMap;

use sealrock_domain::telemetry::window::{GapDetected, WindowSealed};
use sealrock_domain::{DeviceId, MAX_SAFE_INTEGER};
use sealrock_ledger::verify::{Cause, Findings, Runs};

/// What is known of all seqs so far.
#[derive(Default)]
pub(super) struct Seqs {
    boots: HashMap<DeviceId, Device>,
    /// Whether something is not there that may have named gaps.
    blind: bool,
}

#[derive(Default)]
struct Device {
    boots: HashMap<String, Boot>,
    /// Batches whose payload is not there: each may have had any seq.
    hidden: u64,
    /// Seqs that only such a batch can explain.
    unexplained: u64,
}

#[derive(Default)]
struct Boot {
    seen: Runs,
    named: Runs,
    /// What seals were checked: from the lowest seq that one names to the highest.
    checked: Option<(u64, u64)>,
}

impl Seqs {
    /// Something is not there that may have named gaps: from now on none can be held against it.
    pub(super) fn lost_gap(&mut self) {
        self.blind = true;
    }

    /// Whether seqs are not checked any more.
    pub(super) fn is_blind(&self) -> bool {
        self.blind
    }

    pub(super) fn hidden(&mut self, device: DeviceId) {
        self.boots.entry(device).or_default().hidden += 1;
    }

    pub(super) fn batch(
        &mut self,
        index: u64,
        device: DeviceId,
        counter: Option<(String, u64)>,
        findings: &mut Findings,
    ) {
        let Some((name, seq)) = counter else { return };
        let known = self.boots.entry(device).or_default();
        let boot = known.boots.entry(name).or_default();
        if boot.seen.contains(seq) {
            let message = format!("an earlier batch of device {device} has seq {seq} of this boot");
            findings.at(index, Cause::SeqTwice, message);
        }
        boot.seen.insert(seq, seq);
    }

    /// A gap is found by a seq above it. One that is named in advance would excuse what is left out
    /// later; `bounded`: everything is there that may have such a seq.
    pub(super) fn gap(
        &mut self,
        index: u64,
        gap: &GapDetected,
        bounded: bool,
        findings: &mut Findings,
    ) {
        let device = self.boots.entry(gap.device).or_default();
        let boot = device.boots.entry(gap.boot.clone()).or_default();
        let highest = if bounded && !self.blind {
            boot.highest()
        } else {
            Some(MAX_SAFE_INTEGER)
        };
        if gap.from_seq > gap.to_seq || highest.is_none_or(|highest| gap.to_seq >= highest) {
            let message = format!(
                "it names seqs {} to {} of boot {:?} of device {}, and no entry before it has a seq \
                 above them",
                gap.from_seq, gap.to_seq, gap.boot, gap.device
            );
            findings.at(index, Cause::SeqGap, message);
            return;
        }
        boot.named.insert(gap.from_seq, gap.to_seq);
    }

    /// Between the lowest seq that a seal of a boot names and the highest, each is that of an entry
    /// before the seal, or named by a gap before it.
    pub(super) fn seal(&mut self, index: u64, seal: &WindowSealed, findings: &mut Findings) {
        if self.blind {
            return;
        }
        let device = self.boots.entry(seal.device).or_default();
        for sealed in &seal.boots {
            let boot = device.boots.entry(sealed.boot.clone()).or_default();
            let missing = boot.newly_missing(sealed.first_seq, sealed.last_seq);
            let Some(&(first, last)) = missing.first() else {
                continue;
            };
            let count = missing
                .iter()
                .map(|(first, last)| (last - first).saturating_add(1))
                .fold(0, u64::saturating_add);
            device.unexplained = device.unexplained.saturating_add(count);
            if device.unexplained <= device.hidden {
                continue;
            }
            // Said once, not again at each seal.
            device.unexplained = device.unexplained.saturating_sub(count);
            let (device, boot) = (seal.device, &sealed.boot);
            let message = format!(
                "it seals up to seq {} of boot {boot:?} of device {device}, but seqs {first} to \
                 {last} are in no entry before it, and no GapDetected before it names them",
                sealed.last_seq
            );
            findings.at(index, Cause::SeqGap, message);
        }
    }
}

impl Boot {
    /// The highest seq that is known: that of a batch, or, where its payload is not there, the one
    /// that its seal says.
    fn highest(&self) -> Option<u64> {
        let seen = self.seen.bounds().map(|(_, highest)| highest);
        seen.max(self.checked.map(|(_, highest)| highest))
    }

    /// What is missing in the part that no earlier seal reached.
    fn newly_missing(&mut self, first: u64, last: u64) -> Vec<(u64, u64)> {
        if first > last {
            return Vec::new();
        }
        let parts = match self.checked {
            None => vec![(first, last)],
            Some((from, through)) => {
                let below = (first < from).then(|| (first, from - 1));
                let above = (last > through).then(|| (through + 1, last));
                below.into_iter().chain(above).collect()
            }
        };
        let (from, through) = self.checked.unwrap_or((first, last));
        self.checked = Some((from.min(first), through.max(last)));
        let (seen, named) = (&self.seen, &self.named);
        let unseen = parts
            .iter()
            .flat_map(|(first, last)| seen.missing_within(*first, *last));
        unseen
            .flat_map(|(first, last)| named.missing_within(first, last))
            .collect()
    }
}
