#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use cqrs_es::test::TestFramework;
use uuid::Uuid;

use super::*;
use crate::{CreditBlockId, KilogramRange};

fn issue(to_kg: u64) -> IssueCredits {
    IssueCredits {
        issuance: Uuid::nil(),
        serials: "SR:ccr:northsea:field-1:2026:1-3".parse().unwrap(),
        range: KilogramRange::new(0, to_kg).unwrap(),
        holder: "northsea".parse().unwrap(),
    }
}

fn issued() -> CreditBlockEvent {
    CreditsIssued::from(issue(3000)).into()
}

#[test]
fn credits_are_issued() {
    TestFramework::<CreditBlock>::with(())
        .given_no_previous_events()
        .when(issue(3000).into())
        .then_expect_events(vec![issued()]);
}

#[test]
fn serials_are_given_once() {
    TestFramework::<CreditBlock>::with(())
        .given(vec![issued()])
        .when(issue(3000).into())
        .then_expect_error_message(
            "credits SR:ccr:northsea:field-1:2026:1-3 were issued already, by issuance \
             00000000-0000-0000-0000-000000000000: serials are given once",
        );
}

#[test]
fn one_credit_is_one_tonne() {
    TestFramework::<CreditBlock>::with(())
        .given_no_previous_events()
        .when(issue(2999).into())
        .then_expect_error(CreditBlockRejection::QuantityDiffers {
            quantity: 3,
            kilograms: 2999,
        });
}

#[test]
fn the_event_says_the_whole_block() {
    let event = CreditsIssued::from(issue(3000));
    assert_eq!(event.serials().unwrap(), issue(3000).serials);
}

/// These ids are in ledgers: if this test fails, the derivation changed.
#[test]
fn a_block_has_its_id_from_its_serials() {
    let id = CreditBlockId::of(&issue(3000).serials);
    assert_eq!(id.to_string(), "73590120-48f9-5cee-8fe2-b069fec247f4");
    assert_eq!(id.stream(), format!("credit_block/{id}"));
}
