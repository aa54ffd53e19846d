//! The role `projector`: read models, and the work that nobody asks for.

use sealrock_audit::Publisher;
use sealrock_projections::Runner;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::alone::Alone;
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
/// does each, as long as it lives and can: a node wants no lease for what is not configured on it, and
/// takes turns at what it can do only in part.
pub(super) fn background(
    config: &Config,
    platform: &Platform,
    runner: &Runner,
    publisher: Publisher,
    alone: &Alone,
) -> Vec<(&'static str, JoinHandle<()>)> {
    let (store, commands) = (platform.store.clone(), platform.commands.clone());
    let positions = runner.positions().clone();
    let sealer = Sealer::new(store.clone(), commands.clone(), positions, sealer::process);
    let issuing = Issuing::new(store.clone(), commands.clone(), issuing::process);
    let eraser = Eraser::new(store.clone(), runner.clone());
    let seal_after = config.seal_after.0;
    let mut work = vec![
        alone.writing("sealing", move |turn| sealer.clone().run(seal_after, turn)),
        alone.writing("issuing", move |turn| issuing.clone().run(turn)),
        alone.doing("recomputing", move |turn| {
            recompute::watch(store.clone(), turn)
        }),
    ];
    if let Some(age) = config.retention {
        let eraser = eraser.clone();
        work.push(alone.writing("retaining", move |turn| {
            erasing::retain_daily(eraser.clone(), commands.clone(), age, turn)
        }));
    }
    work.push(alone.doing("erasing", move |turn| {
        erasing::finish_all(eraser.clone(), turn)
    }));
    if !publisher.is_plain() {
        work.push(alone.doing("publishing", move |turn| publisher.clone().run(turn)));
    }
    work
}
