//! What energy entries emit, by a factor set.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Carrier, Content, FactorSet, Gwp, factor_sets};
use crate::amount::{Consumption, KilogramsPerLitre};
use crate::calculation::{
    Effective, Operation, Outcome, Period, Problem, Rule, RuleError, RuleSet, Term, TermError,
    TermRule, term_rules,
};

term_rules! {
    AMOUNT: "amount" in "its unit", "energy entry", Computed, "amount of an energy entry, in the unit that it states";
    DENSITY: "ρ" in "kg/l", "energy entry", Computed, "density of a fuel that is entered in litres";
    TO_TONNES: "t per unit" in "t", "SI", Computed, "kilograms and tonnes: 0.001 and 1";
    TO_GJ: "GJ per unit" in "GJ", "SI", Computed, "kWh, MWh and GJ: 0.0036, 3.6 and 1";
    NCV: "NCV" in "GJ/t", "factor set", Remembered, "net calorific value";
    ENERGY: "E" in "GJ" = "amount·(t per unit)·NCV, or amount·(GJ per unit)", "IPCC 2006 vol. 2, 1.4", Remembered, "energy of an entry";
    EF_FOSSIL: "EF_fossil" in "kg/GJ", "factor set", Remembered, "fossil CO2 of the fuel";
    EF_BIOGENIC: "EF_biogenic" in "kg/GJ", "factor set", Remembered, "biogenic CO2 of the fuel";
    EF_CH4: "EF_CH4" in "kg/GJ", "factor set", Remembered, "methane of burning the fuel";
    EF_N2O: "EF_N2O" in "kg/GJ", "factor set", Remembered, "nitrous oxide of burning the fuel";
    EF_GRID: "EF_grid" in "kg/kWh", "factor set", Read, "CO2 of electricity";
    TO_KWH: "kWh per unit" in "kWh", "SI", Computed, "kWh and MWh: 1 and 1000";
    PER_KG: "t per kg" in "t/kg" = "0.001", "SI", Computed, "tonnes of a kilogram";
    GWP_CH4: "GWP_CH4" in "1", "IPCC AR4, AR5, AR6", Remembered, "global warming potential of methane over 100 years";
    GWP_N2O: "GWP_N2O" in "1", "IPCC AR4, AR5, AR6", Remembered, "global warming potential of nitrous oxide over 100 years";
    FOSSIL: "CO2 fossil" in "t" = "Σ E·EF_fossil + Σ kWh·EF_grid", "IPCC 2006 vol. 2, 2.3", Remembered, "fossil CO2";
    BIOGENIC: "CO2 biogenic" in "t" = "Σ E·EF_biogenic", "IPCC 2006 vol. 2, 2.3", Remembered, "biogenic CO2, reported apart";
    CO2E: "CO2e" in "t" = "CO2 fossil + Σ E·EF_CH4·GWP_CH4 + Σ E·EF_N2O·GWP_N2O", "IPCC 2006 vol. 2, 2.3", Remembered, "CO2 equivalent, without biogenic CO2";
}

static SET: RuleSet = RuleSet {
    id: "energy-emissions",
    version: 1,
    title: "Emissions of energy, fossil and biogenic",
    source: "IPCC 2006 Guidelines volume 2, tier 1; factors by the factor set that the inputs name",
    effective: Effective::since(2006, 1, 1),
    terms: TERMS,
};

/// Energy entries, and the factors for them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// The days.
    pub period: Period,
    /// The factor set.
    pub factors: String,
    /// The set of global warming potentials.
    pub gwp: Gwp,
    /// What was used.
    pub entries: Vec<EnergyEntry>,
}

/// An amount of a carrier that was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnergyEntry {
    /// Which, by its name in the factor set.
    pub carrier: String,
    /// How much.
    pub amount: Consumption,
    /// In which unit.
    pub unit: Unit,
    /// Density, for litres.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub density_kg_per_l: Option<KilogramsPerLitre>,
}

/// The unit of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    /// Kilograms.
    #[serde(rename = "kg")]
    Kilograms,
    /// Tonnes.
    #[serde(rename = "t")]
    Tonnes,
    /// Litres, with their density.
    #[serde(rename = "l")]
    Litres,
    /// Gigajoules of net calorific value.
    #[serde(rename = "GJ")]
    Gigajoules,
    /// Kilowatt hours.
    #[serde(rename = "kWh")]
    KilowattHours,
    /// Megawatt hours.
    #[serde(rename = "MWh")]
    MegawattHours,
}

impl Unit {
    const fn symbol(self) -> &'static str {
        match self {
            Self::Kilograms => "kg",
            Self::Tonnes => "t",
            Self::Litres => "l",
            Self::Gigajoules => "GJ",
            Self::KilowattHours => "kWh",
            Self::MegawattHours => "MWh",
        }
    }
}

/// Emissions of energy entries.
pub struct EnergyEmissions;

impl Rule for EnergyEmissions {
    type Input = Inputs;
    const SET: &'static RuleSet = &SET;
    const EXAMPLE: &'static str = include_str!("../../examples/energy-emissions.json");

    fn period(input: &Inputs) -> Option<Period> {
        Some(input.period)
    }

    fn outcome(input: &Inputs) -> Result<Outcome, RuleError> {
        let factors = factor_set(input)?;
        let mut emitted = Emitted::default();
        for (at, entry) in input.entries.iter().enumerate() {
            let carrier = carrier(factors, at, entry)?;
            check_unit(at, entry, carrier)?;
            let added = emitted.add(entry, carrier, input.gwp);
            added.map_err(|error| error.within(&SET))?;
        }
        let results = emitted.results().map_err(|error| error.within(&SET))?;
        let warnings = vec![format!("factors: {}", factors.source)];
        Ok(Outcome { results, warnings })
    }
}

fn refused(input: impl Into<String>, problem: String) -> RuleError {
    RuleError::new(&SET, input, Problem::Rule(problem))
}

fn factor_set(input: &Inputs) -> Result<&'static FactorSet, RuleError> {
    let sets = factor_sets();
    let set = sets
        .iter()
        .find(|set| set.id == input.factors)
        .ok_or_else(|| {
            let known: Vec<_> = sets.iter().map(|set| set.id).collect();
            let problem = format!(
                "\"{}\" is no factor set: choose from {}",
                input.factors,
                known.join(", ")
            );
            refused("factors", problem)
        })?;
    if set.effective.covers(&input.period) {
        return Ok(set);
    }
    let problem = Problem::Dates {
        period: input.period,
        effective: set.effective,
    };
    Err(RuleError::new(&SET, "factors", problem))
}

fn carrier(
    factors: &'static FactorSet,
    at: usize,
    entry: &EnergyEntry,
) -> Result<&'static Carrier, RuleError> {
    factors.carrier(&entry.carrier).ok_or_else(|| {
        let known: Vec<_> = factors.carriers.iter().map(|carrier| carrier.id).collect();
        let problem = format!(
            "factor set {} has no \"{}\": choose from {}",
            factors.id,
            entry.carrier,
            known.join(", ")
        );
        refused(format!("entries[{at}].carrier"), problem)
    })
}

fn check_unit(at: usize, entry: &EnergyEntry, carrier: &Carrier) -> Result<(), RuleError> {
    let electricity = matches!(carrier.content, Content::Electricity { .. });
    let electric = matches!(entry.unit, Unit::KilowattHours | Unit::MegawattHours);
    let litres = entry.unit == Unit::Litres;
    let unit = entry.unit.symbol();
    let (field, problem) = if electricity && !electric {
        (
            "unit",
            format!("electricity is not counted in {unit}: write kWh or MWh"),
        )
    } else if litres && entry.density_kg_per_l.is_none() {
        (
            "density_kg_per_l",
            "litres have no mass without a density: give it".to_owned(),
        )
    } else if !litres && entry.density_kg_per_l.is_some() {
        (
            "density_kg_per_l",
            format!("a density is for litres, not for {unit}: leave it out"),
        )
    } else {
        return Ok(());
    };
    Err(refused(format!("entries[{at}].{field}"), problem))
}

#[derive(Default)]
struct Emitted {
    fossil: Vec<Term>,
    biogenic: Vec<Term>,
    others: Vec<Term>,
}

impl Emitted {
    fn add(&mut self, entry: &EnergyEntry, carrier: &Carrier, gwp: Gwp) -> Result<(), TermError> {
        let at = carrier.id;
        match carrier.content {
            Content::Electricity { grid } => {
                let mut factors =
                    vec![amount(entry)?, Term::constant(&TO_KWH, to_kwh(entry.unit))?];
                factors.push(Term::constant(&EF_GRID, grid)?);
                self.fossil.push(tonnes("kWh·EF_grid", at, factors)?);
            }
            Content::Fuel {
                ncv,
                fossil,
                biogenic,
                ch4,
                n2o,
            } => {
                let energy = energy(entry, ncv)?;
                let gas = |symbol, rule: &'static TermRule, factor: Decimal, gwp: Option<Term>| {
                    let mut factors = vec![energy.clone(), Term::constant(rule, factor)?];
                    factors.extend(gwp);
                    tonnes(symbol, at, factors)
                };
                self.fossil
                    .push(gas("E·EF_fossil", &EF_FOSSIL, fossil, None)?);
                self.biogenic
                    .push(gas("E·EF_biogenic", &EF_BIOGENIC, biogenic, None)?);
                let potential = Term::constant(&GWP_CH4, gwp.ch4())?;
                self.others
                    .push(gas("E·EF_CH4·GWP_CH4", &EF_CH4, ch4, Some(potential))?);
                let potential = Term::constant(&GWP_N2O, gwp.n2o())?;
                self.others
                    .push(gas("E·EF_N2O·GWP_N2O", &EF_N2O, n2o, Some(potential))?);
            }
        }
        Ok(())
    }

    fn results(self) -> Result<Vec<Term>, TermError> {
        let fossil = Term::of(&FOSSIL, Operation::Sum, self.fossil)?;
        let biogenic = Term::of(&BIOGENIC, Operation::Sum, self.biogenic)?;
        let mut parts = vec![fossil.clone()];
        parts.extend(self.others);
        let equivalent = Term::of(&CO2E, Operation::Sum, parts)?;
        Ok(vec![fossil, biogenic, equivalent])
    }
}

fn amount(entry: &EnergyEntry) -> Result<Term, TermError> {
    Ok(Term::input(&AMOUNT, entry.amount)?.in_unit(entry.unit.symbol()))
}

fn energy(entry: &EnergyEntry, ncv: Decimal) -> Result<Term, TermError> {
    let mut factors = vec![amount(entry)?];
    if let Some(gigajoules) = to_gj(entry.unit) {
        factors.push(Term::constant(&TO_GJ, gigajoules)?);
    } else {
        if let Some(density) = entry.density_kg_per_l {
            factors.push(Term::input(&DENSITY, density)?);
        }
        factors.push(Term::constant(&TO_TONNES, to_tonnes(entry.unit))?);
        factors.push(Term::constant(&NCV, ncv)?);
    }
    Term::of(&ENERGY, Operation::Product, factors)
}

fn tonnes(symbol: &'static str, at: &str, mut factors: Vec<Term>) -> Result<Term, TermError> {
    factors.push(Term::constant(&PER_KG, thousandth())?);
    Ok(Term::step(symbol, "t", Operation::Product, factors)?.at(at))
}

fn thousandth() -> Decimal {
    Decimal::new(1, 3)
}

fn to_gj(unit: Unit) -> Option<Decimal> {
    match unit {
        Unit::Gigajoules => Some(Decimal::ONE),
        Unit::MegawattHours => Some(Decimal::new(36, 1)),
        Unit::KilowattHours => Some(Decimal::new(36, 4)),
        Unit::Kilograms | Unit::Tonnes | Unit::Litres => None,
    }
}

fn to_tonnes(unit: Unit) -> Decimal {
    match unit {
        Unit::Tonnes => Decimal::ONE,
        _ => thousandth(),
    }
}

fn to_kwh(unit: Unit) -> Decimal {
    match unit {
        Unit::MegawattHours => Decimal::ONE_THOUSAND,
        _ => Decimal::ONE,
    }
}
