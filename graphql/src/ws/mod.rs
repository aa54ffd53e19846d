//! GraphQL over WebSocket: `GET /graphql/ws`, subprotocol `graphql-transport-ws`.
//!
//! One task drives one socket: it reads a frame, or takes the next answer of the running operations
//! and writes it. An answer is asked for when the one before is written, so a client that reads
//! slowly slows its own operations down, and nothing piles up here.

mod close;
mod connection;
mod credential;
mod message;
mod operations;

use std::sync::Arc;
use std::time::Duration;

use async_graphql::Executor;
use axum::Extension;
use axum::extract::{State, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use sealrock_access::ClientAddress;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use crate::endpoint::{Endpoint, bearer};
use crate::http::accept::Media;
use crate::http::reply::{Refusal, refused};
use crate::visitor::Visitor;
use connection::Connection;

/// Name of the protocol in `Sec-WebSocket-Protocol`.
const PROTOCOL: &str = "graphql-transport-ws";

/// What a socket reads at a time. Clients say little, and there may be thousands; the library's own
/// 128 KiB would be most of what a socket takes.
const READ_BUFFER: usize = 4 << 10;

/// Answers the handshake. A client that does not offer our protocol is told so in HTTP.
pub(crate) async fn upgrade<E: Executor>(
    State(endpoint): State<Endpoint<E>>,
    address: Option<Extension<ClientAddress>>,
    uri: Uri,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let upgrade = upgrade.protocols([PROTOCOL]);
    if upgrade.selected_protocol().is_none() {
        let message =
            "this socket speaks graphql-transport-ws: offer it in Sec-WebSocket-Protocol\n";
        return (StatusCode::BAD_REQUEST, message).into_response();
    }
    let Ok(place) = Arc::clone(&endpoint.places.sockets).try_acquire_owned() else {
        return refused(Media::Json, Refusal::busy("sockets are open"));
    };
    let bytes = endpoint.limits.request_bytes;
    let token = bearer(&headers).map(str::to_owned);
    let visitor = Visitor::of(&headers, &uri, address.map(|Extension(address)| address));
    let visitor = visitor.without_cookies();
    upgrade
        .max_message_size(bytes)
        .max_frame_size(bytes)
        .read_buffer_size(READ_BUFFER)
        .on_upgrade(move |socket| async move {
            let _place = place;
            Connection::new(endpoint, socket, token, visitor)
                .run()
                .await;
        })
}

fn ticks(every: Duration) -> Interval {
    let mut ticks = interval_at(Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests;
