//! Whom a request comes from, told to every route: address, and certificate.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::{Extension, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use sealrock_access::{ClientAddress, Proxies};
use sealrock_tls::{ClientCertificate, Stream};

use super::admission::Admitted;

/// The other end of a connection.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    address: SocketAddr,
    /// The certificate that it showed, once hands are shaken.
    shown: Arc<OnceLock<ClientCertificate>>,
}

impl Peer {
    pub(super) fn of(address: SocketAddr, stream: &Stream<Admitted>) -> Self {
        Self {
            address,
            shown: stream.shown(),
        }
    }
}

/// The routes, each of whose requests has a [`ClientAddress`], and a [`ClientCertificate`] where one was
/// shown.
pub(super) fn told(routes: Router, proxies: Proxies) -> Router {
    routes.layer(from_fn_with_state(Arc::new(proxies), tell))
}

async fn tell(
    State(proxies): State<Arc<Proxies>>,
    Extension(peer): Extension<Peer>,
    mut request: Request,
    next: Next,
) -> Response {
    let client = client(&proxies, &peer, &request);
    request.extensions_mut().insert(client);
    if let Some(certificate) = peer.shown.get() {
        request.extensions_mut().insert(certificate.clone());
    }
    next.run(request).await
}

fn client(proxies: &Proxies, peer: &Peer, request: &Request) -> ClientAddress {
    // A line that is no text says nothing, and may not be passed over: it stands for what was there.
    let lines = request.headers().get_all(proxies.header().name());
    let lines: Vec<_> = lines
        .iter()
        .map(|line| line.to_str().unwrap_or("?"))
        .collect();
    proxies.client(peer.address.ip(), lines.into_iter())
}
