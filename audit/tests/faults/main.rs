//! The writer against a Postgres that breaks: at every statement of an append and at its COMMIT.
//!
//! Afterwards, whatever broke: no fork and no gap, nothing acknowledged is lost, nothing is stored
//! twice, and `fsck` finds nothing.
#![expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod commands;
mod proxy;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use commands::Ledger;
use proxy::{Fault, Proxy};
use sealrock_testkit::database;

/// More statements than an append has.
const ENOUGH: usize = 200;
/// Fewer than an append has: a table that ends before was not at work.
const AT_LEAST: usize = 9;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_survives_each_of_its_statements_failing_or_losing_its_line() {
    let faults = [
        Fault::Failed,
        Fault::CutBefore,
        Fault::CutAfter,
        Fault::AnswerLost,
    ];
    let database = database().await;
    let proxy = Proxy::before(&database.url).await;
    for fault in faults {
        let mut broken = Vec::new();
        for at in 1..ENOUGH {
            let ledger = Ledger::new(&database.pool, &format!("{fault:?}-{at}")).await;
            proxy.arm(at, fault);
            let receipts = ledger.record_by(&proxy.url(&database.url)).await;
            let Some(statement) = proxy.hit() else { break };
            ledger.assert_recorded_once(&receipts).await;
            broken.push(statement);
        }
        assert_covered(&broken);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_survives_its_process_being_killed_at_each_of_its_statements() {
    let database = database().await;
    let proxy = Proxy::before(&database.url).await;
    for fault in [Fault::KilledBefore, Fault::KilledAfter] {
        let mut broken = Vec::new();
        for at in 1..ENOUGH {
            let ledger = Ledger::new(&database.pool, &format!("{fault:?}-{at}")).await;
            proxy.arm(at, fault);
            let url = proxy.url(&database.url);
            let mut acknowledged = run(child(&ledger, &url), &proxy);
            let Some(statement) = proxy.hit() else { break };
            // The next process goes on where that one was ended.
            let after = run(child(&ledger, &url), &proxy);
            assert_eq!(after.len(), commands::COMMANDS, "{statement}");
            acknowledged.extend(after);
            ledger.assert_recorded_once(&acknowledged).await;
            broken.push(statement);
        }
        assert_covered(&broken);
    }
}

/// Every table of an append was met, and its end.
fn assert_covered(broken: &[String]) {
    assert!(broken.len() >= AT_LEAST, "{broken:#?}");
    for part in [
        "alone: ",
        "BEGIN",
        "FOR UPDATE",
        "FROM events",
        "JOIN commands",
        "INTO events",
        "INTO payloads",
        "INTO batch_payloads",
        "INTO commands",
        "INTO tiles",
        "INTO checkpoints",
        "UPDATE ledger_heads",
        "COMMIT",
    ] {
        let met = broken.iter().any(|statement| statement.contains(part));
        assert!(met, "{part} was not broken: {broken:#?}");
    }
}

/// This very program, as the process that appends and is killed.
fn child(ledger: &Ledger, url: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["the_process_that_is_killed", "--exact", "--ignored"])
        .arg("--nocapture")
        .env("FAULTS_URL", url)
        .env("FAULTS_KEYS", ledger.keys())
        .env("FAULTS_LEDGER", ledger.name())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What the process had acknowledged when it ended.
fn run(mut child: Child, proxy: &Proxy) -> Vec<(usize, u64)> {
    proxy.aim(child.id());
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let acknowledged = lines
        .map_while(Result::ok)
        .filter_map(|line| commands::read_acknowledgement(&line))
        .collect();
    child.wait().unwrap();
    acknowledged
}

#[test]
#[ignore = "a part of the test above, which runs it as a process of its own"]
fn the_process_that_is_killed() {
    let variable = |name| std::env::var(name).expect("the test above sets it");
    let (url, keys) = (variable("FAULTS_URL"), variable("FAULTS_KEYS"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(commands::record_and_print(
        &url,
        keys.as_ref(),
        &variable("FAULTS_LEDGER"),
    ));
}
