//! Sessions on a real Postgres.
#![expect(clippy::unwrap_used)]

use sealrock_access::sessions::{
    self, Because, Client, Opened, RefreshError, RefreshToken, refresh, revoke, revoke_all,
    session_of,
};
use sealrock_access::{AccountId, RevokedSessions, SessionId};
use sealrock_testkit::database;
use sqlx::PgPool;
use uuid::Uuid;

const ADA: AccountId = AccountId(Uuid::from_u128(1));
const BOB: AccountId = AccountId(Uuid::from_u128(2));

async fn open(pool: &PgPool, account: AccountId, client: &Client, renewable: bool) -> Opened {
    let mut transaction = pool.begin().await.unwrap();
    let opened = sessions::open(&mut transaction, account, client, renewable).await;
    transaction.commit().await.unwrap();
    opened.unwrap()
}

/// A browser's session.
async fn browser(pool: &PgPool, account: AccountId) -> (SessionId, RefreshToken) {
    let client = Client {
        address: None,
        name: Some("Firefox".to_owned()),
    };
    let opened = open(pool, account, &client, true).await;
    (opened.id, opened.refresh_token.unwrap())
}

/// Lets time pass for refresh tokens that were used.
async fn a_minute_later(pool: &PgPool) {
    let passed = "UPDATE access.refresh_tokens SET used_at = used_at - interval '1 minute'";
    sqlx::query(passed).execute(pool).await.unwrap();
}

async fn because(pool: &PgPool, session: SessionId) -> Option<String> {
    let read = "SELECT revoked_because FROM access.sessions WHERE session_id = $1";
    let read = sqlx::query_scalar(read).bind(session.0);
    read.fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn a_session_is_renewed_by_one_token_after_the_other_and_stays_the_same() {
    let pool = database().await.pool;
    let (session, mut token) = browser(&pool, ADA).await;
    let mut proved = None;
    for _ in 0..3 {
        a_minute_later(&pool).await;
        let renewed = refresh(&pool, &token).await.unwrap();
        assert_eq!((renewed.session, renewed.account), (session, ADA));
        // Renewing proves nothing about who sits there.
        assert_eq!(
            *proved.get_or_insert(renewed.stepped_up),
            renewed.stepped_up
        );
        let next = renewed.next.unwrap();
        assert!(next != token);
        token = next;
    }
}

/// A thief's copy and its owner: whichever of the two goes on first, the other's token gives it away.
#[tokio::test]
async fn a_token_that_is_used_again_after_the_next_one_ends_the_session_for_both_users() {
    let pool = database().await.pool;
    let (session, stolen) = browser(&pool, ADA).await;
    let next = refresh(&pool, &stolen).await.unwrap().next.unwrap();
    a_minute_later(&pool).await;
    let last = refresh(&pool, &next).await.unwrap().next.unwrap();
    // Not even a moment after it was used.
    let reused = refresh(&pool, &stolen).await.unwrap_err();
    assert!(
        matches!(reused, RefreshError::Reused { account, session: ended } if account == ADA && ended == session)
    );
    assert_eq!(because(&pool, session).await.as_deref(), Some("reuse"));
    for token in [next, last] {
        let ended = refresh(&pool, &token).await.unwrap_err();
        assert!(matches!(ended, RefreshError::Ended), "{ended}");
    }
    let revoked = RevokedSessions::default();
    revoked.read(&pool).await.unwrap();
    assert!(revoked.contains(session));
}

#[tokio::test]
async fn a_browser_that_never_got_the_next_token_goes_on_by_the_one_that_it_has() {
    let pool = database().await.pool;
    let (session, mut token) = browser(&pool, ADA).await;
    for _ in 0..3 {
        for _lost in 0..2 {
            let renewed = refresh(&pool, &token).await.unwrap();
            assert!(renewed.next.is_some());
            a_minute_later(&pool).await;
        }
        let renewed = refresh(&pool, &token).await.unwrap();
        assert_eq!(renewed.session, session);
        token = renewed.next.unwrap();
    }
    assert_eq!(because(&pool, session).await, None);
}

#[tokio::test]
async fn a_token_in_whose_place_another_one_was_given_ends_the_session() {
    let pool = database().await.pool;
    let (session, stolen) = browser(&pool, ADA).await;
    let replaced = refresh(&pool, &stolen).await.unwrap().next.unwrap();
    a_minute_later(&pool).await;
    let of_the_thief = refresh(&pool, &stolen).await.unwrap().next.unwrap();
    assert!(of_the_thief != replaced);
    let reused = refresh(&pool, &replaced).await.unwrap_err();
    assert!(matches!(reused, RefreshError::Reused { .. }), "{reused}");
    assert_eq!(because(&pool, session).await.as_deref(), Some("reuse"));
    let ended = refresh(&pool, &of_the_thief).await.unwrap_err();
    assert!(matches!(ended, RefreshError::Ended), "{ended}");
}

#[tokio::test]
async fn two_tabs_that_renew_at_once_both_go_on_with_one_next_token() {
    let pool = database().await.pool;
    let (session, token) = browser(&pool, ADA).await;
    let (one, other) = tokio::join!(refresh(&pool, &token), refresh(&pool, &token));
    let given: Vec<RefreshToken> = [one, other]
        .into_iter()
        .filter_map(|renewed| renewed.unwrap().next)
        .collect();
    assert_eq!(given.len(), 1);
    assert_eq!(refresh(&pool, &given[0]).await.unwrap().session, session);
}

#[tokio::test]
async fn a_session_ends_when_it_is_idle_or_old() {
    let pool = database().await.pool;
    for end in ["idle_until", "ends_at"] {
        let (session, token) = browser(&pool, ADA).await;
        let pass = format!("UPDATE access.sessions SET {end} = now() WHERE session_id = $1");
        sqlx::query(&pass)
            .bind(session.0)
            .execute(&pool)
            .await
            .unwrap();
        let refused = refresh(&pool, &token).await.unwrap_err();
        assert!(matches!(refused, RefreshError::Ended), "{end}: {refused}");
        assert!(session_of(&pool, &token).await.unwrap().is_none(), "{end}");
    }
    assert!(sessions::list(&pool, ADA).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_token_that_nobody_gave_renews_nothing_and_ends_nothing() {
    let pool = database().await.pool;
    let (_, token) = browser(&pool, ADA).await;
    for text in ["", "x", &token.reveal().to_ascii_uppercase()] {
        let refused = refresh(&pool, &RefreshToken::new(text)).await.unwrap_err();
        assert!(matches!(refused, RefreshError::Ended), "{refused}");
    }
    assert!(refresh(&pool, &token).await.is_ok());
}

#[tokio::test]
async fn the_owner_sees_open_sessions_and_ends_them_and_nobody_elses() {
    let pool = database().await.pool;
    let (first, _) = browser(&pool, ADA).await;
    let (second, _) = browser(&pool, ADA).await;
    let (bobs, _) = browser(&pool, BOB).await;
    let listed = sessions::list(&pool, ADA).await.unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[0].client.as_deref(), Some("Firefox"));

    assert!(!revoke(&pool, ADA, bobs, Because::Revoked).await.unwrap());
    assert!(revoke(&pool, ADA, first, Because::Revoked).await.unwrap());
    assert!(!revoke(&pool, ADA, first, Because::Revoked).await.unwrap());
    let (third, _) = browser(&pool, ADA).await;
    let ended = revoke_all(&pool, ADA, Some(third), Because::Password).await;
    assert_eq!(ended.unwrap(), 1);
    assert_eq!(because(&pool, second).await.as_deref(), Some("password"));
    let left = sessions::list(&pool, ADA).await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].session_id, third.0);
    assert_eq!(sessions::list(&pool, BOB).await.unwrap().len(), 1);
}

#[tokio::test]
async fn who_waits_for_the_end_of_a_session_is_told_by_whichever_node_ends_it() {
    let pool = database().await.pool;
    let (session, _) = browser(&pool, ADA).await;
    let here = RevokedSessions::default();
    let follower = tokio::spawn(here.clone().follow(pool.clone()));
    assert!(!here.contains(session));
    let ((), ended) = tokio::join!(here.wait(session), async {
        revoke(&pool, ADA, session, Because::SignOut).await.unwrap()
    });
    assert!(ended && here.contains(session));
    follower.abort();

    let other = SessionId(Uuid::new_v4());
    let (waited, ()) = tokio::join!(here.wait(other), async { here.add(other) });
    assert_eq!(waited, ());
}

/// The answer of a question that was asked before this node ended a session does not have it.
#[tokio::test]
async fn what_a_node_has_ended_itself_is_not_forgotten_for_an_older_answer() {
    let pool = database().await.pool;
    let (session, _) = browser(&pool, ADA).await;
    let (elsewhere, _) = browser(&pool, ADA).await;
    let here = RevokedSessions::default();
    here.add(session);
    here.read(&pool).await.unwrap();
    assert!(here.contains(session));
    revoke(&pool, ADA, elsewhere, Because::SignOut)
        .await
        .unwrap();
    here.read(&pool).await.unwrap();
    assert!(here.contains(session) && here.contains(elsewhere));
}

#[tokio::test]
async fn a_clients_session_without_renewal_lives_as_long_as_its_token() {
    let pool = database().await.pool;
    let opened = open(&pool, ADA, &Client::default(), false).await;
    assert!(opened.refresh_token.is_none());
    let listed = sessions::list(&pool, ADA).await.unwrap();
    let lives = listed[0].ends_at - listed[0].opened_at;
    assert_eq!(lives.to_std().unwrap(), sealrock_access::LIFETIME);
    let past = "UPDATE access.sessions SET idle_until = now() - interval '2 days'";
    sqlx::query(past).execute(&pool).await.unwrap();
    browser(&pool, ADA).await;
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM access.sessions")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(rows, 1, "what ended long ago is forgotten");
}

#[tokio::test]
async fn proving_oneself_again_is_noted_for_an_open_session_only() {
    let pool = database().await.pool;
    let (session, token) = browser(&pool, ADA).await;
    let before = refresh(&pool, &token).await.unwrap();
    let noted = sessions::step_up(&pool, session).await.unwrap().unwrap();
    assert!(noted > before.stepped_up);
    let renewed = refresh(&pool, &before.next.unwrap()).await.unwrap();
    assert_eq!(renewed.stepped_up, noted);
    revoke(&pool, ADA, session, Because::SignOut).await.unwrap();
    assert!(sessions::step_up(&pool, session).await.unwrap().is_none());
}

#[tokio::test]
async fn no_token_is_kept_or_shown() {
    let database = database().await;
    let (_, token) = browser(&database.pool, ADA).await;
    let rows: Vec<String> = sqlx::query_scalar("SELECT t::text FROM access.refresh_tokens t")
        .fetch_all(&database.pool)
        .await
        .unwrap();
    assert!(!rows.concat().contains(token.reveal()));
    assert!(!format!("{token:?}").contains(token.reveal()));
}
