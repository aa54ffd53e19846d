//! Who asks.

use async_graphql::{ComplexObject, Context, Enum, SimpleObject};
use sealrock_access::{AccountId, Principal, SessionId, second_factor, sessions};
use sqlx::PgPool;

use super::session::{SecondFactor, Session};
use crate::schema::problem::Problem;

/// Who asks: what a token proves.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Viewer {
    /// As ledger entries name it: `user/<id>`, `device/<id>`, `service/<name>` or, of a key,
    /// `service/key-<id>`.
    actor: String,
    /// The name that a person signs in with; null for others.
    username: Option<String>,
    /// What it may do.
    role: Role,
    /// Slug of the organisation that it acts for, the only one that it reaches unless others let it look;
    /// null if it reaches all.
    organisation: Option<String>,
    /// Whether nothing is answered before the password is changed.
    must_change_password: bool,
    /// Whether nothing is answered before a second factor is enrolled: the organisation asks for one.
    pub(crate) must_enrol_second_factor: bool,
    #[graphql(skip)]
    account: Option<AccountId>,
    #[graphql(skip)]
    session: Option<SessionId>,
}

#[ComplexObject]
impl Viewer {
    /// The open sessions of a person, the newest first; of others there are none.
    #[graphql(complexity = "20 * child_complexity")]
    async fn sessions(&self, context: &Context<'_>) -> Result<Vec<Session>, Problem> {
        let Some(account) = self.account else {
            return Ok(Vec::new());
        };
        let listed = sessions::list(context.data_unchecked::<PgPool>(), account).await?;
        let shown = listed.into_iter();
        Ok(shown
            .map(|session| Session::new(session, self.session))
            .collect())
    }

    /// The second factor of a person; null for others.
    async fn second_factor(&self, context: &Context<'_>) -> Result<Option<SecondFactor>, Problem> {
        let Some(account) = self.account else {
            return Ok(None);
        };
        let pool = context.data_unchecked::<PgPool>();
        let left = second_factor::recovery_codes_left(pool, account).await?;
        Ok(Some(SecondFactor {
            enrolled: second_factor::is_enrolled(pool, account).await?,
            recovery_codes_left: u64::try_from(left).unwrap_or_default(),
        }))
    }
}

impl From<&Principal> for Viewer {
    fn from(principal: &Principal) -> Self {
        let mut viewer = Self {
            actor: principal.actor(),
            username: None,
            role: principal.role().into(),
            organisation: principal.organisation().map(ToString::to_string),
            must_change_password: false,
            must_enrol_second_factor: false,
            account: None,
            session: None,
        };
        if let Principal::User {
            id,
            username,
            session,
            must_change_password,
            must_enrol,
            ..
        } = principal
        {
            viewer.username = Some(username.to_string());
            viewer.must_change_password = *must_change_password;
            viewer.must_enrol_second_factor = *must_enrol;
            (viewer.account, viewer.session) = (Some(*id), *session);
        }
        viewer
    }
}

/// What somebody is to the platform.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "sealrock_access::Role")]
pub(crate) enum Role {
    /// Runs the platform: manages access and what is registered.
    Admin,
    /// Checks: reads everything and writes nothing.
    Auditor,
    /// Runs plants and wells: records captures and injection days.
    Operator,
    /// Answers for a site: approves what operators record.
    SiteManager,
    /// Answers for an organisation: approves permit limits, sets targets.
    HqManager,
    /// Keeps machines and devices running.
    Maintenance,
    /// Answers for monitoring, reporting and verification: requests credits.
    Mrv,
    /// Verifies the reports of organisations that engaged its own.
    Verifier,
    /// Supervises organisations for an authority.
    Regulator,
    /// Acts for a registry: approves or refuses issuances.
    Registry,
    /// Holds credits.
    Holder,
    /// A device.
    Device,
    /// A part of the platform.
    Service,
}
