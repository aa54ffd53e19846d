//! Invitations.

use async_graphql::{ID, SimpleObject};
use sealrock_access::invitations;

use super::Role;
use crate::schema::scalars::Time;

/// An invitation to become a member of an organisation, which nobody has accepted.
#[derive(SimpleObject)]
pub(crate) struct Invitation {
    /// To withdraw it by `withdrawInvitation`.
    id: ID,
    /// Slug of the organisation.
    organisation: String,
    /// What the invited person is to be.
    role: Role,
    /// Slugs of the sites that they are limited to; null for all of the organisation.
    sites: Option<Vec<String>>,
    /// Who invited, as ledger entries name it.
    invited_by: String,
    /// Until when it can be accepted.
    expires_at: Time,
}

impl From<invitations::Invitation> for Invitation {
    fn from(made: invitations::Invitation) -> Self {
        let sites = made.place.sites;
        Self {
            id: made.id.into(),
            organisation: made.place.organisation.to_string(),
            role: made.place.role.into(),
            sites: sites.map(|sites| sites.iter().map(ToString::to_string).collect()),
            invited_by: made.invited_by.actor(),
            expires_at: made.expires_at.into(),
        }
    }
}
