//! Seals against their batches, which are read once more: a seal may hold batches from anywhere
//! before it, and keeping them would take memory that grows with the ledger.

use std::collections::BTreeMap;

use sealrock_domain::telemetry::window::{MetricSummary, Seal, WindowSealed};
use sealrock_domain::telemetry::{SensorBatch, decode_recorded};
use sealrock_ledger::verify::{AHEAD, Cause, Findings, Source, SourceError, in_order};
use sealrock_ledger::{
    Entry, Frontier, Hash, Slot, TILE_WIDTH, TilePath, decode_entries, decode_payloads, leaf_hash,
};

use super::windows::ToRecheck;

/// Entries of seals that wait: then they are read, many seals of the same hours at once.
const MOST: u64 = 1 << 20;

/// Seals that wait to be checked.
pub(super) struct Recheck<'s> {
    source: &'s dyn Source,
    /// Number of entries of the ledger.
    size: u64,
    waiting: Vec<ToRecheck>,
    entries: u64,
}

/// One seal being checked.
struct Checking {
    asked: ToRecheck,
    frontier: Frontier,
    /// The root over as many batches as the seal before held.
    before: Option<Hash>,
    seal: Option<Seal>,
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
        }
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
        let wanted = wanted(&checking);
        let shown: Vec<bool> = checking.iter().map(|one| one.asked.shown).collect();
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
            one.judge(findings);
        }
        Ok(())
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
        let entries = decode_entries(&bundle, count).unwrap_or_default();
        let payloads = if wanted.iter().any(|(_, seal)| shown[*seal]) {
            let bundle = get(TilePath::Payloads { n, width })?.unwrap_or_default();
            decode_payloads(&bundle, count).unwrap_or_default()
        } else {
            Vec::new()
        };
        let again = |(index, seal): (u64, usize)| {
            let at = usize::try_from(index - n * TILE_WIDTH).ok()?;
            let again = again(entries.get(at)?, payloads.get(at));
            Some((seal, index, again))
        };
        Ok(wanted.into_iter().filter_map(again).collect())
    }
}

fn again(entry: &[u8], payload: Option<&Slot>) -> Again {
    let batch = payload.and_then(Slot::shown).and_then(|payload| {
        let entry = Entry::read(entry).ok()?;
        let is_its = entry.payload == payload.commitment();
        let batch = decode_recorded(&payload.media, &payload.bytes).ok();
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
            seal: asked.shown.then(|| Seal::new(seal.device, seal.hour)),
            frontier: Frontier::default(),
            before: None,
            asked,
        }
    }

    /// One of its entries, which come in ascending order.
    fn add(&mut self, index: u64, again: Again) {
        self.frontier.push(again.leaf);
        let kept = self.asked.before.map(|(batches, _)| batches);
        if kept == Some(self.frontier.size()) {
            self.before = Some(self.frontier.root());
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

    fn judge(self, findings: &mut Findings) {
        let Self {
            asked,
            frontier,
            before,
            seal,
        } = self;
        let mut add = |message| findings.at(asked.index, Cause::SealMismatch, message);
        let claimed = asked.seal;
        if frontier.size() != claimed.batches {
            return; // a bundle is broken, which is a finding of its own
        }
        if frontier.root().0 != claimed.root.0 {
            add(format!(
                "its root is {}, that of its entries {}",
                claimed.root,
                hex::encode(frontier.root().0)
            ));
            return;
        }
        if let Some((batches, root)) = asked.before
            && before.is_none_or(|before| before.0 != root.0)
        {
            add(format!(
                "its first {batches} entries are not those of the seal that it supersedes"
            ));
            return;
        }
        let Some(seal) = seal else { return };
        let computed = seal.finish(claimed.root, claimed.gaps.clone());
        if let Some(message) = difference(&claimed, &computed) {
            add(message);
        }
    }
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
