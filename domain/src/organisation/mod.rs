//! Organisations: who owns a ledger, sites and devices.

mod commands;
mod events;
#[cfg(test)]
mod tests;

use cqrs_es::{Aggregate, event_sink::EventSink};
use serde::{Deserialize, Serialize};

pub use commands::{OrganisationCommand, RegisterOrganisation, RenameOrganisation};
pub use events::{OrganisationEvent, OrganisationRegistered, OrganisationRenamed};

use crate::{DisplayName, Slug};

/// The organisation of one stream; empty before its registration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organisation {
    profile: Option<OrganisationRegistered>,
}

/// Why a command is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrganisationRejection {
    /// The slug is a path of the platform.
    #[error("\"{slug}\" is reserved for the platform (registry, admin, v1): choose another name")]
    Reserved {
        /// The slug asked for.
        slug: Slug,
    },
    /// The slug is taken.
    #[error(
        "organisation \"{slug}\" is already registered as \"{display_name}\": use it, or choose \
         another name"
    )]
    AlreadyRegistered {
        /// The existing organisation.
        slug: Slug,
        /// Its display name.
        display_name: DisplayName,
    },
    /// Nothing is registered here.
    #[error("this organisation is not registered: register it first")]
    NotRegistered,
    /// The new display name is the present one.
    #[error("organisation \"{slug}\" is already called \"{display_name}\": nothing to change")]
    Unchanged {
        /// The organisation.
        slug: Slug,
        /// Its present display name.
        display_name: DisplayName,
    },
}

type Decision = Result<OrganisationEvent, OrganisationRejection>;

impl crate::Refusal for OrganisationRejection {}

impl Organisation {
    /// Slug and display name, once registered.
    #[must_use]
    pub fn profile(&self) -> Option<&OrganisationRegistered> {
        self.profile.as_ref()
    }

    fn decide(&self, command: OrganisationCommand) -> Decision {
        match command {
            OrganisationCommand::Register(command) => self.register(command),
            OrganisationCommand::Rename(command) => self.rename(command),
        }
    }

    fn register(&self, command: RegisterOrganisation) -> Decision {
        if let Some(OrganisationRegistered {
            slug, display_name, ..
        }) = self.profile.clone()
        {
            return Err(OrganisationRejection::AlreadyRegistered { slug, display_name });
        }
        let RegisterOrganisation {
            slug,
            display_name,
            demo,
            registry,
        } = command;
        if slug.is_reserved_for_organisations() {
            return Err(OrganisationRejection::Reserved { slug });
        }
        Ok(OrganisationRegistered {
            slug,
            display_name,
            demo,
            registry,
        }
        .into())
    }

    fn rename(&self, command: RenameOrganisation) -> Decision {
        let profile = self
            .profile
            .as_ref()
            .ok_or(OrganisationRejection::NotRegistered)?;
        let RenameOrganisation { display_name } = command;
        if profile.display_name == display_name {
            let slug = profile.slug.clone();
            return Err(OrganisationRejection::Unchanged { slug, display_name });
        }
        Ok(OrganisationRenamed { display_name }.into())
    }
}

impl Aggregate for Organisation {
    const TYPE: &'static str = "organisation";
    type Command = OrganisationCommand;
    type Event = OrganisationEvent;
    type Error = OrganisationRejection;
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
        match (event, &mut self.profile) {
            (OrganisationEvent::OrganisationRegistered(event), profile) => *profile = Some(event),
            (OrganisationEvent::OrganisationRenamed(event), Some(profile)) => {
                profile.display_name = event.display_name;
            }
            (OrganisationEvent::OrganisationRenamed(_), None) => {}
        }
    }
}
