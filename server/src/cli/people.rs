//! Who may do what: accounts, grants, API keys.

use chrono::{DateTime, Utc};
use clap::Subcommand;
use sealrock_access::{ApiKeyId, Permission, Role};
use sealrock_domain::Slug;

use super::{Json, duration};

#[derive(Debug, Subcommand)]
pub enum User {
    /// Makes an account with a random password, shown this once, to be changed at the next sign-in;
    /// or with one that is given and need not be changed
    Add {
        /// The name that it signs in with
        name: String,
        /// What it may do; docs/permissions.md has the table
        #[arg(long, value_enum)]
        role: AccountRole,
        /// The organisation that it acts for, and the only one that it reaches; only admin and
        /// auditor can be of none, and reach all then
        #[arg(long)]
        org: Option<Slug>,
        /// Read the password from standard input: for programs, which cannot change it at the first
        /// sign-in
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Gives an account another role in its organisation
    Assign {
        /// The name that it signs in with
        name: String,
        /// What it may do from now on; docs/permissions.md has the table
        #[arg(long, value_enum)]
        role: AccountRole,
        /// A site that it is limited to, again for each; without it, all
        #[arg(long)]
        site: Vec<Slug>,
    },
    /// Ends the membership of an account in its organisation
    Deactivate {
        /// The name that it signs in with
        name: String,
    },
    /// The accounts, by name
    List(Json),
    /// Gives an account a new random password, shown this once, to be changed at the next sign-in;
    /// ends its sessions, and lets it in again if it was kept out
    ResetPassword {
        /// The name that it signs in with
        name: String,
    },
    /// Takes an account's second factor away: its owner has lost it
    ResetSecondFactor {
        /// The name that it signs in with
        name: String,
    },
    /// Says who a user is at the identity provider, and lets the user in by it; a password that was issued
    /// and never changed is void then
    #[cfg(feature = "oidc")]
    LinkOidc {
        /// The name of the account
        name: String,
        /// The claim `sub` of the provider's tokens: never a mail address
        #[arg(long)]
        subject: String,
    },
    /// Ends that, and the user's sessions
    #[cfg(feature = "oidc")]
    UnlinkOidc {
        /// The name of the account
        name: String,
    },
    /// Erases a person: name, password, second factor, sessions. Ledgers keep the account's id
    Erase {
        /// The name that it signs in with
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum Grant {
    /// Lets verifiers, regulators or auditors of another organisation look
    Add {
        /// The organisation that lets them look
        org: Slug,
        /// The organisation whose people may look
        to: Slug,
        /// Those of this role: verifier, regulator or auditor
        #[arg(long)]
        role: Role,
        /// From when on they may not any more, such as 2027-03-31T00:00:00Z
        #[arg(long)]
        until: DateTime<Utc>,
        /// A site that they may look at, again for each; without it, all
        #[arg(long)]
        site: Vec<Slug>,
    },
    /// Ends that before its time
    End {
        /// The organisation that let them look
        org: Slug,
        /// The organisation whose people may look
        to: Slug,
        /// Those of this role
        #[arg(long)]
        role: Role,
    },
    /// What others were granted
    List {
        /// The organisation
        org: Slug,
    },
}

#[derive(Debug, Subcommand)]
pub enum ApiKey {
    /// Issues a key, shown this once
    Issue {
        /// The organisation
        org: Slug,
        /// What people call it
        #[arg(long)]
        label: String,
        /// The role of which it has permissions
        #[arg(long)]
        role: Role,
        /// A permission, such as read-telemetry, again for each; docs/permissions.md lists them
        #[arg(long, required = true)]
        permission: Vec<Permission>,
        /// A site that it is limited to, again for each; without it, all
        #[arg(long)]
        site: Vec<Slug>,
        /// From when on it opens nothing, such as 2027-03-31T00:00:00Z
        #[arg(long)]
        until: DateTime<Utc>,
    },
    /// Gives a key another secret, shown this once
    Rotate {
        /// The organisation
        org: Slug,
        /// The key
        key: ApiKeyId,
        /// From when on it opens nothing
        #[arg(long)]
        until: DateTime<Utc>,
        /// How long the secret before is good too
        #[arg(long, default_value = "24h", value_parser = duration)]
        overlap: std::time::Duration,
    },
    /// Takes a key away
    Revoke {
        /// The organisation
        org: Slug,
        /// The key
        key: ApiKeyId,
    },
    /// The keys, revoked ones too
    List {
        /// The organisation
        org: Slug,
    },
}

/// A role that an account can have.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum AccountRole {
    /// Runs the platform
    Admin,
    /// Reads everything and writes nothing
    Auditor,
    /// Runs plants and wells: records captures and injection days
    Operator,
    /// Answers for a site: approves what operators record
    SiteManager,
    /// Answers for an organisation: approves permit limits, sets targets
    HqManager,
    /// Keeps machines and devices running
    Maintenance,
    /// Answers for monitoring, reporting and verification: requests credits
    Mrv,
    /// Verifies the reports of organisations that engaged its own
    Verifier,
    /// Supervises organisations for an authority
    Regulator,
    /// Acts for a registry: approves or refuses issuances
    Registry,
    /// Holds credits
    Holder,
}

impl From<AccountRole> for sealrock_access::Role {
    fn from(role: AccountRole) -> Self {
        match role {
            AccountRole::Admin => Self::Admin,
            AccountRole::Auditor => Self::Auditor,
            AccountRole::Operator => Self::Operator,
            AccountRole::SiteManager => Self::SiteManager,
            AccountRole::HqManager => Self::HqManager,
            AccountRole::Maintenance => Self::Maintenance,
            AccountRole::Mrv => Self::Mrv,
            AccountRole::Verifier => Self::Verifier,
            AccountRole::Regulator => Self::Regulator,
            AccountRole::Registry => Self::Registry,
            AccountRole::Holder => Self::Holder,
        }
    }
}
