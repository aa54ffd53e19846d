//! What others may look at while a ledger is verified.

use super::finding::Findings;
use super::source::SourceError;
use crate::{Entry, Hash, PayloadRef};

/// Makes facts of payloads. It works on all cores at once and knows nothing of what came before.
pub trait Reader: Sync {
    /// What it makes of one.
    type Fact: Send;

    /// Reads the payload of an entry. The payload is the one that the entry commits to; whether the
    /// entry is the one that was signed is not known yet, and if it is not, nobody gets the fact.
    fn read(&self, entry: &Entry, payload: &PayloadRef<'_>) -> Self::Fact;
}

/// Judges the ledger entry by entry, in order.
pub trait Judge<Fact> {
    /// Before the first entry: the index of the first that is there, and the number of entries of
    /// the ledger.
    fn begin(&mut self, first: u64, size: u64);

    /// An entry that was signed, after whatever the verifier itself found of it.
    ///
    /// # Errors
    /// If a file cannot be read; that ends the verification.
    fn entry(&mut self, seen: Seen<'_, Fact>, findings: &mut Findings) -> Result<(), SourceError>;

    /// An entry that is not there or not the signed one; a finding says so already. It may have
    /// said anything.
    fn unread(&mut self, index: u64);

    /// After the last entry.
    ///
    /// # Errors
    /// As for [`Judge::entry`].
    fn end(&mut self, findings: &mut Findings) -> Result<(), SourceError>;
}

/// One entry that was signed.
#[derive(Debug)]
pub struct Seen<'a, Fact> {
    /// Its place, whatever it says itself.
    pub index: u64,
    /// Its leaf hash.
    pub leaf: Hash,
    /// What it says.
    pub entry: &'a Entry,
    /// Whether its payload is there.
    pub payload: PayloadState,
    /// What the [`Reader`] made of the payload, if it is shown.
    pub fact: Option<Fact>,
}

/// Whether a payload is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadState {
    /// It is, and it is the one that the entry commits to.
    Shown,
    /// It is marked as erased. Whether it may be is judged at the end.
    Erased,
    /// It is not shown.
    Withheld,
    /// It is not there, or another; a finding says so, or will.
    Missing,
}

/// Looks at nothing.
pub(super) struct Nobody;

impl Reader for Nobody {
    type Fact = ();

    fn read(&self, _: &Entry, _: &PayloadRef<'_>) {}
}

impl Judge<()> for Nobody {
    fn begin(&mut self, _: u64, _: u64) {}

    fn entry(&mut self, _: Seen<'_, ()>, _: &mut Findings) -> Result<(), SourceError> {
        Ok(())
    }

    fn unread(&mut self, _: u64) {}

    fn end(&mut self, _: &mut Findings) -> Result<(), SourceError> {
        Ok(())
    }
}
