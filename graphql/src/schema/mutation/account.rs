//! Signing in, and passwords.

use std::sync::Arc;

use async_graphql::{Context, InputObject, Object, SimpleObject};
use sealrock_access::{Password, Principal, Tokens, accounts};
use sqlx::PgPool;

use crate::code::Code;
use crate::schema::guard::principal;
use crate::schema::problem::Problem;
use crate::schema::scalars::Time;
use crate::schema::types::Viewer;

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
}

/// A token for the requests that follow.
#[derive(SimpleObject)]
struct SignInPayload {
    /// Send it as `Authorization: Bearer <token>`.
    access_token: String,
    /// When it stops being accepted: sign in again before.
    expires_at: Time,
    /// Whether the password was made by the platform and should be changed.
    must_change_password: bool,
    /// Who signed in.
    viewer: Viewer,
}

/// A new password.
#[derive(InputObject)]
struct ChangePasswordInput {
    /// The password that holds now.
    #[graphql(secret)]
    current_password: String,
    /// The password to come, 12 to 1,024 characters.
    #[graphql(secret)]
    new_password: String,
}

/// The new password holds.
#[derive(SimpleObject)]
struct ChangePasswordPayload {
    /// Name of the account.
    username: String,
}

#[Object]
impl AccountMutation {
    /// Gives a token for a name and password. The only field that needs no token.
    async fn sign_in(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Name and password.")] input: SignInInput,
    ) -> Result<SignInPayload, Problem> {
        let pool = context.data_unchecked::<PgPool>();
        let signed_in =
            accounts::sign_in(pool, &input.username, Password::new(input.password)).await?;
        let issued = context
            .data_unchecked::<Arc<Tokens>>()
            .issue(&signed_in.principal);
        Ok(SignInPayload {
            access_token: issued.token,
            expires_at: issued.expires_at.into(),
            must_change_password: signed_in.must_change_password,
            viewer: (&signed_in.principal).into(),
        })
    }

    /// Changes the caller's own password.
    async fn change_password(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The password that there is, and the one that shall be.")]
        input: ChangePasswordInput,
    ) -> Result<ChangePasswordPayload, Problem> {
        let Principal::User { id, username, .. } = principal(context)? else {
            return Err(Problem::new(Code::Forbidden, "only people have a password"));
        };
        let pool = context.data_unchecked::<PgPool>();
        let (current, new) = (
            Password::new(input.current_password),
            Password::new(input.new_password),
        );
        accounts::change_password(pool, *id, current, new).await?;
        Ok(ChangePasswordPayload {
            username: username.as_str().to_owned(),
        })
    }
}
