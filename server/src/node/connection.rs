//! One HTTP connection, from its first request to its end.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use sealrock_tls::Stream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::admission::{Admitted, Patience};
use super::client::Peer;

/// Answers the connection's requests until it ends; when the node is `stopping`, the one that is being
/// answered is its last.
pub(super) async fn serve(
    stream: Stream<Admitted>,
    address: SocketAddr,
    patience: Patience,
    routes: Router,
    stopping: CancellationToken,
) {
    let (peer, asked) = (Peer::of(address, &stream), Arc::new(AtomicBool::new(false)));
    let first = Arc::clone(&asked);
    let service = service_fn(move |mut request: Request<Incoming>| {
        asked.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(peer.clone());
        let routes = routes.clone();
        routes.oneshot(request.map(Body::new))
    });
    let mut builder = http1::Builder::new();
    let builder = builder.timer(TokioTimer::new());
    let connection = builder
        .header_read_timeout(patience.next)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = says_nothing(&first, patience.first) => Some(Ok(())),
        () = stopping.cancelled() => None,
    };
    let ended = if let Some(ended) = ended {
        ended
    } else {
        connection.as_mut().graceful_shutdown();
        connection.await
    };
    if let Err(error) = ended {
        tracing::debug!(peer = %address, %error, "HTTP connection ended");
    }
}

/// Returns after that time if nothing was asked.
async fn says_nothing(asked: &AtomicBool, limit: Duration) {
    tokio::time::sleep(limit).await;
    if asked.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    use super::super::admission::{Door, Terms};
    use super::*;

    const SHORT: Duration = Duration::from_millis(200);

    /// A server of one route, and a connection to it.
    async fn connected(patience: Patience, stopping: &CancellationToken) -> TcpStream {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let terms = Terms {
            patience,
            ..Terms::default()
        };
        let mut door = Door::new(listener, None, terms);
        let address = door.local_addr().unwrap();
        let stopping = stopping.clone();
        tokio::spawn(async move {
            let routes = Router::new().route("/", get(|| async { "here" }));
            let (stream, peer) = door.accept().await;
            serve(stream, peer, patience, routes, stopping).await;
        });
        TcpStream::connect(address).await.unwrap()
    }

    /// Sends a head that never ends, byte by byte, until the other side has hung up; what it said.
    async fn sips(client: TcpStream) -> String {
        let (mut reading, mut writing) = client.into_split();
        let sipping = tokio::spawn(async move {
            while writing.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        let mut said = Vec::new();
        let _reset = reading.read_to_end(&mut said).await;
        sipping.await.unwrap();
        String::from_utf8(said).unwrap()
    }

    #[tokio::test]
    async fn who_asks_nothing_or_asks_byte_by_byte_loses_his_place() {
        let (stopping, patience) = (
            CancellationToken::new(),
            Patience {
                first: SHORT,
                ..Patience::default()
            },
        );
        let mut silent = connected(patience, &stopping).await;
        assert_eq!(silent.read(&mut [0]).await.unwrap(), 0);
        let mut slow = connected(patience, &stopping).await;
        slow.write_all(b"GET / HTTP/1.1\r\nhost: here\r\nx-slow: ")
            .await
            .unwrap();
        assert_eq!(sips(slow).await, "");
    }

    #[tokio::test]
    async fn a_request_that_never_ends_its_head_is_not_waited_for_after_a_good_one_either() {
        let (stopping, patience) = (
            CancellationToken::new(),
            Patience {
                next: SHORT,
                ..Patience::default()
            },
        );
        let mut client = connected(patience, &stopping).await;
        let good = "GET / HTTP/1.1\r\nhost: here\r\n\r\n";
        client.write_all(good.as_bytes()).await.unwrap();
        client
            .write_all(b"GET / HTTP/1.1\r\nx-slow: ")
            .await
            .unwrap();
        let said = sips(client).await;
        assert!(
            said.starts_with("HTTP/1.1 200 OK") && said.ends_with("here"),
            "{said}"
        );
    }

    #[tokio::test]
    async fn a_connection_that_waits_for_nothing_ends_with_the_node() {
        let stopping = CancellationToken::new();
        let mut client = connected(Patience::default(), &stopping).await;
        stopping.cancel();
        assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
    }
}
