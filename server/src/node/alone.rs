//! Work that one of several nodes does at a time.

use std::time::Duration;

use sealrock_projections::Leases;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::writable::NotWritable;

/// How long a node that lacks a ledger's key does work before it offers the lease to others again.
const TURN: Duration = Duration::from_mins(1);
/// How long it offers it: whoever wants a lease asks for it once a second.
const OFFER: Duration = Duration::from_secs(5);

/// Starts work that is done by one node at a time.
pub(super) struct Alone {
    pub(super) leases: Leases,
    pub(super) not_writable: NotWritable,
    pub(super) stopping: CancellationToken,
}

impl Alone {
    /// `work` until its token is cancelled, whenever this node has the lease on it.
    pub(super) fn doing<F>(
        &self,
        name: &'static str,
        work: impl FnMut(CancellationToken) -> F + Send + 'static,
    ) -> (&'static str, JoinHandle<()>)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let lease = self.leases.want(name);
        let task = lease.while_held(self.stopping.clone(), work);
        (name, tokio::spawn(task))
    }

    /// As [`doing`](Self::doing), for work that appends to every ledger. While there is one that this
    /// node cannot write, it gives the lease back, lets others have it for some seconds, and takes it
    /// for a minute if nobody did: another node can do more, but without any this one does what it can.
    pub(super) fn writing<F>(
        &self,
        name: &'static str,
        work: impl FnMut(CancellationToken) -> F + Send + 'static,
    ) -> (&'static str, JoinHandle<()>)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (leases, stopping) = (self.leases.clone(), self.stopping.clone());
        let task = in_turns(leases, name, self.not_writable.clone(), stopping, work);
        (name, tokio::spawn(task))
    }
}

async fn in_turns<F>(
    leases: Leases,
    name: &'static str,
    mut not_writable: NotWritable,
    stopping: CancellationToken,
    mut work: impl FnMut(CancellationToken) -> F,
) where
    F: Future<Output = ()>,
{
    while !stopping.is_cancelled() {
        let turn = stopping.child_token();
        if !not_writable.borrow().is_empty() {
            turn.run_until_cancelled(sleep(OFFER)).await;
        }
        let over = turn.clone();
        let mut working = std::pin::pin!(leases.want(name).while_held(turn, &mut work));
        tokio::select! {
            () = &mut working => return,
            () = ends(&mut not_writable) => {
                over.cancel();
                working.await;
            }
        }
    }
}

/// Returns when others should have the lease.
async fn ends(not_writable: &mut NotWritable) {
    if !not_writable.borrow().is_empty() {
        sleep(TURN).await;
    }
    if not_writable
        .wait_for(|ledgers| !ledgers.is_empty())
        .await
        .is_err()
    {
        // Nobody looks any more, because the node is stopping.
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use sqlx::PgPool;
    use tokio::sync::watch;

    use super::*;

    /// A node that seals when it has the lease.
    struct Node {
        cannot_write: watch::Sender<Vec<String>>,
        seals: Arc<AtomicBool>,
        stopping: CancellationToken,
    }

    impl Node {
        fn start(pool: &PgPool, cannot_write: &[&str]) -> Self {
            let leases = Leases::new(pool.clone());
            let cannot_write = cannot_write.iter().map(ToString::to_string).collect();
            let node = Self {
                cannot_write: watch::Sender::new(cannot_write),
                seals: Arc::default(),
                stopping: CancellationToken::new(),
            };
            let alone = Alone {
                leases: leases.clone(),
                not_writable: node.cannot_write.subscribe(),
                stopping: node.stopping.clone(),
            };
            let seals = Arc::clone(&node.seals);
            alone.writing("sealing", move |turn| {
                let seals = Arc::clone(&seals);
                async move {
                    seals.store(true, Ordering::SeqCst);
                    turn.cancelled().await;
                    seals.store(false, Ordering::SeqCst);
                }
            });
            tokio::spawn(leases.keep(node.stopping.clone()));
            node
        }

        fn seals(&self) -> bool {
            self.seals.load(Ordering::SeqCst)
        }
    }

    async fn until(happens: impl Fn() -> bool) {
        let waited = tokio::time::timeout(Duration::from_secs(30), async {
            while !happens() {
                sleep(Duration::from_millis(10)).await;
            }
        });
        waited.await.unwrap();
    }

    #[tokio::test]
    async fn a_node_that_finds_that_it_lacks_a_key_leaves_the_work_to_one_that_does_not() {
        let pool = sealrock_testkit::database().await.pool;
        let lacking = Node::start(&pool, &[]);
        until(|| lacking.seals()).await;
        let able = Node::start(&pool, &[]);
        lacking
            .cannot_write
            .send_replace(vec!["northsea".to_owned()]);
        until(|| able.seals()).await;
        assert!(!lacking.seals());
        able.stopping.cancel();
        until(|| lacking.seals()).await;
        lacking.stopping.cancel();
    }

    #[tokio::test]
    async fn a_node_that_lacks_a_key_and_is_alone_does_what_it_can() {
        let pool = sealrock_testkit::database().await.pool;
        let alone = Node::start(&pool, &["northsea"]);
        until(|| alone.seals()).await;
        alone.stopping.cancel();
    }
}
