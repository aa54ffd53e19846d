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
use tokio::sync::{Notify, watch};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::writable::NotWritable;

/// Upper bounds of the latency histograms, in seconds.
const BUCKETS: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
];

/// How often the database is asked, and how long it may take to answer.
const LOOK: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(2);

/// What readiness rests on: known before it is asked for, so that a probe waits for nothing.
pub struct Health {
    database: watch::Receiver<bool>,
    models: Models,
    leases: Leases,
    not_writable: NotWritable,
    stopping: CancellationToken,
}

/// The read models that stand, as they were found after the question before: there are many to look
/// at, by connections that others want too.
struct Models {
    asked: Arc<Notify>,
    standing: watch::Receiver<Vec<String>>,
}

impl Health {
    /// Of a node with these read models, leases, and ledgers that it cannot write; kept up until it is
    /// `stopping`.
    ///
    /// # Errors
    /// If `url` is none of a Postgres, or it does not answer.
    pub async fn watch(
        url: &str,
        runner: &Runner,
        (leases, not_writable): (&Leases, &NotWritable),
        stopping: &CancellationToken,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            database: watch_database(url, stopping.clone()).await?,
            models: Models::watch(runner.clone(), stopping.clone()).await,
            leases: leases.clone(),
            not_writable: not_writable.clone(),
            stopping: stopping.clone(),
        })
    }
}

/// Whether the database answers, asked every second by a connection that nobody else takes.
async fn watch_database(
    url: &str,
    stopping: CancellationToken,
) -> anyhow::Result<watch::Receiver<bool>> {
    let pool = sealrock_eventstore::connect_as_login(url, 1).await?;
    let (told, known) = watch::channel(ping(&pool).await);
    let look = async move {
        loop {
            sleep(LOOK).await;
            told.send_replace(ping(&pool).await);
        }
    };
    tokio::spawn(stopping.run_until_cancelled_owned(look));
    Ok(known)
}

impl Models {
    /// Looks now, and from then on after each question, at most once a second.
    async fn watch(runner: Runner, stopping: CancellationToken) -> Self {
        let (told, standing) = watch::channel(standing(&runner).await);
        let asked = Arc::new(Notify::new());
        let questions = Arc::clone(&asked);
        let look = async move {
            loop {
                questions.notified().await;
                told.send_replace(self::standing(&runner).await);
                sleep(LOOK).await;
            }
        };
        tokio::spawn(stopping.run_until_cancelled_owned(look));
        Self { asked, standing }
    }
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
    health.models.asked.notify_one();
    let database = *health.database.borrow();
    let stopping = health.stopping.is_cancelled();
    let ready = database && !stopping;
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let body = json!({
        "ready": ready, "database": database, "stopping": stopping,
        "projectionsStanding": *health.models.standing.borrow(),
        "ledgersNotWritable": *health.not_writable.borrow(),
        "leases": health.leases.held(),
    });
    (status, Json(body))
}

async fn ping(pool: &PgPool) -> bool {
    let ping = sqlx::query("SELECT 1").execute(pool);
    matches!(tokio::time::timeout(PATIENCE, ping).await, Ok(Ok(_)))
}

async fn standing(runner: &Runner) -> Vec<String> {
    let statuses = match runner.status().await {
        Ok(statuses) => statuses,
        Err(error) => return vec![error.to_string()],
    };
    statuses
        .iter()
        .filter_map(|s| Some(format!("{} of {}: {}", s.projection, s.ledger, s.reason()?)))
        .collect()
}
