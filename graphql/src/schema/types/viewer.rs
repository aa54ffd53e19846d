//! Who asks.

use async_graphql::{Enum, SimpleObject};
use sealrock_access::Principal;

/// Who asks: what a token proves.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct Viewer {
    /// As ledger entries name it: `user/<id>`, `device/<id>`, `service/<name>` or, of a key,
    /// `service/key-<id>`.
    actor: String,
    /// The name that a person signs in with; null for others.
    username: Option<String>,
    /// What it may do.
    role: Role,
    /// Slug of the organisation that it acts for, the only one that it reaches unless others let it look;
    /// null if it reaches all.
    organisation: Option<String>,
}

impl From<&Principal> for Viewer {
    fn from(principal: &Principal) -> Self {
        let username = match principal {
            Principal::User { username, .. } => Some(username.to_string()),
            _ => None,
        };
        Self {
            actor: principal.actor(),
            username,
            role: principal.role().into(),
            organisation: principal.organisation().map(ToString::to_string),
        }
    }
}

/// What somebody is to the platform.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "sealrock_access::Role")]
enum Role {
    /// Runs the platform: manages access and what is registered.
    Admin,
    /// Checks: reads everything and writes nothing.
    Auditor,
    /// Runs plants and wells: records captures and injection days.
    Operator,
    /// Answers for a site: approves what operators record.
    SiteManager,
    /// Answers for an organisation: approves permit limits, sets targets.
    HqManager,
    /// Keeps machines and devices running.
    Maintenance,
    /// Answers for monitoring, reporting and verification: requests credits.
    Mrv,
    /// Verifies the reports of organisations that engaged its own.
    Verifier,
    /// Supervises organisations for an authority.
    Regulator,
    /// Acts for a registry: approves or refuses issuances.
    Registry,
    /// Holds credits.
    Holder,
    /// A device.
    Device,
    /// A part of the platform.
    Service,
}
