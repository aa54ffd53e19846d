use sealrock_access::Role;
use sealrock_commands::InjectedDay;
use sealrock_domain::Citation;
use sealrock_domain::injection_day::{DayFigures, InjectionDayEvent, InjectionDayRecorded};
use sealrock_domain::mass_account::MassAccountEvent;
use sealrock_domain::telemetry::Source;
use sealrock_domain::well::PermitLimits;

use super::field::*;
use crate::fixture::{Fixture, slug};

async fn recorded(f: &Fixture) -> InjectionDayRecorded {
    let events = events::<InjectionDayEvent>(&f.entries().await);
    events
        .into_iter()
        .find_map(|(_, event)| match event {
            InjectionDayEvent::InjectionDayRecorded(event) => Some(event),
            _ => None,
        })
        .unwrap()
}

#[tokio::test]
async fn a_day_cites_the_seals_of_its_hours_and_says_what_they_measure() {
    let (f, gauge) = injecting(Source::Real).await;
    let seals = [
        seal(&f, &gauge, time(day(1), 3), (20.0, 9.4, 10.2)).await,
        seal(&f, &gauge, time(day(1), 4), (19.0, 9.3, 10.0)).await,
        // The well rests: its pressures are those of another state.
        seal(&f, &gauge, time(day(1), 5), (0.0, 9.0, 8.0)).await,
    ];
    // Another day's.
    seal(&f, &gauge, time(day(2), 3), (24.0, 11.0, 12.0)).await;
    let commands = &f.commands;
    commands
        .record_injection_day(&operator(), injected(day(1)))
        .await
        .unwrap();
    let event = recorded(&f).await;
    let cited: Vec<u64> = event.evidence.iter().map(Citation::index).collect();
    assert_eq!(cited, seals.map(|index| index.0));
    assert!(event.real);
    let measured = event.measured;
    assert_eq!(measured.sealed_hours, 3);
    assert_eq!(measured.mass_kg, "39000".parse().ok());
    assert_eq!(measured.max_rate_t_per_h, "20".parse().ok());
    assert_eq!(measured.max_wellhead_pressure_mpa, "9.4".parse().ok());
    assert_eq!(measured.min_annulus_pressure_mpa, "8".parse().ok());
    let closest = measured.closest_hour.unwrap();
    assert_eq!(closest.from, time(day(1), 4));
}

#[tokio::test]
async fn an_approval_puts_the_mass_into_the_account_in_the_same_append_once() {
    let (f, gauge) = injecting(Source::Real).await;
    let (commands, yesterday) = (&f.commands, day(1));
    seal_day(&f, &gauge, yesterday).await;
    record(commands, injected(yesterday)).await.unwrap();
    let context = site_manager();
    let done = approve(commands, context.clone(), yesterday).await.unwrap();
    assert_eq!(done.receipt.last.0, done.receipt.first.0 + 1);
    let again = approve(commands, context, yesterday).await.unwrap();
    assert!(again.duplicate);
    let by_another = person(5, Role::SiteManager);
    let (code, message) = refusal(approve(commands, by_another, yesterday).await);
    assert_eq!(code, "LOCKED", "{message}");

    let stored = events::<MassAccountEvent>(&f.entries().await);
    let [(_, MassAccountEvent::NetMassRecorded(stored))] = &stored[..] else {
        panic!("{stored:?}")
    };
    assert_eq!((stored.well, stored.day), (injector().id(), yesterday));
    assert_eq!(stored.mass_kg, "40000".parse().unwrap());
}

#[tokio::test]
async fn operators_record_and_others_approve() {
    let (f, gauge) = injecting(Source::Real).await;
    let (commands, yesterday) = (&f.commands, day(1));
    seal_day(&f, &gauge, yesterday).await;
    let by_a_manager = commands
        .record_injection_day(&site_manager(), injected(yesterday))
        .await;
    assert_eq!(refusal(by_a_manager).0, "FORBIDDEN");
    record(commands, injected(yesterday)).await.unwrap();
    let by_the_operator = approve(commands, operator(), yesterday).await;
    assert_eq!(refusal(by_the_operator).0, "FORBIDDEN");
    let promoted = person(1, Role::SiteManager);
    let own = approve(commands, promoted, yesterday).await;
    assert_eq!(refusal(own).0, "SELF_APPROVAL");
}

#[tokio::test]
async fn simulated_evidence_is_approved_and_counts_for_nothing() {
    let (f, gauge) = injecting(Source::Simulator).await;
    let (commands, yesterday) = (&f.commands, day(1));
    seal_day(&f, &gauge, yesterday).await;
    record(commands, injected(yesterday)).await.unwrap();
    let done = approve(commands, site_manager(), yesterday).await.unwrap();
    assert_eq!(done.receipt.first, done.receipt.last);
    let entries = f.entries().await;
    assert_eq!(events::<MassAccountEvent>(&entries), []);
    let (_, last) = events::<InjectionDayEvent>(&entries).pop().unwrap();
    let InjectionDayEvent::InjectionDayApproved(approved) = last else {
        panic!("{last:?}")
    };
    assert!(!approved.creditable && approved.why_not.is_some());
}

#[tokio::test]
async fn a_day_without_evidence_is_corrected_before_it_is_approved() {
    let (f, gauge) = injecting(Source::Real).await;
    let (commands, yesterday) = (&f.commands, day(1));
    record(commands, injected(yesterday)).await.unwrap();
    let (code, message) = refusal(approve(commands, site_manager(), yesterday).await);
    assert_eq!(code, "NO_EVIDENCE", "{message}");
    seal_day(&f, &gauge, yesterday).await;
    correct(commands, injected(yesterday)).await.unwrap();
    approve(commands, site_manager(), yesterday).await.unwrap();
    let (code, message) = refusal(correct(commands, injected(yesterday)).await);
    assert_eq!(code, "LOCKED", "{message}");
}

#[tokio::test]
async fn an_approval_rests_on_the_seals_of_now() {
    let (f, gauge) = injecting(Source::Real).await;
    let (commands, yesterday) = (&f.commands, day(1));
    seal_day(&f, &gauge, yesterday).await;
    record(commands, injected(yesterday)).await.unwrap();
    // An hour that was sealed late.
    seal(&f, &gauge, time(yesterday, 5), (1.0, 9.4, 9.5)).await;
    let (code, message) = refusal(approve(commands, site_manager(), yesterday).await);
    assert_eq!(code, "EVIDENCE_CHANGED");
    let says = "does not rest on the present seals";
    assert!(message.contains(says), "{message}");
    correct(commands, injected(yesterday)).await.unwrap();
    approve(commands, site_manager(), yesterday).await.unwrap();
}

#[tokio::test]
async fn no_more_is_credited_than_was_measured() {
    let (f, gauge) = injecting(Source::Real).await;
    let (commands, yesterday) = (&f.commands, day(1));
    seal_day(&f, &gauge, yesterday).await;
    let stated = InjectedDay {
        figures: DayFigures {
            mass_kg: "41000".parse().unwrap(),
            ..injected(yesterday).figures
        },
        ..injected(yesterday)
    };
    record(commands, stated).await.unwrap();
    approve(commands, site_manager(), yesterday).await.unwrap();
    let stored = events::<MassAccountEvent>(&f.entries().await);
    let [(_, MassAccountEvent::NetMassRecorded(stored))] = &stored[..] else {
        panic!("{stored:?}")
    };
    assert_eq!(stored.mass_kg, "40000".parse().unwrap());
}

#[tokio::test]
async fn an_hour_of_injection_without_its_pressures_keeps_the_day_from_approval() {
    let (f, gauge) = injecting(Source::Real).await;
    let (commands, yesterday) = (&f.commands, day(1));
    seal_day(&f, &gauge, yesterday).await;
    let resting = [("injection_rate", 0.0)];
    seal_of(&f, &gauge, time(yesterday, 5), &resting).await;
    let unwatched = [("injection_rate", 1.0), ("wellhead_pressure", 9.4)];
    seal_of(&f, &gauge, time(yesterday, 6), &unwatched).await;
    record(commands, injected(yesterday)).await.unwrap();
    let (code, message) = refusal(approve(commands, site_manager(), yesterday).await);
    assert_eq!(code, "NO_EVIDENCE");
    assert!(message.contains("06:00:00"), "{message}");
}

#[tokio::test]
async fn what_is_above_a_limit_or_has_no_permit_is_refused_and_nothing_is_recorded() {
    let (f, gauge) = injecting(Source::Real).await;
    let commands = &f.commands;
    seal(&f, &gauge, time(day(2), 3), (25.5, 9.4, 10.2)).await;
    let before = f.entries().await.len();
    let stated = InjectedDay {
        figures: DayFigures {
            max_rate_t_per_h: "25.1".parse().unwrap(),
            ..injected(day(1)).figures
        },
        ..injected(day(1))
    };
    let unknown = InjectedDay {
        devices: vec![slug("gauge-9")],
        ..injected(day(1))
    };
    for (injected, code, says) in [
        (
            stated,
            "LIMIT_EXCEEDED",
            "stated highest rate of 25.1 t/h is above the limit of 25 t/h",
        ),
        (
            injected(day(2)),
            "LIMIT_EXCEEDED",
            "measured highest rate of 25.5 t/h",
        ),
        (injected(day(21)), "NOT_IN_FORCE", "was not injecting on"),
        (
            injected(day(61)),
            "NOT_IN_FORCE",
            "no valid internal mechanical integrity test",
        ),
        (injected(day(101)), "NOT_IN_FORCE", "no permit in force on"),
        (unknown, "NOT_FOUND", "no device gauge-9"),
    ] {
        let (found, message) = refusal(record(commands, injected).await);
        assert!(
            found == code && message.contains(says),
            "{found}: {message}"
        );
    }
    let nothing = correct(commands, injected(day(3))).await;
    assert_eq!(refusal(nothing).0, "NOT_FOUND");
    assert_eq!(f.entries().await.len(), before);
}

#[tokio::test]
async fn a_day_is_no_longer_than_its_well_was_open() {
    let (f, _gauge) = injecting(Source::Real).await;
    let stopped = Some(time(day(1), 1));
    f.commands
        .stop_injection(&operator(), &injector(), stopped)
        .await
        .unwrap();
    let (code, message) = refusal(record(&f.commands, injected(day(1))).await);
    assert_eq!(code, "OUT_OF_RANGE", "{message}");
    let says = "2 h of injection are stated, and the well was open for 1 h";
    assert!(message.contains(says), "{message}");
    record(&f.commands, injected(day(2))).await.unwrap();
}

#[tokio::test]
async fn a_year_takes_no_more_than_its_permit_says() {
    let (f, gauge) = injecting(Source::Real).await;
    let commands = &f.commands;
    let yearly = PermitLimits {
        max_yearly_mass_kg: "60000".parse().ok(),
        ..limits()
    };
    permit(&f, 2, yearly).await;
    // Two days of one year, whenever this runs.
    let (first, second) =
        if time(day(2), 0).format("%Y").to_string() == time(day(1), 0).format("%Y").to_string() {
            (day(2), day(1))
        } else {
            (day(3), day(2))
        };
    for day in [first, second] {
        seal_day(&f, &gauge, day).await;
        record(commands, injected(day)).await.unwrap();
    }
    approve(commands, site_manager(), first).await.unwrap();
    let (code, message) = refusal(approve(commands, site_manager(), second).await);
    assert_eq!(code, "LIMIT_EXCEEDED", "{message}");
    assert!(
        message.contains("80000 kg is above the limit of 60000 kg"),
        "{message}"
    );
}
