//! What may be done, by whom, where.

use std::fmt;

use sealrock_domain::Slug;

use crate::{Principal, Role};

/// Something that a principal may or may not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Register an organisation, which opens its ledger.
    RegisterOrganisation,
    /// Register a site of an organisation.
    RegisterSite,
    /// Register an asset of a site.
    RegisterAsset,
    /// Register a device of a site.
    RegisterDevice,
    /// Give a device a new secret or key, or take one away.
    ManageDeviceCredentials,
    /// Record a sensor batch.
    RecordBatch,
    /// Read readings, latest values and rollups.
    ReadTelemetry,
    /// Read ledger entries and their payloads.
    ReadLedger,
    /// Read what devices sent and the platform could not take.
    ReadDeadLetters,
    /// Erase payloads of telemetry from a ledger; their entries stay.
    RedactPayload,
    /// Seal an hour of a device.
    SealWindow,
}

impl Permission {
    /// Every permission.
    pub const ALL: [Self; 11] = [
        Self::RegisterOrganisation,
        Self::RegisterSite,
        Self::RegisterAsset,
        Self::RegisterDevice,
        Self::ManageDeviceCredentials,
        Self::RecordBatch,
        Self::ReadTelemetry,
        Self::ReadLedger,
        Self::ReadDeadLetters,
        Self::RedactPayload,
        Self::SealWindow,
    ];
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RegisterOrganisation => "register an organisation",
            Self::RegisterSite => "register a site",
            Self::RegisterAsset => "register an asset",
            Self::RegisterDevice => "register a device",
            Self::ManageDeviceCredentials => "manage a device's credentials and keys",
            Self::RecordBatch => "record a sensor batch",
            Self::ReadTelemetry => "read telemetry",
            Self::ReadLedger => "read the ledger",
            Self::ReadDeadLetters => "read dead letters",
            Self::RedactPayload => "erase payloads of telemetry",
            Self::SealWindow => "seal a window",
        })
    }
}

impl Role {
    /// The table of roles and permissions. Where a principal may use them is [`authorise`]'s matter.
    #[must_use]
    pub fn allows(self, permission: Permission) -> bool {
        use Permission as P;
        match self {
            // Everything but to speak for a device or for the platform: measurements come from devices,
            // and what they amount to is computed.
            Self::Admin => !matches!(permission, P::RecordBatch | P::SealWindow),
            // Reads all that is evidence, and writes nothing: an auditor's password changes no fact.
            Self::Auditor => matches!(
                permission,
                P::ReadTelemetry | P::ReadLedger | P::ReadDeadLetters
            ),
            Self::Device => permission == P::RecordBatch,
            // Has the database's password anyway; its actor in the ledger shows what it did.
            Self::Service => true,
        }
    }
}

/// Where something is done: in an organisation, or at one of its sites.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The organisation.
    pub organisation: Slug,
    /// The site, or `None` for the organisation as a whole.
    pub site: Option<Slug>,
}

impl Scope {
    /// An organisation as a whole.
    #[must_use]
    pub fn organisation(organisation: Slug) -> Self {
        Self {
            organisation,
            site: None,
        }
    }

    /// One site.
    #[must_use]
    pub fn site(organisation: Slug, site: Slug) -> Self {
        Self {
            organisation,
            site: Some(site),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.site {
            Some(site) => write!(f, "{}/{site}", self.organisation),
            None => write!(f, "{}", self.organisation),
        }
    }
}

/// A principal may not do this here: an administrator can grant it, repeating it will not help.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{actor} may not {permission} in {scope}; ask an administrator for a role that allows it there"
)]
pub struct Denied {
    /// Who wanted to.
    pub actor: String,
    /// What.
    pub permission: Permission,
    /// Where.
    pub scope: Scope,
}

/// Asks whether the principal may do this in that scope. No I/O: it rests on what the principal has proved.
///
/// # Errors
/// [`Denied`], naming the permission and the scope.
pub fn authorise(
    principal: &Principal,
    permission: Permission,
    scope: &Scope,
) -> Result<(), Denied> {
    if principal.role().allows(permission) && reaches(principal, scope) {
        return Ok(());
    }
    Err(Denied {
        actor: principal.actor(),
        permission,
        scope: scope.clone(),
    })
}

/// A device reaches its own site; administrators and the platform's parts reach everywhere.
fn reaches(principal: &Principal, scope: &Scope) -> bool {
    match principal {
        Principal::Device {
            organisation, site, ..
        } => scope.organisation == *organisation && scope.site.as_ref() == Some(site),
        Principal::User { .. } | Principal::Service { .. } => true,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;
    use crate::AccountId;
    use sealrock_domain::DeviceId;
    use uuid::Uuid;

    fn slug(text: &str) -> Slug {
        text.parse().unwrap()
    }

    fn device() -> Principal {
        let (organisation, site, name) = (slug("northsea"), slug("plant-1"), slug("meter-7"));
        let id = DeviceId::of(&organisation, &site, &name);
        Principal::Device {
            id,
            organisation,
            site,
            name,
        }
    }

    fn user(role: Role) -> Principal {
        let username = "ada".parse().unwrap();
        Principal::User {
            id: AccountId(Uuid::nil()),
            username,
            role,
        }
    }

    #[test]
    fn a_device_may_record_batches_at_its_own_site_and_nothing_else() {
        let home = Scope::site(slug("northsea"), slug("plant-1"));
        for permission in Permission::ALL {
            let allowed = authorise(&device(), permission, &home).is_ok();
            assert_eq!(
                allowed,
                permission == Permission::RecordBatch,
                "{permission}"
            );
        }
    }

    #[test]
    fn a_device_may_not_record_elsewhere() {
        for scope in [
            Scope::site(slug("northsea"), slug("plant-2")),
            Scope::site(slug("southsea"), slug("plant-1")),
            Scope::organisation(slug("northsea")),
        ] {
            assert!(
                authorise(&device(), Permission::RecordBatch, &scope).is_err(),
                "{scope}"
            );
        }
    }

    #[test]
    fn an_admin_may_register_and_read_everywhere_but_not_speak_for_a_device_or_seal() {
        let scope = Scope::organisation(slug("southsea"));
        for permission in Permission::ALL {
            let allowed = authorise(&user(Role::Admin), permission, &scope).is_ok();
            let others = [Permission::RecordBatch, Permission::SealWindow];
            assert_eq!(allowed, !others.contains(&permission), "{permission}");
        }
    }

    #[test]
    fn an_auditor_may_read_all_evidence_and_write_nothing() {
        let scope = Scope::organisation(slug("southsea"));
        let allowed: Vec<String> = Permission::ALL
            .into_iter()
            .filter(|permission| authorise(&user(Role::Auditor), *permission, &scope).is_ok())
            .map(|permission| permission.to_string())
            .collect();
        assert_eq!(
            allowed,
            ["read telemetry", "read the ledger", "read dead letters"]
        );
    }

    #[test]
    fn a_denial_names_who_what_and_where() {
        let scope = Scope::site(slug("northsea"), slug("plant-2"));
        let denied = authorise(&device(), Permission::RegisterDevice, &scope).unwrap_err();
        let message = denied.to_string();
        assert!(message.starts_with(&device().actor()), "{message}");
        assert!(
            message.contains("register a device in northsea/plant-2"),
            "{message}"
        );
    }
}
