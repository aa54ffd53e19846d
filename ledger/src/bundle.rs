//! Bundles: 256 entries, or their payloads, in one file.
//!
//! An entry bundle is, per entry, uint16 big-endian length ‖ entry. A payload bundle is, per entry,
//! uint16 header length ‖ header JSON ‖ uint32 payload length ‖ payload. The header is
//! `{"media":"…","salt":"<hex>"}`, or `{"redacted":true}` where the payload was erased.

use serde::{Deserialize, Serialize};

use crate::payload::{Payload, SALT_BYTES};

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

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    media: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    redacted: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    salt: Option<String>,
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

/// Writes a payload bundle; `None` is an erased payload.
///
/// # Panics
/// If a payload is longer than 4 GiB or a media type than 255 bytes; none is ever stored.
pub fn encode_payloads<'a>(payloads: impl IntoIterator<Item = Option<&'a Payload>>) -> Vec<u8> {
    let mut bundle = Vec::new();
    for payload in payloads {
        let header = serde_json::to_vec(&header_of(payload)).expect("a header of strings is JSON");
        let bytes = payload.map_or(&[][..], |payload| &payload.bytes);
        let header_length = u16::try_from(header.len()).expect("media types are short");
        let length = u32::try_from(bytes.len()).expect("payloads are at most 1 MiB long");
        bundle.extend_from_slice(&header_length.to_be_bytes());
        bundle.extend_from_slice(&header);
        bundle.extend_from_slice(&length.to_be_bytes());
        bundle.extend_from_slice(bytes);
    }
    bundle
}

/// Reads the `count` payloads of a bundle; `None` is an erased one.
///
/// # Errors
/// If the bytes are not exactly that many payloads, or a salt is not 16 bytes long.
pub fn decode_payloads(bundle: &[u8], count: usize) -> Result<Vec<Option<Payload>>, BundleError> {
    let mut items = Items::new(bundle);
    let payloads = (0..count)
        .map(|_| items.payload())
        .collect::<Result<_, _>>()?;
    items.finish()?;
    Ok(payloads)
}

fn header_of(payload: Option<&Payload>) -> Header {
    match payload {
        Some(payload) => Header {
            media: Some(payload.media.clone()),
            redacted: None,
            salt: Some(hex::encode(payload.salt)),
        },
        None => Header {
            media: None,
            redacted: Some(true),
            salt: None,
        },
    }
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

    fn payload(&mut self) -> Result<Option<Payload>, BundleError> {
        let header = self.short()?;
        let length = u32::from_be_bytes(self.array()?);
        let bytes = self.take(length as usize)?;
        let payload = read_payload(header, bytes).map_err(|reason| BundleError::Header {
            ordinal: self.ordinal,
            reason,
        })?;
        self.ordinal += 1;
        Ok(payload)
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

fn read_payload(header: &[u8], bytes: &[u8]) -> Result<Option<Payload>, String> {
    let header: Header = serde_json::from_slice(header).map_err(|e| e.to_string())?;
    match header {
        Header {
            media: Some(media),
            redacted: None,
            salt: Some(salt),
        } => {
            let mut salt_bytes = [0; SALT_BYTES];
            hex::decode_to_slice(&salt, &mut salt_bytes)
                .map_err(|e| format!("the salt {salt:?} is not 16 bytes in hex: {e}"))?;
            if media.len() > 255 {
                return Err(format!(
                    "the media type has {} bytes, at most 255",
                    media.len()
                ));
            }
            Ok(Some(Payload {
                media,
                salt: salt_bytes,
                bytes: bytes.to_vec(),
            }))
        }
        Header {
            media: None,
            redacted: Some(true),
            salt: None,
        } if bytes.is_empty() => Ok(None),
        _ => Err("neither media and salt, nor redacted with no bytes".to_owned()),
    }
}
