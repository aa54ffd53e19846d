use std::path::Path;

use sealrock_audit::{CannotRun, Cause, ExportError, Progress, Trust, Verified, verify_directory};
use sealrock_eventstore::Operator;
use sealrock_ledger::{Index, LogKey};
use tempfile::tempdir;

use crate::ledger::{Ledger, files};

fn verified(dir: &Path) -> Verified {
    verify_directory(dir, None, &mut |_| {}).unwrap()
}

async fn refusal(ledger: &Ledger, dir: &Path) -> ExportError {
    let before = files(dir);
    let result = sealrock_audit::export(&ledger.store, &ledger.info, dir, &mut |_| {}).await;
    assert_eq!(
        files(dir),
        before,
        "a directory that is refused is not touched"
    );
    result.unwrap_err()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_of_any_size_verifies_offline() {
    let (ledger, mut size) = (Ledger::empty().await, 0);
    for wanted in [1, 255, 256, 257, 512, 530] {
        ledger.grow(wanted - size).await;
        size = wanted;
        let dir = tempdir().unwrap();
        let exported = ledger.export(dir.path()).await;
        assert_eq!((exported.size, exported.size_before), (wanted as u64, 0));
        let verified = verified(dir.path());
        assert_eq!(verified.report.findings, [], "size {wanted}");
        assert_eq!(verified.report.size, wanted as u64);
        assert_eq!(verified.report.origin, ledger.info.origin);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_holds_exactly_the_files_of_the_format() {
    let ledger = Ledger::of(530).await;
    let dir = tempdir().unwrap();
    ledger.export(dir.path()).await;
    let names: Vec<String> = files(dir.path()).into_keys().collect();
    let expected = [
        "checkpoint",
        "payloads/000",
        "payloads/001",
        "payloads/002.p/18",
        "policy",
        "tile/0/000",
        "tile/0/001",
        "tile/0/002.p/18",
        "tile/1/000.p/2",
        "tile/entries/000",
        "tile/entries/001",
        "tile/entries/002.p/18",
    ];
    assert_eq!(names, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_brought_up_to_date_equals_a_fresh_one_and_keeps_what_is_full() {
    let ledger = Ledger::of(300).await;
    let dir = tempdir().unwrap();
    ledger.export(dir.path()).await;
    let full = dir.path().join("tile/entries/000");
    let written = std::fs::metadata(&full).unwrap().modified().unwrap();

    ledger.grow(300).await;
    let exported = ledger.export(dir.path()).await;
    assert_eq!((exported.size_before, exported.size), (300, 600));
    assert_eq!(
        std::fs::metadata(&full).unwrap().modified().unwrap(),
        written
    );

    let fresh = tempdir().unwrap();
    ledger.export(fresh.path()).await;
    assert_eq!(files(dir.path()), files(fresh.path()));
    assert!(verified(dir.path()).report.is_verified());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_export_is_recognised_and_taken_up_again() {
    let ledger = Ledger::of(300).await;
    let whole = tempdir().unwrap();
    ledger.export(whole.path()).await;

    let dir = tempdir().unwrap();
    ledger.export(dir.path()).await;
    for path in ["checkpoint", "tile/0/000", "payloads/001.p/44"] {
        std::fs::remove_file(dir.path().join(path)).unwrap();
    }
    std::fs::write(dir.path().join(".writing"), "half of a f").unwrap();
    std::fs::write(dir.path().join(".writing-200"), "one of a group").unwrap();
    let unfinished = verify_directory(dir.path(), None, &mut |_| {});
    assert!(matches!(unfinished, Err(CannotRun::NoCheckpoint)));

    ledger.grow(1).await;
    ledger.export(dir.path()).await;
    ledger.export(whole.path()).await;
    assert_eq!(files(dir.path()), files(whole.path()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_while_appends_go_on_verifies() {
    let ledger = Ledger::of(300).await;
    let dir = tempdir().unwrap();
    let (exported, ()) = tokio::join!(ledger.export(dir.path()), ledger.grow(300));
    assert!(exported.size >= 300);
    let report = verified(dir.path()).report;
    assert_eq!((report.size, report.findings), (exported.size, vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_flipped_byte_names_the_entry() {
    let ledger = Ledger::of(300).await;
    let dir = tempdir().unwrap();
    ledger.export(dir.path()).await;
    let path = dir.path().join("tile/entries/001.p/44");
    let mut bytes = std::fs::read(&path).unwrap();
    let length = usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
    bytes[2 + length + 2 + 30] ^= 1; // in the second entry of that bundle
    std::fs::write(&path, bytes).unwrap();

    let findings = verified(dir.path()).report.findings;
    let found: Vec<_> = findings.iter().map(|f| (f.cause, f.index)).collect();
    assert_eq!(found, [(Cause::EntryChanged, Some(Index(257)))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_says_whose_key_is_trusted() {
    let ledger = Ledger::of(3).await;
    let dir = tempdir().unwrap();
    ledger.export(dir.path()).await;
    let own = verified(dir.path());
    assert_eq!(own.trust, Trust::OwnKey);
    assert!(own.trust.note().contains("--policy"));
    let json = serde_json::to_value(&own).unwrap();
    assert_eq!(
        (&json["trust"], &json["size"]),
        (&"own-key".into(), &3.into())
    );

    let elsewhere = tempdir().unwrap();
    let policy = elsewhere.path().join("policy");
    std::fs::copy(dir.path().join("policy"), &policy).unwrap();
    let given = verify_directory(dir.path(), Some(&policy), &mut |_| {}).unwrap();
    assert_eq!(given.trust, Trust::Given);
    assert!(given.report.is_verified());

    let other = LogKey::generate(&ledger.info.origin).unwrap();
    let text = sealrock_ledger::Policy::of_log(other.vkey()).to_string();
    std::fs::write(&policy, text).unwrap();
    let wrong = verify_directory(dir.path(), Some(&policy), &mut |_| {}).unwrap();
    let causes: Vec<_> = wrong.report.findings.iter().map(|f| f.cause).collect();
    assert_eq!(causes, [Cause::PolicyDiffers, Cause::CheckpointInvalid]);
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_told_bundle_by_bundle() {
    let ledger = Ledger::of(300).await;
    let (dir, mut told) = (tempdir().unwrap(), Vec::new());
    let progress = &mut |progress| told.push(progress);
    sealrock_audit::export(&ledger.store, &ledger.info, dir.path(), progress)
        .await
        .unwrap();
    assert_eq!(told, [256, 300].map(|done| Progress { done, total: 300 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_ledger_has_nothing_to_export() {
    let ledger = Ledger::empty().await;
    let dir = tempdir().unwrap();
    assert!(matches!(
        refusal(&ledger, dir.path()).await,
        ExportError::Empty(_)
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_holds_something_else_is_refused() {
    let ledger = Ledger::of(3).await;
    let strange = tempdir().unwrap();
    std::fs::write(strange.path().join("thesis.tex"), "").unwrap();
    let refused = refusal(&ledger, strange.path()).await.to_string();
    assert!(refused.contains("thesis.tex"), "{refused}");

    let headless = tempdir().unwrap();
    std::fs::create_dir(headless.path().join("tile")).unwrap();
    assert!(matches!(
        refusal(&ledger, headless.path()).await,
        ExportError::Occupied { .. }
    ));

    let (other, theirs) = (Ledger::of(3).await, tempdir().unwrap());
    other.export(theirs.path()).await;
    assert!(matches!(
        refusal(&ledger, theirs.path()).await,
        ExportError::Occupied { .. }
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_the_database_is_behind_of_is_kept_as_evidence() {
    let ledger = Ledger::of(60).await;
    let dir = tempdir().unwrap();
    ledger.export(dir.path()).await;
    ledger
        .damage("DELETE FROM checkpoints WHERE size = 60")
        .await;
    let refused = refusal(&ledger, dir.path()).await;
    assert!(
        matches!(refused, ExportError::OtherHistory { held: 60, .. }),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_ledger_is_not_exported() {
    for damage in [
        "DELETE FROM events WHERE index = 5",
        "UPDATE events SET leaf_hash = sha256('x') WHERE index = 299",
        "DELETE FROM tiles WHERE level = 0 AND n = 0",
    ] {
        let ledger = Ledger::of(300).await;
        ledger.damage(damage).await;
        let dir = tempdir().unwrap();
        let result =
            sealrock_audit::export(&ledger.store, &ledger.info, dir.path(), &mut |_| {}).await;
        assert!(
            matches!(result, Err(ExportError::Damaged(_))),
            "{damage}: {result:?}"
        );
        assert!(!dir.path().join("checkpoint").exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_is_extended_over_a_key_rotation_brings_the_policy_of_all_its_keys() {
    let by = || Operator {
        actor: "service/cli".into(),
        via: "cli".into(),
    };
    let ledger = Ledger::of(300).await;
    let dir = tempdir().unwrap();
    ledger.export(dir.path()).await;
    let policy = dir.path().join("policy");
    let old = tempdir().unwrap();
    let old_policy = old.path().join("policy");
    std::fs::copy(&policy, &old_policy).unwrap();

    ledger.store.rotate_key(&ledger.info, by()).await.unwrap();
    ledger.grow(10).await;
    ledger.store.retire_key(&ledger.info, by()).await.unwrap();
    ledger.grow(10).await;
    ledger.export(dir.path()).await;
    let fresh = tempdir().unwrap();
    ledger.export(fresh.path()).await;
    assert_eq!(files(dir.path()), files(fresh.path()));
    let keys = std::fs::read_to_string(&policy).unwrap();
    assert_eq!(keys.lines().filter(|l| l.starts_with("log ")).count(), 2);
    let seen = verified(dir.path());
    assert_eq!(seen.report.findings, []);
    assert_eq!(seen.report.size, 322);

    // The auditor's policy of before knows only the key that is retired; a note says that there is
    // a newer one.
    let behind = verify_directory(dir.path(), Some(&old_policy), &mut |_| {}).unwrap();
    let causes: Vec<_> = behind.report.findings.iter().map(|one| one.cause).collect();
    assert_eq!(causes, [Cause::CheckpointInvalid]);
    assert_eq!(behind.report.notes[0].code, "policy-newer");
}
