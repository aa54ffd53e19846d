//! Factor sets: dated, each with its source. A set never changes; another one follows it.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::calculation::Effective;

/// Factors of one source.
#[derive(Debug)]
pub struct FactorSet {
    /// What it is called in inputs.
    pub id: &'static str,
    /// Where its figures are written, with how they are known.
    pub source: &'static str,
    /// When it holds.
    pub effective: Effective,
    /// What it has factors for.
    pub carriers: &'static [Carrier],
}

/// An energy carrier.
#[derive(Debug)]
pub struct Carrier {
    /// What it is called in inputs.
    pub id: &'static str,
    /// Its factors.
    pub content: Content,
}

/// The factors of a carrier.
#[derive(Clone, Copy, Debug)]
pub enum Content {
    /// Something that burns.
    Fuel {
        /// Net calorific value in GJ/t.
        ncv: Decimal,
        /// Fossil CO2 in kg/GJ.
        fossil: Decimal,
        /// Biogenic CO2 in kg/GJ.
        biogenic: Decimal,
        /// Methane in kg/GJ.
        ch4: Decimal,
        /// Nitrous oxide in kg/GJ.
        n2o: Decimal,
    },
    /// Electricity of a grid.
    Electricity {
        /// CO2 in kg/kWh.
        grid: Decimal,
    },
}

/// Global warming potentials over 100 years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gwp {
    /// IPCC's fourth report: CH4 25, N2O 298.
    Ar4,
    /// The fifth: 28 and 265, which part 98 uses from 2025 on \[M\].
    Ar5,
    /// The sixth: 27.9 and 273.
    Ar6,
}

impl Gwp {
    /// Of methane.
    #[must_use]
    pub const fn ch4(self) -> Decimal {
        match self {
            Self::Ar4 => decimal(25, 0),
            Self::Ar5 => decimal(28, 0),
            Self::Ar6 => decimal(279, 1),
        }
    }

    /// Of nitrous oxide.
    #[must_use]
    pub const fn n2o(self) -> Decimal {
        match self {
            Self::Ar4 => decimal(298, 0),
            Self::Ar5 => decimal(265, 0),
            Self::Ar6 => decimal(273, 0),
        }
    }
}

const fn decimal(digits: u32, places: u32) -> Decimal {
    Decimal::from_parts(digits, 0, 0, false, places)
}

/// Of fuels in stationary combustion: NCV in 0.1 GJ/t, CO2 in 0.1 kg/GJ, CH4 and N2O in 0.1 g/GJ.
const fn fossil(id: &'static str, ncv: u32, co2: u32, ch4: u32, n2o: u32) -> Carrier {
    Carrier {
        id,
        content: Content::Fuel {
            ncv: decimal(ncv, 1),
            fossil: decimal(co2, 1),
            biogenic: Decimal::ZERO,
            ch4: decimal(ch4, 4),
            n2o: decimal(n2o, 4),
        },
    }
}

const fn biogenic(id: &'static str, ncv: u32, co2: u32, ch4: u32, n2o: u32) -> Carrier {
    Carrier {
        id,
        content: Content::Fuel {
            ncv: decimal(ncv, 1),
            fossil: Decimal::ZERO,
            biogenic: decimal(co2, 1),
            ch4: decimal(ch4, 4),
            n2o: decimal(n2o, 4),
        },
    }
}

static SETS: &[FactorSet] = &[FactorSet {
    id: "ipcc-2006",
    source: "IPCC 2006 Guidelines, volume 2, tables 1.2, 1.4 and 2.3 (manufacturing industries) [M]; grid of Kenya 0.049 kg/kWh [V]",
    effective: Effective::since(2006, 1, 1),
    carriers: &[
        fossil("diesel", 430, 741, 30, 6),
        fossil("fuel_oil", 404, 774, 30, 6),
        fossil("lpg", 473, 631, 10, 1),
        fossil("natural_gas", 480, 561, 10, 1),
        fossil("bituminous_coal", 258, 946, 100, 15),
        biogenic("firewood", 156, 1120, 300, 40),
        Carrier {
            id: "electricity_kenya",
            content: Content::Electricity {
                grid: decimal(49, 3),
            },
        },
    ],
}];

/// Every factor set.
#[must_use]
pub fn factor_sets() -> &'static [FactorSet] {
    SETS
}

impl FactorSet {
    /// The carrier of this name.
    #[must_use]
    pub fn carrier(&self, id: &str) -> Option<&Carrier> {
        self.carriers.iter().find(|carrier| carrier.id == id)
    }
}
