//! Accepting connections.
//!
//! The library's own accept loop would share one set of hooks among all connections, shake hands
//! with a web socket inside the loop (one silent client stops all), and only log how a connection
//! ended.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use mqtt5::broker::transport::{BrokerTransport, WebSocketTransport};
use mqtt5::broker::websocket_server::{WebSocketServerConfig, accept_websocket_connection};
use sealrock_tls::ClientCertificate;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

use super::connection::Connection;
use super::house::House;
use super::wire::{Line, NOT_AUTHORIZED, Socket, Wire};
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
            Ok((socket, peer)) => admit(&house, socket, peer, framing),
            Err(error) => {
                tracing::error!(%error, "cannot accept an MQTT connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn admit(house: &Arc<House>, socket: TcpStream, peer: SocketAddr, framing: Framing) {
    let Ok(permit) = Arc::clone(&house.sockets).try_acquire_owned() else {
        return turned_away(house, peer, "connection-limit");
    };
    let place = match house.strangers.admit(peer.ip()) {
        Ok(place) => place,
        Err(reason) => return turned_away(house, peer, reason),
    };
    let socket = Arc::new(socket);
    let line = Line::new(&socket);
    let connection = Connection::new(Arc::clone(house), line, place);
    house.connections.spawn(async move {
        let _permit = permit;
        tokio::select! {
            served = serve(&connection, socket, peer, framing) => {
                if let Err(error) = served {
                    tracing::debug!(%peer, %error, "MQTT connection did not begin");
                }
            }
            () = stopped_before_sign_in(&connection) => {}
        }
    });
}

fn turned_away(house: &House, peer: SocketAddr, reason: &'static str) {
    counters::mqtt_refused(reason);
    if let Some(kept_back) = house.logs.limit.turn() {
        tracing::warn!(%peer, kept_back, reason, "MQTT connection closed at once: too many");
    }
}

/// Who has not signed in yet has nothing in flight and does not delay the end. (After it, the
/// library has claimed a session and must end in its own way.)
async fn stopped_before_sign_in(connection: &Connection) {
    connection.house.stopping.cancelled().await;
    if connection.signed_in.get().is_some() {
        std::future::pending::<()>().await;
    }
}

async fn serve(
    connection: &Arc<Connection>,
    socket: Arc<TcpStream>,
    peer: SocketAddr,
    framing: Framing,
) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let (socket, line) = (Socket(socket), Arc::clone(&connection.line));
    let transport = match &connection.house.tls {
        None => begun(socket, line, peer, framing).await?,
        Some(tls) => {
            let acceptor = match framing {
                Framing::Plain => &tls.mqtt,
                Framing::WebSocket => &tls.websocket,
            };
            let shaken = acceptor.accept(socket).await;
            let stream = shaken.inspect_err(|_| counters::mqtt_refused("handshake"))?;
            if let Some(certificate) = ClientCertificate::of(&stream) {
                // Hands are shaken once.
                let _ = connection.certificate.set(certificate);
            }
            begun(stream, line, peer, framing).await?
        }
    };
    let mut run = pin!(Arc::clone(connection).run(transport, peer));
    tokio::select! {
        () = &mut run => return Ok(()),
        () = connection.certificate_expired() => connection.line.cut_for(NOT_AUTHORIZED),
    }
    run.await;
    Ok(())
}

/// The stream of MQTT's packets.
async fn begun<S>(
    stream: S,
    line: Arc<Line>,
    peer: SocketAddr,
    framing: Framing,
) -> io::Result<BrokerTransport>
where
    S: AsyncRead + AsyncWrite + Send + Sync + Unpin + 'static,
{
    // The library's name for any stream of ours; its `Tcp` takes only a bare `TcpStream`.
    let transport: Box<dyn WebSocketTransport> = match framing {
        Framing::Plain => Box::new(Wire::new(stream, line)),
        Framing::WebSocket => {
            let config = websocket_config();
            let handshake = accept_websocket_connection(stream, &config, peer);
            let stream = tokio::time::timeout(HANDSHAKE_LIMIT, handshake).await?;
            Box::new(Wire::new(stream.map_err(io::Error::other)?, line))
        }
    };
    Ok(BrokerTransport::WebSocket(transport))
}

fn websocket_config() -> WebSocketServerConfig {
    WebSocketServerConfig {
        max_frame_size: Some(MAX_PACKET_BYTES),
        max_message_size: Some(MAX_PACKET_BYTES),
        ..WebSocketServerConfig::new()
    }
}
