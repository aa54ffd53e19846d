//! Databases that lost something, were moved or hold another history: what a writer does with them.

use sealrock_ledger::{ForkEvidence, LogVerifier};
use sealrock_testkit::{TestDatabase, database};

use super::Writer;
use super::fault_table::{another, append, assert_whole, writer};
use super::guard_table::as_admin;
use super::persist::Step;
use crate::append::Expected;
use crate::error::AppendError;
use crate::history::Witnessed;
use crate::reader;

const TABLES: [&str; 6] = [
    "ledger_heads",
    "events",
    "payloads",
    "commands",
    "checkpoints",
    "tiles",
];

/// A backup of the ledger's tables.
pub(super) async fn back_up(database: &TestDatabase, name: &str) {
    as_admin(database, &format!("CREATE SCHEMA {name}")).await;
    for table in TABLES {
        let sql = format!("CREATE TABLE {name}.{table} AS TABLE sealrock.{table}");
        as_admin(database, &sql).await;
    }
}

pub(super) async fn restore(database: &TestDatabase, name: &str) {
    for table in TABLES {
        as_admin(database, &format!("DELETE FROM sealrock.{table}")).await;
        let sql = format!("INSERT INTO sealrock.{table} TABLE {name}.{table}");
        as_admin(database, &sql).await;
    }
}

async fn moved(database: &TestDatabase) {
    let sql = "UPDATE sealrock.ledger_heads SET timeline = timeline + 1";
    as_admin(database, sql).await;
}

pub(super) async fn grow(writer: &mut Writer, entries: u64) {
    for _ in 0..entries {
        writer
            .append(append(Expected::Any))
            .await
            .expect("appended");
    }
}

/// The writer's process ends in order; another one begins.
pub(super) async fn restart(writer: Writer) -> Writer {
    let next = another(&writer);
    writer.finish().await;
    next
}

pub(super) fn assert_fatal(answer: &super::Answer, says: &[&str]) {
    let Err(AppendError::Fatal(why)) = answer else {
        panic!("{answer:?}")
    };
    for text in says {
        assert!(why.contains(text), "{why}");
    }
}

async fn newest(writer: &Writer) -> Witnessed {
    let note = reader::last_checkpoint(&writer.pool, writer.ledger.id).await;
    Witnessed {
        place: "an auditor's copy".to_owned(),
        note: note.expect("readable").expect("signed"),
    }
}

#[tokio::test]
async fn a_restored_database_that_lacks_entries_is_not_signed_and_goes_on_when_they_are_back() {
    let database = database().await;
    let mut writer = writer(&database).await;
    grow(&mut writer, 3).await;
    back_up(&database, "early").await;
    grow(&mut writer, 4).await;
    back_up(&database, "whole").await;

    restore(&database, "early").await;
    let lost = ["entries 3 to 6 are missing", "ledger continue northsea"];
    // The process that runs on, and one that starts.
    assert_fatal(&writer.append(append(Expected::Any)).await, &lost);
    let mut writer = restart(writer).await;
    for _ in 0..2 {
        let refused = writer.append(append(Expected::Any)).await;
        assert_fatal(&refused, &lost);
        assert_fatal(&refused, &["northsea.last"]);
    }
    assert_whole(&writer, 3).await;

    restore(&database, "whole").await;
    grow(&mut writer, 1).await;
    assert_whole(&writer, 8).await;
}

#[tokio::test]
async fn a_database_with_another_history_is_not_signed() {
    let database = database().await;
    let mut writer = writer(&database).await;
    grow(&mut writer, 3).await;
    back_up(&database, "early").await;
    grow(&mut writer, 4).await;
    let mut writer = restart(writer).await;

    // Somebody went on elsewhere, with the key and without the file that says how far it had come.
    restore(&database, "early").await;
    let file = writer.keys.folder().join("northsea.last");
    let hidden = writer.keys.folder().join("hidden");
    std::fs::rename(&file, &hidden).expect("moved");
    let mut forker = another(&writer);
    grow(&mut forker, 6).await;
    forker.finish().await;
    std::fs::rename(&hidden, &file).expect("moved back");

    let refused = writer.append(append(Expected::Any)).await;
    assert_fatal(
        &refused,
        &["two histories", "first 7 entries", "sealrock verify"],
    );
    // What is kept shows it to whoever has the public key, and nothing else.
    let kept = std::fs::read_dir(writer.keys.folder()).expect("a folder");
    let evidence: Vec<_> = kept
        .map(|file| file.expect("listed").path())
        .filter(|path| path.display().to_string().contains("northsea.fork-"))
        .collect();
    let [evidence] = &evidence[..] else {
        panic!("{evidence:?}")
    };
    let text = std::fs::read(evidence).expect("readable");
    let verifier = LogVerifier::new(&writer.ledger.vkey).expect("a key");
    let fork = ForkEvidence::parse(&text).expect("evidence");
    let fork = fork.verify(&verifier).expect("it shows a fork");
    assert_eq!((fork.older.size, fork.newer.size), (7, 9));
    assert_whole(&writer, 9).await;
}

#[tokio::test]
async fn a_commit_whose_process_died_before_the_file_was_written_is_no_reason_to_stop() {
    let database = database().await;
    let mut writer = writer(&database).await;
    grow(&mut writer, 2).await;
    let mut writer = restart(writer).await;
    writer.break_at(Step::Noted);
    grow(&mut writer, 1).await;
    let mut writer = restart(writer).await;
    grow(&mut writer, 1).await;
    assert_whole(&writer, 4).await;
}

#[tokio::test]
async fn a_file_that_is_no_checkpoint_stops_the_ledger() {
    let database = database().await;
    let mut writer = writer(&database).await;
    grow(&mut writer, 2).await;
    let mut writer = restart(writer).await;
    let file = writer.keys.folder().join("northsea.last");
    let note = std::fs::read(&file).expect("written");
    std::fs::write(&file, "lost in the post").expect("written");
    let refused = writer.append(append(Expected::Any)).await;
    assert_fatal(&refused, &["northsea.last", "no checkpoint"]);
    std::fs::write(&file, note).expect("written");
    grow(&mut writer, 1).await;
}

#[tokio::test]
async fn a_head_that_no_checkpoint_signs_stops_the_ledger() {
    let database = database().await;
    let mut writer = writer(&database).await;
    grow(&mut writer, 3).await;
    let mut writer = restart(writer).await;
    as_admin(&database, "DELETE FROM sealrock.checkpoints WHERE size = 3").await;
    let refused = writer.append(append(Expected::Any)).await;
    assert_fatal(&refused, &["its newest checkpoint is of 2 entries", "fsck"]);
}

#[tokio::test]
async fn an_entry_behind_the_tiles_whose_bytes_were_changed_stops_the_ledger() {
    let database = database().await;
    let mut writer = writer(&database).await;
    grow(&mut writer, 3).await;
    let mut writer = restart(writer).await;
    let sql = "UPDATE sealrock.events SET entry = entry || '\\x20' WHERE index = 1";
    as_admin(&database, sql).await;
    let refused = writer.append(append(Expected::Any)).await;
    assert_fatal(&refused, &["entry 1 was changed"]);
}

#[tokio::test]
async fn a_moved_database_that_lacks_nothing_is_adopted() {
    let database = database().await;
    let mut writer = writer(&database).await;
    grow(&mut writer, 3).await;
    let copy = newest(&writer).await;
    grow(&mut writer, 1).await;
    let mut writer = restart(writer).await;
    moved(&database).await;
    let refused = writer.append(append(Expected::Any)).await;
    assert_fatal(&refused, &["sealrock ledger adopt northsea"]);
    let adopted = writer.adopt(&[copy]).await.expect("nothing is missing");
    let sizes: Vec<u64> = adopted.held_against.iter().map(|(_, size)| *size).collect();
    assert_eq!((adopted.size, sizes), (4, vec![4, 3]));
    grow(&mut writer, 1).await;
    assert_whole(&writer, 5).await;
}

#[tokio::test]
async fn a_moved_database_that_lacks_something_is_not_adopted() {
    let database = database().await;
    let mut writer = writer(&database).await;
    grow(&mut writer, 2).await;
    back_up(&database, "early").await;
    grow(&mut writer, 3).await;
    let copy = newest(&writer).await;
    let mut writer = restart(writer).await;
    restore(&database, "early").await;
    moved(&database).await;
    // By the file beside the key, and by a copy alone where that is lost too.
    let file = writer.keys.folder().join("northsea.last");
    for copies in [&[][..], &[copy]] {
        let refused = writer.adopt(copies).await;
        assert!(
            matches!(&refused, Err(AppendError::Fatal(why)) if why.contains("entries 2 to 4 are missing")),
            "{refused:?}"
        );
        let _ = std::fs::remove_file(&file);
    }
    let unknown = writer.adopt(&[]).await;
    assert!(
        matches!(&unknown, Err(AppendError::Invalid(why)) if why.contains("--copy")),
        "{unknown:?}"
    );
    let refused = writer.append(append(Expected::Any)).await;
    assert_fatal(&refused, &["restored or moved"]);
}

#[tokio::test]
async fn what_somebody_else_holds_and_is_ahead_stops_this_start_and_the_next() {
    let database = database().await;
    let mut writer = writer(&database).await;
    grow(&mut writer, 2).await;
    back_up(&database, "early").await;
    let held = newest(&writer).await;
    writer.require_holds(&held).await.expect("it is here");
    grow(&mut writer, 2).await;
    let ahead = newest(&writer).await;
    let mut writer = restart(writer).await;
    restore(&database, "early").await;
    // The file went back with the database.
    let file = writer.keys.folder().join("northsea.last");
    std::fs::write(&file, &held.note).expect("written");
    let behind = writer.require_holds(&ahead).await;
    assert!(
        matches!(&behind, Err(AppendError::Fatal(why)) if why.contains("an auditor's copy")),
        "{behind:?}"
    );
    let mut writer = restart(writer).await;
    let refused = writer.append(append(Expected::Any)).await;
    assert_fatal(&refused, &["entries 2 to 3 are missing"]);
}
