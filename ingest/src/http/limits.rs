//! What `POST /ingest` takes at a time.

use std::time::Duration;

/// How much `POST /ingest` holds in memory, and for how long it waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpLimits {
    /// Requests of signed-in devices whose bodies are held at a time, each of at most
    /// [`MAX_PACKET_BYTES`](crate::MAX_PACKET_BYTES); one more is answered 503.
    pub bodies: usize,
    /// How long a body may take to arrive; after that, 408.
    pub read: Duration,
}

impl Default for HttpLimits {
    /// 64 bodies, which is 68 MiB, and 30 s.
    fn default() -> Self {
        Self {
            bodies: 64,
            read: Duration::from_secs(30),
        }
    }
}
