//! Accounts on a real Postgres.
#![expect(clippy::unwrap_used)]

mod support;

use sealrock_access::accounts::{
    AddError, ChangePasswordError, add, add_with, change_password, create_first_admin, erase, list,
    reset_password,
};
use sealrock_access::gate::EnterError;
use sealrock_access::{Password, PasswordRefused, Principal, Role, Username};
use sealrock_domain::Slug;
use sealrock_testkit::database;
use sqlx::PgPool;

use support::{PHRASE, sign_in, tokens};

#[tokio::test]
async fn the_first_admin_can_sign_in_and_must_change_the_password() {
    let pool = database().await.pool;
    let admin = create_first_admin(&pool).await.unwrap().unwrap();
    assert!(admin.password.reveal().len() >= 20);
    let signed_in = sign_in(&pool, "Admin", admin.password).await.unwrap();
    assert!(signed_in.must_change_password());
    assert!(matches!(
        signed_in.principal,
        Principal::User {
            role: Role::Admin,
            ..
        }
    ));
}

#[tokio::test]
async fn there_is_one_first_admin_even_if_several_processes_start_at_once() {
    let pool = database().await.pool;
    let (a, b, c, d) = tokio::join!(
        create_first_admin(&pool),
        create_first_admin(&pool),
        create_first_admin(&pool),
        create_first_admin(&pool),
    );
    let made = [a, b, c, d].into_iter().filter_map(Result::unwrap).count();
    assert_eq!(made, 1);
    assert!(create_first_admin(&pool).await.unwrap().is_none());
}

#[tokio::test]
async fn the_plain_password_is_not_in_the_table() {
    let database = database().await;
    let admin = create_first_admin(&database.pool).await.unwrap().unwrap();
    let row: String = sqlx::query_scalar("SELECT a::text FROM access.accounts a")
        .fetch_one(&database.admin_pool)
        .await
        .unwrap();
    assert!(row.contains("$argon2id$"), "{row}");
    assert!(!row.contains(admin.password.reveal()), "{row}");
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_look_the_same() {
    let pool = database().await.pool;
    create_first_admin(&pool).await.unwrap();
    let mut answers = Vec::new();
    for username in ["admin", "nobody", "no name at all"] {
        let refused = sign_in(&pool, username, Password::new("not the password")).await;
        answers.push(refused.unwrap_err().to_string());
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
}

#[tokio::test]
async fn a_lost_password_is_replaced_by_an_issued_one() {
    let pool = database().await.pool;
    let admin = create_first_admin(&pool).await.unwrap().unwrap();
    let issued = reset_password(&pool, &admin.username)
        .await
        .unwrap()
        .unwrap();
    assert!(sign_in(&pool, "admin", admin.password).await.is_err());
    assert!(
        sign_in(&pool, "admin", issued)
            .await
            .unwrap()
            .must_change_password()
    );
    let nobody = "nobody".parse().unwrap();
    assert!(reset_password(&pool, &nobody).await.unwrap().is_none());
}

#[tokio::test]
async fn a_changed_password_holds_and_the_old_one_does_not() {
    let pool = database().await.pool;
    let first = create_first_admin(&pool).await.unwrap().unwrap().password;
    let signed_in = sign_in(&pool, "admin", first.clone()).await.unwrap();
    let Principal::User { id, .. } = signed_in.principal else {
        panic!("a user signs in as a user")
    };
    let new = Password::new(PHRASE);

    let refused = change_password(
        &pool,
        id,
        Password::new("not the current"),
        new.clone(),
        None,
    )
    .await;
    assert!(matches!(refused, Err(ChangePasswordError::WrongPassword)));
    let refused = change_password(&pool, id, first.clone(), Password::new("short"), None).await;
    assert!(matches!(
        refused,
        Err(ChangePasswordError::Refused(PasswordRefused::Length))
    ));
    change_password(&pool, id, first.clone(), new.clone(), None)
        .await
        .unwrap();

    let old = sign_in(&pool, "admin", first).await;
    assert!(matches!(old, Err(EnterError::WrongCredentials)));
    assert!(
        !sign_in(&pool, "admin", new)
            .await
            .unwrap()
            .must_change_password()
    );
}

#[tokio::test]
async fn of_two_changes_at_once_one_is_refused() {
    let pool = database().await.pool;
    let first = create_first_admin(&pool).await.unwrap().unwrap().password;
    let signed_in = sign_in(&pool, "admin", first.clone()).await.unwrap();
    let Principal::User { id, .. } = signed_in.principal else {
        panic!("a user signs in as a user")
    };
    let change = |new: &str| change_password(&pool, id, first.clone(), Password::new(new), None);
    let (one, other) = tokio::join!(change(PHRASE), change("otter marzipan quilt"));
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
}

#[tokio::test]
async fn without_postgres_sign_in_says_that_it_cannot_check() {
    let database = database().await;
    database.pool.close().await;
    let error = sign_in(&database.pool, "admin", Password::new("whatever it is"))
        .await
        .unwrap_err();
    assert!(matches!(error, EnterError::Access(_)), "{error}");
}

#[tokio::test]
async fn an_auditor_signs_in_with_the_password_that_was_shown_and_the_name_is_taken_then() {
    let pool = database().await.pool;
    let name = "ada".parse().unwrap();
    let password = add(&pool, &name, Role::Auditor, None).await.unwrap();
    let signed_in = sign_in(&pool, "ada", password).await.unwrap();
    assert!(signed_in.must_change_password());
    assert_eq!(signed_in.principal.role(), Role::Auditor);

    let again = add(&pool, &name, Role::Admin, None).await.unwrap_err();
    assert!(matches!(again, AddError::Taken(taken) if taken == name));
    for role in [Role::Device, Role::Service] {
        let refused = add(&pool, &"eve".parse().unwrap(), role, None).await;
        assert!(matches!(refused, Err(AddError::NoAccount(_))), "{role:?}");
    }
}

/// Adds an account and signs it in.
async fn signed_in(pool: &PgPool, role: Role, organisation: Option<&Slug>) -> Principal {
    let name: Username = format!("one-{role}").parse().unwrap();
    let password = add(pool, &name, role, organisation).await.unwrap();
    sign_in(pool, name.as_str(), password)
        .await
        .unwrap()
        .principal
}

#[tokio::test]
async fn an_account_of_every_role_signs_in_with_its_organisation_and_its_token_says_so() {
    let pool = database().await.pool;
    let northsea: Slug = "northsea".parse().unwrap();
    let tokens = tokens();
    for role in Role::ACCOUNTS {
        let principal = signed_in(&pool, role, Some(&northsea)).await;
        assert_eq!(
            (principal.role(), principal.organisation()),
            (role, Some(&northsea))
        );
        let proved = tokens.verify(&tokens.issue(&principal).token);
        assert_eq!(proved, Ok(principal), "{role}");
    }
    let listed = list(&pool).await.unwrap();
    assert_eq!(listed.len(), Role::ACCOUNTS.len());
    for account in listed {
        assert_eq!(account.username.as_str(), format!("one-{}", account.role));
        assert_eq!(account.organisation.as_ref(), Some(&northsea));
        assert!(account.must_change_password);
    }
}

#[tokio::test]
async fn only_admin_and_auditor_can_be_of_no_organisation() {
    let pool = database().await.pool;
    for role in Role::ACCOUNTS {
        let name = format!("one-{role}").parse().unwrap();
        let added = add(&pool, &name, role, None).await;
        match role {
            Role::Admin | Role::Auditor => assert!(added.is_ok(), "{role}"),
            _ => {
                let refused = added.unwrap_err();
                assert!(
                    matches!(refused, AddError::NeedsOrganisation(refused) if refused == role),
                    "{refused}"
                );
            }
        }
    }
    assert_eq!(list(&pool).await.unwrap().len(), 2);
}

/// Whoever writes rows by hand: the table takes none that would reach every organisation.
#[tokio::test]
async fn the_table_takes_no_row_whose_role_needs_an_organisation_without_one() {
    let database = database().await;
    let insert = |role: &'static str, organisation: Option<&'static str>| {
        sqlx::query(
            "INSERT INTO access.accounts
             VALUES (gen_random_uuid(), gen_random_uuid()::text, '', $1, true, now(), $2)",
        )
        .bind(role)
        .bind(organisation)
        .execute(&database.pool)
    };
    for role in Role::ACCOUNTS {
        let without = insert(role.name(), None).await;
        assert_eq!(without.is_err(), role.needs_organisation(), "{role}");
        insert(role.name(), Some("northsea")).await.unwrap();
    }
    for role in [Role::Device, Role::Service] {
        let refused = insert(role.name(), Some("northsea")).await;
        assert!(refused.is_err(), "{role}");
    }
}

#[tokio::test]
async fn an_account_with_a_password_that_was_chosen_for_it_need_not_change_it() {
    let pool = database().await.pool;
    let northsea = "northsea".parse().unwrap();
    let name: Username = "otto.northsea".parse().unwrap();
    let with = |password: &str| {
        let password = Password::new(password);
        add_with(&pool, &name, Role::Operator, Some(&northsea), password)
    };
    for guessable in ["short", "ottonorthsea", "passwordpassword"] {
        let refused = with(guessable).await.unwrap_err();
        assert!(matches!(refused, AddError::Refused(_)), "{refused}");
    }
    with(PHRASE).await.unwrap();
    let entered = sign_in(&pool, name.as_str(), Password::new(PHRASE)).await;
    assert!(!entered.unwrap().must_change_password());
}

#[tokio::test]
async fn who_is_erased_leaves_an_id_and_the_name_is_free() {
    let pool = database().await.pool;
    let name: Username = "ada".parse().unwrap();
    let password = add(&pool, &name, Role::Auditor, None).await.unwrap();
    sign_in(&pool, "ada", password.clone()).await.unwrap();
    let id = erase(&pool, &name).await.unwrap().unwrap();
    assert!(sign_in(&pool, "ada", password).await.is_err());
    assert!(erase(&pool, &name).await.unwrap().is_none());
    let tables = "SELECT count(*) FROM (
        SELECT a::text AS row FROM access.accounts a UNION ALL SELECT s::text FROM access.sessions s
    ) AS rows WHERE row LIKE '%ada%' OR row LIKE '%a browser%'";
    let left: i64 = sqlx::query_scalar(tables).fetch_one(&pool).await.unwrap();
    assert_eq!(left, 0);
    let again = add_with(&pool, &name, Role::Auditor, None, Password::new(PHRASE)).await;
    assert_ne!(again.unwrap(), id);
}
