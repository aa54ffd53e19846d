//! Samples of capture units and capture days.

use sealrock_domain::Actor;
use sealrock_domain::capture_day::{
    CaptureCorrected, CaptureDayApproved, CaptureDayEvent, CaptureMeasured, CaptureRecorded,
};
use sealrock_domain::capture_unit::{
    CaptureTechnology, CaptureUnitEvent, CaptureUnitRegistered, CaptureUnitStatus,
    CaptureUnitStatusChanged,
};

use super::parse;

pub fn units() -> Vec<(&'static str, CaptureUnitEvent)> {
    let least = CaptureUnitRegistered {
        org: parse("northsea"),
        site: parse("plant-1"),
        slug: parse("amine-1"),
        technology: CaptureTechnology::SolidSorbent,
        capacity_kg_per_day: None,
    };
    let registered = CaptureUnitRegistered {
        technology: CaptureTechnology::Amine,
        capacity_kg_per_day: Some(parse("600000")),
        ..least.clone()
    };
    let changed = |status, reason| CaptureUnitStatusChanged { status, reason };
    let maintenance = changed(
        CaptureUnitStatus::Maintenance,
        Some(parse("The fan is loud")),
    );
    let operating = changed(CaptureUnitStatus::Operating, None);
    vec![
        ("CaptureUnitRegistered.v1", registered.into()),
        ("CaptureUnitRegistered.v1.least", least.into()),
        ("CaptureUnitStatusChanged.v1", maintenance.into()),
        ("CaptureUnitStatusChanged.v1.least", operating.into()),
    ]
}

pub fn days() -> Vec<(&'static str, CaptureDayEvent)> {
    let by: Actor = parse("user/0192a1b2-c3d4-7e5f-8a9b-000000000001");
    let measured = Some(CaptureMeasured {
        captured_kg: Some(parse("89750.125")),
        hours: 6,
        real: true,
        vented_kg: Some(parse("10000")),
    });
    let least = CaptureRecorded {
        org: parse("northsea"),
        site: parse("plant-1"),
        unit: parse("amine-1"),
        from: parse("2026-11-20T00:00:00Z"),
        to: parse("2026-11-20T06:00:00Z"),
        captured_kg: parse("90000"),
        vented_kg: parse("0"),
        electricity_kwh: None,
        heat_mj: None,
        measured: None,
        evidence: Vec::new(),
        by: by.clone(),
    };
    let recorded = CaptureRecorded {
        vented_kg: parse("10000.5"),
        electricity_kwh: Some(parse("12000.50")),
        heat_mj: Some(parse("310000")),
        measured: measured.clone(),
        evidence: vec![
            parse("sealrock.localhost/northsea#4711"),
            parse("sealrock.localhost/northsea#4720"),
        ],
        ..least.clone()
    };
    let corrected = CaptureCorrected {
        from: least.from,
        captured_kg: parse("89000"),
        vented_kg: recorded.vented_kg,
        electricity_kwh: recorded.electricity_kwh.clone(),
        heat_mj: recorded.heat_mj.clone(),
        measured,
        evidence: recorded.evidence.clone(),
        reason: parse("The meter was read wrongly"),
        by: by.clone(),
    };
    let least_corrected = CaptureCorrected {
        electricity_kwh: None,
        heat_mj: None,
        measured: Some(CaptureMeasured {
            captured_kg: None,
            hours: 1,
            real: false,
            vented_kg: None,
        }),
        evidence: Vec::new(),
        ..corrected.clone()
    };
    vec![
        ("CaptureRecorded.v1", recorded.into()),
        ("CaptureRecorded.v1.least", least.into()),
        ("CaptureCorrected.v1", corrected.into()),
        ("CaptureCorrected.v1.least", least_corrected.into()),
        ("CaptureDayApproved.v1", CaptureDayApproved { by }.into()),
    ]
}
