//! The second factor of one's own account.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use chrono::Utc;
use sealrock_access::gate::Code as FactorCode;
use sealrock_access::{Principal, STEP_UP_HOLDS, second_factor};
use sqlx::PgPool;

use super::gate;
use super::sessions::own_account;
use crate::code::Code;
use crate::schema::guard::principal;
use crate::schema::problem::Problem;

#[derive(Default)]
pub(crate) struct SecondFactorMutation;

/// A secret for an authenticator app, shown this once.
#[derive(SimpleObject)]
struct EnrolSecondFactorPayload {
    /// The secret in base32, to be typed.
    secret: String,
    /// The same as `otpauth://…`, for a QR code.
    uri: String,
}

/// A code that the app shows.
#[derive(InputObject)]
struct ConfirmSecondFactorInput {
    /// The six digits of this moment.
    #[graphql(secret)]
    code: String,
}

/// Codes are asked for from now on.
#[derive(SimpleObject)]
struct ConfirmSecondFactorPayload {
    /// Ten codes for the day when the app is lost, each good once; shown this once.
    recovery_codes: Vec<String>,
}

/// Codes are asked for no more.
#[derive(SimpleObject)]
struct DisableSecondFactorPayload {
    /// Whether there was a second factor.
    disabled: bool,
}

#[Object]
impl SecondFactorMutation {
    /// Begins a second factor for the caller's own account. It is asked for once
    /// `confirmSecondFactor` has shown that the app has it. Needs a recent sign-in or `stepUp`.
    async fn enrol_second_factor(
        &self,
        context: &Context<'_>,
    ) -> Result<EnrolSecondFactorPayload, Problem> {
        let account = own_account(context)?;
        let Principal::User { username, .. } = recently_proved(context)? else {
            return Err(Problem::new(Code::Forbidden, "only people have one"));
        };
        let enrolment = gate(context).enrol(account, username).await?;
        Ok(EnrolSecondFactorPayload {
            secret: enrolment.secret,
            uri: enrolment.uri,
        })
    }

    /// Shows that the app has the secret: codes are asked for from now on.
    async fn confirm_second_factor(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "A code of the app.")] input: ConfirmSecondFactorInput,
    ) -> Result<ConfirmSecondFactorPayload, Problem> {
        let account = own_account(context)?;
        let code = FactorCode(input.code);
        let recovery_codes = gate(context).confirm(account, &code).await?;
        Ok(ConfirmSecondFactorPayload { recovery_codes })
    }

    /// Takes the caller's own second factor away. Needs a recent sign-in or `stepUp`.
    async fn disable_second_factor(
        &self,
        context: &Context<'_>,
    ) -> Result<DisableSecondFactorPayload, Problem> {
        let account = own_account(context)?;
        recently_proved(context)?;
        let removed = second_factor::remove(context.data_unchecked::<PgPool>(), account);
        Ok(DisableSecondFactorPayload {
            disabled: removed.await?,
        })
    }
}

/// The caller, who has proved a short while ago who they are.
fn recently_proved<'c>(context: &'c Context<'_>) -> Result<&'c Principal, Problem> {
    let principal = principal(context)?;
    let proved = match principal {
        Principal::User { stepped_up, .. } => *stepped_up,
        _ => None,
    };
    if proved.is_some_and(|proved| Utc::now() < proved + STEP_UP_HOLDS) {
        return Ok(principal);
    }
    Err(Problem::new(
        Code::StepUpRequired,
        "prove again who you are: stepUp with your password or a code, then repeat this",
    ))
}
