//! The role `projector`: read models, and the work that nobody asks for.

use sealrock_audit::Publisher;
use sealrock_projections::Runner;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::erasing::{self, Eraser};
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

/// What goes on beside the requests, until the node is stopping.
pub(super) fn background(
    config: &Config,
    platform: &Platform,
    runner: &Runner,
    publisher: Publisher,
    stopping: &CancellationToken,
) -> Vec<(&'static str, JoinHandle<()>)> {
    let (store, commands) = (&platform.store, &platform.commands);
    let positions = runner.positions().clone();
    let sealer = Sealer::new(store.clone(), commands.clone(), positions, sealer::process);
    let eraser = Eraser::new(store.clone(), runner.clone());
    let (retention, seal_after) = (config.retention, config.seal_after.0);
    let erasing = erasing::keep(eraser, commands.clone(), retention, stopping.clone());
    let recompute = recompute::watch(store.clone(), stopping.clone());
    vec![
        (
            "sealing",
            tokio::spawn(sealer.run(seal_after, stopping.clone())),
        ),
        ("publishing", tokio::spawn(publisher.run(stopping.clone()))),
        ("erasing", tokio::spawn(erasing)),
        ("recomputing", tokio::spawn(recompute)),
    ]
}
