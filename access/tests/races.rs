//! Somebody signs in while the account is taken from them, in the two orders in which the statements
//! of the two can come. A lock of the test holds one of them back where the other one shall overtake.
#![expect(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use sealrock_access::accounts::{add_with, erase, set_password};
use sealrock_access::gate::EnterError;
use sealrock_access::{AccountId, Password, Role, Username, sessions};
use sealrock_testkit::{TestDatabase, database};
use sqlx::PgPool;
use tokio::task::JoinHandle;

use support::{PHRASE, sign_in};

#[derive(Clone, Copy, Debug)]
enum Taken {
    Password,
    Account,
}

impl Taken {
    async fn take(self, pool: &PgPool) {
        let new = Password::new("otter marzipan quilt");
        let done = match self {
            Self::Password => set_password(pool, &name(), new, false).await,
            Self::Account => erase(pool, &name()).await,
        };
        assert!(done.unwrap().is_some());
    }
}

fn name() -> Username {
    "ada".parse().unwrap()
}

async fn ada(pool: &PgPool) -> AccountId {
    let password = Password::new(PHRASE);
    let added = add_with(pool, &name(), Role::Auditor, None, password).await;
    added.unwrap()
}

fn begin_to_sign_in(pool: &PgPool) -> JoinHandle<Result<(), EnterError>> {
    let pool = pool.clone();
    tokio::spawn(async move {
        let entered = sign_in(&pool, "ada", Password::new(PHRASE)).await;
        entered.map(drop)
    })
}

/// Returns when so many statements wait for somebody's lock. A superuser is shown those of others.
async fn waiting(superuser: &PgPool, how_many: i64) {
    let count = "SELECT count(*) FROM pg_stat_activity
                 WHERE datname = current_database() AND wait_event_type = 'Lock'";
    loop {
        let waiting = sqlx::query_scalar(count).fetch_one(superuser);
        let waiting: i64 = waiting.await.unwrap();
        if waiting == how_many {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn what_was_proved_before_the_account_was_taken_opens_no_session_after_it() {
    for taken in [Taken::Password, Taken::Account] {
        let TestDatabase {
            pool, admin_pool, ..
        } = database().await;
        let account = ada(&pool).await;
        let mut held = pool.begin().await.unwrap();
        sqlx::query("SELECT FROM access.accounts FOR NO KEY UPDATE")
            .execute(&mut *held)
            .await
            .unwrap();
        let taking = {
            let pool = pool.clone();
            tokio::spawn(async move { taken.take(&pool).await })
        };
        waiting(&admin_pool, 1).await;
        // The old password is right still, and is found to be.
        let signing_in = begin_to_sign_in(&pool);
        waiting(&admin_pool, 2).await;
        held.commit().await.unwrap();
        taking.await.unwrap();
        let refused = signing_in.await.unwrap().unwrap_err();
        assert!(
            matches!(refused, EnterError::WrongCredentials),
            "{taken:?}: {refused}"
        );
        let left = sessions::list(&pool, account).await.unwrap();
        assert!(left.is_empty(), "{taken:?}: {left:?}");
    }
}

#[tokio::test]
async fn a_session_that_is_about_to_be_opened_is_ended_with_the_others() {
    for taken in [Taken::Password, Taken::Account] {
        let TestDatabase {
            pool, admin_pool, ..
        } = database().await;
        let account = ada(&pool).await;
        let mut held = pool.begin().await.unwrap();
        sqlx::query("LOCK TABLE access.refresh_tokens IN SHARE MODE")
            .execute(&mut *held)
            .await
            .unwrap();
        // Its session is written, and not there yet for anybody else.
        let signing_in = begin_to_sign_in(&pool);
        waiting(&admin_pool, 1).await;
        let taking = {
            let pool = pool.clone();
            tokio::spawn(async move { taken.take(&pool).await })
        };
        waiting(&admin_pool, 2).await;
        held.commit().await.unwrap();
        signing_in.await.unwrap().unwrap();
        taking.await.unwrap();
        let left = sessions::list(&pool, account).await.unwrap();
        assert!(left.is_empty(), "{taken:?}: {left:?}");
    }
}
