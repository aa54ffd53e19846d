#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use proptest::prelude::*;

use super::*;

fn given(events: Vec<IssuanceEvent>) -> AggregateTestExecutor<Issuance> {
    TestFramework::with(()).given(events)
}

fn id(n: u8) -> Uuid {
    Uuid::from_u128(n.into())
}

fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

fn user(n: u8) -> Actor {
    format!("user/{}", id(n)).parse().unwrap()
}

fn open(issuance: u8, from_kg: u64, to_kg: u64) -> OpenIssuance {
    OpenIssuance {
        issuance: id(issuance),
        organisation: slug("northsea"),
        site: slug("field-1"),
        year: 2026,
        range: KilogramRange::new(from_kg, to_kg).unwrap(),
        source: "sealrock.test/northsea#7".parse().unwrap(),
        requested_by: user(1),
    }
}

fn requested(issuance: u8, from_kg: u64, to_kg: u64) -> IssuanceEvent {
    IssuanceRequested::from(open(issuance, from_kg, to_kg)).into()
}

fn approve(issuance: u8) -> ApproveIssuance {
    ApproveIssuance {
        issuance: id(issuance),
        registry: slug("ccr"),
        after_serial: 0,
        by: user(2),
        organisation: slug("ccr"),
    }
}

fn approved(issuance: u8, serials: &str) -> IssuanceEvent {
    IssuanceApproved {
        issuance: id(issuance),
        serials: format!("SR:ccr:northsea:field-1:2026:{serials}")
            .parse()
            .unwrap(),
        by: user(2),
        organisation: slug("ccr"),
    }
    .into()
}

fn refuse(issuance: u8) -> RefuseIssuance {
    RefuseIssuance {
        issuance: id(issuance),
        reason: "the meter is not calibrated".parse().unwrap(),
        by: user(2),
        organisation: slug("ccr"),
    }
}

fn refused(issuance: u8) -> IssuanceEvent {
    let RefuseIssuance {
        issuance,
        reason,
        by,
        organisation,
    } = refuse(issuance);
    IssuanceRefused {
        issuance,
        reason,
        by,
        organisation,
    }
    .into()
}

#[test]
fn an_issuance_is_requested() {
    given(vec![])
        .when(open(1, 0, 2000).into())
        .then_expect_events(vec![requested(1, 0, 2000)]);
}

#[test]
fn an_issuance_is_requested_once() {
    given(vec![requested(1, 0, 2000)])
        .when(open(1, 0, 2000).into())
        .then_expect_error_message(&format!("issuance {} is requested here already", id(1)));
}

#[test]
fn a_range_that_overlaps_a_requested_or_an_issued_one_is_refused() {
    let events = vec![
        requested(1, 0, 2000),
        requested(2, 2000, 4000),
        approved(1, "1-2"),
    ];
    for (from, to, other, taken) in [(1000, 2000, 1, (0, 2000)), (3000, 5000, 2, (2000, 4000))] {
        given(events.clone())
            .when(open(3, from, to).into())
            .then_expect_error(IssuanceRejection::Overlap {
                range: KilogramRange::new(from, to).unwrap(),
                other: id(other),
                taken: KilogramRange::new(taken.0, taken.1).unwrap(),
            });
    }
}

#[test]
fn a_refused_range_can_be_requested_again_under_a_new_id() {
    given(vec![requested(1, 0, 2000), refused(1)])
        .when(open(2, 0, 2000).into())
        .then_expect_events(vec![requested(2, 0, 2000)]);
}

#[test]
fn half_tonnes_are_not_issued() {
    given(vec![])
        .when(open(1, 0, 1500).into())
        .then_expect_error(IssuanceRejection::NotWholeTonnes {
            range: KilogramRange::new(0, 1500).unwrap(),
        });
}

#[test]
fn credits_are_issued_by_serials_that_follow_the_last_ones() {
    given(vec![requested(1, 0, 2000)])
        .when(approve(1).into())
        .then_expect_events(vec![approved(1, "1-2")]);
    let events = vec![
        requested(1, 0, 2000),
        requested(2, 2000, 5000),
        approved(2, "1-3"),
    ];
    given(events)
        .when(approve(1).into())
        .then_expect_events(vec![approved(1, "4-5")]);
}

#[test]
fn serials_that_the_storage_knows_of_are_not_given_again() {
    let events = vec![
        requested(1, 0, 2000),
        requested(2, 2000, 5000),
        approved(2, "1-3"),
    ];
    for (after_serial, serials) in [(2, "4-5"), (7, "8-9")] {
        let command = ApproveIssuance {
            after_serial,
            ..approve(1)
        };
        given(events.clone())
            .when(command.into())
            .then_expect_events(vec![approved(1, serials)]);
    }
}

#[test]
fn credits_are_refused_with_a_reason() {
    given(vec![requested(1, 0, 2000)])
        .when(refuse(1).into())
        .then_expect_events(vec![refused(1)]);
}

#[test]
fn a_decision_is_final() {
    for (event, state) in [(approved(1, "1-2"), "issued"), (refused(1), "refused")] {
        let issuance = id(1);
        let expected = IssuanceRejection::Decided { issuance, state };
        let events = vec![requested(1, 0, 2000), event];
        given(events.clone())
            .when(approve(1).into())
            .then_expect_error(expected.clone());
        given(events)
            .when(refuse(1).into())
            .then_expect_error(expected);
    }
}

#[test]
fn who_requested_does_not_decide() {
    let events = || vec![requested(1, 0, 2000)];
    let mut own = approve(1);
    own.by = user(1);
    given(events())
        .when(own.into())
        .then_expect_error(IssuanceRejection::OwnRequest { by: user(1) });
    let mut own = refuse(1);
    own.by = user(1);
    given(events())
        .when(own.into())
        .then_expect_error(IssuanceRejection::OwnRequest { by: user(1) });
}

#[test]
fn nobody_of_the_organisation_that_requested_decides() {
    let organisation = slug("northsea");
    let expected = IssuanceRejection::SameOrganisation {
        organisation: organisation.clone(),
    };
    let mut own = approve(1);
    own.organisation = organisation.clone();
    given(vec![requested(1, 0, 2000)])
        .when(own.into())
        .then_expect_error(expected.clone());
    let mut own = refuse(1);
    own.organisation = organisation;
    given(vec![requested(1, 0, 2000)])
        .when(own.into())
        .then_expect_error(expected);
}

#[test]
fn what_was_not_requested_cannot_be_decided() {
    let expected = IssuanceRejection::Unknown { issuance: id(9) };
    given(vec![])
        .when(approve(9).into())
        .then_expect_error(expected.clone());
    given(vec![])
        .when(refuse(9).into())
        .then_expect_error(expected);
}

#[test]
fn serials_end_where_json_cannot_count_any_more() {
    let last = MAX_SAFE_INTEGER;
    let nearly_all = approved(1, &format!("1-{last}"));
    given(vec![
        requested(1, 0, 2000),
        nearly_all,
        requested(2, 2000, 4000),
    ])
    .when(approve(2).into())
    .then_expect_error(IssuanceRejection::SerialsExhausted { last });
}

proptest! {
    /// Whatever is requested and decided in whatever order: live ranges never overlap, and blocks
    /// are serials 1, 2, 3… without a gap and without a repetition.
    #[test]
    fn serials_never_repeat_and_ranges_never_overlap(
        steps in prop::collection::vec((0u8..3, 0u8..20, 0u64..20, 1u64..5), 1..80)
    ) {
        let mut issuances = Issuance::default();
        let mut next = 1;
        for (what, issuance, from, tonnes) in steps {
            let command: IssuanceCommand = match what {
                0 => open(issuance, from * 1000, (from + tonnes) * 1000).into(),
                1 => approve(issuance).into(),
                _ => refuse(issuance).into(),
            };
            let Ok(event) = issuances.decide(command) else { continue };
            if let IssuanceEvent::IssuanceApproved(event) = &event {
                prop_assert_eq!(event.serials.first(), next);
                next = event.serials.last() + 1;
                let range = issuances.get(event.issuance).unwrap().requested.range().unwrap();
                prop_assert_eq!(event.serials.quantity() * 1000, range.kilograms());
            }
            issuances.apply(event);
            let live: Vec<_> = issuances.requests.values()
                .filter(|r| r.state != RequestState::Refused)
                .map(|r| r.requested.range().unwrap())
                .collect();
            for (i, one) in live.iter().enumerate() {
                prop_assert!(live[i + 1..].iter().all(|other| !one.overlaps(*other)));
            }
        }
    }
}
