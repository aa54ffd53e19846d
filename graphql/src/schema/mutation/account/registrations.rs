//! Registrations: somebody makes an account by themselves, and an administrator decides on it.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use sealrock_access::registrations::Registration;
use sealrock_access::{AccountId, Password};
use sealrock_commands::Commands;
use uuid::Uuid;

use super::visitor;
use crate::schema::input::read;
use crate::schema::mutation::sender;
use crate::schema::problem::Problem;

#[derive(Default)]
pub(crate) struct RegistrationMutation;

/// Somebody who wants to become a member.
#[derive(InputObject)]
struct RegisterInput {
    /// Slug of the organisation.
    organisation: String,
    /// The name to sign in with.
    username: String,
    /// Where administrators of the organisation reach them.
    mail: String,
    /// A password of their own: 12 to 1,024 characters that are not easily guessed.
    #[graphql(secret)]
    password: String,
}

/// If the name was free, an account waits for an administrator of the organisation. That it was taken
/// is not told: who cannot sign in chooses another name.
#[derive(SimpleObject)]
struct RegisterPayload {
    /// The name to sign in with.
    username: String,
    /// Slug of the organisation.
    organisation: String,
    /// To be read out to the administrator who asks for it: `registrations` has it too if the account
    /// that waits is the one that was made now, and not one of somebody who was first to take the name.
    code: String,
}

/// An account that shall not become a member.
#[derive(InputObject)]
struct DeclineRegistrationInput {
    /// Slug of the organisation.
    organisation: String,
    /// Id of the account.
    account: Uuid,
}

/// The account is erased, and its name is free.
#[derive(SimpleObject)]
struct DeclineRegistrationPayload {
    /// Id of the account.
    account: Uuid,
}

#[Object]
impl RegistrationMutation {
    /// Makes an account of an organisation that lets people register. It may do nothing before an
    /// administrator gives it a role by `assignRole`. Needs no token.
    async fn register(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Who, and where.")] input: RegisterInput,
    ) -> Result<RegisterPayload, Problem> {
        let registration = Registration {
            organisation: read("organisation", &input.organisation)?,
            username: read("username", &input.username)?,
            mail: read("mail", &input.mail)?,
            password: Password::new(input.password),
        };
        let (username, organisation) = (
            registration.username.to_string(),
            registration.organisation.to_string(),
        );
        let address = visitor(context).client.address;
        let commands = context.data_unchecked::<Commands>();
        Ok(RegisterPayload {
            username,
            organisation,
            code: commands.register(registration, address).await?,
        })
    }

    /// Erases an account that waits for a role.
    async fn decline_registration(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which account.")] input: DeclineRegistrationInput,
    ) -> Result<DeclineRegistrationPayload, Problem> {
        let sender = sender(context, None)?;
        let organisation = read("organisation", &input.organisation)?;
        let commands = context.data_unchecked::<Commands>();
        let declined =
            commands.decline_registration(&sender, &organisation, AccountId(input.account));
        declined.await?;
        Ok(DeclineRegistrationPayload {
            account: input.account,
        })
    }
}
