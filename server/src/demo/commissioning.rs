//! Plants and wells of the demonstration, brought into service by its people.

use chrono::{DateTime, Days, NaiveDate, Utc};
use sealrock_commands::{CaptureUnitPath, CommandError, Commands, Done, IntegrityTest, WellPath};
use sealrock_domain::capture_unit::{
    CaptureTechnology, CaptureUnitStatus, RegisterCaptureUnit, SetCaptureUnitStatus,
};
use sealrock_domain::site::EmissionTarget;
use sealrock_domain::well::{MitKind, PermitLimits, RegisterWell, WellKind};
use sealrock_domain::{Mass, Slug};
use sealrock_simulator::{Branch, DeviceSpec, FRACTURE_PRESSURE_MPA, Model, demo_fleet};

use super::ORGANISATION;
use super::people::People;
use super::sending::{Became, context};

/// What the tea factories shall emit at most, kg/h on average over day and night.
const TARGET_KG_PER_H: &str = "265";

/// Registers what the fleet measures, with permits and tests, and starts the injectors at `first`:
/// the beginning of the demonstration's past. What an earlier start has done is done.
///
/// # Errors
/// If the ledger is away.
pub async fn commission(
    commands: &Commands,
    people: &People,
    first: DateTime<Utc>,
) -> anyhow::Result<()> {
    let work = Commissioning {
        commands,
        people,
        first,
        day: first.date_naive(),
        organisation: ORGANISATION.parse()?,
    };
    for spec in demo_fleet() {
        match spec.model {
            Model::Capture(branch) => work.capture_unit(&spec, branch).await?,
            Model::InjectionWell(_) => work.injector(&spec).await?,
            Model::MonitoringWell(_) => work.well(&spec, WellKind::Monitor).await?,
            Model::TeaStack(_) => work.factory(&spec).await?,
            Model::Pipeline(_) | Model::Solar | Model::Bme280 => {}
        }
    }
    Ok(())
}

struct Commissioning<'a> {
    commands: &'a Commands,
    people: &'a People,
    first: DateTime<Utc>,
    day: NaiveDate,
    organisation: Slug,
}

impl Commissioning<'_> {
    async fn capture_unit(&self, spec: &DeviceSpec, branch: Branch) -> anyhow::Result<()> {
        let path = capture_unit(spec)?;
        let about = format!("capture-unit/{}", path.unit);
        let (technology, tonnes_per_day) = match branch {
            Branch::Amine => (CaptureTechnology::Amine, 900),
            Branch::Membrane => (CaptureTechnology::Membrane, 320),
        };
        let command = RegisterCaptureUnit {
            org: path.org.clone(),
            site: path.site.clone(),
            slug: path.unit.clone(),
            technology,
            capacity_kg_per_day: Mass::from_tonnes(tonnes_per_day),
        };
        let context_of =
            |step: &str| context(&self.people.site_manager, &format!("{about}/{step}"));
        settled(
            self.commands
                .register_capture_unit(&context_of("register"), command)
                .await,
        )?;
        let operating = SetCaptureUnitStatus {
            status: CaptureUnitStatus::Operating,
            reason: None,
        };
        let context = context_of("operating");
        settled(
            self.commands
                .set_capture_unit_status(&context, &path, operating)
                .await,
        )
    }

    async fn well(&self, spec: &DeviceSpec, well_kind: WellKind) -> anyhow::Result<()> {
        let path = well(spec)?;
        let command = RegisterWell {
            org: path.organisation,
            site: path.site,
            slug: path.well.clone(),
            well_kind,
        };
        let context = context(
            &self.people.site_manager,
            &format!("well/{}/register", path.well),
        );
        settled(self.commands.register_well(&context, command).await)
    }

    /// A permit that two people put into force, both tests, and the start.
    async fn injector(&self, spec: &DeviceSpec) -> anyhow::Result<()> {
        self.well(spec, WellKind::Injector).await?;
        let (commands, people, path) = (self.commands, self.people, well(spec)?);
        let about = |step: &str| format!("well/{}/{step}", path.well);
        let proposing = context(&people.site_manager, &about("permit"));
        let limits = self.limits()?;
        settled(
            commands
                .propose_permit_limits(&proposing, &path, limits)
                .await,
        )?;
        let approving = context(&people.hq_manager, &about("permit/approved"));
        settled(commands.approve_permit_limits(&approving, &path, 1).await)?;
        for mit_kind in [MitKind::Internal, MitKind::External] {
            let testing = context(&people.operator, &about(&format!("mit/{mit_kind}")));
            let test = self.integrity(&path, mit_kind)?;
            settled(commands.record_mit(&testing, &path, test).await)?;
        }
        let starting = context(&people.operator, &about("start"));
        settled(
            commands
                .start_injection(&starting, &path, Some(self.first))
                .await,
        )
    }

    /// Somewhat more than the simulated wells take.
    fn limits(&self) -> anyhow::Result<PermitLimits> {
        Ok(PermitLimits {
            permit: "DEMO-UIC-VI-0001".parse()?,
            valid_from: self.day - Days::new(365),
            valid_until: self.day + Days::new(10 * 365),
            max_daily_mass_kg: "720000".parse()?,
            max_yearly_mass_kg: Some("240000000".parse()?),
            max_rate_t_per_h: "32".parse()?,
            fracture_pressure_mpa: FRACTURE_PRESSURE_MPA.to_string().parse()?,
        })
    }

    fn integrity(&self, path: &WellPath, mit_kind: MitKind) -> anyhow::Result<IntegrityTest> {
        Ok(IntegrityTest {
            mit_kind,
            passed: true,
            tested_on: self.day - Days::new(30),
            // An external test counts for a year.
            valid_until: self.day + Days::new(335),
            certificate: format!("MIT-{}-{mit_kind}", path.well).parse()?,
        })
    }

    async fn factory(&self, spec: &DeviceSpec) -> anyhow::Result<()> {
        let site: Slug = spec.site.to_string().parse()?;
        let target = EmissionTarget {
            average_kg_per_h: TARGET_KG_PER_H.parse()?,
            from: self.day,
            until: None,
        };
        let context = context(&self.people.hq_manager, &format!("target/{site}"));
        let set = self
            .commands
            .set_emission_target(&context, &self.organisation, &site, target);
        settled(set.await)
    }
}

/// The path of the capture unit that a device measures.
///
/// # Errors
/// Never: the fleet's names are slugs.
pub fn capture_unit(spec: &DeviceSpec) -> anyhow::Result<CaptureUnitPath> {
    Ok(CaptureUnitPath {
        org: ORGANISATION.parse()?,
        site: spec.site.to_string().parse()?,
        unit: spec.asset.to_string().parse()?,
    })
}

/// The path of the well that a device measures.
///
/// # Errors
/// Never: the fleet's names are slugs.
pub fn well(spec: &DeviceSpec) -> anyhow::Result<WellPath> {
    Ok(WellPath {
        organisation: ORGANISATION.parse()?,
        site: spec.site.to_string().parse()?,
        well: spec.asset.to_string().parse()?,
    })
}

/// Whatever a visitor has made of it is left as it is.
fn settled(answer: Result<Done, CommandError>) -> anyhow::Result<()> {
    if let Became::Refused(reason) = Became::of(answer.map(|done| ((), done.duplicate)))? {
        tracing::info!(%reason, "the demonstration leaves something as it is");
    }
    Ok(())
}
