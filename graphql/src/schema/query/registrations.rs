//! Accounts that wait for a role.

use async_graphql::{Context, Object, SimpleObject};
use sealrock_access::registrations::Waiting;
use sealrock_commands::Commands;
use uuid::Uuid;

use crate::schema::input::read;
use crate::schema::mutation::sender;
use crate::schema::problem::Problem;
use crate::schema::scalars::Time;

#[derive(Default)]
pub(crate) struct RegistrationQuery;

/// An account that somebody made by themselves, and that waits for a role.
#[derive(SimpleObject)]
struct WaitingAccount {
    /// Id of the account, for `assignRole` or `declineRegistration`.
    account: Uuid,
    /// The name that it signs in with.
    username: String,
    /// Where its owner is reached, as they say: nobody has tried it.
    mail: Option<String>,
    /// What `register` told who made it. Have the person read theirs out before you give a role: whoever
    /// has another one was second to take the name, and this account is somebody else's.
    code: Option<String>,
    /// Since when it waits.
    since: Time,
}

#[Object]
impl RegistrationQuery {
    /// The accounts of an organisation that wait for a role, the oldest first.
    #[graphql(complexity = "20 * child_complexity")]
    async fn registrations(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Slug of the organisation.")] organisation: String,
    ) -> Result<Vec<WaitingAccount>, Problem> {
        let (sender, organisation) = (sender(context, None)?, read("organisation", &organisation)?);
        let commands = context.data_unchecked::<Commands>();
        let waiting = commands.waiting(&sender, &organisation).await?;
        Ok(waiting.into_iter().map(WaitingAccount::from).collect())
    }
}

impl From<Waiting> for WaitingAccount {
    fn from(waiting: Waiting) -> Self {
        Self {
            account: waiting.id.as_uuid(),
            username: waiting.username.to_string(),
            mail: waiting.mail.map(|mail| mail.as_str().to_owned()),
            code: waiting.code,
            since: waiting.since.into(),
        }
    }
}
