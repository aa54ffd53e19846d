//! Many people at once, through two processes.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use cqrs_es::Aggregate;
use futures::future::join_all;
use sealrock_access::Role;
use sealrock_commands::{CommandError, Commands, InjectedDay};
use sealrock_domain::injection_day::{DayFigures, InjectionDay, InjectionDayEvent};
use sealrock_domain::mass_account::MassAccountEvent;
use sealrock_domain::telemetry::Source;
use sealrock_domain::well::{MitKind, PermitLimits, Well, WellEvent};
use sealrock_domain::{EventType, Mass};
use sealrock_eventstore::Recorded;

use super::field::*;

const DAYS: u64 = 4;

/// A correction that nobody else makes.
fn correction(day: NaiveDate, number: u64) -> InjectedDay {
    InjectedDay {
        figures: DayFigures {
            mass_kg: Mass::from_grams(39_000_000 + number).unwrap(),
            ..injected(day).figures
        },
        ..injected(day)
    }
}

/// Sends a command until it is decided.
async fn decided<F>(send: impl Fn() -> F) -> bool
where
    F: Future<Output = Result<sealrock_commands::Done, CommandError>>,
{
    loop {
        match send().await {
            Ok(_) => return true,
            Err(CommandError::Conflict) => {}
            Err(CommandError::Refused { .. } | CommandError::Rejected(_)) => return false,
            Err(other) => panic!("{other:?}"),
        }
    }
}

async fn correct_once(commands: Commands, day: NaiveDate, number: u64) -> bool {
    decided(|| correct(&commands, correction(day, number))).await
}

async fn approve_once(commands: Commands, day: NaiveDate, who: u128) -> bool {
    decided(|| approve(&commands, person(who, Role::SiteManager), day)).await
}

/// What stands in the ledger, read by the rules alone: each approval is of a day whose present
/// figures its well's limits, as they stood before that entry, allowed; and the account holds the
/// mass of each approved day once.
fn check(entries: &[Recorded]) -> BTreeMap<NaiveDate, Mass> {
    let mut well = Well::default();
    let mut days: BTreeMap<String, InjectionDay> = BTreeMap::new();
    let (mut approved, mut stored) = (BTreeMap::new(), BTreeMap::new());
    for recorded in entries {
        let (entry, Some(payload)) = (&recorded.entry, &recorded.payload) else {
            continue;
        };
        let (kind, schema, bytes) = (&*entry.kind, entry.schema, &*payload.bytes);
        if let Ok(event) = WellEvent::decode(kind, schema, bytes) {
            well.apply(event);
        } else if let Ok(event) = InjectionDayEvent::decode(kind, schema, bytes) {
            let day = days.entry(entry.stream.clone()).or_default();
            if let (InjectionDayEvent::InjectionDayApproved(_), Some(now)) =
                (&event, day.recorded())
            {
                let limits = well.limits_of(now.day).unwrap();
                assert!(now.max_rate_t_per_h <= limits.max_rate_t_per_h, "{now:?}");
                assert_eq!(approved.insert(now.day, now.mass_kg), None);
            }
            day.apply(event);
        } else if let Ok(MassAccountEvent::NetMassRecorded(event)) =
            MassAccountEvent::decode(kind, schema, bytes)
        {
            assert_eq!(stored.insert(event.day, event.mass_kg), None);
        }
    }
    assert_eq!(approved, stored);
    stored
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn approvals_and_corrections_at_once_store_each_approved_day_once() {
    let (f, gauge) = injecting(Source::Real).await;
    let processes = [f.commands.clone(), f.elsewhere().await];
    let days: Vec<NaiveDate> = (1..=DAYS).map(day).collect();
    for day in &days {
        seal_day(&f, &gauge, *day).await;
        record(&f.commands, injected(*day)).await.unwrap();
    }
    let mut tasks = Vec::new();
    for number in 0..24 {
        let commands = processes[usize::from(number % 2 == 0)].clone();
        let day = days[usize::try_from(number % DAYS).unwrap()];
        tasks.push(if number % 3 == 0 {
            tokio::spawn(approve_once(commands, day, 10 + u128::from(number)))
        } else {
            tokio::spawn(correct_once(commands, day, number))
        });
    }
    for task in join_all(tasks).await {
        task.unwrap();
    }
    for day in &days {
        approve_once(f.commands.clone(), *day, 99).await;
    }
    let stored = check(&f.entries().await);
    assert_eq!(
        stored.keys().copied().collect::<BTreeSet<_>>(),
        days.into_iter().collect()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_day_is_approved_on_limits_or_tests_that_were_replaced_before() {
    let (f, gauge) = injecting(Source::Real).await;
    let elsewhere = f.elsewhere().await;
    let days: Vec<NaiveDate> = (1..=DAYS).map(day).collect();
    for day in &days {
        seal_day(&f, &gauge, *day).await;
        record(&f.commands, injected(*day)).await.unwrap();
    }
    let tighter = PermitLimits {
        max_rate_t_per_h: "20.4".parse().unwrap(),
        valid_from: day(2),
        ..limits()
    };
    f.commands
        .propose_permit_limits(&site_manager(), &injector(), tighter)
        .await
        .unwrap();
    let replaced = tokio::spawn(async move {
        let approval = || async {
            let manager = hq_manager();
            elsewhere
                .approve_permit_limits(&manager, &injector(), 2)
                .await
        };
        assert!(decided(approval).await);
        // From the day before the last on, the well has no integrity.
        let failed = || async {
            let failed = test(MitKind::Internal, false, 3);
            elsewhere.record_mit(&operator(), &injector(), failed).await
        };
        assert!(decided(failed).await);
    });
    let approvals = days
        .iter()
        .map(|day| tokio::spawn(approve_once(f.commands.clone(), *day, 9)));
    for approval in join_all(approvals).await {
        approval.unwrap();
    }
    replaced.await.unwrap();
    check(&f.entries().await);
    // What is left is refused by the limits and tests of now.
    for day in &days {
        approve_once(f.commands.clone(), *day, 9).await;
    }
    check(&f.entries().await);
}
