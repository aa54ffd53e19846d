//! Where HTTP is served.

use std::net::SocketAddr;

use anyhow::Context as _;
use axum::Router;
use sealrock_tls::Acceptor;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::admission::Door;
use super::client::{self, Peer};
use super::{headers, strangers};
use crate::config::Config;
use crate::health;

/// A port and what is served there.
pub(super) struct Site {
    pub(super) listener: TcpListener,
    routes: Router,
    tls: Option<Acceptor>,
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
        let routes = headers::for_pages_of(routes, &config.cors_origins);
        let routes = client::told(routes, config.proxies());
        Self {
            listener,
            routes: headers::secured(routes, tls.is_some()),
            tls,
        }
    }
}

/// Serves until `stopping`, then lets requests end.
pub(super) fn serve(site: Site, stopping: &CancellationToken) -> JoinHandle<()> {
    let stopping = stopping.clone().cancelled_owned();
    tokio::spawn(async move {
        let routes = site.routes.into_make_service_with_connect_info::<Peer>();
        let served = axum::serve(Door::new(site.listener, site.tls), routes)
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
