//! Shaking hands.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};

use crate::configuration::Configurations;

/// How long a handshake may take.
pub(crate) const HANDSHAKE: Duration = Duration::from_secs(10);

/// What is spoken behind a door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP, and what begins by it.
    Http,
    /// MQTT.
    Mqtt,
}

/// Shakes hands by the certificate that is current when a connection comes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Acceptor {
    current: watch::Receiver<Configurations>,
    protocol: Protocol,
}

impl Acceptor {
    pub(crate) fn new(current: watch::Receiver<Configurations>, protocol: Protocol) -> Self {
        Self { current, protocol }
    }

    /// One handshake, for the task of the connection: ten seconds, whatever the other side does.
    ///
    /// # Errors
    /// If it fails or takes too long.
    pub async fn accept<S>(&self, socket: S) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        timeout(HANDSHAKE, self.begin(socket)).await?
    }

    pub(crate) fn begin<S>(&self, socket: S) -> Accept<S>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        TlsAcceptor::from(self.config()).accept(socket)
    }

    fn config(&self) -> Arc<ServerConfig> {
        let current = self.current.borrow();
        Arc::clone(match self.protocol {
            Protocol::Http => &current.http,
            Protocol::Mqtt => &current.mqtt,
        })
    }
}
