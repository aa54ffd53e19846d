//! Capture units: what an asset of kind `capture_unit` is as a plant that takes CO2 out of a gas, and
//! whether it runs.
//!
//! A unit is a facet of its asset and has the asset's id. What it captured stands in
//! [`capture_day`](crate::capture_day), one stream a UTC day.

mod commands;
mod events;
mod rejection;
#[cfg(test)]
mod tests;

use std::{fmt, str::FromStr};

use cqrs_es::{Aggregate, event_sink::EventSink};
use serde::{Deserialize, Serialize};

pub use commands::{CaptureUnitCommand, RegisterCaptureUnit, SetCaptureUnitStatus};
pub use events::{CaptureUnitEvent, CaptureUnitRegistered, CaptureUnitStatusChanged};
pub use rejection::CaptureUnitRejection;

use crate::Mass;

/// How a unit takes CO2 out of a gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaptureTechnology {
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

/// Whether a unit runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaptureUnitStatus {
    /// It captures.
    Operating,
    /// It could and does not; also what a unit is that was only registered.
    Standby,
    /// It is being worked on.
    Maintenance,
    /// It never will again.
    Decommissioned,
}

macro_rules! spelt {
    ($name:ident { $($variant:ident = $text:literal,)+ }) => {
        impl $name {
            /// As events and tables spell it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownName;

            fn from_str(text: &str) -> Result<Self, UnknownName> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(UnknownName { name: text.chars().take(80).collect() }),
                }
            }
        }
    };
}

spelt!(CaptureTechnology {
    Amine = "amine",
    Membrane = "membrane",
    SolidSorbent = "solid_sorbent",
    Cryogenic = "cryogenic",
    Other = "other",
});

spelt!(CaptureUnitStatus {
    Operating = "operating",
    Standby = "standby",
    Maintenance = "maintenance",
    Decommissioned = "decommissioned",
});

/// A technology or status that is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{name}\" is no technology or status of a capture unit")]
pub struct UnknownName {
    /// What was given, cut after 80 characters.
    pub name: String,
}

/// The capture unit of one stream; empty before its registration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureUnit {
    profile: Option<CaptureUnitRegistered>,
    status: Option<CaptureUnitStatus>,
}

type Decision = Result<CaptureUnitEvent, CaptureUnitRejection>;

impl CaptureUnit {
    /// What was registered.
    #[must_use]
    pub const fn profile(&self) -> Option<&CaptureUnitRegistered> {
        self.profile.as_ref()
    }

    /// Whether it runs; `None` before its registration.
    #[must_use]
    pub const fn status(&self) -> Option<CaptureUnitStatus> {
        self.status
    }

    /// The unit, if captures can be recorded for it.
    ///
    /// # Errors
    /// If it is not registered or decommissioned.
    pub fn in_service(&self) -> Result<&CaptureUnitRegistered, CaptureUnitRejection> {
        let profile = self.registered()?;
        if self.status == Some(CaptureUnitStatus::Decommissioned) {
            let slug = profile.slug.clone();
            return Err(CaptureUnitRejection::Decommissioned { slug });
        }
        Ok(profile)
    }

    /// The unit.
    ///
    /// # Errors
    /// If it is not registered.
    pub fn registered(&self) -> Result<&CaptureUnitRegistered, CaptureUnitRejection> {
        let profile = self.profile.as_ref();
        profile.ok_or(CaptureUnitRejection::NotRegistered)
    }

    fn decide(&self, command: CaptureUnitCommand) -> Decision {
        match command {
            CaptureUnitCommand::Register(command) => self.register(command),
            CaptureUnitCommand::SetStatus(command) => self.set_status(command),
        }
    }

    fn register(&self, command: RegisterCaptureUnit) -> Decision {
        if let Some(existing) = &self.profile {
            return Err(CaptureUnitRejection::AlreadyRegistered {
                site: existing.site.clone(),
                slug: existing.slug.clone(),
                technology: existing.technology,
            });
        }
        if command.capacity_kg_per_day == Some(Mass::ZERO) {
            return Err(CaptureUnitRejection::NoCapacity);
        }
        Ok(CaptureUnitRegistered::from(command).into())
    }

    fn set_status(
        &self,
        SetCaptureUnitStatus { status, reason }: SetCaptureUnitStatus,
    ) -> Decision {
        let slug = &self.in_service()?.slug;
        if self.status == Some(status) {
            let slug = slug.clone();
            return Err(CaptureUnitRejection::SameStatus { slug, status });
        }
        Ok(CaptureUnitStatusChanged { status, reason }.into())
    }
}

impl Aggregate for CaptureUnit {
    const TYPE: &'static str = "capture_unit";
    type Command = CaptureUnitCommand;
    type Event = CaptureUnitEvent;
    type Error = CaptureUnitRejection;
    type Services = ();

    async fn handle(
        &mut self,
        command: Self::Command,
        (): &Self::Services,
        sink: &EventSink<Self>,
    ) -> Result<(), Self::Error> {
        let event = self.decide(command)?;
        sink.write(event, self).await;
        Ok(())
    }

    fn apply(&mut self, event: Self::Event) {
        match event {
            CaptureUnitEvent::CaptureUnitRegistered(event) => {
                self.status = Some(CaptureUnitStatus::Standby);
                self.profile = Some(event);
            }
            CaptureUnitEvent::CaptureUnitStatusChanged(event) => self.status = Some(event.status),
        }
    }
}
