//! What has happened so far, for a progress line or a test.

use std::fmt;

use tokio::sync::watch;

/// Counts of one publisher, or the sum of several that share a [`ProgressSink`].
/// Of distinct batches, however often each was repeated:
/// `published = acknowledged + refused + those still unanswered or dropped`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Connections that are up now.
    pub connected: u64,
    /// Connections lost, and attempts to connect that failed.
    pub disconnects: u64,
    /// Batches handed to the network for the first time.
    pub published: u64,
    /// Batches sent once more after a lost connection, with the same bytes.
    pub repeated: u64,
    /// Batches for which the broker's PUBACK came.
    pub acknowledged: u64,
    /// Batches that the broker's PUBACK refused for good; not sent again.
    pub refused: u64,
    /// Batches given up because the buffer was full; never silent, also logged.
    pub dropped: u64,
    /// Good receipts.
    pub receipts: u64,
    /// Error receipts and receipts that could not be read.
    pub errors: u64,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            connected,
            published,
            acknowledged,
            receipts,
            errors,
            ..
        } = self;
        write!(
            f,
            "{connected} connected, {published} published, {acknowledged} acknowledged, {receipts} receipts, {errors} errors"
        )?;
        for (count, what) in [
            (self.repeated, "repeated"),
            (self.refused, "refused"),
            (self.dropped, "dropped"),
        ] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        Ok(())
    }
}

/// Where publishers count. Clones count into the same [`Progress`].
#[derive(Clone, Debug, Default)]
pub struct ProgressSink(watch::Sender<Progress>);

impl ProgressSink {
    /// Wakes at each change; changes are coalesced.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Progress> {
        self.0.subscribe()
    }

    /// The counts now.
    #[must_use]
    pub fn get(&self) -> Progress {
        *self.0.borrow()
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut Progress)) {
        self.0.send_modify(change);
    }
}
