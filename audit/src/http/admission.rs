//! Who may read an operational ledger.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use sealrock_access::{Denied, Identify, Permission, Principal, Scope, authorise};
use sealrock_ledger::LedgerName;

use super::problem::Problem;

/// That somebody asks for a ledger. Whether he may is asked again for each piece of a long answer.
#[derive(Clone)]
pub(super) struct Admission {
    identity: Arc<dyn Identify>,
    bearer: String,
    asked: Scope,
    organisation: Scope,
}

impl Admission {
    /// Who asks for this ledger, which takes the facts of `organisation`.
    pub(super) fn new(
        identity: Arc<dyn Identify>,
        headers: &HeaderMap,
        asked: &LedgerName,
        organisation: &LedgerName,
    ) -> Result<Self, Problem> {
        let bearer = bearer(headers).ok_or_else(Problem::anonymous)?.to_owned();
        Ok(Self {
            identity,
            bearer,
            asked: scope_of(asked)?,
            organisation: scope_of(organisation)?,
        })
    }

    /// Who it is, if they may read it now. A refusal speaks of the ledger that was asked for and of nothing
    /// else.
    pub(super) async fn reader(&self) -> Result<Principal, Problem> {
        let identified = self.identity.identify(&self.bearer).await;
        let principal = identified.map_err(|error| Problem::unidentified(&error))?;
        let allowed = authorise(&principal, Permission::ReadLedger, &self.organisation);
        allowed.map_err(|denied| {
            Problem::denied(&Denied {
                scope: self.asked.clone(),
                ..denied
            })
        })?;
        Ok(principal)
    }
}

/// Who asks, if a good token says so.
pub(super) async fn actor(identity: &dyn Identify, headers: &HeaderMap) -> Option<String> {
    let identified = identity.identify(bearer(headers)?).await;
    Some(identified.ok()?.actor())
}

fn scope_of(ledger: &LedgerName) -> Result<Scope, Problem> {
    let organisation = ledger.as_str().parse();
    organisation
        .map(Scope::organisation)
        .map_err(|_| Problem::not_found("there is no such ledger"))
}

/// The scheme's name has no case (RFC 9110, 11.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
