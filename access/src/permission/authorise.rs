//! The one place that asks whether somebody may: role, organisation, sites, grants, step-up.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sealrock_domain::Slug;

use super::Permission;
use crate::Principal;

/// How long it counts that somebody proved who they are.
pub const STEP_UP_HOLDS: Duration = Duration::from_mins(15);

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

impl Scope {
    /// Whether it is in this organisation, and at one of these sites if it is limited to some.
    fn is_within(&self, organisation: &Slug, sites: Option<&[Slug]>) -> bool {
        let at_a_site =
            |sites: &[Slug]| self.site.as_ref().is_some_and(|site| sites.contains(site));
        self.organisation == *organisation && sites.is_none_or(at_a_site)
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

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The role does not allow it, or not there.
    Forbidden,
    /// It is long ago that they proved who they are.
    StepUp,
    /// Their password was made by the platform.
    PasswordChange,
    /// Their organisation asks for a second factor, and they have none.
    SecondFactor,
}

/// A principal may not do this here. The message says what would help; repeating it will not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// Who wanted to.
    pub actor: String,
    /// What.
    pub permission: Permission,
    /// Where.
    pub scope: Scope,
    /// Why not.
    pub why: Refused,
}

impl std::error::Error for Denied {}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            actor,
            permission,
            scope,
            why,
        } = self;
        match why {
            Refused::Forbidden => write!(
                f,
                "{actor} may not {permission} in {scope}; ask an administrator for a role that \
                 allows it there"
            ),
            Refused::StepUp => write!(
                f,
                "to {permission} you must have proved who you are within {} minutes: step up, then \
                 repeat it",
                STEP_UP_HOLDS.as_secs() / 60
            ),
            Refused::PasswordChange => f.write_str(
                "your password was issued by somebody else: change it before anything else",
            ),
            Refused::SecondFactor => f.write_str(
                "your organisation asks for a second factor: enrol one before anything else",
            ),
        }
    }
}

/// Asks whether the principal may do this in that scope. No I/O: it rests on what the principal has
/// proved.
///
/// # Errors
/// [`Denied`], naming the permission and the scope. That a step-up is missing is told only to who may
/// do it otherwise.
pub fn authorise(
    principal: &Principal,
    permission: Permission,
    scope: &Scope,
) -> Result<(), Denied> {
    let refusal = refusal(principal, permission, scope, Utc::now());
    refusal.map_or(Ok(()), |why| {
        Err(Denied {
            actor: principal.actor(),
            permission,
            scope: scope.clone(),
            why,
        })
    })
}

fn refusal(
    principal: &Principal,
    permission: Permission,
    scope: &Scope,
    now: DateTime<Utc>,
) -> Option<Refused> {
    if let Some(before) = comes_before(principal) {
        return Some(before);
    }
    if !(has(principal, permission) && reaches(principal, scope, now)) {
        return Some(Refused::Forbidden);
    }
    let stepped_up = !permission.rule().step_up || has_stepped_up(principal, now);
    (!stepped_up).then_some(Refused::StepUp)
}

/// What a person must do before anything else.
fn comes_before(principal: &Principal) -> Option<Refused> {
    let Principal::User {
        must_change_password,
        must_enrol,
        ..
    } = principal
    else {
        return None;
    };
    match (must_change_password, must_enrol) {
        (true, _) => Some(Refused::PasswordChange),
        (false, true) => Some(Refused::SecondFactor),
        (false, false) => None,
    }
}

fn has(principal: &Principal, permission: Permission) -> bool {
    let of_the_role = permission.allows(principal.role());
    match principal {
        // No more than its role has, whatever its entry says; and nothing that asks for a person.
        Principal::ApiKey { permissions, .. } => {
            of_the_role && !permission.rule().step_up && permissions.contains(&permission)
        }
        _ => of_the_role,
    }
}

/// A device reaches its own site; a person or key of an organisation reaches that, or the sites of it
/// that they are limited to, and what others granted to them; administrators and auditors of none, and
/// the platform's parts, reach everywhere.
fn reaches(principal: &Principal, scope: &Scope, now: DateTime<Utc>) -> bool {
    match principal {
        Principal::Device {
            organisation, site, ..
        } => scope.organisation == *organisation && scope.site.as_ref() == Some(site),
        Principal::ApiKey {
            organisation,
            sites,
            ..
        } => scope.is_within(organisation, sites.as_deref()),
        Principal::User {
            organisation: Some(own),
            role,
            sites,
            grants,
            ..
        } => {
            let granted = grants.iter().any(|grant| {
                now < grant.until && scope.is_within(&grant.organisation, grant.sites.as_deref())
            });
            scope.is_within(own, sites.as_deref()) || (role.may_be_granted() && granted)
        }
        Principal::User { role, .. } => !role.needs_organisation(),
        Principal::Service { .. } => true,
    }
}

fn has_stepped_up(principal: &Principal, now: DateTime<Utc>) -> bool {
    match principal {
        Principal::User { stepped_up, .. } => {
            stepped_up.is_some_and(|then| now < then + STEP_UP_HOLDS)
        }
        Principal::Service { .. } => true,
        Principal::ApiKey { .. } | Principal::Device { .. } => false,
    }
}

#[cfg(test)]
mod tests;
