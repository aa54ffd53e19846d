//! How many bytes of entries the answer to one request may hold, and how many such answers there are
//! at a time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::code::Code;
use crate::schema::Problem;

/// Requests that hold entries at a time. Each holds them as they were read, as values and as text,
/// some four times [`BYTES`]; more wait, because they would only wait for the database.
const REQUESTS: usize = 16;
/// How long one waits for a place: it keeps the place of a request meanwhile.
const WAIT: Duration = Duration::from_secs(2);
/// Bytes of entries that one request reads, beyond the last.
const BYTES: u64 = 4 << 20;

/// Places for requests that hold entries.
#[derive(Debug, Clone)]
pub(crate) struct Room(Arc<Semaphore>);

impl Default for Room {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(REQUESTS)))
    }
}

/// What one request may hold. Its place is free again when the last clone is dropped, which is when
/// the answer is written.
#[derive(Debug, Clone)]
pub(crate) struct Allowance(Arc<Mutex<Left>>);

#[derive(Debug)]
struct Left {
    room: Room,
    place: Option<OwnedSemaphorePermit>,
    bytes: u64,
}

impl Allowance {
    pub(crate) fn new(room: &Room) -> Self {
        let left = Left {
            room: room.clone(),
            place: None,
            bytes: BYTES,
        };
        Self(Arc::new(Mutex::new(left)))
    }

    /// Waits for a place, and for those lists of the request that are read before this one, so that
    /// each knows what the others took.
    ///
    /// # Errors
    /// `ANSWER_TOO_LARGE` where nothing is left; `UNAVAILABLE` where no place is free for some time.
    pub(crate) async fn turn(&self) -> Result<Turn<'_>, Problem> {
        let mut left = self.0.lock().await;
        if left.bytes == 0 {
            return Err(too_large());
        }
        if left.place.is_none() {
            let place = timeout(WAIT, Arc::clone(&left.room.0).acquire_owned()).await;
            let place = place.map_err(|_| busy())?;
            left.place = Some(place.expect("nobody closes this semaphore"));
        }
        Ok(Turn(left))
    }
}

/// One list's turn to read.
pub(crate) struct Turn<'a>(MutexGuard<'a, Left>);

impl Turn<'_> {
    /// How many bytes may be read.
    pub(crate) fn left(&self) -> u64 {
        self.0.bytes
    }

    /// Ends the turn, in which so many bytes were read.
    pub(crate) fn took(mut self, bytes: u64) {
        self.0.bytes = self.0.bytes.saturating_sub(bytes);
    }
}

fn busy() -> Problem {
    Problem::new(
        Code::Unavailable,
        "many answers that hold entries are being taken: ask again in a moment",
    )
}

fn too_large() -> Problem {
    Problem::new(
        Code::AnswerTooLarge,
        format!(
            "this request has {} MiB of entries already: ask for the others in another one",
            BYTES >> 20
        ),
    )
}
