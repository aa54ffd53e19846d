//! Who is let in, on a real Postgres.
#![expect(clippy::unwrap_used)]

mod support;

use sealrock_access::accounts::{ChangePasswordError, add_with, find_id};
use sealrock_access::gate::{Code, EnterError, Entered, Gate, LockedOut, StepUp, StepUpError};
use sealrock_access::sessions::{self, Because, Client};
use sealrock_access::{
    AccountId, ClientAddress, Password, Principal, Role, SessionId,
    second_factor::{self, EnrolError},
};
use sealrock_testkit::database;
use sqlx::PgPool;
use totp_rs::{Algorithm, Secret, TOTP};

use support::{PHRASE, client, gate, proof, sign_in, tokens};

/// Account `ada`, who has chosen her password.
async fn ada(pool: &PgPool) -> AccountId {
    let (name, password) = ("ada".parse().unwrap(), Password::new(PHRASE));
    let added = add_with(pool, &name, Role::Auditor, None, password).await;
    added.unwrap()
}

async fn enter(gate: &Gate, password: &str, code: Option<&str>) -> Result<Entered, EnterError> {
    gate.enter(proof("ada", password, code), &client(), true)
        .await
}

fn session(entered: &Entered) -> SessionId {
    let Principal::User { session, .. } = &entered.principal else {
        panic!("a user signs in as a user")
    };
    session.unwrap()
}

/// Lets the wrong attempts so far lie longer ago.
async fn later(pool: &PgPool, by: &str) {
    let passed = format!(
        "UPDATE access.sign_in_attempts
         SET last_at = last_at - interval '{by}', blocked_until = blocked_until - interval '{by}'"
    );
    sqlx::query(&passed).execute(pool).await.unwrap();
}

/// An authenticator app with ada's secret, confirmed; with its recovery codes.
async fn enrolled(pool: &PgPool, gate: &Gate, account: AccountId) -> (TOTP, Vec<String>) {
    let begun = gate.enrol(account, &"ada".parse().unwrap()).await.unwrap();
    let secret = Secret::Encoded(begun.secret).to_bytes().unwrap();
    let app = TOTP::new(Algorithm::SHA1, 6, 0, 30, secret).unwrap();
    let code = Code(app.generate_current().unwrap());
    let recovery = gate.confirm(account, &code, None).await.unwrap();
    // The code of this moment is used up: as if it had been an earlier one.
    forget_step(pool).await;
    (app, recovery)
}

async fn forget_step(pool: &PgPool) {
    let forget = "UPDATE access.second_factors SET last_step = 0";
    sqlx::query(forget).execute(pool).await.unwrap();
}

#[tokio::test]
async fn a_token_says_who_in_which_session_and_since_when() {
    let pool = database().await.pool;
    let account = ada(&pool).await;
    assert_eq!(
        find_id(&pool, &"ada".parse().unwrap()).await.unwrap(),
        Some(account)
    );
    let entered = sign_in(&pool, "Ada ", Password::new(PHRASE)).await.unwrap();
    assert_eq!(
        tokens().verify(&entered.token.token),
        Ok(entered.principal.clone())
    );
    let listed = sessions::list(&pool, account).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].session_id, session(&entered).0);

    let gate = gate(&pool);
    let token = entered.refresh_token.unwrap();
    let renewed = gate.renew(&token).await.unwrap();
    assert_eq!(renewed.principal, entered.principal);
    gate.leave(renewed.refresh_token.as_ref().unwrap())
        .await
        .unwrap();
    assert!(gate.tokens().revoked().contains(session(&renewed)));
    assert!(gate.renew(&renewed.refresh_token.unwrap()).await.is_err());
}

#[tokio::test]
async fn wrong_attempts_make_a_name_wait_ever_longer_and_then_for_a_quarter_of_an_hour() {
    let pool = database().await.pool;
    let account = ada(&pool).await;
    let gate = gate(&pool);
    for _ in 0..9 {
        let refused = enter(&gate, "wrong", None).await.unwrap_err();
        assert!(matches!(refused, EnterError::WrongCredentials), "{refused}");
    }
    let mut waits = Vec::new();
    for _ in 10..15 {
        let refused = enter(&gate, "wrong", None).await.unwrap_err();
        assert!(matches!(refused, EnterError::WrongCredentials), "{refused}");
        // Even with the right one.
        let refused = enter(&gate, PHRASE, None).await.unwrap_err();
        let EnterError::TooMany(told) = refused else {
            panic!("{refused}")
        };
        waits.push(told.retry_after());
        later(&pool, "20 seconds").await;
    }
    assert!(waits.is_sorted() && waits[0] < waits[4], "{waits:?}");
    let refused = enter(&gate, "wrong", None).await.unwrap_err();
    let EnterError::LockedOut(locked) = &refused else {
        panic!("{refused}")
    };
    let whose = locked.account.as_ref().map(|account| account.actor());
    assert_eq!(whose, Some(format!("user/{account}")));
    let told = refused.to_string();
    assert!(
        told.contains("try again in 900 s") && !told.contains("ada"),
        "{told}"
    );
    let refused = enter(&gate, PHRASE, None).await.unwrap_err();
    assert!(
        matches!(refused, EnterError::TooMany(_)),
        "told once: {refused}"
    );
    later(&pool, "15 minutes").await;
    enter(&gate, PHRASE, None).await.unwrap();
    for _ in 0..9 {
        enter(&gate, "wrong", None).await.unwrap_err();
    }
    enter(&gate, PHRASE, None).await.unwrap();
}

#[tokio::test]
async fn a_name_that_is_not_there_is_kept_out_in_the_same_words() {
    let pool = database().await.pool;
    ada(&pool).await;
    let gate = gate(&pool);
    let mut said: Vec<Vec<String>> = Vec::new();
    for name in ["ada", "nobody", "no name at all"] {
        let mut answers = Vec::new();
        for _ in 0..16 {
            let refused = gate
                .enter(proof(name, "wrong", None), &Client::default(), false)
                .await;
            let refused = refused.unwrap_err().to_string();
            // The hour and minute are of this attempt.
            let words = refused.split(" (at ").next().unwrap().to_owned();
            answers.push(words.replace("899 s", "900 s"));
            later(&pool, "20 seconds").await;
        }
        said.push(answers);
    }
    assert_eq!(said[0], said[1]);
    assert_eq!(said[0], said[2]);
    assert!(said[0][14].contains("900 s"), "{:?}", said[0]);
}

#[tokio::test]
async fn guesses_that_come_at_once_are_counted_each() {
    let pool = database().await.pool;
    ada(&pool).await;
    let gate = gate(&pool);
    let guesses = (0..30).map(|_| {
        let gate = gate.clone();
        tokio::spawn(async move { enter(&gate, "wrong", None).await.unwrap_err() })
    });
    let mut looked_at = 0;
    for guess in guesses.collect::<Vec<_>>() {
        let refused = guess.await.unwrap();
        looked_at += usize::from(matches!(refused, EnterError::WrongCredentials));
    }
    assert!(looked_at <= 11, "{looked_at}");
}

#[tokio::test]
async fn an_address_that_guesses_at_many_names_is_kept_out_and_others_are_not() {
    let pool = database().await.pool;
    ada(&pool).await;
    let gate = gate(&pool);
    let at = |address: &str| Client {
        address: Some(ClientAddress(address.parse().unwrap())),
        name: None,
    };
    let sql = "INSERT INTO access.sign_in_attempts VALUES ('address/192.0.2.7', 49, now(), now())";
    sqlx::query(sql).execute(&pool).await.unwrap();
    let guess = gate
        .enter(proof("bob", "wrong", None), &at("192.0.2.7"), false)
        .await;
    let refused = guess.unwrap_err();
    assert!(matches!(refused, EnterError::WrongCredentials), "{refused}");
    let right = gate
        .enter(proof("ada", PHRASE, None), &at("192.0.2.7"), false)
        .await;
    let refused = right.unwrap_err();
    assert!(matches!(refused, EnterError::TooMany(_)), "{refused}");
    let elsewhere = gate
        .enter(proof("ada", PHRASE, None), &at("192.0.2.8"), false)
        .await;
    elsewhere.unwrap();
}

#[tokio::test]
async fn a_second_factor_is_asked_for_after_the_right_password_only() {
    let pool = database().await.pool;
    let account = ada(&pool).await;
    let gate = gate(&pool);
    let (app, _) = enrolled(&pool, &gate, account).await;
    let code = app.generate_current().unwrap();
    let wrong = enter(&gate, "wrong", Some(&code)).await.unwrap_err();
    assert!(matches!(wrong, EnterError::WrongCredentials), "{wrong}");
    let without = enter(&gate, PHRASE, None).await.unwrap_err();
    assert!(
        matches!(without, EnterError::SecondFactorRequired),
        "{without}"
    );
    let wrong = enter(&gate, PHRASE, Some("000000x")).await.unwrap_err();
    assert!(matches!(wrong, EnterError::WrongCredentials), "{wrong}");
    enter(&gate, PHRASE, Some(&code)).await.unwrap();
}

#[tokio::test]
async fn a_code_is_good_once_even_for_two_who_send_it_at_once() {
    let pool = database().await.pool;
    let account = ada(&pool).await;
    let gate = gate(&pool);
    let (app, recovery) = enrolled(&pool, &gate, account).await;
    let code = app.generate_current().unwrap();
    let (one, other) = tokio::join!(
        enter(&gate, PHRASE, Some(&code)),
        enter(&gate, PHRASE, Some(&code))
    );
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    assert!(enter(&gate, PHRASE, Some(&code)).await.is_err());

    assert_eq!(recovery.len(), 10);
    let typed = recovery[0].to_uppercase().replace('-', " ");
    let (one, other) = tokio::join!(
        enter(&gate, PHRASE, Some(&typed)),
        enter(&gate, PHRASE, Some(&recovery[0]))
    );
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    let left = second_factor::recovery_codes_left(&pool, account).await;
    assert_eq!(left.unwrap(), 9);
}

#[tokio::test]
async fn guessing_codes_is_throttled_though_the_password_is_known() {
    let pool = database().await.pool;
    let account = ada(&pool).await;
    let gate = gate(&pool);
    enrolled(&pool, &gate, account).await;
    for _ in 0..10 {
        // That the password is right forgives nothing.
        let refused = enter(&gate, PHRASE, None).await.unwrap_err();
        assert!(
            matches!(refused, EnterError::SecondFactorRequired),
            "{refused}"
        );
        enter(&gate, PHRASE, Some("guess")).await.unwrap_err();
    }
    let refused = enter(&gate, PHRASE, Some("guess")).await.unwrap_err();
    assert!(matches!(refused, EnterError::TooMany(_)), "{refused}");
}

#[tokio::test]
async fn a_second_factor_is_asked_for_once_it_was_confirmed_and_not_after_it_was_taken_away() {
    let pool = database().await.pool;
    let account = ada(&pool).await;
    let gate = gate(&pool);
    let name = "ada".parse().unwrap();
    gate.enrol(account, &name).await.unwrap();
    enter(&gate, PHRASE, None).await.unwrap();
    let wrong = gate
        .confirm(account, &Code("12345x".to_owned()), None)
        .await;
    assert!(wrong.is_err());
    enrolled(&pool, &gate, account).await;
    assert!(gate.enrol(account, &name).await.is_err(), "one is enough");
    assert!(enter(&gate, PHRASE, None).await.is_err());
    let row: String = sqlx::query_scalar("SELECT f::text FROM access.second_factors f")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert!(
        second_factor::remove(&pool, account).await.unwrap(),
        "{row}"
    );
    enter(&gate, PHRASE, None).await.unwrap();
}

#[tokio::test]
async fn stepping_up_takes_the_second_factor_where_there_is_one_and_the_password_elsewhere() {
    let pool = database().await.pool;
    let account = ada(&pool).await;
    let gate = gate(&pool);
    let entered = enter(&gate, PHRASE, None).await.unwrap();
    let who = &entered.principal;
    let by_password = || StepUp::Password(Password::new(PHRASE));
    let up = gate.step_up(who, by_password(), None).await.unwrap();
    assert_eq!(session(&up), session(&entered));
    let wrong = StepUp::Password(Password::new("wrong"));
    let refused = gate.step_up(who, wrong, None).await.unwrap_err();
    assert!(matches!(refused, StepUpError::Wrong), "{refused}");

    let (app, _) = enrolled(&pool, &gate, account).await;
    let refused = gate.step_up(who, by_password(), None).await.unwrap_err();
    assert!(
        matches!(refused, StepUpError::SecondFactorRequired),
        "{refused}"
    );
    let by_code = StepUp::Code(Code(app.generate_current().unwrap()));
    gate.step_up(who, by_code, None).await.unwrap();

    gate.end(account, session(&entered), Because::Revoked)
        .await
        .unwrap();
    forget_step(&pool).await;
    let by_code = StepUp::Code(Code(app.generate_current().unwrap()));
    let refused = gate.step_up(who, by_code, None).await.unwrap_err();
    assert!(matches!(refused, StepUpError::NoSession), "{refused}");
}

#[tokio::test]
async fn a_changed_password_ends_the_other_sessions_and_lets_this_one_go_on() {
    let pool = database().await.pool;
    let account = ada(&pool).await;
    let gate = gate(&pool);
    let (other, own) = (
        enter(&gate, PHRASE, None).await.unwrap(),
        enter(&gate, PHRASE, None).await.unwrap(),
    );
    let (wrong, right) = (Password::new("wrong"), Password::new(PHRASE));
    let new = Password::new("otter marzipan quilt");
    let refused = gate
        .change_password(&own.principal, wrong, new.clone(), None)
        .await;
    assert!(matches!(refused, Err(ChangePasswordError::WrongPassword)));
    let weak = Password::new("ada ada ada ada");
    let refused = gate
        .change_password(&own.principal, right.clone(), weak, None)
        .await;
    assert!(matches!(refused, Err(ChangePasswordError::Refused(_))));
    let changed = gate
        .change_password(&own.principal, right, new, None)
        .await
        .unwrap();
    assert_eq!(session(&changed), session(&own));
    assert!(gate.tokens().revoked().contains(session(&other)));
    assert!(!gate.tokens().revoked().contains(session(&own)));
    let listed = sessions::list(&pool, account).await.unwrap();
    assert_eq!(listed.len(), 1);
    gate.renew(&own.refresh_token.unwrap()).await.unwrap();
}

/// As somebody who has a session of ada, and tries to do what asks for a proof.
async fn guess(gate: &Gate, who: &Principal, at: usize) -> Result<(), Option<LockedOut>> {
    let wrong = || Password::new("wrong");
    if at.is_multiple_of(2) {
        return match gate.step_up(who, StepUp::Password(wrong()), None).await {
            Err(StepUpError::LockedOut(locked)) => Err(Some(locked)),
            Err(StepUpError::Wrong) => Err(None),
            other => panic!("{other:?}"),
        };
    }
    let new = Password::new("otter marzipan quilt");
    match gate.change_password(who, wrong(), new, None).await {
        Err(ChangePasswordError::LockedOut(locked)) => Err(Some(locked)),
        Err(ChangePasswordError::WrongPassword) => Err(None),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn guesses_on_an_open_session_are_counted_and_apart_from_those_at_the_door() {
    let pool = database().await.pool;
    let account = ada(&pool).await;
    let gate = gate(&pool);
    let own = enter(&gate, PHRASE, None).await.unwrap().principal;
    // Strangers who keep guessing at the door do not keep her from what she is about.
    for _ in 0..15 {
        enter(&gate, "wrong", None).await.unwrap_err();
        later(&pool, "20 seconds").await;
    }
    let kept_out = enter(&gate, PHRASE, None).await.unwrap_err();
    assert!(matches!(kept_out, EnterError::TooMany(_)), "{kept_out}");
    let proved = || StepUp::Password(Password::new(PHRASE));
    gate.step_up(&own, proved(), None).await.unwrap();

    for last in [0, 1] {
        for at in 0..14 {
            assert_eq!(guess(&gate, &own, at).await, Err(None));
            later(&pool, "20 seconds").await;
        }
        let locked = guess(&gate, &own, last).await.unwrap_err().unwrap();
        let whose = locked.account.as_ref().map(|account| account.actor());
        assert_eq!(whose, Some(format!("user/{account}")));
        assert_eq!(locked.failures, 15);
        let kept_out = gate.step_up(&own, proved(), None).await.unwrap_err();
        assert!(matches!(kept_out, StepUpError::TooMany(_)), "{kept_out}");
        later(&pool, "15 minutes").await;
    }
    gate.step_up(&own, proved(), None).await.unwrap();
}

#[tokio::test]
async fn codes_of_a_second_factor_that_was_begun_are_not_guessed_without_end() {
    let pool = database().await.pool;
    let account = ada(&pool).await;
    let gate = gate(&pool);
    gate.enrol(account, &"ada".parse().unwrap()).await.unwrap();
    let guess = async || {
        let code = Code("12345x".to_owned());
        gate.confirm(account, &code, None).await.unwrap_err()
    };
    for _ in 0..15 {
        let wrong = guess().await;
        assert!(matches!(wrong, EnrolError::WrongCode), "{wrong}");
        later(&pool, "20 seconds").await;
    }
    let kept_out = guess().await;
    assert!(matches!(kept_out, EnrolError::TooMany(_)), "{kept_out}");
}

#[tokio::test]
async fn who_signs_in_rightly_in_between_guesses_at_no_more_names() {
    let pool = database().await.pool;
    ada(&pool).await;
    let gate = gate(&pool);
    let client = Client {
        address: Some(ClientAddress("192.0.2.7".parse().unwrap())),
        name: None,
    };
    let try_as = async |name: String, password: &str| {
        gate.enter(proof(&name, password, None), &client, false)
            .await
    };
    let mut guesses = 0;
    loop {
        let guess = try_as(format!("name-{guesses}"), "wrong").await;
        if let Err(EnterError::TooMany(_)) = guess {
            break;
        }
        guesses += 1;
        assert!(guesses < 60, "nobody is stopped");
        if try_as("ada".to_owned(), PHRASE).await.is_err() {
            break;
        }
    }
    assert!(
        guesses >= 40,
        "an office that mistypes is not stopped so soon: {guesses}"
    );
}
