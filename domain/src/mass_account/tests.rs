#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::credit_block::{SerialBlock, SerialSeries};
use crate::{Actor, Slug};

fn given(events: Vec<MassAccountEvent>) -> AggregateTestExecutor<MassAccount> {
    TestFramework::with(()).given(events)
}

fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

fn by() -> Actor {
    "user/00000000-0000-0000-0000-000000000001".parse().unwrap()
}

fn id(n: u8) -> Uuid {
    Uuid::from_u128(n.into())
}

fn net_mass(day: u32, kilograms: &str) -> RecordNetMass {
    RecordNetMass {
        org: slug("northsea"),
        site: slug("field-1"),
        well: AssetId(id(200)),
        day: NaiveDate::from_yo_opt(2026, day).unwrap(),
        mass_kg: kilograms.parse().unwrap(),
    }
}

fn stored(day: u32, kilograms: &str) -> MassAccountEvent {
    let RecordNetMass {
        org,
        site,
        well,
        day,
        mass_kg,
    } = net_mass(day, kilograms);
    NetMassRecorded {
        org,
        site,
        well,
        day,
        mass_kg,
    }
    .into()
}

fn loss(kilograms: &str) -> RecordStorageLoss {
    RecordStorageLoss {
        org: slug("northsea"),
        site: slug("field-1"),
        year: 2026,
        mass_kg: kilograms.parse().unwrap(),
        occurred_on: "2026-11-20".parse().unwrap(),
        reason: "a flange leaked".parse().unwrap(),
        evidence: vec!["sealrock.test/northsea#7".parse().unwrap()],
        by: by(),
    }
}

fn lost(kilograms: &str) -> MassAccountEvent {
    let RecordStorageLoss {
        org,
        site,
        year,
        mass_kg,
        occurred_on,
        reason,
        evidence,
        by,
    } = loss(kilograms);
    StorageLossRecorded {
        org,
        site,
        year,
        mass_kg,
        occurred_on,
        reason,
        evidence,
        by,
    }
    .into()
}

fn reserve(issuance: u8, tonnes: u64) -> ReserveRange {
    ReserveRange {
        issuance: id(issuance),
        registry: slug("ccr"),
        tonnes,
        by: by(),
    }
}

fn reserved(issuance: u8, from_kg: u64, to_kg: u64) -> MassAccountEvent {
    RangeReserved {
        issuance: id(issuance),
        registry: slug("ccr"),
        from_kg,
        to_kg,
        by: by(),
    }
    .into()
}

fn serials(first: u64, last: u64) -> SerialBlock {
    let series = SerialSeries {
        registry: slug("ccr"),
        organisation: slug("northsea"),
        site: slug("field-1"),
        vintage: 2026,
    };
    SerialBlock::new(series, first, last).unwrap()
}

fn finalised(issuance: u8, first: u64, last: u64) -> MassAccountEvent {
    RangeFinalised {
        issuance: id(issuance),
        serials: serials(first, last),
    }
    .into()
}

fn release(issuance: u8) -> ReleaseRange {
    ReleaseRange {
        issuance: id(issuance),
        reason: "the meter is not calibrated".parse().unwrap(),
    }
}

fn released(issuance: u8) -> MassAccountEvent {
    let ReleaseRange { issuance, reason } = release(issuance);
    RangeReleased { issuance, reason }.into()
}

#[test]
fn what_a_well_stored_on_a_day_is_added() {
    given(vec![stored(1, "1000.5")])
        .when(net_mass(2, "2000").into())
        .then_expect_events(vec![stored(2, "2000")]);
}

#[test]
fn the_same_well_and_day_counts_once() {
    given(vec![stored(1, "1000")])
        .when(net_mass(1, "7").into())
        .then_expect_error(MassAccountRejection::DayRecorded {
            well: AssetId(id(200)),
            day: NaiveDate::from_yo_opt(2026, 1).unwrap(),
        });
}

#[test]
fn more_than_nine_billion_tonnes_are_a_mistake() {
    given(vec![stored(1, "9007199254740.991")])
        .when(net_mass(2, "0.001").into())
        .then_expect_error_message(
            "with 0.001 kg the account would hold more than nine billion tonnes: check the unit",
        );
}

#[test]
fn a_loss_is_recorded_even_where_credits_are_issued_and_nothing_is_left() {
    let issued = vec![
        stored(1, "5000"),
        reserved(1, 0, 5000),
        finalised(1, 1, 5),
        lost("4000"),
    ];
    given(issued)
        .when(loss("3000").into())
        .then_expect_events(vec![lost("3000")]);
}

#[test]
fn a_loss_of_nothing_is_refused() {
    given(vec![stored(1, "5000")])
        .when(loss("0").into())
        .then_expect_error(MassAccountRejection::NoLoss);
}

#[test]
fn the_first_reservation_begins_at_kilogram_zero_and_the_next_where_it_ends() {
    given(vec![stored(1, "5000")])
        .when(reserve(1, 2).into())
        .then_expect_events(vec![reserved(1, 0, 2000)]);
    given(vec![stored(1, "5000"), reserved(1, 0, 2000)])
        .when(reserve(2, 3).into())
        .then_expect_events(vec![reserved(2, 2000, 5000)]);
}

#[test]
fn a_released_range_is_taken_first_if_it_is_long_enough() {
    let events = vec![
        stored(1, "9000"),
        reserved(1, 0, 2000),
        reserved(2, 2000, 4000),
        released(1),
    ];
    given(events.clone())
        .when(reserve(3, 2).into())
        .then_expect_events(vec![reserved(3, 0, 2000)]);
    given(events)
        .when(reserve(3, 3).into())
        .then_expect_events(vec![reserved(3, 4000, 7000)]);
}

#[test]
fn more_than_is_free_is_refused_and_the_refusal_says_what_is() {
    given(vec![stored(1, "4999.999"), reserved(1, 0, 2000)])
        .when(reserve(2, 3).into())
        .then_expect_error_message(
            "3 t are not free: this account holds 4999.999 kg net, of which 2000 kg are reserved or \
             issued, and the longest free range has 2999 kg",
        );
}

#[test]
fn an_account_that_holds_nothing_has_nothing_to_reserve() {
    given(vec![])
        .when(reserve(1, 1).into())
        .then_expect_error(MassAccountRejection::NotEnough {
            tonnes: 1,
            net: Mass::ZERO,
            taken_kg: 0,
            longest_kg: 0,
        });
}

#[test]
fn no_tonnes_and_too_many_tonnes_are_impossible() {
    for tonnes in [0, 9_007_199_254_741, u64::MAX] {
        given(vec![stored(1, "5000")])
            .when(reserve(1, tonnes).into())
            .then_expect_error(MassAccountRejection::ImpossibleQuantity { tonnes });
    }
}

#[test]
fn the_id_of_an_issuance_is_used_once_even_after_its_release() {
    given(vec![stored(1, "5000"), reserved(1, 0, 2000), released(1)])
        .when(reserve(1, 1).into())
        .then_expect_error(MassAccountRejection::IssuanceKnown { issuance: id(1) });
}

#[test]
fn a_deficit_stops_reservations_until_it_is_made_good() {
    let short = vec![stored(1, "5000"), reserved(1, 0, 4000), lost("1000.5")];
    given(short.clone())
        .when(reserve(2, 1).into())
        .then_expect_error_message(
            "1 kg more are reserved or issued than this account holds since its losses: nothing can \
             be requested until as much is stored in the same year, or released",
        );
    let mut made_good = short;
    made_good.push(stored(2, "1000.5"));
    given(made_good)
        .when(reserve(2, 1).into())
        .then_expect_events(vec![reserved(2, 4000, 5000)]);
}

/// Of 4 t, [2, 4) are issued; 2 t are lost. What is left of the account is what was issued, so the
/// free kilograms below it are nobody's.
#[test]
fn after_a_loss_an_issued_range_above_what_is_left_counts_against_it() {
    let events = vec![
        stored(1, "4000"),
        reserved(1, 0, 2000),
        reserved(2, 2000, 4000),
        finalised(2, 1, 2),
        released(1),
        lost("2000"),
    ];
    given(events)
        .when(reserve(3, 1).into())
        .then_expect_error(MassAccountRejection::NotEnough {
            tonnes: 1,
            net: "2000".parse().unwrap(),
            taken_kg: 2000,
            longest_kg: 0,
        });
}

#[test]
fn a_reserved_range_is_finalised_with_its_serials() {
    let command = FinaliseRange {
        issuance: id(1),
        serials: serials(1, 2),
    };
    given(vec![stored(1, "5000"), reserved(1, 0, 2000)])
        .when(command.into())
        .then_expect_events(vec![finalised(1, 1, 2)]);
}

#[test]
fn serials_of_another_quantity_do_not_finalise_a_range() {
    let command = FinaliseRange {
        issuance: id(1),
        serials: serials(1, 3),
    };
    given(vec![stored(1, "5000"), reserved(1, 0, 2000)])
        .when(command.into())
        .then_expect_error(MassAccountRejection::QuantityDiffers {
            issuance: id(1),
            serials: "SR:ccr:northsea:field-1:2026:1-3".into(),
            quantity: 3,
            reserved_kg: 2000,
        });
}

#[test]
fn serials_of_another_issuance_do_not_finalise_a_range() {
    let events = vec![
        stored(1, "5000"),
        reserved(1, 0, 2000),
        finalised(1, 1, 2),
        reserved(2, 2000, 4000),
    ];
    let finalise = |first, last| FinaliseRange {
        issuance: id(2),
        serials: serials(first, last),
    };
    given(events.clone())
        .when(finalise(2, 3).into())
        .then_expect_error(MassAccountRejection::SerialsTaken {
            issuance: id(2),
            serials: "SR:ccr:northsea:field-1:2026:2-3".into(),
            other: id(1),
            taken: "SR:ccr:northsea:field-1:2026:1-2".into(),
        });
    given(events)
        .when(finalise(3, 4).into())
        .then_expect_events(vec![finalised(2, 3, 4)]);
}

#[test]
fn the_last_serial_is_that_of_the_credits_that_one_registry_issued() {
    let mut account = MassAccount::default();
    for event in [
        stored(1, "9000"),
        reserved(1, 0, 2000),
        reserved(2, 2000, 5000),
        finalised(2, 1, 3),
    ] {
        account.apply(event);
    }
    assert_eq!(account.ranges().last_serial(&slug("ccr")), 3);
    assert_eq!(account.ranges().last_serial(&slug("other")), 0);
}

#[test]
fn a_reserved_range_is_released() {
    given(vec![stored(1, "5000"), reserved(1, 0, 2000)])
        .when(release(1).into())
        .then_expect_events(vec![released(1)]);
}

#[test]
fn what_is_final_or_released_stays_so() {
    let finalise = FinaliseRange {
        issuance: id(1),
        serials: serials(1, 2),
    };
    for (last, state) in [(finalised(1, 1, 2), "finalised"), (released(1), "released")] {
        let issuance = id(1);
        let expected = MassAccountRejection::NotReserved { issuance, state };
        let events = vec![stored(1, "5000"), reserved(1, 0, 2000), last];
        given(events.clone())
            .when(release(1).into())
            .then_expect_error(expected.clone());
        given(events)
            .when(finalise.clone().into())
            .then_expect_error(expected);
    }
}

#[test]
fn an_unknown_issuance_has_no_range_to_release() {
    given(vec![stored(1, "5000")])
        .when(release(9).into())
        .then_expect_error(MassAccountRejection::UnknownIssuance { issuance: id(9) });
}

/// What somebody may do to an account: amounts are small, so that they get in each other's way.
#[derive(Clone, Debug)]
enum Step {
    Store(u64),
    Lose(u64),
    Reserve(u64),
    Finalise(usize),
    Release(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (1u64..9_000_000).prop_map(Step::Store),
        1 => (1u64..3_000_000).prop_map(Step::Lose),
        4 => (1u64..6).prop_map(Step::Reserve),
        2 => (0usize..12).prop_map(Step::Finalise),
        2 => (0usize..12).prop_map(Step::Release),
    ];
    prop::collection::vec(step, 1..60)
}

fn command(step: &Step, n: usize) -> MassAccountCommand {
    let issuance = |of: usize| Uuid::from_u128(of as u128);
    let grams = |grams: u64| Mass::from_grams(grams).unwrap().kilograms();
    match step {
        Step::Store(mass) => net_mass(u32::try_from(n + 1).unwrap(), &grams(*mass)).into(),
        Step::Lose(mass) => loss(&grams(*mass)).into(),
        Step::Reserve(tonnes) => ReserveRange {
            issuance: issuance(n),
            ..reserve(0, *tonnes)
        }
        .into(),
        Step::Finalise(of) => FinaliseRange {
            issuance: issuance(*of),
            serials: {
                let serial = u64::try_from(of / 2 + 1).unwrap();
                serials(serial, serial)
            },
        }
        .into(),
        Step::Release(of) => ReleaseRange {
            issuance: issuance(*of),
            ..release(0)
        }
        .into(),
    }
}

proptest! {
    /// Whatever is asked in whatever order, taken ranges and final serials never overlap; at a reservation all that
    /// is taken is held; what is final never changes; and only a release makes less of it.
    #[test]
    fn no_kilogram_is_ever_taken_twice(steps in steps()) {
        let mut account = MassAccount::default();
        for (n, step) in steps.iter().enumerate() {
            let before = account.clone();
            let Ok(event) = account.decide(command(step, n)) else {
                prop_assert!(!matches!(step, Step::Lose(_)), "a loss was refused");
                continue;
            };
            let is_reservation = matches!(event, MassAccountEvent::RangeReserved(_));
            account.apply(event);
            let live: Vec<_> = account.ranges().iter()
                .filter(|(_, a)| a.state != AllocationState::Released)
                .collect();
            for (i, (_, one)) in live.iter().enumerate() {
                for (_, other) in &live[i + 1..] {
                    prop_assert!(!one.range.overlaps(other.range), "{one:?} {other:?}");
                    if let (AllocationState::Finalised(one), AllocationState::Finalised(other)) =
                        (&one.state, &other.state)
                    {
                        prop_assert!(!one.overlaps(other), "{one} {other}");
                    }
                }
            }
            if is_reservation {
                let held = account.net().whole_kilograms();
                prop_assert!(account.ranges().taken_kg() <= held);
                prop_assert!(live.iter().all(|(_, a)| a.range.to_kg() <= held) || before.lost() > Mass::ZERO);
                prop_assert_eq!(account.deficit_kg(), 0);
            }
            for (id, was) in before.ranges().iter() {
                if was.state != AllocationState::Reserved {
                    prop_assert_eq!(account.ranges().get(id), Some(was));
                }
            }
        }
    }
}
