//! Passwords: how they are kept and checked.

use std::fmt;
use std::time::Duration;

use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use rand::Rng;
use rand::distributions::Alphanumeric;
use tokio::sync::Semaphore;

use crate::{AccessError, PasswordRefused};

/// OWASP's recommendation for argon2id.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Hashes at a time: each takes 19 MiB and a core.
static AT_ONCE: Semaphore = Semaphore::const_new(2);
/// How long a sign-in waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// A password in plain text, which `Debug` does not show.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// What someone typed.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A random one: 24 letters and digits, 142 bits.
    #[must_use]
    pub fn random() -> Self {
        Self(
            rand::rngs::OsRng
                .sample_iter(Alphanumeric)
                .take(24)
                .map(char::from)
                .collect(),
        )
    }

    /// The plain text, to be shown to its owner once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(masked)")
    }
}

/// The password as it is kept: an argon2id PHC string with a salt of its own.
pub(crate) async fn hash(password: Password) -> Result<String, AccessError> {
    in_turn(move || hash_now(&password)).await
}

/// As [`hash`], of a password that somebody chose of whom these words are known.
pub(crate) async fn hash_chosen(
    password: Password,
    known: Vec<String>,
) -> Result<Result<String, PasswordRefused>, AccessError> {
    in_turn(move || {
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        match password.will_do(&known) {
            Ok(()) => hash_now(&password).map(Ok),
            Err(refused) => Ok(Err(refused)),
        }
    })
    .await
}

/// Whether the password is the one that was kept. Without one (no such user) the same work is
/// done, so that the time taken does not tell which names exist.
pub(crate) async fn check(password: Password, kept: Option<String>) -> Result<bool, AccessError> {
    in_turn(move || match kept {
        Some(kept) => matches(&password, &kept),
        None => hash_now(&password).map(|_| false),
    })
    .await
}

async fn in_turn<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, AccessError> + Send + 'static,
) -> Result<T, AccessError> {
    let turn = tokio::time::timeout(PATIENCE, AT_ONCE.acquire()).await;
    let turn = turn
        .map_err(|_| AccessError::Busy)?
        .expect("the semaphore is never closed");
    // The permit goes along: a caller that gives up does not make room for one more.
    let worked = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        work()
    });
    worked.await.unwrap_or_else(|_| Err(AccessError::Busy))
}

/// For one hash, which is counted: each takes a core for some time.
fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("constants within bounds");
    metrics::counter!("sealrock_password_hashes_total").increment(1);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn hash_now(password: &Password) -> Result<String, AccessError> {
    let salt = SaltString::generate(&mut OsRng);
    let hash = argon2().hash_password(password.0.as_bytes(), &salt);
    hash.map(|hash| hash.to_string())
        .map_err(|error| AccessError::Corrupt(error.to_string()))
}

fn matches(password: &Password, kept: &str) -> Result<bool, AccessError> {
    let kept = PasswordHash::new(kept).map_err(|error| AccessError::Corrupt(error.to_string()))?;
    Ok(argon2()
        .verify_password(password.0.as_bytes(), &kept)
        .is_ok())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_kept_as_argon2id_with_owasps_parameters_and_its_own_salt() {
        let password = Password::new("correct horse battery");
        let first = hash(password.clone()).await.unwrap();
        let second = hash(password.clone()).await.unwrap();
        assert!(
            first.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{first}"
        );
        assert_ne!(first, second);
        assert!(check(password, Some(first.clone())).await.unwrap());
        assert!(
            !check(Password::new("correct horse batterx"), Some(first))
                .await
                .unwrap()
        );
    }

    #[tokio::test]
    async fn no_password_is_right_for_a_user_that_does_not_exist() {
        assert!(!check(Password::new(""), None).await.unwrap());
    }

    #[test]
    fn a_generated_password_is_long_and_different_each_time() {
        let (one, other) = (Password::random(), Password::random());
        assert!(one.reveal().len() >= 20);
        assert_ne!(one, other);
    }

    #[test]
    fn debug_output_does_not_show_the_password() {
        assert_eq!(
            format!("{:?}", Password::new("hunter2hunter2")),
            "Password(masked)"
        );
    }
}
