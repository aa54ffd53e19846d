//! Everything at once: requests, managers, deciders, losses, killed tasks, cut connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sealrock_commands::StorageLoss;
use sealrock_projections::credits::{IssuanceFilter, RequestState};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::audit::Books;
use super::world::{
    Process, World, ask, may_pass, mrv, name_of, registrar, request, slug, store_mass,
};

const REQUESTERS: u64 = 4;
const REQUESTS: u64 = 12;
const CUTS: u64 = 25;

/// The seed of a run: `SEALROCK_TEST_SEED`, or a new one; it is printed.
fn seed() -> u64 {
    let given = std::env::var("SEALROCK_TEST_SEED").ok();
    let seed = given.map_or_else(rand::random, |text| text.parse().unwrap());
    println!("SEALROCK_TEST_SEED={seed}");
    seed
}

fn moment(rng: &mut StdRng, most_ms: u64) -> Duration {
    Duration::from_micros(rng.gen_range(0..most_ms * 1_000))
}

/// Asks for credits; now and then gives up in the middle and asks again with the same command id.
async fn requester(process: Arc<Process>, mut rng: StdRng, n: u64, left: Arc<AtomicU64>) {
    for _ in 0..REQUESTS {
        let (who, tonnes) = (mrv(n.into()), rng.gen_range(1..6));
        let (life, wanted) = (moment(&mut rng, 20), request(tonnes));
        let asked = process.commands.request_issuance(&who, &wanted);
        drop(tokio::time::timeout(life, asked).await);
        ask(&process.commands, &who, tonnes).await;
        tokio::time::sleep(moment(&mut rng, 20)).await;
    }
    left.fetch_sub(1, Ordering::SeqCst);
}

/// Carries on, and is killed in the middle most of the time.
async fn manager(process: Arc<Process>, mut rng: StdRng, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let life = moment(&mut rng, 40);
        drop(tokio::time::timeout(life, process.issuing.advance(&[], &stop)).await);
        tokio::time::sleep(moment(&mut rng, 5)).await;
    }
}

/// Decides what it sees; two of them may decide the same, and differently.
async fn decider(
    world: Arc<World>,
    process: Arc<Process>,
    mut rng: StdRng,
    n: u64,
    stop: CancellationToken,
) {
    while !stop.is_cancelled() {
        decide_all(&world, &process, &mut rng, n).await;
        tokio::time::sleep(moment(&mut rng, 10)).await;
    }
}

/// Whether there was nothing to decide.
async fn decide_all(world: &World, process: &Process, rng: &mut StdRng, n: u64) -> bool {
    let filter = IssuanceFilter::OfRegistry(world.ccr.id);
    let Ok(found) = process.read.issuances(filter, (None, None), 1_000).await else {
        return false;
    };
    let open = found.into_iter().filter_map(|found| found.request);
    let open = open.filter(|request| request.state == RequestState::Requested);
    let mut none = true;
    for request in open {
        none = false;
        let (who, name) = (registrar(n.into()), name_of(&request));
        let life = moment(rng, 60);
        if rng.gen_bool(0.7) {
            let approve = process.commands.approve_issuance(&who, &name);
            drop(tokio::time::timeout(life, approve).await);
        } else {
            let reason = "the meter is not calibrated".parse().unwrap();
            let refuse = process.commands.refuse_issuance(&who, &name, &reason);
            drop(tokio::time::timeout(life, refuse).await);
        }
    }
    none
}

/// Days that are approved, and now and then a loss.
async fn nature(world: Arc<World>, process: Arc<Process>, mut rng: StdRng, left: Arc<AtomicU64>) {
    for day in 1..=20 {
        let grams = rng.gen_range(1_000_000..12_000_000);
        store_mass(&process.store, &world.northsea, day, grams).await;
        if rng.gen_bool(0.3) {
            lose(&process, rng.gen_range(1_000..2_000_000)).await;
        }
        tokio::time::sleep(moment(&mut rng, 60)).await;
    }
    left.fetch_sub(1, Ordering::SeqCst);
}

async fn lose(process: &Process, grams: u64) {
    let who = mrv(99);
    loop {
        let loss = StorageLoss {
            organisation: slug("northsea"),
            site: slug("field-1"),
            year: 2026,
            mass: sealrock_domain::Mass::from_grams(grams).unwrap(),
            occurred_on: who.received_at.date_naive(),
            reason: "a flange leaked".parse().unwrap(),
            evidence: Vec::new(),
        };
        match process.commands.record_storage_loss(&who, loss).await {
            Ok(_) => return,
            Err(error) => assert!(may_pass(&error), "{error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn cutter(world: Arc<World>, mut rng: StdRng) {
    for _ in 0..CUTS {
        tokio::time::sleep(moment(&mut rng, 200)).await;
        world.cut_connections().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn hammered_from_all_sides_no_kilogram_is_issued_twice_and_nothing_dangles() {
    let seed = seed();
    let mut dice = StdRng::seed_from_u64(seed);
    let mut rng = move || StdRng::seed_from_u64(dice.r#gen());
    let (world, here) = World::new().await;
    store_mass(&here.store, &world.northsea, 366 - 2, 30_000_000).await;
    let there = Arc::new(world.process().await);
    let (world, here) = (Arc::new(world), Arc::new(here));
    let (stop, left) = (
        CancellationToken::new(),
        Arc::new(AtomicU64::new(REQUESTERS + 1)),
    );
    let mut tasks = JoinSet::new();
    for n in 0..REQUESTERS {
        let process = if n % 2 == 0 { &here } else { &there };
        tasks.spawn(requester(Arc::clone(process), rng(), n, Arc::clone(&left)));
    }
    let (nature_of, cut_by) = (Arc::clone(&world), Arc::clone(&world));
    tasks.spawn(nature(
        nature_of,
        Arc::clone(&here),
        rng(),
        Arc::clone(&left),
    ));
    tasks.spawn(cutter(cut_by, rng()));
    for (n, process) in [&here, &there].into_iter().enumerate() {
        tasks.spawn(manager(Arc::clone(process), rng(), stop.clone()));
        let (world, process) = (Arc::clone(&world), Arc::clone(process));
        tasks.spawn(decider(world, process, rng(), n as u64, stop.clone()));
    }
    while left.load(Ordering::SeqCst) > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        if let Some(Err(error)) = tasks.try_join_next() {
            panic!("seed {seed}: {error}");
        }
    }
    stop.cancel();
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    // What the losses left too little for is made good, so that nothing is open for want of carbon.
    store_mass(&here.store, &world.northsea, 365, 100_000_000).await;
    loop {
        there.settle().await;
        if decide_all(&world, &there, &mut rng(), 7).await {
            break;
        }
    }
    there.settle().await;
    let books = Books::audit(&world, &there.store).await;
    books.nothing_dangles();
    println!(
        "seed {seed}: {} issued, {} refused",
        books.issued(),
        books.refused()
    );
    assert!(
        books.issued() + books.refused() > 0,
        "seed {seed}: nothing happened"
    );
    for process in [here, there] {
        let process = Arc::into_inner(process).unwrap();
        process.stop().await;
    }
}
