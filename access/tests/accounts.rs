//! Accounts on a real Postgres.
#![expect(clippy::unwrap_used)]

use sealrock_access::accounts::{
    AddError, ChangePasswordError, SignInError, add, change_password, create_first_admin,
    reset_password, sign_in,
};
use sealrock_access::{Password, PasswordRefused, Principal, Role};
use sealrock_testkit::database;

#[tokio::test]
async fn the_first_admin_can_sign_in_and_must_change_the_password() {
    let pool = database().await.pool;
    let admin = create_first_admin(&pool).await.unwrap().unwrap();
    assert!(admin.password.reveal().len() >= 20);
    let signed_in = sign_in(&pool, "Admin", admin.password).await.unwrap();
    assert!(signed_in.must_change_password);
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
            .must_change_password
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
    let new = Password::new("four words of mine");

    let refused = change_password(&pool, id, Password::new("not the current"), new.clone()).await;
    assert!(matches!(refused, Err(ChangePasswordError::WrongPassword)));
    let refused = change_password(&pool, id, first.clone(), Password::new("short")).await;
    assert!(matches!(
        refused,
        Err(ChangePasswordError::Refused(PasswordRefused::Length))
    ));
    change_password(&pool, id, first.clone(), new.clone())
        .await
        .unwrap();

    let old = sign_in(&pool, "admin", first).await;
    assert!(matches!(old, Err(SignInError::WrongCredentials)));
    assert!(
        !sign_in(&pool, "admin", new)
            .await
            .unwrap()
            .must_change_password
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
    let change = |new: &str| change_password(&pool, id, first.clone(), Password::new(new));
    let (one, other) = tokio::join!(change("the one password"), change("the other password"));
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
}

#[tokio::test]
async fn without_postgres_sign_in_says_that_it_cannot_check() {
    let database = database().await;
    database.pool.close().await;
    let error = sign_in(&database.pool, "admin", Password::new("whatever it is"))
        .await
        .unwrap_err();
    assert!(matches!(error, SignInError::Access(_)), "{error}");
}

#[tokio::test]
async fn an_auditor_signs_in_with_the_password_that_was_shown_and_the_name_is_taken_then() {
    let pool = database().await.pool;
    let name = "ada".parse().unwrap();
    let password = add(&pool, &name, Role::Auditor).await.unwrap();
    let signed_in = sign_in(&pool, "ada", password).await.unwrap();
    assert!(signed_in.must_change_password);
    assert_eq!(signed_in.principal.role(), Role::Auditor);

    let again = add(&pool, &name, Role::Admin).await.unwrap_err();
    assert!(matches!(again, AddError::Taken(taken) if taken == name));
    for role in [Role::Device, Role::Service] {
        let refused = add(&pool, &"eve".parse().unwrap(), role).await;
        assert!(matches!(refused, Err(AddError::NoAccount(_))), "{role:?}");
    }
}
