//! Members, grants to others, API keys, settings of access.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use sealrock_access::{AccountId, ApiKeyId, Permission};
use sealrock_commands::{Commands, Done, GrantRequest, IssuedApiKey, KeyRequest};
use sealrock_domain::Slug;
use sealrock_domain::access::AccessSettings;
use uuid::Uuid;

use super::command::sender;
use super::receipt::Receipt;
use crate::schema::input::read;
use crate::schema::problem::Problem;
use crate::schema::scalars::Time;
use crate::schema::types::Role;

/// For how long the secret before is good after a rotation, if nothing is said: a day.
const OVERLAP_SECONDS: u32 = 86_400;

#[derive(Default)]
pub(crate) struct AccessMutation;

/// A role for an account.
#[derive(InputObject)]
struct AssignRoleInput {
    /// Idempotency key: the same key with the same input is answered with the first receipt.
    command_id: Option<Uuid>,
    /// Slug of the organisation, of which the account is.
    organisation: String,
    /// Id of the account.
    account: Uuid,
    /// What it is from now on.
    role: Role,
    /// Slugs of the sites that it is limited to; without it, all.
    sites: Option<Vec<String>>,
}

/// A member that is to be one no longer.
#[derive(InputObject)]
struct DeactivateMemberInput {
    /// Idempotency key: the same key with the same input is answered with the first receipt.
    command_id: Option<Uuid>,
    /// Slug of the organisation.
    organisation: String,
    /// Id of the account.
    account: Uuid,
}

/// People of another organisation who may look.
#[derive(InputObject)]
struct GrantAccessInput {
    /// Idempotency key: the same key with the same input is answered with the first receipt.
    command_id: Option<Uuid>,
    /// Slug of the organisation that lets them look.
    organisation: String,
    /// Slug of the organisation whose people may look.
    to: String,
    /// Those of this role: `VERIFIER`, `REGULATOR` or `AUDITOR`.
    role: Role,
    /// Slugs of the sites that they may look at; without it, all.
    sites: Option<Vec<String>>,
    /// From when on they may not any more.
    until: Time,
}

/// A grant that is to end.
#[derive(InputObject)]
struct RevokeAccessInput {
    /// Idempotency key: the same key with the same input is answered with the first receipt.
    command_id: Option<Uuid>,
    /// Slug of the organisation that let them look.
    organisation: String,
    /// Slug of the organisation whose people may look.
    grantee: String,
    /// Those of this role.
    role: Role,
}

/// A key to be.
#[derive(InputObject)]
struct IssueApiKeyInput {
    /// Idempotency key: the same key with the same input is answered with the first receipt.
    command_id: Option<Uuid>,
    /// Slug of the organisation.
    organisation: String,
    /// What people call it.
    label: String,
    /// The role of which it has permissions.
    role: Role,
    /// Names of the permissions that it has, such as `read-telemetry`; none that asks for a step-up.
    permissions: Vec<String>,
    /// Slugs of the sites that it is limited to; without it, all.
    sites: Option<Vec<String>>,
    /// From when on it opens nothing, at most two years ahead.
    until: Time,
}

/// A key that is to have another secret.
#[derive(InputObject)]
struct RotateApiKeyInput {
    /// Idempotency key: the same key with the same input is answered with the first receipt.
    command_id: Option<Uuid>,
    /// Slug of the organisation.
    organisation: String,
    /// Id of the key.
    key: Uuid,
    /// From when on it opens nothing.
    until: Time,
    /// For how many seconds the secret before is good too; without it, a day.
    overlap_seconds: Option<u32>,
}

/// A key that is to open nothing any more.
#[derive(InputObject)]
struct RevokeApiKeyInput {
    /// Idempotency key: the same key with the same input is answered with the first receipt.
    command_id: Option<Uuid>,
    /// Slug of the organisation.
    organisation: String,
    /// Id of the key.
    key: Uuid,
}

/// What is to hold for everybody of an organisation.
#[derive(InputObject)]
struct ChangeAccessSettingsInput {
    /// Idempotency key: the same key with the same input is answered with the first receipt.
    command_id: Option<Uuid>,
    /// Slug of the organisation.
    organisation: String,
    /// Whether people may become members by themselves.
    self_registration: bool,
    /// Whether members must have a second factor.
    second_factor_required: bool,
}

/// The change is recorded, and holds everywhere within a second.
#[derive(SimpleObject)]
struct AccessPayload {
    /// Proof that it is durable.
    receipt: Receipt,
    /// Whether it was recorded before, under the same command id.
    duplicate: bool,
}

/// The key has a new secret.
#[derive(SimpleObject)]
struct ApiKeyPayload {
    /// Id of the key; null if the command was recorded before.
    key: Option<Uuid>,
    /// The key itself, for `Authorization: Bearer <secret>`, shown this once; null if the command was
    /// recorded before.
    secret: Option<String>,
    /// Proof that it is durable.
    receipt: Receipt,
    /// Whether it was recorded before, under the same command id.
    duplicate: bool,
}

#[Object]
impl AccessMutation {
    /// Makes an account a member with a role, or gives it another one. Nobody changes their own.
    async fn assign_role(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The account, and what it is to be.")] input: AssignRoleInput,
    ) -> Result<AccessPayload, Problem> {
        let sender = sender(context, input.command_id)?;
        let (organisation, sites) = (slug(&input.organisation)?, sites(input.sites)?);
        let (account, role) = (AccountId(input.account), input.role.into());
        let commands = context.data_unchecked::<Commands>();
        let done = commands.assign_role(&sender, &organisation, account, role, sites);
        Ok(AccessPayload::of(&done.await?))
    }

    /// Ends a membership. The last administrator stays one.
    async fn deactivate_member(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which member.")] input: DeactivateMemberInput,
    ) -> Result<AccessPayload, Problem> {
        let sender = sender(context, input.command_id)?;
        let (organisation, account) = (slug(&input.organisation)?, AccountId(input.account));
        let commands = context.data_unchecked::<Commands>();
        let done = commands.deactivate_member(&sender, &organisation, account);
        Ok(AccessPayload::of(&done.await?))
    }

    /// Lets verifiers, regulators or auditors of another organisation look, until a time. A grant of
    /// the same role replaces the one before.
    async fn grant_access(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Who may look, and until when.")] input: GrantAccessInput,
    ) -> Result<AccessPayload, Problem> {
        let sender = sender(context, input.command_id)?;
        let organisation = slug(&input.organisation)?;
        let request = GrantRequest {
            to: read("to", &input.to)?,
            role: input.role.into(),
            sites: sites(input.sites)?,
            until: input.until.0,
        };
        let commands = context.data_unchecked::<Commands>();
        let done = commands.grant_access(&sender, &organisation, request);
        Ok(AccessPayload::of(&done.await?))
    }

    /// Ends what another organisation's people were granted.
    async fn revoke_access(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which grant.")] input: RevokeAccessInput,
    ) -> Result<AccessPayload, Problem> {
        let sender = sender(context, input.command_id)?;
        let organisation = slug(&input.organisation)?;
        let (grantee, role) = (read("grantee", &input.grantee)?, input.role.into());
        let commands = context.data_unchecked::<Commands>();
        let done = commands.revoke_access(&sender, &organisation, &grantee, role);
        Ok(AccessPayload::of(&done.await?))
    }

    /// Gives a program a key. Its secret is shown this once.
    async fn issue_api_key(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the key is for.")] input: IssueApiKeyInput,
    ) -> Result<ApiKeyPayload, Problem> {
        let sender = sender(context, input.command_id)?;
        let organisation = slug(&input.organisation)?;
        let named = input.permissions.iter();
        let permissions: Result<Vec<Permission>, _> =
            named.map(|name| read("permissions", name)).collect();
        let request = KeyRequest {
            label: input.label,
            role: input.role.into(),
            permissions: permissions?,
            sites: sites(input.sites)?,
            until: input.until.0,
        };
        let commands = context.data_unchecked::<Commands>();
        let issued = commands.issue_api_key(&sender, &organisation, request);
        Ok(ApiKeyPayload::of(issued.await?))
    }

    /// Gives a key another secret; the one before is good for a while too. It is shown this once.
    async fn rotate_api_key(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which key.")] input: RotateApiKeyInput,
    ) -> Result<ApiKeyPayload, Problem> {
        let sender = sender(context, input.command_id)?;
        let organisation = slug(&input.organisation)?;
        let (key, until) = (ApiKeyId(input.key), input.until.0);
        let overlap = input.overlap_seconds.unwrap_or(OVERLAP_SECONDS);
        let commands = context.data_unchecked::<Commands>();
        let rotated = commands.rotate_api_key(&sender, &organisation, key, until, overlap);
        Ok(ApiKeyPayload::of(rotated.await?))
    }

    /// Takes a key away: it opens nothing any more.
    async fn revoke_api_key(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which key.")] input: RevokeApiKeyInput,
    ) -> Result<AccessPayload, Problem> {
        let sender = sender(context, input.command_id)?;
        let (organisation, key) = (slug(&input.organisation)?, ApiKeyId(input.key));
        let commands = context.data_unchecked::<Commands>();
        let done = commands.revoke_api_key(&sender, &organisation, key);
        Ok(AccessPayload::of(&done.await?))
    }

    /// Changes what holds for everybody of an organisation.
    async fn change_access_settings(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to hold.")] input: ChangeAccessSettingsInput,
    ) -> Result<AccessPayload, Problem> {
        let sender = sender(context, input.command_id)?;
        let organisation = slug(&input.organisation)?;
        let settings = AccessSettings {
            self_registration: input.self_registration,
            second_factor_required: input.second_factor_required,
        };
        let commands = context.data_unchecked::<Commands>();
        let done = commands.change_access_settings(&sender, &organisation, settings);
        Ok(AccessPayload::of(&done.await?))
    }
}

impl AccessPayload {
    fn of(done: &Done) -> Self {
        Self {
            receipt: Receipt::of(done),
            duplicate: done.duplicate,
        }
    }
}

impl ApiKeyPayload {
    fn of(issued: IssuedApiKey) -> Self {
        Self {
            key: issued.key.map(|key| key.as_uuid()),
            secret: issued.secret.map(|secret| secret.reveal()),
            receipt: Receipt::of(&issued.done),
            duplicate: issued.done.duplicate,
        }
    }
}

fn slug(organisation: &str) -> Result<Slug, Problem> {
    read("organisation", organisation)
}

fn sites(names: Option<Vec<String>>) -> Result<Option<Vec<Slug>>, Problem> {
    let read_all = |names: Vec<String>| names.iter().map(|name| read("sites", name)).collect();
    names.map(read_all).transpose()
}
