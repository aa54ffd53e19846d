//! The kinds of quantities, as types.

use std::fmt::Debug;

/// What is measured, whatever the unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// See [`Temperature`].
    Temperature,
    /// A pressure; [`super::Pressure`] says whether absolute or gauge.
    Pressure,
    /// See [`Fraction`].
    Fraction,
    /// See [`Velocity`].
    Velocity,
    /// See [`Length`].
    Length,
    /// See [`Area`].
    Area,
    /// See [`Mass`].
    Mass,
    /// See [`Volume`].
    Volume,
    /// A volume of gas at stated conditions; see [`super::StandardVolume`].
    StandardVolume,
    /// See [`MassFlow`].
    MassFlow,
    /// See [`VolumeFlow`].
    VolumeFlow,
    /// See [`Density`].
    Density,
    /// See [`Energy`].
    Energy,
}

impl Dimension {
    /// What it is called.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Temperature => "temperature",
            Self::Pressure => "pressure",
            Self::Fraction => "fraction",
            Self::Velocity => "velocity",
            Self::Length => "length",
            Self::Area => "area",
            Self::Mass => "mass",
            Self::Volume => "volume",
            Self::StandardVolume => "volume at stated conditions",
            Self::MassFlow => "mass flow",
            Self::VolumeFlow => "volume flow",
            Self::Density => "density",
            Self::Energy => "amount of energy",
        }
    }

    /// How one is written.
    #[must_use]
    pub const fn example(self) -> &'static str {
        match self {
            Self::Temperature => "180 Cel",
            Self::Pressure => "79.5 kPa(a)",
            Self::Fraction => "8.5 %",
            Self::Velocity => "4 m/s",
            Self::Length => "0.6 m",
            Self::Area => "0.36 m2",
            Self::Mass => "12.5 t",
            Self::Volume => "200 L",
            Self::StandardVolume => "2.5 MMscf (60 degF)",
            Self::MassFlow => "21.4 t/h",
            Self::VolumeFlow => "120 m3/h",
            Self::Density => "935 kg/m3",
            Self::Energy => "1500 kW.h",
        }
    }
}

/// A kind of quantity. Whatever is measured here is never below zero in its base unit.
pub trait Kind: Clone + Copy + Debug + PartialEq + Send + Sync + 'static {
    /// What it measures.
    const DIMENSION: Dimension;
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident;)+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub struct $name;

            impl Kind for $name {
                const DIMENSION: Dimension = Dimension::$name;
            }
        )+
    };
}

kinds! {
    /// Thermodynamic temperature. Base unit `K`.
    Temperature;
    /// A share: mole, volume or mass, as the name of the field says. Base unit `1`.
    Fraction;
    /// Speed. Base unit `m/s`.
    Velocity;
    /// Length. Base unit `m`.
    Length;
    /// Area. Base unit `m2`.
    Area;
    /// Mass. Base unit `kg`.
    Mass;
    /// Volume as it is, at its own pressure and temperature; of liquids, too. Base unit `m3`.
    Volume;
    /// Mass per time. Base unit `kg/s`.
    MassFlow;
    /// Volume per time, at its own pressure and temperature. Base unit `m3/s`.
    VolumeFlow;
    /// Mass per volume. Base unit `kg/m3`.
    Density;
    /// Energy. Base unit `J`.
    Energy;
}
