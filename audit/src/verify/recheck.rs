//! Seals against their batches, which are read once more: a seal may hold batches from anywhere
//! before it, and keeping them would take memory that grows with the ledger.

use std::collections::BTreeMap;

use sealrock_domain::telemetry::window::{MetricSummary, Seal, WindowSealed};
use sealrock_domain::telemetry::{MetricName, SensorBatch, decode_recorded};
use sealrock_ledger::verify::{AHEAD, Cause, Findings, Source, SourceError, in_order, readable};
use sealrock_ledger::{
    Entry, Frontier, Hash, PayloadRef, Slot, TILE_WIDTH, TilePath, decode_entries, leaf_hash,
    payloads_in_place,
};

use super::windows::{Figures, ToRecheck};

/// Entries of seals that wait: then they are read, many seals of the same hours at once.
const MOST: u64 = 1 << 20;

/// Seals that wait to be checked.
pub(super) struct Recheck<'s> {
    source: &'s dyn Source,
    /// Number of entries of the ledger.
    size: u64,
    waiting: Vec<ToRecheck>,
    entries: u64,
    /// Seals whose figures were compared.
    compared: u64,
}

/// One seal being checked.
struct Checking {
    asked: ToRecheck,
    frontier: Frontier,
    /// The root over as many batches as the seal before held.
    before: Option<Hash>,
    /// What its figures must be, as far as its batches were read.
    seal: Option<Seal>,
    /// What it says less of than the seal before.
    less: Option<String>,
}

/// A bundle, and which seals want which of its entries: `(index, number of the seal)`.
type Wanted = (u64, Vec<(u64, usize)>);

/// One entry as it was read again.
struct Again {
    leaf: Hash,
    batch: Option<(Entry, SensorBatch)>,
}

impl<'s> Recheck<'s> {
    pub(super) fn of(source: &'s dyn Source) -> Self {
        Self {
            source,
            size: 0,
            waiting: Vec::new(),
            entries: 0,
            compared: 0,
        }
    }

    /// How many seals' figures were computed again.
    pub(super) fn compared(&self) -> u64 {
        self.compared
    }

    pub(super) fn begin(&mut self, size: u64) {
        self.size = size;
    }

    pub(super) fn add(
        &mut self,
        seal: ToRecheck,
        findings: &mut Findings,
    ) -> Result<(), SourceError> {
        self.entries += seal.seal.batches;
        self.waiting.push(seal);
        if self.entries >= MOST {
            self.flush(findings)?;
        }
        Ok(())
    }

    /// Checks what waits.
    pub(super) fn flush(&mut self, findings: &mut Findings) -> Result<(), SourceError> {
        self.entries = 0;
        let mut checking: Vec<Checking> = std::mem::take(&mut self.waiting)
            .into_iter()
            .map(Checking::of)
            .collect();
        self.superseded(&mut checking)?;
        let wanted = wanted(&checking);
        let shown: Vec<bool> = checking.iter().map(|one| one.seal.is_some()).collect();
        let work = |(n, wanted): Wanted| self.read(n, wanted, &shown);
        let weight = |read: &Result<Vec<(usize, u64, Again)>, SourceError>| {
            read.as_ref().map_or(0, |read| read.len() * 4096)
        };
        in_order(wanted.into_iter(), AHEAD, work, weight, |read| {
            for (seal, index, again) in read? {
                checking[seal].add(index, again);
            }
            Ok(())
        })?;
        for one in checking {
            self.compared += u64::from(one.judge(findings));
        }
        Ok(())
    }

    /// Reads the seals that others go on from: their figures stand for batches that are not there.
    fn superseded(&self, checking: &mut [Checking]) -> Result<(), SourceError> {
        let mut wanted: BTreeMap<u64, Vec<(u64, usize)>> = BTreeMap::new();
        for (number, one) in checking.iter().enumerate() {
            let before = one.asked.before.filter(|_| one.seal.is_none());
            if let Some(before) = before {
                let bundle = wanted.entry(before.index / TILE_WIDTH).or_default();
                bundle.push((before.index, number));
            }
        }
        let work = |(n, wanted): Wanted| self.seals(n, wanted);
        let weight = |read: &Result<Vec<(usize, WindowSealed)>, SourceError>| {
            read.as_ref().map_or(0, |read| read.len() * 4096)
        };
        in_order(wanted.into_iter(), AHEAD, work, weight, |read| {
            for (number, seal) in read? {
                checking[number].follows(seal);
            }
            Ok(())
        })
    }

    fn seals(
        &self,
        n: u64,
        wanted: Vec<(u64, usize)>,
    ) -> Result<Vec<(usize, WindowSealed)>, SourceError> {
        let width = (self.size - n * TILE_WIDTH).min(TILE_WIDTH);
        let count = usize::try_from(width).expect("at most 256");
        let path = TilePath::Payloads { n, width }.to_string();
        let bundle = self.source.get(&path)?.unwrap_or_default();
        let (payloads, _) = readable(&bundle, count, payloads_in_place);
        let seal = |(index, number): (u64, usize)| {
            let at = usize::try_from(index - n * TILE_WIDTH).ok()?;
            let payload = payloads.get(at).and_then(Slot::shown)?;
            let seal = serde_json::from_slice(payload.bytes).ok()?;
            Some((number, seal))
        };
        Ok(wanted.into_iter().filter_map(seal).collect())
    }

    fn read(
        &self,
        n: u64,
        wanted: Vec<(u64, usize)>,
        shown: &[bool],
    ) -> Result<Vec<(usize, u64, Again)>, SourceError> {
        let width = (self.size - n * TILE_WIDTH).min(TILE_WIDTH);
        let count = usize::try_from(width).expect("at most 256");
        let get = |path: TilePath| self.source.get(&path.to_string());
        let bundle = get(TilePath::Entries { n, width })?.unwrap_or_default();
        let (entries, _) = readable(&bundle, count, decode_entries);
        let bundle = if wanted.iter().any(|(_, seal)| shown[*seal]) {
            get(TilePath::Payloads { n, width })?.unwrap_or_default()
        } else {
            Vec::new()
        };
        let (payloads, _) = readable(&bundle, count, payloads_in_place);
        let again = |(index, seal): (u64, usize)| {
            let at = usize::try_from(index - n * TILE_WIDTH).ok()?;
            let again = again(entries.get(at)?, payloads.get(at));
            Some((seal, index, again))
        };
        Ok(wanted.into_iter().filter_map(again).collect())
    }
}

fn again(entry: &[u8], payload: Option<&Slot<PayloadRef<'_>>>) -> Again {
    let batch = payload.and_then(Slot::shown).and_then(|payload| {
        let entry = Entry::read(entry).ok()?;
        let is_its = entry.payload == payload.commitment();
        let batch = decode_recorded(&payload.media, payload.bytes).ok();
        Some((entry, batch.filter(|_| is_its)?))
    });
    Again {
        leaf: leaf_hash(entry),
        batch,
    }
}

/// The bundles that are wanted, in ascending order, with the entries in ascending order.
fn wanted(checking: &[Checking]) -> Vec<Wanted> {
    let mut wanted: BTreeMap<u64, Vec<(u64, usize)>> = BTreeMap::new();
    for (number, one) in checking.iter().enumerate() {
        for index in one.asked.seal.indexes() {
            let bundle = wanted.entry(index / TILE_WIDTH).or_default();
            bundle.push((index, number));
        }
    }
    wanted.into_iter().collect()
}

impl Checking {
    fn of(asked: ToRecheck) -> Self {
        let seal = &asked.seal;
        Self {
            seal: (asked.figures == Figures::Batches).then(|| Seal::new(seal.device, seal.hour)),
            less: None,
            frontier: Frontier::default(),
            before: None,
            asked,
        }
    }

    /// The seal before, which it goes on from.
    fn follows(&mut self, before: WindowSealed) {
        let Some(known) = self.asked.before else {
            return;
        };
        if self.asked.figures == Figures::Added {
            self.seal = Some(Seal::superseding(known.index, before));
        } else {
            self.less = less(&self.asked.seal, &before);
        }
    }

    /// One of its entries, which come in ascending order.
    fn add(&mut self, index: u64, again: Again) {
        self.frontier.push(again.leaf);
        let kept = self.asked.before.map(|before| before.batches);
        if kept == Some(self.frontier.size()) {
            self.before = Some(self.frontier.root());
        }
        // What the seal before says of those is taken over.
        let is_kept = kept.is_some_and(|kept| self.frontier.size() <= kept);
        if is_kept && self.asked.figures == Figures::Added {
            return;
        }
        let added = match (&mut self.seal, again.batch) {
            (Some(seal), Some((entry, batch))) => {
                seal.add(index, entry.received_at, &batch).is_ok()
            }
            _ => false,
        };
        if !added {
            self.seal = None;
        }
    }

    /// Answers whether its figures were compared.
    fn judge(self, findings: &mut Findings) -> bool {
        let Self {
            asked,
            frontier,
            before,
            seal,
            less,
        } = self;
        let mut add = |message| findings.at(asked.index, Cause::SealMismatch, message);
        let claimed = asked.seal;
        if frontier.size() != claimed.batches {
            return false; // a bundle is broken, which is a finding of its own
        }
        if frontier.root().0 != claimed.root.0 {
            add(format!(
                "its root is {}, that of its entries {}",
                claimed.root,
                hex::encode(frontier.root().0)
            ));
            return false;
        }
        if let Some(superseded) = asked.before
            && before.is_none_or(|before| before.0 != superseded.root.0)
        {
            add(format!(
                "its first {} entries are not those of the seal that it supersedes",
                superseded.batches
            ));
            return false;
        }
        if let Some(less) = less {
            add(format!(
                "it says less than the seal that it supersedes: {less}"
            ));
        }
        let Some(seal) = seal else { return false };
        let computed = seal.finish(claimed.root, claimed.gaps.clone());
        if let Some(message) = difference(&claimed, &computed) {
            add(message);
        }
        true
    }
}

/// Where a seal says less than the one that it supersedes: batches are only added.
fn less(claimed: &WindowSealed, before: &WindowSealed) -> Option<String> {
    let boot = before.boots.iter().find(|boot| {
        let mut boots = claimed.boots.iter();
        boots
            .find(|claimed| claimed.boot == boot.boot)
            .is_none_or(|claimed| {
                claimed.batches < boot.batches
                    || claimed.first_seq > boot.first_seq
                    || claimed.last_seq < boot.last_seq
            })
    });
    if let Some(boot) = boot {
        return Some(format!("of boot {:?}", boot.boot));
    }
    if claimed.uncounted < before.uncounted || claimed.suspect < before.suspect {
        return Some("of batches without a seq, or of suspect readings".to_owned());
    }
    let fewer = |source, n: &u64| claimed.sources.get(source).is_none_or(|of| of < n);
    if before.sources.iter().any(|(source, n)| fewer(source, n)) {
        return Some("of batches that declare a source".to_owned());
    }
    let fewer = |name: &MetricName, n: u64| claimed.metrics.get(name).is_none_or(|of| of.n < n);
    let mut metrics = before.metrics.iter();
    let (name, _) = metrics.find(|(name, summary)| fewer(name, summary.n))?;
    Some(format!("of metric {name}"))
}

/// Where a seal says something else than its batches amount to.
fn difference(claimed: &WindowSealed, computed: &WindowSealed) -> Option<String> {
    let said = |what: &str, claimed: &dyn std::fmt::Debug, computed: &dyn std::fmt::Debug| {
        Some(format!(
            "it says {what} {claimed:?}, its batches {computed:?}"
        ))
    };
    if claimed.boots != computed.boots {
        return said("boots", &claimed.boots, &computed.boots);
    }
    if claimed.uncounted != computed.uncounted {
        return said("uncounted", &claimed.uncounted, &computed.uncounted);
    }
    if claimed.suspect != computed.suspect {
        return said("suspect", &claimed.suspect, &computed.suspect);
    }
    if claimed.sources != computed.sources {
        return said("sources", &claimed.sources, &computed.sources);
    }
    let names = claimed.metrics.keys().chain(computed.metrics.keys());
    let metric = names.into_iter().find(|name| {
        let of =
            |seal: &WindowSealed| -> Option<MetricSummary> { seal.metrics.get(*name).cloned() };
        of(claimed) != of(computed)
    })?;
    let what = format!("metric {metric}");
    said(
        &what,
        &claimed.metrics.get(metric),
        &computed.metrics.get(metric),
    )
}
