//! GraphQL over WebSocket: `GET /graphql/ws`, subprotocol `graphql-transport-ws`.
//!
//! One task drives one socket: it reads a frame, or takes the next answer of the running operations
//! and writes it. An answer is asked for when the one before is written, so a client that reads
//! slowly slows its own operations down, and nothing piles up here.

mod close;
mod connection;
mod message;
mod operations;

use async_graphql::Executor;
use axum::extract::{State, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::endpoint::{Endpoint, bearer};
use connection::Connection;

/// Name of the protocol in `Sec-WebSocket-Protocol`.
const PROTOCOL: &str = "graphql-transport-ws";

/// Answers the handshake. A client that does not offer our protocol is told so in HTTP.
pub(crate) async fn upgrade<E: Executor>(
    State(endpoint): State<Endpoint<E>>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let upgrade = upgrade.protocols([PROTOCOL]);
    if upgrade.selected_protocol().is_none() {
        let message =
            "this socket speaks graphql-transport-ws: offer it in Sec-WebSocket-Protocol\n";
        return (StatusCode::BAD_REQUEST, message).into_response();
    }
    let bytes = endpoint.limits.request_bytes;
    let token = bearer(&headers).map(str::to_owned);
    upgrade
        .max_message_size(bytes)
        .max_frame_size(bytes)
        .on_upgrade(move |socket| Connection::new(endpoint, socket, token).run())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests;
