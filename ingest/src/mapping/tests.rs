//! Mappings as they are written, and what they make of messages.

use serde_json::{Value, json};
use toml::Table;

use super::*;

fn mappings(toml: &str) -> Result<Mappings, MappingError> {
    let table: Table = toml.parse().unwrap();
    let topics = table["topics"].clone().try_into::<Vec<TopicMapping>>();
    Mappings::new(&topics.unwrap())
}

fn received() -> DateTime<Utc> {
    "2026-11-21T03:12:46.5Z".parse().unwrap()
}

fn read(toml: &str, topic: &str, message: &str) -> Result<(String, Value), Rejection> {
    let mappings = mappings(toml).unwrap();
    let found = mappings.find(topic).expect("a pattern fits")?;
    let payload = found.read(message.as_bytes(), received())?;
    let mapped = MappedBatch::parse(&payload).unwrap();
    assert_eq!(
        (mapped.topic.as_str(), mapped.original.as_str()),
        (topic, message)
    );
    // As text: a value would hide which digits stand there.
    let batch = String::from_utf8(mapped.batch.to_vec()).unwrap();
    Ok((found.device.to_string(), json!(batch)))
}

const VIDYUTAI: &str = r#"
    [[topics]]
    pattern = "vidyutai/{site}/{asset}/{metric}"
    organisation = "sunfarm"
"#;

const TOPIC: &str = "vidyutai/field-1/inverter-2/pv_generation";

#[test]
fn the_digits_of_a_message_are_copied_and_not_printed_anew() {
    let message = r#"{"timestamp":"2026-11-21T03:12:45+05:30","value":4.2000,"unit":"kW","source":"simulator"}"#;
    let (device, batch) = read(VIDYUTAI, TOPIC, message).unwrap();
    assert_eq!(device, "sealrock/v1/sunfarm/field-1/inverter-2/batch");
    let expected = r#"{"readings":[{"metric":"pv_generation","at":"2026-11-21T03:12:45+05:30","value":4.2000,"unit":"kW"}],"source":"simulator"}"#;
    assert_eq!(batch, json!(expected));
}

#[test]
fn a_source_that_is_none_of_ours_becomes_a_tag() {
    let message = r#"{"timestamp":"2026-11-21T03:12:45Z","value":1,"source":"modbus"}"#;
    let (_, batch) = read(VIDYUTAI, TOPIC, message).unwrap();
    let batch: Value = serde_json::from_str(batch.as_str().unwrap()).unwrap();
    assert_eq!(batch["tags"], json!({ "source": "modbus" }));
    assert_eq!(batch["source"], Value::Null);
}

#[test]
fn fields_metrics_units_and_names_are_called_as_the_mapping_says() {
    let toml = r#"
        [[topics]]
        pattern = "plants/{plant}/{line}/{tag}"
        organisation = "sunfarm"
        site = "{plant}"
        device = "{line}-logger"
        metric = "{tag}"
        time = "milliseconds"
        text_numbers = true
        names = { "Plant_1" = "plant-1" }
        metrics = { "TT" = "temperature" }
        units = { "degC" = "Cel" }
        fields = { value = "data.v", time = "data.ts", unit = "u" }
    "#;
    let message = r#"{"data":{"ts":1795230765120,"v":"21.50"},"u":"degC","other":[1,2]}"#;
    let (device, batch) = read(toml, "plants/Plant_1/a/TT", message).unwrap();
    assert_eq!(device, "sealrock/v1/sunfarm/plant-1/a-logger/batch");
    let expected = r#"{"readings":[{"metric":"temperature","at":"2026-11-21T03:12:45.120Z","value":21.50,"unit":"Cel"}]}"#;
    assert_eq!(batch, json!(expected));
}

#[test]
fn a_bare_number_has_the_time_of_its_receipt() {
    let toml = r#"
        [[topics]]
        pattern = "{organisation}/{site}/{device}/{metric}"
        payload = "number"
        time = "received"
        unit = "Cel"
    "#;
    let (device, batch) = read(toml, "sunfarm/field-1/t-1/temperature", " 21.50\n").unwrap();
    assert_eq!(device, "sealrock/v1/sunfarm/field-1/t-1/batch");
    let expected = r#"{"readings":[{"metric":"temperature","at":"2026-11-21T03:12:46.500000Z","value":21.50,"unit":"Cel"}]}"#;
    assert_eq!(batch, json!(expected));
    for message in ["", "NaN", "+1", "1 2", "\"1\"", "1e999"] {
        let rejection = read(toml, "sunfarm/field-1/t-1/temperature", message).unwrap_err();
        assert_eq!(rejection.code, RejectionCode::Undecodable, "{message}");
    }
}

#[test]
fn a_message_with_several_values_is_one_batch() {
    let toml = r#"
        [[topics]]
        pattern = "hub/{site}/{device}"
        organisation = "sunfarm"
        time = "seconds"
        values = { t = "temperature", h = "humidity", p = "pressure" }
    "#;
    let message = r#"{"timestamp":"1795230765","t":21.5,"h":40,"note":"x"}"#;
    let (_, batch) = read(toml, "hub/field-1/hub-1", message).unwrap();
    let batch: Value = serde_json::from_str(batch.as_str().unwrap()).unwrap();
    let metrics = batch["readings"].as_array().unwrap();
    let metrics: Vec<_> = metrics.iter().map(|reading| &reading["metric"]).collect();
    assert_eq!(metrics, [&json!("humidity"), &json!("temperature")]);
}

#[test]
fn a_message_that_means_two_things_or_none_is_refused_with_the_reason() {
    for (message, reason) in [
        ("no json", "no JSON object"),
        ("[1]", "no JSON object"),
        (r#"{"value":1}"#, "\"timestamp\""),
        (r#"{"timestamp":"2026-11-21T03:12:45Z"}"#, "\"value\""),
        (
            r#"{"timestamp":"2026-11-21T03:12:45Z","value":null}"#,
            "\"value\"",
        ),
        (
            r#"{"timestamp":"2026-11-21T03:12:45Z","value":{}}"#,
            "no number",
        ),
        (
            r#"{"timestamp":"2026-11-21T03:12:45Z","value":1,"value":2}"#,
            "twice",
        ),
        (
            r#"{"timestamp":"2026-11-21T03:12:45","value":1}"#,
            "assume_utc",
        ),
        (r#"{"timestamp":1795230765,"value":1}"#, "RFC 3339"),
        (
            r#"{"timestamp":"2026-11-21T03:12:45Z","value":1,"unit":7}"#,
            "no text",
        ),
    ] {
        let rejection = read(VIDYUTAI, TOPIC, message).unwrap_err();
        assert_eq!(rejection.code, RejectionCode::Undecodable, "{message}");
        assert!(rejection.message.contains(reason), "{}", rejection.message);
    }
    let metric = read(
        VIDYUTAI,
        "vidyutai/field-1/a/PV",
        r#"{"timestamp":"2026-11-21T03:12:45Z","value":1}"#,
    );
    assert!(metric.unwrap_err().message.contains("metric name"));
}

#[test]
fn a_topic_that_names_nothing_is_a_wrong_topic_and_others_are_left_alone() {
    let rejection = read(VIDYUTAI, "vidyutai/Field 1/a/b", "{}").unwrap_err();
    assert_eq!(rejection.code, RejectionCode::WrongTopic);
    assert!(rejection.message.contains("names"), "{}", rejection.message);
    let mappings = mappings(VIDYUTAI).unwrap();
    assert_eq!(mappings.filters().collect::<Vec<_>>(), ["vidyutai/+/+/+"]);
    for topic in ["vidyutai/a/b", "vidyutai/a/b/c/d", "other/a/b/c", ""] {
        assert!(mappings.find(topic).is_none(), "{topic}");
    }
}

#[test]
fn a_mapping_that_cannot_work_is_refused_with_the_way_out() {
    let organisation = "organisation = \"sunfarm\"";
    for (mapping, reason) in [
        (
            "pattern = \"a/{site}/{device}/{metric}\"".to_owned(),
            "organisation",
        ),
        (
            format!("pattern = \"a/{{device}}/{{metric}}\"\n{organisation}"),
            "{site}",
        ),
        (
            format!("pattern = \"a/{{site}}/{{device}}\"\n{organisation}"),
            "metric",
        ),
        (
            format!("pattern = \"a/{{site}}/{{site}}\"\n{organisation}"),
            "twice",
        ),
        (
            format!("pattern = \"a/+/{{site}}\"\n{organisation}"),
            "wildcards",
        ),
        (
            format!("pattern = \"sealrock/{{site}}/{{device}}/{{metric}}\"\n{organisation}"),
            "not mapped",
        ),
        (
            format!(
                "pattern = \"a/{{site}}/{{device}}/{{metric}}\"\nsite = \"{{plant}}\"\n{organisation}"
            ),
            "{plant}",
        ),
        (
            format!(
                "pattern = \"a/{{site}}/{{device}}/{{metric}}\"\npayload = \"number\"\n{organisation}"
            ),
            "received",
        ),
    ] {
        let error = mappings(&format!("[[topics]]\n{mapping}"))
            .unwrap_err()
            .to_string();
        assert!(error.contains(reason), "{error}");
    }
}
