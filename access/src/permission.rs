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
    /// Register a capture unit of a capture plant, or change its status.
    RegisterCaptureUnit,
    /// Record or correct a captured mass.
    RecordCapture,
    /// Approve a day's captures, which locks them.
    ApproveCapture,
    /// Register a well of a storage site, or plug it.
    RegisterWell,
    /// Propose a well's permit limits.
    ProposePermitLimits,
    /// Put proposed permit limits into force, as a second person.
    ApprovePermitLimits,
    /// Start, stop or shut in a well; record a mechanical integrity test.
    OperateWell,
    /// Record or correct an injection day.
    RecordInjection,
    /// Approve an injection day, as a second person.
    ApproveInjection,
    /// Record that stored CO2 was lost.
    RecordStorageLoss,
    /// Request credits for stored CO2.
    RequestIssuance,
    /// Approve or refuse a requested issuance, for the registry.
    DecideIssuance,
    /// Carry an issuance from one ledger to the other, as the platform does.
    RecordIssuanceStep,
    /// Set the emission target of a site.
    SetEmissionTarget,
    /// Read captures, injections, mass accounts, credits and rankings.
    ReadAccounting,
}

impl Permission {
    /// Every permission.
    pub const ALL: [Self; 26] = [
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
        Self::RegisterCaptureUnit,
        Self::RecordCapture,
        Self::ApproveCapture,
        Self::RegisterWell,
        Self::ProposePermitLimits,
        Self::ApprovePermitLimits,
        Self::OperateWell,
        Self::RecordInjection,
        Self::ApproveInjection,
        Self::RecordStorageLoss,
        Self::RequestIssuance,
        Self::DecideIssuance,
        Self::RecordIssuanceStep,
        Self::SetEmissionTarget,
        Self::ReadAccounting,
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
            Self::RegisterCaptureUnit => "register a capture unit",
            Self::RecordCapture => "record a capture",
            Self::ApproveCapture => "approve captures",
            Self::RegisterWell => "register a well",
            Self::ProposePermitLimits => "propose permit limits",
            Self::ApprovePermitLimits => "approve permit limits",
            Self::OperateWell => "operate a well",
            Self::RecordInjection => "record an injection day",
            Self::ApproveInjection => "approve an injection day",
            Self::RecordStorageLoss => "record a storage loss",
            Self::RequestIssuance => "request an issuance",
            Self::DecideIssuance => "decide on an issuance",
            Self::RecordIssuanceStep => "record a step of an issuance",
            Self::SetEmissionTarget => "set an emission target",
            Self::ReadAccounting => "read accounts",
        })
    }
}

impl Role {
    /// The table of roles and permissions. Where a principal may use them is [`authorise`]'s matter.
    #[must_use]
    pub fn allows(self, permission: Permission) -> bool {
        use Permission as P;
        match self {
            // Manages access and what is registered; edits no measurement and issues no credit.
            Self::Admin => matches!(
                permission,
                P::RegisterOrganisation
                    | P::RegisterSite
                    | P::RegisterAsset
                    | P::RegisterDevice
                    | P::ManageDeviceCredentials
                    | P::ReadTelemetry
                    | P::ReadLedger
                    | P::ReadDeadLetters
                    | P::RedactPayload
                    | P::RegisterCaptureUnit
                    | P::RegisterWell
                    | P::ReadAccounting
            ),
            // Reads all that is evidence, and writes nothing: an auditor's password changes no fact.
            Self::Auditor => matches!(
                permission,
                P::ReadTelemetry | P::ReadLedger | P::ReadDeadLetters | P::ReadAccounting
            ),
            Self::Operator => matches!(
                permission,
                P::RecordCapture
                    | P::OperateWell
                    | P::RecordInjection
                    | P::ReadTelemetry
                    | P::ReadAccounting
            ),
            Self::SiteManager => matches!(
                permission,
                P::RegisterSite
                    | P::RegisterAsset
                    | P::RegisterDevice
                    | P::RegisterCaptureUnit
                    | P::RegisterWell
                    | P::ApproveCapture
                    | P::ProposePermitLimits
                    | P::ApproveInjection
                    | P::RecordStorageLoss
                    | P::SetEmissionTarget
                    | P::ReadTelemetry
                    | P::ReadAccounting
            ),
            Self::HqManager => matches!(
                permission,
                P::RegisterSite
                    | P::RegisterAsset
                    | P::RegisterDevice
                    | P::RegisterCaptureUnit
                    | P::RegisterWell
                    | P::ApprovePermitLimits
                    | P::SetEmissionTarget
                    | P::ReadTelemetry
                    | P::ReadLedger
                    | P::ReadAccounting
            ),
            Self::Mrv => matches!(
                permission,
                P::ApprovePermitLimits
                    | P::RecordStorageLoss
                    | P::RequestIssuance
                    | P::ReadTelemetry
                    | P::ReadLedger
                    | P::ReadAccounting
            ),
            Self::Registry => matches!(
                permission,
                P::DecideIssuance | P::ReadLedger | P::ReadAccounting
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

/// A device reaches its own site; a user of an organisation reaches that; administrators and
/// auditors of none, and the platform's parts, reach everywhere.
fn reaches(principal: &Principal, scope: &Scope) -> bool {
    match principal {
        Principal::Device {
            organisation, site, ..
        } => scope.organisation == *organisation && scope.site.as_ref() == Some(site),
        Principal::User {
            organisation: Some(own),
            ..
        } => scope.organisation == *own,
        Principal::User { role, .. } => !role.needs_organisation(),
        Principal::Service { .. } => true,
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
            organisation: None,
        }
    }

    /// Nobody may both propose and approve, record and approve, or request and decide.
    #[test]
    fn duties_that_need_two_people_lie_with_two_roles() {
        use Permission as P;
        for (one, other) in [
            (P::RecordCapture, P::ApproveCapture),
            (P::ProposePermitLimits, P::ApprovePermitLimits),
            (P::RecordInjection, P::ApproveInjection),
            (P::RequestIssuance, P::DecideIssuance),
        ] {
            for role in Role::ACCOUNTS {
                assert!(!(role.allows(one) && role.allows(other)), "{role:?}: {one}");
            }
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
    fn an_admin_may_register_and_read_everywhere_but_record_approve_and_decide_nothing() {
        let scope = Scope::organisation(slug("southsea"));
        for permission in Permission::ALL {
            let allowed = authorise(&user(Role::Admin), permission, &scope).is_ok();
            let text = permission.to_string();
            let fact = [
                "record", "seal", "propose", "approve", "operate", "request", "decide", "set",
            ];
            let of_a_fact = fact.iter().any(|verb| text.split(' ').next() == Some(verb));
            assert_eq!(allowed, !of_a_fact, "{permission}");
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
            [
                "read telemetry",
                "read the ledger",
                "read dead letters",
                "read accounts"
            ]
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
