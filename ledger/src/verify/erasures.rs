//! Payloads that are gone, and the entries that say why.

use super::cause::Cause;
use super::finding::Findings;
use super::observe::PayloadState;
use super::own::may_record;
use super::read::TELEMETRY;
use super::runs::Runs;
use crate::Entry;
use crate::record::IndexRange;

/// What is gone and what may be. Memory is in runs of indexes.
#[derive(Default)]
pub(super) struct Erasures {
    /// Marked as erased.
    erased: Runs,
    /// In a bundle that is missing.
    absent: Runs,
    /// Erased by an entry.
    covered: Runs,
    /// Payloads that are kept for ever: all but telemetry.
    kept: Runs,
    /// Records whose own payload is not there: what they erase is not known.
    unknown: bool,
}

impl Erasures {
    /// An entry and its payload, in order.
    pub(super) fn saw(&mut self, index: u64, entry: Option<&Entry>, payload: PayloadState) {
        if entry.is_some_and(|entry| !entry.stream.starts_with(TELEMETRY)) {
            self.kept.insert(index, index);
        }
        if payload == PayloadState::Erased {
            self.erased.insert(index, index);
        }
    }

    /// A bundle of payloads that is not there.
    pub(super) fn bundle_missing(&mut self, first: u64, last: u64) {
        self.absent.insert(first, last);
    }

    /// An entry of the ledger's own stream without its payload.
    pub(super) fn own_unread(&mut self) {
        self.unknown = true;
    }

    /// The entry at `index` erases these payloads.
    pub(super) fn record(
        &mut self,
        index: u64,
        entry: &Entry,
        payloads: &[IndexRange],
        findings: &mut Findings,
    ) {
        let mut refuse = |message| findings.at(index, Cause::ErasureNotPermitted, message);
        if !may_record(&entry.actor) {
            let actor = &entry.actor;
            refuse(format!(
                "{actor} may not erase: only a person or a part of the platform may"
            ));
            return;
        }
        if let Err(message) = well_formed(index, payloads) {
            refuse(message);
            return;
        }
        for range in payloads {
            let (first, last) = (range.first.0, range.last.0);
            if let Some(kept) = self.kept.first_within(first, last) {
                let message = "it names payloads that are kept for ever, not telemetry, first";
                refuse(format!("{message} that of entry {kept}"));
            }
            self.covered.insert(first, last);
        }
    }

    /// Names what is gone and should not be. `cut`: what is there ends before the ledger does, so
    /// the entry that erases a payload may come later.
    pub(super) fn end(mut self, cut: bool, findings: &mut Findings) {
        for (first, last) in self.kept.iter() {
            self.covered.remove(first, last);
        }
        if cut {
            self.not_checked(findings);
        }
        let hidden = if self.unknown {
            " (some of the ledger's own records are not there)"
        } else {
            ""
        };
        for (gone, how) in [
            (&self.absent, "is missing"),
            (&self.erased, "is marked as erased"),
        ] {
            for (first, last) in gone.iter() {
                for place in self.covered.missing_within(first, last) {
                    let message =
                        format!("it {how}, but no entry that may do so erases it{hidden}");
                    findings.add(Cause::PayloadMissing, Some(place), message);
                }
            }
        }
    }
}

impl Erasures {
    /// Payloads that may be erased by an entry that is not shown are counted.
    fn not_checked(&mut self, findings: &mut Findings) {
        let uncovered = |(first, last)| self.covered.missing_within(first, last);
        let open: Runs = self.erased.iter().flat_map(uncovered).collect();
        let open: Runs = open
            .iter()
            .flat_map(|(first, last)| self.kept.missing_within(first, last))
            .collect();
        let Some((first, _)) = open.bounds() else {
            return;
        };
        let message = format!(
            "{} payloads are marked as erased by entries that are not shown, which come later: \
             whether they are is not known",
            open.count()
        );
        findings.note("erasures-not-checked", Some(first), message);
        self.covered.extend(&open);
    }
}

/// Ranges ascend, do not overlap, and end before the entry that names them.
fn well_formed(index: u64, payloads: &[IndexRange]) -> Result<(), String> {
    let mut next = 0;
    for range in payloads {
        if range.first.0 < next || range.last < range.first {
            return Err(format!("its ranges are not in ascending order: {range}"));
        }
        if range.last.0 >= index {
            return Err(format!("it names payloads that come after it: {range}"));
        }
        next = range.last.0 + 1;
    }
    Ok(())
}
