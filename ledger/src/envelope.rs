//! Writes an entry straight into its canonical bytes.
//!
//! The keys are fixed and stand in canonical order, the values are texts, times and integers: so the
//! bytes can be put one after the other. `serde_json` takes four times as long; a property test holds
//! this to it, and to RFC 8785.

use std::io::Write;

use chrono::{DateTime, Datelike, Timelike, Utc};

use crate::entry::{EntryError, MAX_ENTRY_BYTES};
use crate::name::{Index, Origin};

/// What an [`crate::Entry`] holds, borrowed from where it came: see there.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the fields are those of Entry")]
pub struct Envelope<'a> {
    pub actor: &'a str,
    pub cause: &'a str,
    pub command: &'a str,
    pub index: Index,
    pub ledger: &'a Origin,
    pub payload: [u8; 32],
    pub prev: [u8; 32],
    pub received_at: DateTime<Utc>,
    pub recorded_at: DateTime<Utc>,
    pub schema: u32,
    pub stream: &'a str,
    pub kind: &'a str,
    pub v: u32,
    pub version: u64,
    pub via: &'a str,
}

/// Bytes of keys, digests, times and the like; texts and numbers come on top.
const FRAME: usize = 480;

impl Envelope<'_> {
    /// The canonical bytes.
    ///
    /// # Errors
    /// [`EntryError::TooLarge`] above [`MAX_ENTRY_BYTES`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, EntryError> {
        let texts = [self.actor, self.cause, self.command, self.stream];
        let more = [self.kind, self.via, self.ledger.as_str()];
        let length: usize = texts.iter().chain(&more).map(|text| text.len()).sum();
        let mut out = Vec::with_capacity(FRAME + length);
        self.write(&mut out);
        if out.len() > MAX_ENTRY_BYTES {
            return Err(EntryError::TooLarge(out.len()));
        }
        Ok(out)
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"actor\":");
        text(out, self.actor);
        out.extend_from_slice(b",\"cause\":");
        text(out, self.cause);
        out.extend_from_slice(b",\"command\":");
        text(out, self.command);
        out.extend_from_slice(b",\"index\":");
        number(out, self.index.0);
        out.extend_from_slice(b",\"ledger\":");
        text(out, self.ledger.as_str());
        out.extend_from_slice(b",\"payload\":\"");
        digest(out, &self.payload);
        out.extend_from_slice(b"\",\"prev\":\"");
        digest(out, &self.prev);
        out.extend_from_slice(b"\",\"received_at\":\"");
        time(out, self.received_at);
        out.extend_from_slice(b"\",\"recorded_at\":\"");
        time(out, self.recorded_at);
        out.extend_from_slice(b"\",\"schema\":");
        number(out, self.schema.into());
        out.extend_from_slice(b",\"stream\":");
        text(out, self.stream);
        out.extend_from_slice(b",\"type\":");
        text(out, self.kind);
        out.extend_from_slice(b",\"v\":");
        number(out, self.v.into());
        out.extend_from_slice(b",\"version\":");
        number(out, self.version);
        out.extend_from_slice(b",\"via\":");
        text(out, self.via);
        out.push(b'}');
    }
}

/// A JSON string. Only quotes, backslashes and control characters are escaped.
fn text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    if text.bytes().all(plain) {
        out.extend_from_slice(text.as_bytes());
    } else {
        text.bytes().for_each(|byte| escaped(out, byte));
    }
    out.push(b'"');
}

fn escaped(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0c => b'f',
        b'\r' => b'r',
        0..0x20 => {
            out.extend_from_slice(b"\\u00");
            return digest(out, &[byte]);
        }
        _ => return out.push(byte),
    };
    out.extend_from_slice(&[b'\\', short]);
}

fn number(out: &mut Vec<u8>, number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = number;
    loop {
        at -= 1;
        digits[at] = digit(rest % 10);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Lower-case hex digits.
fn digest(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        let (high, low) = (usize::from(byte >> 4), usize::from(byte & 15));
        out.extend_from_slice(&[DIGITS[high], DIGITS[low]]);
    }
}

/// RFC 3339, UTC, exactly six decimals.
fn time(out: &mut Vec<u8>, time: DateTime<Utc>) {
    let year = u64::try_from(time.year()).ok().filter(|year| *year <= 9999);
    let (Some(year), 0..1_000_000_000) = (year, time.nanosecond()) else {
        // A leap second, or a year with a sign: nothing that a clock of ours says.
        let _ = write!(out, "{}", time.format("%Y-%m-%dT%H:%M:%S%.6fZ"));
        return;
    };
    padded::<4>(out, year);
    for (before, value) in [
        (b'-', time.month()),
        (b'-', time.day()),
        (b'T', time.hour()),
        (b':', time.minute()),
        (b':', time.second()),
    ] {
        out.push(before);
        padded::<2>(out, value.into());
    }
    out.push(b'.');
    padded::<6>(out, (time.nanosecond() / 1000).into());
    out.push(b'Z');
}

fn padded<const WIDTH: usize>(out: &mut Vec<u8>, number: u64) {
    let mut digits = [b'0'; WIDTH];
    let mut rest = number;
    for place in digits.iter_mut().rev() {
        *place = digit(rest % 10);
        rest /= 10;
    }
    out.extend_from_slice(&digits);
}

#[expect(clippy::cast_possible_truncation, reason = "a digit is below 10")]
fn digit(value: u64) -> u8 {
    b'0' + value as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Entry;
    use proptest::prelude::*;

    fn any_time() -> impl Strategy<Value = DateTime<Utc>> {
        let far = (-70_000_000_000i64..300_000_000_000, 0u32..2_000_000_000)
            .prop_filter_map("chrono's leap seconds", |(seconds, nanos)| {
                DateTime::from_timestamp(seconds, nanos)
            });
        let near = (0i64..4_000_000_000_000_000)
            .prop_filter_map("in range", DateTime::from_timestamp_micros);
        prop_oneof![far, near]
    }

    /// All of JSON's special characters often, and all of Unicode.
    fn any_text() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-z0-9/-]{0,60}",
            "[\\x00-\\x21\"\\\\\\x7f-\\xa0\\u2028\\u{1F600}]{0,12}",
            any::<String>(),
        ]
    }

    prop_compose! {
        fn any_entry()(
            texts in prop::collection::vec(any_text(), 6),
            name in "[a-z0-9][a-z0-9-]{0,20}",
            numbers in (any::<u64>(), any::<u64>(), any::<u32>(), any::<u32>()),
            digests in any::<([u8; 32], [u8; 32])>(),
            times in (any_time(), any_time()),
        ) -> Entry {
            let [actor, cause, command, stream, kind, via] = texts.try_into().expect("six");
            let (index, version, schema, v) = numbers;
            Entry {
                actor, cause, command, stream, kind, via, version, schema, v,
                index: Index(index),
                ledger: Origin::new("sealrock.test", &name.parse().expect("a name")),
                payload: digests.0,
                prev: digests.1,
                received_at: times.0,
                recorded_at: times.1,
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn the_bytes_are_those_of_serde_json(entry in any_entry()) {
            let ours = entry.to_bytes().expect("small");
            prop_assert_eq!(
                String::from_utf8(ours).expect("UTF-8"),
                serde_json::to_string(&entry).expect("JSON")
            );
        }

        #[test]
        fn the_bytes_are_canonical_while_the_numbers_are_safe_integers(mut entry in any_entry()) {
            // RFC 8785 knows doubles only.
            entry.index.0 >>= 11;
            entry.version >>= 11;
            let ours = entry.to_bytes().expect("small");
            prop_assert_eq!(ours, serde_json_canonicalizer::to_vec(&entry).expect("JSON"));
        }
    }
}
