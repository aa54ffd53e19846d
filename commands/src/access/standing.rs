//! What somebody may do now: the token or key says who, the ledger says what.

use std::collections::HashMap;
use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::Utc;
use lru::LruCache;
use sealrock_access::standing::{self as rows, AccountRow};
use sealrock_access::{
    AccountId, ApiKeySecret, Grant, Identified, Identify, IdentifyError, Permission, Principal,
    Role, Tokens, Username, api_keys, second_factor,
};
use sealrock_domain::Slug;
use sealrock_domain::access::{AccessGranted, OrganisationAccess};
use tokio::sync::OnceCell;

use crate::commands::Commands;
use crate::error::CommandError;

/// How long an answer of the ledger counts: what was taken away stops within it.
pub const FRESH: Duration = Duration::from_millis(500);
/// Of how many accounts and keys the answers are kept.
const KEPT: NonZeroUsize = NonZeroUsize::new(10_000).expect("it is not zero");

/// Tells who the bearer of a token or API key is, and what they may do by the ledger. Cheap to clone;
/// clones share what they know.
#[derive(Clone)]
pub struct Identities {
    commands: Commands,
    tokens: Arc<Tokens>,
    accounts: Arc<Fresh<AccountId, Standing>>,
    keys: Arc<Fresh<String, Option<Principal>>>,
}

/// What an account is now; `None` if it is nobody any more.
type Standing = Option<Arc<Stands>>;

struct Stands {
    username: Username,
    role: Role,
    organisation: Option<Slug>,
    sites: Option<Vec<Slug>>,
    grants: Vec<Grant>,
    must_enrol: bool,
}

/// What an organisation says of one of its accounts.
struct Membership {
    role: Role,
    sites: Option<Vec<Slug>>,
    second_factor_required: bool,
}

/// Answers that are not old. Of those who ask the same at once, one asks for all.
struct Fresh<K: Hash + Eq, V>(Mutex<LruCache<K, Answer<V>>>);

/// When it was asked for, and the answer.
type Answer<V> = (Instant, Arc<OnceCell<V>>);

impl<K: Hash + Eq, V: Clone> Fresh<K, V> {
    fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(LruCache::new(KEPT))))
    }

    /// An answer that began at most [`FRESH`] ago: what was committed before that is in it.
    async fn answer(
        &self,
        key: K,
        ask: impl Future<Output = Result<V, IdentifyError>>,
    ) -> Result<V, IdentifyError> {
        self.begun(key).get_or_try_init(|| ask).await.cloned()
    }

    fn forget(&self, key: &K) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.pop(key);
    }

    fn begun(&self, key: K) -> Arc<OnceCell<V>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((begun, answer)) = kept.get(&key)
            && begun.elapsed() < FRESH
        {
            return Arc::clone(answer);
        }
        let answer = Arc::default();
        kept.put(key, (Instant::now(), Arc::clone(&answer)));
        answer
    }
}

impl Identify for Identities {
    fn identify<'a>(&'a self, bearer: &'a str) -> Identified<'a> {
        Box::pin(async move {
            match ApiKeySecret::parse(bearer) {
                Some(secret) => self.of_key(bearer, &secret).await,
                None => self.of_token(bearer).await,
            }
        })
    }
}

impl Identities {
    /// Who the bearers of these tokens, and of keys in the ledgers of `commands`, are.
    #[must_use]
    pub fn new(commands: Commands, tokens: Arc<Tokens>) -> Self {
        Self {
            commands,
            tokens,
            accounts: Fresh::new(),
            keys: Fresh::new(),
        }
    }

    async fn of_token(&self, token: &str) -> Result<Principal, IdentifyError> {
        let claimed = self.tokens.verify(token);
        let claimed = claimed.map_err(|error| gone(&error.to_string()))?;
        let Principal::User { id, .. } = &claimed else {
            return Ok(claimed);
        };
        let stands = self.principal_of(*id).await?;
        as_it_stands(claimed, stands)
    }

    /// What somebody may do who has just proved who they are. It is asked anew: whatever was committed
    /// before is in the answer.
    ///
    /// # Errors
    /// [`IdentifyError`]: the account is no member of its organisation, or it cannot be told.
    pub async fn entered(&self, proved: Principal) -> Result<Principal, IdentifyError> {
        let Principal::User { id, .. } = &proved else {
            return Ok(proved);
        };
        let standing = self.commands.standing(*id).await;
        let standing = standing.map_err(|error| unavailable(&error))?;
        as_it_stands(proved, standing.map(Arc::new))
    }

    async fn principal_of(&self, account: AccountId) -> Result<Standing, IdentifyError> {
        let asked = async {
            let standing = self.commands.standing(account).await;
            Ok(standing.map_err(|error| unavailable(&error))?.map(Arc::new))
        };
        let standing = self.accounts.answer(account, asked).await?;
        if standing.as_ref().is_some_and(|stands| stands.must_enrol) {
            // Who has enrolled goes on at once.
            self.accounts.forget(&account);
        }
        Ok(standing)
    }

    async fn of_key(
        &self,
        bearer: &str,
        secret: &ApiKeySecret,
    ) -> Result<Principal, IdentifyError> {
        let asked = async {
            let found = self.commands.bearer_of_key(secret).await;
            found.map_err(|error| unavailable(&error))
        };
        let found = self.keys.answer(bearer.to_owned(), asked).await?;
        // One text for all: a stranger learns nothing of which keys there are.
        found.ok_or_else(|| {
            gone("this API key opens nothing: it is unknown, has ended or was revoked")
        })
    }
}

impl Commands {
    /// An account with what it may do at this moment, as if it had just signed in; `None` if it is nobody.
    pub(super) async fn principal_now(
        &self,
        account: AccountId,
    ) -> Result<Option<Principal>, CommandError> {
        let Some(stands) = self.standing(account).await? else {
            return Ok(None);
        };
        let name = stands.username.clone();
        let signed_in = Principal::signed_in(account, name, stands.role, None);
        Ok(as_it_stands(signed_in, Some(Arc::new(stands))).ok())
    }

    /// What an account may do by the ledger; by its row, where no ledger says it.
    async fn standing(&self, account: AccountId) -> Result<Option<Stands>, CommandError> {
        let Some(row) = rows::find(self.store.pool(), account).await? else {
            return Ok(None);
        };
        let Some(organisation) = row.organisation.clone() else {
            return Ok(of_row(row));
        };
        let Some(membership) = self.membership(&row, &organisation).await? else {
            return Ok(None);
        };
        let Membership {
            role,
            sites,
            second_factor_required,
        } = membership;
        let must_enrol = second_factor_required
            && !second_factor::is_enrolled(self.store.pool(), row.id).await?;
        let grants = if role.may_be_granted() {
            self.granted_to(&organisation, role).await?
        } else {
            Vec::new()
        };
        Ok(Some(Stands {
            username: row.username,
            role,
            organisation: Some(organisation),
            sites,
            grants,
            must_enrol,
        }))
    }

    async fn membership(
        &self,
        row: &AccountRow,
        organisation: &Slug,
    ) -> Result<Option<Membership>, CommandError> {
        let of_the_row = |second_factor_required| {
            (!row.in_ledger).then_some(Membership {
                role: row.role,
                sites: None,
                second_factor_required,
            })
        };
        match self.access_of(organisation).await {
            Ok(access) => {
                let required = access.state().settings().second_factor_required;
                Ok(match access.state().member(row.id) {
                    Some(member) => member.active.then(|| Membership {
                        role: member.role,
                        sites: member.sites.clone(),
                        second_factor_required: required,
                    }),
                    None => of_the_row(required),
                })
            }
            // An organisation that is not registered yet.
            Err(CommandError::NotFound(_)) => Ok(of_the_row(false)),
            Err(error) => Err(error),
        }
    }

    async fn granted_to(&self, own: &Slug, role: Role) -> Result<Vec<Grant>, CommandError> {
        let mut grants = Vec::new();
        for granting in rows::granting(self.store.pool(), own).await? {
            match self.access_of(&granting).await {
                Ok(access) => grants.extend(grant_to(own, role, &granting, access.state())),
                Err(CommandError::NotFound(_)) => {}
                Err(error @ CommandError::Unavailable(_)) => return Err(error),
                // What cannot be read grants nothing; the other organisations' grants hold.
                Err(error) => tracing::warn!(%error, %granting, "grants are not counted"),
            }
        }
        Ok(grants)
    }

    async fn bearer_of_key(
        &self,
        secret: &ApiKeySecret,
    ) -> Result<Option<Principal>, CommandError> {
        let pool = self.store.pool();
        let Some(row) = api_keys::find(pool, secret).await? else {
            return Ok(None);
        };
        if !row.is_of(secret) {
            return Ok(None);
        }
        let access = match self.access_of(&row.organisation).await {
            Err(CommandError::NotFound(_)) => return Ok(None),
            access => access?,
        };
        let Some(principal) = of_key(access.state(), &row) else {
            return Ok(None);
        };
        if let Err(error) = api_keys::used(pool, row.credential).await {
            tracing::warn!(%error, "the last use of an API key is not noted");
        }
        Ok(Some(principal))
    }
}

/// What this organisation grants to the people of another one, and still does.
fn grant_to(to: &Slug, role: Role, granting: &Slug, access: &OrganisationAccess) -> Option<Grant> {
    let now = Utc::now();
    let holds = |grant: &&AccessGranted| {
        grant.organisation == *to && grant.role == role && now < grant.until
    };
    let grant = access.grants().iter().find(holds)?;
    Some(Grant {
        organisation: granting.clone(),
        sites: grant.sites.clone(),
        until: grant.until,
    })
}

fn of_key(access: &OrganisationAccess, row: &api_keys::StoredKey) -> Option<Principal> {
    let key = access.key(row.key)?;
    if !key.opens(row.credential, Utc::now()) {
        return None;
    }
    let known: HashMap<&str, Permission> = Permission::ALL
        .map(|permission| (permission.name(), permission))
        .into();
    let named = key.issued.permissions.iter();
    Some(Principal::ApiKey {
        id: row.key,
        organisation: row.organisation.clone(),
        role: key.issued.role,
        // One that this version does not know gives nothing.
        permissions: named
            .filter_map(|name| known.get(name.as_str()).copied())
            .collect(),
        sites: key.issued.sites.clone(),
    })
}

fn of_row(row: AccountRow) -> Option<Stands> {
    // Without an organisation it would reach every one, which its role must not.
    (!row.role.needs_organisation()).then_some(Stands {
        username: row.username,
        role: row.role,
        organisation: row.organisation,
        sites: None,
        grants: Vec::new(),
        must_enrol: false,
    })
}

/// Who was proved, with what the ledger says in place of what was claimed.
fn as_it_stands(mut claimed: Principal, standing: Standing) -> Result<Principal, IdentifyError> {
    let stands = standing.ok_or_else(|| {
        gone("this account is no member of its organisation now: ask an administrator, then sign in again")
    })?;
    if let Principal::User {
        username,
        role,
        organisation,
        sites,
        grants,
        must_enrol,
        ..
    } = &mut claimed
    {
        username.clone_from(&stands.username);
        *role = stands.role;
        organisation.clone_from(&stands.organisation);
        sites.clone_from(&stands.sites);
        grants.clone_from(&stands.grants);
        *must_enrol = stands.must_enrol;
    }
    Ok(claimed)
}

fn gone(why: &str) -> IdentifyError {
    IdentifyError::Unauthenticated(why.to_owned())
}

fn unavailable(error: &CommandError) -> IdentifyError {
    tracing::warn!(%error, "who a request comes from cannot be told");
    IdentifyError::Unavailable
}
