//! Who may read an operational ledger.

use axum::http::{HeaderMap, header};
use sealrock_access::{Denied, Identify, Permission, Principal, Scope, authorise};
use sealrock_ledger::LedgerName;

use super::problem::Problem;

/// Who asks, if they may read this ledger, which takes the facts of
/// `organisation`. A refusal speaks of the ledger that was asked for and of nothing else.
pub(super) async fn require_reader(
    identity: &dyn Identify,
    headers: &HeaderMap,
    asked: &LedgerName,
    organisation: &LedgerName,
) -> Result<Principal, Problem> {
    let token = bearer(headers).ok_or_else(Problem::anonymous)?;
    let identified = identity.identify(token).await;
    let principal = identified.map_err(|error| Problem::unidentified(&error))?;
    let scope = scope_of(organisation)?;
    let asked = scope_of(asked)?;
    authorise(&principal, Permission::ReadLedger, &scope).map_err(|denied| {
        Problem::denied(&Denied {
            scope: asked,
            ..denied
        })
    })?;
    Ok(principal)
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
