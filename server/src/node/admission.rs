//! How many HTTP connections there may be, and for how long one may be still.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use sealrock_tls::{Acceptor, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};

/// Connections at a time; further ones wait in the kernel's queue. Each has buffers.
const CONNECTIONS: usize = 8_192;
/// How long nothing may be read or written. Sockets are pinged more often, so this is for clients that
/// stall and would keep others out, the health check among them.
const STILL: Duration = Duration::from_mins(2);
/// The same while bytes wait to be taken: what they answer is in memory, and has one of few places.
const UNTAKEN: Duration = Duration::from_secs(30);

/// A listener that admits a bounded number.
pub(super) struct Door {
    listener: TcpListener,
    tls: Option<Acceptor>,
    places: Arc<Semaphore>,
}

impl Door {
    pub(super) fn new(listener: TcpListener, tls: Option<Acceptor>) -> Self {
        Self {
            listener,
            tls,
            places: Arc::new(Semaphore::new(CONNECTIONS)),
        }
    }
}

impl Listener for Door {
    type Io = Stream<Admitted>;
    type Addr = SocketAddr;

    /// Hands are shaken in the connection's own task.
    async fn accept(&mut self) -> (Stream<Admitted>, SocketAddr) {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.expect("nobody closes this semaphore");
        let (stream, peer) = Listener::accept(&mut self.listener).await;
        let admitted = Admitted::new(stream, place);
        let stream = match &self.tls {
            None => Stream::plain(admitted),
            Some(acceptor) => Stream::encrypted(admitted, acceptor),
        };
        (stream, peer)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that ends when nothing happens on it for too long.
pub(super) struct Admitted {
    stream: TcpStream,
    still: Pin<Box<Sleep>>,
    untaken: bool,
    _place: OwnedSemaphorePermit,
}

impl Admitted {
    fn new(stream: TcpStream, place: OwnedSemaphorePermit) -> Self {
        Self {
            stream,
            still: Box::pin(sleep(STILL)),
            untaken: false,
            _place: place,
        }
    }

    /// Something happened, or the time is up, or neither.
    fn judge<T>(
        &mut self,
        context: &mut Context<'_>,
        done: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if done.is_ready() {
            // Who takes nothing gains no time by sending.
            if !self.untaken {
                self.still.as_mut().reset(Instant::now() + STILL);
            }
            return done;
        }
        match self.still.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl Admitted {
    /// As [`judge`](Self::judge), of bytes that the other side should take.
    fn judge_taking(
        &mut self,
        context: &mut Context<'_>,
        done: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if done.is_pending() && !self.untaken {
            self.still.as_mut().reset(Instant::now() + UNTAKEN);
        }
        self.untaken = done.is_pending();
        self.judge(context, done)
    }
}

impl AsyncRead for Admitted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.stream).poll_read(context, into);
        self.judge(context, done)
    }
}

impl AsyncWrite for Admitted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge_taking(context, done)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.judge_taking(context, done)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use std::future::poll_fn;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn one_more_than_may_be_there_is_admitted_when_another_has_left() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut door = Door {
            listener,
            tls: None,
            places: Arc::new(Semaphore::new(1)),
        };
        let _clients = (
            TcpStream::connect(address).await.unwrap(),
            TcpStream::connect(address).await.unwrap(),
        );
        let (first, _) = door.accept().await;
        assert_eq!(door.places.available_permits(), 0);
        let (waiting, ()) = tokio::join!(door.accept(), async { drop(first) });
        drop(waiting);
        assert_eq!(door.places.available_permits(), 1);
    }

    #[tokio::test]
    async fn who_takes_nothing_gains_no_time_by_sending() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let place = Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap();
        let mut admitted = Admitted::new(stream, place);
        let bytes = vec![0; 1 << 20];
        let mut written = 0;
        let full = |context: &mut Context<'_>| {
            while let Poll::Ready(some) = Pin::new(&mut admitted).poll_write(context, &bytes) {
                written += some.unwrap();
            }
            Poll::Ready(())
        };
        poll_fn(full).await;
        let until = admitted.still.deadline();
        assert!(until <= Instant::now() + UNTAKEN);
        client.write_all(b"more").await.unwrap();
        admitted.read_exact(&mut [0; 4]).await.unwrap();
        assert_eq!(admitted.still.deadline(), until);
        client.read_exact(&mut vec![0; written]).await.unwrap();
        admitted.write_all(b"x").await.unwrap();
        assert!(admitted.still.deadline() > until);
    }
}
