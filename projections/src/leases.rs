//! Which of several processes does what one of them is enough for.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::{Connection, Executor, PgConnection, PgPool};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

/// How often a process asks for what it does not hold, and makes sure of what it holds.
const ROUND: Duration = Duration::from_secs(1);
/// How long Postgres may take to answer before all leases count as lost.
const PATIENCE: Duration = Duration::from_secs(3);

/// The leases of a process: locks of one session of Postgres, which lets go of them when the process
/// ends, however it ends. Cheap to clone.
///
/// A lease saves work, and nothing else rests on it. Two processes may believe for a moment that
/// they hold one: a process whose connection breaks learns of it after at most four seconds, when
/// another one may have it already. So whatever is leased must stay right if two do it at once.
#[derive(Clone)]
pub struct Leases {
    shared: Arc<Shared>,
}

struct Shared {
    pool: PgPool,
    wanted: Mutex<BTreeMap<String, watch::Sender<bool>>>,
    more: Notify,
}

/// One lease, as one of its users sees it.
#[derive(Debug, Clone)]
pub struct Lease(Option<watch::Receiver<bool>>);

impl Leases {
    /// Of the database of `pool`. Nothing is held before [`keep`](Self::keep) runs.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        let shared = Shared {
            pool,
            wanted: Mutex::default(),
            more: Notify::new(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The lease on `work`, a name that means the same in every process on this database. From now
    /// on this process takes it whenever it is free, until the last [`Lease`] on it is dropped: then
    /// it gives it back within a second, and another process may take it.
    #[must_use]
    pub fn want(&self, work: &str) -> Lease {
        let mut wanted = self.wanted();
        let sender = wanted
            .entry(work.to_owned())
            .or_insert_with(|| watch::Sender::new(false));
        let lease = Lease(Some(sender.subscribe()));
        drop(wanted);
        self.shared.more.notify_one();
        lease
    }

    /// What this process holds.
    #[must_use]
    pub fn held(&self) -> Vec<String> {
        let wanted = self.wanted();
        let held = wanted.iter().filter(|(_, sender)| *sender.borrow());
        held.map(|(work, _)| work.clone()).collect()
    }

    /// Whether this process holds all that it wants.
    pub(crate) fn holds_all(&self) -> bool {
        self.wanted().values().all(|sender| *sender.borrow())
    }

    /// Takes what is free until `token` is cancelled, on a connection of its own beside the pool's.
    /// Then lets go of everything at once: call it when the work has ended.
    pub async fn keep(self, token: CancellationToken) {
        while !token.is_cancelled() {
            if let Err(error) = self.hold(&token).await {
                tracing::warn!(%error, "this node's leases are lost, and taken again when Postgres answers");
            }
            self.lose_all();
            tokio::select! {
                () = token.cancelled() => {}
                () = tokio::time::sleep(ROUND) => {}
            }
        }
    }

    /// Returns when the token is cancelled, or with the error that ended the session.
    async fn hold(&self, token: &CancellationToken) -> sqlx::Result<()> {
        let mut session = in_time(self.session()).await?;
        while !token.is_cancelled() {
            in_time(self.give_back(&mut session)).await?;
            in_time(self.take_free(&mut session)).await?;
            tokio::select! {
                () = token.cancelled() => {}
                () = self.shared.more.notified() => {}
                () = tokio::time::sleep(ROUND) => {}
            }
        }
        // Nobody believes in a lease that another process may have by now.
        self.lose_all();
        in_time(session.close()).await
    }

    async fn session(&self) -> sqlx::Result<PgConnection> {
        let mut session = self.shared.pool.acquire().await?.detach();
        session.execute(include_str!("leases.sql")).await?;
        Ok(session)
    }

    /// Lets go of what nobody here wants any more: its work has ended, or panicked.
    async fn give_back(&self, session: &mut PgConnection) -> sqlx::Result<()> {
        let unused = self.unused();
        if unused.is_empty() {
            return Ok(());
        }
        sqlx::query(
            "SELECT pg_advisory_unlock(hashtextextended('lease ' || work, 0))
               FROM unnest($1::text[]) AS work",
        )
        .bind(unused)
        .execute(session)
        .await
        .map(drop)
    }

    /// What is held and has no user; it is forgotten. Whoever wants it again meanwhile asks anew.
    fn unused(&self) -> Vec<String> {
        let is_unused = |_: &String, sender: &mut watch::Sender<bool>| sender.receiver_count() == 0;
        let unused: Vec<_> = self.wanted().extract_if(.., is_unused).collect();
        let held = unused.into_iter().filter(|(_, sender)| *sender.borrow());
        let held: Vec<String> = held.map(|(work, _)| work).collect();
        for work in &held {
            record(work, false);
        }
        held
    }

    /// Also asked when nothing is wanted any more: the answer shows that the session lives, and with
    /// it everything that was taken.
    async fn take_free(&self, session: &mut PgConnection) -> sqlx::Result<()> {
        let open: Vec<String> = {
            let wanted = self.wanted();
            let open = wanted.iter().filter(|(_, sender)| !*sender.borrow());
            open.map(|(work, _)| work.clone()).collect()
        };
        let taken: Vec<String> = sqlx::query_scalar(
            "SELECT work FROM unnest($1::text[]) AS work
              WHERE pg_try_advisory_lock(hashtextextended('lease ' || work, 0))",
        )
        .bind(open)
        .fetch_all(session)
        .await?;
        for work in taken {
            self.tell(&work, true);
        }
        Ok(())
    }

    fn lose_all(&self) {
        for work in self.held() {
            self.tell(&work, false);
        }
    }

    fn tell(&self, work: &str, held: bool) {
        if let Some(sender) = self.wanted().get(work) {
            sender.send_replace(held);
        }
        record(work, held);
    }

    fn wanted(&self) -> MutexGuard<'_, BTreeMap<String, watch::Sender<bool>>> {
        self.shared
            .wanted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Leases {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.held()).finish()
    }
}

impl Lease {
    /// Held for ever: for a process that does its work whoever else may do it.
    #[must_use]
    pub fn unshared() -> Self {
        Self(None)
    }

    /// Whether this process holds it.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.0.as_ref().is_none_or(|held| *held.borrow())
    }

    /// Returns when this process holds it.
    pub async fn taken(&mut self) {
        self.becomes(true).await;
    }

    /// Returns when this process does not hold it.
    pub async fn lost(&mut self) {
        self.becomes(false).await;
    }

    /// Does the work whenever the lease is held, with a token that is cancelled when the lease is
    /// lost or `stopping` is. Returns when the work ends for another reason than the lease, and gives
    /// the lease back then, or when the work panics.
    pub async fn while_held<F>(
        mut self,
        stopping: CancellationToken,
        mut work: impl FnMut(CancellationToken) -> F,
    ) where
        F: Future<Output = ()>,
    {
        while stopping.run_until_cancelled(self.taken()).await.is_some() {
            let turn = stopping.child_token();
            let mut working = pin!(work(turn.clone()));
            tokio::select! {
                () = &mut working => return,
                () = self.lost() => {
                    turn.cancel();
                    working.await;
                }
            }
        }
    }

    async fn becomes(&mut self, wanted: bool) {
        let gone = match &mut self.0 {
            Some(held) => held.wait_for(|held| *held == wanted).await.is_err(),
            None => !wanted,
        };
        if gone {
            // Whoever took leases for us is no more: nothing changes.
            std::future::pending::<()>().await;
        }
    }
}

/// For the log and `/metrics`.
fn record(work: &str, held: bool) {
    tracing::info!(work, held, "a lease");
    metrics::gauge!("sealrock_lease_held", "work" => work.to_owned())
        .set(f64::from(u8::from(held)));
}

async fn in_time<T>(asked: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
    let answered = tokio::time::timeout(PATIENCE, asked).await;
    answered.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}
