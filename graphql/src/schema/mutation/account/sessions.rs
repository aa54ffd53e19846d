//! Ending sessions from elsewhere.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use sealrock_access::sessions::Because;
use sealrock_access::{AccountId, Principal, SessionId};

use super::gate;
use crate::code::Code;
use crate::schema::guard::principal;
use crate::schema::problem::Problem;

#[derive(Default)]
pub(crate) struct SessionMutation;

/// Which session to end.
#[derive(InputObject)]
struct RevokeSessionInput {
    /// The session, one of the caller's own.
    id: ID,
}

/// What was ended.
#[derive(SimpleObject)]
struct SessionsEndedPayload {
    /// How many sessions.
    ended: u64,
}

#[Object]
impl SessionMutation {
    /// Ends one of the caller's own sessions; its tokens are refused within a second.
    async fn revoke_session(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which session.")] input: RevokeSessionInput,
    ) -> Result<SessionsEndedPayload, Problem> {
        let account = own_account(context)?;
        let none = || {
            Problem::new(
                Code::NotFound,
                "you have no such open session: viewer { sessions } has those there are",
            )
        };
        let session = input.id.parse().map_err(|_| none())?;
        let ended = gate(context).end(account, SessionId(session), Because::Revoked);
        if ended.await? {
            Ok(SessionsEndedPayload { ended: 1 })
        } else {
            Err(none())
        }
    }

    /// Ends all of the caller's sessions, this one too.
    async fn sign_out_everywhere(
        &self,
        context: &Context<'_>,
    ) -> Result<SessionsEndedPayload, Problem> {
        let account = own_account(context)?;
        let ended = gate(context).end_all(account, None, Because::Revoked);
        Ok(SessionsEndedPayload {
            ended: ended.await?,
        })
    }
}

/// Whose session asks.
pub(super) fn own_account(context: &Context<'_>) -> Result<AccountId, Problem> {
    match principal(context)? {
        Principal::User { id, .. } => Ok(*id),
        _ => Err(Problem::new(
            Code::Forbidden,
            "only people have sessions and second factors",
        )),
    }
}
