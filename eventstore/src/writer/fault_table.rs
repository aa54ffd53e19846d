//! Every place where a commit can break, and what must be true afterwards.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::Utc;
use sealrock_ledger::{Frontier, Index, KeyRange, LedgerName, Origin};
use sealrock_testkit::{TestDatabase, database};
use uuid::Uuid;

use super::commit::Work;
use super::gather::Gathered;
use super::persist::{self, Step};
use super::under_way::UnderWay;
use super::{Answer, Writer};
use crate::append::{Append, Expected, NewEvent, Retention};
use crate::error::AppendError;
use crate::keys::{KeyError, KeyFiles, KeySource, Signer};
use crate::ledgers::{self, LedgerKind};
use crate::reader;

/// Breaks the commit once, at this step.
pub(super) struct Fault(Mutex<Option<Step>>);

impl Writer {
    pub(super) fn fault(&self, step: Step) -> Result<(), AppendError> {
        let fault = self
            .fault
            .as_ref()
            .map(|Fault(at)| at.lock().expect("whole"));
        match fault {
            Some(mut at) if *at == Some(step) => {
                *at = None;
                Err(AppendError::Unavailable("a fault of the test".into()))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn break_at(&mut self, step: Step) {
        if let Step::Locked | Step::Inserted = step {
            // There are such steps under the lock only.
            self.standing = None;
        }
        self.fault = Some(Fault(Mutex::new(Some(step))));
    }

    pub(super) async fn append(&mut self, append: Append) -> Answer {
        self.commit(Work::Appends(vec![append])).await?.remove(0)
    }
}

/// Keys in a folder that goes with them.
struct ScratchKeys {
    files: KeyFiles,
    folder: tempfile::TempDir,
}

impl KeySource for ScratchKeys {
    fn signer(&self, name: &LedgerName, origin: &Origin, vkey: &str) -> Result<Signer, KeyError> {
        self.files.signer(name, origin, vkey)
    }

    fn unused(
        &self,
        name: &LedgerName,
        origin: &Origin,
        known: &[KeyRange],
    ) -> Result<Signer, KeyError> {
        self.files.unused(name, origin, known)
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }
}

pub(super) async fn writer(database: &TestDatabase) -> Writer {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = ScratchKeys {
        files: KeyFiles::new(folder.path()),
        folder,
    };
    writer_with(database, Arc::new(keys)).await
}

pub(super) async fn writer_with(database: &TestDatabase, keys: Arc<dyn KeySource>) -> Writer {
    let name = "northsea".parse().expect("a name");
    let origin = Origin::new("sealrock.test", &name);
    let key = keys.unused(&name, &origin, &[]).expect("a key");
    let kind = LedgerKind::Operational;
    ledgers::create(&database.pool, &origin, &name, key.vkey(), kind, false)
        .await
        .expect("created");
    let info = ledgers::by_name(&database.pool, &name)
        .await
        .expect("read")
        .expect("there");
    Writer::new(
        database.pool.clone(),
        info,
        keys,
        Arc::default(),
        Arc::default(),
    )
}

/// A writer that has appended one entry, and so knows its ledger.
async fn begun(database: &TestDatabase) -> Writer {
    let mut writer = writer(database).await;
    let first = writer.append(append(Expected::Any)).await;
    first.expect("the first");
    writer
}

/// A writer of the same ledger, as in another process.
pub(super) fn another(writer: &Writer) -> Writer {
    let (pool, info, keys) = (
        writer.pool.clone(),
        writer.ledger.clone(),
        Arc::clone(&writer.keys),
    );
    Writer::new(pool, info, keys, Arc::default(), Arc::default())
}

pub(super) fn append(expected: Expected) -> Append {
    Append {
        actor: "service/test".into(),
        command: Uuid::now_v7(),
        input_hash: [0; 32],
        cause: String::new(),
        via: "process:test".into(),
        received_at: Utc::now(),
        unchanged: None,
        events: vec![NewEvent {
            stream: "thing/1".into(),
            expected,
            kind: "ThingHappened".into(),
            schema: 1,
            media: "application/json".into(),
            bytes: b"{}".to_vec(),
            retention: Retention::Kept,
        }],
    }
}

/// The stored entries give the head's root, and every commit left its checkpoint.
pub(super) async fn assert_whole(writer: &Writer, entries: u64) {
    let recorded = reader::read(&writer.pool, writer.ledger.id, Index(0), 100)
        .await
        .expect("readable");
    assert_eq!(recorded.len() as u64, entries);
    let mut tree = Frontier::default();
    for one in &recorded {
        tree.push(one.leaf_hash);
    }
    let note = reader::last_checkpoint(&writer.pool, writer.ledger.id)
        .await
        .expect("readable");
    let keys = reader::keys(&writer.pool, writer.ledger.id)
        .await
        .expect("readable");
    let notes = [note.expect("signed")];
    let checkpoint = &reader::parse_checkpoints(&keys, &notes).expect("verifies")[0];
    assert_eq!((checkpoint.size, checkpoint.root), (entries, tree.root()));
}

#[tokio::test]
async fn a_commit_that_breaks_before_commit_leaves_nothing_and_its_repetition_is_stored_once() {
    for step in [Step::Locked, Step::Inserted] {
        let database = database().await;
        let mut writer = writer(&database).await;
        writer
            .append(append(Expected::Version(0)))
            .await
            .expect("the first");

        writer.break_at(step);
        let broken = append(Expected::Version(1));
        let answer = writer.append(broken.clone()).await;
        assert!(
            matches!(answer, Err(AppendError::Unavailable(_))),
            "{step:?}: {answer:?}"
        );
        assert_whole(&writer, 1).await;

        let repeated = writer.append(broken).await.expect("goes on");
        assert!(!repeated.duplicate, "{step:?}");
        assert_whole(&writer, 2).await;
    }
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_found_and_acknowledged() {
    let database = database().await;
    let mut writer = writer(&database).await;
    writer
        .append(append(Expected::Version(0)))
        .await
        .expect("the first");

    writer.break_at(Step::Committed);
    let lost = append(Expected::Version(1));
    let found = writer
        .append(lost.clone())
        .await
        .expect("it is in the ledger");
    assert!(!found.duplicate);
    assert_whole(&writer, 2).await;
    let repeated = writer.append(lost).await.expect("known");
    assert_eq!(
        (repeated.duplicate, &repeated.receipt),
        (true, &found.receipt)
    );
    writer
        .append(append(Expected::Version(2)))
        .await
        .expect("goes on");
    assert_whole(&writer, 3).await;
}

/// The stream's next appends, gathered and signed, and not sent.
async fn ready(writer: &mut Writer, appends: Vec<Append>) -> super::flight::Flight {
    let mut gathered = Gathered::default();
    writer.gather(&mut gathered, appends).await;
    seal(writer, gathered).await
}

/// What was gathered, signed and not sent.
async fn seal(writer: &mut Writer, gathered: Gathered) -> super::flight::Flight {
    let connection = writer.take_connection(true).await;
    let sealed = writer.seal(gathered, connection).await;
    sealed.unwrap_or_else(|_| panic!("the writer knows its ledger"))
}

#[tokio::test]
async fn what_is_chained_is_given_back_with_what_cannot_be_chained_behind_it() {
    let database = database().await;
    let mut writer = begun(&database).await;
    let chained = append(Expected::Any);
    let mut gathered = Gathered::default();
    writer.gather(&mut gathered, vec![chained.clone()]).await;
    // Of a stream that the writer does not know, when nobody can tell its version.
    let mut other = append(Expected::Any);
    other.events[0].stream = "thing/2".into();
    gathered.loose.push(other.clone());
    let mut held = database.admin_pool.begin().await.expect("begun");
    sqlx::query("LOCK TABLE sealrock.events IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *held)
        .await
        .expect("locked");
    writer.patience = Duration::from_millis(300);
    let connection = writer.take_connection(true).await;
    let Err(left) = writer.seal(gathered, connection).await else {
        panic!("a version was made up");
    };
    let commands: Vec<_> = left.iter().map(|append| append.command).collect();
    assert_eq!(commands, [chained.command, other.command]);
}

#[tokio::test]
async fn a_commit_that_was_found_missing_is_not_stored_by_who_reads_it_late() {
    let database = database().await;
    let mut writer = writer(&database).await;
    writer
        .append(append(Expected::Version(0)))
        .await
        .expect("the first");
    let late = append(Expected::Version(1));
    let flight = ready(&mut writer, vec![late.clone()]).await;
    // Its line broke, and Postgres is asked before the backend comes to what it was sent.
    let outcome = persist::outcome(&writer.pool, writer.ledger.id, flight.checkpoint()).await;
    assert!(matches!(outcome, persist::Committed::No));
    let landed = flight.fly(writer.ledger.id, writer.patience).await;
    assert!(landed.was_refused());
    assert_whole(&writer, 1).await;
    let repeated = another(&writer).append(late).await.expect("goes on");
    assert!(!repeated.duplicate);
    assert_whole(&writer, 2).await;
}

#[tokio::test]
async fn what_is_gathered_behind_a_commit_that_is_refused_is_chained_anew_and_stored_once() {
    let database = database().await;
    let mut writer = writer(&database).await;
    let first = append(Expected::Any);
    writer.append(first.clone()).await.expect("the first");
    let mut other = another(&writer);
    for (moved, entries) in [(true, 4), (false, 6)] {
        let new = append(Expected::Any);
        // A repetition is refused by the key of the commands.
        let appends = if moved {
            vec![new]
        } else {
            vec![first.clone(), new]
        };
        let flight = ready(&mut writer, appends).await;
        let mut behind = Gathered::default();
        let next = vec![append(Expected::Any)];
        writer.gather(&mut behind, next).await;
        if moved {
            let elsewhere = other.append(append(Expected::Any)).await;
            elsewhere.expect("appended");
        }
        let landed = flight.fly(writer.ledger.id, writer.patience).await;
        assert!(landed.was_refused());
        let answers = writer.land(landed, &mut behind).await.expect("stored");
        let duplicates: Vec<_> = answers
            .iter()
            .map(|answer| answer.as_ref().expect("stored").duplicate)
            .collect();
        let expected = if moved {
            vec![false]
        } else {
            vec![true, false]
        };
        assert_eq!(duplicates, expected);
        let flight = seal(&mut writer, behind).await;
        let landed = flight.fly(writer.ledger.id, writer.patience).await;
        let answers = writer.land(landed, &mut Gathered::default()).await;
        assert!(
            !answers.expect("stored")[0]
                .as_ref()
                .expect("stored")
                .duplicate
        );
        assert_whole(&writer, entries).await;
    }
}

/// Two commits, the second built on the first, which Postgres comes to when the second was refused.
async fn overtaken(writer: &mut Writer, first: Append, second: Append) -> UnderWay {
    let flight = ready(writer, vec![first]).await;
    let behind = ready(writer, vec![second]).await;
    let mut refused = behind.fly(writer.ledger.id, writer.patience).await;
    assert!(refused.was_refused());
    refused.flight.early = true;
    let mut under_way = UnderWay::new(writer.ledger.id, writer.patience);
    under_way.came_back(flight.fly(writer.ledger.id, writer.patience).await);
    under_way.came_back(refused);
    under_way
}

#[tokio::test]
async fn a_commit_that_overtakes_the_one_that_it_is_built_on_is_sent_again() {
    let database = database().await;
    let mut writer = begun(&database).await;
    let (one, two) = (append(Expected::Version(1)), append(Expected::Version(2)));
    let mut under_way = overtaken(&mut writer, one, two).await;
    for _ in 0..2 {
        let (landed, _) = under_way.landing().await;
        assert!(landed.was_stored());
        let answers = writer.land(landed, &mut Gathered::default()).await;
        answers.expect("stored")[0].as_ref().expect("stored");
    }
    assert_whole(&writer, 3).await;
}

#[tokio::test]
async fn what_was_sent_behind_a_commit_that_is_refused_is_stored_once_behind_it() {
    let database = database().await;
    let mut writer = begun(&database).await;
    let mut other = another(&writer);
    let elsewhere = other.append(append(Expected::Any)).await;
    elsewhere.expect("appended");
    let (one, two) = (append(Expected::Any), append(Expected::Any));
    let mut under_way = overtaken(&mut writer, one, two).await;
    for index in 2..4 {
        let (landed, _) = under_way.landing().await;
        assert!(landed.was_refused());
        let answers = writer.land(landed, &mut Gathered::default()).await;
        let appended = answers.expect("stored").remove(0).expect("stored");
        assert!(!appended.duplicate);
        assert_eq!(appended.receipt.first, Index(index));
    }
    assert_whole(&writer, 4).await;
}

/// Until so many of the database's connections wait for a lock.
async fn until_waiting(database: &TestDatabase, wanted: i64) {
    let sql = "SELECT count(*) FROM pg_stat_activity \
               WHERE datname = current_database() AND wait_event_type = 'Lock'";
    loop {
        let waiting: i64 = sqlx::query_scalar(sql)
            .fetch_one(&database.admin_pool)
            .await
            .expect("counted");
        if waiting == wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_commit_waits_in_postgres_for_the_one_that_it_is_built_on() {
    let database = database().await;
    let mut writer = begun(&database).await;
    let mut held = database.admin_pool.begin().await.expect("begun");
    sqlx::query("SELECT FROM sealrock.ledger_heads FOR UPDATE")
        .execute(&mut *held)
        .await
        .expect("locked");
    let (id, patience) = (writer.ledger.id, writer.patience);
    let flight = ready(&mut writer, vec![append(Expected::Any)]).await;
    let behind = ready(&mut writer, vec![append(Expected::Any)]).await;
    let first = tokio::spawn(flight.fly(id, patience));
    until_waiting(&database, 1).await;
    let second = tokio::spawn(behind.fly(id, patience));
    until_waiting(&database, 2).await;
    held.rollback().await.expect("let go");
    for flight in [first, second] {
        let landed = flight.await.expect("no panic");
        assert!(landed.was_stored());
        let answers = writer.land(landed, &mut Gathered::default()).await;
        answers.expect("stored")[0].as_ref().expect("stored");
    }
    assert_whole(&writer, 3).await;
}

#[tokio::test]
async fn a_repetition_that_expects_what_was_then_is_answered_with_its_receipt() {
    let database = database().await;
    let mut writer = writer(&database).await;
    let first = append(Expected::Version(0));
    let receipt = writer
        .append(first.clone())
        .await
        .expect("the first")
        .receipt;
    let lost = append(Expected::Version(0));
    let appends = vec![first, append(Expected::Version(1)), lost];
    let flight = ready(&mut writer, appends).await;
    let landed = flight.fly(writer.ledger.id, writer.patience).await;
    let answers = writer.land(landed, &mut Gathered::default()).await;
    let [repeated, new, lost] = &answers.expect("stored")[..] else {
        panic!("three answers");
    };
    let repeated = repeated.as_ref().expect("known");
    assert_eq!((repeated.duplicate, &repeated.receipt), (true, &receipt));
    assert!(!new.as_ref().expect("stored").duplicate);
    assert!(
        matches!(lost, Err(AppendError::Conflict { .. })),
        "{lost:?}"
    );
    assert_whole(&writer, 2).await;
}

#[tokio::test]
async fn commits_that_are_built_on_one_under_way_are_stored_in_order() {
    let database = database().await;
    let mut writer = writer(&database).await;
    let store = writer.ledger.id;
    let first = append(Expected::Version(0));
    writer.append(first).await.expect("the first");
    let mut flight = ready(&mut writer, vec![append(Expected::Version(1))]).await;
    for n in 2..=10 {
        let mut behind = Gathered::default();
        let waiting = vec![append(Expected::Version(n))];
        let (landed, ()) = tokio::join!(
            flight.fly(store, super::PATIENCE),
            writer.gather(&mut behind, waiting)
        );
        let answers = writer.land(landed, &mut behind).await.expect("stored");
        assert_eq!(
            answers[0].as_ref().expect("stored").receipt.first,
            Index(n - 1)
        );
        let connection = writer.take_connection(true).await;
        let Ok(next) = writer.seal(behind, connection).await else {
            panic!("the writer knows its ledger");
        };
        flight = next;
    }
    let landed = flight.fly(store, super::PATIENCE).await;
    let answers = writer.land(landed, &mut Gathered::default()).await;
    answers.expect("stored");
    assert_whole(&writer, 11).await;
}

#[tokio::test]
async fn a_lost_race_or_a_stream_that_is_not_new_is_answered_from_the_database() {
    let database = database().await;
    let mut writer = writer(&database).await;
    let mut other = another(&writer);
    writer
        .append(append(Expected::Version(0)))
        .await
        .expect("the first");
    other
        .append(append(Expected::Version(1)))
        .await
        .expect("another process");
    // In its memory the stream is at 1.
    let raced = writer.append(append(Expected::Version(2))).await;
    assert!(raced.is_ok(), "{raced:?}");
    // And it has forgotten the stream, as one of very many.
    writer.standing.as_mut().expect("known").versions = super::versions::Versions::default();
    let begun = writer.append(append(Expected::Version(0))).await;
    assert!(
        matches!(&begun, Err(AppendError::Conflict { actual: 3, .. })),
        "{begun:?}"
    );
    assert_whole(&writer, 3).await;
}

#[tokio::test]
async fn what_became_of_a_commit_is_asked_though_the_pool_has_but_one_connection() {
    let mut database = database().await;
    database.pool = crate::connect(&database.url, 1).await.expect("connected");
    let mut writer = writer(&database).await;
    writer.break_at(Step::Committed);
    let found = writer.append(append(Expected::Version(0))).await;
    assert!(!found.expect("it is in the ledger").duplicate);
    assert_whole(&writer, 1).await;
}

#[tokio::test]
async fn a_commit_whose_connection_dies_is_rolled_back_and_the_next_one_goes_on() {
    let database = database().await;
    let mut writer = writer(&database).await;
    writer
        .append(append(Expected::Version(0)))
        .await
        .expect("the first");
    // Every backend of the writer's pool is ended under it, as a failover would.
    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .execute(&database.admin_pool)
    .await
    .expect("ended");
    let next = append(Expected::Version(1));
    // The pool may find out only by using a dead connection; then nothing was appended.
    let mut answer = writer.append(next.clone()).await;
    for _ in 0..20 {
        if !matches!(answer, Err(AppendError::Unavailable(_))) {
            break;
        }
        assert_whole(&writer, 1).await;
        answer = writer.append(next.clone()).await;
    }
    assert!(!answer.expect("goes on").duplicate);
    assert_whole(&writer, 2).await;
}

#[tokio::test]
async fn a_head_that_another_process_moved_is_read_anew() {
    let database = database().await;
    let mut here = writer(&database).await;
    let mut there = another(&here);
    for n in 0..20 {
        let writer = if n % 3 == 0 { &mut there } else { &mut here };
        writer
            .append(append(Expected::Version(n)))
            .await
            .expect("appended");
    }
    assert_whole(&here, 20).await;
}

#[tokio::test]
async fn tiles_that_do_not_give_the_heads_tree_stop_the_ledger() {
    let database = database().await;
    let mut writer = writer(&database).await;
    for n in 0..3 {
        writer
            .append(append(Expected::Version(n)))
            .await
            .expect("appended");
    }
    sqlx::query("UPDATE sealrock.events SET leaf_hash = sha256('x') WHERE index = 1")
        .execute(&database.admin_pool)
        .await
        .expect("damaged");
    writer.standing = None; // as after a restart
    let refused = writer.append(append(Expected::Any)).await;
    assert!(matches!(refused, Err(AppendError::Fatal(_))), "{refused:?}");
}
