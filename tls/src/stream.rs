//! A connection that shakes hands when it is first read or written, in whoever's task that is.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};
use tokio_rustls::Accept;
use tokio_rustls::server::TlsStream;

use crate::accept::{Acceptor, HANDSHAKE};
use crate::certificate::ClientCertificate;

/// A socket, with TLS or without.
pub struct Stream<S> {
    state: State<S>,
    shown: Arc<OnceLock<ClientCertificate>>,
}

enum State<S> {
    Plain(S),
    Shaking(Box<Accept<S>>, Pin<Box<Sleep>>),
    Open(Box<TlsStream<S>>),
    Failed,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream<S> {
    /// Without TLS.
    #[must_use]
    pub fn plain(socket: S) -> Self {
        Self {
            state: State::Plain(socket),
            shown: Arc::default(),
        }
    }

    /// With TLS.
    #[must_use]
    pub fn encrypted(socket: S, acceptor: &Acceptor) -> Self {
        let accept = Box::new(acceptor.begin(socket));
        Self {
            state: State::Shaking(accept, Box::pin(sleep(HANDSHAKE))),
            shown: Arc::default(),
        }
    }

    /// Where the certificate is that the other side showed, once hands are shaken.
    #[must_use]
    pub fn shown(&self) -> Arc<OnceLock<ClientCertificate>> {
        Arc::clone(&self.shown)
    }

    fn poll_open(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let State::Shaking(accept, limit) = &mut self.state else {
            return Poll::Ready(Ok(()));
        };
        let shaken = match Pin::new(accept.as_mut()).poll(context) {
            Poll::Ready(shaken) => shaken,
            Poll::Pending => {
                ready!(limit.as_mut().poll(context));
                Err(io::ErrorKind::TimedOut.into())
            }
        };
        match shaken {
            Ok(stream) => {
                if let Some(certificate) = ClientCertificate::of(&stream) {
                    // Set once: hands are shaken once.
                    let _ = self.shown.set(certificate);
                }
                self.state = State::Open(Box::new(stream));
                Poll::Ready(Ok(()))
            }
            Err(error) => {
                metrics::counter!("sealrock_tls_handshakes_failed_total", "protocol" => "http")
                    .increment(1);
                self.state = State::Failed;
                Poll::Ready(Err(error))
            }
        }
    }
}

fn failed<T>() -> Poll<io::Result<T>> {
    Poll::Ready(Err(io::ErrorKind::NotConnected.into()))
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_open(context))?;
        match &mut self.state {
            State::Plain(socket) => Pin::new(socket).poll_read(context, into),
            State::Open(stream) => Pin::new(stream.as_mut()).poll_read(context, into),
            State::Shaking(..) | State::Failed => failed(),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_open(context))?;
        match &mut self.state {
            State::Plain(socket) => Pin::new(socket).poll_write(context, bytes),
            State::Open(stream) => Pin::new(stream.as_mut()).poll_write(context, bytes),
            State::Shaking(..) | State::Failed => failed(),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_open(context))?;
        match &mut self.state {
            State::Plain(socket) => Pin::new(socket).poll_write_vectored(context, parts),
            State::Open(stream) => Pin::new(stream.as_mut()).poll_write_vectored(context, parts),
            State::Shaking(..) | State::Failed => failed(),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.state {
            State::Plain(socket) => socket.is_write_vectored(),
            _ => true,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_open(context))?;
        match &mut self.state {
            State::Plain(socket) => Pin::new(socket).poll_flush(context),
            State::Open(stream) => Pin::new(stream.as_mut()).poll_flush(context),
            State::Shaking(..) | State::Failed => failed(),
        }
    }

    /// Who has not shaken hands is owed no farewell.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.state {
            State::Plain(socket) => Pin::new(socket).poll_shutdown(context),
            State::Open(stream) => Pin::new(stream.as_mut()).poll_shutdown(context),
            State::Shaking(..) | State::Failed => Poll::Ready(Ok(())),
        }
    }
}
