//! Which batches belong to which hour, and which of them are sealed.

use std::collections::{BTreeMap, HashMap};

use sealrock_domain::telemetry::window::{Hour, Root, SealedBoot, WindowSealed};
use sealrock_domain::{DeviceId, MAX_SAFE_INTEGER};
use sealrock_ledger::verify::{Cause, Findings, Runs};

/// The windows of all devices. Memory grows with the batches that no seal holds, by runs, and with
/// the windows that one does.
#[derive(Default)]
pub(super) struct Windows {
    devices: HashMap<DeviceId, Device>,
    sealed: Runs,
    /// Entries that are not there: each may have been a batch or a seal.
    unread: Runs,
    /// Seals whose payload is not there.
    lost: Runs,
    /// Batches whose payload was erased before a seal held them: none may hold them later, since
    /// nobody could check what it says of them.
    gone: Runs,
}

#[derive(Default)]
struct Device {
    /// Batches that no seal holds, by hour.
    open: BTreeMap<Hour, Runs>,
    /// Those whose hour is not known, since their payload is not there.
    hidden: Runs,
    seals: HashMap<Hour, Before>,
}

/// The newest seal of a window.
struct Before {
    index: u64,
    batches: u64,
    last: u64,
    root: Root,
    /// Whether all payloads of its batches are there.
    shown: bool,
    /// Whether all its batches were read, and those of the seals before it.
    read: bool,
    /// Whether it is wrong or not known, so that nothing can be built upon it.
    broken: bool,
}

/// A seal whose batches are to be read again.
pub(super) struct ToRecheck {
    pub(super) index: u64,
    pub(super) seal: WindowSealed,
    /// The seal that it supersedes.
    pub(super) before: Option<Superseded>,
    /// What its figures are held against.
    pub(super) figures: Figures,
}

/// A seal that another one takes the place of.
#[derive(Clone, Copy)]
pub(super) struct Superseded {
    pub(super) index: u64,
    pub(super) batches: u64,
    pub(super) root: Root,
}

/// What the figures of a seal can be held against.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Figures {
    /// All its batches: their payloads are there.
    Batches,
    /// The seal before and the batches that it adds: only those before are not all there.
    Added,
    /// The seal before, than which it must not say less: what it adds is not all there.
    Before,
}

impl Windows {
    pub(super) fn unread(&mut self, index: u64) {
        self.unread.insert(index, index);
    }

    /// A seal whose payload is not there.
    pub(super) fn lost_seal(&mut self, index: u64) {
        self.lost.insert(index, index);
    }

    pub(super) fn hidden(&mut self, index: u64, device: DeviceId) {
        let device = self.devices.entry(device).or_default();
        device.hidden.insert(index, index);
    }

    pub(super) fn batch(&mut self, index: u64, device: DeviceId, hour: Hour) {
        let device = self.devices.entry(device).or_default();
        device.open.entry(hour).or_default().insert(index, index);
    }

    /// An entry erases these payloads.
    pub(super) fn erase(&mut self, first: u64, last: u64) {
        let open: Vec<_> = self.sealed.missing_within(first, last).collect();
        for (first, last) in open {
            self.gone.insert(first, last);
            for device in self.devices.values_mut() {
                device.hidden.remove(first, last);
                device.open.retain(|_, open| {
                    open.remove(first, last);
                    !open.is_empty()
                });
            }
        }
    }

    /// Whether a batch of this device that no seal holds may have had any seq.
    pub(super) fn hides(&self, device: DeviceId) -> bool {
        let device = self.devices.get(&device);
        device.is_some_and(|device| !device.hidden.is_empty())
    }

    /// How many batches no seal holds.
    pub(super) fn unsealed(&self) -> u64 {
        let open = |device: &Device| device.open.values().map(Runs::count).sum::<u64>();
        self.devices.values().map(open).sum()
    }

    /// The first of these entries that no seal so far holds.
    pub(super) fn first_unsealed(&self, first: u64, last: u64) -> Option<u64> {
        self.sealed
            .missing_within(first, last)
            .next()
            .map(|(first, _)| first)
    }

    /// Checks which batches a seal holds. Answers what is to be checked by reading them again.
    pub(super) fn seal(
        &mut self,
        index: u64,
        seal: WindowSealed,
        findings: &mut Findings,
    ) -> Option<ToRecheck> {
        let lost = |at| self.lost.contains(at) || self.unread.contains(at);
        let unknown = seal.supersedes.is_some_and(lost);
        let device = self.devices.entry(seal.device).or_default();
        let before = device.seals.get(&seal.hour);
        let broken = unknown || before.is_some_and(|before| before.broken);
        let held = match well_formed(index, &seal) {
            Ok(held) => held,
            Err(message) => return device.break_off(index, &seal, Some(message), findings),
        };
        if broken {
            self.sealed.extend(&held);
            return device.break_off(index, &seal, None, findings);
        }
        let added = succeeds(&seal, &held, before)
            .and_then(|added| none_of(&added, &self.gone).map(|()| added))
            .and_then(|added| device.holds(&seal, &added, &self.unread).map(|()| added));
        let added = match added {
            Ok(added) => added,
            Err(message) => return device.break_off(index, &seal, Some(message), findings),
        };
        self.sealed.extend(&held);
        device.take(index, seal, &added, &self.unread)
    }
}

impl Device {
    /// All entries that a seal adds are batches of its window, and of those up to its last entry it
    /// leaves none out.
    fn holds(&self, seal: &WindowSealed, added: &Runs, unread: &Runs) -> Result<(), String> {
        let none = Runs::default();
        let open = self.open.get(&seal.hour).unwrap_or(&none);
        for (first, last) in added.iter() {
            let foreign = open
                .missing_within(first, last)
                .flat_map(|(first, last)| self.hidden.missing_within(first, last))
                .flat_map(|(first, last)| unread.missing_within(first, last))
                .next();
            if let Some((foreign, _)) = foreign {
                return Err(format!(
                    "it holds entry {foreign}, which is no batch of this window that no seal held"
                ));
            }
        }
        let Some((_, end)) = added.bounds() else {
            return Ok(());
        };
        let open = open.iter().take_while(|(first, _)| *first <= end);
        let mut left_out =
            open.flat_map(|(first, last)| added.missing_within(first, last.min(end)));
        match left_out.next() {
            Some((index, _)) => Err(format!(
                "it leaves out entry {index}, a batch of this window before its last one"
            )),
            None => Ok(()),
        }
    }

    /// Nothing more is said of this window: what comes after rests on this seal.
    fn break_off(
        &mut self,
        index: u64,
        seal: &WindowSealed,
        fault: Option<String>,
        findings: &mut Findings,
    ) -> Option<ToRecheck> {
        if let Some(message) = fault {
            findings.at(index, Cause::SealMismatch, message);
        }
        let broken = Before {
            index,
            batches: seal.batches,
            last: 0,
            root: seal.root,
            shown: false,
            read: false,
            broken: true,
        };
        self.seals.insert(seal.hour, broken);
        self.open.remove(&seal.hour);
        None
    }

    /// Takes what a seal adds out of what is open. Answers what is to be checked of it, if all its
    /// entries were read.
    fn take(
        &mut self,
        index: u64,
        seal: WindowSealed,
        added: &Runs,
        unread: &Runs,
    ) -> Option<ToRecheck> {
        let within = |runs: &Runs| {
            let mut ranges = added.iter();
            ranges.any(|(first, last)| runs.first_within(first, last).is_some())
        };
        let before = self.seals.remove(&seal.hour);
        let added_shown = !within(&self.hidden);
        let newest = Before {
            index,
            batches: seal.batches,
            last: seal.last_entry().unwrap_or_default(),
            root: seal.root,
            shown: added_shown && before.as_ref().is_none_or(|before| before.shown),
            read: !within(unread) && before.as_ref().is_none_or(|before| before.read),
            broken: false,
        };
        let open = self.open.entry(seal.hour).or_default();
        for (first, last) in added.iter() {
            self.hidden.remove(first, last);
            open.remove(first, last);
        }
        if open.is_empty() {
            self.open.remove(&seal.hour);
        }
        let read = newest.read;
        let figures = match (newest.shown, added_shown) {
            (true, _) => Figures::Batches,
            (false, true) => Figures::Added,
            (false, false) => Figures::Before,
        };
        self.seals.insert(seal.hour, newest);
        read.then(|| ToRecheck {
            index,
            seal,
            before: before.map(|before| Superseded {
                index: before.index,
                batches: before.batches,
                root: before.root,
            }),
            figures,
        })
    }
}

/// The entries of a seal: as many as it says, ascending, all before it.
fn well_formed(index: u64, seal: &WindowSealed) -> Result<Runs, String> {
    let mut next = 0;
    for run in &seal.entries {
        if run.first < next || run.last < run.first || run.last >= index {
            return Err(format!(
                "its entries {} to {} are not in ascending order before it",
                run.first, run.last
            ));
        }
        next = run.last + 1;
    }
    let held: Runs = seal
        .entries
        .iter()
        .map(|run| (run.first, run.last))
        .collect();
    let count = held.count();
    if count != seal.batches || count == 0 {
        return Err(format!(
            "it says that it holds {} batches, and names {count} entries",
            seal.batches
        ));
    }
    let boots = seal.boots.iter().map(|boot| boot.batches);
    let counted = boots.fold(seal.uncounted, u64::saturating_add);
    if counted != seal.batches {
        return Err(format!(
            "it holds {} batches, by its boots and those without a seq {counted}",
            seal.batches
        ));
    }
    let declared = seal.sources.values().copied();
    let declared = declared.fold(0, u64::saturating_add);
    if declared > seal.batches || seal.sources.values().any(|count| *count == 0) {
        return Err(format!(
            "of its {} batches it says that {declared} declare a source: {:?}",
            seal.batches, seal.sources
        ));
    }
    if let Some(boot) = seal.boots.iter().find(|boot| !is_counted(boot)) {
        return Err(format!(
            "it holds {} batches of boot {:?} from seq {} to {}",
            boot.batches, boot.boot, boot.first_seq, boot.last_seq
        ));
    }
    Ok(held)
}

/// Whether a boot's batches can have these seqs.
fn is_counted(boot: &SealedBoot) -> bool {
    boot.batches > 0 && boot.first_seq <= boot.last_seq && boot.last_seq <= MAX_SAFE_INTEGER
}

/// No batch that a seal adds was erased before.
fn none_of(added: &Runs, gone: &Runs) -> Result<(), String> {
    let mut runs = added.iter();
    match runs.find_map(|(first, last)| gone.first_within(first, last)) {
        None => Ok(()),
        Some(index) => Err(format!(
            "it adds entry {index}, whose payload was erased before any seal held it"
        )),
    }
}

/// What a seal adds to the one before, all of whose entries it must hold.
fn succeeds(seal: &WindowSealed, held: &Runs, before: Option<&Before>) -> Result<Runs, String> {
    let mut added = held.clone();
    let expected = before.map(|before| before.index);
    if seal.supersedes != expected {
        return Err(match expected {
            Some(index) => format!("it does not supersede entry {index}, which seals this window"),
            None => "it supersedes a seal that is not there".to_owned(),
        });
    }
    if let Some(before) = before {
        let mut up_to_before = held.iter().take_while(|(first, _)| *first <= before.last);
        let kept: u64 = up_to_before
            .by_ref()
            .map(|(first, last)| last.min(before.last) - first + 1)
            .sum();
        if kept != before.batches || !held.contains(before.last) {
            return Err(format!(
                "up to entry {} it holds {kept} batches, the seal that it supersedes {}",
                before.last, before.batches
            ));
        }
        added.remove(0, before.last);
        if added.is_empty() {
            return Err("it adds nothing to the seal that it supersedes".to_owned());
        }
    }
    Ok(added)
}
