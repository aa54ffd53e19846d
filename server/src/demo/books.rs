//! The people's daily work: what was captured and injected is recorded, approved by a second person,
//! and credits are requested and issued for it.
//!
//! A day's turn comes when all of its hours are sealed. Command ids follow from what a command is
//! about, so a demonstration that was killed goes on where it was and records nothing twice.
//! Yesterday is left to who looks at it (docs/tour.md): it has its turn tomorrow.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use anyhow::Context as _;
use chrono::{Days, NaiveDate, TimeDelta, Utc};
use sealrock_commands::{Commands, Done, InjectedDay};
use sealrock_domain::capture_day::CapturePeriod;
use sealrock_domain::{DeviceId, Mass, Slug};
use sealrock_eventstore::{EventStore, LedgerId};
use sealrock_projections::ReadModels;
use sealrock_simulator::{DeviceSpec, Model, demo_fleet};

use super::ORGANISATION;
use super::commissioning::{capture_unit, well};
use super::credits::{self, Requested};
use super::measured::{Meter, midnight};
use super::people::People;
use super::sending::{Became, context};

/// How often the people look what is sealed.
const EVERY: Duration = Duration::from_secs(1);
/// The newest days that are not theirs: today, and yesterday for who wants to do it.
const LEFT: Days = Days::new(2);

/// The books of the demonstration.
pub struct Books {
    ledger: LedgerId,
    read: ReadModels,
    commands: Commands,
    people: People,
    /// The first day whose turn has not come.
    next: NaiveDate,
    /// Days before it that wait still.
    open: BTreeSet<NaiveDate>,
    /// Credits that wait for the registry.
    requested: Vec<Requested>,
}

/// What was done about a day.
#[derive(Debug, Default)]
struct Page {
    captured: Mass,
    injected: Mass,
    /// Credits that were requested.
    requested: u64,
    /// What was not done, and why.
    left: Vec<String>,
    /// Whether anything of it is new.
    new: bool,
}

impl Books {
    /// Books that begin with the day `first`.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn open(
        store: &EventStore,
        commands: Commands,
        people: People,
        first: NaiveDate,
    ) -> anyhow::Result<Self> {
        let ledger = store.ledger(&ORGANISATION.parse()?).await?;
        Ok(Self {
            ledger: ledger.context("it was registered")?.id,
            read: ReadModels::new(store.clone()),
            commands,
            people,
            next: first,
            open: BTreeSet::new(),
            requested: Vec::new(),
        })
    }

    /// Keeps them, until dropped.
    pub async fn keep(mut self) {
        let mut looks = tokio::time::interval(EVERY);
        loop {
            looks.tick().await;
            if let Err(error) = self.look().await {
                tracing::info!(%error, "the books are kept later");
            }
        }
    }

    /// Each day whose hours are sealed has its turn, and then the registry.
    async fn look(&mut self) -> anyhow::Result<()> {
        let newest = Utc::now().date_naive() - LEFT;
        while self.next <= newest {
            self.open.insert(self.next);
            self.next = self.next + Days::new(1);
        }
        for day in self.open.clone() {
            if let Some(page) = self.day(day).await? {
                self.open.remove(&day);
                if page.new {
                    println!("{day}: {page}");
                }
            }
        }
        self.approve_credits().await
    }

    async fn approve_credits(&mut self) -> anyhow::Result<()> {
        let mut waiting = Vec::new();
        for requested in &self.requested {
            let (day, tonnes) = (requested.day, requested.tonnes);
            match credits::approve(&self.commands, &self.people, requested).await? {
                Some(Became::Recorded(serials, false)) => {
                    println!("{day}: {tonnes} credits issued, {serials}");
                }
                Some(Became::Recorded(_, true)) => {}
                Some(Became::Refused(reason)) => {
                    println!("{day}: {tonnes} credits left as they are: {reason}");
                }
                None => waiting.push(requested.clone()),
            }
        }
        self.requested = waiting;
        Ok(())
    }

    /// What was done about the day; `None` while its turn has not come.
    async fn day(&mut self, day: NaiveDate) -> anyhow::Result<Option<Page>> {
        let fleet: Vec<_> = demo_fleet().into_iter().filter(is_accounted).collect();
        for spec in &fleet {
            if !self.meter(spec, day)?.is_sealed().await? {
                return Ok(None);
            }
        }
        let mut page = Page::default();
        for spec in &fleet {
            let recorded = match spec.model {
                Model::Capture(_) => self.capture(spec, day, &mut page).await?,
                _ => self.injection(spec, day, &mut page).await?,
            };
            page.note(&spec.asset, &recorded);
        }
        self.request_credits(&fleet, day, &mut page).await?;
        Ok(Some(page))
    }

    /// For what the injectors took, which all stand at one site.
    async fn request_credits(
        &mut self,
        fleet: &[DeviceSpec],
        day: NaiveDate,
        page: &mut Page,
    ) -> anyhow::Result<()> {
        let injector = fleet.iter().find(|spec| is_injector(spec));
        let site = injector
            .context("the chain ends in wells")?
            .site
            .to_string();
        let about = (&site.parse()?, day);
        let requested = credits::request(&self.commands, &self.people, about, page.injected);
        let Some(became) = requested.await? else {
            return Ok(());
        };
        page.note(&site, &became);
        if let Became::Recorded(requested, _) = became {
            page.requested = requested.tonnes;
            self.requested.push(requested);
        }
        Ok(())
    }

    async fn capture(
        &self,
        spec: &DeviceSpec,
        day: NaiveDate,
        page: &mut Page,
    ) -> anyhow::Result<Became<()>> {
        let path = capture_unit(spec)?;
        let about = format!("capture/{}/{day}", path.unit);
        let statement = self.meter(spec, day)?.capture().await?;
        let from = midnight(day);
        let to = from + TimeDelta::days(1);
        let recording = context(&self.people.operator, &about);
        let recorded = self
            .commands
            .record_capture(&recording, &path, CapturePeriod { from, to }, &statement)
            .await;
        let approving = context(&self.people.site_manager, &format!("{about}/approved"));
        page.note(&spec.asset, &became(recorded)?);
        let approved = self
            .commands
            .approve_capture_day(&approving, &path, day)
            .await;
        let approved = became(approved)?;
        if let Became::Recorded(..) = approved {
            page.captured = sum(page.captured, statement.captured)?;
        }
        Ok(approved)
    }

    async fn injection(
        &self,
        spec: &DeviceSpec,
        day: NaiveDate,
        page: &mut Page,
    ) -> anyhow::Result<Became<()>> {
        let (path, meter) = (well(spec)?, self.meter(spec, day)?);
        let about = format!("injection/{}/{day}", path.well);
        let injected = InjectedDay {
            well: path.clone(),
            day,
            figures: meter.injection().await?,
            devices: vec![meter.name],
        };
        let mass = injected.figures.mass_kg;
        let recording = context(&self.people.operator, &about);
        let recorded = self
            .commands
            .record_injection_day(&recording, injected)
            .await;
        page.note(&spec.asset, &became(recorded)?);
        let approving = context(&self.people.site_manager, &format!("{about}/approved"));
        let approved = self
            .commands
            .approve_injection_day(&approving, &path, day)
            .await;
        let approved = became(approved)?;
        if let Became::Recorded(..) = approved {
            page.injected = sum(page.injected, mass)?;
        }
        Ok(approved)
    }

    fn meter(&self, spec: &DeviceSpec, day: NaiveDate) -> anyhow::Result<Meter<'_>> {
        let (site, name): (Slug, Slug) = (
            spec.site.to_string().parse()?,
            spec.name.to_string().parse()?,
        );
        Ok(Meter {
            read: &self.read,
            ledger: self.ledger,
            device: DeviceId::of(&ORGANISATION.parse()?, &site, &name),
            name,
            day,
        })
    }
}

/// Whether the day's books rest on this device.
fn is_accounted(spec: &DeviceSpec) -> bool {
    matches!(spec.model, Model::Capture(_)) || is_injector(spec)
}

fn is_injector(spec: &DeviceSpec) -> bool {
    matches!(spec.model, Model::InjectionWell(_))
}

fn became(answer: Result<Done, sealrock_commands::CommandError>) -> anyhow::Result<Became<()>> {
    Ok(Became::of(answer.map(|done| ((), done.duplicate)))?)
}

fn sum(a: Mass, b: Mass) -> anyhow::Result<Mass> {
    a.checked_add(b).context("more than there is")
}

impl Page {
    fn note<T>(&mut self, what: &impl fmt::Display, became: &Became<T>) {
        match became {
            Became::Recorded(_, duplicate) => self.new |= !duplicate,
            Became::Refused(reason) => self.left.push(format!("{what}: {reason}")),
        }
    }
}

/// "captured 998.2 t, injected 997.6 t, approved, 990 credits requested".
impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (captured, injected) = (self.captured.tonnes(), self.injected.tonnes());
        write!(f, "captured {captured} t, injected {injected} t, approved")?;
        if self.requested > 0 {
            write!(f, ", {} credits requested", self.requested)?;
        }
        for left in &self.left {
            write!(f, "\n  left as it is: {left}")?;
        }
        Ok(())
    }
}
