//! Keys of programs.

use chrono::{DateTime, Utc};
use sealrock_access::{ApiKeyId, ApiKeySecret, Permission, Role, api_keys};
use sealrock_domain::access::{
    AccessCommand, ChangeAccess, IssueApiKey, RevokeApiKey, RotateApiKey,
};
use sealrock_domain::{CredentialId, OrganisationId, Slug};
use uuid::Uuid;

use crate::commands::Commands;
use crate::context::{Context, Done};
use crate::error::CommandError;
use crate::ledger::permit;

/// The longest name of a key.
const MAX_LABEL: usize = 100;

/// What a key is for.
#[derive(Debug, Clone)]
pub struct KeyRequest {
    /// What people call it; never goes into the ledger.
    pub label: String,
    /// The role of which it has permissions.
    pub role: Role,
    /// Those that it has.
    pub permissions: Vec<Permission>,
    /// The sites that it is limited to; `None` for all.
    pub sites: Option<Vec<Slug>>,
    /// From when on it opens nothing.
    pub until: DateTime<Utc>,
}

/// A key that has a new secret.
#[derive(Debug)]
pub struct IssuedApiKey {
    /// The key; `None` when the command was recorded before: see the list of keys.
    pub key: Option<ApiKeyId>,
    /// Its secret, shown this once. `None` when the command was recorded before: it was shown then.
    pub secret: Option<ApiKeySecret>,
    /// Where it stands in the ledger.
    pub done: Done,
}

impl Commands {
    /// Issues a key.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn issue_api_key(
        &self,
        context: &Context,
        organisation: &Slug,
        request: KeyRequest,
    ) -> Result<IssuedApiKey, CommandError> {
        permit(context, Permission::ManageAccess, organisation, None)?;
        let (label, permissions) = checked(&request)?;
        self.require_sites(organisation, request.sites.as_deref())
            .await?;
        let mut command = IssueApiKey {
            key: ApiKeyId(Uuid::new_v4()),
            credential: CredentialId(Uuid::nil()),
            role: request.role,
            permissions,
            sites: request.sites.clone(),
            until: request.until,
            now: Utc::now(),
        };
        if let Some(done) = self
            .repeated_access(
                context,
                organisation,
                AccessCommand::IssueKey(command.clone()),
            )
            .await?
        {
            return Ok(IssuedApiKey::repeated(done));
        }
        let (key, secret) = (command.key, ApiKeySecret::generate());
        let pool = self.store.pool();
        command.credential = api_keys::insert(pool, organisation, key, label, &secret).await?;
        let command = AccessCommand::IssueKey(command);
        let done = self.change_access(context, organisation, command).await?;
        Ok(IssuedApiKey::new(key, secret, done))
    }

    /// Gives a key another secret; the one before is good for a while too.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn rotate_api_key(
        &self,
        context: &Context,
        organisation: &Slug,
        key: ApiKeyId,
        until: DateTime<Utc>,
        overlap_seconds: u32,
    ) -> Result<IssuedApiKey, CommandError> {
        permit(context, Permission::ManageAccess, organisation, None)?;
        let mut command = RotateApiKey {
            key,
            credential: CredentialId(Uuid::nil()),
            until,
            overlap_seconds,
            now: Utc::now(),
        };
        if let Some(done) = self
            .repeated_access(
                context,
                organisation,
                AccessCommand::RotateKey(command.clone()),
            )
            .await?
        {
            return Ok(IssuedApiKey::repeated(done));
        }
        let (pool, secret) = (self.store.pool(), ApiKeySecret::generate());
        let rows = api_keys::list(pool, organisation).await?;
        let label = rows.iter().find(|row| row.key == key);
        let label = label.map_or("", |row| row.label.as_str());
        command.credential = api_keys::insert(pool, organisation, key, label, &secret).await?;
        let command = AccessCommand::RotateKey(command);
        let done = self.change_access(context, organisation, command).await?;
        Ok(IssuedApiKey::new(key, secret, done))
    }

    /// Takes a key away: it opens nothing within a second.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn revoke_api_key(
        &self,
        context: &Context,
        organisation: &Slug,
        key: ApiKeyId,
    ) -> Result<Done, CommandError> {
        permit(context, Permission::ManageAccess, organisation, None)?;
        let command = AccessCommand::RevokeKey(RevokeApiKey { key });
        self.change_access(context, organisation, command).await
    }

    async fn repeated_access(
        &self,
        context: &Context,
        organisation: &Slug,
        change: AccessCommand,
    ) -> Result<Option<Done>, CommandError> {
        let ledger = self.ledger_of_access(organisation).await?;
        let by = context.actor()?;
        let command = ChangeAccess { by, change };
        let id = OrganisationId::of(organisation).to_string();
        ledger
            .repeated(&ledger.access, &id, context, &command)
            .await
    }
}

impl IssuedApiKey {
    /// A copy of the command that was sent at the same time may have been the one that counts: then
    /// this secret is named by no entry.
    fn new(key: ApiKeyId, secret: ApiKeySecret, done: Done) -> Self {
        if done.duplicate {
            return Self::repeated(done);
        }
        Self {
            key: Some(key),
            secret: Some(secret),
            done,
        }
    }

    fn repeated(done: Done) -> Self {
        Self {
            key: None,
            secret: None,
            done,
        }
    }
}

/// The label, and the permissions' names: those that the role has and that ask for no person.
fn checked(request: &KeyRequest) -> Result<(&str, Vec<Slug>), CommandError> {
    let label = request.label.trim();
    if label.is_empty() || label.chars().count() > MAX_LABEL {
        return Err(CommandError::Invalid(format!(
            "label: give the key a name of 1 to {MAX_LABEL} characters"
        )));
    }
    let mut names = Vec::new();
    for permission in &request.permissions {
        let (name, role) = (permission.name(), request.role);
        if permission.rule().step_up {
            return Err(CommandError::Rejected(format!(
                "no key can have {name}: it asks for a person who has proved who they are"
            )));
        }
        if !permission.allows(role) {
            return Err(CommandError::Rejected(format!(
                "{role} does not have {name}: a key has permissions of one role"
            )));
        }
        names.push(name.parse().expect("permissions' names are slugs"));
    }
    names.sort();
    names.dedup();
    Ok((label, names))
}
