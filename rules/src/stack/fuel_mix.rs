//! The biogenic share of a stack's CO2: what no analyser can tell.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{B, E, EF, SHARE};
use crate::calculation::{Operation, Problem, Term, TermError};
use crate::quantity::{Energy, Exact, QuantityError};

/// A fuel that was burnt for the stack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FuelUse {
    /// Which: `firewood`.
    pub fuel: String,
    /// How much of it, as energy.
    pub energy: Exact<Energy>,
    /// Kilograms of CO2 of a gigajoule.
    pub kg_co2_per_gj: Decimal,
    /// The share of its carbon that grew: 1 of wood, 0 of oil.
    pub biogenic_fraction: Decimal,
}

/// What is wrong with a fuel.
pub(super) struct FuelError {
    pub(super) field: &'static str,
    pub(super) problem: Problem,
}

fn check(fuel: &FuelUse) -> Result<(), FuelError> {
    let fraction = fuel.biogenic_fraction;
    if !(Decimal::ZERO..=Decimal::ONE).contains(&fraction) {
        return Err(FuelError {
            field: "biogenic_fraction",
            problem: Problem::NotAFraction { value: fraction },
        });
    }
    let factor = fuel.kg_co2_per_gj;
    if factor < Decimal::ZERO {
        return Err(FuelError {
            field: "kg_co2_per_gj",
            problem: Problem::Negative { value: factor },
        });
    }
    Ok(())
}

/// `β = Σ E·EF·b / Σ E·EF`: of the CO2 of the fuels that were burnt, the share that is biogenic.
///
/// # Errors
/// If a fuel's figures mean nothing, or no fuel makes any CO2.
pub(super) fn biogenic_share(fuels: &[FuelUse]) -> Result<Term, FuelError> {
    fuels.iter().try_for_each(check)?;
    let computed = |error: TermError| FuelError {
        field: "energy",
        problem: error.problem,
    };
    let mut all = Vec::new();
    let mut biogenic = Vec::new();
    for fuel in fuels {
        let energy = fuel.energy.to("GJ").map_err(|error| unit(&error))?;
        let of_fuel = of_fuel(fuel, energy.value()).map_err(computed)?;
        all.push(of_fuel.clone());
        biogenic.push(grown(fuel, of_fuel).map_err(computed)?);
    }
    share(biogenic, all).map_err(computed)
}

fn of_fuel(fuel: &FuelUse, gigajoules: Decimal) -> Result<Term, TermError> {
    let parts = vec![
        Term::input(&E, gigajoules)?.at(&fuel.fuel),
        Term::input(&EF, fuel.kg_co2_per_gj)?.at(&fuel.fuel),
    ];
    Ok(Term::step("E·EF", "kg", Operation::Product, parts)?.at(&fuel.fuel))
}

fn grown(fuel: &FuelUse, of_fuel: Term) -> Result<Term, TermError> {
    let parts = vec![
        of_fuel,
        Term::input(&B, fuel.biogenic_fraction)?.at(&fuel.fuel),
    ];
    Ok(Term::step("E·EF·b", "kg", Operation::Product, parts)?.at(&fuel.fuel))
}

fn share(biogenic: Vec<Term>, all: Vec<Term>) -> Result<Term, TermError> {
    let parts = vec![
        Term::step("Σ E·EF·b", "kg", Operation::Sum, biogenic)?,
        Term::step("Σ E·EF", "kg", Operation::Sum, all)?,
    ];
    Term::of(&SHARE, Operation::Quotient { places: 12 }, parts)
}

fn unit(error: &QuantityError) -> FuelError {
    FuelError {
        field: "energy",
        problem: Problem::Rule(error.to_string()),
    }
}
