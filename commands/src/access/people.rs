//! What happens to the account of somebody besides their role.

use sealrock_access::registrations::{self, RegisterError, Registration, Waiting};
use sealrock_access::{
    AccountId, ClientAddress, Permission, Username, accounts, second_factor, standing as rows,
};
use sealrock_domain::Slug;
use sealrock_domain::access::AccessNote;

use crate::commands::Commands;
use crate::context::{Context, Done};
use crate::error::CommandError;
use crate::ledger::permit;

/// Why somebody did not register.
#[derive(Debug, thiserror::Error)]
pub enum RegistrationError {
    /// There is no such organisation, or it does not let people register: which of them is not told.
    #[error(
        "this organisation takes no registrations: ask one of its administrators for an invitation"
    )]
    Closed,
    /// It does, but not this one.
    #[error(transparent)]
    Refused(#[from] RegisterError),
    /// The ledger could not be asked.
    #[error(transparent)]
    Command(CommandError),
}

impl Commands {
    /// Makes an account that waits for a role, for a stranger, if the organisation lets people
    /// register. No entry is made of it: strangers write no ledger.
    ///
    /// # Errors
    /// [`RegistrationError`].
    pub async fn register(
        &self,
        registration: Registration,
        address: Option<ClientAddress>,
    ) -> Result<(), RegistrationError> {
        let open = match self.access_of(&registration.organisation).await {
            Ok(access) => access.state().settings().self_registration,
            Err(CommandError::NotFound(_)) => false,
            Err(error) => return Err(RegistrationError::Command(error)),
        };
        if !open {
            return Err(RegistrationError::Closed);
        }
        Ok(registrations::register(self.store.pool(), registration, address).await?)
    }

    /// The accounts of an organisation that wait for a role.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn waiting(
        &self,
        context: &Context,
        organisation: &Slug,
    ) -> Result<Vec<Waiting>, CommandError> {
        permit(context, Permission::ManageAccess, organisation, None)?;
        Ok(registrations::list(self.store.pool(), organisation).await?)
    }

    /// Erases an account that waits for a role.
    ///
    /// # Errors
    /// See [`CommandError`]; `NotFound` if none such waits.
    pub async fn decline_registration(
        &self,
        context: &Context,
        organisation: &Slug,
        account: AccountId,
    ) -> Result<(), CommandError> {
        permit(context, Permission::ManageAccess, organisation, None)?;
        if registrations::decline(self.store.pool(), organisation, account).await? {
            return Ok(());
        }
        Err(CommandError::NotFound(format!(
            "no account {account} waits for a role in {organisation}: registrations lists those that do"
        )))
    }

    /// Ends the membership of a person, and forgets them: name, password, second factor and sessions.
    /// Ledgers keep the id, which says nothing about them then. Answers the id; `None` if there is no
    /// such account.
    ///
    /// # Errors
    /// See [`CommandError`]. The last administrator of an organisation is not erased: nothing has
    /// happened then.
    pub async fn erase_account(
        &self,
        context: &Context,
        username: &Username,
    ) -> Result<Option<AccountId>, CommandError> {
        let pool = self.store.pool();
        let Some(account) = accounts::find_id(pool, username).await? else {
            return Ok(None);
        };
        let row = rows::find(pool, account).await?;
        if let Some(organisation) = row.and_then(|row| row.organisation) {
            let ended = self.deactivate_member(context, &organisation, account);
            match ended.await {
                // No member (any more), or of an organisation that is not registered.
                Ok(_) | Err(CommandError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(accounts::erase(pool, username).await?)
    }

    /// Takes the second factor of a member away who has lost it; `None` if there is none. The entry
    /// comes first: what is repeated after a failure finds the second factor still there.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn reset_second_factor(
        &self,
        context: &Context,
        organisation: &Slug,
        account: AccountId,
    ) -> Result<Option<Done>, CommandError> {
        permit(context, Permission::ManageAccess, organisation, None)?;
        self.require_account(organisation, account).await?;
        let pool = self.store.pool();
        let Some(since) = second_factor::enrolled_since(pool, account).await? else {
            return Ok(None);
        };
        let note = AccessNote::SecondFactorReset { account, since };
        let done = self.note_access(context, organisation, note).await?;
        second_factor::remove_of(pool, account, since).await?;
        Ok(Some(done))
    }
}
