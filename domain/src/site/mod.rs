//! Sites: a place with assets and devices, such as a factory or an injection field.

mod commands;
mod events;
mod place;
mod target;
#[cfg(test)]
mod target_tests;
#[cfg(test)]
mod tests;

use cqrs_es::{Aggregate, event_sink::EventSink};
use serde::{Deserialize, Serialize};

pub use commands::{RegisterSite, RenameSite, SiteCommand, WithdrawEmissionTarget};
pub use events::{
    EmissionTargetSet, EmissionTargetWithdrawn, SiteEvent, SiteRegistered, SiteRenamed, SiteRetired,
};
pub use place::{Country, CountryError, SiteKind};
use target::Targets;
pub use target::{EmissionTarget, MAX_TARGET_KG_PER_H, TargetRejection};

use crate::{DisplayName, Slug, refusal};

/// The site of one stream; empty before its registration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    profile: Option<SiteRegistered>,
    retired: bool,
    targets: Targets,
}

/// Why a command is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SiteRejection {
    /// The slug is taken in this organisation.
    #[error(
        "site \"{slug}\" of organisation \"{org}\" is already registered as \"{display_name}\": \
         use it, or choose another name"
    )]
    AlreadyRegistered {
        /// Its organisation.
        org: Slug,
        /// The existing site.
        slug: Slug,
        /// Its display name.
        display_name: DisplayName,
    },
    /// Nothing is registered here.
    #[error("this site is not registered: register it first")]
    NotRegistered,
    /// A retired site takes no more changes.
    #[error("site \"{slug}\" is retired and takes no more changes: register a new site")]
    Retired {
        /// The retired site.
        slug: Slug,
    },
    /// The new display name is the present one.
    #[error("site \"{slug}\" is already called \"{display_name}\": nothing to change")]
    Unchanged {
        /// The site.
        slug: Slug,
        /// Its present display name.
        display_name: DisplayName,
    },
    /// A coordinate or pressure is impossible.
    #[error("{quantity} {value} is outside {low} to {high} {unit}: check sign and unit")]
    OutOfRange {
        /// What was given: `latitude`, `longitude`, `ambient pressure`.
        quantity: &'static str,
        /// The value given.
        value: String,
        /// Least possible value.
        low: i32,
        /// Largest possible value.
        high: i32,
        /// The unit of all three.
        unit: &'static str,
    },
    /// A latitude without a longitude, or the other way round.
    #[error("a location has both latitude and longitude: give both or neither")]
    HalfALocation,
    /// An emission target cannot be set or withdrawn like this.
    #[error(transparent)]
    Target(#[from] TargetRejection),
}

type Decision = Result<SiteEvent, SiteRejection>;

impl crate::Refusal for SiteRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::Target(refused) => refused.code(),
            _ => refusal::REJECTED,
        }
    }
}

impl Site {
    /// What was registered, with the present display name.
    #[must_use]
    pub fn profile(&self) -> Option<&SiteRegistered> {
        self.profile.as_ref()
    }

    /// Whether the site takes no more changes, assets or devices.
    #[must_use]
    pub fn is_retired(&self) -> bool {
        self.retired
    }

    fn decide(&self, command: SiteCommand) -> Decision {
        match command {
            SiteCommand::Register(command) => self.register(*command),
            SiteCommand::Rename(command) => self.rename(command),
            SiteCommand::Retire => self.active().map(|_| SiteRetired {}.into()),
            SiteCommand::SetEmissionTarget(target) => {
                self.active()?;
                self.targets.may_set(&target)?;
                Ok(EmissionTargetSet::from(target).into())
            }
            SiteCommand::WithdrawEmissionTarget(command) => {
                self.active()?;
                self.targets.may_withdraw(command.from, command.last_day)?;
                Ok(EmissionTargetWithdrawn::from(command).into())
            }
        }
    }

    fn active(&self) -> Result<&SiteRegistered, SiteRejection> {
        let profile = self.profile.as_ref().ok_or(SiteRejection::NotRegistered)?;
        if self.retired {
            return Err(SiteRejection::Retired {
                slug: profile.slug.clone(),
            });
        }
        Ok(profile)
    }

    fn register(&self, command: RegisterSite) -> Decision {
        if let Some(existing) = self.profile.clone() {
            let SiteRegistered {
                org,
                slug,
                display_name,
                ..
            } = existing;
            return Err(SiteRejection::AlreadyRegistered {
                org,
                slug,
                display_name,
            });
        }
        place::check(&command)?;
        Ok(SiteRegistered::from(command).into())
    }

    fn rename(&self, command: RenameSite) -> Decision {
        let profile = self.active()?;
        let RenameSite { display_name } = command;
        if profile.display_name == display_name {
            let slug = profile.slug.clone();
            return Err(SiteRejection::Unchanged { slug, display_name });
        }
        Ok(SiteRenamed { display_name }.into())
    }
}

impl Aggregate for Site {
    const TYPE: &'static str = "site";
    type Command = SiteCommand;
    type Event = SiteEvent;
    type Error = SiteRejection;
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
            SiteEvent::SiteRegistered(event) => self.profile = Some(event),
            SiteEvent::SiteRenamed(event) => {
                if let Some(profile) = &mut self.profile {
                    profile.display_name = event.display_name;
                }
            }
            SiteEvent::SiteRetired(_) => self.retired = true,
            SiteEvent::EmissionTargetSet(event) => self.targets.set(event.into()),
            SiteEvent::EmissionTargetWithdrawn(event) => {
                self.targets.withdraw(event.from, event.last_day);
            }
        }
    }
}
