//! How many HTTP connections there may be, of one address and in all, and how long one may stall.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use sealrock_access::{ClientAddress, Proxies, Share, Shares};
use sealrock_ingest::Quiet;
use sealrock_tls::{Acceptor, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};

/// Connections at a time; further ones wait in the kernel's queue. Each has buffers.
const CONNECTIONS: usize = 8_192;

/// How long a connection may keep its place without doing what it is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// From its beginning to the end of its first request's head, hands shaken.
    pub(super) first: Duration,
    /// From one answer to the end of the next request's head. Longer than proxies keep connections that
    /// nobody needs (a minute), which would otherwise lose requests on those that we have just closed.
    pub(super) next: Duration,
    /// With nothing read or written. Sockets are pinged more often, so this is for clients that stall.
    pub(super) still: Duration,
    /// With bytes that wait to be taken: what they answer is in memory, and has one of few places.
    pub(super) untaken: Duration,
    /// Bytes that earn another second of it: who takes an answer in sips gains nothing.
    pub(super) floor: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(15),
            next: Duration::from_secs(75),
            still: Duration::from_mins(2),
            untaken: Duration::from_secs(30),
            floor: 4 << 10,
        }
    }
}

/// What a door asks of who comes.
#[derive(Debug, Clone, Default)]
pub(super) struct Terms {
    /// Connections of one address at a time; as many as there are places without it.
    pub(super) of_one_address: Option<NonZeroU32>,
    /// Each of these speaks for many, and has no share.
    pub(super) proxies: Proxies,
    pub(super) patience: Patience,
}

/// A listener that admits a bounded number.
pub(super) struct Door {
    listener: TcpListener,
    tls: Option<Acceptor>,
    terms: Terms,
    places: Arc<Semaphore>,
    shares: Shares<IpAddr>,
    log: Quiet,
}

/// What a connection holds.
struct Place {
    _of_all: OwnedSemaphorePermit,
    _of_address: Option<Share<IpAddr>>,
}

impl Door {
    pub(super) fn new(listener: TcpListener, tls: Option<Acceptor>, terms: Terms) -> Self {
        Self {
            listener,
            tls,
            terms,
            places: Arc::new(Semaphore::new(CONNECTIONS)),
            shares: Shares::default(),
            log: Quiet::default(),
        }
    }

    pub(super) fn patience(&self) -> Patience {
        self.terms.patience
    }

    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The next who has a place. Hands are shaken in the connection's own task.
    pub(super) async fn accept(&mut self) -> (Stream<Admitted>, SocketAddr) {
        let of_all = Arc::clone(&self.places).acquire_owned().await;
        let of_all = of_all.expect("nobody closes this semaphore");
        let (stream, peer, of_address) = loop {
            let (stream, peer) = Listener::accept(&mut self.listener).await;
            match self.share(peer.ip()) {
                Ok(share) => break (stream, peer, share),
                Err(()) => self.turned_away(peer),
            }
        };
        let place = Place {
            _of_all: of_all,
            _of_address: of_address,
        };
        let admitted = Admitted::new(stream, place, self.terms.patience);
        let stream = match &self.tls {
            None => Stream::plain(admitted),
            Some(acceptor) => Stream::encrypted(admitted, acceptor),
        };
        (stream, peer)
    }

    fn share(&self, peer: IpAddr) -> Result<Option<Share<IpAddr>>, ()> {
        let Some(most) = self.terms.of_one_address else {
            return Ok(None);
        };
        if self.terms.proxies.trusts(peer) {
            return Ok(None);
        }
        let most = usize::try_from(most.get()).unwrap_or(usize::MAX);
        let share = self.shares.take(ClientAddress(peer).network(), most);
        share.map(Some).ok_or(())
    }

    fn turned_away(&self, peer: SocketAddr) {
        metrics::counter!("sealrock_http_refused_total", "reason" => "address").increment(1);
        if let Some(kept_back) = self.log.turn() {
            tracing::warn!(%peer, kept_back, "HTTP connection closed: its address has all that it may have (address_connections; name it in behind_proxy if it is your proxy)");
        }
    }
}

/// How long bytes may still wait to be taken: waiting spends it, what is taken earns some.
struct Credit {
    left: Duration,
    most: Duration,
    floor: u32,
}

impl Credit {
    fn of(patience: Patience) -> Self {
        Self {
            left: patience.untaken,
            most: patience.untaken,
            floor: patience.floor,
        }
    }

    fn spend_and_earn(&mut self, waited: Duration, taken: usize) {
        let taken = u32::try_from(taken).unwrap_or(u32::MAX);
        let earned = Duration::from_secs(1) * taken / self.floor;
        self.left = (self.left.saturating_sub(waited) + earned).min(self.most);
    }
}

/// A connection that ends when it stalls.
pub(super) struct Admitted {
    stream: TcpStream,
    patience: Patience,
    still: Pin<Box<Sleep>>,
    credit: Credit,
    /// Since when some do.
    untaken: Option<Instant>,
    _place: Place,
}

impl Admitted {
    fn new(stream: TcpStream, place: Place, patience: Patience) -> Self {
        Self {
            stream,
            patience,
            still: Box::pin(sleep(patience.still)),
            credit: Credit::of(patience),
            untaken: None,
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
            if self.untaken.is_none() {
                let until = Instant::now() + self.patience.still;
                self.still.as_mut().reset(until);
            }
            return done;
        }
        match self.still.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }

    /// As [`judge`](Self::judge), of bytes that the other side should take.
    fn judge_taking(
        &mut self,
        context: &mut Context<'_>,
        done: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match &done {
            Poll::Pending if self.untaken.is_none() => {
                let now = Instant::now();
                self.untaken = Some(now);
                self.still.as_mut().reset(now + self.credit.left);
            }
            Poll::Pending => {}
            Poll::Ready(taken) => {
                let waited = self.untaken.take().map(|since| since.elapsed());
                let taken = *taken.as_ref().unwrap_or(&0);
                self.credit
                    .spend_and_earn(waited.unwrap_or_default(), taken);
            }
        }
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
mod tests;
