//! The data set, recorded: by the commands that people and devices use.

use std::sync::Arc;

use anyhow::Context as _;
use chrono::{DateTime, Days, TimeDelta, Utc};
use futures::{StreamExt as _, TryStreamExt as _};
use sealrock_access::{AccountId, Principal, Role};
use sealrock_commands::{
    Commands, Context, DeviceIdentity, Devices, InjectedDay, IntegrityTest, WellPath,
};
use sealrock_domain::asset::{AssetKind, RegisterAsset};
use sealrock_domain::device::RegisterDevice;
use sealrock_domain::injection_day::DayFigures;
use sealrock_domain::organisation::RegisterOrganisation;
use sealrock_domain::site::{EmissionTarget, RegisterSite, SiteKind};
use sealrock_domain::telemetry::Source;
use sealrock_domain::well::{MitKind, PermitLimits, RegisterWell, WellKind};
use sealrock_domain::{Attributes, CredentialId, Slug};
use uuid::Uuid;

use super::fleet::{self, Meter, ORGANISATION, WellAt, slug};
use super::history::{DAYS, History};

/// Commands or batches that wait for their receipts at the same time.
const IN_FLIGHT: usize = 1024;
const FEW: usize = 16;

/// Records the data set; what was recorded before is not recorded again.
pub struct Recorder {
    commands: Commands,
    end: DateTime<Utc>,
}

/// Devices that may send.
pub struct Senders {
    pub devices: Devices,
    pub identities: Arc<Vec<DeviceIdentity>>,
}

impl Recorder {
    pub fn new(commands: Commands, end: DateTime<Utc>) -> Self {
        Self { commands, end }
    }

    /// Organisation, sites, assets, devices, targets.
    pub async fn register(&self) -> anyhow::Result<()> {
        let organisation = RegisterOrganisation {
            slug: slug(ORGANISATION),
            display_name: "Tea board".parse()?,
            demo: false,
            registry: false,
        };
        let context = service("organisation");
        self.commands
            .register_organisation(&context, organisation)
            .await?;
        let sites = fleet::sites();
        each(&sites, |site| self.site(site)).await?;
        each(&fleet::meters(), |meter| self.device(meter)).await
    }

    async fn site(&self, site: &Slug) -> anyhow::Result<()> {
        let factory = site.as_str().starts_with("factory");
        let kind = if factory {
            SiteKind::TeaFactory
        } else {
            SiteKind::Injection
        };
        let name = site.as_str().parse()?;
        let command = RegisterSite::new(slug(ORGANISATION), site.clone(), name, kind);
        let context = service(&format!("site/{site}"));
        self.commands.register_site(&context, command).await?;
        if !factory {
            let wells = fleet::wells().into_iter().filter(|well| well.site == *site);
            for well in wells {
                self.asset(site, &well.well, AssetKind::InjectionWell)
                    .await?;
            }
            return Ok(());
        }
        self.asset(site, &slug("stack-1"), AssetKind::Stack).await?;
        self.asset(site, &slug("dryer-1"), AssetKind::Machine)
            .await?;
        let target = EmissionTarget {
            average_kg_per_h: "205".parse()?,
            from: self.first_day(),
            until: None,
        };
        let context = person(Role::HqManager, &format!("target/{site}"));
        self.commands
            .set_emission_target(&context, &slug(ORGANISATION), site, target)
            .await?;
        Ok(())
    }

    async fn asset(&self, site: &Slug, asset: &Slug, asset_kind: AssetKind) -> anyhow::Result<()> {
        let mut assumptions = Attributes::default();
        if asset_kind == AssetKind::Stack {
            assumptions = serde_json::from_str(r#"{"biogenic_fraction":"0.95"}"#)?;
        }
        let command = RegisterAsset {
            org: slug(ORGANISATION),
            site: site.clone(),
            slug: asset.clone(),
            display_name: asset.as_str().parse()?,
            asset_kind,
            assumptions,
        };
        let context = service(&format!("asset/{site}/{asset}"));
        self.commands.register_asset(&context, command).await?;
        Ok(())
    }

    async fn device(&self, meter: &Meter) -> anyhow::Result<()> {
        let command = RegisterDevice {
            org: slug(ORGANISATION),
            site: meter.site.clone(),
            name: meter.name.clone(),
            display_name: meter.name.as_str().parse()?,
            asset: Some(meter.asset.clone()),
            source: Source::Real,
            public_key: None,
            credential: CredentialId(Uuid::nil()), // replaced by the command
            metadata: Attributes::default(),
            sensors: Vec::new(),
        };
        let context = service(&format!("device/{}", meter.id()));
        self.commands.register_device(&context, command).await?;
        Ok(())
    }

    /// Wells in operation, and what they took on every day.
    pub async fn inject(&self) -> anyhow::Result<()> {
        each(&fleet::wells(), |well| self.commission(well)).await?;
        let days = (0..DAYS.unsigned_abs()).flat_map(|day| {
            let wells = fleet::wells().into_iter().enumerate();
            wells.map(move |(number, well)| (day, number, well))
        });
        let days: Vec<_> = days.collect();
        each(&days, |(day, number, well)| {
            self.day(*day, *number as u64, well)
        })
        .await
    }

    async fn commission(&self, at: &WellAt) -> anyhow::Result<()> {
        let (commands, path, first) = (&self.commands, path(at), self.first_day());
        let about = |step: &str| format!("well/{}/{}/{step}", at.site, at.well);
        let command = RegisterWell {
            org: slug(ORGANISATION),
            site: at.site.clone(),
            slug: at.well.clone(),
            well_kind: WellKind::Injector,
        };
        let manager = |step: &str| person(Role::SiteManager, &about(step));
        let operator = |step: &str| person(Role::Operator, &about(step));
        commands
            .register_well(&manager("register"), command)
            .await?;
        let limits = PermitLimits {
            permit: "UIC-VI-0001".parse()?,
            valid_from: first - Days::new(365),
            valid_until: first + Days::new(3650),
            max_daily_mass_kg: "720000".parse()?,
            max_yearly_mass_kg: Some("240000000".parse()?),
            max_rate_t_per_h: "32".parse()?,
            fracture_pressure_mpa: "27".parse()?,
        };
        commands
            .propose_permit_limits(&manager("permit"), &path, limits)
            .await?;
        let approving = person(Role::HqManager, &about("approve"));
        commands.approve_permit_limits(&approving, &path, 1).await?;
        for (tested_on, mit_kind) in [
            (first - Days::new(30), MitKind::Internal),
            (first - Days::new(30), MitKind::External),
            (first + Days::new(200), MitKind::External),
            (first + Days::new(200), MitKind::Internal),
        ] {
            let test = IntegrityTest {
                mit_kind,
                passed: true,
                tested_on,
                valid_until: tested_on + Days::new(330),
                certificate: format!("MIT-{mit_kind}-{tested_on}").parse()?,
            };
            let context = operator(&format!("mit/{mit_kind}/{tested_on}"));
            commands.record_mit(&context, &path, test).await?;
        }
        let since = self.end - TimeDelta::days(DAYS);
        commands
            .start_injection(&operator("start"), &path, Some(since))
            .await?;
        Ok(())
    }

    async fn day(&self, day: u64, number: u64, at: &WellAt) -> anyhow::Result<()> {
        let kilograms = 380_000 + (day * 37 + number * 11) % 900 * 100;
        let injected = InjectedDay {
            well: path(at),
            day: self.first_day() + Days::new(day),
            figures: DayFigures {
                mass_kg: kilograms.to_string().parse()?,
                hours: "24".parse()?,
                max_rate_t_per_h: "21".parse()?,
                max_wellhead_pressure_mpa: "9.5".parse()?,
                min_annulus_pressure_mpa: "10.1".parse()?,
                min_annulus_margin_mpa: None,
            },
            devices: Vec::new(),
        };
        let context = person(
            Role::Operator,
            &format!("day/{}/{}/{day}", at.site, at.well),
        );
        self.commands
            .record_injection_day(&context, injected)
            .await?;
        Ok(())
    }

    fn first_day(&self) -> chrono::NaiveDate {
        (self.end - TimeDelta::days(DAYS)).date_naive()
    }

    /// The devices, let in by a broker that is trusted: their secrets were shown once.
    pub async fn senders(&self) -> anyhow::Result<Senders> {
        let devices = Devices::new(self.commands.clone());
        let mut identities = Vec::new();
        for meter in fleet::meters() {
            let identity = devices
                .vouched_for(&slug(ORGANISATION), &meter.site, &meter.name)
                .await?;
            identities.push(identity);
        }
        Ok(Senders {
            devices,
            identities: Arc::new(identities),
        })
    }
}

impl Senders {
    /// Sends some rounds. `seqs` are those that the devices sent last.
    pub async fn send(
        &self,
        history: History,
        meters: &[Meter],
        rounds: std::ops::Range<u64>,
        seqs: &mut [u64],
    ) -> anyhow::Result<()> {
        let batches = rounds.flat_map(|round| {
            let senders = history.senders(meters, round);
            senders.into_iter().map(move |device| (round, device))
        });
        let mut receipts = futures::stream::iter(batches)
            .map(|(round, device)| {
                seqs[device] += 1;
                let batch = history.batch(meters, device, round, seqs[device]);
                self.devices.record_batch(
                    &self.identities[batch.device],
                    "process:bench",
                    batch.received_at,
                    batch.bytes,
                )
            })
            .buffer_unordered(IN_FLIGHT);
        while let Some(receipt) = receipts.next().await {
            receipt.context("a batch of the data set")?;
        }
        Ok(())
    }
}

async fn each<'t, T, F>(things: &'t [T], record: impl Fn(&'t T) -> F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>>,
{
    futures::stream::iter(things.iter().map(record))
        .buffer_unordered(FEW)
        .try_collect()
        .await
}

fn path(at: &WellAt) -> WellPath {
    WellPath {
        organisation: slug(ORGANISATION),
        site: at.site.clone(),
        well: at.well.clone(),
    }
}

fn service(about: &str) -> Context {
    let name = slug("bench");
    context(Principal::Service { name }, about)
}

fn person(role: Role, about: &str) -> Context {
    let name = format!("{role:?}").to_lowercase();
    let principal = Principal::signed_in(
        AccountId(Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes())),
        name.parse().expect("a role's name is a user's"),
        role,
        Some(slug(ORGANISATION)),
    );
    context(principal, about)
}

/// The same command whenever it is repeated.
fn context(principal: Principal, about: &str) -> Context {
    Context {
        principal,
        command: Uuid::new_v5(&Uuid::NAMESPACE_OID, about.as_bytes()),
        via: "process:bench".to_owned(),
        received_at: Utc::now(),
    }
}
