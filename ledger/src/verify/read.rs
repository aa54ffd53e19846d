//! One bundle, as far as it can be judged by itself: what all cores do at once.

use super::count;
use super::observe::Reader;
use super::own::Own;
use super::source::{Source, SourceError};
use crate::record::stream_of_origin;
use crate::{
    BundleError, Entry, EntryError, Hash, Origin, PayloadRef, Slot, TILE_WIDTH, TilePath,
    decode_entries, leaf_hash, payloads_in_place,
};

/// Telemetry is kept as devices sent it; all other payloads are written by the platform.
pub(super) const TELEMETRY: &str = "telemetry/";

/// A bundle of entries, its payloads, and the tile over it.
pub(super) struct Bundle<Fact> {
    pub(super) n: u64,
    pub(super) width: u64,
    pub(super) entries: Framed<Item>,
    pub(super) payloads: Framed<Held<Fact>>,
    /// The file of the full tile over it; `None` if it is missing, or the bundle is not full.
    pub(super) tile: Option<Vec<u8>>,
    /// About what it takes in memory.
    pub(super) weight: usize,
}

impl<Fact> Bundle<Fact> {
    /// Whether there is neither a file of its entries nor the tile over them.
    pub(super) fn is_nothing(&self) -> bool {
        self.entries.missing && self.tile.is_none()
    }
}

/// The items of a file up to the first that cannot be read, and why that cannot.
pub(super) struct Framed<T> {
    /// Whether there is no such file.
    pub(super) missing: bool,
    pub(super) items: Vec<T>,
    pub(super) error: Option<BundleError>,
}

/// The bytes of one entry.
pub(super) struct Item {
    pub(super) leaf: Hash,
    /// What they say, in canonical form or not.
    pub(super) entry: Result<Entry, EntryError>,
    pub(super) canonical: bool,
}

/// The place of one payload.
pub(super) struct Held<Fact> {
    /// What it holds; of a payload, what it gives as commitment.
    pub(super) slot: Slot<[u8; 32]>,
    /// What the payload says, if it is the one of the entry in its place.
    pub(super) said: Option<Said<Fact>>,
}

/// What a payload says.
pub(super) struct Said<Fact> {
    /// Why it is not in the form that the platform writes.
    pub(super) not_canonical: Option<String>,
    /// The ledger's own record, or why it is none.
    pub(super) own: Option<Result<Own, String>>,
    pub(super) fact: Fact,
}

/// Reads bundles of one ledger.
pub(super) struct Reading<'a, R> {
    pub(super) source: &'a dyn Source,
    pub(super) size: u64,
    /// The ledger's own stream.
    own: String,
    reader: &'a R,
}

impl<'a, R: Reader> Reading<'a, R> {
    pub(super) fn of(source: &'a dyn Source, origin: &Origin, size: u64, reader: &'a R) -> Self {
        Self {
            source,
            size,
            own: stream_of_origin(origin),
            reader,
        }
    }

    pub(super) fn bundle(&self, n: u64) -> Result<Bundle<R::Fact>, SourceError> {
        let width = (self.size - n * TILE_WIDTH).min(TILE_WIDTH);
        let bytes = self.source.get(&entries_path(n, width))?;
        let mut weight = bytes.as_ref().map_or(0, Vec::len) * 2 + 100_000;
        let entries = items(bytes.as_deref(), width);
        drop(bytes);
        let bytes = self.source.get(&payloads_path(n, width))?;
        // What a payload says may hold all of its bytes.
        weight += bytes.as_ref().map_or(0, Vec::len);
        let payloads = self.payloads(bytes.as_deref(), width, &entries.items);
        let tile = TilePath::Hashes { level: 0, n, width };
        let tile = match width {
            TILE_WIDTH => self.source.get(&tile.to_string())?,
            _ => None,
        };
        Ok(Bundle {
            n,
            width,
            entries,
            payloads,
            tile,
            weight,
        })
    }

    fn payloads(
        &self,
        bytes: Option<&[u8]>,
        width: u64,
        entries: &[Item],
    ) -> Framed<Held<R::Fact>> {
        let slots = framed(bytes, width, payloads_in_place);
        let held = |(at, slot): (usize, &Slot<PayloadRef<'_>>)| {
            let entry = entries.get(at).and_then(|item| item.entry.as_ref().ok());
            self.held(slot, entry)
        };
        Framed {
            missing: slots.missing,
            items: slots.items.iter().enumerate().map(held).collect(),
            error: slots.error,
        }
    }

    fn held(&self, slot: &Slot<PayloadRef<'_>>, entry: Option<&Entry>) -> Held<R::Fact> {
        let slot = slot.as_ref().map(|payload| (payload, payload.commitment()));
        let said = slot.shown().and_then(|(payload, commitment)| {
            let entry = entry.filter(|entry| entry.payload == *commitment)?;
            Some(self.said(entry, payload))
        });
        Held {
            slot: slot.map(|(_, commitment)| commitment),
            said,
        }
    }

    fn said(&self, entry: &Entry, payload: &PayloadRef<'_>) -> Said<R::Fact> {
        let is_own = entry.stream == self.own;
        Said {
            not_canonical: not_canonical(entry, payload),
            own: is_own.then(|| Own::read(entry, payload)).flatten(),
            fact: self.reader.read(entry, payload),
        }
    }
}

/// The entries of a bundle.
pub(super) fn items(bytes: Option<&[u8]>, width: u64) -> Framed<Item> {
    let entries = framed(bytes, width, decode_entries);
    Framed {
        missing: entries.missing,
        items: entries.items.iter().map(|bytes| item(bytes)).collect(),
        error: entries.error,
    }
}

fn item(bytes: &[u8]) -> Item {
    let (entry, canonical) = match Entry::read_and_judge(bytes) {
        Ok((entry, None)) => (Ok(entry), true),
        Ok((entry, Some(EntryError::NotCanonical))) => (Ok(entry), false),
        Ok((_, Some(error))) | Err(error) => (Err(error), false),
    };
    Item {
        leaf: leaf_hash(bytes),
        entry,
        canonical,
    }
}

/// Why a payload that the platform wrote is not RFC 8785 JSON.
fn not_canonical(entry: &Entry, payload: &PayloadRef<'_>) -> Option<String> {
    if payload.media != "application/json" || entry.stream.starts_with(TELEMETRY) {
        return None;
    }
    let json: Result<serde_json::Value, _> = serde_json::from_slice(payload.bytes);
    let canonical = json.and_then(|json| serde_json_canonicalizer::to_vec(&json));
    match canonical {
        Err(error) => Some(format!("it is no JSON: {error}")),
        Ok(canonical) if canonical != payload.bytes => {
            Some("its RFC 8785 form has other bytes".to_owned())
        }
        Ok(_) => None,
    }
}

type Decode<'a, T> = fn(&'a [u8], usize) -> Result<Vec<T>, BundleError>;

fn framed<'a, T>(bytes: Option<&'a [u8]>, width: u64, decode: Decode<'a, T>) -> Framed<T> {
    let Some(bytes) = bytes else {
        return Framed {
            missing: true,
            items: Vec::new(),
            error: None,
        };
    };
    let (items, error) = readable(bytes, count(width), decode);
    Framed {
        missing: false,
        items,
        error,
    }
}

/// The items of a bundle up to the first that cannot be read, and why that cannot.
pub fn readable<'a, T>(
    bundle: &'a [u8],
    count: usize,
    decode: Decode<'a, T>,
) -> (Vec<T>, Option<BundleError>) {
    let error = match decode(bundle, count) {
        Ok(items) => return (items, None),
        Err(error) => error,
    };
    let good = match &error {
        BundleError::Truncated { ordinal } | BundleError::Header { ordinal, .. } => *ordinal,
        BundleError::LeftOver { .. } => count,
    };
    (beginning(bundle, good, decode), Some(error))
}

/// The first `count` items, whatever follows them.
fn beginning<'a, T>(bundle: &'a [u8], count: usize, decode: Decode<'a, T>) -> Vec<T> {
    match decode(bundle, count) {
        Ok(items) => items,
        Err(BundleError::LeftOver { bytes, .. }) => {
            decode(&bundle[..bundle.len() - bytes], count).unwrap_or_default()
        }
        Err(_) => Vec::new(),
    }
}

pub(super) fn entries_path(n: u64, width: u64) -> String {
    TilePath::Entries { n, width }.to_string()
}

pub(super) fn payloads_path(n: u64, width: u64) -> String {
    TilePath::Payloads { n, width }.to_string()
}
