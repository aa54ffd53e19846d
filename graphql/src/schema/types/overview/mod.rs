//! The figures of a front page.

mod accounted;

use async_graphql::{Context, Object, SimpleObject};
use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta, Utc};
use sealrock_access::Permission::{ReadDeadLetters, ReadLedger};
use sealrock_ledger::Index;
use sealrock_projections::ledger::LedgerEntry as Stored;
use sealrock_projections::registry::Organisation as StoredOrganisation;
use sealrock_projections::{LedgerInfo, ReadModels, Runner};

use self::accounted::{AccountedMass, CapturedFigures, InjectedFigures};
use super::{LedgerEntry, Organisation};
use crate::allowance::Allowance;
use crate::schema::guard::may;
use crate::schema::problem::Problem;
use crate::schema::provenance::Provenance;
use crate::schema::scalars::{Count, Time};

/// A device of which nothing came for longer is not reporting.
const REPORTING: TimeDelta = TimeDelta::minutes(15);
/// A monitoring well of which nothing was measured for longer is not active.
const MONITORING: TimeDelta = TimeDelta::days(1);

/// The figures of an organisation's front page, each as it is when asked for.
pub(crate) struct SystemOverview {
    pub(crate) organisation: StoredOrganisation,
    pub(crate) ledger: LedgerInfo,
    pub(crate) now: DateTime<Utc>,
}

/// The figures of an organisation's front page, each as it is when asked for. Days, months and years
/// are UTC's.
#[Object]
impl SystemOverview {
    /// Whose figures these are.
    async fn organisation(&self) -> Organisation {
        Organisation(self.organisation.clone())
    }

    /// When they were asked for.
    async fn at(&self) -> Time {
        self.now.into()
    }

    /// What is in use: `organisation { sites devices }` has them one by one.
    async fn registered(&self, context: &Context<'_>) -> Result<RegisteredFigures, Problem> {
        let read = context.data_unchecked::<ReadModels>();
        let since = self.now - REPORTING;
        let found = read.registered(&self.organisation.slug, since).await?;
        Ok(RegisteredFigures {
            sites: Count(found.sites),
            devices: Count(found.devices),
            devices_online: Count(found.online),
            devices_reporting: Count(found.reporting),
        })
    }

    /// Its wells: `activeInjectors` and `activeMonitors` have them one by one.
    async fn wells(&self, context: &Context<'_>) -> Result<WellFigures, Problem> {
        let read = context.data_unchecked::<ReadModels>();
        let (slug, since) = (&self.organisation.slug, self.now - MONITORING);
        let found = read.well_counts(slug, self.ledger.id, since).await?;
        Ok(WellFigures {
            injectors: Count(found.injectors),
            active_injectors: Count(found.injecting),
            monitors: Count(found.monitors),
            active_monitors: Count(found.monitoring),
            provenance: Provenance::of(&self.ledger.name, found.indexes),
        })
    }

    /// What was captured: `captureTotals` has it by unit, site and time.
    async fn captured(&self) -> CapturedFigures<'_> {
        CapturedFigures(self)
    }

    /// What was injected: `injectionTotals` has it by well, site and time.
    async fn injected(&self) -> InjectedFigures<'_> {
        InjectedFigures(self)
    }

    /// What is stored of approved injection days, less what was lost, in all years: `massAccounts` has
    /// it by site and year.
    async fn stored_net(&self, context: &Context<'_>) -> Result<AccountedMass, Problem> {
        let read = context.data_unchecked::<ReadModels>();
        let accounts = read.mass_accounts(self.ledger.id, None, None).await?;
        AccountedMass::stored(&self.ledger.name, &accounts)
    }

    /// Its credits: `issuances` and `holdings` have them one by one.
    async fn credits(&self, context: &Context<'_>) -> Result<CreditFigures, Problem> {
        let read = context.data_unchecked::<ReadModels>();
        let slug = &self.organisation.slug;
        let found = read.credit_counts(slug, self.ledger.id).await?;
        Ok(CreditFigures {
            requested: Count(found.requested),
            issued: Count(found.issued),
            held: Count(found.held),
        })
    }

    /// How far today's hours are sealed: `device { windows gaps }` has them one by one.
    async fn sealing(&self, context: &Context<'_>) -> Result<SealingFigures, Problem> {
        let read = context.data_unchecked::<ReadModels>();
        let slug = &self.organisation.slug;
        let found = read.sealing(slug, self.ledger.id, self.midnight()).await?;
        Ok(SealingFigures {
            hours_sealed_today: Count(found.sealed),
            hours_waiting_today: Count(found.waiting),
            open_gaps: Count(found.open_gaps),
            missing_batches: Count(found.missing),
            newest_seal: found
                .newest_seal
                .map(|index| Provenance::of(&self.ledger.name, [index])),
        })
    }

    /// Messages of its devices that could not be taken and are kept; null for who may not see them.
    async fn dead_letters(&self, context: &Context<'_>) -> Result<Option<Count>, Problem> {
        let slug = &self.organisation.slug;
        if !may(context, ReadDeadLetters, slug) {
            return Ok(None);
        }
        let read = context.data_unchecked::<ReadModels>();
        Ok(Some(Count(read.dead_letters(slug).await?)))
    }

    /// Number of entries in its ledger.
    async fn entries(&self, context: &Context<'_>) -> Result<Count, Problem> {
        let read = context.data_unchecked::<ReadModels>();
        Ok(Count(read.ledger_size(&self.ledger).await?))
    }

    /// The newest entry of its ledger, with the checkpoint that covers it and when it was recorded;
    /// null for who may not read the ledger.
    async fn newest_entry(&self, context: &Context<'_>) -> Result<Option<LedgerEntry>, Problem> {
        if !may(context, ReadLedger, &self.organisation.slug) {
            return Ok(None);
        }
        let read = context.data_unchecked::<ReadModels>();
        let size = read.ledger_size(&self.ledger).await?;
        let Some(last) = size.checked_sub(1) else {
            return Ok(None);
        };
        let turn = context.data_unchecked::<Allowance>().turn().await?;
        let entry = read.entry(&self.ledger, Index(last)).await?;
        turn.took(entry.as_ref().map_or(0, Stored::bytes));
        Ok(entry.map(|entry| LedgerEntry::new(self.ledger.name.clone(), entry)))
    }

    /// How far the read models are behind its ledger: `projections` has more.
    async fn lag(&self, context: &Context<'_>) -> Result<Lag, Problem> {
        let read = context.data_unchecked::<ReadModels>();
        let runner = context.data_unchecked::<Runner>();
        let mut slowest: Option<(&str, u64)> = None;
        for name in runner.names() {
            let next = read.next_index(name, self.ledger.id).await?;
            if slowest.is_none_or(|(_, least)| next < least) {
                slowest = Some((name, next));
            }
        }
        let size = read.ledger_size(&self.ledger).await?;
        let (name, next) = slowest.unwrap_or(("", size));
        Ok(Lag {
            entries: Count(size.saturating_sub(next)),
            slowest: name.to_owned(),
        })
    }
}

impl SystemOverview {
    fn today(&self) -> NaiveDate {
        self.now.date_naive()
    }

    fn midnight(&self) -> DateTime<Utc> {
        self.today().and_time(NaiveTime::MIN).and_utc()
    }

    /// The first day of this month.
    fn month(&self) -> NaiveDate {
        self.today().with_day(1).unwrap_or(self.today())
    }

    /// The first day of this year.
    fn year(&self) -> NaiveDate {
        self.month().with_month(1).unwrap_or(self.month())
    }
}

/// What an organisation has in use.
#[derive(SimpleObject)]
struct RegisteredFigures {
    /// Sites.
    sites: Count,
    /// Devices.
    devices: Count,
    /// Devices that a broker says are connected. Those that send by HTTP or through a broker of
    /// others are never online; see `devicesReporting`.
    devices_online: Count,
    /// Devices of which a batch came in the last quarter of an hour.
    devices_reporting: Count,
}

/// Wells that are not plugged.
#[derive(SimpleObject)]
struct WellFigures {
    /// Injectors.
    injectors: Count,
    /// Injectors that inject now.
    active_injectors: Count,
    /// Monitoring wells.
    monitors: Count,
    /// Monitoring wells whose devices measured something in the last day.
    active_monitors: Count,
    /// The entries that changed each of these wells last.
    provenance: Provenance,
}

/// Credits, one a tonne.
#[derive(SimpleObject)]
struct CreditFigures {
    /// Asked for and not decided yet.
    requested: Count,
    /// Issued for what the organisation stored; or by it, if it is a registry.
    issued: Count,
    /// What it holds.
    held: Count,
}

/// How far hours are sealed.
#[derive(SimpleObject)]
struct SealingFigures {
    /// Hours of today and of a device that have a seal.
    hours_sealed_today: Count,
    /// Hours of today and of a device with batches that no seal holds yet. The present hour is one.
    hours_waiting_today: Count,
    /// Runs of batches that did not come and are missed still, of all time.
    open_gaps: Count,
    /// Batches in them.
    missing_batches: Count,
    /// The newest seal of today.
    newest_seal: Option<Provenance>,
}

/// How far the slowest read model is behind.
#[derive(SimpleObject)]
struct Lag {
    /// Entries that it has not folded.
    entries: Count,
    /// Its name.
    slowest: String,
}
