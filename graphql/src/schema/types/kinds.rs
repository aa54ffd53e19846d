//! Choices of the domain, as GraphQL spells them.

use async_graphql::Enum;

/// What happens at a site.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "sealrock_domain::site::SiteKind")]
pub(crate) enum SiteKind {
    /// A tea factory: wood-fired boilers and a stack.
    TeaFactory,
    /// Another factory.
    Factory,
    /// A plant that captures CO2.
    CapturePlant,
    /// A pipeline with its stations.
    Pipeline,
    /// A place where CO2 changes carriers: a port, a rail or truck station.
    Terminal,
    /// An injection field.
    Injection,
    /// A place that only watches: monitoring wells, soil gas, seismics.
    Monitoring,
    /// A solar plant.
    Solar,
    /// Anything else.
    Other,
}

/// What an asset is.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "sealrock_domain::asset::AssetKind")]
pub(crate) enum AssetKind {
    /// A stack whose flue gas is measured.
    Stack,
    /// A unit that captures CO2.
    CaptureUnit,
    /// A pipeline or a section of one.
    Pipeline,
    /// A well that takes CO2.
    InjectionWell,
    /// A well that only watches.
    MonitoringWell,
    /// A well that brings fluid up.
    ProductionWell,
    /// A solar inverter.
    Inverter,
    /// A battery.
    Battery,
    /// A meter of energy or flow.
    Meter,
    /// A weather station.
    WeatherStation,
    /// Another machine.
    Machine,
    /// Anything else.
    Other,
}

/// Where readings come from. Only real ones can ever become credits.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "sealrock_domain::telemetry::Source")]
pub(crate) enum Source {
    /// A sensor measured it.
    Real,
    /// A program made it up.
    Simulator,
    /// It was copied from another system.
    Migrated,
}

/// What a device thinks of a reading.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "sealrock_domain::telemetry::Quality")]
pub(crate) enum Quality {
    /// Nothing is wrong.
    Good,
    /// Less reliable than usual: warming up, out of calibration, substituted.
    Uncertain,
    /// Not usable: sensor broken, out of range.
    Bad,
}

/// How a unit takes CO2 out of a gas.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "sealrock_domain::capture_unit::CaptureTechnology")]
pub(crate) enum CaptureTechnology {
    /// Absorption in an amine solution.
    Amine,
    /// Membranes that let CO2 through sooner than other gases.
    Membrane,
    /// Adsorption on a solid.
    SolidSorbent,
    /// Freezing or liquefying it out.
    Cryogenic,
    /// Anything else.
    Other,
}

/// Whether a capture unit runs.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "sealrock_domain::capture_unit::CaptureUnitStatus")]
pub(crate) enum CaptureUnitStatus {
    /// It captures.
    Operating,
    /// It could and does not.
    Standby,
    /// It is being worked on.
    Maintenance,
    /// It never will again.
    Decommissioned,
}

/// What totals are made for.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "sealrock_projections::captures::Per")]
pub(crate) enum Per {
    /// Each UTC day that has records.
    Day,
    /// Each calendar month.
    Month,
    /// Each calendar year.
    Year,
    /// All of it: one total, or none of nothing.
    All,
}
