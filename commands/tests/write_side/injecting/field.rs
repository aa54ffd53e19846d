//! A well with a gauge, and the people of an injection field.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use sealrock_access::{AccountId, Principal, Role};
use sealrock_commands::{
    CommandError, Commands, Context, Done, GapsToSeal, InjectedDay, IntegrityTest,
    RegisteredDevice, Sealing, WellPath, WindowToSeal,
};
use sealrock_domain::EventType;
use sealrock_domain::asset::{AssetKind, RegisterAsset};
use sealrock_domain::injection_day::DayFigures;
use sealrock_domain::telemetry::Source;
use sealrock_domain::telemetry::window::Hour;
use sealrock_domain::well::{MitKind, PermitLimits, RegisterWell, WellKind};
use sealrock_eventstore::Recorded;
use sealrock_ledger::Index;
use uuid::Uuid;

use crate::fixture::{self, Fixture, admin, slug};

/// A person of northsea, by a number and a role.
pub fn person(number: u128, role: Role) -> Context {
    fixture::context(Principal::signed_in(
        AccountId(Uuid::from_u128(number)),
        "ada".parse().unwrap(),
        role,
        Some(slug("northsea")),
    ))
}

pub fn operator() -> Context {
    person(1, Role::Operator)
}

pub fn site_manager() -> Context {
    person(2, Role::SiteManager)
}

pub fn hq_manager() -> Context {
    person(3, Role::HqManager)
}

pub fn injector() -> WellPath {
    WellPath {
        organisation: slug("northsea"),
        site: slug("plant-1"),
        well: slug("injector-1"),
    }
}

/// So many days ago.
pub fn day(ago: u64) -> NaiveDate {
    Utc::now().date_naive() - Days::new(ago)
}

pub fn time(day: NaiveDate, hour: i64) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc() + TimeDelta::hours(hour)
}

pub fn limits() -> PermitLimits {
    PermitLimits {
        permit: "IL-115-6A-0001".parse().unwrap(),
        valid_from: day(100),
        valid_until: day(0) + Days::new(100),
        max_daily_mass_kg: "500000".parse().unwrap(),
        max_yearly_mass_kg: None,
        max_rate_t_per_h: "25".parse().unwrap(),
        fracture_pressure_mpa: "27".parse().unwrap(),
    }
}

pub fn test(mit_kind: MitKind, passed: bool, ago: u64) -> IntegrityTest {
    IntegrityTest {
        mit_kind,
        passed,
        tested_on: day(ago),
        valid_until: day(ago) + Days::new(300),
        certificate: "TL-17".parse().unwrap(),
    }
}

/// `injector-1` with a gauge of this source, registered as a well and nothing more.
pub async fn with_a_well(source: Source) -> (Fixture, RegisteredDevice) {
    let f = fixture::with_a_site().await;
    let asset = RegisterAsset {
        asset_kind: AssetKind::InjectionWell,
        ..fixture::asset("injector-1")
    };
    f.commands.register_asset(&admin(), asset).await.unwrap();
    let gauge = sealrock_domain::device::RegisterDevice {
        asset: Some(slug("injector-1")),
        source,
        ..fixture::device("gauge-1")
    };
    let gauge = f.commands.register_device(&admin(), gauge).await.unwrap();
    let well = register(WellKind::Injector, "injector-1");
    f.commands.register_well(&admin(), well).await.unwrap();
    (f, gauge)
}

pub fn register(well_kind: WellKind, name: &str) -> RegisterWell {
    RegisterWell {
        org: slug("northsea"),
        site: slug("plant-1"),
        slug: slug(name),
        well_kind,
    }
}

/// Proposes and approves limits.
pub async fn permit(f: &Fixture, proposal: u64, limits: PermitLimits) {
    let (commands, well) = (&f.commands, injector());
    commands
        .propose_permit_limits(&site_manager(), &well, limits)
        .await
        .unwrap();
    commands
        .approve_permit_limits(&hq_manager(), &well, proposal)
        .await
        .unwrap();
}

pub async fn record_test(f: &Fixture, test: IntegrityTest) -> Done {
    let recorded = f.commands.record_mit(&operator(), &injector(), test).await;
    recorded.unwrap()
}

/// As [`with_a_well`], and it has injected for twenty days.
pub async fn injecting(source: Source) -> (Fixture, RegisteredDevice) {
    let (f, gauge) = with_a_well(source).await;
    permit(&f, 1, limits()).await;
    record_test(&f, test(MitKind::Internal, true, 60)).await;
    record_test(&f, test(MitKind::External, true, 60)).await;
    f.commands
        .start_injection(&operator(), &injector(), Some(time(day(20), 0)))
        .await
        .unwrap();
    (f, gauge)
}

/// What a gauge measures in an hour: rate in t/h, wellhead and annulus in `MPa`.
pub type Hourly = (f64, f64, f64);

/// Records and seals an hour of the gauge: two batches.
pub async fn seal(
    f: &Fixture,
    gauge: &RegisteredDevice,
    from: DateTime<Utc>,
    figures: Hourly,
) -> Index {
    let (rate, wellhead, annulus) = figures;
    let measured = [
        ("injection_rate", rate),
        ("wellhead_pressure", wellhead),
        ("annulus_pressure", annulus),
    ];
    seal_of(f, gauge, from, &measured).await
}

/// As [`seal`], of these metrics.
pub async fn seal_of(
    f: &Fixture,
    gauge: &RegisteredDevice,
    from: DateTime<Utc>,
    measured: &[(&str, f64)],
) -> Index {
    let identity = f.sign_in(gauge).await;
    let mut entries = Vec::new();
    for minute in [0, 30] {
        let at = (from + TimeDelta::minutes(minute)).to_rfc3339();
        let reading = |(metric, value): &(&str, f64)| {
            format!(r#"{{"metric":"{metric}","at":"{at}","value":{value}}}"#)
        };
        let readings: Vec<String> = measured.iter().map(reading).collect();
        let batch = format!(r#"{{"readings":[{}]}}"#, readings.join(","));
        let sent = f
            .devices
            .record_batch(&identity, "http:/ingest", Utc::now(), batch.into_bytes())
            .await;
        entries.push(Index(sent.unwrap().index));
    }
    let window = WindowToSeal {
        device: gauge.device,
        hour: Hour::of(from),
        entries,
        supersedes: None,
    };
    let sealer = fixture::context(Principal::Service {
        name: "sealer".parse().unwrap(),
    });
    let northsea = slug("northsea");
    let draft = f.commands.draft_seal(&sealer, &northsea, window).await;
    let appended = f
        .commands
        .seal_window(&sealer, draft.unwrap().unwrap(), GapsToSeal::default())
        .await;
    match appended.unwrap() {
        Sealing::Sealed(done) => done.receipt.last,
        named @ Sealing::Named(_) => panic!("{named:?}"),
    }
}

/// A day of two hours at 20 t/h.
pub fn injected(day: NaiveDate) -> InjectedDay {
    InjectedDay {
        well: injector(),
        day,
        figures: DayFigures {
            mass_kg: "40000".parse().unwrap(),
            hours: "2".parse().unwrap(),
            max_rate_t_per_h: "20.5".parse().unwrap(),
            max_wellhead_pressure_mpa: "9.5".parse().unwrap(),
            min_annulus_pressure_mpa: "10.1".parse().unwrap(),
            min_annulus_margin_mpa: None,
        },
        devices: vec![slug("gauge-1")],
    }
}

/// Seals the two hours of [`injected`].
pub async fn seal_day(f: &Fixture, gauge: &RegisteredDevice, day: NaiveDate) -> [Index; 2] {
    let figures = (20.0, 9.4, 10.2);
    [
        seal(f, gauge, time(day, 3), figures).await,
        seal(f, gauge, time(day, 4), figures).await,
    ]
}

/// The code and the text of a refusal.
pub fn refusal(answer: Result<Done, CommandError>) -> (&'static str, String) {
    match answer {
        Err(CommandError::Refused { code, message }) => (code, message),
        Err(CommandError::Rejected(message)) => ("REJECTED", message),
        Err(CommandError::NotFound(message)) => ("NOT_FOUND", message),
        Err(CommandError::Denied(denied)) => ("FORBIDDEN", denied.to_string()),
        other => panic!("{other:?}"),
    }
}

/// The events of one enum among these entries, with their indexes.
pub fn events<E: EventType>(entries: &[Recorded]) -> Vec<(u64, E)> {
    let decoded = |recorded: &Recorded| {
        let (entry, payload) = (&recorded.entry, recorded.payload.as_ref()?);
        let event = E::decode(&entry.kind, entry.schema, &payload.bytes).ok()?;
        Some((entry.index.0, event))
    };
    entries.iter().filter_map(decoded).collect()
}

/// An operator records a day.
pub async fn record(commands: &Commands, day: InjectedDay) -> Result<Done, CommandError> {
    commands.record_injection_day(&operator(), day).await
}

/// An operator corrects a day.
pub async fn correct(commands: &Commands, day: InjectedDay) -> Result<Done, CommandError> {
    let reason = "read again".parse().unwrap();
    commands
        .correct_injection_day(&operator(), day, reason)
        .await
}

/// Somebody approves a day of `injector-1`.
pub async fn approve(
    commands: &Commands,
    who: Context,
    day: NaiveDate,
) -> Result<Done, CommandError> {
    commands.approve_injection_day(&who, &injector(), day).await
}
