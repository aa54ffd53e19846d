//! TLS to a broker, by whom this machine trusts: `SSL_CERT_FILE` names others.

use std::io;
use std::sync::{Arc, LazyLock};

use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::credential::Broker;

/// The protocol's name where doors are told apart (ALPN).
const MQTT: &[u8] = b"mqtt";

/// A connection to a broker, encrypted or not.
pub(crate) trait Line: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Line for T {}

/// How to shake hands; read once, because a fleet has many connections.
pub(crate) fn client() -> Result<Arc<ClientConfig>, String> {
    static CLIENT: LazyLock<Result<Arc<ClientConfig>, String>> = LazyLock::new(|| {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| error.to_string())?;
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![MQTT.to_vec()];
        Ok(Arc::new(config))
    });
    CLIENT.clone()
}

/// Connects, and shakes hands if the broker's address asks for it.
pub(crate) async fn connect(broker: &Broker) -> io::Result<Box<dyn Line>> {
    let host = broker.host.trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, broker.port)).await?;
    stream.set_nodelay(true)?;
    if !broker.tls {
        return Ok(Box::new(stream));
    }
    let connector = TlsConnector::from(client().map_err(io::Error::other)?);
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    Ok(Box::new(connector.connect(name, stream).await?))
}
