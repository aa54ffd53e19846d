use sealrock_audit::{Code, Pace};
use sealrock_eventstore::Operator;

use crate::ledger::Ledger;

/// A ledger whose key was rotated at index 3 and retired at index 6.
async fn rotated() -> Ledger {
    let by = || Operator {
        actor: "service/cli".into(),
        via: "cli".into(),
    };
    let ledger = Ledger::of(3).await;
    ledger.store.rotate_key(&ledger.info, by()).await.unwrap();
    ledger.grow(2).await;
    ledger.store.retire_key(&ledger.info, by()).await.unwrap();
    ledger.grow(2).await;
    ledger
}

/// Code, place and cause of what fsck finds.
async fn found(ledger: &Ledger) -> Vec<(Code, String, String)> {
    let report = sealrock_audit::fsck(&ledger.store, &ledger.info, Pace::Full, &mut |_| {}).await;
    let findings = report.unwrap().findings.into_iter();
    findings.map(|f| (f.code, f.place, f.cause)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_of_keys_is_held_against_the_entries_that_introduce_and_retire_them() {
    let ledger = rotated().await;
    assert_eq!(found(&ledger).await, []);
    let keys = ledger.store.keys(ledger.info.id).await.unwrap();
    let [first, second] = &keys[..] else {
        panic!("{keys:?}")
    };
    ledger.damage("CREATE TABLE backup AS TABLE log_keys").await;
    for (damage, key, cause) in [
        (
            "INSERT INTO log_keys VALUES (1, 'thief', 0)",
            "thief",
            "no entry introduces this key, and it could sign",
        ),
        (
            "UPDATE log_keys SET from_size = 0 WHERE from_size > 0",
            &second.vkey,
            "it signs trees of 0 entries and more, the entries say trees of 4 entries and more",
        ),
        (
            "UPDATE log_keys SET through_size = NULL",
            &first.vkey,
            "it signs trees of 0 entries and more, the entries say trees of 0 to 6 entries",
        ),
        (
            "DELETE FROM log_keys WHERE from_size > 0",
            &second.vkey,
            "the row is missing: by the entries it signs trees of 4 entries and more",
        ),
        (
            "DELETE FROM log_keys WHERE from_size = 0",
            &first.vkey,
            "the row is missing: by the entries it signs trees of 0 to 6 entries",
        ),
    ] {
        ledger.damage(damage).await;
        let finding = (
            Code::KeyDiffers,
            format!("log_keys vkey {key}"),
            cause.to_owned(),
        );
        assert_eq!(found(&ledger).await, [finding], "{damage}");
        ledger
            .damage("DELETE FROM log_keys; INSERT INTO log_keys TABLE backup")
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_cannot_be_read_is_found_once_and_the_table_is_taken_meanwhile() {
    let ledger = rotated().await;
    ledger.damage("DELETE FROM payloads WHERE index = 3").await;
    let codes: Vec<Code> = found(&ledger).await.iter().map(|f| f.0).collect();
    assert_eq!(codes, [Code::PayloadMissing]);
}
