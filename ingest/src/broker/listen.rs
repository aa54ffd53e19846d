//! Accepting connections.
//!
//! The library's own accept loop would share one set of hooks among all connections, shake hands
//! with a web socket inside the loop (one silent client stops all), and only log how a connection
//! ended.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mqtt5::broker::transport::BrokerTransport;
use mqtt5::broker::websocket_server::{WebSocketServerConfig, accept_websocket_connection};
use tokio::net::{TcpListener, TcpStream};

use super::connection::Connection;
use super::house::House;
use super::wire::{Line, Socket, Wire};
use super::{MAX_PACKET_BYTES, StartError};
use crate::counters;

/// How long a WebSocket handshake may take.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// Pause after a failed accept, which is mostly "too many open files".
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// MQTT over a plain socket or over a WebSocket.
#[derive(Debug, Clone, Copy)]
pub(super) enum Framing {
    Plain,
    WebSocket,
}

pub(super) async fn bind(
    what: &'static str,
    addr: SocketAddr,
) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen { what, addr, source };
    let listener = TcpListener::bind(addr).await.map_err(failed)?;
    let real = listener.local_addr().map_err(failed)?;
    Ok((listener, real))
}

/// Accepts until the house stops.
pub(super) async fn accept(house: Arc<House>, listener: TcpListener, framing: Framing) {
    let stopping = house.stopping.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopping.cancelled() => return,
        };
        match accepted {
            Ok((socket, peer)) => admit(&house, socket, peer, framing).await,
            Err(error) => {
                tracing::error!(%error, "cannot accept an MQTT connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn admit(house: &Arc<House>, socket: TcpStream, peer: SocketAddr, framing: Framing) {
    if !house.monitor.can_accept_connection(peer.ip()).await {
        counters::mqtt_refused("connection-limit");
        if let Some(kept_back) = house.logs.limit.turn() {
            tracing::warn!(%peer, kept_back, "MQTT connection closed: the connection limit is reached");
        }
        return;
    }
    let house = Arc::clone(house);
    let tracker = house.connections.clone();
    tracker.spawn(async move {
        if let Err(error) = serve(house, socket, peer, framing).await {
            tracing::debug!(%peer, %error, "MQTT connection did not begin");
        }
    });
}

async fn serve(
    house: Arc<House>,
    socket: TcpStream,
    peer: SocketAddr,
    framing: Framing,
) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let socket = Arc::new(socket);
    let line = Line::new(&socket);
    let connection = Connection::new(house, Arc::clone(&line));
    let transport = match framing {
        Framing::Plain => BrokerTransport::WebSocket(Box::new(Wire::new(Socket(socket), line))),
        Framing::WebSocket => {
            let config = websocket_config();
            let handshake = accept_websocket_connection(Socket(socket), &config, peer);
            let stream = tokio::time::timeout(HANDSHAKE_LIMIT, handshake).await?;
            BrokerTransport::WebSocket(Box::new(Wire::new(stream.map_err(io::Error::other)?, line)))
        }
    };
    connection.run(transport, peer).await;
    Ok(())
}

fn websocket_config() -> WebSocketServerConfig {
    WebSocketServerConfig {
        max_frame_size: Some(MAX_PACKET_BYTES),
        max_message_size: Some(MAX_PACKET_BYTES),
        ..WebSocketServerConfig::new()
    }
}
