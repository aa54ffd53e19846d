//! What may be done, by whom, where.

mod authorise;

use std::{fmt, str::FromStr};

use sealrock_domain::access::Role;
use serde::{Deserialize, Serialize};

pub use authorise::{Denied, Refused, STEP_UP_HOLDS, Scope, authorise};

/// Something that a principal may or may not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
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
    /// Read places, devices, readings, latest values and rollups.
    ReadTelemetry,
    /// Read and export ledger entries and their payloads.
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
    /// Read captures, injections, mass accounts and figures of an organisation.
    ReadAccounting,
    /// Read how the sites of an organisation rank.
    ReadRanking,
    /// Read issuances and credits.
    ReadCredits,
    /// Read members, grants, keys and the log of their changes.
    ReadAccess,
    /// Invite somebody to become a member.
    InviteMember,
    /// Give and take roles, API keys and the settings of access.
    ManageAccess,
    /// Let people of another organisation look, and end that.
    GrantAccess,
}

/// Who may do one thing, wherever they reach.
#[derive(Debug)]
pub struct Rule {
    /// What.
    pub permission: Permission,
    /// The same in words, as in "may …".
    pub text: &'static str,
    /// Whether who does it must have proved a short while ago who they are. No key gets such a
    /// permission.
    pub step_up: bool,
    /// Who. A part of the platform may do everything: it has the database's password anyway, and
    /// its actor in the ledger shows what it did.
    pub roles: &'static [Role],
}

/// The table of permissions and roles, in the order of [`Permission`]. Where a principal may use them
/// is [`authorise`]'s matter.
pub const TABLE: [Rule; 32] = {
    use Permission as P;
    use Role::{
        Admin, Auditor, Device, Holder, HqManager, Maintenance, Mrv, Operator, Registry, Regulator,
        SiteManager, Verifier,
    };
    [
        rule(
            P::RegisterOrganisation,
            "register an organisation",
            &[Admin],
        ),
        rule(
            P::RegisterSite,
            "register a site",
            &[Admin, SiteManager, HqManager],
        ),
        rule(
            P::RegisterAsset,
            "register an asset",
            &[Admin, SiteManager, HqManager],
        ),
        rule(
            P::RegisterDevice,
            "register a device",
            &[Admin, SiteManager, HqManager, Maintenance],
        ),
        with_step_up(
            P::ManageDeviceCredentials,
            "manage a device's credentials and keys",
            &[Admin],
        ),
        rule(P::RecordBatch, "record a sensor batch", &[Device]),
        rule(
            P::ReadTelemetry,
            "read telemetry",
            &[
                Admin,
                Auditor,
                Operator,
                SiteManager,
                HqManager,
                Maintenance,
                Mrv,
                Verifier,
            ],
        ),
        rule(
            P::ReadLedger,
            "read the ledger",
            &[
                Admin, Auditor, HqManager, Mrv, Verifier, Regulator, Registry,
            ],
        ),
        rule(
            P::ReadDeadLetters,
            "read dead letters",
            &[Admin, Auditor, Maintenance],
        ),
        with_step_up(P::RedactPayload, "erase payloads of telemetry", &[Admin]),
        rule(P::SealWindow, "seal a window", &[]),
        rule(
            P::RegisterCaptureUnit,
            "register a capture unit",
            &[Admin, SiteManager, HqManager],
        ),
        rule(P::RecordCapture, "record a capture", &[Operator]),
        with_step_up(P::ApproveCapture, "approve captures", &[SiteManager]),
        rule(
            P::RegisterWell,
            "register a well",
            &[Admin, SiteManager, HqManager],
        ),
        rule(
            P::ProposePermitLimits,
            "propose permit limits",
            &[SiteManager],
        ),
        with_step_up(
            P::ApprovePermitLimits,
            "approve permit limits",
            &[HqManager, Mrv],
        ),
        rule(P::OperateWell, "operate a well", &[Operator]),
        rule(P::RecordInjection, "record an injection day", &[Operator]),
        with_step_up(
            P::ApproveInjection,
            "approve an injection day",
            &[SiteManager],
        ),
        rule(
            P::RecordStorageLoss,
            "record a storage loss",
            &[SiteManager, Mrv],
        ),
        rule(P::RequestIssuance, "request an issuance", &[Mrv]),
        with_step_up(P::DecideIssuance, "decide on an issuance", &[Registry]),
        rule(P::RecordIssuanceStep, "record a step of an issuance", &[]),
        rule(
            P::SetEmissionTarget,
            "set an emission target",
            &[SiteManager, HqManager],
        ),
        rule(
            P::ReadAccounting,
            "read accounts",
            &[
                Admin,
                Auditor,
                Operator,
                SiteManager,
                HqManager,
                Maintenance,
                Mrv,
                Verifier,
                Regulator,
                Registry,
            ],
        ),
        rule(
            P::ReadRanking,
            "read rankings",
            &[Admin, Auditor, SiteManager, HqManager, Mrv],
        ),
        rule(
            P::ReadCredits,
            "read credits",
            &[
                Admin,
                Auditor,
                Operator,
                SiteManager,
                HqManager,
                Maintenance,
                Mrv,
                Verifier,
                Regulator,
                Registry,
                Holder,
            ],
        ),
        rule(
            P::ReadAccess,
            "read who has access",
            &[Admin, Auditor, HqManager],
        ),
        with_step_up(
            P::InviteMember,
            "invite a member",
            &[Admin, SiteManager, HqManager],
        ),
        with_step_up(
            P::ManageAccess,
            "manage members, keys and settings",
            &[Admin],
        ),
        with_step_up(P::GrantAccess, "grant access to others", &[HqManager]),
    ]
};

const fn rule(permission: Permission, text: &'static str, roles: &'static [Role]) -> Rule {
    Rule {
        permission,
        text,
        step_up: false,
        roles,
    }
}

const fn with_step_up(permission: Permission, text: &'static str, roles: &'static [Role]) -> Rule {
    Rule {
        step_up: true,
        ..rule(permission, text, roles)
    }
}

impl Permission {
    /// Every permission.
    pub const ALL: [Self; TABLE.len()] = {
        let mut all = [TABLE[0].permission; TABLE.len()];
        let mut at = 0;
        while at < TABLE.len() {
            all[at] = TABLE[at].permission;
            // So that a permission finds its row by its number.
            assert!(
                all[at] as usize == at,
                "the table is in the order of the permissions"
            );
            at += 1;
        }
        all
    };

    /// Its row of the table.
    #[must_use]
    pub const fn rule(self) -> &'static Rule {
        &TABLE[self as usize]
    }

    /// Whether the table gives it to a role.
    #[must_use]
    pub fn allows(self, role: Role) -> bool {
        role == Role::Service || self.rule().roles.contains(&role)
    }

    /// Its name for programs: in keys and entries, such as `read-telemetry`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RegisterOrganisation => "register-organisation",
            Self::RegisterSite => "register-site",
            Self::RegisterAsset => "register-asset",
            Self::RegisterDevice => "register-device",
            Self::ManageDeviceCredentials => "manage-device-credentials",
            Self::RecordBatch => "record-batch",
            Self::ReadTelemetry => "read-telemetry",
            Self::ReadLedger => "read-ledger",
            Self::ReadDeadLetters => "read-dead-letters",
            Self::RedactPayload => "redact-payload",
            Self::SealWindow => "seal-window",
            Self::RegisterCaptureUnit => "register-capture-unit",
            Self::RecordCapture => "record-capture",
            Self::ApproveCapture => "approve-capture",
            Self::RegisterWell => "register-well",
            Self::ProposePermitLimits => "propose-permit-limits",
            Self::ApprovePermitLimits => "approve-permit-limits",
            Self::OperateWell => "operate-well",
            Self::RecordInjection => "record-injection",
            Self::ApproveInjection => "approve-injection",
            Self::RecordStorageLoss => "record-storage-loss",
            Self::RequestIssuance => "request-issuance",
            Self::DecideIssuance => "decide-issuance",
            Self::RecordIssuanceStep => "record-issuance-step",
            Self::SetEmissionTarget => "set-emission-target",
            Self::ReadAccounting => "read-accounting",
            Self::ReadRanking => "read-ranking",
            Self::ReadCredits => "read-credits",
            Self::ReadAccess => "read-access",
            Self::InviteMember => "invite-member",
            Self::ManageAccess => "manage-access",
            Self::GrantAccess => "grant-access",
        }
    }
}

/// A text that names no permission.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no permission; docs/permissions.md lists them, such as read-telemetry")]
pub struct PermissionError(String);

impl FromStr for Permission {
    type Err = PermissionError;

    fn from_str(text: &str) -> Result<Self, PermissionError> {
        let found = Self::ALL.into_iter().find(|one| one.name() == text);
        found.ok_or_else(|| PermissionError(text.chars().take(80).collect()))
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rule().text)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    #[test]
    fn a_permission_has_one_name_in_keys_and_entries() {
        for permission in Permission::ALL {
            assert_eq!(serde_json::to_value(permission).unwrap(), permission.name());
            assert_eq!(permission.name().parse(), Ok(permission));
        }
        assert!("everything".parse::<Permission>().is_err());
    }
}
