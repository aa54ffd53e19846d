//! Where HTTP is served.

use std::net::SocketAddr;

use anyhow::Context as _;
use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::admission::Door;
use super::client::{self, Peer};
use crate::config::Config;
use crate::health;

/// What is served where: the routes, and the metrics beside them or on their own port. The first is
/// the node's HTTP port.
pub(super) async fn sites(
    config: &Config,
    routes: Router,
) -> anyhow::Result<Vec<(TcpListener, Router)>> {
    let metrics = health::metrics_router(health::metrics_recorder()?);
    let listener = listen(config.http, "http").await?;
    let Some(own_port) = config.metrics else {
        let routes = client::told(routes.merge(metrics), config.proxies());
        return Ok(vec![(listener, routes)]);
    };
    let routes = client::told(routes, config.proxies());
    let own = listen(own_port, "metrics").await?;
    Ok(vec![(listener, routes), (own, metrics)])
}

/// Serves until `stopping`, then lets requests end.
pub(super) fn serve(
    listener: TcpListener,
    routes: Router,
    stopping: &CancellationToken,
) -> JoinHandle<()> {
    let stopping = stopping.clone().cancelled_owned();
    tokio::spawn(async move {
        let routes = routes.into_make_service_with_connect_info::<Peer>();
        let served = axum::serve(Door::new(listener), routes)
            .with_graceful_shutdown(stopping)
            .await;
        if let Err(error) = served {
            tracing::error!(%error, "HTTP ended");
        }
    })
}

async fn listen(address: SocketAddr, setting: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}: choose another address by --{setting}, or port 0")
    })
}
