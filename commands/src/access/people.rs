//! What happens to the account of somebody besides their role.

use chrono::{DateTime, Utc};
use sealrock_access::links::{self, Subject};
use sealrock_access::registrations::{self, RegisterError, Registration, Waiting};
use sealrock_access::{
    AccountId, ClientAddress, Password, Permission, Role, Username, accounts, second_factor,
    standing as rows,
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
    /// register. No entry is made of it: strangers write no ledger. Answers the code that an administrator
    /// asks for.
    ///
    /// # Errors
    /// [`RegistrationError`].
    pub async fn register(
        &self,
        registration: Registration,
        address: Option<ClientAddress>,
    ) -> Result<String, RegistrationError> {
        let open = match self.access_of(&registration.organisation).await {
            Ok(access) => access.state().settings().self_registration,
            Err(CommandError::NotFound(_)) => false,
            Err(error) => return Err(RegistrationError::Command(error)),
        };
        if !open {
            return Err(RegistrationError::Closed);
        }
        if let Err(error) = self.forget_registrations().await {
            tracing::warn!(%error, "registrations of long ago are still there");
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
        let mut waiting = registrations::list(self.store.pool(), organisation).await?;
        if !waiting.is_empty() {
            // Of those that are members the row was not told, because a server ended.
            let access = self.access_of(organisation).await?;
            waiting.retain(|one| access.state().member(one.id).is_none());
        }
        Ok(waiting)
    }

    /// Erases an account that waits for a role. The entry comes first: what is repeated after a failure
    /// finds the account still waiting.
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
        // Of those that nobody is about to give a role.
        let waiting = self.waiting(context, organisation).await?;
        if waiting.iter().any(|one| one.id == account && !one.held) {
            let note = AccessNote::RegistrationDeclined { account };
            self.note_access(context, organisation, note).await?;
            // Unless another administrator began to give it a role at this moment.
            if self.forget_registration(organisation, account).await? {
                return Ok(());
            }
        }
        Err(CommandError::NotFound(format!(
            "no account {account} waits for a role in {organisation}: registrations lists those that do; who \
             was about to get one can be declined two minutes later"
        )))
    }

    /// Notes that an account of no organisation was made, which reaches all of them; where that cannot be
    /// noted, there is none. For who runs the platform.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn note_added(
        &self,
        context: &Context,
        username: &Username,
        role: Role,
    ) -> Result<(), CommandError> {
        permit(context, Permission::ManageAccess, &Slug::platform(), None)?;
        let pool = self.store.pool();
        let Some(account) = accounts::find_id(pool, username).await? else {
            return Ok(());
        };
        let note = AccessNote::AccountAdded { account, role };
        let noted = self.note_platform(context, note).await;
        if noted.is_err() {
            accounts::erase(pool, username).await?;
        }
        noted.map(|_| ())
    }

    /// Erases accounts that have waited for a role for a month.
    ///
    /// # Errors
    /// See [`CommandError`]; some are left then.
    pub async fn forget_registrations(&self) -> Result<(), CommandError> {
        let mut done = Ok(());
        for (account, organisation) in registrations::old(self.store.pool()).await? {
            // One that cannot be looked at keeps no others.
            let forgotten = self.forget_registration(&organisation, account).await;
            done = done.and(forgotten.map(drop));
        }
        done
    }

    /// Erases an account that waits for a role; `false` if none such does. Who is a member by an entry
    /// waits for nothing, whatever the row says.
    async fn forget_registration(
        &self,
        organisation: &Slug,
        account: AccountId,
    ) -> Result<bool, CommandError> {
        let pool = self.store.pool();
        match self.access_of(organisation).await {
            Ok(access) if access.state().member(account).is_some() => {
                rows::recorded(pool, account).await?;
                return Ok(false);
            }
            Ok(_) | Err(CommandError::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
        // Whoever has begun to give it a role since then holds it.
        Ok(registrations::decline(pool, organisation, account).await?)
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
        let Some(organisation) = row.map(|row| row.organisation) else {
            return Ok(None);
        };
        if let Some(organisation) = organisation {
            let ended = self.deactivate_member(context, &organisation, account);
            match ended.await {
                // No member (any more), or of an organisation that is not registered.
                Ok(_) | Err(CommandError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        } else {
            self.permit_account(context, account).await?;
            let note = AccessNote::AccountErased { account };
            self.note_platform(context, note).await?;
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

    /// Takes the second factor of any account away: for who runs the platform. `false` if there is none.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn take_second_factor(
        &self,
        context: &Context,
        account: AccountId,
    ) -> Result<bool, CommandError> {
        self.permit_account(context, account).await?;
        let note = |since| AccessNote::SecondFactorReset { account, since };
        self.end_second_factor(context, account, note).await
    }

    /// Notes that the caller enrolled a second factor, which is there.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn note_second_factor(
        &self,
        context: &Context,
        account: AccountId,
    ) -> Result<(), CommandError> {
        let note = AccessNote::MfaEnrolled { account };
        self.note_account(context, account, note).await
    }

    /// Takes the second factor of the caller's own account away; `false` if there is none.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn disable_second_factor(
        &self,
        context: &Context,
        account: AccountId,
    ) -> Result<bool, CommandError> {
        let note = |_| AccessNote::MfaDisabled { account };
        self.end_second_factor(context, account, note).await
    }

    /// The entry comes first.
    async fn end_second_factor(
        &self,
        context: &Context,
        account: AccountId,
        note: impl FnOnce(DateTime<Utc>) -> AccessNote,
    ) -> Result<bool, CommandError> {
        let pool = self.store.pool();
        let Some(since) = second_factor::enrolled_since(pool, account).await? else {
            return Ok(false);
        };
        self.note_account(context, account, note(since)).await?;
        second_factor::remove_of(pool, account, since).await?;
        Ok(true)
    }

    /// Gives an account a password that was made here, and ends its sessions: for who runs the platform.
    /// The entry comes first. `None` if there is no such account.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn reset_password(
        &self,
        context: &Context,
        username: &Username,
    ) -> Result<Option<Password>, CommandError> {
        let pool = self.store.pool();
        let Some(account) = accounts::find_id(pool, username).await? else {
            return Ok(None);
        };
        self.permit_account(context, account).await?;
        let note = AccessNote::PasswordReset { account };
        self.note_account(context, account, note).await?;
        Ok(accounts::reset_password(pool, username).await?)
    }

    /// Says that a subject of an identity provider is this account: for who runs the platform. The
    /// entry comes first, and names no subject. `false` if the subject is another account.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn link_identity(
        &self,
        context: &Context,
        subject: &Subject,
        account: AccountId,
    ) -> Result<bool, CommandError> {
        self.permit_account(context, account).await?;
        let pool = self.store.pool();
        let linked = links::account_of(pool, subject).await?;
        if linked.is_some_and(|linked| linked != account) {
            return Ok(false);
        }
        let note = AccessNote::IdentityLinked { account };
        self.note_account(context, account, note).await?;
        Ok(links::link(pool, subject, account).await?)
    }

    /// Ends all links of an account, and its sessions: for who runs the platform. `false` if there are
    /// none.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn unlink_identity(
        &self,
        context: &Context,
        account: AccountId,
    ) -> Result<bool, CommandError> {
        self.permit_account(context, account).await?;
        let pool = self.store.pool();
        if !links::is_linked(pool, account).await? {
            return Ok(false);
        }
        let note = AccessNote::IdentityUnlinked { account };
        self.note_account(context, account, note).await?;
        Ok(links::unlink(pool, account).await? > 0)
    }

    /// That the caller manages the access of the account's organisation; of one without, the platform's.
    async fn permit_account(
        &self,
        context: &Context,
        account: AccountId,
    ) -> Result<(), CommandError> {
        let organisation = self.organisation_of(account).await?;
        permit(context, Permission::ManageAccess, &organisation, None)
    }
}
