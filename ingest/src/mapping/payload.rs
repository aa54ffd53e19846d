//! A message to a batch, digit for digit.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use sealrock_domain::telemetry::{Source, decode};
use serde::Serialize;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::config::{PayloadForm, TopicMapping};
use super::time;

/// The batch as it is written: values are texts of JSON, so that no printer comes between.
#[derive(Serialize)]
struct Batch<'a> {
    readings: Vec<Reading<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
struct Reading<'a> {
    metric: &'a str,
    at: String,
    value: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
}

/// The members of an object, none of them twice.
struct Members<'a>(BTreeMap<String, &'a RawValue>);

/// The batch of a message, as JSON that [`decode`] takes.
pub(super) fn read(
    config: &TopicMapping,
    metric: &str,
    message: &str,
    received_at: DateTime<Utc>,
) -> Result<Vec<u8>, String> {
    let batch = match config.payload {
        PayloadForm::Number => bare(config, metric, message, received_at)?,
        PayloadForm::Object => object(config, metric, message, received_at)?,
    };
    let bytes = serde_json::to_vec(&batch).map_err(|error| error.to_string())?;
    decode(&bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

fn bare<'a>(
    config: &TopicMapping,
    metric: &'a str,
    message: &str,
    received_at: DateTime<Utc>,
) -> Result<Batch<'a>, String> {
    let value =
        number(message.trim()).ok_or_else(|| format!("\"{}\" is no number", shown(message)))?;
    let reading = Reading {
        metric,
        at: time::of_receipt(received_at),
        value,
        unit: config.unit.clone(),
    };
    Ok(Batch {
        readings: vec![reading],
        source: None,
        tags: BTreeMap::new(),
    })
}

fn object<'a>(
    config: &'a TopicMapping,
    metric: &'a str,
    message: &str,
    received_at: DateTime<Utc>,
) -> Result<Batch<'a>, String> {
    let fields = &config.fields;
    let at = time::read(config, find(message, &fields.time)?, received_at)?;
    let unit = text_of(message, &fields.unit)?.map(|unit| renamed(&config.units, unit));
    let unit = unit.or_else(|| config.unit.clone());
    let reading = |metric: &'a str, raw: &RawValue, unit: Option<String>| {
        Ok::<_, String>(Reading {
            metric,
            at: at.clone(),
            value: value(config, raw)?,
            unit,
        })
    };
    let mut readings = Vec::new();
    if config.values.is_empty() {
        let raw = find(message, &fields.value)?
            .ok_or_else(|| format!("the message has no field \"{}\"", fields.value))?;
        readings.push(reading(metric, raw, unit)?);
    } else {
        for (field, metric) in &config.values {
            if let Some(raw) = find(message, field)? {
                readings.push(reading(metric, raw, unit.clone())?);
            }
        }
    }
    let said = text_of(message, &fields.source)?;
    let source = said.as_deref().and_then(|said| said.parse().ok());
    let tag = said.filter(|_| source.is_none());
    Ok(Batch {
        readings,
        source,
        tags: tag.map(|said| ("source", said)).into_iter().collect(),
    })
}

fn renamed(names: &BTreeMap<String, String>, name: String) -> String {
    names.get(&name).cloned().unwrap_or(name)
}

/// A value as it was written: a number, a yes or no, a text.
fn value(config: &TopicMapping, raw: &RawValue) -> Result<Box<RawValue>, String> {
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'"') if config.text_numbers => {
            let inner: String = serde_json::from_str(text).map_err(|error| error.to_string())?;
            Ok(number(inner.trim()).unwrap_or_else(|| raw.to_owned()))
        }
        Some(b'{' | b'[' | b'n') | None => Err(format!(
            "the value {} is no number, text or boolean",
            shown(text)
        )),
        Some(_) => Ok(raw.to_owned()),
    }
}

/// The text as a number of JSON, if it is one.
fn number(text: &str) -> Option<Box<RawValue>> {
    let starts = |b: u8| b.is_ascii_digit() || b == b'-';
    text.bytes().next().filter(|b| starts(*b))?;
    RawValue::from_string(text.to_owned()).ok()
}

/// The field of that path.
fn find<'a>(message: &'a str, path: &str) -> Result<Option<&'a RawValue>, String> {
    let mut at = message;
    let mut found = None;
    for name in path.split('.') {
        let members: Members<'a> = serde_json::from_str(at)
            .map_err(|error| format!("the message is no JSON object: {error}"))?;
        found = members.0.get(name).copied();
        match found {
            Some(member) => at = member.get(),
            None => return Ok(None),
        }
    }
    Ok(found.filter(|raw| raw.get() != "null"))
}

fn text_of(message: &str, path: &str) -> Result<Option<String>, String> {
    let read = |raw: &RawValue| {
        serde_json::from_str(raw.get())
            .map_err(|_| format!("\"{path}\" is {} and no text", shown(raw.get())))
    };
    find(message, path)?.map(read).transpose()
}

/// What a message says, fit for an answer.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = BTreeMap::new();
        while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
            if members.insert(name.clone(), value).is_some() {
                return Err(A::Error::custom(format_args!(
                    "\"{name}\" stands there twice"
                )));
            }
        }
        Ok(Members(members))
    }
}
