//! WebSocket clients that note what they read and when.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use futures::{SinkExt, StreamExt};
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::round::{Side, now};

pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Clients connecting at the same time.
const AT_ONCE: usize = 50;

/// The number of an event, and the microsecond at which it was read.
pub type Heard = (u64, u64);

/// All subscribers of a side; they hang up with this value.
pub struct Audience {
    /// What each heard and not yet told, beside its site.
    heard: Vec<(usize, Arc<Mutex<Vec<Heard>>>)>,
    count: Arc<AtomicU64>,
    _reading: JoinSet<()>,
}

/// The part of a message that tells which event it is.
#[derive(Deserialize)]
struct Next {
    payload: Payload,
}

#[derive(Deserialize)]
struct Payload {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    readings: Reading,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reading {
    sent_number: f64,
}

impl Audience {
    /// Connects a subscriber for each of these sites, and waits until every one hears.
    pub async fn gather(side: &Arc<Side>, sites: &[usize]) -> anyhow::Result<Self> {
        let mut sockets = futures::stream::iter(sites.iter().copied())
            .map(|site| async move { anyhow::Ok((site, side.subscribe(site).await?)) })
            .buffer_unordered(AT_ONCE);
        let count = Arc::new(AtomicU64::new(0));
        let (mut heard, mut reading) = (Vec::new(), JoinSet::new());
        while let Some(connected) = sockets.next().await {
            let (site, socket) = connected?;
            let noted = Arc::new(Mutex::new(Vec::new()));
            heard.push((site, Arc::clone(&noted)));
            reading.spawn(read(socket, noted, Arc::clone(&count)));
        }
        drop(sockets);
        let audience = Self {
            heard,
            count,
            _reading: reading,
        };
        audience.wait_until_all_hear(side, sites).await?;
        Ok(audience)
    }

    /// What each heard since the last call, beside its site.
    pub fn take(&self) -> Vec<(usize, Vec<Heard>)> {
        let all = self.heard.iter();
        all.map(|(site, noted)| {
            let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
            (*site, std::mem::take(&mut *noted))
        })
        .collect()
    }

    /// Subscribers of this site.
    pub fn of(&self, site: usize) -> usize {
        self.heard.iter().filter(|(own, _)| *own == site).count()
    }

    /// Waits until so many messages were read since `before`, or none came for three seconds.
    pub async fn settle(&self, before: u64, expected: u64) {
        let mut last = self.count();
        let mut quiet = 0;
        while self.count() < before + expected && quiet < 30 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            quiet = if self.count() == last { quiet + 1 } else { 0 };
            last = self.count();
        }
    }

    /// Messages read so far.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// A subscription is not acknowledged: it has begun when something is heard.
    async fn wait_until_all_hear(&self, side: &Side, sites: &[usize]) -> anyhow::Result<()> {
        let mut own: Vec<usize> = sites.to_vec();
        own.sort_unstable();
        own.dedup();
        for _ in 0..60 {
            for site in &own {
                side.publish(*site).await.context("a first event")?;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
            let deaf = |(_, noted): &(usize, Arc<Mutex<Vec<Heard>>>)| {
                noted
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .is_empty()
            };
            if !self.heard.iter().any(deaf) {
                // What is still under way would count for the first round.
                self.settle(self.count(), u64::MAX / 2).await;
                self.take();
                return Ok(());
            }
        }
        anyhow::bail!("not every subscriber hears anything within a minute")
    }
}

async fn read(mut socket: Socket, noted: Arc<Mutex<Vec<Heard>>>, count: Arc<AtomicU64>) {
    while let Some(Ok(message)) = socket.next().await {
        match message {
            Message::Text(text) => {
                let at = now();
                let Ok(next) = serde_json::from_str::<Next>(&text) else {
                    eprintln!("a subscriber was told {text}");
                    continue;
                };
                let number = number(next.payload.data.readings.sent_number);
                noted
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push((number, at));
                count.fetch_add(1, Ordering::Relaxed);
            }
            Message::Close(close) => eprintln!("a subscriber was closed: {close:?}"),
            // tungstenite answers pings when it is next written to or read from.
            _ => {
                let _ = socket.flush().await;
            }
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "we sent it: a whole number far below 2^53"
)]
fn number(sent: f64) -> u64 {
    sent as u64
}
