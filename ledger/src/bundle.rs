//! Bundles: 256 entries, or their payloads, in one file.
//!
//! An entry bundle is, per entry, uint16 big-endian length ‖ entry. A payload bundle is, per entry,
//! uint16 header length ‖ header JSON ‖ uint32 payload length ‖ payload. The header is
//! `{"media":"…","salt":"<hex>"}`, `{"redacted":true}` where the payload was erased, or
//! `{"withheld":true}` where it is not for the receiver's eyes.

mod header;

use crate::payload::{Payload, PayloadRef};

/// Why bytes are no bundle. `ordinal` counts the bundle's entries from 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// The bytes end inside an item.
    #[error("the bundle ends inside its item {ordinal}")]
    Truncated {
        /// Which item.
        ordinal: usize,
    },
    /// Bytes follow the last item.
    #[error("{bytes} bytes are left over after item {ordinal}")]
    LeftOver {
        /// The item that should have been the last.
        ordinal: usize,
        /// How many bytes follow it.
        bytes: usize,
    },
    /// A payload's header cannot be read.
    #[error("the header of payload {ordinal} is not valid: {reason}")]
    Header {
        /// Which payload.
        ordinal: usize,
        /// What is wrong with it.
        reason: String,
    },
}

/// The place of one entry in a payload bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot<P = Payload> {
    /// The payload.
    Shown(P),
    /// The payload was erased from the ledger.
    Erased,
    /// The ledger has the payload; this package does not show it, see [`crate::verify::Scope`].
    Withheld,
}

impl<P> From<Option<P>> for Slot<P> {
    /// As the store has it: a payload that is not there was erased.
    fn from(payload: Option<P>) -> Self {
        payload.map_or(Self::Erased, Self::Shown)
    }
}

impl<P> Slot<P> {
    /// The payload, if it is shown.
    #[must_use]
    pub fn shown(&self) -> Option<&P> {
        match self {
            Self::Shown(payload) => Some(payload),
            Self::Erased | Self::Withheld => None,
        }
    }

    /// The same with something made of the payload.
    #[must_use]
    pub fn map<Q>(self, make: impl FnOnce(P) -> Q) -> Slot<Q> {
        match self {
            Self::Shown(payload) => Slot::Shown(make(payload)),
            Self::Erased => Slot::Erased,
            Self::Withheld => Slot::Withheld,
        }
    }

    /// The same with a reference to the payload.
    #[must_use]
    pub fn as_ref(&self) -> Slot<&P> {
        match self {
            Self::Shown(payload) => Slot::Shown(payload),
            Self::Erased => Slot::Erased,
            Self::Withheld => Slot::Withheld,
        }
    }
}

/// Writes an entry bundle.
///
/// # Panics
/// If an entry is longer than [`crate::MAX_ENTRY_BYTES`]; none is ever stored.
pub fn encode_entries<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut bundle = Vec::new();
    for entry in entries {
        let length = u16::try_from(entry.len()).expect("entries are at most 65,535 bytes long");
        bundle.extend_from_slice(&length.to_be_bytes());
        bundle.extend_from_slice(entry);
    }
    bundle
}

/// Reads the `count` entries of a bundle.
///
/// # Errors
/// If the bytes are not exactly that many entries.
pub fn decode_entries(bundle: &[u8], count: usize) -> Result<Vec<&[u8]>, BundleError> {
    let mut items = Items::new(bundle);
    let entries = (0..count)
        .map(|_| items.entry())
        .collect::<Result<_, _>>()?;
    items.finish()?;
    Ok(entries)
}

/// Writes a payload bundle, of slots or of options (`None` is an erased payload).
///
/// # Panics
/// If a payload is longer than 4 GiB or a media type than 255 bytes; none is ever stored.
pub fn encode_payloads<'a, S: Into<Slot<&'a Payload>>>(
    payloads: impl IntoIterator<Item = S>,
) -> Vec<u8> {
    let mut bundle = Vec::new();
    for slot in payloads {
        let slot = slot.into();
        let header = header::write(slot);
        let bytes = slot.shown().map_or(&[][..], |payload| &payload.bytes);
        let header_length = u16::try_from(header.len()).expect("media types are short");
        let length = u32::try_from(bytes.len()).expect("payloads are at most 1 MiB long");
        bundle.extend_from_slice(&header_length.to_be_bytes());
        bundle.extend_from_slice(&header);
        bundle.extend_from_slice(&length.to_be_bytes());
        bundle.extend_from_slice(bytes);
    }
    bundle
}

/// Reads the `count` places of a payload bundle.
///
/// # Errors
/// If the bytes are not exactly that many payloads in the one way of writing them, or a salt is not
/// 16 bytes long.
pub fn decode_payloads(bundle: &[u8], count: usize) -> Result<Vec<Slot>, BundleError> {
    let payloads = payloads_in_place(bundle, count)?;
    let owned = payloads.into_iter().map(|slot| slot.map(Payload::from));
    Ok(owned.collect())
}

/// As [`decode_payloads`], without a copy of the payloads.
///
/// # Errors
/// As for [`decode_payloads`].
pub fn payloads_in_place(
    bundle: &[u8],
    count: usize,
) -> Result<Vec<Slot<PayloadRef<'_>>>, BundleError> {
    let mut items = Items::new(bundle);
    let payloads = (0..count)
        .map(|_| items.payload())
        .collect::<Result<_, _>>()?;
    items.finish()?;
    Ok(payloads)
}

/// The bytes of a bundle that are still to be read.
struct Items<'a> {
    rest: &'a [u8],
    ordinal: usize,
}

impl<'a> Items<'a> {
    fn new(bundle: &'a [u8]) -> Self {
        Self {
            rest: bundle,
            ordinal: 0,
        }
    }

    fn entry(&mut self) -> Result<&'a [u8], BundleError> {
        let entry = self.short()?;
        self.ordinal += 1;
        Ok(entry)
    }

    fn payload(&mut self) -> Result<Slot<PayloadRef<'a>>, BundleError> {
        let header = self.short()?;
        let length = u32::from_be_bytes(self.array()?);
        let bytes = self.take(length as usize)?;
        let slot = header::read(header, bytes).map_err(|reason| BundleError::Header {
            ordinal: self.ordinal,
            reason,
        })?;
        self.ordinal += 1;
        Ok(slot)
    }

    fn short(&mut self) -> Result<&'a [u8], BundleError> {
        let length = u16::from_be_bytes(self.array()?);
        self.take(usize::from(length))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], BundleError> {
        let (head, rest) = self
            .rest
            .split_first_chunk()
            .ok_or(BundleError::Truncated {
                ordinal: self.ordinal,
            })?;
        self.rest = rest;
        Ok(*head)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], BundleError> {
        let (head, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(BundleError::Truncated {
                ordinal: self.ordinal,
            })?;
        self.rest = rest;
        Ok(head)
    }

    fn finish(self) -> Result<(), BundleError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(BundleError::LeftOver {
                ordinal: self.ordinal.saturating_sub(1),
                bytes: self.rest.len(),
            })
        }
    }
}
