//! Who may act for an organisation: changes of that are commands, and entries of its ledger.
//!
//! What can be erased (names, labels, hashes of secrets) stands in rows, which are written first and
//! open nothing until the entry names their id.

mod invited;
mod keys;
mod lift;
mod notes;
mod people;
mod standing;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sealrock_access::sessions::{self, Because};
use sealrock_access::{AccessError, AccountId, Permission, Role, registrations, standing as rows};
use sealrock_domain::access::{
    AccessCommand, AccessSettings, AdmitMember, AssignRole, ChangeAccess, DeactivateMember,
    GrantAccess, OrganisationAccess, RevokeAccess,
};
use sealrock_domain::{OrganisationId, Slug};
use sealrock_eventstore::{LedgerKind, Loaded};

use crate::commands::Commands;
use crate::context::{Context, Done};
use crate::error::CommandError;
use crate::ledger::{OrganisationLedger, permit};

pub use invited::InvitationError;
pub use keys::{IssuedApiKey, KeyRequest};
pub use people::RegistrationError;
pub use standing::{FRESH, Identities};

/// Whom an organisation lets look, and until when.
#[derive(Debug, Clone)]
pub struct GrantRequest {
    /// The organisation whose people may look.
    pub to: Slug,
    /// Those of this role.
    pub role: Role,
    /// The sites that they may look at; `None` for all.
    pub sites: Option<Vec<Slug>>,
    /// From when on they may not any more.
    pub until: DateTime<Utc>,
}

impl Commands {
    /// Makes an account a member with a role, or gives it another one. The account is one of this
    /// organisation.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn assign_role(
        &self,
        context: &Context,
        organisation: &Slug,
        account: AccountId,
        role: Role,
        sites: Option<Vec<Slug>>,
    ) -> Result<Done, CommandError> {
        permit(context, Permission::ManageAccess, organisation, None)?;
        self.require_account(organisation, account).await?;
        self.require_sites(organisation, sites.as_deref()).await?;
        self.record_roles_of(organisation).await?;
        let command = AccessCommand::AssignRole(AssignRole {
            account,
            role,
            sites,
        });
        let pool = self.store.pool();
        // Until the entry is there, nobody declines or forgets the account.
        registrations::hold(pool, organisation, account).await?;
        // It may have been declined in between.
        self.require_account(organisation, account).await?;
        let changed = self.change_access(context, organisation, command).await;
        if changed.is_ok() {
            rows::recorded(pool, account).await?;
        }
        changed
    }

    /// Makes an account a member that is new. Who asks is the platform, so nobody needs a permission.
    async fn admit_member(
        &self,
        context: &Context,
        organisation: &Slug,
        member: AdmitMember,
    ) -> Result<Done, CommandError> {
        let account = member.member.account;
        self.require_account(organisation, account).await?;
        self.require_sites(organisation, member.member.sites.as_deref())
            .await?;
        let command = AccessCommand::Admit(member);
        self.change_access(context, organisation, command).await
    }

    /// Ends a membership: tokens and open sockets of the account stop within a second, and its sessions
    /// are over even if it becomes a member again.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn deactivate_member(
        &self,
        context: &Context,
        organisation: &Slug,
        account: AccountId,
    ) -> Result<Done, CommandError> {
        permit(context, Permission::ManageAccess, organisation, None)?;
        self.record_roles_of(organisation).await?;
        let command = AccessCommand::Deactivate(DeactivateMember { account });
        let done = self.change_access(context, organisation, command).await;
        let ended = match &done {
            Ok(_) => true,
            // Ended before, and the sessions maybe not.
            Err(CommandError::NotFound(_)) => {
                let access = self.access_of(organisation).await?;
                let member = access.state().member(account);
                member.is_some_and(|member| !member.active)
            }
            Err(_) => false,
        };
        if ended {
            let pool = self.store.pool();
            rows::recorded(pool, account).await?;
            // Behind the entry: who signs in looks at the ledger when the session is there.
            sessions::revoke_all(pool, account, None, Because::Account).await?;
        }
        done
    }

    /// Lets people of another organisation look.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn grant_access(
        &self,
        context: &Context,
        organisation: &Slug,
        request: GrantRequest,
    ) -> Result<Done, CommandError> {
        permit(context, Permission::GrantAccess, organisation, None)?;
        let GrantRequest {
            to,
            role,
            sites,
            until,
        } = request;
        self.require_sites(organisation, sites.as_deref()).await?;
        rows::may_grant(self.store.pool(), organisation, &to).await?;
        let command = AccessCommand::Grant(GrantAccess {
            own: organisation.clone(),
            organisation: to,
            role,
            sites,
            until,
            now: Utc::now(),
        });
        self.change_access(context, organisation, command).await
    }

    /// Ends what another organisation's people were granted, within a second.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn revoke_access(
        &self,
        context: &Context,
        organisation: &Slug,
        from: &Slug,
        role: Role,
    ) -> Result<Done, CommandError> {
        permit(context, Permission::GrantAccess, organisation, None)?;
        let command = AccessCommand::Revoke(RevokeAccess {
            organisation: from.clone(),
            role,
            now: Utc::now(),
        });
        self.change_access(context, organisation, command).await
    }

    /// Changes what holds for everybody of an organisation.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn change_access_settings(
        &self,
        context: &Context,
        organisation: &Slug,
        settings: AccessSettings,
    ) -> Result<Done, CommandError> {
        permit(context, Permission::ManageAccess, organisation, None)?;
        let command = AccessCommand::ChangeSettings(settings);
        self.change_access(context, organisation, command).await
    }

    /// The access of an organisation as it is committed now; empty where there is no such organisation.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn access_of(
        &self,
        organisation: &Slug,
    ) -> Result<Loaded<OrganisationAccess>, CommandError> {
        let own = self.ledger(organisation).await?;
        // Of a registry before its first member: its own ledger has no such stream.
        let ledger = self.platform_ledger_for(&own).await?.unwrap_or(own);
        let id = OrganisationId::of(organisation).to_string();
        Ok(ledger.access.load_current(&id).await?)
    }

    /// The name of the ledger that has the entries of an organisation's access.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn ledger_name_of_access(&self, organisation: &Slug) -> Result<String, CommandError> {
        let ledger = self.ledger_of_access(organisation).await?;
        Ok(ledger.info.name.to_string())
    }

    /// The ledger that has the entries of an organisation's access: its own, but for a registry, whose
    /// ledger is for everybody. Those are in the platform's.
    pub(crate) async fn ledger_of_access(
        &self,
        organisation: &Slug,
    ) -> Result<Arc<OrganisationLedger>, CommandError> {
        let platform = Slug::platform();
        if *organisation != platform {
            let own = self.ledger(organisation).await?;
            if own.info.kind == LedgerKind::Operational {
                return Ok(own);
            }
        }
        match self.ledger(&platform).await {
            Err(CommandError::NotFound(_)) => {
                self.new_ledger(&platform, LedgerKind::Operational).await
            }
            found => found,
        }
    }

    /// The platform's ledger, if this one is a registry's and that one is there.
    async fn platform_ledger_for(
        &self,
        own: &OrganisationLedger,
    ) -> Result<Option<Arc<OrganisationLedger>>, CommandError> {
        if own.info.kind == LedgerKind::Operational {
            return Ok(None);
        }
        match self.ledger(&Slug::platform()).await {
            Ok(platform) => Ok(Some(platform)),
            Err(CommandError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn change_access(
        &self,
        context: &Context,
        organisation: &Slug,
        change: AccessCommand,
    ) -> Result<Done, CommandError> {
        let noted = matches!(change, AccessCommand::Note(_));
        if organisation.is_reserved_for_organisations() && !noted {
            return Err(CommandError::NotFound(format!(
                "there is no organisation {organisation}"
            )));
        }
        let ledger = self.ledger_of_access(organisation).await?;
        let id = OrganisationId::of(organisation).to_string();
        let by = context.actor()?;
        let command = ChangeAccess { by, change };
        ledger.execute(&ledger.access, &id, context, command).await
    }

    /// That the account is one of this organisation.
    async fn require_account(
        &self,
        organisation: &Slug,
        account: AccountId,
    ) -> Result<(), CommandError> {
        let row = rows::find(self.store.pool(), account).await?;
        if row.is_some_and(|row| row.organisation.as_ref() == Some(organisation)) {
            return Ok(());
        }
        Err(CommandError::NotFound(format!(
            "{organisation} has no account {account}"
        )))
    }

    async fn require_sites(
        &self,
        organisation: &Slug,
        sites: Option<&[Slug]>,
    ) -> Result<(), CommandError> {
        let ledger = self.ledger(organisation).await?;
        for site in sites.unwrap_or_default() {
            ledger.require_site(organisation, site).await?;
        }
        Ok(())
    }
}

impl From<AccessError> for CommandError {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Corrupt(_) => Self::Fatal(error.to_string()),
            _ => Self::Unavailable(error.to_string()),
        }
    }
}
