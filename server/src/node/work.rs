//! The role `projector`: read models, and the work that nobody asks for.

use sealrock_audit::Publisher;
use sealrock_projections::{Leases, Runner};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::erasing::{self, Eraser};
use crate::issuing::{self, Issuing};
use crate::platform::Platform;
use crate::recompute;
use crate::sealer::{self, Sealer};

/// Folds read models until `projecting` is cancelled.
pub(super) fn project(runner: &Runner, projecting: &CancellationToken) -> JoinHandle<()> {
    let (runner, token) = (runner.clone(), projecting.clone());
    tokio::spawn(async move { runner.run(token).await })
}

/// Learns how far the read models have come that other nodes fold, until `projecting` is cancelled.
pub(super) fn follow(runner: &Runner, projecting: &CancellationToken) -> JoinHandle<()> {
    let (runner, token) = (runner.clone(), projecting.clone());
    tokio::spawn(async move { runner.follow_others(token).await })
}

/// What goes on beside the requests, until the node is stopping. Of the nodes on one database one
/// does each, as long as it lives.
pub(super) fn background(
    config: &Config,
    platform: &Platform,
    runner: &Runner,
    (publisher, leases): (Publisher, &Leases),
    stopping: &CancellationToken,
) -> Vec<(&'static str, JoinHandle<()>)> {
    let (store, commands) = (platform.store.clone(), platform.commands.clone());
    let positions = runner.positions().clone();
    let sealer = Sealer::new(store.clone(), commands.clone(), positions, sealer::process);
    let issuing = Issuing::new(store.clone(), commands.clone(), issuing::process);
    let eraser = Eraser::new(store.clone(), runner.clone());
    let (retention, seal_after) = (config.retention, config.seal_after.0);
    let alone = Alone { leases, stopping };
    vec![
        alone.spawn("sealing", move |turn| sealer.clone().run(seal_after, turn)),
        alone.spawn("issuing", move |turn| issuing.clone().run(turn)),
        alone.spawn("publishing", move |turn| publisher.clone().run(turn)),
        alone.spawn("erasing", move |turn| {
            erasing::keep(eraser.clone(), commands.clone(), retention, turn)
        }),
        alone.spawn("recomputing", move |turn| {
            recompute::watch(store.clone(), turn)
        }),
    ]
}

/// Starts work that is done by one node at a time.
struct Alone<'a> {
    leases: &'a Leases,
    stopping: &'a CancellationToken,
}

impl Alone<'_> {
    /// `work` until its token is cancelled, whenever this node has the lease on it.
    fn spawn<F>(
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
}
