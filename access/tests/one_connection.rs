//! Nothing here holds a connection while it waits for another: as many as there are connections could
//! wait for each other. All of it works where there is one.
#![expect(clippy::unwrap_used)]

mod support;

use sealrock_access::accounts::add_with;
use sealrock_access::gate::{Code, StepUp};
use sealrock_access::links::{self, Subject};
use sealrock_access::registrations::{self, Registration};
use sealrock_access::sessions::{self, Because};
use sealrock_access::{AccountId, Password, Role, accounts};
use sealrock_testkit::database;
use sqlx::PgPool;
use totp_rs::{Algorithm, Secret, TOTP};

use support::{PHRASE, client, gate, proof};

/// A pool of one connection to the same database.
async fn one() -> PgPool {
    let pool = database().await.pool;
    let options = pool.options().clone().max_connections(1);
    let login = (*pool.connect_options()).clone();
    options.connect_with(login).await.unwrap()
}

async fn ada(pool: &PgPool) -> AccountId {
    let (name, password) = ("ada".parse().unwrap(), Password::new(PHRASE));
    let added = add_with(pool, &name, Role::Auditor, None, password).await;
    added.unwrap()
}

#[tokio::test]
async fn signing_in_by_a_provider_takes_one_connection() {
    let pool = one().await;
    let (account, gate) = (ada(&pool).await, gate(&pool));
    let subject = Subject {
        issuer: "https://id.example".to_owned(),
        subject: "1".to_owned(),
    };
    assert!(links::link(&pool, &subject, account).await.unwrap());
    let entered = gate.enter_linked(&subject, None, &client()).await;
    let entered = entered.unwrap().unwrap();
    gate.renew(&entered.refresh_token.unwrap()).await.unwrap();
    assert_eq!(links::unlink(&pool, account).await.unwrap(), 1);
}

#[tokio::test]
async fn signing_in_by_a_password_and_a_second_factor_takes_one_connection() {
    let pool = one().await;
    let (account, gate) = (ada(&pool).await, gate(&pool));
    let name = "ada".parse().unwrap();
    let begun = gate.enrol(account, &name).await.unwrap();
    let secret = Secret::Encoded(begun.secret).to_bytes().unwrap();
    let app = TOTP::new(Algorithm::SHA1, 6, 0, 30, secret).unwrap();
    let code = Code(app.generate_current().unwrap());
    let recovery = gate.confirm(account, &code, None).await.unwrap();
    let shown = proof("ada", PHRASE, Some(&recovery[0]));
    let entered = gate.enter(shown, &client(), true).await.unwrap();
    let again = StepUp::Code(Code(recovery[1].clone()));
    gate.step_up(&entered.principal, again, None).await.unwrap();
    let new = Password::new("otter marzipan quilt");
    gate.change_password(&entered.principal, Password::new(PHRASE), new, None)
        .await
        .unwrap();
    let token = entered.refresh_token.unwrap();
    assert!(sessions::session_of(&pool, &token).await.unwrap().is_some());
    assert_eq!(
        gate.end_all(account, None, Because::Account).await.unwrap(),
        1
    );
    let set = accounts::set_password(&pool, &name, Password::new(PHRASE), true).await;
    assert_eq!(set.unwrap(), Some(account));
    assert!(accounts::erase(&pool, &name).await.unwrap().is_some());
}

#[tokio::test]
async fn registering_takes_one_connection() {
    let pool = one().await;
    let wants = Registration {
        organisation: "northsea".parse().unwrap(),
        username: "otto".parse().unwrap(),
        mail: "otto@example.org".parse().unwrap(),
        password: Password::new(PHRASE),
    };
    let own = wants.organisation.clone();
    registrations::register(&pool, wants, None).await.unwrap();
    let waiting = registrations::list(&pool, &own).await.unwrap();
    let declined = registrations::decline(&pool, &own, waiting[0].id).await;
    assert!(declined.unwrap());
}
