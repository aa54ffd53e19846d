//! A commit in the making.

use chrono::{DateTime, Utc};
use sealrock_ledger::Checkpoint;

use super::admit::{Admission, Known};
use super::chain::{Chained, ChainedEntry, End};
use super::clock::Moment;
use super::head::{Cluster, Head};
use super::versions::Versions;
use crate::append::{Append, NewEvent, Receipt};
use crate::error::AppendError;
use crate::keys::KeyRing;
use crate::ledgers::LedgerInfo;

/// What a writer knows of its ledger: all that is needed to append without asking first. The next
/// commit holds the head row against it, so it need not be right, only what is built on it.
pub(super) struct Standing {
    /// Where the next entry goes, behind those of a commit that is still under way.
    pub(super) end: End,
    pub(super) versions: Versions,
    pub(super) keys: KeyRing,
    pub(super) place: Place,
}

/// Which Postgres the head row was written on, and is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) cluster: Cluster,
    pub(super) started: DateTime<Utc>,
}

/// Appends that were admitted and chained as they came.
pub(super) struct Batch {
    pub(super) admission: Admission,
    pub(super) chained: Chained,
    /// The head before: what the compare-and-swap compares with.
    pub(super) before: Head,
    /// When the appends that came last are chained.
    pub(super) at: Moment,
}

/// A batch that is complete and signed.
pub(super) struct Sealed {
    pub(super) batch: Batch,
    /// The head after.
    pub(super) head: Head,
    pub(super) checkpoint: Checkpoint,
    pub(super) place: Place,
}

impl Batch {
    pub(super) fn new(standing: &Standing, at: Moment) -> Self {
        Self {
            admission: Admission::default(),
            chained: Chained::default(),
            before: standing.end.head.clone(),
            at,
        }
    }

    /// Admits one more append, and chains it where it is admitted.
    pub(super) fn add(
        &mut self,
        ledger: &LedgerInfo,
        standing: &mut Standing,
        append: Append,
        known: Option<&Known>,
    ) -> Result<(), AppendError> {
        let nth = self.admission.appends.len();
        let versions = &mut standing.versions;
        let Some(numbers) = self.admission.decide(append, known, versions) else {
            return Ok(());
        };
        let append = &self.admission.appends[nth];
        let (end, now) = (&mut standing.end, self.at.wall);
        self.chained.add(ledger, end, (nth, append), &numbers, now)
    }

    /// The event that an entry is of.
    pub(super) fn event(&self, entry: &ChainedEntry) -> &NewEvent {
        &self.admission.appends[entry.append].events[entry.event]
    }

    /// Whether there is nothing to write.
    pub(super) fn is_answered(&self) -> bool {
        self.admission.admitted.is_empty()
    }
}

impl Standing {
    /// Signs the end of the ledger as it is now; makes room for what is learnt next.
    pub(super) async fn seal(&mut self) -> Result<(Head, Checkpoint), AppendError> {
        self.end.seal();
        self.versions.tidy();
        let head = self.end.head.clone();
        let checkpoint = self.keys.sign(head.size(), head.root).await?;
        Ok((head, checkpoint))
    }
}

impl Sealed {
    /// One for each admitted append.
    pub(super) fn receipts(&self, ledger: &LedgerInfo) -> Vec<Receipt> {
        let receipt = |(first, last): &(_, _)| Receipt {
            ledger: ledger.origin.clone(),
            first: *first,
            last: *last,
            checkpoint: self.checkpoint.note.clone(),
        };
        self.batch.chained.spans.iter().map(receipt).collect()
    }
}
