//! Storage (Annex IV section 23): what a storage site emits, and how a leakage is quantified.
//!
//! ```text
//! E = fugitive + vented + leakage
//! leakage event: CO2 = Σ from T_start to T_end of L_CO2,  L_CO2 = mean t/h of the day × 24
//! if the uncertainty U of the system is above 7.5 %:  CO2 · (1 + U/100 − 0.075)
//! ```
//!
//! Days before monitoring began take the value of the first monitored day. `T_start` is the latest of:
//! the last day without leakage, the start of injection, a later day that is proven. `T_end` is the day
//! on which measures were taken and nothing was detected any more. Both days count.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::amount::{Tonnes, TonnesPerHour, UncertaintyPercent};
use crate::calculation::{
    Effective, Operation, Outcome, Period, Problem, Rule, RuleError, RuleSet, Term, TermError,
    term_rules,
};

term_rules! {
    FUGITIVE: "E fugitive" in "t", "Annex IV 23.B.1", Read, "fugitive emissions of injection";
    VENTED: "E vented" in "t", "Annex IV 23.B.1", Read, "vented emissions of injection and hydrocarbon recovery";
    RATE: "l_CO2" in "t/h", "Annex IV 23.B.3(b)", Read, "mass leaked per hour, mean of the day, by the monitoring plan";
    HOURS: "hours of a day" in "h/d" = "24", "Annex IV 23.B.3(a)", Read, "hours of a day";
    DAYS: "days" in "d", "Annex IV 23.B.3", Read, "days of the same value: one monitored day, or all days before monitoring began, which take its first value";
    LEAKED: "CO2 leaked" in "t" = "Σ_{T_start}^{T_end} L_CO2, L_CO2 = l_CO2·24", "Annex IV 23.B.3", Read, "CO2 of a leakage event";
    U: "U" in "%", "Annex IV 23.B.3", Remembered, "overall uncertainty of the quantification";
    CENT: "1/100" in "1/%" = "0.01", "Annex IV 23.B.3", Computed, "one of a hundred: per cent to fraction";
    LIMIT: "limit of U" in "1" = "0.075", "Annex IV 23.B.3", Remembered, "uncertainty up to which nothing is added";
    QUANTIFIED: "CO2 quantified" in "t" = "CO2 leaked·(1 + U/100 − 0.075) if U > 7.5 %, else CO2 leaked", "Annex IV 23.B.3", Remembered, "CO2 of a leakage event, as it is reported";
    EMITTED: "E storage" in "t" = "E fugitive + E vented + Σ CO2 quantified", "Annex IV 23.B", Read, "emissions of the storage site";
}

static SET: RuleSet = RuleSet {
    id: "eu-ets-storage",
    version: 1,
    title: "Geological storage of CO2",
    source: "Implementing Regulation (EU) 2018/2066, Annex IV section 23; the text of leakage as in its twin (EU) 601/2012",
    effective: Effective::since(2021, 1, 1),
    terms: TERMS,
};

/// What a storage site emitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// The days.
    pub period: Period,
    /// Fugitive.
    pub fugitive_t: Tonnes,
    /// Vented.
    pub vented_t: Tonnes,
    /// Leakage events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leakages: Vec<Leakage>,
}

/// A leakage event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leakage {
    /// Which.
    pub event: String,
    /// The last day on which there was none.
    pub last_without: NaiveDate,
    /// The day on which injection began.
    pub injection_began: NaiveDate,
    /// A later day before which it cannot have begun, if that is proven to the authority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven_since: Option<NaiveDate>,
    /// The day on which measures were taken and nothing was detected any more.
    pub ended: NaiveDate,
    /// What was measured; from the first monitored day to the end, every day has a value.
    pub monitored: Vec<MonitoredDay>,
    /// Overall uncertainty of the quantification.
    pub uncertainty_percent: UncertaintyPercent,
}

/// What leaked on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MonitoredDay {
    /// The day.
    pub day: NaiveDate,
    /// Mean of its hours.
    pub mean_t_per_h: TonnesPerHour,
}

impl Leakage {
    /// `T_start`, the latest of the days before which it cannot have begun.
    #[must_use]
    pub fn began(&self) -> NaiveDate {
        let earliest = self.last_without.max(self.injection_began);
        self.proven_since
            .map_or(earliest, |proven| proven.max(earliest))
    }
}

/// Section 23.
pub struct Storage;

impl Rule for Storage {
    type Input = Inputs;
    const SET: &'static RuleSet = &SET;
    const EXAMPLE: &'static str = include_str!("../../examples/eu-ets-storage.json");

    fn period(input: &Inputs) -> Option<Period> {
        Some(input.period)
    }

    fn outcome(input: &Inputs) -> Result<Outcome, RuleError> {
        let within = |error: TermError| error.within(&SET);
        let mut parts = vec![
            Term::input(&FUGITIVE, input.fugitive_t).map_err(within)?,
            Term::input(&VENTED, input.vented_t).map_err(within)?,
        ];
        for (at, leakage) in input.leakages.iter().enumerate() {
            let runs = runs(leakage).map_err(|problem| {
                let path = format!("leakages[{at}].monitored");
                RuleError::new(&SET, path, Problem::Rule(problem))
            })?;
            parts.push(quantified(leakage, &runs).map_err(within)?);
        }
        let emitted = Term::of(&EMITTED, Operation::Sum, parts).map_err(within)?;
        Ok(emitted.into())
    }
}

/// Days of one value.
struct Run {
    from: NaiveDate,
    days: i64,
    mean: TonnesPerHour,
}

/// The days from start to end with their values; a problem if a day has none.
fn runs(leakage: &Leakage) -> Result<Vec<Run>, String> {
    let mut monitored: BTreeMap<NaiveDate, TonnesPerHour> = BTreeMap::new();
    for of in &leakage.monitored {
        if monitored.insert(of.day, of.mean_t_per_h).is_some() {
            return Err(format!(
                "{} is given twice: give the mean of the day",
                of.day
            ));
        }
    }
    let (began, ended) = (leakage.began(), leakage.ended);
    if ended < began {
        return Err(format!(
            "the leakage ended on {ended}, before it began on {began}: check the days"
        ));
    }
    let Some((&first, &mean)) = monitored.first_key_value() else {
        return Err("no day was monitored: give at least one".to_owned());
    };
    let before = (first.min(ended.succ_opt().unwrap_or(ended)) - began)
        .num_days()
        .max(0);
    let mut runs = Vec::new();
    if before > 0 {
        runs.push(Run {
            from: began,
            days: before,
            mean,
        });
    }
    let days = first.max(began).iter_days().take_while(|day| *day <= ended);
    for day in days {
        let mean = *monitored.get(&day).ok_or_else(|| {
            format!("{day} has no value: once monitoring began, every day until the end has one")
        })?;
        runs.push(Run {
            from: day,
            days: 1,
            mean,
        });
    }
    Ok(runs)
}

fn quantified(leakage: &Leakage, runs: &[Run]) -> Result<Term, TermError> {
    let days = runs.iter().map(|run| {
        let parts = vec![
            Term::input(&DAYS, Decimal::from(run.days))?,
            Term::input(&RATE, run.mean)?,
            Term::constant(&HOURS, Decimal::from(24))?,
        ];
        let product = Term::step("days·L_CO2", "t", Operation::Product, parts)?;
        Ok(product.at(run.from.to_string()))
    });
    let leaked = Term::of(&LEAKED, Operation::Sum, days.collect::<Result<_, _>>()?)?;
    let limit = Decimal::new(75, 1);
    let uncertainty = leakage.uncertainty_percent;
    let quantified = if uncertainty.value() > limit {
        let parts = vec![leaked, with_uncertainty(uncertainty)?];
        Term::of(&QUANTIFIED, Operation::Product, parts)?
    } else {
        let because = format!("U = {uncertainty} % is not above 7.5 %");
        Term::of(
            &QUANTIFIED,
            Operation::Chosen { part: 0, because },
            vec![leaked],
        )?
    };
    Ok(quantified.at(leakage.event.clone()))
}

fn with_uncertainty(uncertainty: UncertaintyPercent) -> Result<Term, TermError> {
    let parts = vec![
        Term::input(&U, uncertainty)?,
        Term::constant(&CENT, Decimal::new(1, 2))?,
    ];
    let fraction = Term::step("U/100", "1", Operation::Product, parts)?;
    let parts = vec![
        Term::one_plus("1 + U/100", fraction)?,
        Term::constant(&LIMIT, Decimal::new(75, 3))?,
    ];
    Term::step("1 + U/100 − 0.075", "1", Operation::Difference, parts)
}
