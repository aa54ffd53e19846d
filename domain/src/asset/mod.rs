//! Assets: the things at a site that devices measure, such as a stack or a well.

mod commands;
mod events;
#[cfg(test)]
mod tests;

use cqrs_es::{Aggregate, event_sink::EventSink};
use serde::{Deserialize, Serialize};

pub use commands::{AssetCommand, RegisterAsset};
pub use events::{AssetEvent, AssetRegistered, AssetRetired};

use crate::{DisplayName, Slug};

/// What an asset is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssetKind {
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

/// The asset of one stream; empty before its registration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asset {
    profile: Option<AssetRegistered>,
    retired: bool,
}

/// Why a command is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssetRejection {
    /// The slug is taken at this site.
    #[error(
        "asset \"{slug}\" of site \"{site}\" is already registered as \"{display_name}\": use it, \
         or choose another name"
    )]
    AlreadyRegistered {
        /// Its site.
        site: Slug,
        /// The existing asset.
        slug: Slug,
        /// Its display name.
        display_name: DisplayName,
    },
    /// Nothing is registered here.
    #[error("this asset is not registered: register it first")]
    NotRegistered,
    /// A retired asset takes no more changes.
    #[error("asset \"{slug}\" is retired and takes no more changes: register a new asset")]
    Retired {
        /// The retired asset.
        slug: Slug,
    },
}

impl crate::Refusal for AssetRejection {}

impl Asset {
    /// What was registered.
    #[must_use]
    pub fn profile(&self) -> Option<&AssetRegistered> {
        self.profile.as_ref()
    }

    /// Whether the asset takes no more changes or devices.
    #[must_use]
    pub fn is_retired(&self) -> bool {
        self.retired
    }

    fn decide(&self, command: AssetCommand) -> Result<AssetEvent, AssetRejection> {
        match command {
            AssetCommand::Register(command) => self.register(*command),
            AssetCommand::Retire => self.retire(),
        }
    }

    fn register(&self, command: RegisterAsset) -> Result<AssetEvent, AssetRejection> {
        if let Some(existing) = self.profile.clone() {
            let AssetRegistered {
                site,
                slug,
                display_name,
                ..
            } = existing;
            return Err(AssetRejection::AlreadyRegistered {
                site,
                slug,
                display_name,
            });
        }
        Ok(AssetRegistered::from(command).into())
    }

    fn retire(&self) -> Result<AssetEvent, AssetRejection> {
        let profile = self.profile.as_ref().ok_or(AssetRejection::NotRegistered)?;
        if self.retired {
            return Err(AssetRejection::Retired {
                slug: profile.slug.clone(),
            });
        }
        Ok(AssetRetired {}.into())
    }
}

impl Aggregate for Asset {
    const TYPE: &'static str = "asset";
    type Command = AssetCommand;
    type Event = AssetEvent;
    type Error = AssetRejection;
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
            AssetEvent::AssetRegistered(event) => self.profile = Some(event),
            AssetEvent::AssetRetired(_) => self.retired = true,
        }
    }
}
