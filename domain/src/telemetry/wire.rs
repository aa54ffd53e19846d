//! The shape of a batch as serde reads it, the same for JSON and CBOR.
//!
//! Stricter than serde's derive in three ways: an array never stands for a struct, a
//! choice is a text and nothing else, and no map holds a key twice.

use std::{collections::BTreeMap, fmt, marker::PhantomData, str::FromStr};

use chrono::{DateTime, Datelike, Utc};

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

use super::{MAX_READINGS, MetricName, Quality, Value};

/// A batch before its texts are checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireBatch {
    pub seq: Option<u64>,
    pub boot: Option<String>,
    #[serde(deserialize_with = "readings")]
    pub readings: Vec<Map<WireReading>>,
    pub device_time: Option<Read<Time>>,
    pub source: Option<String>,
    pub tags: Option<Tags>,
}

/// A reading before its texts are checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireReading {
    pub metric: Read<MetricName>,
    pub at: Read<Time>,
    pub value: Value,
    pub unit: Option<String>,
    pub quality: Option<Read<Quality>>,
}

/// A time as RFC 3339 writes it, which `DateTime`'s own reading is more lenient about.
pub(super) struct Time(pub DateTime<Utc>);

impl FromStr for Time {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let time = DateTime::parse_from_rfc3339(text).map_err(|_| ())?.to_utc();
        // An offset can push the first and last day of RFC 3339 out of its own years.
        let writable = (0..=9999).contains(&time.year());
        writable.then_some(Self(time)).ok_or(())
    }
}

/// What a text says, or the text if it says none: most texts are read where they lie, without a copy.
pub(super) struct Read<T>(pub Result<T, String>);

impl<'de, T: FromStr> Deserialize<'de> for Read<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not deserialize_str: by that CBOR's texts of unknown length would be refused.
        deserializer.deserialize_string(TextVisitor(PhantomData))
    }
}

struct TextVisitor<T>(PhantomData<T>);

impl<T: FromStr> Visitor<'_> for TextVisitor<T> {
    type Value = Read<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Read<T>, E> {
        Ok(Read(text.parse().map_err(|_| text.to_owned())))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Read<T>, E> {
        Ok(Read(text.parse().map_err(|_| text)))
    }
}

/// A struct that is read from a map only; serde's derive also takes arrays.
pub(super) struct Map<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Map<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MapVisitor(PhantomData))
    }
}

struct MapVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for MapVisitor<T> {
    type Value = Map<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Map)
    }
}

/// Stops at the limit, so that a batch of a million tiny readings costs nothing.
fn readings<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Map<WireReading>>, D::Error> {
    deserializer.deserialize_seq(ReadingsVisitor)
}

struct ReadingsVisitor;

impl<'de> Visitor<'de> for ReadingsVisitor {
    type Value = Vec<Map<WireReading>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of readings")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut readings = Vec::new();
        while let Some(reading) = seq.next_element()? {
            if readings.len() == MAX_READINGS {
                return Err(de::Error::custom(format_args!(
                    "more than {MAX_READINGS} readings: send them in several batches"
                )));
            }
            readings.push(reading);
        }
        Ok(readings)
    }
}

/// An object of texts without a key twice.
pub(super) struct Tags(pub BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Tags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TagsVisitor)
    }
}

struct TagsVisitor;

impl<'de> Visitor<'de> for TagsVisitor {
    type Value = Tags;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tags, A::Error> {
        let mut tags = BTreeMap::new();
        while let Some((key, value)) = map.next_entry::<String, String>()? {
            if tags.contains_key(&key) {
                return Err(de::Error::custom(format_args!("duplicate tag `{key}`")));
            }
            tags.insert(key, value);
        }
        Ok(Tags(tags))
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

#[expect(
    clippy::cast_precision_loss,
    reason = "a value is the nearest double, as documented"
)]
impl Visitor<'_> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, a boolean or a string")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_i128<E: de::Error>(self, value: i128) -> Result<Value, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_u128<E: de::Error>(self, value: u128) -> Result<Value, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        if value.is_finite() {
            return Ok(Value::Number(value));
        }
        Err(E::custom(format_args!(
            "{value} is not a finite number: leave the reading out"
        )))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::Text(value))
    }
}
