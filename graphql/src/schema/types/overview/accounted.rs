//! Masses that records sum up to.

use async_graphql::{Context, Object, SimpleObject};
use chrono::NaiveDate;
use sealrock_domain::Mass;
use sealrock_ledger::{Index, LedgerName};
use sealrock_projections::captures::{self, CaptureFilter, CaptureTotal};
use sealrock_projections::credits::MassAccount;
use sealrock_projections::wells::{self, By, DayFilter, InjectionTotal};
use sealrock_projections::{QueryError, ReadModels};

use super::SystemOverview;
use crate::schema::problem::Problem;
use crate::schema::provenance::Provenance;
use crate::schema::scalars::Count;

/// A mass of CO2 and what it rests on.
#[derive(SimpleObject)]
pub(super) struct AccountedMass {
    /// In kilograms, a decimal.
    mass_kg: String,
    /// In tonnes, a decimal.
    mass_tonnes: String,
    /// How many records, days or accounts it sums up.
    records: Count,
    /// Their entries.
    provenance: Provenance,
}

/// A sum and the entries of what it sums up.
#[derive(Default)]
struct Sum {
    mass: Mass,
    records: u64,
    indexes: Vec<Index>,
    truncated: bool,
}

impl AccountedMass {
    /// What is in these accounts.
    ///
    /// # Errors
    /// If they add up to more than nine billion tonnes, which nobody stored.
    pub(super) fn stored(ledger: &LedgerName, accounts: &[MassAccount]) -> Result<Self, Problem> {
        let mut masses = accounts.iter().map(MassAccount::net);
        let mass = masses.try_fold(Mass::ZERO, Mass::checked_add);
        let too_much = || QueryError::Stored("a sum of mass accounts".to_owned());
        let sum = Sum {
            mass: mass.ok_or_else(too_much)?,
            records: accounts.len() as u64,
            indexes: accounts
                .iter()
                .map(|account| account.span.from_index)
                .collect(),
            truncated: true, // each account rests on more entries than its newest
        };
        Ok(Self::new(ledger, sum))
    }

    fn new(ledger: &LedgerName, sum: Sum) -> Self {
        Self {
            mass_kg: sum.mass.kilograms(),
            mass_tonnes: sum.mass.tonnes(),
            records: Count(sum.records),
            provenance: Provenance::of(ledger, sum.indexes).cut_short(sum.truncated),
        }
    }
}

impl From<CaptureTotal> for Sum {
    fn from(total: CaptureTotal) -> Self {
        Self {
            mass: total.captured,
            records: total.records,
            truncated: total.records > total.indexes.len() as u64,
            indexes: total.indexes,
        }
    }
}

impl From<InjectionTotal> for Sum {
    fn from(total: InjectionTotal) -> Self {
        Self {
            mass: total.injected,
            records: total.days,
            truncated: total.truncated,
            indexes: total.indexes,
        }
    }
}

/// What an organisation captured.
pub(super) struct CapturedFigures<'o>(pub(super) &'o SystemOverview);

/// What an organisation captured, by the records of its capture units as corrected.
#[Object]
impl CapturedFigures<'_> {
    /// Today.
    async fn today(&self, context: &Context<'_>) -> Result<AccountedMass, Problem> {
        self.since(context, self.0.today()).await
    }

    /// Since the first of this month.
    async fn this_month(&self, context: &Context<'_>) -> Result<AccountedMass, Problem> {
        self.since(context, self.0.month()).await
    }

    /// Since the first of January.
    async fn this_year(&self, context: &Context<'_>) -> Result<AccountedMass, Problem> {
        self.since(context, self.0.year()).await
    }
}

impl CapturedFigures<'_> {
    async fn since(&self, context: &Context<'_>, day: NaiveDate) -> Result<AccountedMass, Problem> {
        let ledger = &self.0.ledger;
        let filter = CaptureFilter {
            first_day: Some(day),
            ..CaptureFilter::default()
        };
        let read = context.data_unchecked::<ReadModels>();
        let mut totals = read
            .capture_totals(ledger.id, &filter, None, captures::Per::All)
            .await?;
        let sum = totals.pop().map(Sum::from).unwrap_or_default();
        Ok(AccountedMass::new(&ledger.name, sum))
    }
}

/// What an organisation injected.
pub(super) struct InjectedFigures<'o>(pub(super) &'o SystemOverview);

/// What an organisation injected, by the days of its wells as corrected, approved or not.
#[Object]
impl InjectedFigures<'_> {
    /// Today.
    async fn today(&self, context: &Context<'_>) -> Result<AccountedMass, Problem> {
        self.since(context, self.0.today()).await
    }

    /// Since the first of this month.
    async fn this_month(&self, context: &Context<'_>) -> Result<AccountedMass, Problem> {
        self.since(context, self.0.month()).await
    }

    /// Since the first of January.
    async fn this_year(&self, context: &Context<'_>) -> Result<AccountedMass, Problem> {
        self.since(context, self.0.year()).await
    }
}

impl InjectedFigures<'_> {
    async fn since(&self, context: &Context<'_>, day: NaiveDate) -> Result<AccountedMass, Problem> {
        let ledger = &self.0.ledger;
        let filter = DayFilter {
            first_day: Some(day),
            ..DayFilter::default()
        };
        let read = context.data_unchecked::<ReadModels>();
        let mut totals = read
            .injection_totals(
                ledger.id,
                &filter,
                None,
                (wells::Per::All, By::Organisation),
            )
            .await?;
        let sum = totals.pop().map(Sum::from).unwrap_or_default();
        Ok(AccountedMass::new(&ledger.name, sum))
    }
}
