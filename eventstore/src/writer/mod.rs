//! The group-commit writer: one task per ledger and process.
//!
//! It takes whatever waits, and in one transaction locks the head row, deduplicates, checks
//! versions, chains, signs, inserts and moves the head. It never waits for more to come: while one
//! COMMIT runs, the next batch gathers.

mod admit;
mod chain;
mod edge;
#[cfg(test)]
mod fault_table;
mod head;
mod persist;

use std::sync::Arc;

use chrono::Utc;
use sealrock_ledger::{LogKey, micros};
use sqlx::PgPool;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::append::{Append, Appended, Receipt};
use crate::error::AppendError;
use crate::ledgers::LedgerInfo;
use crate::sizes::Sizes;
pub(crate) use admit::find_commands;
use admit::{Admission, Verdict};
use chain::Chained;
use edge::Edge;
use head::Head;
use persist::{Committed, Days};

/// Most appends in one commit.
const MAX_APPENDS: usize = 1000;
/// Bytes of payload after which a commit takes no further append.
const MAX_BYTES: usize = 16 << 20;
/// Appends that may wait; more wait in their callers.
const QUEUE: usize = 4096;

type Answer = Result<Appended, AppendError>;

struct Request {
    append: Append,
    reply: oneshot::Sender<Answer>,
}

/// The way to a writer. When the last one and the store's own are dropped, the writer ends.
#[derive(Clone)]
pub(crate) struct WriterHandle {
    queue: mpsc::Sender<Request>,
    task: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl WriterHandle {
    pub(crate) async fn append(&self, append: Append) -> Answer {
        let (reply, answer) = oneshot::channel();
        let gone = || AppendError::OutcomeUnknown("the writer ended".into());
        self.queue
            .send(Request { append, reply })
            .await
            .map_err(|_| AppendError::Unavailable("this node is shutting down".into()))?;
        answer.await.map_err(|_| gone())?
    }

    /// Returns when everything that was queued is answered.
    pub(crate) async fn close(self) {
        let Self { queue, task } = self;
        drop(queue);
        if let Some(task) = task.lock().await.take() {
            // A writer that panicked has answered nobody; there is nothing left to wait for.
            let _ = task.await;
        }
    }
}

pub(crate) struct Writer {
    pool: PgPool,
    ledger: LedgerInfo,
    key: LogKey,
    sizes: Arc<Sizes>,
    days: Days,
    /// Right edge of the tiles, valid only while its size and root equal the head row's.
    edge: Option<Edge>,
    #[cfg(test)]
    fault: Option<fault_table::Fault>,
}

impl Writer {
    pub(crate) fn start(
        pool: PgPool,
        ledger: LedgerInfo,
        key: LogKey,
        sizes: Arc<Sizes>,
    ) -> WriterHandle {
        let (queue, requests) = mpsc::channel(QUEUE);
        let writer = Self::new(pool, ledger, key, sizes);
        let task = tokio::spawn(writer.run(requests));
        WriterHandle {
            queue,
            task: Arc::new(Mutex::new(Some(task))),
        }
    }

    fn new(pool: PgPool, ledger: LedgerInfo, key: LogKey, sizes: Arc<Sizes>) -> Self {
        Self {
            pool,
            ledger,
            key,
            sizes,
            days: Days::default(),
            edge: None,
            #[cfg(test)]
            fault: None,
        }
    }

    async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        while let Some((appends, replies)) = drain(&mut requests).await {
            let answers = self.commit(appends).await;
            acknowledge(replies, answers);
        }
    }

    /// One transaction. The answers stand in the order of the appends; an error answers them all.
    async fn commit(&mut self, appends: Vec<Append>) -> Result<Vec<Answer>, AppendError> {
        let received = appends.len();
        let now = micros(Utc::now());
        self.days.ensure(&self.pool, now.date_naive()).await?;
        let mut tx = self.pool.begin().await?;
        let head = head::lock(&mut tx, self.ledger.id).await?;
        let edge = self.edge_at(&mut tx, &head).await?;
        self.fault(persist::Step::Locked)?;
        let admission = admit::admit(&mut tx, &self.ledger, appends).await?;
        if admission.admitted.is_empty() {
            self.edge = Some(edge);
            return Ok(answers(&admission.verdicts, &[]));
        }
        let chained = chain::chain(&self.ledger, head, edge, &admission, now)?;
        let checkpoint = self
            .key
            .sign(chained.head.size(), chained.head.root)
            .map_err(|e| AppendError::Fatal(e.to_string()))?;
        persist::insert(&mut tx, self.ledger.id, &admission, &chained, &checkpoint).await?;
        self.fault(persist::Step::Inserted)?;
        let committed = tx.commit().await.map_err(AppendError::from);
        let committed = committed.and_then(|()| self.fault(persist::Step::Committed));
        if let Err(error) = committed {
            match persist::outcome(&self.pool, self.ledger.id, &checkpoint).await {
                Committed::Yes => {}
                Committed::No => return Err(AppendError::Unavailable(error.to_string())),
                Committed::Unknown => return Err(AppendError::OutcomeUnknown(error.to_string())),
            }
        }
        tracing::trace!(ledger = %self.ledger.name, received, size = chained.head.size(), "committed");
        Ok(self.committed(&admission, chained, &checkpoint.note))
    }

    fn committed(&mut self, admission: &Admission, chained: Chained, note: &str) -> Vec<Answer> {
        metrics::counter!("sealrock_ledger_entries_total", "ledger" => self.ledger.name.to_string())
            .increment(chained.entries.len() as u64);
        metrics::counter!("sealrock_ledger_commits_total", "ledger" => self.ledger.name.to_string())
            .increment(1);
        self.sizes.publish(self.ledger.id, chained.head.size());
        let receipts: Vec<Receipt> = chained
            .spans
            .iter()
            .map(|(first, last)| Receipt {
                ledger: self.ledger.origin.clone(),
                first: *first,
                last: *last,
                checkpoint: note.to_owned(),
            })
            .collect();
        self.edge = Some(chained.edge);
        answers(&admission.verdicts, &receipts)
    }

    async fn edge_at(
        &mut self,
        tx: &mut sqlx::PgTransaction<'_>,
        head: &Head,
    ) -> Result<Edge, AppendError> {
        match self.edge.take() {
            Some(edge) if edge.is_of(head) => Ok(edge),
            _ => Edge::load(tx, self.ledger.id, head).await,
        }
    }

    #[cfg(not(test))]
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "the tests' twin uses both"
    )]
    fn fault(&self, _step: persist::Step) -> Result<(), AppendError> {
        Ok(())
    }
}

/// Waits for one append, then takes all that wait, within the bounds of a commit.
async fn drain(
    requests: &mut mpsc::Receiver<Request>,
) -> Option<(Vec<Append>, Vec<oneshot::Sender<Answer>>)> {
    let mut next = Some(requests.recv().await?);
    let (mut appends, mut replies, mut bytes) = (Vec::new(), Vec::new(), 0);
    while let Some(Request { append, reply }) = next {
        bytes += append.weight();
        appends.push(append);
        replies.push(reply);
        let full = appends.len() >= MAX_APPENDS || bytes >= MAX_BYTES;
        next = if full { None } else { requests.try_recv().ok() };
    }
    Some((appends, replies))
}

fn answers(verdicts: &[Verdict], receipts: &[Receipt]) -> Vec<Answer> {
    let appended = |ordinal: usize, duplicate| {
        Ok(Appended {
            receipt: receipts[ordinal].clone(),
            duplicate,
        })
    };
    verdicts
        .iter()
        .map(|verdict| match verdict {
            Verdict::New(ordinal) => appended(*ordinal, false),
            Verdict::SameAs(ordinal) => appended(*ordinal, true),
            Verdict::ReusedIdOf(ordinal) => Err(AppendError::CommandIdReused {
                first: Box::new(receipts[*ordinal].clone()),
            }),
            Verdict::Answered(answer) => answer.clone(),
        })
        .collect()
}

/// A caller that went away needs no answer; what it sent is recorded all the same.
fn acknowledge(replies: Vec<oneshot::Sender<Answer>>, answers: Result<Vec<Answer>, AppendError>) {
    match answers {
        Ok(answers) => {
            for (reply, answer) in replies.into_iter().zip(answers) {
                let _ = reply.send(answer);
            }
        }
        Err(error) => {
            tracing::warn!(%error, appends = replies.len(), "a commit failed");
            for reply in replies {
                let _ = reply.send(Err(error.clone()));
            }
        }
    }
}
