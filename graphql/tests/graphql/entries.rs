//! Ledger entries.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::world::{masked, start};

const ENTRY: &str = r#"query ($index: Count!) { ledgerEntry(ledger: "northsea", index: $index) {
  index ledger type schema stream version actor command cause via receivedAt recordedAt json leafHash
  payload { media size text base64 } coveringCheckpoint { size note }
} }"#;
const PAGE: &str = r#"query ($first: Int, $after: String, $type: String, $stream: String) {
  ledgerEntries(ledger: "northsea", first: $first, after: $after, type: $type, stream: $stream) {
    scannedTo nodes { index type position } edges { cursor } pageInfo { hasNextPage endCursor }
  }
}"#;

#[tokio::test]
async fn an_entry_shows_the_bytes_that_its_leaf_hash_is_of() {
    let world = start().await;
    world.register_places().await;
    let device = world.register_device("meter-1").await;
    let index = world.record(&device, 1, 0, &[412.5]).await;
    let entry = world.data(ENTRY, json!({"index": index})).await["ledgerEntry"].take();
    let bytes = entry["json"].as_str().unwrap().as_bytes();
    let leaf = sealrock_ledger::leaf_hash(bytes);
    assert_eq!(entry["leafHash"], STANDARD.encode(leaf.0));
    let read = sealrock_ledger::Entry::read_canonical(bytes).unwrap();
    assert_eq!(
        (read.index.0, read.kind.as_str()),
        (index, "SensorBatchRecorded")
    );
    let note = entry["coveringCheckpoint"]["note"].as_str().unwrap();
    assert!(note.starts_with(&format!(
        "test.example/ledger/northsea\n{}\n",
        entry["coveringCheckpoint"]["size"]
    )));
    insta::assert_json_snapshot!("batch_entry", masked(entry));
    assert_eq!(
        world.data(ENTRY, json!({"index": 1_000_000})).await["ledgerEntry"],
        Value::Null
    );
    assert_eq!(
        world.code(ENTRY, json!({"index": -1})).await,
        "BAD_USER_INPUT"
    );
}

#[tokio::test]
async fn entries_come_in_order_page_by_page_by_type_and_by_stream() {
    let world = start().await;
    world.register_places().await;
    let device = world.register_device("meter-1").await;
    for seq in 1..=3 {
        world.record(&device, seq, 0, &[1.0]).await;
    }
    let (mut indexes, mut after) = (Vec::new(), Value::Null);
    loop {
        let page =
            world.data(PAGE, json!({"first": 2, "after": after})).await["ledgerEntries"].take();
        for (node, edge) in page["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .zip(page["edges"].as_array().unwrap())
        {
            indexes.push(node["index"].as_u64().unwrap());
            assert_eq!(node["position"], edge["cursor"], "a cursor is a position");
        }
        assert_eq!(page["scannedTo"], page["pageInfo"]["endCursor"]);
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(indexes, (0..7).collect::<Vec<_>>());
    let count = |page: Value| page["ledgerEntries"]["nodes"].as_array().unwrap().len();
    assert_eq!(
        count(
            world
                .data(PAGE, json!({"type": "SensorBatchRecorded"}))
                .await
        ),
        3
    );
    let stream = format!("device/{}", device.device);
    assert_eq!(count(world.data(PAGE, json!({"stream": stream})).await), 1);
    assert_eq!(
        world.code(PAGE, json!({"after": "nonsense"})).await,
        "BAD_USER_INPUT"
    );
    let other = r#"{ ledgerEntries(ledger: "nowhere") { nodes { index } } }"#;
    assert_eq!(world.code(other, json!({})).await, "NOT_FOUND");
}

#[tokio::test]
async fn the_read_models_tell_how_far_they_are() {
    let world = start().await;
    world.register_places().await;
    world.settle().await;
    let query =
        "{ projections { projection ledger nextIndex head lagEvents lagSeconds state reason } }";
    let status = world.data(query, json!({})).await;
    let status = status["projections"].as_array().unwrap();
    assert_eq!(status.len(), sealrock_projections::all().len());
    for one in status {
        assert_eq!(
            (&one["nextIndex"], &one["head"], &one["state"]),
            (&json!(3), &json!(3), &json!("RUNNING"))
        );
    }
}

#[tokio::test]
async fn a_page_of_large_payloads_ends_early_and_one_request_gets_no_more_than_fits() {
    let world = start().await;
    world.register_places().await;
    let device = world.register_device("meter-1").await;
    for seq in 1..=10 {
        let batch = json!({"seq": seq, "readings": [{"metric": "m", "at": "2026-11-20T12:00:00Z", "value": 1}]});
        // What is recorded is what came, spaces and all.
        let padded = format!("{batch}{}", " ".repeat(700_000));
        world.record_bytes(&device, padded.into_bytes()).await;
    }
    let first = "first: 1000, type: \"SensorBatchRecorded\"";
    let payloads = format!(
        "query ($after: String) {{ ledgerEntries(ledger: \"northsea\", {first}, after: $after) {{
           nodes {{ payload {{ size }} }} scannedTo pageInfo {{ hasNextPage }} }} }}"
    );
    let (mut pages, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = world.data(&payloads, json!({ "after": after })).await["ledgerEntries"].take();
        pages.push(page["nodes"].as_array().unwrap().len());
        after = page["scannedTo"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(pages, [5, 5], "4 MiB hold five of them");

    let envelopes =
        format!("{{ ledgerEntries(ledger: \"northsea\", {first}) {{ nodes {{ json }} }} }}");
    let all = world.data(&envelopes, json!({})).await;
    assert_eq!(all["ledgerEntries"]["nodes"].as_array().unwrap().len(), 10);

    let page = |name| {
        format!(
            "{name}: ledgerEntries(ledger: \"northsea\", {first}) {{ nodes {{ payload {{ size }} }} }}"
        )
    };
    let thrice = format!("{{ {} {} {} }}", page("a"), page("b"), page("c"));
    assert_eq!(world.code(&thrice, json!({})).await, "ANSWER_TOO_LARGE");
}
