//! Where HTTP is served.

use std::net::SocketAddr;

use anyhow::Context as _;
use axum::Router;
use sealrock_tls::Acceptor;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::admission::{Door, Patience, Terms};
use super::{client, connection, headers, requests, strangers};
use crate::config::Config;
use crate::health;

/// A port and what is served there.
pub(super) struct Site {
    pub(super) door: Door,
    routes: Router,
}

/// What is served where: the routes, and the metrics beside them or on their own port, which has no TLS.
/// The first is the node's HTTP port.
pub(super) async fn sites(
    config: &Config,
    routes: Router,
    tls: Option<Acceptor>,
) -> anyhow::Result<Vec<Site>> {
    let metrics = health::metrics_router(health::metrics_recorder()?);
    let listener = listen(config.http, "http").await?;
    let Some(own_port) = config.metrics else {
        return Ok(vec![Site::of(config, listener, routes.merge(metrics), tls)]);
    };
    let own = listen(own_port, "metrics").await?;
    let own = Site::of(config, own, metrics, None);
    Ok(vec![Site::of(config, listener, routes, tls), own])
}

impl Site {
    fn of(config: &Config, listener: TcpListener, routes: Router, tls: Option<Acceptor>) -> Self {
        let routes = match config.stranger_rate {
            Some(rate) => strangers::limited(routes, rate),
            None => routes,
        };
        let routes = headers::for_pages_of(routes, &config.cors_origins, tls.is_some());
        let routes = requests::logged(routes);
        let routes = client::told(routes, config.proxies());
        let routes = headers::secured(routes, tls.is_some());
        let terms = Terms {
            of_one_address: config.address_connections,
            proxies: config.proxies(),
            patience: Patience::default(),
        };
        Self {
            door: Door::new(listener, tls, terms),
            routes,
        }
    }
}

/// Serves until `stopping`, then lets requests end.
pub(super) fn serve(site: Site, stopping: &CancellationToken) -> JoinHandle<()> {
    let stopping = stopping.clone();
    tokio::spawn(async move {
        let Site { mut door, routes } = site;
        let (connections, patience) = (TaskTracker::new(), door.patience());
        while let Some((stream, peer)) = stopping.run_until_cancelled(door.accept()).await {
            let (routes, stopping) = (routes.clone(), stopping.clone());
            connections.spawn(connection::serve(stream, peer, patience, routes, stopping));
        }
        drop(door);
        connections.close();
        connections.wait().await;
    })
}

async fn listen(address: SocketAddr, setting: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}: choose another address by --{setting}, or port 0")
    })
}
