#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use cqrs_es::test::{AggregateTestExecutor, TestFramework};

use super::*;
use crate::quantity::Hours;
use crate::refusal::{
    LIMIT_EXCEEDED, LOCKED, NO_EVIDENCE, NOT_FOUND, OUT_OF_RANGE, OVERLAP, SELF_APPROVAL,
};
use crate::well::PermitLimits;
use crate::{Mass, Refusal};

fn given(events: Vec<InjectionDayEvent>) -> AggregateTestExecutor<InjectionDay> {
    TestFramework::with(()).given(events)
}

fn person(number: u8) -> Actor {
    format!("user/00000000-0000-0000-0000-0000000000{number:02}")
        .parse()
        .unwrap()
}

fn figures() -> DayFigures {
    DayFigures {
        mass_kg: "480000".parse().unwrap(),
        hours: "24".parse().unwrap(),
        max_rate_t_per_h: "21.4".parse().unwrap(),
        max_wellhead_pressure_mpa: "9.5".parse().unwrap(),
        min_annulus_pressure_mpa: "10.1".parse().unwrap(),
        min_annulus_margin_mpa: None,
    }
}

fn limits() -> PermitLimits {
    PermitLimits {
        permit: "IL-115-6A-0001".parse().unwrap(),
        valid_from: "2026-01-01".parse().unwrap(),
        valid_until: "2026-12-31".parse().unwrap(),
        max_daily_mass_kg: "500000".parse().unwrap(),
        max_yearly_mass_kg: None,
        max_rate_t_per_h: "25".parse().unwrap(),
        fracture_pressure_mpa: "12".parse().unwrap(),
    }
}

fn measured() -> Measured {
    Measured {
        sealed_hours: 24,
        mass_kg: "479998.5".parse().ok(),
        max_rate_t_per_h: "21.35".parse().ok(),
        max_wellhead_pressure_mpa: "9.48".parse().ok(),
        min_annulus_pressure_mpa: "10.2".parse().ok(),
        closest_hour: Some(ClosestHour {
            from: "2026-11-20T03:00:00Z".parse().unwrap(),
            min_annulus_pressure_mpa: "10.2".parse().unwrap(),
            max_wellhead_pressure_mpa: "9.48".parse().unwrap(),
        }),
        unwatched_hour: None,
    }
}

fn surroundings() -> Surroundings {
    Surroundings {
        limits: limits(),
        hours_open: Hours::DAY,
        approved_this_year: Mass::ZERO,
        measured: measured(),
        real: true,
        evidence: vec!["sealrock.localhost/northsea#4711".parse().unwrap()],
    }
}

fn record(figures: DayFigures, surroundings: Surroundings) -> RecordInjectionDay {
    RecordInjectionDay {
        org: "northsea".parse().unwrap(),
        site: "field-1".parse().unwrap(),
        well: "injector-1".parse().unwrap(),
        day: "2026-11-20".parse().unwrap(),
        figures,
        surroundings,
        by: person(1),
        today: "2026-11-21".parse().unwrap(),
    }
}

fn recording(figures: DayFigures, surroundings: Surroundings) -> InjectionDayCommand {
    InjectionDayCommand::Record(Box::new(record(figures, surroundings)))
}

fn recorded() -> InjectionDayEvent {
    InjectionDayRecorded::from(record(figures(), surroundings())).into()
}

fn correction(figures: DayFigures) -> CorrectInjectionDay {
    CorrectInjectionDay {
        figures,
        surroundings: surroundings(),
        reason: "the meter was read twice".parse().unwrap(),
        by: person(2),
    }
}

fn correct(figures: DayFigures) -> InjectionDayCommand {
    InjectionDayCommand::Correct(Box::new(correction(figures)))
}

fn less() -> DayFigures {
    DayFigures {
        mass_kg: "470000".parse().unwrap(),
        ..figures()
    }
}

fn corrected() -> InjectionDayEvent {
    InjectionDayCorrected::from(correction(less())).into()
}

fn approval(by: Actor) -> ApproveInjectionDay {
    ApproveInjectionDay {
        limits: limits(),
        hours_open: Hours::DAY,
        approved_this_year: Mass::ZERO,
        demo: false,
        by,
        today: "2026-11-21".parse().unwrap(),
    }
}

fn approve(by: Actor) -> InjectionDayCommand {
    InjectionDayCommand::Approve(Box::new(approval(by)))
}

fn approved() -> InjectionDayApproved {
    InjectionDayApproved {
        by: person(3),
        creditable: true,
        why_not: None,
    }
}

/// The refusal of a command, which must have this code and say this.
fn refused(events: Vec<InjectionDayEvent>, command: InjectionDayCommand, code: &str, says: &str) {
    let refusal = given(events).when(command).inspect_result().unwrap_err();
    assert_eq!(refusal.code(), code, "{refusal}");
    assert!(refusal.to_string().contains(says), "{refusal}");
}

#[test]
fn a_day_is_recorded_once_and_then_corrected() {
    given(vec![])
        .when(recording(figures(), surroundings()))
        .then_expect_events(vec![recorded()]);
    let says = "recorded already, with 480000 kg: correct it";
    let again = recording(figures(), surroundings());
    refused(vec![recorded()], again, OVERLAP, says);
    given(vec![recorded()])
        .when(correct(less()))
        .then_expect_events(vec![corrected()]);
}

#[test]
fn a_correction_needs_a_record_and_a_difference() {
    refused(vec![], correct(less()), NOT_FOUND, "record it first");
    refused(
        vec![recorded()],
        correct(figures()),
        "REJECTED",
        "nothing to correct",
    );
    // The same figures on other evidence are a correction.
    let later = InjectionDayCommand::Correct(Box::new(CorrectInjectionDay {
        surroundings: Surroundings {
            evidence: vec![],
            ..surroundings()
        },
        ..correction(figures())
    }));
    assert!(given(vec![recorded()]).when(later).inspect_result().is_ok());
}

#[test]
fn impossible_figures_are_refused() {
    let long = DayFigures {
        hours: "24.001".parse().unwrap(),
        ..figures()
    };
    let says = "24.001 h are more than a day has";
    refused(vec![], recording(long, surroundings()), OUT_OF_RANGE, says);
    let too_much = DayFigures {
        hours: "22.429".parse().unwrap(),
        ..figures()
    };
    let says = "480000 kg cannot go in within 22.429 h at a rate of 21.4 t/h at most";
    refused(
        vec![],
        recording(too_much, surroundings()),
        OUT_OF_RANGE,
        says,
    );
    let just = DayFigures {
        hours: "22.43".parse().unwrap(),
        ..figures()
    };
    assert!(
        given(vec![])
            .when(recording(just, surroundings()))
            .inspect_result()
            .is_ok()
    );
}

#[test]
fn figures_above_a_limit_are_refused_with_figure_and_limit() {
    let figures = || DayFigures {
        max_rate_t_per_h: "25".parse().unwrap(),
        ..figures()
    };
    for (figures, says) in [
        (
            DayFigures {
                mass_kg: "500000.001".parse().unwrap(),
                ..figures()
            },
            "stated mass of 500000.001 kg is above the limit of 500000 kg in permit IL-115-6A-0001",
        ),
        (
            DayFigures {
                max_rate_t_per_h: "25.000001".parse().unwrap(),
                ..figures()
            },
            "stated highest rate of 25.000001 t/h is above the limit of 25 t/h",
        ),
        (
            DayFigures {
                max_wellhead_pressure_mpa: "10.800001".parse().unwrap(),
                ..figures()
            },
            "stated highest wellhead pressure of 10.800001 MPa is above the limit of 10.8 MPa",
        ),
        (
            DayFigures {
                min_annulus_pressure_mpa: "9.5".parse().unwrap(),
                ..figures()
            },
            "annulus pressure of 9.5 MPa is not above the wellhead pressure of 9.5 MPa",
        ),
        (
            DayFigures {
                min_annulus_margin_mpa: "0".parse().ok(),
                ..figures()
            },
            "an annulus margin of 0 MPa is none",
        ),
    ] {
        refused(
            vec![],
            recording(figures.clone(), surroundings()),
            LIMIT_EXCEEDED,
            says,
        );
        refused(vec![recorded()], correct(figures), LIMIT_EXCEEDED, says);
    }
}

#[test]
fn figures_at_the_limits_are_within_them() {
    let at_the_limits = DayFigures {
        mass_kg: "500000".parse().unwrap(),
        max_rate_t_per_h: "25".parse().unwrap(),
        max_wellhead_pressure_mpa: "10.8".parse().unwrap(),
        min_annulus_pressure_mpa: "10.800001".parse().unwrap(),
        ..figures()
    };
    let command = recording(at_the_limits, surroundings());
    assert!(given(vec![]).when(command).inspect_result().is_ok());
}

#[test]
fn an_annulus_margin_of_one_moment_stands_for_pressures_of_different_moments() {
    let figures = DayFigures {
        min_annulus_pressure_mpa: "9.1".parse().unwrap(),
        min_annulus_margin_mpa: "0.6".parse().ok(),
        ..figures()
    };
    let command = recording(figures, surroundings());
    assert!(given(vec![]).when(command).inspect_result().is_ok());
}

#[test]
fn what_the_seals_measure_keeps_to_the_limits_too() {
    let hour = |annulus: &str| {
        Some(ClosestHour {
            min_annulus_pressure_mpa: annulus.parse().unwrap(),
            ..measured().closest_hour.unwrap()
        })
    };
    for (measured, says) in [
        (
            Measured {
                mass_kg: "500001".parse().ok(),
                ..measured()
            },
            "measured mass of 500001 kg is above the limit of 500000 kg",
        ),
        (
            Measured {
                max_rate_t_per_h: "25.1".parse().ok(),
                ..measured()
            },
            "measured highest rate of 25.1 t/h is above the limit of 25 t/h",
        ),
        (
            Measured {
                max_wellhead_pressure_mpa: "11".parse().ok(),
                ..measured()
            },
            "measured highest wellhead pressure of 11 MPa is above the limit of 10.8 MPa",
        ),
        (
            Measured {
                closest_hour: hour("9.4"),
                ..measured()
            },
            "measured annulus pressure of 9.4 MPa is not above the wellhead pressure of 9.48 MPa",
        ),
    ] {
        let found = Surroundings {
            measured,
            ..surroundings()
        };
        refused(vec![], recording(figures(), found), LIMIT_EXCEEDED, says);
    }
}

#[test]
fn a_year_has_a_limit_over_its_approved_days() {
    let limits = PermitLimits {
        max_yearly_mass_kg: "1000000".parse().ok(),
        ..limits()
    };
    let found = |approved: &str| Surroundings {
        limits: limits.clone(),
        approved_this_year: approved.parse().unwrap(),
        ..surroundings()
    };
    let says = "mass of the year with this day of 1000000.001 kg is above the limit of 1000000 kg";
    let too_much = recording(figures(), found("520000.001"));
    refused(vec![], too_much, LIMIT_EXCEEDED, says);
    let approve = InjectionDayCommand::Approve(Box::new(ApproveInjectionDay {
        limits: limits.clone(),
        approved_this_year: "520000.001".parse().unwrap(),
        ..approval(person(3))
    }));
    refused(vec![recorded()], approve, LIMIT_EXCEEDED, says);
    let enough = recording(figures(), found("520000"));
    assert!(given(vec![]).when(enough).inspect_result().is_ok());
}

#[test]
fn a_day_is_no_longer_than_its_well_was_open() {
    let open = |hours: &str| Surroundings {
        hours_open: hours.parse().unwrap(),
        ..surroundings()
    };
    let says = "24 h of injection are stated, and the well was open for 23 h that day";
    refused(vec![], recording(figures(), open("23")), OUT_OF_RANGE, says);
    let corrected = InjectionDayCommand::Correct(Box::new(CorrectInjectionDay {
        surroundings: open("23"),
        ..correction(less())
    }));
    refused(vec![recorded()], corrected, OUT_OF_RANGE, says);
    let approve = InjectionDayCommand::Approve(Box::new(ApproveInjectionDay {
        hours_open: "23".parse().unwrap(),
        ..approval(person(3))
    }));
    refused(vec![recorded()], approve, OUT_OF_RANGE, says);
}

#[test]
fn an_approved_day_is_locked() {
    given(vec![recorded()])
        .when(approve(person(3)))
        .then_expect_events(vec![approved().into()]);
    let locked = || vec![recorded(), approved().into()];
    let says = "was approved by user/00000000-0000-0000-0000-000000000003 and is locked";
    refused(locked(), correct(less()), LOCKED, says);
    refused(locked(), approve(person(4)), LOCKED, says);
    refused(vec![], approve(person(3)), NOT_FOUND, "record it first");
}

#[test]
fn nobody_approves_what_they_recorded_or_corrected() {
    for author in [person(1), person(2)] {
        let events = vec![recorded(), corrected()];
        let says = "another person must approve it";
        refused(events, approve(author), SELF_APPROVAL, says);
    }
}

#[test]
fn an_approval_holds_the_day_against_the_limits_of_now() {
    let tighter = PermitLimits {
        max_rate_t_per_h: "20".parse().unwrap(),
        ..limits()
    };
    let approve = InjectionDayCommand::Approve(Box::new(ApproveInjectionDay {
        limits: tighter,
        ..approval(person(3))
    }));
    let says = "highest rate of 21.4 t/h is above the limit of 20 t/h";
    refused(vec![recorded()], approve, LIMIT_EXCEEDED, says);
}

#[test]
fn an_approval_needs_seals_that_measure_the_mass() {
    let recorded = |found: Surroundings| -> Vec<InjectionDayEvent> {
        vec![InjectionDayRecorded::from(record(figures(), found)).into()]
    };
    let measuring = |mass_kg: Option<Mass>| Surroundings {
        measured: Measured {
            mass_kg,
            ..measured()
        },
        ..surroundings()
    };
    let nothing = Surroundings {
        evidence: vec![],
        ..surroundings()
    };
    let says = "no sealed hour of 2026-11-20";
    refused(recorded(nothing), approve(person(3)), NO_EVIDENCE, says);
    let says = "measures injection_rate";
    refused(
        recorded(measuring(None)),
        approve(person(3)),
        NO_EVIDENCE,
        says,
    );
    // 105 % of 457142.857 kg are 479999.99985 kg.
    let short = measuring("457142.857".parse().ok());
    let says = "480000 kg are more than 5 % above the 457142.857 kg that 24 sealed hours measure";
    refused(recorded(short), approve(person(3)), NO_EVIDENCE, says);
    let enough = measuring("457142.858".parse().ok());
    given(recorded(enough))
        .when(approve(person(3)))
        .then_expect_events(vec![approved().into()]);
}

#[test]
fn what_counts_is_what_is_stated_and_no_more_than_is_measured() {
    let net_mass = |stated: &str, measured_kg: Option<&str>| {
        let found = Surroundings {
            measured: Measured {
                mass_kg: measured_kg.map(|mass| mass.parse().unwrap()),
                ..measured()
            },
            ..surroundings()
        };
        let stated = DayFigures {
            mass_kg: stated.parse().unwrap(),
            ..figures()
        };
        let day = InjectionDayRecorded::from(record(stated, found));
        day.net_mass().kilograms()
    };
    assert_eq!(net_mass("480000", Some("479998.5")), "479998.5");
    assert_eq!(net_mass("470000", Some("479998.5")), "470000");
    assert_eq!(net_mass("470000", None), "0");
}

#[test]
fn an_approval_needs_both_pressures_wherever_the_well_injected() {
    let unwatched = Surroundings {
        measured: Measured {
            unwatched_hour: "2026-11-20T03:00:00Z".parse().ok(),
            ..measured()
        },
        ..surroundings()
    };
    let recorded = InjectionDayRecorded::from(record(figures(), unwatched));
    let says = "the hour from 2026-11-20 03:00:00 UTC has injection";
    let approve = approve(person(3));
    refused(vec![recorded.into()], approve, NO_EVIDENCE, says);
}

#[test]
fn simulated_evidence_is_creditable_in_a_demonstration_only() {
    let simulated = Surroundings {
        real: false,
        ..surroundings()
    };
    let day = || vec![InjectionDayRecorded::from(record(figures(), simulated.clone())).into()];
    let approve = |demo| {
        InjectionDayCommand::Approve(Box::new(ApproveInjectionDay {
            demo,
            ..approval(person(3))
        }))
    };
    let not_creditable = InjectionDayApproved {
        creditable: false,
        why_not: Some(
            "the evidence is not all from real devices, and the ledger is no demonstration".into(),
        ),
        ..approved()
    };
    given(day())
        .when(approve(false))
        .then_expect_events(vec![not_creditable.into()]);
    given(day())
        .when(approve(true))
        .then_expect_events(vec![approved().into()]);
}

#[test]
fn a_day_is_recorded_when_it_has_come_and_approved_when_it_is_over() {
    let of_day = |day: &str| RecordInjectionDay {
        day: day.parse().unwrap(),
        ..record(figures(), surroundings())
    };
    let recording = |day: &str| InjectionDayCommand::Record(Box::new(of_day(day)));
    let says = "2026-11-22 lies ahead of 2026-11-21";
    refused(vec![], recording("2026-11-22"), OUT_OF_RANGE, says);
    let today = || vec![InjectionDayRecorded::from(of_day("2026-11-21")).into()];
    given(vec![])
        .when(recording("2026-11-21"))
        .then_expect_events(today());
    let says = "2026-11-21 is not over";
    refused(today(), approve(person(3)), OUT_OF_RANGE, says);
    let demo = InjectionDayCommand::Approve(Box::new(ApproveInjectionDay {
        demo: true,
        ..approval(person(3))
    }));
    given(today())
        .when(demo)
        .then_expect_events(vec![approved().into()]);
}
