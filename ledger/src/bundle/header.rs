//! The header before each payload: `{"media":"…","salt":"<hex>"}`, `{"redacted":true}` or
//! `{"withheld":true}`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::Slot;
use crate::entry::canonical::digest;
use crate::payload::{Payload, PayloadRef, SALT_BYTES};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    media: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    redacted: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    salt: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    withheld: Option<bool>,
}

/// The header of a place.
pub(super) fn write(slot: Slot<&Payload>) -> Vec<u8> {
    serde_json::to_vec(&header_of(slot)).expect("a header of strings is JSON")
}

fn header_of(slot: Slot<&Payload>) -> Header {
    let mark = |is: bool| is.then_some(true);
    Header {
        media: slot.shown().map(|payload| payload.media.clone()),
        redacted: mark(slot == Slot::Erased),
        salt: slot.shown().map(|payload| hex::encode(payload.salt)),
        withheld: mark(slot == Slot::Withheld),
    }
}

/// What a header makes of the bytes after it.
pub(super) fn read<'a>(header: &'a [u8], bytes: &'a [u8]) -> Result<Slot<PayloadRef<'a>>, String> {
    match plain(header) {
        Some((media, salt)) => read_payload(media.into(), salt, bytes).map(Slot::Shown),
        None => read_any(header, bytes),
    }
}

/// Media type and salt of a header in its one form, if there is no escape in it. All but a few are
/// so, and to parse each of them as JSON and write it again took longer than its payload's hash.
fn plain(header: &[u8]) -> Option<(&str, [u8; SALT_BYTES])> {
    let text = std::str::from_utf8(header).ok()?;
    let text = text.strip_prefix(r#"{"media":""#)?.strip_suffix("\"}")?;
    let (media, salt) = text.split_once(r#"","salt":""#)?;
    let escaped = |byte| matches!(byte, b'"' | b'\\' | ..b' ');
    (!media.bytes().any(escaped)).then_some(())?;
    Some((media, digest(salt)?))
}

fn read_any<'a>(text: &[u8], bytes: &'a [u8]) -> Result<Slot<PayloadRef<'a>>, String> {
    let header: Header = serde_json::from_slice(text).map_err(|e| e.to_string())?;
    if serde_json::to_vec(&header).map_err(|e| e.to_string())? != text {
        return Err("it is not written as RFC 8785 asks".to_owned());
    }
    match (header.media, header.salt, header.redacted, header.withheld) {
        (Some(media), Some(salt), None, None) => {
            read_payload(media.into(), read_salt(&salt)?, bytes).map(Slot::Shown)
        }
        (None, None, Some(true), None) if bytes.is_empty() => Ok(Slot::Erased),
        (None, None, None, Some(true)) if bytes.is_empty() => Ok(Slot::Withheld),
        _ => Err("neither media and salt, nor redacted or withheld with no bytes".to_owned()),
    }
}

fn read_salt(salt: &str) -> Result<[u8; SALT_BYTES], String> {
    let mut salt_bytes = [0; SALT_BYTES];
    hex::decode_to_slice(salt, &mut salt_bytes)
        .map_err(|e| format!("the salt {salt:?} is not 16 bytes in hex: {e}"))?;
    if hex::encode(salt_bytes) != salt {
        return Err(format!("the salt {salt:?} is not in lower-case hex"));
    }
    Ok(salt_bytes)
}

fn read_payload<'a>(
    media: Cow<'a, str>,
    salt: [u8; SALT_BYTES],
    bytes: &'a [u8],
) -> Result<PayloadRef<'a>, String> {
    if media.len() > 255 {
        return Err(format!(
            "the media type has {} bytes, at most 255",
            media.len()
        ));
    }
    Ok(PayloadRef { media, salt, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_header_without_escapes_is_read_as_any_is_and_no_other_one(
            media in prop_oneof!["[ -~]{0,20}", "\\PC{0,300}"],
            salt in any::<[u8; SALT_BYTES]>(),
            edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        ) {
            let payload = Payload { media, salt, bytes: Vec::new() };
            let whole = write(Slot::Shown(&payload));
            let mut header = whole.clone();
            for (at, byte) in edits {
                let at = at.index(header.len());
                header[at] = byte;
            }
            prop_assert_eq!(read(&header, b""), read_any(&header, b""));
            let plain = plain(&whole).is_some();
            prop_assert_eq!(plain, !payload.media.contains(['"', '\\']));
        }
    }
}
