//! A device's connection: publish, keep, repeat, until each batch is answered.

mod backoff;
mod link;
mod outbox;
mod progress;
mod stopping;

use std::ops::ControlFlow;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use self::backoff::Backoff;
use self::link::{Link, Signal, Verdict};
use self::outbox::Outbox;
pub use self::progress::{Progress, ProgressSink};
pub use self::stopping::{Stop, StopHandle, stop};
use crate::batch::Batch;
use crate::credential::Credential;

/// What happens to new batches while the buffer is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// The oldest goes, counted and logged: a live device's memory is finite.
    #[default]
    DropOldest,
    /// The sender waits: a recording loses nothing by waiting.
    Wait,
}

/// How a device publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Batches kept until they are answered.
    pub buffer: usize,
    /// Batches in flight at once, 1..=1000.
    pub window: usize,
    /// What gives way when the buffer is full.
    pub overflow: Overflow,
    /// How long a stop waits for the last answers.
    pub drain: Duration,
    /// First and longest wait between attempts to connect.
    pub retry: (Duration, Duration),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            buffer: 10_000,
            window: 100,
            overflow: Overflow::DropOldest,
            drain: Duration::from_secs(5),
            retry: (Duration::from_millis(200), Duration::from_secs(10)),
        }
    }
}

/// One device's publisher. A batch that was taken is published at least once per
/// connection, in order and with the same bytes, until the broker's PUBACK
/// answers it; it is lost only with the process or, counted, by
/// [`Overflow::DropOldest`].
#[derive(Debug)]
pub struct Publisher {
    credential: Credential,
    options: Options,
    progress: ProgressSink,
    stop: Stop,
    outbox: Outbox,
    backoff: Backoff,
    /// No more batches will come: their sender is gone.
    ended: bool,
}

/// Why a connection is over.
enum End {
    /// Nothing is left to do.
    Finished,
    /// Connect again.
    Lost(String),
}

impl Publisher {
    /// A publisher that is not yet connected.
    #[must_use]
    pub fn new(
        credential: Credential,
        options: Options,
        progress: ProgressSink,
        stop: Stop,
    ) -> Self {
        Self {
            credential,
            options,
            progress,
            stop,
            outbox: Outbox::new(options.buffer),
            backoff: Backoff::new(options.retry.0, options.retry.1),
            ended: false,
        }
    }

    /// Publishes until every batch of an ended channel is answered, or until
    /// stopped. Answers how many batches were left unanswered (0 unless stopped).
    pub async fn run(mut self, mut batches: mpsc::Receiver<Batch>) -> usize {
        while let End::Lost(reason) = self.connection(&mut batches).await {
            self.progress.count(|p| p.disconnects += 1);
            self.outbox.rewind();
            let wait = self.backoff.wait();
            let (device, kept) = (&self.credential.name, self.outbox.len());
            tracing::info!(%device, kept, ?wait, "connection lost, will retry: {reason}");
            if self
                .pause(&mut batches, Instant::now() + wait)
                .await
                .is_break()
            {
                break;
            }
        }
        self.outbox.len()
    }

    async fn connection(&mut self, batches: &mut mpsc::Receiver<Batch>) -> End {
        let progress = self.progress.clone();
        let mut link = match Link::open(&self.credential, self.options.window, progress) {
            Ok(link) => link,
            Err(reason) => return End::Lost(reason),
        };
        let end = self.serve(&mut link, batches).await;
        if matches!(end, End::Finished) {
            link.close().await;
        }
        end
    }

    async fn serve(&mut self, link: &mut Link, batches: &mut mpsc::Receiver<Batch>) -> End {
        let mut deadline: Option<Instant> = None;
        loop {
            let settled = self.outbox.is_empty() && (self.ended || deadline.is_some());
            if settled || (deadline.is_some() && !link.is_ready()) {
                return End::Finished;
            }
            if let Err(lost) = link.fill_window(&mut self.outbox) {
                return End::Lost(lost);
            }
            let accepting = deadline.is_none() && self.accepting();
            tokio::select! {
                signal = link.signal() => {
                    if let ControlFlow::Break(end) = self.hear(link, signal) { return end }
                }
                batch = batches.recv(), if accepting => self.accept(batch),
                () = self.stop.stopped(), if deadline.is_none() => {
                    deadline = Some(Instant::now() + self.options.drain);
                }
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                    return End::Finished;
                }
            }
        }
    }

    /// Waits for the next attempt, still taking batches. Breaks when stopped.
    async fn pause(
        &mut self,
        batches: &mut mpsc::Receiver<Batch>,
        until: Instant,
    ) -> ControlFlow<()> {
        loop {
            let accepting = self.accepting();
            tokio::select! {
                () = self.stop.stopped() => return ControlFlow::Break(()),
                () = sleep_until(until) => return ControlFlow::Continue(()),
                batch = batches.recv(), if accepting => self.accept(batch),
            }
        }
    }

    fn accepting(&self) -> bool {
        let room = self.options.overflow == Overflow::DropOldest || !self.outbox.is_full();
        room && !self.ended
    }

    fn accept(&mut self, batch: Option<Batch>) {
        let Some(batch) = batch else {
            self.ended = true;
            return;
        };
        if self.outbox.push(self.credential.payload(batch.bytes)) {
            self.progress.count(|p| p.dropped += 1);
            let (device, buffer) = (&self.credential.name, self.options.buffer);
            tracing::warn!(%device, buffer, "buffer full: the oldest unanswered batch was dropped");
        }
    }

    fn hear(&mut self, link: &mut Link, signal: Signal) -> ControlFlow<End> {
        match link.judge(signal) {
            Verdict::Nothing => {}
            Verdict::Acknowledged(ticket) => {
                self.backoff.reset();
                if self.outbox.answered(ticket) {
                    self.progress.count(|p| p.acknowledged += 1);
                }
            }
            Verdict::Refused(ticket, reason) => self.refuse(ticket, &reason),
            Verdict::Unsendable(ticket, reason) => {
                self.refuse(ticket, &reason);
                return ControlFlow::Break(End::Lost(reason));
            }
            Verdict::Lost(reason) => return ControlFlow::Break(End::Lost(reason)),
        }
        ControlFlow::Continue(())
    }

    fn refuse(&mut self, ticket: outbox::Ticket, reason: &str) {
        if self.outbox.answered(ticket) {
            self.progress.count(|p| p.refused += 1);
            tracing::warn!(device = %self.credential.name, "the broker refused a batch: {reason}");
        }
    }
}
