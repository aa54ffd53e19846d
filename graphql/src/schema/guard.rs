//! The one place where resolvers ask whether the caller may.

use async_graphql::Context;
use sealrock_access::{Permission, Principal, Scope, authorise};
use sealrock_domain::Slug;

use super::problem::Problem;
use crate::caller::Caller;
use crate::code::Code;

/// The caller, whatever it may do.
///
/// # Errors
/// `PASSWORD_CHANGE_REQUIRED` for who has an issued password, `SECOND_FACTOR_REQUIRED` for who must
/// enrol one, `UNAUTHENTICATED` for nobody.
pub(crate) fn principal<'c>(context: &'c Context<'_>) -> Result<&'c Principal, Problem> {
    match enrolling(context)? {
        Principal::User {
            must_enrol: true, ..
        } => Err(Problem::new(
            Code::SecondFactorRequired,
            "your organisation asks for a second factor: enrol one by enrolSecondFactor and \
             confirmSecondFactor, then go on",
        )),
        principal => Ok(principal),
    }
}

/// The caller, though it may have to enrol a second factor first.
///
/// # Errors
/// `PASSWORD_CHANGE_REQUIRED` for who has an issued password, `UNAUTHENTICATED` for nobody.
pub(crate) fn enrolling<'c>(context: &'c Context<'_>) -> Result<&'c Principal, Problem> {
    match bearer(context)? {
        Principal::User {
            must_change_password: true,
            ..
        } => Err(Problem::new(
            Code::PasswordChangeRequired,
            "your password was issued by somebody else: choose another one by changePassword, and go \
             on with the token that it answers",
        )),
        principal => Ok(principal),
    }
}

/// The caller, though it may have to change its password first.
///
/// # Errors
/// `UNAUTHENTICATED` for nobody. The transports refuse nobody before (all but who signs in or out);
/// this is the second lock on the same door.
pub(crate) fn bearer<'c>(context: &'c Context<'_>) -> Result<&'c Principal, Problem> {
    match context.data_opt::<Caller>() {
        Some(Caller::Known(principal)) => Ok(principal),
        _ => Err(Problem::new(
            Code::Unauthenticated,
            "sign in first: send `Authorization: Bearer <token>`",
        )),
    }
}

/// That the caller may do this at a site, or in an organisation as a whole.
///
/// # Errors
/// `FORBIDDEN`, or `UNAUTHENTICATED` for nobody.
pub(crate) fn permit(
    context: &Context<'_>,
    permission: Permission,
    organisation: &Slug,
    site: Option<&Slug>,
) -> Result<(), Problem> {
    let scope = Scope {
        organisation: organisation.clone(),
        site: site.cloned(),
    };
    Ok(authorise(principal(context)?, permission, &scope)?)
}

/// Whether a thing that was looked up is there for the caller. What it may not see is not: an id, which
/// everybody can compute, tells no name and not even that there is such a thing.
///
/// # Errors
/// What stands in the way of everything that the caller asks, such as `UNAUTHENTICATED` for nobody.
pub(crate) fn sees(
    context: &Context<'_>,
    permission: Permission,
    organisation: &Slug,
    site: Option<&Slug>,
) -> Result<bool, Problem> {
    match permit(context, permission, organisation, site) {
        Ok(()) => Ok(true),
        Err(problem) if problem.code == Code::Forbidden => Ok(false),
        Err(problem) => Err(problem),
    }
}

/// What of an organisation the caller may see.
pub(crate) enum Reach {
    Whole,
    /// These sites of it, by name; none, if nothing.
    Sites(Vec<Slug>),
}

impl Reach {
    /// Asks for it.
    ///
    /// # Errors
    /// As [`sees`].
    pub(crate) fn of(
        context: &Context<'_>,
        permission: Permission,
        organisation: &Slug,
    ) -> Result<Self, Problem> {
        if sees(context, permission, organisation, None)? {
            return Ok(Self::Whole);
        }
        let mut seen = Vec::new();
        for site in principal(context)?.sites_of(organisation) {
            if sees(context, permission, organisation, Some(site))? {
                seen.push(site.clone());
            }
        }
        Ok(Self::Sites(seen))
    }

    pub(crate) fn is_nothing(&self) -> bool {
        matches!(self, Self::Sites(sites) if sites.is_empty())
    }
}

/// Whether the caller may, for lists that show only what it may see.
pub(crate) fn may(context: &Context<'_>, permission: Permission, organisation: &Slug) -> bool {
    permit(context, permission, organisation, None).is_ok()
}

/// Whether the caller may, here and now.
pub(crate) fn may_in(
    context: &Context<'_>,
    permission: Permission,
    organisation: &Slug,
    site: Option<&Slug>,
) -> bool {
    permit(context, permission, organisation, site).is_ok()
}
