//! Checkpoints are published when real witnesses have cosigned them.

use std::path::Path;
use std::time::Duration;

use sealrock_audit::{PublishError, Published, Publisher, Publishing, Witnesses};
use sealrock_eventstore::{AppendError, LedgerInfo};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::interop::python;
use crate::ledger::{Ledger, append, event};
use crate::witness::Witness;

/// How long anything that should happen may take on a busy machine.
const SOON: Duration = Duration::from_mins(1);

/// Publishes a ledger with these lines of witnesses.
struct Desk {
    publisher: Publisher,
    evidence: TempDir,
}

impl Desk {
    fn new(ledger: &Ledger, lines: &str) -> Self {
        let evidence = tempfile::tempdir().unwrap();
        let publishing = Publishing {
            witnesses: Some(Witnesses::parse(lines).unwrap()),
            authority: None,
            every: Duration::from_millis(50),
            evidence: evidence.path().to_owned(),
        };
        let publisher = Publisher::new(ledger.store.clone(), publishing, reqwest::Client::new());
        Self {
            publisher,
            evidence,
        }
    }

    async fn publish(&self, ledger: &LedgerInfo) -> Published {
        self.publisher.publish_once(ledger).await.unwrap().unwrap()
    }

    /// How a contradiction was told and kept.
    async fn contradicted(&self, ledger: &LedgerInfo) -> (String, serde_json::Value) {
        let error = self.publisher.publish_once(ledger).await.unwrap_err();
        let PublishError::Contradicted { evidence, .. } = &error else {
            panic!("{error}")
        };
        assert_eq!(evidence.parent(), Some(self.evidence.path()));
        let kept = serde_json::from_slice(&std::fs::read(evidence).unwrap()).unwrap();
        (error.to_string(), kept)
    }
}

fn one(witness: &Witness) -> String {
    witness.policy_line() + "quorum a\n"
}

async fn until_published(desk: &Publisher, ledger: &LedgerInfo, size: u64) -> Published {
    let wait = async {
        loop {
            match desk.published(ledger).await.unwrap() {
                Some(published) if published.checkpoint.size >= size => return published,
                _ => sleep(Duration::from_millis(50)).await,
            }
        }
    };
    timeout(SOON, wait).await.expect("published in time")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_is_cosigned_and_others_can_tell() {
    let ledger = Ledger::of(300).await;
    let witness = Witness::start("a", &[&ledger.info]);
    let desk = Desk::new(&ledger, &one(&witness));
    assert!(
        desk.publisher
            .published(&ledger.info)
            .await
            .unwrap()
            .is_none()
    );

    for size in [300, 600] {
        let published = desk.publish(&ledger.info).await;
        assert_eq!(published.checkpoint.size, size);
        let policy = desk.publisher.policy(&ledger.info).await.unwrap();
        let checked = policy.check(published.checkpoint.note.as_bytes()).unwrap();
        assert_eq!(checked.cosigned_by[0].witness, "a");

        let note = desk.evidence.path().join("note");
        std::fs::write(&note, &published.checkpoint.note).unwrap();
        let keys = [ledger.info.vkey.as_str(), witness.vkey()].map(Path::new);
        let told = python("cosigned.py", &[&[note.as_path()], &keys[..]].concat());
        assert_eq!(
            told.unwrap_or_else(|error| panic!("{error}")),
            size.to_string()
        );
        ledger.grow(300).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_that_has_forgotten_how_far_a_witness_is_is_told_by_the_witness() {
    let ledger = Ledger::of(10).await;
    let witness = Witness::start("a", &[&ledger.info]);
    let first = Desk::new(&ledger, &one(&witness))
        .publish(&ledger.info)
        .await;
    ledger.grow(500).await;
    let second = Desk::new(&ledger, &one(&witness))
        .publish(&ledger.info)
        .await;
    assert_eq!((first.checkpoint.size, second.checkpoint.size), (10, 510));
    assert_eq!(witness.evidence().trim(), "[]");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_quorum_is_away_the_last_cosigned_checkpoint_stays_and_then_it_catches_up() {
    let ledger = Ledger::of(10).await;
    let mut witness = Witness::start("a", &[&ledger.info]);
    let desk = Desk::new(&ledger, &one(&witness));
    let stopping = CancellationToken::new();
    let running = tokio::spawn(desk.publisher.clone().run(stopping.clone()));
    until_published(&desk.publisher, &ledger.info, 10).await;

    witness.stop();
    ledger.grow(300).await;
    let held = desk.publish(&ledger.info).await;
    assert_eq!(held.checkpoint.size, 10);
    let lag = desk.publisher.lag(&ledger.info).await.unwrap();
    assert_eq!(lag.entries, 300);
    assert!(lag.since.is_some());

    witness.restart();
    let published = until_published(&desk.publisher, &ledger.info, 310).await;
    assert_eq!(published.checkpoint.size, 310);
    let lag = desk.publisher.lag(&ledger.info).await.unwrap();
    assert_eq!((lag.entries, lag.since), (0, None));
    stopping.cancel();
    timeout(SOON, running).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_three_are_enough_and_the_third_adds_its_line_when_it_is_back() {
    let ledger = Ledger::of(10).await;
    let [a, b] = ["a", "b"].map(|name| Witness::start(name, &[&ledger.info]));
    let mut c = Witness::start("c", &[&ledger.info]);
    let lines = [&a, &b, &c].map(Witness::policy_line).concat();
    let desk = Desk::new(&ledger, &(lines + "group two 2 a b c\nquorum two\n"));
    c.stop();
    let cosigned_by = async || {
        let published = desk.publish(&ledger.info).await;
        let policy = desk.publisher.policy(&ledger.info).await.unwrap();
        let checked = policy.check(published.checkpoint.note.as_bytes()).unwrap();
        let names: Vec<String> = checked
            .cosigned_by
            .into_iter()
            .map(|by| by.witness)
            .collect();
        names.concat()
    };
    assert_eq!(cosigned_by().await, "ab");
    c.restart();
    assert_eq!(cosigned_by().await, "abc");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_publishers_at_once_contradict_nobody() {
    let ledger = Ledger::of(1).await;
    let witness = Witness::start("a", &[&ledger.info]);
    let desks = [(); 3].map(|()| Desk::new(&ledger, &one(&witness)));
    let stopping = CancellationToken::new();
    let running: Vec<_> = desks
        .iter()
        .map(|desk| tokio::spawn(desk.publisher.clone().run(stopping.clone())))
        .collect();
    let mut published = 0;
    for _ in 0..20 {
        ledger.grow(30).await;
        let now = desks[0].publisher.published(&ledger.info).await.unwrap();
        let now = now.map_or(0, |published| published.checkpoint.size);
        assert!(published <= now);
        published = now;
    }
    until_published(&desks[0].publisher, &ledger.info, 601).await;
    assert_eq!(witness.evidence().trim(), "[]");
    stopping.cancel();
    for (task, desk) in running.into_iter().zip(&desks) {
        timeout(SOON, task).await.unwrap().unwrap();
        assert_eq!(std::fs::read_dir(desk.evidence.path()).unwrap().count(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_that_has_seen_more_or_another_history_stops_publishing_and_signing_and_proves_it()
 {
    let ledger = Ledger::of(40).await;
    let witness = Witness::start("a", &[&ledger.info]);
    let seen = Desk::new(&ledger, &one(&witness))
        .publish(&ledger.info)
        .await;

    for (entries, told) in [(10, "holds 10"), (40, ""), (90, "422")] {
        let fork = ledger.fork(entries).await;
        let desk = Desk::new(&fork, &one(&witness));
        let (error, kept) = desk.contradicted(&fork.info).await;
        assert!(
            error.contains("witness a") && error.contains(told),
            "{error}"
        );
        // The file holds both signed checkpoints.
        let cosigned = kept["cosigned"].as_str().unwrap();
        let policy = desk.publisher.policy(&fork.info).await.unwrap();
        let checked = policy.check(cosigned.as_bytes()).unwrap();
        assert_eq!(checked.checkpoint.root, seen.checkpoint.root);
        assert!(
            kept["asked"]
                .as_str()
                .unwrap()
                .contains(&format!("\n{entries}\n"))
        );
        assert!(
            desk.publisher
                .published(&fork.info)
                .await
                .unwrap()
                .is_none()
        );
        let more = append(vec![event(entries)]);
        let refused = fork.store.append(fork.info.id, more).await;
        assert!(matches!(refused, Err(AppendError::Fatal(_))), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_that_does_not_know_the_ledger_is_no_contradiction() {
    let ledger = Ledger::of(5).await;
    let witness = Witness::start("a", &[]);
    let desk = Desk::new(&ledger, &one(&witness));
    assert!(
        desk.publisher
            .publish_once(&ledger.info)
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(std::fs::read_dir(desk.evidence.path()).unwrap().count(), 0);
}
