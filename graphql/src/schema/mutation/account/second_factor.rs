//! The second factor of one's own account.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use chrono::Utc;
use sealrock_access::gate::Code as FactorCode;
use sealrock_access::{AccountId, Principal, STEP_UP_HOLDS, Username};
use sealrock_commands::Commands;
use uuid::Uuid;

use super::{gate, visitor};
use crate::code::Code;
use crate::schema::guard::{enrolling, principal};
use crate::schema::input::read;
use crate::schema::mutation::receipt::Receipt;
use crate::schema::mutation::{sender, sent_by};
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

/// A member who has lost what codes come from.
#[derive(InputObject)]
struct ResetSecondFactorInput {
    /// Idempotency key: the same key with the same input is answered with the first receipt.
    command_id: Option<Uuid>,
    /// Slug of the organisation.
    organisation: String,
    /// Id of the account.
    account: Uuid,
}

/// The member signs in by the password alone, until a second factor is enrolled.
#[derive(SimpleObject)]
struct ResetSecondFactorPayload {
    /// Proof that it is durable; null if there was no second factor.
    receipt: Option<Receipt>,
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
        let caller = enrolling(context)?;
        let (account, username) = person(caller)?;
        recently_proved(caller)?;
        let enrolment = gate(context).enrol(account, username).await?;
        Ok(EnrolSecondFactorPayload {
            secret: enrolment.secret,
            uri: enrolment.uri,
        })
    }

    /// Shows that the app has the secret: codes are asked for from now on. Needs a recent sign-in or
    /// `stepUp`.
    async fn confirm_second_factor(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "A code of the app.")] input: ConfirmSecondFactorInput,
    ) -> Result<ConfirmSecondFactorPayload, Problem> {
        let caller = enrolling(context)?;
        let (account, _) = person(caller)?;
        recently_proved(caller)?;
        let (code, address) = (FactorCode(input.code), visitor(context).client.address);
        let recovery_codes = gate(context).confirm(account, &code, address).await?;
        note_enrolled(context, caller, account).await;
        Ok(ConfirmSecondFactorPayload { recovery_codes })
    }

    /// Takes the second factor of a member away, who has lost it and all recovery codes. An entry of
    /// the organisation's ledger says so.
    async fn reset_second_factor(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which member.")] input: ResetSecondFactorInput,
    ) -> Result<ResetSecondFactorPayload, Problem> {
        let sender = sender(context, input.command_id)?;
        let organisation = read("organisation", &input.organisation)?;
        let commands = context.data_unchecked::<Commands>();
        let reset = commands.reset_second_factor(&sender, &organisation, AccountId(input.account));
        Ok(ResetSecondFactorPayload {
            receipt: reset.await?.as_ref().map(Receipt::of),
        })
    }

    /// Takes the caller's own second factor away. Needs a recent sign-in or `stepUp`.
    async fn disable_second_factor(
        &self,
        context: &Context<'_>,
    ) -> Result<DisableSecondFactorPayload, Problem> {
        let caller = principal(context)?;
        let (account, _) = person(caller)?;
        recently_proved(caller)?;
        let commands = context.data_unchecked::<Commands>();
        let sender = sent_by(caller, None);
        let disabled = commands.disable_second_factor(&sender, account);
        Ok(DisableSecondFactorPayload {
            disabled: disabled.await?,
        })
    }
}

/// An entry says that there is a second factor, even if its owner hangs up. The recovery codes are shown
/// this once: they are answered too if it cannot be written.
async fn note_enrolled(context: &Context<'_>, caller: &Principal, account: AccountId) {
    let commands = context.data_unchecked::<Commands>().clone();
    let sender = sent_by(caller, None);
    let noting = tokio::spawn(async move {
        if let Err(error) = commands.note_second_factor(&sender, account).await {
            tracing::warn!(%error, %account, "a second factor that was enrolled is in no ledger");
        }
    });
    // It goes on by itself.
    let _ = noting.await;
}

fn person(caller: &Principal) -> Result<(AccountId, &Username), Problem> {
    match caller {
        Principal::User { id, username, .. } => Ok((*id, username)),
        _ => Err(Problem::new(Code::Forbidden, "only people have one")),
    }
}

/// That the caller has proved a short while ago who they are.
fn recently_proved(caller: &Principal) -> Result<(), Problem> {
    let proved = match caller {
        Principal::User { stepped_up, .. } => *stepped_up,
        _ => None,
    };
    if proved.is_some_and(|proved| Utc::now() < proved + STEP_UP_HOLDS) {
        return Ok(());
    }
    Err(Problem::new(
        Code::StepUpRequired,
        "prove again who you are: stepUp with your password or a code, then repeat this",
    ))
}
