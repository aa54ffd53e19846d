//! A fault at each step: what was begun is carried on by whoever comes next, once.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::audit::Books;
use super::world::{Process, World, ask, mrv, name, registrar, store_mass};

/// How the step of one process ends before its answer comes.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// It is given up after so many polls.
    Dropped(u32),
    /// All connections are cut while it is on its way.
    Cut(Duration),
}

const FAULTS: [Fault; 9] = [
    Fault::Dropped(1),
    Fault::Dropped(2),
    Fault::Dropped(4),
    Fault::Dropped(8),
    Fault::Dropped(12),
    Fault::Dropped(16),
    Fault::Cut(Duration::ZERO),
    Fault::Cut(Duration::from_millis(2)),
    Fault::Cut(Duration::from_millis(5)),
];

/// The process begins its step, meets the fault, and is gone; another one starts.
async fn crash(world: &World, process: Process, fault: Fault) -> Process {
    process.folded().await;
    let stopping = CancellationToken::new();
    {
        let mut step = Box::pin(process.issuing.advance(&[], &stopping));
        match fault {
            Fault::Dropped(polls) => {
                let mut left = polls;
                std::future::poll_fn(|cx| {
                    left = left.saturating_sub(1);
                    match step.as_mut().poll(cx) {
                        std::task::Poll::Pending if left > 0 => std::task::Poll::Pending,
                        _ => std::task::Poll::Ready(()),
                    }
                })
                .await;
            }
            Fault::Cut(after) => {
                let cut = async {
                    tokio::time::sleep(after).await;
                    world.cut_connections().await;
                };
                // Whether it came through is for the ledgers to say.
                let (_, ()) = tokio::join!(step, cut);
            }
        }
    }
    process.stop().await;
    world.process().await
}

#[tokio::test]
async fn after_a_fault_at_any_step_the_next_process_carries_on_and_each_step_is_recorded_once() {
    let (world, mut process) = World::new().await;
    store_mass(&process.store, &world.northsea, 1, 1_000_000_000).await;
    for (n, fault) in FAULTS.into_iter().enumerate() {
        let approves = n % 2 == 0;
        let requested = ask(&process.commands, &mrv(1), 3).await.unwrap();
        process = crash(&world, process, fault).await;
        process.settle().await;
        let (who, name) = (registrar(1), name(requested.issuance));
        if approves {
            process
                .commands
                .approve_issuance(&who, &name)
                .await
                .unwrap();
        } else {
            let reason = "no".parse().unwrap();
            let refused = process.commands.refuse_issuance(&who, &name, &reason);
            refused.await.unwrap();
        }
        process = crash(&world, process, fault).await;
        process.settle().await;
        let books = Books::audit(&world, &process.store).await;
        books.nothing_dangles();
        assert_eq!(books.issued() + books.refused(), n + 1, "{fault:?}");
    }
    process.stop().await;
}

#[tokio::test]
async fn two_processes_that_carry_on_at_once_record_each_step_once() {
    let (world, here) = World::new().await;
    let there = world.process().await;
    store_mass(&here.store, &world.northsea, 1, 1_000_000_000).await;
    let mut issuances = Vec::new();
    for n in 0..12 {
        issuances.push(ask(&here.commands, &mrv(n), 2).await.unwrap().issuance);
    }
    let stop = CancellationToken::new();
    here.folded().await;
    there.folded().await;
    let (one, other) = tokio::join!(
        here.issuing.advance(&[], &stop),
        there.issuing.advance(&[], &stop)
    );
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!((one.failed, other.failed), (vec![], vec![]));
    assert_eq!(one.taken + other.taken, 12);
    for issuance in issuances {
        let (who, name) = (registrar(1), name(issuance));
        here.commands.approve_issuance(&who, &name).await.unwrap();
    }
    here.folded().await;
    there.folded().await;
    let (one, other) = tokio::join!(
        here.issuing.advance(&[], &stop),
        there.issuing.advance(&[], &stop)
    );
    assert_eq!(one.unwrap().taken + other.unwrap().taken, 12);
    let books = Books::audit(&world, &here.store).await;
    assert_eq!(books.nothing_dangles().issued(), 12);
    here.stop().await;
    there.stop().await;
}

/// A reservation that its registry must refuse stands still and keeps no other waiting.
#[tokio::test]
async fn one_that_cannot_go_on_is_told_and_keeps_none_waiting() {
    let (world, process) = World::new().await;
    store_mass(&process.store, &world.northsea, 1, 10_000_000).await;
    let stuck = ask(&process.commands, &mrv(1), 1).await.unwrap();
    let fine = ask(&process.commands, &mrv(2), 1).await.unwrap();
    // The read model claims something that the ledger does not bear out.
    process.folded().await;
    let lie = "UPDATE rm_credits.reservation SET reserved_index = 0 WHERE issuance = $1";
    sqlx::query(lie)
        .bind(stuck.issuance)
        .execute(&world.database.admin_pool)
        .await
        .unwrap();
    let stop = CancellationToken::new();
    let tally = process.issuing.advance(&[], &stop).await.unwrap();
    assert_eq!((tally.taken, tally.failed.len()), (1, 1));
    assert_eq!(tally.failed[0].0.issuance(), stuck.issuance);
    assert!(
        tally.failed[0]
            .1
            .contains("does not say what it is cited for"),
        "{tally:?}"
    );
    let books = Books::audit(&world, &process.store).await;
    assert_eq!(books.requested().len(), 2);
    let (who, name) = (registrar(1), name(fine.issuance));
    process
        .commands
        .approve_issuance(&who, &name)
        .await
        .unwrap();
    process.stop().await;
}
