#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use chrono::{DateTime, Utc};
use cqrs_es::test::{AggregateTestExecutor, TestFramework};

use super::*;
use crate::refusal::{
    LIMIT_EXCEEDED, LOCKED, NOT_FOUND, NOT_IN_FORCE, OUT_OF_RANGE, SELF_APPROVAL,
};
use crate::{Actor, Mass, Refusal};

fn given(events: Vec<WellEvent>) -> AggregateTestExecutor<Well> {
    TestFramework::with(()).given(events)
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn now() -> DateTime<Utc> {
    time("2026-11-21T12:00:00Z")
}

fn person(number: u8) -> Actor {
    format!("user/00000000-0000-0000-0000-0000000000{number:02}")
        .parse()
        .unwrap()
}

fn register(well_kind: WellKind) -> RegisterWell {
    RegisterWell {
        org: "northsea".parse().unwrap(),
        site: "field-1".parse().unwrap(),
        slug: "injector-1".parse().unwrap(),
        well_kind,
    }
}

fn registered() -> WellEvent {
    WellRegistered::from(register(WellKind::Injector)).into()
}

fn limits() -> PermitLimits {
    PermitLimits {
        permit: "IL-115-6A-0001".parse().unwrap(),
        valid_from: day("2026-01-01"),
        valid_until: day("2026-12-31"),
        max_daily_mass_kg: "500000".parse().unwrap(),
        max_yearly_mass_kg: None,
        max_rate_t_per_h: "25".parse().unwrap(),
        fracture_pressure_mpa: "27".parse().unwrap(),
    }
}

fn propose(limits: PermitLimits) -> WellCommand {
    let by = person(1);
    WellCommand::ProposePermitLimits(Box::new(ProposePermitLimits { limits, by }))
}

fn proposed(proposal: u64) -> PermitLimitsProposed {
    PermitLimitsProposed::new(proposal, limits(), person(1))
}

fn approve(proposal: u64, by: Actor) -> WellCommand {
    WellCommand::ApprovePermitLimits(ApprovePermitLimits { proposal, by })
}

fn in_force() -> WellEvent {
    proposed(1).approved(person(2)).into()
}

fn mit(mit_kind: MitKind, passed: bool, tested_on: &str) -> RecordMit {
    RecordMit {
        mit_kind,
        passed,
        tested_on: day(tested_on),
        valid_until: day(tested_on) + chrono::Days::new(300),
        certificate: format!("{mit_kind} {tested_on}").parse().unwrap(),
        by: person(1),
        now: now(),
    }
}

fn tested(mit_kind: MitKind, passed: bool, tested_on: &str) -> WellEvent {
    MitRecorded::from(mit(mit_kind, passed, tested_on)).into()
}

/// A well that may be started.
fn ready() -> Vec<WellEvent> {
    vec![
        registered(),
        proposed(1).into(),
        in_force(),
        tested(MitKind::Internal, true, "2026-03-01"),
        tested(MitKind::External, true, "2026-03-01"),
    ]
}

fn ready_and(more: Vec<WellEvent>) -> AggregateTestExecutor<Well> {
    given(ready().into_iter().chain(more).collect())
}

fn operate(at: Option<&str>) -> Operate {
    Operate {
        at: at.map(time),
        by: person(1),
        now: now(),
    }
}

fn started(at: &str) -> WellEvent {
    let (at, by) = (time(at), person(1));
    InjectionStarted { at, by }.into()
}

fn stopped(at: &str) -> WellEvent {
    let (at, by) = (time(at), person(1));
    InjectionStopped { at, by }.into()
}

fn shut_in(at: &str) -> WellEvent {
    WellShutIn {
        at: time(at),
        reason: "high pressure".parse().unwrap(),
        by: person(1),
    }
    .into()
}

fn plugged() -> WellEvent {
    let (at, by) = (time("2026-11-20T00:00:00Z"), person(1));
    WellPlugged { at, by }.into()
}

fn shut() -> WellCommand {
    WellCommand::ShutIn(ShutIn {
        at: None,
        reason: "high pressure".parse().unwrap(),
        by: person(1),
        now: now(),
    })
}

fn close() -> WellCommand {
    WellCommand::CloseShutIn(CloseShutIn {
        at: None,
        remedy: "valve replaced".parse().unwrap(),
        by: person(1),
        now: now(),
    })
}

/// The refusal of a command, which must have this code and say this.
fn refused(well: AggregateTestExecutor<Well>, command: WellCommand, code: &str, says: &str) {
    let refusal = well.when(command).inspect_result().unwrap_err();
    assert_eq!(refusal.code(), code, "{refusal}");
    assert!(refusal.to_string().contains(says), "{refusal}");
}

#[test]
fn an_asset_becomes_a_well_once() {
    let command = WellCommand::Register(register(WellKind::Injector));
    given(vec![])
        .when(command.clone())
        .then_expect_events(vec![registered()]);
    let says = "\"injector-1\" is already registered, as injector";
    refused(given(vec![registered()]), command, "REJECTED", says);
}

#[test]
fn nothing_can_be_done_with_a_well_that_is_not_registered() {
    for command in [
        propose(limits()),
        approve(1, person(2)),
        WellCommand::RecordMit(mit(MitKind::Internal, true, "2026-03-01")),
        WellCommand::StartInjection(operate(None)),
        WellCommand::StopInjection(operate(None)),
        shut(),
        close(),
        WellCommand::Plug(operate(None)),
    ] {
        refused(
            given(vec![]),
            command,
            NOT_FOUND,
            "register it as one first",
        );
    }
}

#[test]
fn limits_are_proposed_by_one_person_and_put_into_force_by_another() {
    given(vec![registered()])
        .when(propose(limits()))
        .then_expect_events(vec![proposed(1).into()]);
    let open = || given(vec![registered(), proposed(1).into()]);
    open()
        .when(approve(1, person(2)))
        .then_expect_events(vec![in_force()]);
    let says = "another person must approve them";
    refused(open(), approve(1, person(1)), SELF_APPROVAL, says);
}

#[test]
fn what_is_approved_is_the_open_proposal_and_no_other() {
    let says = "the open one is 2, of permit IL-115-6A-0001";
    let two = given(vec![registered(), proposed(1).into(), proposed(2).into()]);
    refused(two, approve(1, person(2)), "REJECTED", says);
    refused(
        ready_and(vec![]),
        approve(1, person(2)),
        "REJECTED",
        "propose limits first",
    );
    ready_and(vec![])
        .when(propose(limits()))
        .then_expect_events(vec![proposed(2).into()]);
}

#[test]
fn impossible_limits_are_refused() {
    let zero = || "0".parse().unwrap();
    let backwards = PermitLimits {
        valid_until: day("2025-12-31"),
        ..limits()
    };
    let says = "ends on 2025-12-31, before 2026-01-01";
    refused(
        given(vec![registered()]),
        propose(backwards),
        OUT_OF_RANGE,
        says,
    );
    for (limits, says) in [
        (
            PermitLimits {
                max_daily_mass_kg: Mass::ZERO,
                ..limits()
            },
            "daily mass",
        ),
        (
            PermitLimits {
                max_yearly_mass_kg: Some(Mass::ZERO),
                ..limits()
            },
            "yearly mass",
        ),
        (
            PermitLimits {
                max_rate_t_per_h: "0".parse().unwrap(),
                ..limits()
            },
            "rate",
        ),
        (
            PermitLimits {
                fracture_pressure_mpa: zero(),
                ..limits()
            },
            "fracture pressure",
        ),
    ] {
        refused(
            given(vec![registered()]),
            propose(limits),
            OUT_OF_RANGE,
            says,
        );
    }
}

#[test]
fn only_an_injector_has_limits_and_injects() {
    for well_kind in [WellKind::Monitor, WellKind::Producer] {
        let registered: WellEvent = WellRegistered::from(register(well_kind)).into();
        for command in [
            propose(limits()),
            WellCommand::StartInjection(operate(None)),
        ] {
            let says = format!("is a {well_kind}, not an injector");
            refused(given(vec![registered.clone()]), command, "REJECTED", &says);
        }
    }
}

#[test]
fn tests_are_recorded_with_possible_days() {
    let internal = |tested_on| mit(MitKind::Internal, true, tested_on);
    given(vec![registered()])
        .when(WellCommand::RecordMit(internal("2026-03-01")))
        .then_expect_events(vec![tested(MitKind::Internal, true, "2026-03-01")]);
    let one = || given(vec![registered()]);
    let tomorrow = WellCommand::RecordMit(internal("2026-11-22"));
    refused(one(), tomorrow, OUT_OF_RANGE, "has not happened yet");
    let backwards = WellCommand::RecordMit(RecordMit {
        valid_until: day("2026-02-28"),
        ..internal("2026-03-01")
    });
    refused(one(), backwards, OUT_OF_RANGE, "ends on 2026-02-28");
    let external = |valid_until| {
        WellCommand::RecordMit(RecordMit {
            valid_until: day(valid_until),
            ..mit(MitKind::External, true, "2026-03-01")
        })
    };
    let says = "only until 2027-03-01";
    refused(one(), external("2027-03-02"), LIMIT_EXCEEDED, says);
    assert!(one().when(external("2027-03-01")).inspect_result().is_ok());
}

#[test]
fn a_well_starts_with_a_permit_and_both_integrity_tests() {
    let start = || WellCommand::StartInjection(operate(None));
    ready_and(vec![])
        .when(start())
        .then_expect_events(vec![started("2026-11-21T12:00:00Z")]);
    let without = |n: usize| {
        let mut events = ready();
        events.remove(n);
        given(events)
    };
    refused(
        without(2),
        start(),
        NOT_IN_FORCE,
        "no permit in force on 2026-11-21:",
    );
    let internal = "no valid internal mechanical integrity test on 2026-11-21: none was recorded";
    refused(without(3), start(), NOT_IN_FORCE, internal);
    refused(without(4), start(), NOT_IN_FORCE, "no valid external");
}

#[test]
fn a_permit_or_a_test_that_ran_out_or_was_failed_starts_nothing() {
    let after = |at: &str| {
        WellCommand::StartInjection(Operate {
            at: None,
            by: person(1),
            now: time(at),
        })
    };
    let says = "(permit IL-115-6A-0001 counts from 2026-01-01 to 2026-12-31)";
    refused(
        ready_and(vec![]),
        after("2027-01-01T00:00:00Z"),
        NOT_IN_FORCE,
        says,
    );
    let says = "internal 2026-03-01 ran out on 2026-12-26";
    refused(
        ready_and(vec![]),
        after("2026-12-27T00:00:00Z"),
        NOT_IN_FORCE,
        says,
    );
    let failed = ready_and(vec![tested(MitKind::External, false, "2026-10-01")]);
    let says = "external 2026-10-01 of 2026-10-01 was failed";
    refused(failed, after("2026-11-21T12:00:00Z"), NOT_IN_FORCE, says);
}

#[test]
fn a_start_that_is_told_late_needs_permit_and_tests_of_its_day_and_of_today() {
    let told = |now: &str| {
        WellCommand::StartInjection(Operate {
            at: Some(time("2026-12-25T06:00:00Z")),
            by: person(1),
            now: time(now),
        })
    };
    ready_and(vec![])
        .when(told("2026-12-26T12:00:00Z"))
        .then_expect_events(vec![started("2026-12-25T06:00:00Z")]);
    let says = "internal 2026-03-01 ran out on 2026-12-26";
    let late = told("2026-12-27T12:00:00Z");
    refused(ready_and(vec![]), late, NOT_IN_FORCE, says);
    let late = told("2027-01-02T12:00:00Z");
    refused(
        ready_and(vec![]),
        late,
        NOT_IN_FORCE,
        "no permit in force on 2027-01-02",
    );
}

#[test]
fn a_newer_test_that_was_passed_counts_again() {
    let events = vec![
        tested(MitKind::External, false, "2026-10-01"),
        tested(MitKind::External, true, "2026-10-02"),
    ];
    ready_and(events)
        .when(WellCommand::StartInjection(operate(None)))
        .then_expect_events(vec![started("2026-11-21T12:00:00Z")]);
}

#[test]
fn a_failed_test_shuts_in_a_well_that_injects() {
    let failed = WellCommand::RecordMit(mit(MitKind::External, false, "2026-11-20"));
    let shut_in = WellShutIn {
        at: now(),
        reason: "external mechanical integrity test external 2026-11-20 of 2026-11-20 was failed \
                 (40 CFR 146.88(f))"
            .parse()
            .unwrap(),
        by: person(1),
    };
    ready_and(vec![started("2026-11-20T00:00:00Z")])
        .when(failed.clone())
        .then_expect_events(vec![
            tested(MitKind::External, false, "2026-11-20"),
            shut_in.into(),
        ]);
    // An idle well stays idle: it cannot be started anyway.
    ready_and(vec![])
        .when(failed)
        .then_expect_events(vec![tested(MitKind::External, false, "2026-11-20")]);
}

#[test]
fn an_old_failed_test_that_is_told_late_changes_nothing_now() {
    let failed = WellCommand::RecordMit(mit(MitKind::External, false, "2026-02-01"));
    ready_and(vec![started("2026-11-20T00:00:00Z")])
        .when(failed)
        .then_expect_events(vec![tested(MitKind::External, false, "2026-02-01")]);
}

#[test]
fn a_well_is_started_stopped_and_started_again() {
    let start = || WellCommand::StartInjection(operate(None));
    let stop = || WellCommand::StopInjection(operate(None));
    let injecting = || ready_and(vec![started("2026-11-20T00:00:00Z")]);
    injecting()
        .when(stop())
        .then_expect_events(vec![stopped("2026-11-21T12:00:00Z")]);
    let says = "has been injecting since 2026-11-20 00:00:00 UTC";
    refused(injecting(), start(), "REJECTED", says);
    refused(ready_and(vec![]), stop(), "REJECTED", "nothing to stop");
    ready_and(vec![
        started("2026-11-20T00:00:00Z"),
        stopped("2026-11-20T06:00:00Z"),
    ])
    .when(start())
    .then_expect_events(vec![started("2026-11-21T12:00:00Z")]);
}

#[test]
fn changes_are_told_in_their_order_and_not_ahead() {
    let stop = |at| WellCommand::StopInjection(operate(Some(at)));
    let injecting = || ready_and(vec![started("2026-11-20T00:00:00Z")]);
    injecting()
        .when(stop("2026-11-20T06:00:00Z"))
        .then_expect_events(vec![stopped("2026-11-20T06:00:00Z")]);
    refused(
        injecting(),
        stop("2026-11-21T12:00:01Z"),
        OUT_OF_RANGE,
        "has not happened yet",
    );
    let says = "before 2026-11-20 00:00:00 UTC, the last change";
    refused(
        injecting(),
        stop("2026-11-19T23:59:59Z"),
        OUT_OF_RANGE,
        says,
    );
}

#[test]
fn a_shut_in_well_starts_only_after_the_cause_is_closed() {
    let closed = ShutInClosed {
        at: now(),
        remedy: "valve replaced".parse().unwrap(),
        by: person(1),
    };
    let injecting = || ready_and(vec![started("2026-11-20T00:00:00Z")]);
    injecting()
        .when(shut())
        .then_expect_events(vec![shut_in("2026-11-21T12:00:00Z")]);
    let is_shut = || {
        ready_and(vec![
            started("2026-11-20T00:00:00Z"),
            shut_in("2026-11-20T01:00:00Z"),
        ])
    };
    for command in [WellCommand::StartInjection(operate(None)), shut()] {
        let says = "because: high pressure. Close the cause";
        refused(is_shut(), command, NOT_IN_FORCE, says);
    }
    is_shut()
        .when(close())
        .then_expect_events(vec![closed.clone().into()]);
    refused(injecting(), close(), "REJECTED", "nothing to close");
    ready_and(vec![shut_in("2026-11-20T01:00:00Z"), closed.into()])
        .when(WellCommand::StartInjection(operate(None)))
        .then_expect_events(vec![started("2026-11-21T12:00:00Z")]);
}

#[test]
fn a_plugged_well_takes_nothing() {
    ready_and(vec![])
        .when(WellCommand::Plug(operate(Some("2026-11-20T00:00:00Z"))))
        .then_expect_events(vec![plugged()]);
    let injecting = ready_and(vec![started("2026-11-20T00:00:00Z")]);
    let says = "stop it before it is plugged";
    refused(
        injecting,
        WellCommand::Plug(operate(None)),
        "REJECTED",
        says,
    );
    for command in [
        propose(limits()),
        approve(1, person(2)),
        WellCommand::RecordMit(mit(MitKind::Internal, true, "2026-03-01")),
        WellCommand::StartInjection(operate(None)),
        WellCommand::StopInjection(operate(None)),
        shut(),
        close(),
        WellCommand::Plug(operate(None)),
    ] {
        refused(
            ready_and(vec![plugged()]),
            command,
            LOCKED,
            "plugged on 2026-11-20",
        );
    }
}

/// The limits of a day by events alone.
fn limits_of(more: Vec<WellEvent>, on: &str) -> Result<PermitLimits, WellRejection> {
    let mut well = Well::default();
    for event in ready().into_iter().chain(more) {
        well.apply(event);
    }
    well.limits_of(day(on))
}

#[test]
fn a_day_has_limits_when_the_well_injected_within_it() {
    let span = || {
        vec![
            started("2026-11-18T22:00:00Z"),
            stopped("2026-11-20T00:00:00Z"),
        ]
    };
    for on in ["2026-11-18", "2026-11-19"] {
        assert_eq!(limits_of(span(), on), Ok(limits()));
    }
    for on in ["2026-11-17", "2026-11-20"] {
        let refusal = limits_of(span(), on).unwrap_err();
        let says = format!("was not injecting on {on}");
        assert!(refusal.to_string().contains(&says), "{refusal}");
    }
    assert!(limits_of(vec![started("2026-11-18T22:00:00Z")], "2026-11-21").is_ok());
    let plugged_since = [span(), vec![plugged()]].concat();
    assert!(limits_of(plugged_since.clone(), "2026-11-19").is_ok());
    assert!(limits_of(plugged_since, "2026-11-21").is_err());
}

#[test]
fn a_day_has_the_hours_in_which_the_well_was_open() {
    let mut well = Well::default();
    let spans = vec![
        started("2026-11-18T22:30:00Z"),
        stopped("2026-11-20T03:10:00Z"),
        started("2026-11-20T05:00:00Z"),
        stopped("2026-11-20T06:00:00Z"),
        started("2026-11-20T23:59:59Z"),
    ];
    for event in ready().into_iter().chain(spans) {
        well.apply(event);
    }
    for (on, hours) in [
        ("2026-11-17", "0"),
        ("2026-11-18", "2"),
        ("2026-11-19", "24"),
        // 3:10 and 1:00 and a second.
        ("2026-11-20", "5"),
        ("2026-11-21", "24"),
    ] {
        assert_eq!(well.hours_open_on(day(on)), hours.parse().unwrap(), "{on}");
    }
}

#[test]
fn of_two_permits_for_a_day_the_one_put_into_force_last_counts() {
    let tighter = PermitLimits {
        permit: "IL-115-6A-0002".parse().unwrap(),
        valid_from: day("2026-11-20"),
        max_rate_t_per_h: "20".parse().unwrap(),
        ..limits()
    };
    let set = PermitLimitsProposed::new(2, tighter.clone(), person(1)).approved(person(2));
    let events = vec![set.into(), started("2026-11-18T00:00:00Z")];
    assert_eq!(limits_of(events.clone(), "2026-11-19"), Ok(limits()));
    assert_eq!(limits_of(events, "2026-11-20"), Ok(tighter));
}
