//! Mass accounts, issuances and credits, from the two kinds of ledgers that they are in.

use std::sync::Arc;
use std::time::Duration;

use sealrock_domain::credit_block::{CreditBlockEvent, CreditsIssued};
use sealrock_domain::issuance::{
    IssuanceApproved, IssuanceEvent, IssuanceRefused, IssuanceRequested, IssuancesId,
};
use sealrock_domain::mass_account::{
    MassAccountEvent, MassAccountId, NetMassRecorded, RangeFinalised, RangeReleased, RangeReserved,
    StorageLossRecorded,
};
use sealrock_domain::{AssetId, Citation, CreditBlockId, EventType, KilogramRange};
use sealrock_eventstore::LedgerInfo;
use sealrock_ledger::Index;
use sealrock_projections::Runner;
use sealrock_projections::credits::{
    BlockFilter, CreditsProjection, IssuanceFilter, IssuanceStep, RequestState, ReservationState,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::plant::{Plant, append, create_ledger, slug};

const TABLES: [&str; 5] = [
    "account",
    "account_entry",
    "reservation",
    "request",
    "block",
];
const ALL: u32 = 100;

struct World {
    plant: Plant,
    registry: LedgerInfo,
}

fn account() -> MassAccountId {
    MassAccountId::of(&slug("northsea"), &slug("field-1"), 2026)
}

fn well() -> AssetId {
    AssetId::of(&slug("northsea"), &slug("field-1"), &slug("well-1"))
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn user(n: u128) -> sealrock_domain::Actor {
    format!("user/{}", id(n)).parse().unwrap()
}

impl World {
    async fn new() -> Self {
        let plant = Plant::on_database().await;
        let registry = create_ledger(&plant.store, "ccr").await;
        Self { plant, registry }
    }

    async fn storage(&self, event: impl Into<MassAccountEvent>) -> Index {
        self.plant.event(&account().stream(), &event.into()).await
    }

    async fn at_registry(&self, stream: &str, event: &impl EventType) -> Index {
        let encoded = event.encode();
        let bytes = serde_json::to_vec(&encoded.payload).unwrap();
        append(
            &self.plant.store,
            &self.registry,
            stream,
            encoded.kind,
            bytes,
        )
        .await
    }

    async fn issuance(&self, event: impl Into<IssuanceEvent>) -> Index {
        let id = IssuancesId::of(&slug("northsea"), &slug("field-1"), 2026);
        self.at_registry(&id.stream(), &event.into()).await
    }

    async fn store_mass(&self, day: u32, kilograms: &str) -> Index {
        self.storage(NetMassRecorded {
            org: slug("northsea"),
            site: slug("field-1"),
            well: well(),
            day: format!("2026-11-{day:02}").parse().unwrap(),
            mass_kg: kilograms.parse().unwrap(),
        })
        .await
    }

    async fn lose(&self, kilograms: &str) -> Index {
        self.storage(StorageLossRecorded {
            org: slug("northsea"),
            site: slug("field-1"),
            year: 2026,
            mass_kg: kilograms.parse().unwrap(),
            occurred_on: "2026-11-20".parse().unwrap(),
            reason: "a flange leaked".parse().unwrap(),
            evidence: Vec::new(),
            by: user(1),
        })
        .await
    }

    async fn reserve(&self, issuance: u128, from_kg: u64, to_kg: u64) -> Index {
        self.storage(RangeReserved {
            issuance: id(issuance),
            registry: slug("ccr"),
            from_kg,
            to_kg,
            by: user(1),
        })
        .await
    }

    fn cite(ledger: &LedgerInfo, index: Index) -> Citation {
        Citation::new(ledger.origin.as_str(), index.0).unwrap()
    }

    async fn request(&self, issuance: u128, (from_kg, to_kg): (u64, u64), source: Index) -> Index {
        self.issuance(IssuanceRequested {
            issuance: id(issuance),
            organisation: slug("northsea"),
            site: slug("field-1"),
            year: 2026,
            from_kg,
            to_kg,
            source: Self::cite(&self.plant.ledger, source),
            requested_by: user(1),
        })
        .await
    }

    /// Indexes of the approval and of the credits.
    async fn issue(&self, issuance: u128, (first, last): (u64, u64)) -> (Index, Index) {
        let credits = CreditsIssued {
            issuance: id(issuance),
            registry: slug("ccr"),
            organisation: slug("northsea"),
            site: slug("field-1"),
            vintage: 2026,
            first_serial: first,
            last_serial: last,
            from_kg: (first - 1) * 1000,
            to_kg: last * 1000,
            holder: slug("northsea"),
        };
        let serials = credits.serials().unwrap();
        let approved = self
            .issuance(IssuanceApproved {
                issuance: id(issuance),
                serials: serials.clone(),
                by: user(2),
                organisation: slug("ccr"),
            })
            .await;
        let stream = CreditBlockId::of(&serials).stream();
        let issued = self
            .at_registry(&stream, &CreditBlockEvent::from(credits))
            .await;
        (approved, issued)
    }

    async fn refuse(&self, issuance: u128) -> Index {
        self.issuance(IssuanceRefused {
            issuance: id(issuance),
            reason: "the meter is not calibrated".parse().unwrap(),
            by: user(2),
            organisation: slug("ccr"),
        })
        .await
    }

    async fn steps(&self) -> Vec<IssuanceStep> {
        self.plant.read.issuance_steps(&[], 10).await.unwrap()
    }

    /// Both ledgers are folded to their ends.
    async fn folded(&self, runner: &Runner) {
        for ledger in [&self.plant.ledger, &self.registry] {
            let size = self.plant.store.size(ledger.id).await.unwrap();
            if size > 0 {
                runner
                    .positions()
                    .wait_for(
                        "credits",
                        ledger.id,
                        Index(size - 1),
                        Duration::from_mins(1),
                    )
                    .await
                    .unwrap();
            }
        }
    }

    async fn content(&self) -> Vec<Vec<String>> {
        let mut tables = Vec::new();
        for table in TABLES {
            tables.push(self.plant.content(&format!("rm_credits.{table}")).await);
        }
        tables
    }
}

#[tokio::test]
async fn an_issuance_is_followed_through_both_ledgers_and_the_next_step_is_always_known() {
    let world = World::new().await;
    let running = world.plant.run(vec![Arc::new(CreditsProjection)]);
    let (read, northsea) = (&world.plant.read, world.plant.ledger.id);
    world.store_mass(1, "2500.5").await;
    let reserved = world.reserve(7, 0, 2000).await;
    world.folded(&running.runner).await;
    let source = World::cite(&world.plant.ledger, reserved);
    let issuance = id(7);
    assert_eq!(
        world.steps().await,
        [IssuanceStep::Open { issuance, source }]
    );
    assert_eq!(read.issuance_steps(&[issuance], 10).await.unwrap(), []);

    world.request(7, (0, 2000), reserved).await;
    world.folded(&running.runner).await;
    assert_eq!(world.steps().await, [], "a person decides");

    let (approved, issued) = world.issue(7, (1, 2)).await;
    world.folded(&running.runner).await;
    let decided = World::cite(&world.registry, issued);
    assert_eq!(
        world.steps().await,
        [IssuanceStep::Finish { issuance, decided }]
    );
    let serials = "SR:ccr:northsea:field-1:2026:1-2".parse().unwrap();
    let finalised = world.storage(RangeFinalised { issuance, serials }).await;
    world.folded(&running.runner).await;
    assert_eq!(world.steps().await, []);

    let account = read
        .mass_account(northsea, account(), None)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((account.reserved_kg, account.finalised_kg), (0, 2000));
    assert_eq!(
        (account.net().kilograms().as_str(), account.free_kg()),
        ("2500.5", 500)
    );
    let filters = [
        IssuanceFilter::OfStorage(northsea),
        IssuanceFilter::OfRegistry(world.registry.id),
    ];
    for filter in filters {
        let found = read
            .issuances(filter, (None, None), ALL)
            .await
            .unwrap()
            .remove(0);
        let (reservation, request) = (found.reservation.unwrap(), found.request.unwrap());
        assert_eq!(reservation.state, ReservationState::Finalised);
        assert_eq!(
            (reservation.reserved_index, reservation.closed_index),
            (reserved, Some(finalised))
        );
        assert_eq!(
            (request.state, request.decided_index),
            (RequestState::Issued, Some(approved))
        );
    }
    let filter = BlockFilter {
        ledger: world.registry.id,
        holder: Some(slug("northsea")),
    };
    let blocks = read
        .credit_blocks(&filter, (None, None), ALL)
        .await
        .unwrap();
    assert_eq!(blocks.len(), 1);
    assert_eq!((blocks[0].quantity(), blocks[0].issued_index), (2, issued));
    let of_nobody = BlockFilter {
        holder: Some(slug("nobody")),
        ..filter
    };
    assert_eq!(
        read.credit_blocks(&of_nobody, (None, None), ALL)
            .await
            .unwrap(),
        []
    );
    running.stop().await;
}

#[tokio::test]
async fn a_refused_issuance_is_to_be_released() {
    let world = World::new().await;
    let running = world.plant.run(vec![Arc::new(CreditsProjection)]);
    world.store_mass(1, "2000").await;
    let reserved = world.reserve(7, 0, 2000).await;
    world.request(7, (0, 2000), reserved).await;
    let refused = world.refuse(7).await;
    world.folded(&running.runner).await;
    let (issuance, decided) = (id(7), World::cite(&world.registry, refused));
    assert_eq!(
        world.steps().await,
        [IssuanceStep::Finish { issuance, decided }]
    );
    let reason = "the meter is not calibrated".parse().unwrap();
    world.storage(RangeReleased { issuance, reason }).await;
    world.folded(&running.runner).await;
    assert_eq!(world.steps().await, []);
    let account = world
        .plant
        .read
        .mass_account(world.plant.ledger.id, account(), None);
    assert_eq!(account.await.unwrap().unwrap().free_kg(), 2000);
    running.stop().await;
}

#[tokio::test]
async fn accounts_and_holdings_are_shown_as_they_stood_behind_any_entry_live_or_rebuilt() {
    let world = World::new().await;
    let running = world.plant.run(vec![Arc::new(CreditsProjection)]);
    let mut at = Vec::new();
    at.push(world.store_mass(1, "3000").await);
    at.push(world.reserve(7, 0, 2000).await);
    at.push(world.lose("1500.5").await);
    let requested = world.request(7, (0, 2000), at[1]).await;
    let (_, issued) = world.issue(7, (1, 2)).await;
    let serials = "SR:ccr:northsea:field-1:2026:1-2".parse().unwrap();
    at.push(
        world
            .storage(RangeFinalised {
                issuance: id(7),
                serials,
            })
            .await,
    );
    world.folded(&running.runner).await;
    for rebuilt in [false, true] {
        if rebuilt {
            let token = CancellationToken::new();
            let before = world.content().await;
            running.runner.rebuild("credits", &token).await.unwrap();
            assert_eq!(world.content().await, before);
        }
        let mut seen = Vec::new();
        for index in &at {
            let read = world
                .plant
                .read
                .mass_accounts(world.plant.ledger.id, None, Some(*index));
            let account = read.await.unwrap().remove(0);
            seen.push((
                account.net().kilograms(),
                account.reserved_kg,
                account.finalised_kg,
                account.deficit_kg(),
            ));
        }
        let expected = [
            ("3000", 0, 0, 0),
            ("3000", 2000, 0, 0),
            ("1499.5", 2000, 0, 501),
            ("1499.5", 0, 2000, 501),
        ];
        assert_eq!(
            seen,
            expected.map(|(net, a, b, c)| (net.to_owned(), a, b, c))
        );
        let filter = BlockFilter {
            ledger: world.registry.id,
            holder: None,
        };
        for (index, blocks) in [(requested, 0), (issued, 1)] {
            let read = world
                .plant
                .read
                .credit_blocks(&filter, (Some(index), None), ALL);
            assert_eq!(read.await.unwrap().len(), blocks);
        }
        let of_registry = IssuanceFilter::OfRegistry(world.registry.id);
        let then = world
            .plant
            .read
            .issuances(of_registry, (Some(requested), None), ALL);
        let then = then.await.unwrap().remove(0).request.unwrap();
        assert_eq!(
            (then.state, then.decided_by),
            (RequestState::Requested, None)
        );
    }
    running.stop().await;
}

#[tokio::test]
async fn the_kilograms_of_a_range_are_led_back_to_the_days_that_stored_them() {
    let world = World::new().await;
    let running = world.plant.run(vec![Arc::new(CreditsProjection)]);
    let first = world.store_mass(1, "1500.5").await;
    let second = world.store_mass(2, "1000").await;
    world.lose("1").await;
    let third = world.store_mass(3, "1000").await;
    world.folded(&running.runner).await;
    let read = &world.plant.read;
    let (ledger, key) = (world.plant.ledger.id, account().to_string());
    for ((from, to), expected) in [
        ((0, 1000), vec![first]),
        ((1000, 2000), vec![first, second]),
        ((2000, 3000), vec![second, third]),
        ((1000, 3000), vec![first, second, third]),
    ] {
        let range = KilogramRange::new(from, to).unwrap();
        let found = read.net_mass_of(ledger, &key, range).await.unwrap();
        let found: Vec<Index> = found.iter().map(|entry| entry.index).collect();
        assert_eq!(found, expected, "{range}");
    }
    let range = |from, to| KilogramRange::new(from, to).unwrap();
    let together = [
        (key.as_str(), range(2000, 3000)),
        ("of nobody", range(0, 1000)),
        (key.as_str(), range(0, 1000)),
    ];
    let found = read.net_masses_of(ledger, &together).await.unwrap();
    let found: Vec<Vec<Index>> = found
        .iter()
        .map(|entries| entries.iter().map(|entry| entry.index).collect())
        .collect();
    assert_eq!(found, [vec![second, third], vec![], vec![first]]);
    let accounts = ["of nobody", key.as_str()];
    let found = read.account_entries_of(ledger, &accounts, (None, None), 3);
    let lengths = found
        .await
        .unwrap()
        .into_iter()
        .map(|entries| entries.len());
    assert_eq!(lengths.collect::<Vec<_>>(), [0, 3]);
    let entries = read
        .account_entries(ledger, &key, (Some(first), None), 2)
        .await
        .unwrap();
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[0].well, Some(well()));
    assert_eq!(
        entries[1].reason.as_ref().unwrap().to_string(),
        "a flange leaked"
    );
    running.stop().await;
}

/// Either ledger may be folded to its end before the other is begun.
#[tokio::test]
async fn the_order_in_which_the_two_ledgers_are_folded_makes_no_difference() {
    let world = World::new().await;
    let reserved = Index(1);
    world.request(7, (0, 2000), reserved).await;
    world.issue(7, (1, 2)).await;
    let running = world.plant.run(vec![Arc::new(CreditsProjection)]);
    world.folded(&running.runner).await;
    assert_eq!(world.steps().await, [], "nothing is known of a reservation");
    world.store_mass(1, "2000").await;
    assert_eq!(world.reserve(7, 0, 2000).await, reserved);
    world.folded(&running.runner).await;
    assert!(matches!(
        world.steps().await[..],
        [IssuanceStep::Finish { .. }]
    ));
    let live = world.content().await;
    let token = CancellationToken::new();
    running.runner.rebuild("credits", &token).await.unwrap();
    assert_eq!(world.content().await, live);
    running.stop().await;
}
