//! How often somebody may be wrong: by name, on open sessions by account, and by address, counted in Postgres, so that all nodes
//! count together.
//!
//! An attempt is counted before it is looked at, and taken back when it was right: a hundred guesses
//! at a time are a hundred. Names are counted as they were typed, whether or not there is such an
//! account, so that being kept out tells nothing about who has one.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use sqlx::PgPool;

use crate::{AccessError, AccountId, ClientAddress};

/// What is counted, and what follows.
struct Bounds {
    /// Wrong attempts that cost nothing but themselves.
    free: i32,
    /// Wrong attempts after which it is kept out for [`LOCKOUT`]; in between each doubles the wait.
    most: i32,
    /// Seconds after which one of them is forgotten; 0 if all are at once, after [`LOCKOUT`].
    one_forgotten: i32,
}

const NAME: Bounds = Bounds {
    free: 10,
    most: MOST.cast_signed(),
    one_forgotten: 0,
};
/// Many people may share an address, and mistype now and then.
const ADDRESS: Bounds = Bounds {
    free: 50,
    most: 60,
    one_forgotten: 15,
};

/// Registrations of a network: each counts, because each may take a name.
const REGISTRATIONS: Bounds = Bounds {
    free: 5,
    most: 10,
    one_forgotten: 0,
};

/// Those of all networks of a customer who has many: of IPv6 he is given up to 48 bits.
const REGISTRATIONS_OF_SITE: Bounds = Bounds {
    free: 10,
    most: 20,
    one_forgotten: 0,
};

/// Sign-ins of a network that came back from a provider, which did not vouch for them. A person's hardly
/// ever do; each costs a question to the provider.
const BY_PROVIDER: Bounds = Bounds {
    free: 20,
    most: 30,
    one_forgotten: 15,
};

/// Wrong attempts after which a name is kept out.
pub const MOST: u32 = 15;
/// How long somebody is kept out, and how long a wrong attempt is remembered.
pub const LOCKOUT: Duration = Duration::from_mins(15);

/// Kept out for now, whatever the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub struct TooManyAttempts {
    /// When to try again.
    pub until: DateTime<Utc>,
}

impl TooManyAttempts {
    /// Whole seconds until then, at least one.
    #[must_use]
    pub fn retry_after(&self) -> u64 {
        let left = (self.until - Utc::now()).num_milliseconds().max(1);
        u64::try_from(left).unwrap_or(1).div_ceil(1_000)
    }
}

impl fmt::Display for TooManyAttempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "too many wrong attempts: try again in {} s (at {}); who has forgotten the password asks \
             an administrator for a new one",
            self.retry_after(),
            self.until.format("%H:%M:%S UTC"),
        )
    }
}

/// Why an attempt is not looked at.
#[derive(Debug, thiserror::Error)]
pub enum ThrottleError {
    /// There were too many.
    #[error(transparent)]
    TooMany(#[from] TooManyAttempts),
    /// It could not be counted; try again later.
    #[error(transparent)]
    Access(#[from] AccessError),
}

/// An attempt that was counted as wrong until it turns out right.
#[derive(Debug)]
#[must_use]
pub struct Attempt {
    /// The name or account, and the address; and which failure this was of each.
    counted: Vec<(String, i32)>,
    /// Whether the name or account is kept out if this one is wrong too.
    last: bool,
}

/// Counts an attempt to prove who `name` is.
///
/// # Errors
/// [`ThrottleError`]: it must not be looked at.
pub async fn attempt(
    pool: &PgPool,
    name: &str,
    address: Option<ClientAddress>,
) -> Result<Attempt, ThrottleError> {
    count_both(pool, name_key(name), address).await
}

/// Counts an attempt of who has an open session of this account to prove again who they are. Apart
/// from those at the door: by guesses there, strangers could keep people from what they are about.
///
/// # Errors
/// [`ThrottleError`]: it must not be looked at.
pub async fn attempt_within(
    pool: &PgPool,
    account: AccountId,
    address: Option<ClientAddress>,
) -> Result<Attempt, ThrottleError> {
    count_both(pool, account_key(account), address).await
}

async fn count_both(
    pool: &PgPool,
    who: String,
    address: Option<ClientAddress>,
) -> Result<Attempt, ThrottleError> {
    let mut counted = Vec::new();
    if let Some(address) = address {
        let address = format!("address/{}", address.network());
        let failures = count(pool, &address, &ADDRESS).await?;
        counted.push((address, failures));
    }
    let failures = count(pool, &who, &NAME).await?;
    counted.insert(0, (who, failures));
    Ok(Attempt {
        counted,
        last: failures == NAME.most,
    })
}

/// Counts a registration, whatever becomes of it.
///
/// # Errors
/// [`ThrottleError`]: it must not be looked at.
pub(crate) async fn registration(
    pool: &PgPool,
    address: Option<ClientAddress>,
) -> Result<(), ThrottleError> {
    let key = network_key("register", address);
    count(pool, &key, &REGISTRATIONS).await?;
    if let Some(site) = address.and_then(ClientAddress::site) {
        count(pool, &format!("register-48/{site}"), &REGISTRATIONS_OF_SITE).await?;
    }
    Ok(())
}

/// Counts a sign-in that comes back from a provider. One that it vouches for is taken back by
/// [`Attempt::undecided`]: whose it is nobody has said before.
///
/// # Errors
/// [`ThrottleError`]: the provider must not be asked.
pub async fn attempt_by_provider(
    pool: &PgPool,
    address: Option<ClientAddress>,
) -> Result<Attempt, ThrottleError> {
    let key = network_key("provider", address);
    let failures = count(pool, &key, &BY_PROVIDER).await?;
    Ok(Attempt {
        counted: vec![(key, failures)],
        last: false,
    })
}

/// Lets an account try again at once: its password was set anew.
///
/// # Errors
/// [`AccessError`]; it stays as it was.
pub async fn forgive(pool: &PgPool, name: &str, account: AccountId) -> Result<(), AccessError> {
    clear(pool, &name_key(name)).await?;
    clear(pool, &account_key(account)).await
}

impl Attempt {
    /// Everything was right: wrong ones of this name are forgotten. Those of the address are not, or
    /// who has one account could guess at all others.
    ///
    /// # Errors
    /// [`AccessError`]; it counts as wrong then.
    pub async fn right(self, pool: &PgPool) -> Result<(), AccessError> {
        let mut counted = self.counted.into_iter();
        if let Some((who, _)) = counted.next() {
            clear(pool, &who).await?;
        }
        take_back(pool, counted).await
    }

    /// Neither right nor wrong: counts as if it had not been.
    ///
    /// # Errors
    /// [`AccessError`]; it counts as wrong then.
    pub async fn undecided(self, pool: &PgPool) -> Result<(), AccessError> {
        take_back(pool, self.counted.into_iter()).await
    }

    /// It was wrong; answers whether the name is kept out from now on, which is told once.
    #[must_use]
    pub fn wrong(self) -> bool {
        self.last
    }
}

/// What people type as a name may be their password.
fn name_key(name: &str) -> String {
    let name = name.trim().to_ascii_lowercase();
    format!("name/{}", hex::encode(Sha256::digest(name)))
}

fn network_key(what: &str, address: Option<ClientAddress>) -> String {
    let network = address.map(|address| address.network().to_string());
    format!("{what}/{}", network.as_deref().unwrap_or("nowhere"))
}

fn account_key(account: AccountId) -> String {
    format!("account/{account}")
}

/// Answers how many there are with this one.
async fn count(pool: &PgPool, who: &str, bounds: &Bounds) -> Result<i32, ThrottleError> {
    let lockout = LOCKOUT.as_secs_f64();
    let counted = sqlx::query_scalar(include_str!("sql/count.sql"))
        .bind(who)
        .bind(bounds.free)
        .bind(bounds.most)
        .bind(lockout)
        .bind(bounds.one_forgotten)
        .fetch_optional(pool)
        .await
        .map_err(AccessError::from)?;
    if let Some(counted) = counted {
        return Ok(counted);
    }
    let until = "SELECT blocked_until FROM access.sign_in_attempts WHERE who = $1";
    let until = sqlx::query_scalar(until).bind(who).fetch_optional(pool);
    let until = until.await.map_err(AccessError::from)?;
    // Forgiven between the two: the next one will do.
    let until = until.unwrap_or_else(Utc::now);
    Err(TooManyAttempts { until }.into())
}

async fn clear(pool: &PgPool, who: &str) -> Result<(), AccessError> {
    let clear = sqlx::query("DELETE FROM access.sign_in_attempts WHERE who = $1");
    clear.bind(who).execute(pool).await?;
    Ok(())
}

/// Takes back what was counted, and the wait that it brought if nothing was counted since.
async fn take_back(
    pool: &PgPool,
    counted: impl Iterator<Item = (String, i32)>,
) -> Result<(), AccessError> {
    for (who, failures) in counted {
        let take_back = sqlx::query(include_str!("sql/take_back.sql"));
        take_back.bind(who).bind(failures).execute(pool).await?;
    }
    Ok(())
}
