//! Bundles, sent piece by piece: 256 payloads can have 256 MiB, and who reads them slowly takes as long as
//! he likes. Who may not read any more gets no further piece.

use axum::body::{Body, Bytes};
use futures::stream;
use sealrock_eventstore::LedgerId;
use sealrock_ledger::{Index, TILE_WIDTH, encode_entries, encode_payloads};
use tokio::sync::OwnedSemaphorePermit;

use super::admission::Admission;
use super::problem::Problem;
use super::{LedgerState, rows};

/// Entries in a piece; each has at most 64 KiB.
const PIECE_ENTRIES: u64 = 64;
/// Bytes of payloads in a piece, unless a single one has more.
const PIECE_BYTES: u64 = 4 << 20;

/// Entries or payloads still to be sent.
#[derive(Clone)]
pub(super) struct Rest {
    state: LedgerState,
    ledger: LedgerId,
    /// Who reads; `None` where anybody may.
    admission: Option<Admission>,
    payloads: bool,
    next: u64,
    end: u64,
}

fn cut(problem: &Problem) -> std::io::Error {
    std::io::Error::other(format!("{problem:?}"))
}

impl Rest {
    /// Of the bundle of that number and width.
    pub(super) fn of_entries(
        state: &LedgerState,
        ledger: LedgerId,
        (n, width): (u64, u64),
        admission: Option<Admission>,
    ) -> Self {
        let next = n * TILE_WIDTH;
        Self {
            state: state.clone(),
            ledger,
            admission,
            payloads: false,
            next,
            end: next + width,
        }
    }

    /// The same of payloads.
    pub(super) fn of_payloads(
        state: &LedgerState,
        ledger: LedgerId,
        bundle: (u64, u64),
        admission: Option<Admission>,
    ) -> Self {
        let payloads = true;
        let entries = Self::of_entries(state, ledger, bundle, admission);
        Self {
            payloads,
            ..entries
        }
    }

    /// The first piece is read before anything is answered. If a later one cannot be read, or may not be
    /// any more, the connection is cut, so that nobody takes the beginning for the whole.
    pub(super) async fn send(mut self, place: OwnedSemaphorePermit) -> Result<Body, Problem> {
        let first = self.piece().await?;
        // A client that reads slowly holds no place meanwhile.
        drop(place);
        if self.is_done() {
            return Ok(Body::from(first));
        }
        let later = stream::try_unfold(self, |mut rest| async move {
            if rest.is_done() {
                return Ok(None);
            }
            let piece = rest.later_piece().await.map_err(|problem| cut(&problem))?;
            Ok::<_, std::io::Error>(Some((piece, rest)))
        });
        let first = stream::iter([Ok(first)]);
        Ok(Body::from_stream(futures::StreamExt::chain(first, later)))
    }

    async fn later_piece(&mut self) -> Result<Bytes, Problem> {
        let _place = self.state.place().await?;
        if let Some(admission) = &self.admission {
            admission.reader().await?;
        }
        self.piece().await
    }

    fn is_done(&self) -> bool {
        self.next == self.end
    }

    async fn piece(&mut self) -> Result<Bytes, Problem> {
        let piece = if self.payloads {
            self.payload_piece().await?
        } else {
            self.entry_piece().await?
        };
        Ok(Bytes::from(piece))
    }

    async fn entry_piece(&mut self) -> Result<Vec<u8>, Problem> {
        let to = self.end.min(self.next + PIECE_ENTRIES);
        let store = self.state.publisher.store();
        let entries = rows::entries(store, self.ledger, (self.next, to)).await?;
        self.next = to;
        Ok(encode_entries(entries.iter().map(Vec::as_slice)))
    }

    async fn payload_piece(&mut self) -> Result<Vec<u8>, Problem> {
        let store = self.state.publisher.store();
        let limit = u32::try_from(self.end - self.next).expect("a bundle has at most 256 entries");
        let recorded = store
            .read_bounded(self.ledger, Index(self.next), limit, PIECE_BYTES)
            .await?;
        let in_place = (self.next..)
            .zip(&recorded)
            .all(|(at, one)| one.entry.index == Index(at));
        if recorded.is_empty() || !in_place {
            return Err(rows::missing(self.next).into());
        }
        self.next += recorded.len() as u64;
        Ok(encode_payloads(
            recorded.iter().map(|one| one.payload.as_ref()),
        ))
    }
}
