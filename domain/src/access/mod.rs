//! Who may act for an organisation, and who else may look.
//!
//! One stream of an organisation's ledger says who is a member with which role, which people of other
//! organisations may look until when, and which keys programs have. Once there is an owner, an active
//! member with the role `admin`, no sequence of changes leaves none. Names, mail addresses and secrets
//! are not here but in tables whose rows can be erased.

mod commands;
mod events;
mod notes;
mod rejection;
mod role;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use cqrs_es::{Aggregate, event_sink::EventSink};
use serde::{Deserialize, Serialize};

pub use commands::{
    AccessCommand, AccessSettings, AdmitMember, AssignRole, ChangeAccess, DeactivateMember,
    GrantAccess, IssueApiKey, RevokeAccess, RevokeApiKey, RotateApiKey,
};
pub use events::{
    AccessEvent, AccessGranted, AccessRevoked, AccessSettingsChanged, AccountAdded, AccountErased,
    ApiKeyIssued, ApiKeyRevoked, ApiKeyRotated, IdentityLinked, IdentityUnlinked,
    InvitationWithdrawn, LedgerExported, MemberDeactivated, MfaDisabled, MfaEnrolled,
    PasswordReset, RegistrationDeclined, RoleAssigned, SecondFactorReset, SignInBurstDetected,
    TokenKeysRotated, UserInvited,
};
pub use notes::AccessNote;
pub use rejection::AccessRejection;
pub use role::{Role, RoleError};

use crate::{AccountId, ApiKeyId, CredentialId, Slug};

/// How far ahead a grant or key may end.
pub const LONGEST: TimeDelta = TimeDelta::days(2 * 366);
/// For how many seconds at most the secret before is good after a rotation: a week.
pub const LONGEST_OVERLAP: u32 = 7 * 86_400;

/// The access of one organisation; empty before its first entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganisationAccess {
    members: BTreeMap<AccountId, Member>,
    grants: Vec<AccessGranted>,
    keys: BTreeMap<ApiKeyId, ApiKey>,
    settings: AccessSettings,
}

/// Somebody who is or was a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The role; the last one of a member of before.
    pub role: Role,
    /// The sites that the member is limited to; `None` for all.
    pub sites: Option<Vec<Slug>>,
    /// Whether the membership holds.
    pub active: bool,
}

/// A key that was issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// What it is for.
    pub issued: ApiKeyIssued,
    /// The secret that is good, and until when.
    pub credential: (CredentialId, DateTime<Utc>),
    /// The secret before, and until when it is good too.
    pub previous: Option<(CredentialId, DateTime<Utc>)>,
    /// Whether it was taken away.
    pub revoked: bool,
}

impl ApiKey {
    /// Whether this secret opens anything now.
    #[must_use]
    pub fn opens(&self, secret: CredentialId, now: DateTime<Utc>) -> bool {
        let mut good = [Some(self.credential), self.previous].into_iter().flatten();
        !self.revoked && good.any(|(credential, until)| credential == secret && now < until)
    }
}

type Decision = Result<AccessEvent, AccessRejection>;

impl OrganisationAccess {
    /// An account that is or was a member.
    #[must_use]
    pub fn member(&self, account: AccountId) -> Option<&Member> {
        self.members.get(&account)
    }

    /// All members, those of before too.
    pub fn members(&self) -> impl Iterator<Item = (AccountId, &Member)> {
        self.members
            .iter()
            .map(|(account, member)| (*account, member))
    }

    /// What others were granted and was not revoked; it may have ended.
    #[must_use]
    pub fn grants(&self) -> &[AccessGranted] {
        &self.grants
    }

    /// A key.
    #[must_use]
    pub fn key(&self, key: ApiKeyId) -> Option<&ApiKey> {
        self.keys.get(&key)
    }

    /// All keys, revoked ones too.
    pub fn keys(&self) -> impl Iterator<Item = &ApiKey> {
        self.keys.values()
    }

    /// What holds for everybody.
    #[must_use]
    pub const fn settings(&self) -> AccessSettings {
        self.settings
    }

    /// The active members who manage access.
    pub fn owners(&self) -> impl Iterator<Item = AccountId> {
        let owns = |member: &Member| member.active && member.role == Role::Admin;
        let owners = self.members.iter().filter(move |(_, member)| owns(member));
        owners.map(|(account, _)| *account)
    }

    fn decide(&self, ChangeAccess { by, change }: ChangeAccess) -> Decision {
        let by = by.account();
        self.still_may(by, &change)?;
        match change {
            AccessCommand::AssignRole(command) => self.assign(by, command),
            AccessCommand::Admit(command) => self.admit(command),
            AccessCommand::Deactivate(command) => self.deactivate(by, &command),
            AccessCommand::Grant(command) => self.grant(command),
            AccessCommand::Revoke(command) => self.revoke(command),
            AccessCommand::IssueKey(command) => issue(command),
            AccessCommand::RotateKey(command) => self.rotate(&command),
            AccessCommand::RevokeKey(command) => self.revoke_key(&command),
            AccessCommand::ChangeSettings(settings) => self.change(settings),
            AccessCommand::Note(AccessNote::SecondFactorReset { account, .. })
                if by == Some(account) =>
            {
                Err(AccessRejection::OwnRole)
            }
            AccessCommand::Note(note) => Ok(note.into()),
        }
    }

    /// What is decided by the table of permissions may rest on what was so half a second ago.
    fn still_may(
        &self,
        by: Option<AccountId>,
        change: &AccessCommand,
    ) -> Result<(), AccessRejection> {
        let member = by.and_then(|by| self.members.get(&by));
        match (member, change.needs()) {
            (Some(member), Some(needed)) if !member.active || member.role != needed => {
                Err(AccessRejection::NoLonger)
            }
            _ => Ok(()),
        }
    }

    fn assign(&self, by: Option<AccountId>, command: AssignRole) -> Decision {
        let account = command.account;
        if by == Some(account) {
            return Err(AccessRejection::OwnRole);
        }
        let assigned = checked(command)?;
        let member = Member {
            role: assigned.role,
            sites: assigned.sites.clone(),
            active: true,
        };
        if self.members.get(&account) == Some(&member) {
            return Err(AccessRejection::Unchanged);
        }
        if assigned.role != Role::Admin {
            self.another_owner_than(account)?;
        }
        Ok(assigned.into())
    }

    fn admit(&self, AdmitMember { member, invited_by }: AdmitMember) -> Decision {
        let account = member.account;
        if self.members.contains_key(&account) {
            return Err(AccessRejection::Known { account });
        }
        let inviter = invited_by.and_then(|by| self.members.get(&by));
        if inviter.is_some_and(|inviter| !inviter.active) {
            return Err(AccessRejection::InviterLeft);
        }
        Ok(RoleAssigned {
            invited_by,
            ..checked(member)?
        }
        .into())
    }

    fn deactivate(
        &self,
        by: Option<AccountId>,
        DeactivateMember { account }: &DeactivateMember,
    ) -> Decision {
        if by == Some(*account) {
            return Err(AccessRejection::OwnRole);
        }
        if !self
            .members
            .get(account)
            .is_some_and(|member| member.active)
        {
            return Err(AccessRejection::UnknownMember { account: *account });
        }
        self.another_owner_than(*account)?;
        Ok(MemberDeactivated { account: *account }.into())
    }

    /// That there is an owner when this account is none any more, if there is one now.
    fn another_owner_than(&self, account: AccountId) -> Result<(), AccessRejection> {
        let mut owners = self.owners();
        if owners.next() == Some(account) && owners.next().is_none() {
            return Err(AccessRejection::LastOwner { account });
        }
        Ok(())
    }

    fn grant(&self, command: GrantAccess) -> Decision {
        let GrantAccess {
            own,
            organisation,
            role,
            sites,
            until,
            now,
        } = command;
        if organisation == own {
            return Err(AccessRejection::OwnOrganisation { organisation });
        }
        if !role.may_be_granted() {
            return Err(AccessRejection::NotGranted { role });
        }
        in_time(until, now)?;
        let granted = AccessGranted {
            organisation,
            role,
            sites: sorted(sites)?,
            until,
        };
        if self.grants.contains(&granted) {
            return Err(AccessRejection::Unchanged);
        }
        Ok(granted.into())
    }

    fn revoke(&self, command: RevokeAccess) -> Decision {
        let RevokeAccess {
            organisation,
            role,
            now,
        } = command;
        let holds = |grant: &AccessGranted| {
            grant.organisation == organisation && grant.role == role && now < grant.until
        };
        if !self.grants.iter().any(holds) {
            return Err(AccessRejection::UnknownGrant { organisation, role });
        }
        Ok(AccessRevoked { organisation, role }.into())
    }

    fn rotate(&self, command: &RotateApiKey) -> Decision {
        let key = self.unrevoked(command.key)?;
        in_time(command.until, command.now)?;
        if command.overlap_seconds > LONGEST_OVERLAP {
            return Err(AccessRejection::Overlap {
                most: LONGEST_OVERLAP,
            });
        }
        let overlap = command.now + TimeDelta::seconds(command.overlap_seconds.into());
        Ok(ApiKeyRotated {
            key: command.key,
            credential: command.credential,
            until: command.until,
            previous_until: overlap.min(key.credential.1),
        }
        .into())
    }

    fn revoke_key(&self, command: &RevokeApiKey) -> Decision {
        self.unrevoked(command.key)?;
        Ok(ApiKeyRevoked { key: command.key }.into())
    }

    fn unrevoked(&self, key: ApiKeyId) -> Result<&ApiKey, AccessRejection> {
        let found = self.keys.get(&key).filter(|found| !found.revoked);
        found.ok_or(AccessRejection::UnknownKey { key })
    }

    fn change(&self, settings: AccessSettings) -> Decision {
        if settings == self.settings {
            return Err(AccessRejection::Unchanged);
        }
        let AccessSettings {
            self_registration,
            second_factor_required,
        } = settings;
        Ok(AccessSettingsChanged {
            self_registration,
            second_factor_required,
        }
        .into())
    }
}

/// A role as a person can have it.
fn checked(command: AssignRole) -> Result<RoleAssigned, AccessRejection> {
    let AssignRole {
        account,
        role,
        sites,
    } = command;
    if !Role::ACCOUNTS.contains(&role) {
        return Err(AccessRejection::NoMember { role });
    }
    if sites.is_some() && !role.may_be_limited_to_sites() {
        return Err(AccessRejection::NotBySite { role });
    }
    Ok(RoleAssigned {
        account,
        role,
        sites: sorted(sites)?,
        invited_by: None,
    })
}

fn issue(command: IssueApiKey) -> Decision {
    if !Role::ACCOUNTS.contains(&command.role) {
        return Err(AccessRejection::NoMember { role: command.role });
    }
    if command.permissions.is_empty() {
        return Err(AccessRejection::NoPermission);
    }
    in_time(command.until, command.now)?;
    Ok(ApiKeyIssued {
        key: command.key,
        credential: command.credential,
        role: command.role,
        permissions: command.permissions,
        sites: sorted(command.sites)?,
        until: command.until,
    }
    .into())
}

fn in_time(until: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), AccessRejection> {
    let latest = now + LONGEST;
    if now < until && until <= latest {
        return Ok(());
    }
    Err(AccessRejection::Until { until, latest })
}

/// Each site once, in one order: a limit to the same sites is the same limit.
fn sorted(sites: Option<Vec<Slug>>) -> Result<Option<Vec<Slug>>, AccessRejection> {
    let Some(mut sites) = sites else {
        return Ok(None);
    };
    sites.sort();
    sites.dedup();
    if sites.is_empty() {
        return Err(AccessRejection::NoSite);
    }
    Ok(Some(sites))
}

impl Aggregate for OrganisationAccess {
    const TYPE: &'static str = "access";
    type Command = ChangeAccess;
    type Event = AccessEvent;
    type Error = AccessRejection;
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
            AccessEvent::RoleAssigned(RoleAssigned {
                account,
                role,
                sites,
                invited_by: _,
            }) => {
                let member = Member {
                    role,
                    sites,
                    active: true,
                };
                self.members.insert(account, member);
            }
            AccessEvent::MemberDeactivated(MemberDeactivated { account }) => {
                if let Some(member) = self.members.get_mut(&account) {
                    member.active = false;
                }
            }
            AccessEvent::AccessGranted(granted) => {
                self.ungrant(&granted.organisation, granted.role);
                self.grants.push(granted);
            }
            AccessEvent::AccessRevoked(AccessRevoked { organisation, role }) => {
                self.ungrant(&organisation, role);
            }
            AccessEvent::ApiKeyIssued(issued) => {
                let key = ApiKey {
                    credential: (issued.credential, issued.until),
                    previous: None,
                    revoked: false,
                    issued,
                };
                self.keys.insert(key.issued.key, key);
            }
            AccessEvent::ApiKeyRotated(rotated) => self.rotated(&rotated),
            AccessEvent::ApiKeyRevoked(ApiKeyRevoked { key }) => {
                if let Some(key) = self.keys.get_mut(&key) {
                    key.revoked = true;
                }
            }
            AccessEvent::AccessSettingsChanged(changed) => {
                self.settings = AccessSettings {
                    self_registration: changed.self_registration,
                    second_factor_required: changed.second_factor_required,
                };
            }
            AccessEvent::SignInBurstDetected(_)
            | AccessEvent::SecondFactorReset(_)
            | AccessEvent::MfaEnrolled(_)
            | AccessEvent::MfaDisabled(_)
            | AccessEvent::PasswordReset(_)
            | AccessEvent::IdentityLinked(_)
            | AccessEvent::IdentityUnlinked(_)
            | AccessEvent::UserInvited(_)
            | AccessEvent::InvitationWithdrawn(_)
            | AccessEvent::RegistrationDeclined(_)
            | AccessEvent::AccountAdded(_)
            | AccessEvent::AccountErased(_)
            | AccessEvent::TokenKeysRotated(_)
            | AccessEvent::LedgerExported(_) => {}
        }
    }
}

impl OrganisationAccess {
    fn ungrant(&mut self, organisation: &Slug, role: Role) {
        self.grants
            .retain(|grant| grant.organisation != *organisation || grant.role != role);
    }

    fn rotated(&mut self, rotated: &ApiKeyRotated) {
        if let Some(key) = self.keys.get_mut(&rotated.key) {
            key.previous = Some((key.credential.0, rotated.previous_until));
            key.credential = (rotated.credential, rotated.until);
        }
    }
}
