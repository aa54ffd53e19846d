#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use proptest::prelude::*;

use chrono::NaiveDate;

use super::*;

fn site() -> SiteEvent {
    let (org, slug) = ("northsea".parse().unwrap(), "plant-1".parse().unwrap());
    let name = "Plant One".parse().unwrap();
    SiteRegistered::from(RegisterSite::new(org, slug, name, SiteKind::TeaFactory)).into()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn target(rate: &str, from: &str, until: Option<&str>) -> EmissionTarget {
    EmissionTarget {
        average_kg_per_h: rate.parse().unwrap(),
        from: day(from),
        until: until.map(day),
    }
}

fn withdraw(from: &str, last_day: Option<&str>) -> WithdrawEmissionTarget {
    WithdrawEmissionTarget {
        from: day(from),
        last_day: last_day.map(day),
    }
}

fn given(more: &[SiteEvent]) -> AggregateTestExecutor<Site> {
    TestFramework::with(()).given([&[site()], more].concat())
}

fn set(target: EmissionTarget) -> SiteEvent {
    EmissionTargetSet::from(target).into()
}

fn withdrawn(command: WithdrawEmissionTarget) -> SiteEvent {
    EmissionTargetWithdrawn::from(command).into()
}

#[test]
fn a_target_is_set_for_days_that_no_other_has() {
    let first = target("480.5", "2026-11-01", Some("2026-11-30"));
    let next = target("0", "2026-12-01", None);
    given(&[])
        .when(first.clone().into())
        .then_expect_events(vec![set(first.clone())]);
    given(&[set(first)])
        .when(next.clone().into())
        .then_expect_events(vec![set(next)]);
}

#[test]
fn two_targets_on_one_day_are_refused_by_naming_the_first() {
    let held = target("480.5", "2026-11-01", Some("2026-11-30"));
    for (from, until) in [
        ("2026-11-30", None),
        ("2026-10-01", Some("2026-11-01")),
        ("2026-11-01", Some("2026-11-30")),
        ("2026-11-10", Some("2026-11-12")),
        ("2026-01-01", None),
    ] {
        given(&[set(held.clone())])
            .when(target("500", from, until).into())
            .then_expect_error_message(
                "an emission target of 480.5 kg/h holds from 2026-11-01 until 2026-11-30: end or \
                 withdraw it first, or choose other days",
            );
    }
    given(&[set(target("480.5", "2026-11-01", None))])
        .when(target("1", "2030-01-01", None).into())
        .then_expect_error_message(
            "an emission target of 480.5 kg/h holds from 2026-11-01 until further notice: end or \
             withdraw it first, or choose other days",
        );
}

#[test]
fn a_rate_below_nothing_or_above_all_plants_is_refused() {
    for rate in ["-0.1", "1000000.1"] {
        let value = rate.parse().unwrap();
        given(&[])
            .when(target(rate, "2026-11-01", None).into())
            .then_expect_error(TargetRejection::Implausible { value }.into());
    }
}

#[test]
fn a_day_of_another_century_and_an_end_before_the_beginning_are_refused() {
    for (from, until, wrong) in [
        ("1026-11-01", None, "1026-11-01"),
        ("2026-11-01", Some("2206-11-01"), "2206-11-01"),
    ] {
        given(&[])
            .when(target("1", from, until).into())
            .then_expect_error(TargetRejection::ImplausibleDay { day: day(wrong) }.into());
    }
    let (from, until) = (day("2026-11-02"), day("2026-11-01"));
    given(&[])
        .when(target("1", "2026-11-02", Some("2026-11-01")).into())
        .then_expect_error(TargetRejection::Ends { from, until }.into());
}

#[test]
fn a_target_ends_earlier_and_makes_room_for_the_next() {
    let open = set(target("480", "2026-11-01", None));
    let end = withdraw("2026-11-01", Some("2026-12-31"));
    given(std::slice::from_ref(&open))
        .when(end.clone().into())
        .then_expect_events(vec![withdrawn(end.clone())]);
    let next = target("450", "2027-01-01", None);
    given(&[open, withdrawn(end)])
        .when(next.clone().into())
        .then_expect_events(vec![set(next)]);
}

#[test]
fn a_target_that_is_taken_back_never_held() {
    let back = withdraw("2026-11-01", None);
    let events = [
        set(target("480", "2026-11-01", None)),
        withdrawn(back.clone()),
    ];
    let instead = target("450", "2026-11-01", None);
    given(&events)
        .when(instead.clone().into())
        .then_expect_events(vec![set(instead)]);
    given(&events).when(back.into()).then_expect_error(
        TargetRejection::Unknown {
            from: day("2026-11-01"),
        }
        .into(),
    );
}

#[test]
fn a_withdrawal_prolongs_no_target_and_ends_none_before_it_begins() {
    let held = set(target("480", "2026-11-01", Some("2026-11-30")));
    let (from, until) = (day("2026-11-01"), day("2026-11-30"));
    for last_day in ["2026-11-30", "2026-12-31"] {
        given(std::slice::from_ref(&held))
            .when(withdraw("2026-11-01", Some(last_day)).into())
            .then_expect_error(TargetRejection::EndsAlready { from, until }.into());
    }
    let until = day("2026-10-31");
    given(&[held])
        .when(withdraw("2026-11-01", Some("2026-10-31")).into())
        .then_expect_error(TargetRejection::Ends { from, until }.into());
}

#[test]
fn a_site_that_is_not_there_or_retired_has_no_targets() {
    let commands: [SiteCommand; 2] = [
        target("1", "2026-11-01", None).into(),
        withdraw("2026-11-01", None).into(),
    ];
    for command in commands {
        TestFramework::<Site>::with(())
            .given(vec![])
            .when(command.clone())
            .then_expect_error(SiteRejection::NotRegistered);
        let slug = "plant-1".parse().unwrap();
        given(&[SiteRetired {}.into()])
            .when(command)
            .then_expect_error(SiteRejection::Retired { slug });
    }
}

proptest! {
    /// Whatever is asked in whatever order: at most one target holds on a day.
    #[test]
    fn no_day_ever_has_two_targets(
        asked in prop::collection::vec((0_u64..40, prop::option::of(0_u64..20), any::<bool>()), 1..40)
    ) {
        let first = day("2026-11-01");
        let on = |days| first + chrono::Days::new(days);
        let mut targets = Targets::default();
        for (from, length, sets) in asked {
            let until = length.map(|length| on(from + length));
            if sets {
                let target = EmissionTarget { average_kg_per_h: "1".parse().unwrap(), from: on(from), until };
                if targets.may_set(&target).is_ok() {
                    targets.set(target);
                }
            } else if targets.may_withdraw(on(from), until).is_ok() {
                targets.withdraw(on(from), until);
            }
            for days in 0..70 {
                prop_assert!(targets.on(on(days)).count() <= 1, "two on {}", on(days));
            }
        }
    }
}
