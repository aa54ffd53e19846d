//! The byte stream under one MQTT connection: what lets us cut it, and see that the peer left,
//! while the broker library is busy inside a hook.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use mqtt5::broker::transport::WebSocketTransport;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::v311;

/// How often a held batch looks whether its sender is still there when unread bytes keep the
/// socket readable (readiness then answers at once and tells nothing new).
const PEER_CHECK: Duration = Duration::from_millis(100);

/// Reasons of DISCONNECT (MQTT 5).
pub(super) const NOT_AUTHORIZED: u8 = 0x87;
pub(super) const ADMINISTRATIVE_ACTION: u8 = 0x98;

/// The control of one connection, shared by its hooks and by the house.
///
/// It holds the socket weakly: the library keeps hooks alive for delayed wills, and the socket
/// must close when its handler ends, not when the last hook is dropped.
#[derive(Debug)]
pub(super) struct Line {
    socket: Weak<TcpStream>,
    speaks_v311: AtomicBool,
    cut: CancellationToken,
    /// What a client of MQTT 5 is told of it; 0 is nothing.
    reason: AtomicU8,
    reader: Mutex<Option<Waker>>,
}

impl Line {
    pub(super) fn new(socket: &Arc<TcpStream>) -> Arc<Self> {
        Arc::new(Self {
            socket: Arc::downgrade(socket),
            speaks_v311: AtomicBool::new(false),
            cut: CancellationToken::new(),
            reason: AtomicU8::new(0),
            reader: Mutex::new(None),
        })
    }

    /// Everything written from now on is checked against MQTT 3.1.1.
    pub(super) fn speaks_v311(&self) {
        self.speaks_v311.store(true, Ordering::Relaxed);
    }

    /// Ends the connection: reads see its end, writes fail, so that no acknowledgement can leave
    /// any more. The library then runs its ordinary clean-up.
    pub(super) fn cut(&self) {
        self.cut.cancel();
        if let Some(reader) = self
            .reader
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            reader.wake();
        }
    }

    /// As [`cut`](Self::cut), and tells a client of MQTT 5 why, if the socket takes it at once.
    pub(super) fn cut_for(&self, reason: u8) {
        self.reason.store(reason, Ordering::Relaxed);
        self.cut();
    }

    pub(super) fn is_cut(&self) -> bool {
        self.cut.is_cancelled()
    }

    /// Returns once the line was cut.
    pub(super) async fn was_cut(&self) {
        self.cut.cancelled().await;
    }

    /// Returns once the peer has closed or reset the connection, or it was cut.
    pub(super) async fn gone(&self) {
        tokio::select! {
            () = self.was_cut() => {}
            () = self.peer_closed() => {}
        }
    }

    async fn peer_closed(&self) {
        while let Some(socket) = self.socket.upgrade() {
            match socket.ready(Interest::READABLE).await {
                Ok(state) if !state.is_read_closed() => tokio::time::sleep(PEER_CHECK).await,
                _ => return,
            }
        }
    }

    fn remember_reader(&self, waker: &Waker) {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        if !reader.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *reader = Some(waker.clone());
        }
    }
}

/// DISCONNECT (MQTT 5) with its reason in words: paho reads no reason from a shorter packet.
fn disconnect(reason: u8) -> Vec<u8> {
    const WORDS: &[u8] = b"what the device signed in by is not valid any more";
    let length = u8::try_from(WORDS.len()).unwrap_or_default();
    let head = [0xE0, length + 5, reason, length + 3, 0x1F, 0, length];
    [&head, WORDS].concat()
}

/// A socket that can be looked at ([`Line::gone`]) while the library owns the stream.
#[derive(Debug)]
pub(super) struct Socket(pub(super) Arc<TcpStream>);

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.0.poll_read_ready(cx))?;
            match self.0.try_read(buf.initialize_unfilled()) {
                Ok(read) => {
                    buf.advance(read);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.poll_write_ready(cx))?;
            match self.0.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                outcome => return Poll::Ready(outcome),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Closing is dropping: `TcpStream` has no shutdown by shared reference, and the library
    /// drops the transport when its handler ends.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The stream that the library reads and writes: a [`Socket`], or a WebSocket over one.
#[derive(Debug)]
pub(super) struct Wire<S> {
    inner: S,
    line: Arc<Line>,
    unsent: Vec<u8>,
    /// The library's last packet left whole: another one may follow.
    between_packets: bool,
}

impl<S> Wire<S> {
    pub(super) fn new(inner: S, line: Arc<Line>) -> Self {
        Self {
            inner,
            line,
            unsent: Vec::new(),
            between_packets: false,
        }
    }
}

impl<S: AsyncWrite + Unpin> Wire<S> {
    /// Sends what [`v311::conform`] left to send.
    fn poll_unsent(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.unsent.is_empty() {
            let sent = ready!(Pin::new(&mut self.inner).poll_write(cx, &self.unsent))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.unsent.drain(..sent);
        }
        Poll::Ready(Ok(()))
    }

    /// Tells a client of MQTT 5 why its line was cut, once, if the socket takes it now.
    fn bid_farewell(&mut self, cx: &mut Context<'_>) {
        let reason = self.line.reason.swap(0, Ordering::Relaxed);
        let speaks_v311 = self.line.speaks_v311.load(Ordering::Relaxed);
        if reason == 0 || speaks_v311 || !self.between_packets {
            return;
        }
        let disconnect = disconnect(reason);
        if let Poll::Ready(Ok(_)) = Pin::new(&mut self.inner).poll_write(cx, &disconnect) {
            let _ = Pin::new(&mut self.inner).poll_flush(cx);
        }
    }

    fn check_cut(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.line.is_cut() {
            self.bid_farewell(cx);
            return Err(io::Error::new(
                io::ErrorKind::BrokenPipe,
                "the connection was cut",
            ));
        }
        Ok(())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.line.remember_reader(cx.waker());
        if self.line.is_cut() {
            self.bid_farewell(cx);
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check_cut(cx)?;
        ready!(self.poll_unsent(cx))?;
        if !self.line.speaks_v311.load(Ordering::Relaxed) {
            let written = ready!(Pin::new(&mut self.inner).poll_write(cx, bytes))?;
            self.between_packets = written == bytes.len();
            return Poll::Ready(Ok(written));
        }
        v311::conform(bytes, &mut self.unsent)?;
        match self.poll_unsent(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            _ => Poll::Ready(Ok(bytes.len())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check_cut(cx)?;
        ready!(self.poll_unsent(cx))?;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> WebSocketTransport for Wire<S> {
    fn peer_addr(&self) -> mqtt5::Result<std::net::SocketAddr> {
        let socket = self.line.socket.upgrade();
        let socket = socket
            .ok_or_else(|| mqtt5::MqttError::InvalidState("the connection has ended".into()))?;
        Ok(socket.peer_addr()?)
    }
}
