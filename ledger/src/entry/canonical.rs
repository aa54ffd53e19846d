//! The one form of an entry, read in one pass.
//!
//! A verifier reads every entry of a ledger and has to know that its bytes are canonical. To parse
//! them and write them again costs ten times as much as this: keys in their order, no space, one
//! way to write each value. What it takes, [`Entry`]'s serde reader takes too and gives the same,
//! and writes back the same bytes; texts with escapes it leaves to that reader.

use chrono::{DateTime, NaiveDate, Utc};

use super::{Entry, MAX_ENTRY_BYTES};
use crate::name::{Index, Origin};

/// The entry, if these are its canonical bytes and no text in it has an escape.
pub(super) fn read(bytes: &[u8]) -> Option<Entry> {
    if bytes.len() > MAX_ENTRY_BYTES {
        return None;
    }
    let mut rest = Rest(std::str::from_utf8(bytes).ok()?);
    let entry = Entry {
        actor: rest.text(r#"{"actor":"#)?.to_owned(),
        cause: rest.text(r#","cause":"#)?.to_owned(),
        command: rest.text(r#","command":"#)?.to_owned(),
        index: Index(rest.number(r#","index":"#)?),
        ledger: Origin::from_stored(rest.text(r#","ledger":"#)?.to_owned()),
        payload: rest.digest(r#","payload":"#)?,
        prev: rest.digest(r#","prev":"#)?,
        received_at: rest.time(r#","received_at":"#)?,
        recorded_at: rest.time(r#","recorded_at":"#)?,
        schema: rest.number(r#","schema":"#)?.try_into().ok()?,
        stream: rest.text(r#","stream":"#)?.to_owned(),
        kind: rest.text(r#","type":"#)?.to_owned(),
        v: rest.number(r#","v":"#)?.try_into().ok()?,
        version: rest.number(r#","version":"#)?,
        via: rest.text(r#","via":"#)?.to_owned(),
    };
    (rest.0 == "}").then_some(entry)
}

/// What is still to be read.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    /// A text after its key.
    fn text(&mut self, key: &str) -> Option<&'a str> {
        let text = self.0.strip_prefix(key)?.strip_prefix('"')?;
        let ends = |byte: &u8| matches!(byte, b'"' | b'\\' | ..b' ');
        let end = text.as_bytes().iter().position(ends)?;
        let (text, rest) = text.split_at(end);
        self.0 = rest.strip_prefix('"')?;
        Some(text)
    }

    /// A number after its key: no sign, no zero in front.
    fn number(&mut self, key: &str) -> Option<u64> {
        let text = self.0.strip_prefix(key)?;
        let end = text.bytes().position(|byte| !byte.is_ascii_digit())?;
        let (digits, rest) = text.split_at(end);
        if digits.len() > 1 && digits.starts_with('0') {
            return None;
        }
        self.0 = rest;
        digits.parse().ok()
    }

    fn digest(&mut self, key: &str) -> Option<[u8; 32]> {
        digest(self.text(key)?)
    }

    fn time(&mut self, key: &str) -> Option<DateTime<Utc>> {
        time(self.text(key)?.as_bytes().try_into().ok()?)
    }
}

/// 64 lower-case hex digits.
pub(crate) fn digest<const N: usize>(text: &str) -> Option<[u8; N]> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    let mut wrong = 0;
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        let (high, low) = (NIBBLES[usize::from(*high)], NIBBLES[usize::from(*low)]);
        wrong |= high | low;
        *byte = high << 4 | (low & 0x0f);
    }
    (wrong < NO_NIBBLE).then_some(bytes)
}

/// Marks what is no lower-case hex digit.
const NO_NIBBLE: u8 = 0x10;

const NIBBLES: [u8; 256] = {
    let mut nibbles = [NO_NIBBLE; 256];
    let mut value: u8 = 0;
    while value < 16 {
        nibbles[b"0123456789abcdef"[value as usize] as usize] = value;
        value += 1;
    }
    nibbles
};

/// `2026-11-21T03:12:45.120001Z`. A leap second is left to the other reader.
fn time(text: &[u8; 27]) -> Option<DateTime<Utc>> {
    let marks = [
        (4, b'-'),
        (7, b'-'),
        (10, b'T'),
        (13, b':'),
        (16, b':'),
        (19, b'.'),
        (26, b'Z'),
    ];
    if marks.iter().any(|(at, mark)| text[*at] != *mark) {
        return None;
    }
    let number = |from: usize, to: usize| {
        text[from..to].iter().try_fold(0u32, |number, digit| {
            digit
                .is_ascii_digit()
                .then(|| number * 10 + u32::from(digit - b'0'))
        })
    };
    let year = i32::try_from(number(0, 4)?).ok()?;
    NaiveDate::from_ymd_opt(year, number(5, 7)?, number(8, 10)?)?
        .and_hms_micro_opt(
            number(11, 13)?,
            number(14, 16)?,
            number(17, 19)?,
            number(20, 26)?,
        )
        .map(|time| time.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The oracle: parse, write again, compare.
    fn oracle(bytes: &[u8]) -> Option<Entry> {
        let entry: Entry = serde_json::from_slice(bytes).ok()?;
        (entry.to_bytes().ok()? == bytes).then_some(entry)
    }

    const GOLDEN: &[u8] = include_bytes!("../../tests/golden/entry.json");

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            "[ -~&&[^\"\\\\]]{0,20}",
            "\\PC{0,8}".prop_filter("escapes are for the other reader", |text| {
                !text.contains(['"', '\\'])
            }),
        ]
    }

    fn moment() -> impl Strategy<Value = DateTime<Utc>> {
        // Year 0 to 9999.
        (-62_167_219_200_000_000i64..253_402_300_800_000_000)
            .prop_map(|micros| DateTime::from_timestamp_micros(micros).expect("in range"))
    }

    prop_compose! {
        fn entry()(
            texts in prop::collection::vec(text(), 7),
            numbers in prop::collection::vec(prop_oneof![any::<u64>(), 0..300u64], 2),
            (schema, v) in (any::<u32>(), any::<u32>()),
            (payload, prev) in (any::<[u8; 32]>(), any::<[u8; 32]>()),
            (received_at, recorded_at) in (moment(), moment()),
        ) -> Entry {
            let text = |n: usize| texts[n].clone();
            Entry {
                actor: text(0),
                cause: text(1),
                command: text(2),
                index: Index(numbers[0]),
                ledger: Origin::from_stored(text(3)),
                payload,
                prev,
                received_at,
                recorded_at,
                schema,
                stream: text(4),
                kind: text(5),
                v,
                version: numbers[1],
                via: text(6),
            }
        }
    }

    proptest! {
        #[test]
        fn every_entry_without_escapes_is_read_as_the_oracle_reads_it(entry in entry()) {
            let bytes = entry.to_bytes().expect("small");
            prop_assert_eq!(read(&bytes), Some(entry.clone()));
            prop_assert_eq!(oracle(&bytes), Some(entry));
        }

        #[test]
        fn with_changed_bytes_nothing_is_read_that_the_oracle_refuses(
            entry in entry(),
            edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 1..4),
        ) {
            for mut bytes in [entry.to_bytes().expect("small"), GOLDEN.to_vec()] {
                for (at, byte, how) in &edits {
                    let at = at.index(bytes.len());
                    match how {
                        0 => bytes[at] = *byte,
                        1 => drop(bytes.remove(at)),
                        _ => bytes.insert(at, *byte),
                    }
                }
                if let Some(read) = read(&bytes) {
                    prop_assert_eq!(Some(read), oracle(&bytes));
                } else if let Some(entry) = oracle(&bytes) {
                    prop_assert!(bytes.contains(&b'\\'), "{:?}", entry);
                }
            }
        }
    }

    #[test]
    fn every_byte_of_the_golden_entry_changed_to_every_other_is_read_as_the_oracle_reads_it() {
        let mut bytes = GOLDEN.to_vec();
        for at in 0..bytes.len() {
            let kept = bytes[at];
            for byte in 0..=u8::MAX {
                bytes[at] = byte;
                // A second of 60 and an escape are all that this reader leaves to the other one.
                if byte != b'\\' {
                    assert_eq!(read(&bytes), oracle(&bytes), "byte {at} as {byte}");
                }
            }
            bytes[at] = kept;
        }
    }

    #[test]
    fn other_spellings_of_the_same_values_are_not_taken() {
        let golden = std::str::from_utf8(GOLDEN).expect("text");
        for (from, to) in [
            ("\"index\":12", "\"index\":012"),
            ("\"index\":12", "\"index\":+12"),
            ("\"index\":12", "\"index\":12.0"),
            ("\"index\":12", "\"index\":18446744073709551616"),
            ("\"v\":1", "\"v\":4294967296"),
            ("\"v\":1", "\"v\": 1"),
            ("\"v\":1", "\"v\":-1"),
            ("abab", "ABab"),
            (".120001Z", ".12000Z"),
            (".120001Z", ".1200010Z"),
            ("T03:12:45.120001", "T03:12:60.120001"),
            ("T03:12", "T24:12"),
            ("2026-11-21", "2026-11-31"),
            ("2026-11-21", "02026-11-21"),
            ("\"mqtt:", "\"\\u006dqtt:"),
            ("\"mqtt:", "\"\u{1}mqtt:"),
            ("batch\"}", "batch\"}\n"),
            ("batch\"}", "batch\""),
        ] {
            let changed = golden.replacen(from, to, 1);
            assert_ne!(changed, golden);
            assert_eq!(read(changed.as_bytes()), None, "{changed}");
        }
        assert!(read(GOLDEN).is_some() && read(b"").is_none() && read(b"\xff").is_none());
    }
}
