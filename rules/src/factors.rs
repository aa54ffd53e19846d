//! Emission factors and fuels: versioned sets, and what energy entries make of them.
//!
//! ```text
//! E          = amount in t · NCV            (or the amount itself, where it is energy)
//! fossil     = Σ E·EF_fossil                CO2 of fossil fuels, and of electricity
//! biogenic   = Σ E·EF_biogenic              CO2 of biomass: reported apart, never in CO2e
//! CO2e       = fossil + Σ E·EF_CH4·GWP_CH4 + Σ E·EF_N2O·GWP_N2O
//! ```

mod energy;
mod sets;

pub use energy::{EnergyEmissions, EnergyEntry, Inputs, Unit};
pub use sets::{Carrier, Content, FactorSet, Gwp, factor_sets};
