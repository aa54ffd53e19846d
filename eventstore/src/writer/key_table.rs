//! Every place where a change of keys or of the clock can break, and what must be true afterwards.

use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use sealrock_ledger::record::{LogKeyRotated, Record, stream_of};
use sealrock_ledger::{Index, KeyRange, LogVerifier};
use sealrock_testkit::{TestDatabase, database};

use super::fault_table::{another, append, assert_whole, writer, writer_with};
use super::guard_table::as_admin;
use super::persist::Step;
use super::{Answer, Change, Operator, Writer};
use crate::append::{Expected, Retention};
use crate::error::AppendError;
use crate::keys::{KeyFiles, Kms};
use crate::reader;

fn cli() -> Operator {
    Operator {
        actor: "service/cli".into(),
        via: "cli".into(),
    }
}

async fn keys(writer: &Writer) -> Vec<KeyRange> {
    let keys = reader::keys(&writer.pool, writer.ledger.id).await;
    keys.expect("readable")
}

/// As an operator does it: a key is found or made, then the ledger names it.
async fn rotate(writer: &mut Writer) -> Answer {
    let (name, origin) = (&writer.ledger.name, &writer.ledger.origin);
    let key = writer.keys.unused(name, origin, &keys(writer).await);
    writer
        .change(Change::Rotate(key.expect("a key")), cli())
        .await
}

async fn retire(writer: &mut Writer) -> Answer {
    writer.change(Change::Retire, cli()).await
}

/// Whether the newest checkpoint verifies by this key alone.
async fn signs(writer: &Writer, key: &KeyRange) -> bool {
    let note = reader::last_checkpoint(&writer.pool, writer.ledger.id).await;
    let note = note.expect("readable").expect("signed");
    let verifier = LogVerifier::new(&key.vkey).expect("a key");
    verifier.verify(note.as_bytes()).is_ok()
}

async fn two_entries(database: &TestDatabase) -> Writer {
    let mut writer = writer(database).await;
    for n in 0..2 {
        let appended = writer.append(append(Expected::Version(n))).await;
        appended.expect("appended");
    }
    writer
}

#[tokio::test]
async fn both_keys_sign_from_the_rotations_commit_on_and_one_from_the_retirements() {
    let database = database().await;
    let mut writer = two_entries(&database).await;
    let mut elsewhere = another(&writer);
    elsewhere
        .append(append(Expected::Version(2)))
        .await
        .expect("appended");

    let rotated = rotate(&mut writer).await.expect("rotated");
    assert_eq!(rotated.receipt.first, Index(3));
    let [old, new] = &keys(&writer).await[..] else {
        panic!("{:?}", keys(&writer).await)
    };
    assert_eq!((old.from, old.through), (0, None));
    assert_eq!((new.from, new.through), (4, None));
    assert!(signs(&writer, old).await && signs(&writer, new).await);
    let entry = reader::read(&writer.pool, writer.ledger.id, Index(3), 1)
        .await
        .expect("readable")
        .remove(0);
    assert_eq!(entry.entry.stream, stream_of(&writer.ledger.name));
    let record: LogKeyRotated =
        serde_json::from_slice(&entry.payload.expect("kept").bytes).expect("a record");
    assert_eq!((&record.from, &record.to), (&old.vkey, &new.vkey));

    // A writer that had loaded its keys before.
    elsewhere
        .append(append(Expected::Version(3)))
        .await
        .expect("appended");
    assert!(signs(&writer, old).await && signs(&writer, new).await);

    let retired = retire(&mut elsewhere).await.expect("retired");
    assert_eq!(retired.receipt.first, Index(5));
    writer
        .append(append(Expected::Version(4)))
        .await
        .expect("appended");
    let [old, new] = &keys(&writer).await[..] else {
        panic!("{:?}", keys(&writer).await)
    };
    assert_eq!((old.through, new.through), (Some(5), None));
    assert!(!signs(&writer, old).await && signs(&writer, new).await);
    assert_whole(&writer, 7).await;
}

#[tokio::test]
async fn a_rotation_that_breaks_anywhere_is_made_once_and_with_the_same_key() {
    for step in [Step::Locked, Step::Inserted, Step::Committed, Step::Noted] {
        let database = database().await;
        let mut writer = two_entries(&database).await;
        writer.break_at(step);
        let broken = rotate(&mut writer).await;
        if matches!(step, Step::Locked | Step::Inserted) {
            assert!(
                matches!(broken, Err(AppendError::Unavailable(_))),
                "{step:?}: {broken:?}"
            );
            assert_eq!(keys(&writer).await.len(), 1, "{step:?}");
            assert_whole(&writer, 2).await;
            // A process that died there: another one repeats it.
            writer = another(&writer);
            rotate(&mut writer).await.expect("the repetition");
        } else {
            broken.expect("it is in the ledger");
        }
        let mut writer = another(&writer);
        let again = rotate(&mut writer).await;
        assert!(
            matches!(&again, Err(AppendError::Invalid(why)) if why.contains("under way")),
            "{step:?}: {again:?}"
        );
        writer
            .append(append(Expected::Version(2)))
            .await
            .expect("goes on");
        let known = keys(&writer).await;
        assert_eq!(known.len(), 2, "{step:?}");
        assert!(signs(&writer, &known[0]).await && signs(&writer, &known[1]).await);
        assert_whole(&writer, 4).await;
        let files = std::fs::read_dir(writer.keys.folder()).expect("a folder");
        let keys = files.filter(|file| {
            let path = file.as_ref().expect("listed").path();
            path.extension().is_some_and(|extension| extension == "key")
        });
        // The refused attempt left one that the next rotation takes.
        assert_eq!(keys.count(), 3, "{step:?}");
    }
}

#[tokio::test]
async fn a_retirement_that_breaks_anywhere_is_made_once() {
    for step in [Step::Locked, Step::Inserted, Step::Committed, Step::Noted] {
        let database = database().await;
        let mut writer = two_entries(&database).await;
        rotate(&mut writer).await.expect("rotated");
        writer.break_at(step);
        let broken = retire(&mut writer).await;
        if matches!(step, Step::Locked | Step::Inserted) {
            assert!(
                matches!(broken, Err(AppendError::Unavailable(_))),
                "{step:?}: {broken:?}"
            );
            writer = another(&writer);
            retire(&mut writer).await.expect("the repetition");
        } else {
            broken.expect("it is in the ledger");
        }
        let again = retire(&mut writer).await;
        assert!(matches!(again, Err(AppendError::Invalid(_))), "{again:?}");
        let known = keys(&writer).await;
        assert_eq!((known[0].through, known[1].through), (Some(3), None));
        assert!(!signs(&writer, &known[0]).await && signs(&writer, &known[1]).await);
        assert_whole(&writer, 4).await;
    }
}

#[tokio::test]
async fn a_process_that_lacks_the_new_key_stops_with_the_way_out_and_goes_on_when_it_has_it() {
    let database = database().await;
    let mut writer = two_entries(&database).await;
    let elsewhere = tempfile::tempdir().expect("a folder");
    let file = |keys: &std::path::Path, name: &str| keys.join(name);
    std::fs::copy(
        file(writer.keys.folder(), "northsea.key"),
        file(elsewhere.path(), "northsea.key"),
    )
    .expect("copied");
    let mut other = another(&writer);
    other.keys = Arc::new(KeyFiles::new(elsewhere.path()));
    other
        .append(append(Expected::Version(2)))
        .await
        .expect("both have the first key");

    rotate(&mut writer).await.expect("rotated");
    let new = keys(&writer).await[1].clone();
    for _ in 0..2 {
        let refused = other.append(append(Expected::Version(3))).await;
        assert!(
            matches!(&refused, Err(AppendError::Fatal(why))
                if why.contains(&new.vkey) && why.contains("SEALROCK_LOG_KEY_NORTHSEA")),
            "{refused:?}"
        );
    }
    let id = new.vkey.split('+').nth(1).expect("a key id");
    let name = format!("northsea.{id}.key");
    std::fs::copy(
        file(writer.keys.folder(), &name),
        file(elsewhere.path(), &name),
    )
    .expect("copied");
    other
        .append(append(Expected::Version(3)))
        .await
        .expect("no restart is needed");
    assert_whole(&writer, 5).await;
}

#[tokio::test]
async fn the_old_key_may_be_gone_when_it_is_retired() {
    let database = database().await;
    let mut writer = two_entries(&database).await;
    rotate(&mut writer).await.expect("rotated");
    let old = writer.keys.folder().join("northsea.key");
    std::fs::remove_file(old).expect("removed");
    let mut writer = another(&writer);
    let refused = writer.append(append(Expected::Version(2))).await;
    assert!(matches!(refused, Err(AppendError::Fatal(_))), "{refused:?}");
    retire(&mut writer).await.expect("retired");
    writer
        .append(append(Expected::Version(2)))
        .await
        .expect("goes on with the new key alone");
    assert_whole(&writer, 5).await;
}

#[tokio::test]
async fn a_program_that_does_not_sign_makes_appends_unavailable_until_it_does() {
    let database = database().await;
    let kms = Kms::new();
    let mut writer = writer_with(&database, Arc::new(kms.keys())).await;
    let waiting = append(Expected::Version(1));
    writer
        .append(append(Expected::Version(0)))
        .await
        .expect("signed by the program");
    kms.write("dead", "");
    for _ in 0..2 {
        let refused = writer.append(waiting.clone()).await;
        assert!(
            matches!(&refused, Err(AppendError::Unavailable(why)) if why.contains("kms-sign")),
            "{refused:?}"
        );
    }
    assert_whole(&writer, 1).await;
    std::fs::remove_file(kms.path("dead")).expect("removed");
    writer.append(waiting).await.expect("goes on by itself");
    assert_whole(&writer, 2).await;
}

#[tokio::test]
async fn nobody_else_appends_what_the_log_records_of_itself() {
    let mut forged = append(Expected::Any);
    forged.events[0].kind = LogKeyRotated::KIND.to_owned();
    let refused = super::require_not_the_logs_own(&forged);
    assert!(
        matches!(refused, Err(AppendError::Invalid(_))),
        "{refused:?}"
    );
    assert!(super::require_not_the_logs_own(&append(Expected::Any)).is_ok());
}

async fn set_last_entry(database: &TestDatabase, offset: &str) {
    let sql = format!("UPDATE sealrock.ledger_heads SET recorded_at = now() + interval '{offset}'");
    as_admin(database, &sql).await;
}

async fn correct(writer: &mut Writer) -> Answer {
    let reason = "the machine's battery was empty".to_owned();
    writer.change(Change::CorrectClock { reason }, cli()).await
}

#[tokio::test]
async fn a_corrected_ledger_goes_on_at_the_last_entrys_time_in_every_process() {
    let database = database().await;
    let mut writer = two_entries(&database).await;
    let mut other = another(&writer);
    let none = correct(&mut writer).await;
    assert!(matches!(none, Err(AppendError::Invalid(_))), "{none:?}");

    set_last_entry(&database, "40 days").await;
    let refused = other.append(append(Expected::Any)).await;
    assert!(
        matches!(&refused, Err(AppendError::Unavailable(why)) if why.contains("correct-clock northsea")),
        "{refused:?}"
    );
    let corrected = correct(&mut writer).await.expect("corrected");
    assert_eq!(corrected.receipt.first, Index(2));
    let again = correct(&mut writer).await;
    assert!(matches!(again, Err(AppendError::Invalid(_))), "{again:?}");

    // Batches too, whose payloads lie in the partition of that day.
    let mut batch = append(Expected::Any);
    batch.events[0].retention = Retention::Batch;
    for writer in [&mut other, &mut another(&writer)] {
        batch.command = uuid::Uuid::now_v7();
        writer.append(batch.clone()).await.expect("goes on");
    }
    let recorded = reader::read(&writer.pool, writer.ledger.id, Index(2), 3).await;
    let recorded = recorded.expect("readable");
    let first = recorded[0].entry.recorded_at;
    assert!(first > Utc::now() + TimeDelta::days(39));
    assert!(recorded.iter().all(|one| one.entry.recorded_at == first));
    assert_whole(&writer, 5).await;
}

#[tokio::test]
async fn a_waiver_ends_with_the_entry_that_it_is_for() {
    let database = database().await;
    let mut writer = two_entries(&database).await;
    set_last_entry(&database, "2 hours").await;
    correct(&mut writer).await.expect("corrected");
    // A clock that ran ahead once more.
    set_last_entry(&database, "3 hours").await;
    let refused = writer.append(append(Expected::Any)).await;
    assert!(
        matches!(refused, Err(AppendError::Unavailable(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_correction_that_breaks_anywhere_is_made_once() {
    for step in [Step::Locked, Step::Inserted, Step::Committed, Step::Noted] {
        let database = database().await;
        let mut writer = two_entries(&database).await;
        set_last_entry(&database, "2 hours").await;
        writer.break_at(step);
        let broken = correct(&mut writer).await;
        if broken.is_err() {
            assert_whole(&writer, 2).await;
            correct(&mut writer).await.expect("the repetition");
        }
        another(&writer)
            .append(append(Expected::Any))
            .await
            .expect("goes on");
        assert_whole(&writer, 4).await;
    }
}
