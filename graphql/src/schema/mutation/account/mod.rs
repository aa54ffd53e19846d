//! Signing in and out, and passwords.

mod invitations;
mod registrations;
mod second_factor;
mod sessions;

use async_graphql::{Context, InputObject, Object, SimpleObject};
use chrono::Utc;
use sealrock_access::accounts::ChangePasswordError;
use sealrock_access::gate::{
    Code as FactorCode, EnterError, Entered, Gate, LockedOut, Proof, StepUp, StepUpError,
};
use sealrock_access::sessions::{Because, RefreshError, cookie};
use sealrock_access::{IdentifyError, IssuedToken, Password, Principal};
use sealrock_commands::{Commands, Context as CommandContext, Identities};
use sealrock_domain::access::AccessNote;
use uuid::Uuid;

use crate::caller::Caller;
use crate::code::Code;
use crate::schema::guard::bearer;
use crate::schema::problem::Problem;
use crate::schema::scalars::Time;
use crate::schema::types::Viewer;
use crate::visitor::Visitor;

pub(crate) use invitations::InvitationMutation;
pub(crate) use registrations::RegistrationMutation;
pub(crate) use second_factor::SecondFactorMutation;
pub(crate) use sessions::SessionMutation;

#[derive(Default)]
pub(crate) struct AccountMutation;

/// Who signs in.
#[derive(InputObject)]
struct SignInInput {
    /// Name of the account.
    username: String,
    /// Its password.
    #[graphql(secret)]
    password: String,
    /// A code of its second factor, or a recovery code, if it has one (`SECOND_FACTOR_REQUIRED`).
    #[graphql(secret)]
    code: Option<String>,
    /// For a browser: a cookie is set by which `refreshSession` goes on with the session.
    #[graphql(default)]
    session: bool,
}

/// A token for the requests that follow.
#[derive(SimpleObject)]
struct SignInPayload {
    /// Send it as `Authorization: Bearer <token>`.
    access_token: String,
    /// When it stops being accepted: sign in again before, or in a browser refresh the session.
    expires_at: Time,
    /// Whether the password was issued by somebody else: nothing is answered before it is changed.
    must_change_password: bool,
    /// Whether nothing is answered before a second factor is enrolled: the organisation asks for one.
    must_enrol_second_factor: bool,
    /// Who signed in.
    viewer: Viewer,
}

/// The session is over.
#[derive(SimpleObject)]
struct SignOutPayload {
    /// Whether there was one.
    signed_out: bool,
}

/// A new password.
#[derive(InputObject)]
struct ChangePasswordInput {
    /// The password that holds now.
    #[graphql(secret)]
    current_password: String,
    /// The password to come: 12 to 1,024 characters that are not easily guessed.
    #[graphql(secret)]
    new_password: String,
}

/// The new password holds, and all other sessions have ended.
#[derive(SimpleObject)]
struct ChangePasswordPayload {
    /// Name of the account.
    username: String,
    /// A token of the same session, in place of the one that said that the password must be changed.
    access_token: String,
    /// When it stops being accepted.
    expires_at: Time,
}

/// A proof that it is still the same person: one of the two.
#[derive(InputObject)]
struct StepUpInput {
    /// The password, of an account without a second factor.
    #[graphql(secret)]
    password: Option<String>,
    /// A code of the second factor, or a recovery code.
    #[graphql(secret)]
    code: Option<String>,
}

/// What must not be done on an unattended screen can be done for 15 minutes.
#[derive(SimpleObject)]
struct StepUpPayload {
    /// A token of the same session that says so.
    access_token: String,
    /// When it stops being accepted.
    expires_at: Time,
}

#[Object]
impl AccountMutation {
    /// Gives a token for a name and password. Needs no token.
    async fn sign_in(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Name and password.")] input: SignInInput,
    ) -> Result<SignInPayload, Problem> {
        let visitor = visitor(context);
        if input.session {
            own_page(&visitor)?;
        }
        let proof = Proof {
            username: input.username,
            password: Password::new(input.password),
            code: input.code.map(FactorCode),
        };
        let entered = gate(context).enter(proof, &visitor.client, input.session);
        match entered.await {
            Err(EnterError::LockedOut(locked)) => Err(locked_out(context, &locked)),
            entered => signed_in(context, entered?).await,
        }
    }

    /// Goes on with the session of a browser's cookie: a new token, and a new cookie. Needs no token.
    async fn refresh_session(&self, context: &Context<'_>) -> Result<SignInPayload, Problem> {
        let visitor = visitor(context);
        own_page(&visitor)?;
        let token = visitor.refresh_token.ok_or_else(no_cookie)?;
        match gate(context).renew(&token).await {
            Ok(entered) => signed_in(context, entered).await,
            Err(error) => {
                if !matches!(error, RefreshError::Access(_)) {
                    set_cookie(context, &cookie::forget());
                }
                Err(error.into())
            }
        }
    }

    /// Ends the session of the token, or of a browser's cookie.
    async fn sign_out(&self, context: &Context<'_>) -> Result<SignOutPayload, Problem> {
        let visitor = visitor(context);
        let mut signed_out = false;
        if let Some(Caller::Known(Principal::User {
            id,
            session: Some(session),
            ..
        })) = context.data_opt()
        {
            let ended = gate(context).end(*id, *session, Because::SignOut);
            signed_out = ended.await?;
        }
        if let Some(token) = &visitor.refresh_token {
            own_page(&visitor)?;
            signed_out |= gate(context).leave(token).await?;
            set_cookie(context, &cookie::forget());
        }
        Ok(SignOutPayload { signed_out })
    }

    /// Changes the caller's own password.
    async fn change_password(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The password that there is, and the one that shall be.")]
        input: ChangePasswordInput,
    ) -> Result<ChangePasswordPayload, Problem> {
        let who = bearer(context)?;
        let Principal::User { username, .. } = who else {
            return Err(Problem::new(Code::Forbidden, "only people have a password"));
        };
        let (current, new) = (
            Password::new(input.current_password),
            Password::new(input.new_password),
        );
        let address = visitor(context).client.address;
        let changed = gate(context).change_password(who, current, new, address);
        let changed = match changed.await {
            Err(ChangePasswordError::LockedOut(locked)) => {
                return Err(locked_out(context, &locked));
            }
            changed => changed?,
        };
        let IssuedToken { token, expires_at } = changed.token;
        Ok(ChangePasswordPayload {
            username: username.to_string(),
            access_token: token,
            expires_at: expires_at.into(),
        })
    }

    /// Proves again who the caller is, for what needs it (`STEP_UP_REQUIRED`).
    async fn step_up(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The proof.")] input: StepUpInput,
    ) -> Result<StepUpPayload, Problem> {
        let proof = match (input.password, input.code) {
            (Some(password), None) => StepUp::Password(Password::new(password)),
            (None, Some(code)) => StepUp::Code(FactorCode(code)),
            _ => return Err(Problem::input("send a password or a code, one of the two")),
        };
        let address = visitor(context).client.address;
        let up = gate(context).step_up(bearer(context)?, proof, address);
        let up = match up.await {
            Err(StepUpError::LockedOut(locked)) => return Err(locked_out(context, &locked)),
            up => up?,
        };
        let IssuedToken { token, expires_at } = up.token;
        Ok(StepUpPayload {
            access_token: token,
            expires_at: expires_at.into(),
        })
    }
}

/// What somebody is told whose guess was the one too many.
fn locked_out(context: &Context<'_>, locked: &LockedOut) -> Problem {
    note_burst(context, locked);
    locked.told.into()
}

/// That somebody keeps guessing is an entry of the organisation's ledger. Nobody waits for it, or the
/// time would tell which names there are; if it cannot be written, the log has it anyway.
fn note_burst(context: &Context<'_>, locked: &LockedOut) {
    let account = locked.account.as_deref();
    let Some(Principal::User {
        id,
        organisation: Some(organisation),
        ..
    }) = account
    else {
        return;
    };
    let by = CommandContext {
        principal: Principal::Service {
            name: "sign-in".parse().expect("a slug"),
        },
        command: Uuid::new_v4(),
        via: "graphql".to_owned(),
        received_at: Utc::now(),
    };
    let note = AccessNote::SignInBurst {
        account: *id,
        failures: locked.failures,
    };
    let commands = context.data_unchecked::<Commands>().clone();
    let (account, organisation) = (*id, organisation.clone());
    tokio::spawn(async move {
        if let Err(error) = commands.note_access(&by, &organisation, note).await {
            tracing::warn!(%error, %account, "a burst of wrong sign-ins is in no ledger");
        }
    });
}

fn gate<'c>(context: &'c Context<'_>) -> &'c Gate {
    context.data_unchecked()
}

/// What HTTP said of the client.
fn visitor(context: &Context<'_>) -> Visitor {
    context.data_opt::<Visitor>().cloned().unwrap_or_default()
}

/// Sessions of browsers are begun, renewed and ended by pages of this server alone.
fn own_page(visitor: &Visitor) -> Result<(), Problem> {
    if visitor.foreign {
        let message = "a page of another site cannot do this: open this server's own page";
        return Err(Problem::new(Code::Forbidden, message));
    }
    Ok(())
}

fn no_cookie() -> Problem {
    Problem::new(
        Code::Unauthenticated,
        "there is no session to go on with: sign in with session: true, and send the cookie",
    )
}

/// What somebody is answered who was let in. The session is there, and whoever ends a membership looks
/// for sessions behind the entry: of the two one sees the other.
async fn signed_in(context: &Context<'_>, entered: Entered) -> Result<SignInPayload, Problem> {
    let identities = context.data_unchecked::<Identities>();
    let viewer: Viewer = match identities.entered(entered.principal.clone()).await {
        Ok(principal) => (&principal).into(),
        Err(IdentifyError::Unavailable) => {
            let message = IdentifyError::Unavailable.to_string();
            return Err(Problem::new(Code::Unavailable, message));
        }
        Err(IdentifyError::Unauthenticated(why)) => {
            if let Principal::User {
                id,
                session: Some(session),
                ..
            } = entered.principal
            {
                gate(context).end(id, session, Because::Account).await?;
            }
            if entered.refresh_token.is_some() {
                set_cookie(context, &cookie::forget());
            }
            return Err(Problem::new(Code::Forbidden, why));
        }
    };
    if let Some(token) = &entered.refresh_token {
        set_cookie(context, &cookie::keep(token));
    }
    Ok(SignInPayload {
        must_change_password: entered.must_change_password(),
        must_enrol_second_factor: viewer.must_enrol_second_factor,
        viewer,
        access_token: entered.token.token,
        expires_at: entered.token.expires_at.into(),
    })
}

fn set_cookie(context: &Context<'_>, cookie: &str) {
    context.append_http_header(axum::http::header::SET_COOKIE, cookie);
}
