//! One line of the log for each request, for those who ask for it (`sealrock::node::requests=debug`).
//!
//! It tells the route and not the path, nothing of the query, of headers or of bodies: any of these may hold
//! a secret, at its place or by mistake.

use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use sealrock_access::ClientAddress;

/// The routes, each of whose answers is logged.
pub(super) fn logged(routes: Router) -> Router {
    routes.layer(from_fn(log))
}

async fn log(request: Request, next: Next) -> Response {
    let (method, extensions) = (request.method().clone(), request.extensions());
    let route = extensions.get::<MatchedPath>().cloned();
    let client = extensions.get::<ClientAddress>().copied();
    let begun = Instant::now();
    let response = next.run(request).await;
    tracing::debug!(
        %method,
        route = route.as_ref().map_or("none", MatchedPath::as_str),
        status = response.status().as_u16(),
        ms = begun.elapsed().as_millis(),
        client = client.map(|client| client.network().to_string()),
        "answered"
    );
    response
}
