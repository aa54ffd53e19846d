//! Is it alive, is it ready, how is it doing.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use sealrock_projections::{Leases, Runner};
use serde_json::json;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::writable::NotWritable;

/// Upper bounds of the latency histograms, in seconds.
const BUCKETS: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
];

/// What readiness rests on.
pub struct Health {
    /// The database.
    pub pool: PgPool,
    /// The read models.
    pub runner: Runner,
    /// What this node does alone.
    pub leases: Leases,
    /// What this node cannot write.
    pub not_writable: NotWritable,
    /// Cancelled when the node begins to stop.
    pub stopping: CancellationToken,
}

/// Collects all metrics of this process.
///
/// # Errors
/// If they are collected already.
pub fn metrics_recorder() -> anyhow::Result<PrometheusHandle> {
    PrometheusBuilder::new()
        .set_buckets(&BUCKETS)?
        .install_recorder()
        .context("the metrics recorder")
}

/// `GET /livez`, `GET /readyz`.
pub fn router(health: Health) -> Router {
    Router::new()
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .with_state(Arc::new(health))
}

/// `GET /metrics`.
pub fn metrics_router(metrics: PrometheusHandle) -> Router {
    Router::new().route("/metrics", get(move || async move { metrics.render() }))
}

/// 200 when requests can be served: the node is not stopping and the database answers. A read model
/// that stands is told, and is no reason to take the node out: the others, and the ledger, work. Nor is
/// a ledger that cannot be written here: what is asked of it answers with the reason, all else works.
async fn ready(State(health): State<Arc<Health>>) -> impl IntoResponse {
    let database = ping(&health.pool).await;
    let ready = database && !health.stopping.is_cancelled();
    let standing: Vec<String> = match health.runner.status().await {
        Ok(statuses) => statuses
            .iter()
            .filter_map(|s| Some(format!("{} of {}: {}", s.projection, s.ledger, s.reason()?)))
            .collect(),
        Err(error) => vec![error.to_string()],
    };
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let stopping = health.stopping.is_cancelled();
    let body = json!({
        "ready": ready, "database": database, "stopping": stopping, "projectionsStanding": standing,
        "ledgersNotWritable": *health.not_writable.borrow(),
        "leases": health.leases.held(),
    });
    (status, Json(body))
}

async fn ping(pool: &PgPool) -> bool {
    let ping = sqlx::query("SELECT 1").execute(pool);
    matches!(
        tokio::time::timeout(Duration::from_secs(2), ping).await,
        Ok(Ok(_))
    )
}
