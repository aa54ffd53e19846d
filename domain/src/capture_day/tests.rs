#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use chrono::TimeDelta;
use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use proptest::prelude::*;

use super::*;
use crate::decimal::DecimalText;
use crate::{AssetId, Refusal};

fn given(events: Vec<CaptureDayEvent>) -> AggregateTestExecutor<CaptureDay> {
    TestFramework::with(()).given(events)
}

fn parse<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

fn user(last: u8) -> Actor {
    parse(&format!(
        "user/00000000-0000-0000-0000-0000000000{last:02x}"
    ))
}

fn hour(hour: i64) -> DateTime<Utc> {
    parse::<DateTime<Utc>>("2026-11-20T00:00:00Z") + TimeDelta::hours(hour)
}

fn next_day() -> DateTime<Utc> {
    parse("2026-11-21T06:00:00Z")
}

fn period(from: i64, to: i64) -> CapturePeriod {
    CapturePeriod {
        from: hour(from),
        to: hour(to),
    }
}

fn measured(captured: Option<&str>, vented: Option<&str>) -> CaptureMeasured {
    CaptureMeasured {
        captured_kg: captured.map(parse),
        hours: 6,
        real: true,
        vented_kg: vented.map(parse),
    }
}

/// What the seals measure to the gram.
fn figures(captured: &str) -> CaptureFigures {
    CaptureFigures {
        captured_kg: parse(captured),
        vented_kg: parse("10000"),
        electricity_kwh: Some(parse("12000.5")),
        heat_mj: None,
        measured: Some(measured(Some(captured), Some("10000"))),
        evidence: vec![parse("sealrock.test/ledger/northsea#41")],
    }
}

fn record(period: CapturePeriod, figures: CaptureFigures) -> RecordCapture {
    RecordCapture {
        org: parse("northsea"),
        site: parse("plant-1"),
        unit: parse("amine-1"),
        period,
        figures,
        capacity_kg_per_day: Mass::from_tonnes(600),
        by: user(1),
        at: next_day(),
    }
}

fn recorded(period: CapturePeriod, figures: CaptureFigures) -> CaptureDayEvent {
    CaptureRecorded {
        org: parse("northsea"),
        site: parse("plant-1"),
        unit: parse("amine-1"),
        from: period.from,
        to: period.to,
        captured_kg: figures.captured_kg,
        vented_kg: figures.vented_kg,
        electricity_kwh: figures.electricity_kwh,
        heat_mj: figures.heat_mj,
        measured: figures.measured,
        evidence: figures.evidence,
        by: user(1),
    }
    .into()
}

fn morning() -> CaptureDayEvent {
    recorded(period(0, 6), figures("90000"))
}

fn correct(from: i64, figures: CaptureFigures) -> CorrectCapture {
    CorrectCapture {
        from: hour(from),
        figures,
        capacity_kg_per_day: Mass::from_tonnes(600),
        reason: parse("the meter was read wrongly"),
        by: user(2),
    }
}

fn corrected(from: i64, figures: CaptureFigures) -> CaptureDayEvent {
    CaptureCorrected {
        from: hour(from),
        captured_kg: figures.captured_kg,
        vented_kg: figures.vented_kg,
        electricity_kwh: figures.electricity_kwh,
        heat_mj: figures.heat_mj,
        measured: figures.measured,
        evidence: figures.evidence,
        reason: parse("the meter was read wrongly"),
        by: user(2),
    }
    .into()
}

fn approve(by: u8) -> ApproveCaptureDay {
    ApproveCaptureDay {
        by: user(by),
        at: next_day(),
    }
}

fn approved() -> CaptureDayEvent {
    CaptureDayApproved { by: user(3) }.into()
}

/// The code of the refusal of a command, given events.
fn code(events: Vec<CaptureDayEvent>, command: impl Into<CaptureDayCommand>) -> &'static str {
    let mut day = CaptureDay::default();
    for event in events {
        day.apply(event);
    }
    day.decide(command.into()).unwrap_err().code()
}

#[test]
fn a_captured_mass_is_recorded_with_its_measured_figures_and_evidence() {
    let command = record(period(0, 6), figures("90000"));
    let id = command.id();
    let unit = AssetId::of(&command.org, &command.site, &command.unit);
    assert_eq!(id.to_string(), format!("{unit}/2026-11-20"));
    assert_eq!(parse::<CaptureDayId>(&id.to_string()), id);
    given(vec![])
        .when(command.into())
        .then_expect_events(vec![morning()]);
}

#[test]
fn periods_stand_side_by_side_up_to_midnight() {
    let evening = record(period(6, 24), figures("0"));
    given(vec![morning()])
        .when(evening.into())
        .then_expect_events(vec![recorded(period(6, 24), figures("0"))]);
}

#[test]
fn a_period_that_overlaps_a_record_is_refused_and_both_are_named() {
    let command = record(period(5, 7), figures("1"));
    assert_eq!(code(vec![morning()], command.clone()), "OVERLAP");
    given(vec![morning()])
        .when(command.into())
        .then_expect_error_message(
            "the period from 2026-11-20T05:00:00Z to 2026-11-20T07:00:00Z overlaps the record of \
             2026-11-20T00:00:00Z to 2026-11-20T06:00:00Z: correct that record, or give the time \
             beside it",
        );
    for (from, to) in [(0, 6), (0, 1), (1, 2), (0, 24)] {
        let command = record(period(from, to), figures("1"));
        assert_eq!(code(vec![morning()], command), "OVERLAP", "{from} {to}");
    }
}

#[test]
fn a_period_of_no_single_day_or_not_over_is_refused() {
    for (from, to) in [(6, 6), (6, 5), (20, 25), (-1, 1)] {
        let command = record(period(from, to), figures("1"));
        assert_eq!(code(vec![], command), "OUT_OF_RANGE", "{from} {to}");
    }
    let mut command = record(period(0, 6), figures("1"));
    command.period.from += TimeDelta::milliseconds(1);
    assert_eq!(code(vec![], command), "OUT_OF_RANGE");
    let mut early = record(period(0, 6), figures("1"));
    early.at = hour(6) - TimeDelta::seconds(1);
    let period = early.period;
    given(vec![])
        .when(early.into())
        .then_expect_error(CaptureDayRejection::NotOver { period });
}

#[test]
fn more_than_the_unit_can_capture_in_the_period_is_refused() {
    // 600 t a day are 150 t in six hours.
    let most = record(period(0, 6), figures("150000"));
    given(vec![])
        .when(most.into())
        .then_expect_events(vec![recorded(period(0, 6), figures("150000"))]);
    let command = record(period(0, 6), figures("150000.001"));
    assert_eq!(code(vec![], command.clone()), "LIMIT_EXCEEDED");
    given(vec![])
        .when(command.clone().into())
        .then_expect_error_message(
            "150000.001 kg captured from 2026-11-20T00:00:00Z to 2026-11-20T06:00:00Z is more than \
             the unit can: it captures at most 600000 kg a day, and as large a part of it in a part \
             of the day",
        );
    let without_capacity = RecordCapture {
        capacity_kg_per_day: None,
        ..command
    };
    given(vec![])
        .when(without_capacity.into())
        .then_expect_events(vec![recorded(period(0, 6), figures("150000.001"))]);
    let correction = correct(0, figures("150000.001"));
    assert_eq!(code(vec![morning()], correction), "LIMIT_EXCEEDED");
}

#[test]
fn a_negative_energy_is_refused() {
    let energy: DecimalText = parse("-0.5");
    let electricity = CaptureFigures {
        electricity_kwh: Some(energy.clone()),
        ..figures("1")
    };
    let heat = CaptureFigures {
        heat_mj: Some(energy.clone()),
        ..figures("1")
    };
    for figures in [electricity, heat] {
        let command = record(period(0, 6), figures);
        assert_eq!(code(vec![], command.clone()), "OUT_OF_RANGE");
        let energy = energy.clone();
        given(vec![])
            .when(command.into())
            .then_expect_error(CaptureDayRejection::NegativeEnergy { energy });
    }
}

#[test]
fn an_energy_beyond_a_million_million_is_refused() {
    let using = |energy: &str| CaptureFigures {
        heat_mj: Some(parse(energy)),
        ..figures("1")
    };
    let recorded = |energy: &str| {
        let command = record(period(0, 6), using(energy));
        given(vec![]).when(command.into()).inspect_result().is_ok()
    };
    assert!(recorded("1000000000000"));
    assert!(recorded("1000000000000.000"));
    for energy in [
        "1000000000000.001",
        "1000000000001",
        "9999999999999999999999999999",
    ] {
        let too_much = || CaptureDayRejection::TooMuchEnergy {
            energy: parse(energy),
        };
        given(vec![])
            .when(record(period(0, 6), using(energy)).into())
            .then_expect_error(too_much());
        given(vec![morning()])
            .when(correct(0, using(energy)).into())
            .then_expect_error(too_much());
    }
}

#[test]
fn a_correction_is_a_further_event_and_takes_the_place_of_the_figures() {
    given(vec![morning()])
        .when(correct(0, figures("80000")).into())
        .then_expect_events(vec![corrected(0, figures("80000"))]);
    let mut day = CaptureDay::default();
    day.apply(morning());
    day.apply(corrected(0, figures("80000")));
    let record = day.get(hour(0)).unwrap();
    assert_eq!((record.to, &record.figures), (hour(6), &figures("80000")));
    assert_eq!(day.records().len(), 1);
}

#[test]
fn a_correction_of_an_unknown_record_or_that_changes_nothing_is_refused() {
    assert_eq!(code(vec![morning()], correct(1, figures("1"))), "NOT_FOUND");
    given(vec![morning()])
        .when(correct(1, figures("1")).into())
        .then_expect_error_message(
            "nothing is recorded from 2026-11-20 01:00:00 UTC on: name the beginning of a record \
             (2026-11-20 00:00:00 UTC)",
        );
    given(vec![morning()])
        .when(correct(0, figures("90000")).into())
        .then_expect_error(CaptureDayRejection::NothingCorrected { from: hour(0) });
}

#[test]
fn a_day_is_approved_by_somebody_else_and_locked() {
    let events = vec![morning(), corrected(0, figures("80000"))];
    given(events.clone())
        .when(approve(3).into())
        .then_expect_events(vec![approved()]);
    let locked = [events, vec![approved()]].concat();
    let later = record(period(6, 7), figures("1"));
    assert_eq!(code(locked.clone(), later), "LOCKED");
    assert_eq!(code(locked.clone(), correct(0, figures("1"))), "LOCKED");
    assert_eq!(code(locked.clone(), approve(4)), "LOCKED");
    given(locked)
        .when(correct(0, figures("1")).into())
        .then_expect_error_message(
            "this day was approved by user/00000000-0000-0000-0000-000000000003 and takes no more \
             changes",
        );
}

#[test]
fn whoever_recorded_or_corrected_approves_nothing() {
    let events = vec![morning(), corrected(0, figures("80000"))];
    for by in [1, 2] {
        assert_eq!(code(events.clone(), approve(by)), "SELF_APPROVAL");
    }
}

#[test]
fn a_day_that_is_empty_or_not_over_is_not_approved() {
    assert_eq!(code(vec![], approve(3)), "NOT_FOUND");
    let early = ApproveCaptureDay {
        by: user(3),
        at: hour(24) - TimeDelta::seconds(1),
    };
    let day = parse("2026-11-20");
    given(vec![morning()])
        .when(early.into())
        .then_expect_error(CaptureDayRejection::DayNotOver { day });
}

#[test]
fn a_day_without_evidence_of_what_was_captured_is_not_approved() {
    let without = CaptureFigures {
        measured: None,
        evidence: vec![],
        ..figures("1")
    };
    let other = CaptureFigures {
        measured: Some(measured(None, Some("10000"))),
        ..figures("1")
    };
    for figures in [without, other] {
        let events = vec![morning(), recorded(period(6, 7), figures)];
        assert_eq!(code(events.clone(), approve(3)), "NO_EVIDENCE");
        let from = hour(6);
        given(events)
            .when(approve(3).into())
            .then_expect_error(CaptureDayRejection::NoEvidence { from });
    }
}

#[test]
fn five_percent_more_than_the_seals_measure_is_approved_and_a_gram_beyond_is_not() {
    let of = |captured: &str| {
        let figures = CaptureFigures {
            measured: Some(measured(Some("80000"), None)),
            ..figures(captured)
        };
        vec![recorded(period(0, 6), figures)]
    };
    for captured in ["0", "80000", "84000"] {
        given(of(captured))
            .when(approve(3).into())
            .then_expect_events(vec![approved()]);
    }
    assert_eq!(code(of("84000.001"), approve(3)), "NO_EVIDENCE");
    given(of("84000.001"))
        .when(approve(3).into())
        .then_expect_error_message(
            "84000.001 kg captured from 2026-11-20 00:00:00 UTC on is over 5 % more than the 80000 kg \
             that the cited seals measure: correct the record, or cite what measured the rest",
        );
}

#[test]
fn five_percent_less_vented_than_the_seals_measure_is_approved_and_a_gram_beyond_is_not() {
    let of = |vented: &str| {
        let figures = CaptureFigures {
            vented_kg: parse(vented),
            ..figures("80000")
        };
        vec![recorded(period(0, 6), figures)]
    };
    for vented in ["9500", "20000"] {
        given(of(vented))
            .when(approve(3).into())
            .then_expect_events(vec![approved()]);
    }
    assert_eq!(code(of("9499.999"), approve(3)), "NO_EVIDENCE");
}

#[test]
fn an_efficiency_is_captured_by_captured_and_vented() {
    let of = |captured: &str, vented: &str| efficiency_percent(parse(captured), parse(vented));
    assert_eq!(of("0", "0"), None);
    assert_eq!(of("90", "10").unwrap(), "90.000");
    assert_eq!(of("2", "1").unwrap(), "66.667");
    assert_eq!(of("0", "1").unwrap(), "0.000");
    assert_eq!(of("9007199254740.991", "0").unwrap(), "100.000");
}

proptest! {
    /// Whatever is asked for, no second of the day counts twice, and the state is that of a snapshot.
    #[test]
    fn records_never_overlap(periods in prop::collection::vec((0i64..24, 1i64..8), 1..20)) {
        let mut day = CaptureDay::default();
        for (from, length) in periods {
            let command = record(period(from, from + length), figures("1"));
            if let Ok(event) = day.decide(command.into()) {
                day.apply(event);
            }
        }
        let mut end = hour(0);
        for (from, record) in day.records() {
            prop_assert!(*from >= end && record.to > *from && record.to <= hour(24));
            end = record.to;
        }
        let json = serde_json::to_vec(&day).unwrap();
        prop_assert_eq!(serde_json::from_slice::<CaptureDay>(&json).unwrap(), day);
    }
}
