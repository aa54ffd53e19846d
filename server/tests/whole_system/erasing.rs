//! Erasing payloads beside a running server.

use serde_json::{Value, json};

use crate::support::{Server, batch, data_folder};

const ENTRY: &str = "query($index: Count!) { ledgerEntry(ledger: \"northsea\", index: $index) \
                     { redacted payload { size } json } }";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_redacted_is_gone_everywhere_here_and_every_proof_stands() {
    let data = data_folder();
    let server = Server::start(data.path());
    server.register_site();
    let device = server.add_device("meter-7");
    let mut indexes = Vec::new();
    for seq in 1..=3 {
        let (status, receipt) = server.ingest(&device, batch("b", seq, 400.0)).await;
        assert_eq!(status, 200);
        indexes.push(receipt["index"].as_u64().unwrap());
    }
    let export = data.path().join("export");
    let before = export.to_str().unwrap();
    server.command(&["export", "northsea", before]);

    let range = format!("{}..{}", indexes[0], indexes[1]);
    let redact = [
        "redact",
        "northsea",
        "--index",
        &range,
        "--reason",
        "a name in a tag",
        "--json",
    ];
    let early = server.run(&redact);
    let refusal = String::from_utf8_lossy(&early.stderr).into_owned();
    assert!(
        refusal.contains("run `sealrock seal northsea --all`"),
        "{refusal}"
    );
    server.command(&["seal", "northsea", "--all"]);
    let done: Value = serde_json::from_str(&server.command(&redact)).unwrap();
    assert_eq!(
        (&done["erased"], &done["waiting"]),
        (&json!(2), &Value::Null)
    );
    assert!(done["still_held"].as_array().unwrap().len() > 3);

    let again = server.run(&redact);
    assert!(!again.status.success());
    let refusal = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(refusal.contains("erased already, by entry"), "{refusal}");

    let token = server.sign_in().await;
    for (index, redacted) in [(indexes[0], true), (indexes[1], true), (indexes[2], false)] {
        let answer = server
            .graphql(Some(&token), ENTRY, json!({ "index": index }))
            .await;
        let entry = &answer["data"]["ledgerEntry"];
        assert_eq!(entry["redacted"], json!(redacted), "{answer}");
        assert_eq!(entry["payload"].is_null(), redacted, "{answer}");
    }
    let latest = server.command(&["fsck", "northsea"]);
    assert!(latest.contains("findings: 0"), "{latest}");
    // What was handed out before still verifies: the entries are as they were.
    server.command(&["verify", before]);
    let fresh = data.path().join("fresh");
    server.command(&["export", "northsea", fresh.to_str().unwrap()]);
    server.command(&["verify", fresh.to_str().unwrap()]);
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_keeps_what_no_seal_holds_and_says_so() {
    let data = data_folder();
    let server = Server::start(data.path());
    server.register_site();
    let device = server.add_device("meter-7");
    let (status, _) = server.ingest(&device, batch("b", 1, 400.0)).await;
    assert_eq!(status, 200);
    let plan = server.command(&[
        "retention",
        "northsea",
        "--older-than",
        "1d",
        "--dry-run",
        "--json",
    ]);
    let plan: Value = serde_json::from_str(&plan).unwrap();
    // Nothing is a day old yet.
    assert_eq!((&plan["batches"], &plan["kept"]), (&json!(0), &json!({})));
    server.stop();
}
