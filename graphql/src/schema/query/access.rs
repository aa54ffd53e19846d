//! Who may do what.

use std::collections::HashMap;

use async_graphql::{Context, Object, SimpleObject};
use sealrock_access::Permission::ReadAccess;
use sealrock_access::{TABLE, api_keys, standing};
use sealrock_commands::Commands;
use sealrock_domain::access::{AccessGranted, ApiKey as Stored, OrganisationAccess};
use sealrock_domain::{OrganisationId, Slug};
use sqlx::PgPool;
use uuid::Uuid;

use crate::schema::guard::{may_in, permit, principal};
use crate::schema::input::{read, read_option};
use crate::schema::problem::Problem;
use crate::schema::scalars::Time;
use crate::schema::types::Role;

#[derive(Default)]
pub(crate) struct AccessQuery;

/// Something that may be done, and by whom.
#[derive(SimpleObject)]
struct PermissionRule {
    /// Its name, such as `read-telemetry`.
    permission: &'static str,
    /// The same in words, as in "may …".
    text: &'static str,
    /// Whether who does it must have proved within a quarter of an hour who they are.
    step_up: bool,
    /// The roles that have it.
    roles: Vec<Role>,
    /// Whether the caller may do it now in the organisation, or at the site, that was asked for; null
    /// if none was.
    allowed: Option<bool>,
}

/// Who has access to an organisation.
#[derive(SimpleObject)]
struct Access {
    /// Slug of the organisation.
    organisation: String,
    /// Everybody who is or was a member, by name.
    members: Vec<Member>,
    /// What people of other organisations were granted; it may have ended.
    grants: Vec<Grant>,
    /// The keys of programs, revoked ones too.
    api_keys: Vec<ApiKey>,
    /// Whether people may become members by themselves.
    self_registration: bool,
    /// Whether members must have a second factor.
    second_factor_required: bool,
    /// Name of the ledger that has all changes: the organisation's, or for a registry, whose ledger is
    /// for everybody, the platform's.
    ledger: String,
    /// Name of their stream there.
    stream: String,
}

/// Somebody who is or was a member.
#[derive(SimpleObject)]
struct Member {
    /// Id of the account.
    account: Uuid,
    /// The name that it signs in with; null if the account was erased.
    username: Option<String>,
    /// What it is, or was last.
    role: Role,
    /// Slugs of the sites that it is limited to; null for all.
    sites: Option<Vec<String>>,
    /// Whether the membership holds.
    active: bool,
}

/// What people of another organisation were granted.
#[derive(SimpleObject)]
struct Grant {
    /// Slug of their organisation.
    grantee: String,
    /// Those of this role.
    role: Role,
    /// Slugs of the sites that they may look at; null for all.
    sites: Option<Vec<String>>,
    /// From when on they may not any more.
    until: Time,
}

/// A key of a program.
#[derive(SimpleObject)]
struct ApiKey {
    /// Its id.
    key: Uuid,
    /// What people call it.
    label: Option<String>,
    /// By which its secret is recognised: `srk_<prefix>_…`.
    prefix: Option<String>,
    /// The role of which it has permissions.
    role: Role,
    /// Those that it has.
    permissions: Vec<String>,
    /// Slugs of the sites that it is limited to; null for all.
    sites: Option<Vec<String>>,
    /// From when on it opens nothing.
    until: Time,
    /// Whether it was taken away.
    revoked: bool,
    /// When it opened something last, to the quarter of an hour.
    last_used_at: Option<Time>,
}

#[Object]
impl AccessQuery {
    /// The table of permissions and roles; and for an organisation, or one of its sites, what the
    /// caller may do there.
    #[expect(clippy::unused_async, reason = "the schema wants its resolvers so")]
    async fn permissions(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Slug of an organisation.")] organisation: Option<String>,
        #[graphql(desc = "Slug of a site of the organisation.")] site: Option<String>,
    ) -> Result<Vec<PermissionRule>, Problem> {
        principal(context)?;
        let organisation: Option<Slug> = read_option("organisation", organisation.as_deref())?;
        let site: Option<Slug> = read_option("site", site.as_deref())?;
        let rules = TABLE.iter().map(|rule| PermissionRule {
            permission: rule.permission.name(),
            text: rule.text,
            step_up: rule.step_up,
            roles: rule.roles.iter().map(|role| (*role).into()).collect(),
            allowed: organisation
                .as_ref()
                .map(|own| may_in(context, rule.permission, own, site.as_ref())),
        });
        Ok(rules.collect())
    }

    /// Who has access to an organisation, as the ledger has it at this moment.
    async fn access(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Slug of the organisation.")] organisation: String,
    ) -> Result<Access, Problem> {
        let organisation: Slug = read("organisation", &organisation)?;
        permit(context, ReadAccess, &organisation, None)?;
        let commands = context.data_unchecked::<Commands>();
        let access = commands.access_of(&organisation).await?;
        let pool = context.data_unchecked::<PgPool>();
        let settings = access.state().settings();
        Ok(Access {
            organisation: organisation.to_string(),
            members: members(pool, &organisation, access.state()).await?,
            grants: access.state().grants().iter().map(Grant::of).collect(),
            api_keys: keys(pool, &organisation, access.state()).await?,
            self_registration: settings.self_registration,
            second_factor_required: settings.second_factor_required,
            ledger: commands.ledger_name_of_access(&organisation).await?,
            stream: format!("access/{}", OrganisationId::of(&organisation)),
        })
    }
}

async fn members(
    pool: &PgPool,
    organisation: &Slug,
    access: &OrganisationAccess,
) -> Result<Vec<Member>, Problem> {
    let rows = standing::of_organisation(pool, organisation).await?;
    let names: HashMap<_, _> = rows.iter().map(|row| (row.id, &row.username)).collect();
    let recorded = access.members().map(|(account, member)| Member {
        account: account.as_uuid(),
        username: names.get(&account).map(ToString::to_string),
        role: member.role.into(),
        sites: texts(member.sites.as_deref()),
        active: member.active,
    });
    // Those whose role stands in their row, until a server starts and takes it into the ledger.
    let unnamed = |row: &&standing::AccountRow| !row.in_ledger && access.member(row.id).is_none();
    let of_rows = rows.iter().filter(unnamed).map(|row| Member {
        account: row.id.as_uuid(),
        username: Some(row.username.to_string()),
        role: row.role.into(),
        sites: None,
        active: true,
    });
    let mut members: Vec<Member> = recorded.chain(of_rows).collect();
    members.sort_by(|a, b| (&a.username, a.account).cmp(&(&b.username, b.account)));
    Ok(members)
}

async fn keys(
    pool: &PgPool,
    organisation: &Slug,
    access: &OrganisationAccess,
) -> Result<Vec<ApiKey>, Problem> {
    let rows = api_keys::list(pool, organisation).await?;
    let rows: HashMap<_, _> = rows.iter().map(|row| (row.credential, row)).collect();
    let shown = |key: &Stored| {
        let row = rows.get(&key.credential.0);
        ApiKey {
            key: key.issued.key.as_uuid(),
            label: row.map(|row| row.label.clone()),
            prefix: row.map(|row| row.prefix.clone()),
            role: key.issued.role.into(),
            permissions: key
                .issued
                .permissions
                .iter()
                .map(ToString::to_string)
                .collect(),
            sites: texts(key.issued.sites.as_deref()),
            until: key.credential.1.into(),
            revoked: key.revoked,
            last_used_at: row.and_then(|row| row.last_used_at).map(Time::from),
        }
    };
    Ok(access.keys().map(shown).collect())
}

impl Grant {
    fn of(granted: &AccessGranted) -> Self {
        Self {
            grantee: granted.organisation.to_string(),
            role: granted.role.into(),
            sites: texts(granted.sites.as_deref()),
            until: granted.until.into(),
        }
    }
}

fn texts(sites: Option<&[Slug]>) -> Option<Vec<String>> {
    sites.map(|sites| sites.iter().map(ToString::to_string).collect())
}
