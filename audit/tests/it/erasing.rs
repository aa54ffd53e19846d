//! Erased payloads, as a check of the database sees them.

use sealrock_audit::{Code, FsckFinding};
use sealrock_eventstore::{Append, Expected, NewEvent, Retention};
use sealrock_ledger::Index;
use serde_json::json;
use tempfile::{TempDir, tempdir};
use uuid::Uuid;

use crate::interop::python;
use crate::ledger::{Ledger, files};

async fn found(ledger: &Ledger) -> Vec<FsckFinding> {
    let report = sealrock_audit::fsck(
        &ledger.store,
        &ledger.info,
        sealrock_audit::Pace::Full,
        &mut |_| {},
    )
    .await;
    report.unwrap().findings
}

/// An entry of `actor` that says payloads are erased.
async fn entry(ledger: &Ledger, actor: &str, payloads: &[(u64, u64)]) -> Index {
    let record = json!({"payloads": payloads, "reason": "test"});
    let event = NewEvent {
        stream: "ledger/northsea".into(),
        expected: Expected::Any,
        kind: "PayloadRedacted".into(),
        schema: 1,
        media: "application/json".into(),
        bytes: record.to_string().into_bytes(),
        retention: Retention::Kept,
    };
    let append = Append {
        actor: actor.into(),
        command: Uuid::new_v4(),
        input_hash: [1; 32],
        cause: String::new(),
        via: "cli".into(),
        received_at: chrono::Utc::now(),
        unchanged: None,
        events: vec![event],
    };
    let appended = ledger.store.append(ledger.info.id, append).await.unwrap();
    appended.receipt.first
}

fn shown(findings: &[FsckFinding]) -> Vec<(Code, String, Option<Index>)> {
    let one = |f: &FsckFinding| (f.code, f.place.clone(), f.through);
    findings.iter().map(one).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_entry_erases_may_be_gone_and_nothing_else() {
    let ledger = Ledger::of(300).await;
    let entry = entry(&ledger, "user/ada", &[(10, 11), (271, 271)]).await;
    ledger.store.erase(&ledger.info, entry).await.unwrap();
    assert_eq!(found(&ledger).await, []);
    ledger
        .damage("DELETE FROM batch_payloads WHERE index = 13")
        .await;
    let missing = (
        Code::PayloadMissing,
        "batch_payloads index 13".into(),
        Some(Index(13)),
    );
    assert_eq!(shown(&found(&ledger).await), [missing]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_that_is_decided_and_not_done_is_named_until_it_is_done() {
    let ledger = Ledger::of(300).await;
    let entry = entry(&ledger, "service/cli", &[(10, 11), (13, 14)]).await;
    ledger
        .damage("DELETE FROM batch_payloads WHERE index = 11")
        .await;
    let findings = found(&ledger).await;
    let unfinished = |first: u64, last| {
        let place = format!("batch_payloads index {first}");
        (Code::ErasureUnfinished, place, Some(Index(last)))
    };
    assert_eq!(shown(&findings), [unfinished(10, 10), unfinished(13, 14)]);
    assert!(
        findings[0]
            .cause
            .contains(&format!("entry {entry} erases it"))
    );
    ledger.store.erase(&ledger.info, entry).await.unwrap();
    assert_eq!(found(&ledger).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_that_came_back_after_its_erasure_is_found_and_erased_by_the_way_out() {
    let ledger = Ledger::of(300).await;
    let entry = entry(&ledger, "user/ada", &[(10, 10)]).await;
    ledger
        .damage("CREATE TABLE backup AS SELECT * FROM batch_payloads WHERE index = 10")
        .await;
    ledger.store.erase(&ledger.info, entry).await.unwrap();
    ledger
        .damage("INSERT INTO batch_payloads SELECT * FROM backup; DROP TABLE backup")
        .await;
    let findings = found(&ledger).await;
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].code, Code::ErasureUnfinished);
    assert!(findings[0].next_step.contains("sealrock.erasures"));
    ledger
        .damage("SET ROLE sealrock_erase; DELETE FROM erasures; RESET ROLE")
        .await;
    let pending = ledger.store.pending_erasures(&ledger.info).await.unwrap();
    assert_eq!(pending.len(), 1);
    ledger
        .store
        .erase(&ledger.info, pending[0].index)
        .await
        .unwrap();
    assert_eq!(found(&ledger).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_a_device_nor_an_entry_that_names_kept_payloads_erases_anything() {
    for (actor, payloads, gone) in [
        ("device/1", (10, 10), "batch_payloads WHERE index = 10"),
        ("user/ada", (9, 9), "payloads WHERE index = 9"),
        ("user/ada", (10, 400), "batch_payloads WHERE index = 10"),
    ] {
        let ledger = Ledger::of(300).await;
        entry(&ledger, actor, &[payloads]).await;
        ledger.damage(&format!("DELETE FROM {gone}")).await;
        let codes: Vec<Code> = found(&ledger).await.iter().map(|f| f.code).collect();
        assert_eq!(codes, [Code::PayloadMissing], "{actor} {payloads:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_noted_as_finished_that_nobody_decided_is_found() {
    let ledger = Ledger::of(30).await;
    ledger
        .damage("INSERT INTO erasures (ledger_id, index) VALUES (1, 10)")
        .await;
    let stray = (
        Code::ErasureStray,
        "erasures index 10".into(),
        Some(Index(10)),
    );
    assert_eq!(shown(&found(&ledger).await), [stray]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_proof_passes_after_an_erasure_and_an_extended_export_lets_go_of_the_bytes() {
    let ledger = Ledger::of(300).await;
    let (before, own) = (tempdir().unwrap(), tempdir().unwrap());
    for dir in [&before, &own] {
        ledger.export(dir.path()).await;
    }
    let entry = entry(&ledger, "user/ada", &[(10, 11), (271, 271)]).await;
    ledger.store.erase(&ledger.info, entry).await.unwrap();
    ledger.grow(299).await;
    ledger.export(own.path()).await;

    for dir in [&before, &own] {
        let verified = sealrock_audit::verify_directory(dir.path(), None, &mut |_| {}).unwrap();
        assert_eq!(verified.report.findings, []);
    }
    // A program that nobody here wrote: inclusion in both, and that one is the beginning of the other.
    let checked = python("tlog.py", &[before.path(), own.path()]);
    let checked = checked.unwrap_or_else(|error| panic!("{error}"));
    assert!(checked.starts_with("300 600 "), "{checked}");
    let holds = |dir: &TempDir, bytes: &[u8]| {
        let files = files(dir.path());
        files
            .values()
            .any(|file| file.windows(bytes.len()).any(|part| part == bytes))
    };
    for (bytes, kept) in [
        (br#"{"n":10}"#.as_slice(), false),
        (br#"{"n":271}"#, false),
        (br#"{"n":13}"#, true),
    ] {
        assert!(holds(&before, bytes));
        assert_eq!(holds(&own, bytes), kept);
    }
}
