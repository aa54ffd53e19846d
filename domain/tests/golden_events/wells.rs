//! Samples of wells and injection days.

use sealrock_domain::injection_day::{
    ClosestHour, InjectionDayApproved, InjectionDayCorrected, InjectionDayEvent,
    InjectionDayRecorded, Measured,
};
use sealrock_domain::well::{
    InjectionStarted, InjectionStopped, MitKind, MitRecorded, PermitLimitsProposed,
    PermitLimitsSet, ShutInClosed, WellEvent, WellKind, WellPlugged, WellRegistered, WellShutIn,
};

use super::parse;

const ADA: &str = "user/00000000-0000-0000-0000-000000000001";
const BEN: &str = "user/00000000-0000-0000-0000-000000000002";

fn proposed() -> PermitLimitsProposed {
    PermitLimitsProposed {
        proposal: 1,
        permit: parse("IL-115-6A-0001"),
        valid_from: parse("2026-01-01"),
        valid_until: parse("2030-12-31"),
        max_daily_mass_kg: parse("3000000"),
        max_yearly_mass_kg: Some(parse("1000000000")),
        max_rate_t_per_h: parse("125.5"),
        fracture_pressure_mpa: parse("27"),
        by: parse(ADA),
    }
}

fn set() -> PermitLimitsSet {
    let proposed = proposed();
    PermitLimitsSet {
        proposal: 1,
        permit: proposed.permit,
        valid_from: proposed.valid_from,
        valid_until: proposed.valid_until,
        max_daily_mass_kg: proposed.max_daily_mass_kg,
        max_yearly_mass_kg: proposed.max_yearly_mass_kg,
        max_rate_t_per_h: proposed.max_rate_t_per_h,
        fracture_pressure_mpa: proposed.fracture_pressure_mpa,
        proposed_by: proposed.by,
        by: parse(BEN),
    }
}

fn limits() -> Vec<(&'static str, WellEvent)> {
    let least = PermitLimitsProposed {
        max_yearly_mass_kg: None,
        ..proposed()
    };
    let least_set = PermitLimitsSet {
        max_yearly_mass_kg: None,
        ..set()
    };
    vec![
        ("PermitLimitsProposed.v1", proposed().into()),
        ("PermitLimitsProposed.v1.least", least.into()),
        ("PermitLimitsSet.v1", set().into()),
        ("PermitLimitsSet.v1.least", least_set.into()),
    ]
}

fn operation() -> Vec<(&'static str, WellEvent)> {
    let (at, by) = (parse("2026-11-20T03:12:45.120Z"), parse(ADA));
    let started = InjectionStarted { at, by };
    let stopped = InjectionStopped {
        at,
        by: started.by.clone(),
    };
    let shut_in = WellShutIn {
        at,
        reason: parse("high annulus pressure"),
        by: started.by.clone(),
    };
    let closed = ShutInClosed {
        at,
        remedy: parse("packer replaced"),
        by: started.by.clone(),
    };
    let plugged = WellPlugged {
        at,
        by: started.by.clone(),
    };
    vec![
        ("InjectionStarted.v1", started.into()),
        ("InjectionStopped.v1", stopped.into()),
        ("WellShutIn.v1", shut_in.into()),
        ("ShutInClosed.v1", closed.into()),
        ("WellPlugged.v1", plugged.into()),
    ]
}

pub(crate) fn wells() -> Vec<(&'static str, WellEvent)> {
    let registered = WellRegistered {
        org: parse("northsea"),
        site: parse("field-1"),
        slug: parse("injector-1"),
        well_kind: WellKind::Injector,
    };
    let tested = MitRecorded {
        mit_kind: MitKind::External,
        passed: true,
        tested_on: parse("2026-03-01"),
        valid_until: parse("2027-03-01"),
        certificate: parse("TL-2026-17"),
        by: parse(ADA),
    };
    let mut samples: Vec<(_, WellEvent)> = vec![
        ("WellRegistered.v1", registered.into()),
        ("MitRecorded.v1", tested.into()),
    ];
    samples.extend(limits());
    samples.extend(operation());
    samples
}

fn measured() -> Measured {
    Measured {
        sealed_hours: 24,
        mass_kg: Some(parse("479998.5")),
        max_rate_t_per_h: Some(parse("21.35")),
        max_wellhead_pressure_mpa: Some(parse("9.48")),
        min_annulus_pressure_mpa: Some(parse("10.2")),
        closest_hour: Some(ClosestHour {
            from: parse("2026-11-20T03:00:00Z"),
            min_annulus_pressure_mpa: parse("10.2"),
            max_wellhead_pressure_mpa: parse("9.48"),
        }),
        unwatched_hour: None,
    }
}

fn recorded() -> InjectionDayRecorded {
    InjectionDayRecorded {
        org: parse("northsea"),
        site: parse("field-1"),
        well: parse("injector-1"),
        day: parse("2026-11-20"),
        mass_kg: parse("480000"),
        hours: parse("23.5"),
        max_rate_t_per_h: parse("21.4"),
        max_wellhead_pressure_mpa: parse("9.5"),
        min_annulus_pressure_mpa: parse("10.1"),
        min_annulus_margin_mpa: Some(parse("0.55")),
        measured: measured(),
        real: true,
        evidence: vec![parse("sealrock.localhost/northsea#4711")],
        by: parse(ADA),
    }
}

fn corrected() -> InjectionDayCorrected {
    let recorded = recorded();
    InjectionDayCorrected {
        mass_kg: parse("470000.125"),
        hours: recorded.hours,
        max_rate_t_per_h: recorded.max_rate_t_per_h,
        max_wellhead_pressure_mpa: recorded.max_wellhead_pressure_mpa,
        min_annulus_pressure_mpa: recorded.min_annulus_pressure_mpa,
        min_annulus_margin_mpa: recorded.min_annulus_margin_mpa,
        measured: recorded.measured,
        real: recorded.real,
        evidence: recorded.evidence,
        reason: parse("the meter was read twice"),
        by: recorded.by,
    }
}

pub(crate) fn injection_days() -> Vec<(&'static str, InjectionDayEvent)> {
    let least = InjectionDayRecorded {
        min_annulus_margin_mpa: None,
        measured: Measured::default(),
        real: false,
        evidence: vec![],
        ..recorded()
    };
    let unwatched = InjectionDayRecorded {
        measured: Measured {
            min_annulus_pressure_mpa: None,
            closest_hour: None,
            unwatched_hour: Some(parse("2026-11-20T03:00:00Z")),
            ..measured()
        },
        ..recorded()
    };
    let least_corrected = InjectionDayCorrected {
        min_annulus_margin_mpa: None,
        measured: Measured::default(),
        real: false,
        evidence: vec![],
        ..corrected()
    };
    let approved = InjectionDayApproved {
        by: parse(BEN),
        creditable: true,
        why_not: None,
    };
    let not_creditable = InjectionDayApproved {
        creditable: false,
        why_not: Some("the evidence is not all from real devices".to_owned()),
        ..approved.clone()
    };
    vec![
        ("InjectionDayRecorded.v1", recorded().into()),
        ("InjectionDayRecorded.v1.least", least.into()),
        ("InjectionDayRecorded.v1.unwatched", unwatched.into()),
        ("InjectionDayCorrected.v1", corrected().into()),
        ("InjectionDayCorrected.v1.least", least_corrected.into()),
        ("InjectionDayApproved.v1", not_creditable.into()),
        ("InjectionDayApproved.v1.least", approved.into()),
    ]
}
