//! What a lease promises to those who share the work, whatever becomes of its holder.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sealrock_ledger::Index;
use sealrock_projections::{
    FoldError, Lease, Leases, LedgerInfo, Projection, Runner, Shown, State,
};
use sqlx::{PgPool, PgTransaction};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::plant::Plant;

const SOON: Duration = Duration::from_secs(30);

/// The leases of one process.
struct Node {
    leases: Leases,
    token: CancellationToken,
    keeping: JoinHandle<()>,
}

impl Node {
    fn start(pool: &PgPool) -> Self {
        let (leases, token) = (Leases::new(pool.clone()), CancellationToken::new());
        let keeping = tokio::spawn(leases.clone().keep(token.clone()));
        Self {
            leases,
            token,
            keeping,
        }
    }

    /// As a process that ends in order.
    async fn stop(self) {
        self.token.cancel();
        self.keeping.await.unwrap();
    }
}

async fn soon<T>(happens: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, happens).await.unwrap()
}

/// As Postgres sees the death of every process that holds a lease now.
async fn end_sessions(admin: &PgPool) {
    let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE application_name = 'sealrock leases' AND datname = current_database()";
    let ended = sqlx::query(sql).fetch_all(admin).await.unwrap();
    assert!(!ended.is_empty(), "nobody had a lease");
}

/// Waits for whoever of them has it, and says that no other one does.
async fn holder(leases: &mut [Lease]) -> usize {
    soon(async {
        loop {
            let held: Vec<_> = (0..leases.len()).filter(|n| leases[*n].is_held()).collect();
            assert!(held.len() < 2, "two hold one lease: {held:?}");
            if let [one] = held[..] {
                return one;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
}

#[tokio::test]
async fn one_of_several_has_a_lease_and_another_takes_it_when_that_one_ends_in_order() {
    let pool = sealrock_testkit::database().await.pool;
    let mut nodes: Vec<_> = (0..3).map(|_| Node::start(&pool)).collect();
    while !nodes.is_empty() {
        let mut leases: Vec<_> = nodes.iter().map(|node| node.leases.want("work")).collect();
        let first = holder(&mut leases).await;
        assert_eq!(nodes[first].leases.held(), ["work"]);
        nodes.remove(first).stop().await;
        assert!(!leases[first].is_held(), "who has left holds nothing");
    }
}

#[tokio::test]
async fn whose_session_ends_learns_that_the_lease_is_lost_and_one_of_them_takes_it_again() {
    let database = sealrock_testkit::database().await;
    let (one, two) = (Node::start(&database.pool), Node::start(&database.pool));
    let mut leases = [one.leases.want("work"), two.leases.want("work")];
    let first = holder(&mut leases).await;
    end_sessions(&database.admin_pool).await;
    soon(leases[first].lost()).await;
    holder(&mut leases).await;
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn leases_on_different_work_and_in_different_databases_have_nothing_to_do_with_each_other() {
    let one = sealrock_testkit::database().await;
    let other = sealrock_testkit::database().await;
    let nodes = [
        (Node::start(&one.pool), "sealing"),
        (Node::start(&one.pool), "erasing"),
        (Node::start(&other.pool), "sealing"),
    ];
    for (node, work) in &nodes {
        soon(node.leases.want(work).taken()).await;
    }
    for (node, _) in nodes {
        node.stop().await;
    }
}

#[tokio::test]
async fn leased_work_is_told_to_end_when_the_lease_is_lost_and_begins_again_when_it_is_back() {
    let database = sealrock_testkit::database().await;
    let node = Node::start(&database.pool);
    let (begun, ended) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let stopping = CancellationToken::new();
    let work = {
        let (begun, ended) = (Arc::clone(&begun), Arc::clone(&ended));
        let work = move |turn: CancellationToken| {
            let (begun, ended) = (Arc::clone(&begun), Arc::clone(&ended));
            async move {
                begun.fetch_add(1, Ordering::SeqCst);
                turn.cancelled().await;
                ended.fetch_add(1, Ordering::SeqCst);
            }
        };
        let lease = node.leases.want("work");
        tokio::spawn(lease.while_held(stopping.clone(), work))
    };
    let reaches = async |counter: &AtomicU64, goal| {
        soon(async {
            while counter.load(Ordering::SeqCst) < goal {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
    };
    reaches(&begun, 1).await;
    end_sessions(&database.admin_pool).await;
    reaches(&ended, 1).await;
    reaches(&begun, 2).await;
    stopping.cancel();
    soon(work).await.unwrap();
    assert_eq!(ended.load(Ordering::SeqCst), 2);
    node.stop().await;
}

#[tokio::test]
async fn a_lease_whose_work_has_ended_or_panicked_goes_to_another_process_that_wants_it() {
    let pool = sealrock_testkit::database().await.pool;
    let (one, other) = (Node::start(&pool), Node::start(&pool));
    for panics in [false, true] {
        let mut mine = one.leases.want("work");
        soon(mine.taken()).await;
        let mut standby = other.leases.want("work");
        let work = mine.while_held(CancellationToken::new(), move |_| async move {
            assert!(!panics, "what happens to this work");
        });
        let ended = soon(tokio::spawn(work)).await;
        assert_eq!(ended.is_err(), panics);
        soon(standby.taken()).await;
        drop(standby);
    }
    one.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn a_lease_stays_while_one_of_its_users_has_it_and_can_be_wanted_again_after_the_last() {
    let pool = sealrock_testkit::database().await.pool;
    let (one, other) = (Node::start(&pool), Node::start(&pool));
    let (mut first, second) = (one.leases.want("work"), one.leases.want("work"));
    soon(first.taken()).await;
    drop(first);
    // Who has these two has been through a round since: one could have given back, the other asked.
    let mut standby = other.leases.want("work");
    soon(one.leases.want("of one").taken()).await;
    soon(other.leases.want("of the other").taken()).await;
    assert!(second.is_held() && !standby.is_held());
    drop(second);
    soon(standby.taken()).await;
    let mut again = one.leases.want("work");
    drop(standby);
    soon(again.taken()).await;
    one.stop().await;
    other.stop().await;
}

/// Counts what it is asked to fold.
struct Counted {
    version: u32,
    folded: AtomicU64,
}

impl Counted {
    fn version(version: u32) -> Arc<Self> {
        Arc::new(Self {
            version,
            folded: AtomicU64::new(0),
        })
    }

    fn folded(&self) -> u64 {
        self.folded.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Projection for Counted {
    fn name(&self) -> &'static str {
        "counted"
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE counted (index bigint PRIMARY KEY)"
    }

    async fn fold(
        &self,
        tx: &mut PgTransaction<'_>,
        _: &LedgerInfo,
        batch: &[Shown],
    ) -> Result<(), FoldError> {
        let indexes = batch.iter().map(|r| r.entry.index.0.cast_signed());
        sqlx::query("INSERT INTO counted SELECT unnest($1::bigint[])")
            .bind(indexes.collect::<Vec<_>>())
            .execute(&mut **tx)
            .await?;
        let folded = u64::try_from(batch.len()).unwrap();
        self.folded.fetch_add(folded, Ordering::SeqCst);
        Ok(())
    }
}

/// A process that folds what it has the lease for.
struct Projector {
    node: Node,
    runner: Runner,
    model: Arc<Counted>,
    token: CancellationToken,
    running: JoinHandle<()>,
}

impl Projector {
    fn start(plant: &Plant, version: u32) -> Self {
        let (node, model) = (Node::start(plant.store.pool()), Counted::version(version));
        let models: Vec<Arc<dyn Projection>> = vec![Arc::<Counted>::clone(&model)];
        let runner = Runner::leased(plant.store.clone(), models, node.leases.clone());
        let token = CancellationToken::new();
        let running = tokio::spawn({
            let (runner, token) = (runner.clone(), token.clone());
            async move { runner.run(token).await }
        });
        Self {
            node,
            runner,
            model,
            token,
            running,
        }
    }

    /// Waits until it knows that the read model is past `index`, whoever folded it.
    async fn knows(&self, plant: &Plant, index: Index) {
        let positions = self.runner.positions();
        let known = positions.wait_for("counted", plant.ledger.id, index, SOON);
        known.await.unwrap();
    }

    async fn stop(self) {
        self.token.cancel();
        self.running.await.unwrap();
        self.node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_projectors_one_folds_and_the_other_follows_and_goes_on_in_its_place() {
    let plant = Plant::on_database().await;
    let append = async || plant.append("x/1", "X", b"{}".to_vec()).await;
    let first = Projector::start(&plant, 1);
    first.knows(&plant, append().await).await;
    let second = Projector::start(&plant, 1);
    for _ in 0..20 {
        let index = append().await;
        second.knows(&plant, index).await;
    }
    assert_eq!((first.model.folded(), second.model.folded()), (21, 0));

    first.stop().await;
    second.knows(&plant, append().await).await;
    assert_eq!(second.model.folded(), 1);
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_program_that_has_the_lease_does_not_keep_a_newer_one_from_its_tables() {
    let plant = Plant::on_database().await;
    let append = async || plant.append("x/1", "X", b"{}".to_vec()).await;
    let older = Projector::start(&plant, 1);
    older.knows(&plant, append().await).await;

    let newer = Projector::start(&plant, 2);
    soon(async {
        let is_newer = |status: &sealrock_projections::ProjectionStatus| {
            status.version == 2 && status.state == State::Running
        };
        while !newer.runner.status().await.unwrap().iter().all(is_newer) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    newer.knows(&plant, append().await).await;
    assert_eq!(older.model.folded(), 1);
    newer.stop().await;
    older.stop().await;
}
