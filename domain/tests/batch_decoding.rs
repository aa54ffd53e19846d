//! What a sensor batch may be, and everything that it may not.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use ciborium::Value as Cbor;
use proptest::{collection::btree_map, collection::vec, option, prelude::*};
use sealrock_domain::{
    MAX_SAFE_INTEGER,
    telemetry::{
        CBOR, DecodeError, JSON, MAX_BATCH_BYTES, MAX_READINGS, Quality, Reading, SIGNED_BATCH,
        SensorBatch, Source, Value, assess, command_id, decode, dedup_key, media_type_of,
    },
};

const READING: &str = r#"{"metric":"co2_ppm","at":"2026-11-21T03:12:45.120Z","value":412.7}"#;

fn with(fields: &str) -> String {
    format!(r#"{{{fields}"readings":[{READING}]}}"#)
}

fn reading(fields: &str) -> String {
    format!(r#"{{"readings":[{{{fields}}}]}}"#)
}

fn refusal(batch: impl AsRef<[u8]>) -> String {
    decode(batch.as_ref()).unwrap_err().to_string()
}

fn cbor(value: &Cbor) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

fn cbor_reading(value: Cbor) -> Vec<u8> {
    let text = |text: &str| Cbor::Text(text.to_owned());
    let reading = vec![
        (text("metric"), text("co2_ppm")),
        (text("at"), text("2026-11-21T03:12:45Z")),
        (text("value"), value),
    ];
    cbor(&Cbor::Map(vec![(
        text("readings"),
        Cbor::Array(vec![Cbor::Map(reading)]),
    )]))
}

#[test]
fn the_documented_example_is_read() {
    let json = r#"{"seq":42,"readings":[{"metric":"co2_ppm","at":"2026-11-21T03:12:45.120Z","value":412.7,"unit":"ppm","quality":"good"}],"device_time":"2026-11-21T03:12:45.300Z"}"#;
    let at = "2026-11-21T03:12:45.120Z".parse().unwrap();
    let metric = "co2_ppm".parse().unwrap();
    let (value, unit) = (Value::Number(412.7), Some("ppm".to_owned()));
    let reading = Reading {
        metric,
        at,
        value,
        unit,
        quality: Quality::Good,
    };
    let expected = SensorBatch {
        seq: Some(42),
        boot: None,
        readings: vec![reading],
        device_time: Some("2026-11-21T03:12:45.300Z".parse().unwrap()),
        source: None,
        tags: BTreeMap::new(),
    };
    assert_eq!(decode(json.as_bytes()).unwrap(), expected);
}

#[test]
fn values_are_numbers_booleans_and_texts() {
    for (json, value) in [
        ("1", Value::Number(1.0)),
        ("-3", Value::Number(-3.0)),
        ("9007199254740993", Value::Number(9_007_199_254_740_992.0)),
        ("false", Value::Bool(false)),
        ("\"open\"", Value::Text("open".into())),
    ] {
        let batch = reading(&format!(
            r#""metric":"co2_ppm","at":"2026-11-21T03:12:45Z","value":{json}"#
        ));
        assert_eq!(decode(batch.as_bytes()).unwrap().readings[0].value, value);
    }
}

#[test]
fn an_offset_is_converted_to_utc() {
    let batch = with(r#""device_time":"2026-11-21T05:12:45+02:00","#);
    let expected: DateTime<Utc> = "2026-11-21T03:12:45Z".parse().unwrap();
    assert_eq!(
        decode(batch.as_bytes()).unwrap().device_time,
        Some(expected)
    );
}

#[test]
fn a_null_option_is_an_absent_one() {
    let nulls = r#""seq":null,"boot":null,"device_time":null,"source":null,"tags":null,"#;
    assert_eq!(decode(with(nulls).as_bytes()), decode(with("").as_bytes()));
}

#[test]
fn the_first_byte_decides_the_format() {
    assert_eq!(media_type_of(b'{'), Some(JSON));
    assert_eq!(
        (media_type_of(0xA0), media_type_of(0xBF)),
        (Some(CBOR), Some(CBOR))
    );
    for first_byte in [b' ', b'[', b'\n', 0x00, 0x01, 0x9F, 0xC0, 0xEF] {
        let known = (first_byte == 0x01).then_some(SIGNED_BATCH);
        assert_eq!(media_type_of(first_byte), known);
        let bytes = [&[first_byte][..], with("").as_bytes()].concat();
        assert_eq!(
            decode(&bytes),
            Err(DecodeError::UnknownFormat { first_byte })
        );
    }
    assert_eq!(decode(b""), Err(DecodeError::Empty));
}

#[test]
fn unknown_fields_are_refused() {
    assert!(refusal(with(r#""sequence":1,"#)).contains("unknown field `sequence`"));
    let extra = r#""metric":"co2_ppm","at":"2026-11-21T03:12:45Z","value":1,"x":1"#;
    assert!(refusal(reading(extra)).contains("unknown field `x`"));
}

#[test]
fn a_batch_with_two_equal_keys_is_refused() {
    assert!(refusal(with(r#""seq":1,"seq":1,"#)).contains("duplicate field `seq`"));
    let twice = r#""metric":"co2_ppm","at":"2026-11-21T03:12:45Z","value":1,"value":2"#;
    assert!(refusal(reading(twice)).contains("duplicate field `value`"));
    assert!(refusal(with(r#""tags":{"a":"1","a":"2"},"#)).contains("duplicate tag `a`"));
    assert!(refusal(with(r#""tags":{"a":"1","\u0061":"2"},"#)).contains("duplicate tag `a`"));
}

#[test]
fn a_text_of_unknown_length_in_cbor_is_read_as_any_is() {
    let seven = |text: &str| {
        let (head, tail) = text.split_at(3);
        let mut bytes = vec![0x7f];
        for part in [head, tail] {
            bytes.extend(cbor(&Cbor::Text(part.to_owned())));
        }
        bytes.push(0xff);
        bytes
    };
    let mut batch = vec![0xa1];
    batch.extend(cbor(&Cbor::Text("readings".into())));
    batch.extend([0x81, 0xa3]);
    for (key, value) in [
        ("metric", seven("co2_ppm")),
        ("at", seven("2026-11-21T03:12:45Z")),
        ("value", vec![0x01]),
    ] {
        batch.extend(cbor(&Cbor::Text(key.into())));
        batch.extend(value);
    }
    let read = decode(&batch).unwrap();
    assert_eq!(read.readings[0].metric.as_str(), "co2_ppm");
}

#[test]
fn two_equal_keys_in_cbor_are_refused() {
    let pair = (Cbor::Text("seq".into()), Cbor::Integer(1.into()));
    let twice = cbor(&Cbor::Map(vec![pair.clone(), pair]));
    assert!(refusal(twice).contains("duplicate field `seq`"));
    let tag = (Cbor::Text("a".into()), Cbor::Text("1".into()));
    let tags = (Cbor::Text("tags".into()), Cbor::Map(vec![tag.clone(), tag]));
    assert!(refusal(cbor(&Cbor::Map(vec![tags]))).contains("duplicate tag `a`"));
}

#[test]
fn missing_fields_are_named() {
    assert!(refusal("{}").contains("missing field `readings`"));
    assert!(refusal(reading(r#""metric":"co2_ppm","value":1"#)).contains("missing field `at`"));
    assert!(refusal([0xA0]).contains("missing field `readings`"));
}

#[test]
fn a_reading_written_as_an_array_is_refused() {
    let refused = refusal(r#"{"readings":[["co2_ppm","2026-11-21T03:12:45Z",1,null,null]]}"#);
    assert!(refused.contains("an object"), "{refused}");
}

#[test]
fn bytes_after_the_end_are_refused() {
    assert!(refusal(with("") + "{}").contains("trailing characters"));
    let mut bytes = cbor_reading(Cbor::Bool(true));
    assert!(decode(&bytes).is_ok());
    bytes.push(0xA0);
    assert_eq!(
        refusal(bytes),
        "not a sensor batch in CBOR: 1 bytes follow the map"
    );
}

#[test]
fn truncated_cbor_is_refused() {
    let bytes = cbor_reading(Cbor::Float(1.5));
    for length in 1..bytes.len() {
        assert!(decode(&bytes[..length]).is_err(), "{length}");
    }
}

#[test]
fn numbers_that_are_not_finite_are_refused() {
    let at = r#""metric":"co2_ppm","at":"2026-11-21T03:12:45Z""#;
    for value in ["1e400", "NaN", "Infinity"] {
        assert!(decode(reading(&format!("{at},\"value\":{value}")).as_bytes()).is_err());
    }
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(refusal(cbor_reading(Cbor::Float(value))).contains("not a finite number"));
    }
}

#[test]
fn values_of_other_shapes_are_refused() {
    let at = r#""metric":"co2_ppm","at":"2026-11-21T03:12:45Z""#;
    for value in ["null", "[1]", "{\"n\":1}"] {
        assert!(decode(reading(&format!("{at},\"value\":{value}")).as_bytes()).is_err());
    }
    let decimal_fraction = vec![Cbor::Integer((-2).into()), Cbor::Integer(273.into())];
    for value in [
        Cbor::Null,
        Cbor::Bytes(vec![1]),
        Cbor::Tag(4, Box::new(Cbor::Array(decimal_fraction))),
    ] {
        assert!(decode(&cbor_reading(value)).is_err());
    }
}

#[test]
fn one_to_ten_thousand_readings_are_read() {
    let readings = |count| format!(r#"{{"readings":[{}]}}"#, vec![READING; count].join(","));
    assert_eq!(
        decode(readings(MAX_READINGS).as_bytes())
            .unwrap()
            .readings
            .len(),
        10_000
    );
    assert!(refusal(readings(MAX_READINGS + 1)).contains("more than 10000 readings"));
    assert_eq!(
        refusal(readings(0)),
        "readings: a batch has at least one reading"
    );
}

#[test]
fn one_mebibyte_is_read_and_a_byte_more_is_not() {
    let padded = |bytes: usize| with("") + &" ".repeat(bytes - with("").len());
    assert!(decode(padded(MAX_BATCH_BYTES).as_bytes()).is_ok());
    let bytes = MAX_BATCH_BYTES + 1;
    assert_eq!(
        decode(padded(bytes).as_bytes()),
        Err(DecodeError::TooLarge { bytes })
    );
}

#[test]
fn seq_ends_at_two_to_the_53() {
    let seq = |seq: &str| decode(with(&format!("\"seq\":{seq},")).as_bytes());
    assert_eq!(seq("9007199254740991").unwrap().seq, Some(MAX_SAFE_INTEGER));
    for wrong in ["9007199254740992", "-1", "1.0", "\"1\""] {
        assert!(seq(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn texts_are_bounded_and_printable() {
    let boot = |length| with(&format!(r#""boot":"{}","#, "é".repeat(length)));
    assert!(decode(boot(64).as_bytes()).is_ok());
    assert_eq!(refusal(boot(65)), "boot: has 65 characters, not 1 to 64");
    assert_eq!(refusal(boot(0)), "boot: has 0 characters, not 1 to 64");
    assert!(refusal(with(r#""boot":"a\u0000","#)).contains("control characters"));
    let value = |text: &str| {
        reading(&format!(
            r#""metric":"co2_ppm","at":"2026-11-21T03:12:45Z","value":"{text}""#
        ))
    };
    assert!(decode(value(&"x".repeat(1024)).as_bytes()).is_ok());
    assert!(refusal(value(&"x".repeat(1025))).contains("1025 bytes, more than 1024"));
    assert!(refusal(value("a\\u0000")).contains("readings[0].value: contains a NUL"));
    assert!(refusal(with(r#""tags":{"a":"\u0000"},"#)).contains("tags: contains a NUL"));
}

#[test]
fn wrong_words_are_refused_with_the_choices() {
    let source = refusal(with(r#""source":"Real","#));
    assert_eq!(
        source,
        "source: \"Real\" is not one of real, simulator, migrated"
    );
    assert!(decode(with(r#""source":{"real":null},"#).as_bytes()).is_err());
    let metric = reading(r#""metric":"CO2 ppm","at":"2026-11-21T03:12:45Z","value":1"#);
    assert!(refusal(metric).starts_with("readings[0].metric: \"CO2 ppm\" is not a metric name"));
}

#[test]
fn times_without_an_offset_or_date_are_refused() {
    for time in [
        "2026-11-21T03:12:45",
        "2026-11-21",
        "03:12:45Z",
        "1795230000",
        "2026-13-01T00:00:00Z",
        "9999-12-31T23:59:59-12:00",
    ] {
        let refused = refusal(with(&format!(r#""device_time":"{time}","#)));
        assert!(
            refused.starts_with(&format!("device_time: \"{time}\"")),
            "{refused}"
        );
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let number = any::<f64>().prop_filter("finite", |number| number.is_finite());
    prop_oneof![
        number.prop_map(Value::Number),
        any::<i32>().prop_map(|number| Value::Number(number.into())),
        any::<bool>().prop_map(Value::Bool),
        "[^\\x00]{0,40}".prop_map(Value::Text),
    ]
}

fn any_time() -> impl Strategy<Value = DateTime<Utc>> {
    // Years 1 to 9999, to the nanosecond.
    (-62_135_596_800_i64..253_402_300_800, 0_u32..1_000_000_000)
        .prop_map(|(seconds, nanos)| DateTime::from_timestamp(seconds, nanos).unwrap())
}

fn any_reading() -> impl Strategy<Value = Reading> {
    let quality = prop_oneof![
        Just(Quality::Good),
        Just(Quality::Uncertain),
        Just(Quality::Bad)
    ];
    let metric = prop_oneof!["co2_ppm", "temperature", "[a-z][a-z0-9_]{0,63}"];
    let unit = option::of(prop_oneof!["ppm", "°C", "[^\\p{Cc}]{0,64}"]);
    (metric, any_time(), any_value(), unit, quality).prop_map(
        |(metric, at, value, unit, quality)| Reading {
            metric: metric.parse().unwrap(),
            at,
            value,
            unit,
            quality,
        },
    )
}

fn any_batch() -> impl Strategy<Value = SensorBatch> {
    let source = prop_oneof![
        Just(Source::Real),
        Just(Source::Simulator),
        Just(Source::Migrated)
    ];
    (
        option::of(0..=MAX_SAFE_INTEGER),
        option::of("[^\\p{Cc}]{1,64}"),
        vec(any_reading(), 1..20),
        option::of(any_time()),
        option::of(source),
        btree_map("[^\\p{Cc}]{1,16}", "[^\\x00]{0,40}", 0..5),
    )
        .prop_map(
            |(seq, boot, readings, device_time, source, tags)| SensorBatch {
                seq,
                boot,
                readings,
                device_time,
                source,
                tags,
            },
        )
}

/// Walks every rule that a decoded batch meets: none of them may panic either.
fn judge(bytes: &[u8]) {
    if let Ok(batch) = decode(bytes) {
        let verdicts = assess(&batch, DateTime::UNIX_EPOCH);
        assert_eq!(verdicts.len(), batch.readings.len());
        let _ = command_id(&dedup_key(uuid::Uuid::nil().into(), &batch, "topic", bytes));
    }
}

proptest! {
    #[test]
    fn the_same_fields_in_json_and_cbor_are_the_same_batch(batch in any_batch()) {
        let json = serde_json::to_vec(&batch).unwrap();
        let mut cbor = Vec::new();
        ciborium::into_writer(&batch, &mut cbor).unwrap();
        prop_assert_eq!(&decode(&json).unwrap(), &batch);
        prop_assert_eq!(&decode(&cbor).unwrap(), &batch);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..200), first in any::<u8>()) {
        judge(&bytes);
        for first in [first, b'{', 0xA3, 0xBF] {
            judge(&[&[first], &bytes[..]].concat());
        }
    }

    #[test]
    fn damaged_batches_never_panic(
        batch in any_batch(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut cbor = Vec::new();
        ciborium::into_writer(&batch, &mut cbor).unwrap();
        for mut bytes in [serde_json::to_vec(&batch).unwrap(), cbor] {
            for (at, byte) in &damage {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            judge(&bytes);
            judge(&bytes[..cut.index(bytes.len())]);
        }
    }
}
