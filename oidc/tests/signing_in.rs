//! The way to a provider and back: a provider that these tests play, a real Postgres, a client that
//! keeps cookies as a browser does.
#![expect(clippy::unwrap_used)]

mod provider;

use std::sync::Arc;

use reqwest::StatusCode;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use sealrock_access::gate::{Code, Gate};
use sealrock_access::links::{self, Subject};
use sealrock_access::sessions::{self, RefreshToken};
use sealrock_access::{
    AccountId, FactorKey, Password, Principal, Role, TokenKey, Tokens, accounts, standing,
};
use sealrock_commands::{Commands, Identities};
use sealrock_eventstore::{EventStore, KeyFiles};
use sealrock_oidc::{Oidc, OidcSettings, OidcState, router};
use sealrock_testkit::database;
use serde_json::{Value, json};
use sqlx::PgPool;
use tempfile::TempDir;
use tokio::net::TcpListener;
use totp_rs::{Algorithm, Secret, TOTP};
use url::Url;

use provider::{CLIENT, Provider, SECRET, SUBJECT};

const PHRASE: &str = "otter marzipan quilt";

struct World {
    provider: Provider,
    gate: Gate,
    pool: PgPool,
    http: String,
    otto: AccountId,
    _keys: TempDir,
}

/// A node that knows the provider, and account `otto` of `northsea`, whom nothing links yet.
async fn world() -> World {
    let (pool, keys) = (database().await.pool, tempfile::tempdir().unwrap());
    let key_source = Arc::new(KeyFiles::new(keys.path()));
    let store = EventStore::open(pool.clone(), key_source, "test.example");
    let commands = Commands::new(store.await.unwrap(), true);
    let tokens = Arc::new(Tokens::new(TokenKey::from_seed(&[9; 32]), "test.example"));
    let factors = Arc::new(FactorKey::from_bytes(&[9; 32]));
    let gate = Gate::new(pool.clone(), tokens.clone(), factors);
    let provider = Provider::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let http = format!("http://{}", listener.local_addr().unwrap());
    let settings = OidcSettings {
        issuer: provider.issuer.clone(),
        client_id: CLIENT.to_owned(),
        client_secret: SECRET.to_owned(),
        redirect_url: format!("{http}/oidc/callback").parse().unwrap(),
    };
    let routes = router(OidcState {
        oidc: Oidc::new(settings).unwrap(),
        gate: gate.clone(),
        identities: Identities::new(commands, tokens),
        pool: pool.clone(),
    });
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let (name, own) = ("otto".parse().unwrap(), "northsea".parse().unwrap());
    let otto = accounts::add_with(
        &pool,
        &name,
        Role::Operator,
        Some(&own),
        Password::new(PHRASE),
    );
    World {
        otto: otto.await.unwrap(),
        provider,
        gate,
        pool,
        http,
        _keys: keys,
    }
}

/// An answer, as far as it matters.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    location: String,
    cookies: Vec<String>,
    text: String,
}

impl Answer {
    /// `name=value` of a cookie that it sets.
    fn cookie(&self, name: &str) -> Option<&str> {
        let named = |set: &&String| set.starts_with(&format!("{name}="));
        let set = self.cookies.iter().find(named)?;
        for part in ["Path=/", "Secure", "HttpOnly"] {
            assert!(set.split("; ").any(|found| found == part), "{set}");
        }
        set.split("; ").next()
    }

    fn refresh_token(&self) -> Option<RefreshToken> {
        let set = self.cookie(sessions::COOKIE)?;
        let (_, token) = set.split_once('=')?;
        Some(RefreshToken::new(token))
    }
}

async fn get(url: &str, cookie: &str) -> Answer {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let request = client.build().unwrap().get(url).header(COOKIE, cookie);
    let answer = request.send().await.unwrap();
    let header = |value: &reqwest::header::HeaderValue| value.to_str().unwrap().to_owned();
    Answer {
        status: answer.status(),
        location: answer
            .headers()
            .get(LOCATION)
            .map(header)
            .unwrap_or_default(),
        cookies: answer
            .headers()
            .get_all(SET_COOKIE)
            .iter()
            .map(header)
            .collect(),
        text: answer.text().await.unwrap(),
    }
}

impl World {
    async fn link(&self, account: AccountId) {
        let subject = Subject {
            issuer: self.provider.issuer.clone(),
            subject: SUBJECT.to_owned(),
        };
        assert!(links::link(&self.pool, &subject, account).await.unwrap());
    }

    /// The cookie of a sign-in that was begun, and where the provider is to send the browser.
    async fn begin(&self) -> (String, Url) {
        let begun = get(&format!("{}/oidc/start", self.http), "").await;
        assert_eq!(begun.status, StatusCode::SEE_OTHER, "{begun:?}");
        let cookie = begun.cookie("__Host-sealrock-oidc").unwrap().to_owned();
        let back = self.provider.authorize(&begun.location.parse().unwrap());
        (cookie, back)
    }

    /// The whole way, with an ID token that the provider has changed.
    async fn sign_in(&self, change: Value) -> Answer {
        let (cookie, back) = self.begin().await;
        self.provider.changes(change);
        get(back.as_str(), &cookie).await
    }

    /// When the session of this answer was last stepped up.
    async fn stepped_up(&self, answer: &Answer) -> i64 {
        let renewed = self.gate.renew(&answer.refresh_token().unwrap()).await;
        let Principal::User {
            stepped_up: Some(proved),
            ..
        } = renewed.unwrap().principal
        else {
            panic!("a user is a user")
        };
        proved.timestamp()
    }

    async fn sessions(&self) -> usize {
        sessions::list(&self.pool, self.otto).await.unwrap().len()
    }
}

#[tokio::test]
async fn a_linked_subject_gets_the_session_of_its_account() {
    let world = world().await;
    world.link(world.otto).await;
    let answer = world.sign_in(json!({})).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    assert_eq!(answer.location, "/");
    assert_eq!(
        answer.cookie("__Host-sealrock-oidc"),
        Some("__Host-sealrock-oidc=")
    );
    let renewed = world.gate.renew(&answer.refresh_token().unwrap()).await;
    let renewed = renewed.unwrap();
    assert_eq!(renewed.principal.actor(), format!("user/{}", world.otto));
    assert_eq!(world.sessions().await, 1);
}

#[tokio::test]
async fn a_subject_that_nobody_linked_is_nobody_whatever_name_it_brings() {
    let world = world().await;
    let named = json!({"email": "otto", "preferred_username": "otto", "email_verified": true});
    let answer = world.sign_in(named).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.text.contains(SUBJECT), "{}", answer.text);
    assert!(answer.refresh_token().is_none());
    world.link(world.otto).await;
    let other = world.sign_in(json!({"sub": "somebody else"})).await;
    assert_eq!(other.status, StatusCode::FORBIDDEN, "{other:?}");
    assert_eq!(world.sessions().await, 0);
}

#[tokio::test]
async fn a_token_that_was_not_made_for_this_sign_in_opens_nothing() {
    let world = world().await;
    world.link(world.otto).await;
    let now = chrono::Utc::now().timestamp();
    for change in [
        json!({"nonce": "another"}),
        json!({"nonce": null}),
        json!({"aud": "another"}),
        json!({"aud": [CLIENT, "another"]}),
        json!({"aud": [CLIENT, "another"], "azp": "another"}),
        json!({"azp": "another"}),
        json!({"iss": "https://another.example"}),
        json!({"exp": now - 120}),
        json!({"exp": null}),
        json!({"iat": now + 600}),
        json!({"sub": ""}),
        json!({"sub": null}),
    ] {
        let answer = world.sign_in(change.clone()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{change}: {answer:?}");
        assert!(answer.refresh_token().is_none(), "{change}");
    }
    assert_eq!(world.sessions().await, 0);
    let ours = json!({"aud": [CLIENT, "another"], "azp": CLIENT});
    let answer = world.sign_in(ours).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
}

#[tokio::test]
async fn a_token_of_another_key_or_of_none_opens_nothing() {
    let world = world().await;
    world.link(world.otto).await;
    for forged in ["another-key", "unknown-kid", "none", "hs256"] {
        let (cookie, back) = world.begin().await;
        world.provider.forges(forged);
        let answer = get(back.as_str(), &cookie).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{forged}: {answer:?}");
    }
    assert_eq!(world.sessions().await, 0);
}

#[tokio::test]
async fn a_sign_in_comes_back_once_and_to_the_browser_that_began_it() {
    let world = world().await;
    world.link(world.otto).await;
    let (cookie, back) = world.begin().await;
    let (other, _) = world.begin().await;
    for elsewhere in ["", "__Host-sealrock-oidc=x.y.z", other.as_str()] {
        let answer = get(back.as_str(), elsewhere).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
    }
    let answer = get(back.as_str(), &cookie).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    let again = get(back.as_str(), &cookie).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST, "{again:?}");
    // Nor with another code.
    let again = world.provider.with_new_code(&back);
    let again = get(again.as_str(), &cookie).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST, "{again:?}");
    assert_eq!(world.sessions().await, 1);
}

#[tokio::test]
async fn a_code_that_was_stolen_from_another_browser_is_worth_nothing() {
    let world = world().await;
    world.link(world.otto).await;
    let (_, of_otto) = world.begin().await;
    let (cookie, of_thief) = world.begin().await;
    let stolen = of_otto.query_pairs().find(|(name, _)| name == "code");
    let state = of_thief.query_pairs().find(|(name, _)| name == "state");
    let mut mixed = of_thief.clone();
    mixed
        .query_pairs_mut()
        .clear()
        .append_pair("code", &stolen.unwrap().1)
        .append_pair("state", &state.unwrap().1);
    let answer = get(mixed.as_str(), &cookie).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{answer:?}");
    assert_eq!(world.sessions().await, 0);
}

#[tokio::test]
async fn who_comes_back_without_a_code_is_told_to_try_again() {
    let world = world().await;
    let (cookie, back) = world.begin().await;
    let state = back.query_pairs().find(|(name, _)| name == "state");
    let mut denied = back.clone();
    denied
        .query_pairs_mut()
        .clear()
        .append_pair("error", "access_denied")
        .append_pair("state", &state.unwrap().1);
    let answer = get(denied.as_str(), &cookie).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.text.contains("/oidc/start"), "{}", answer.text);
}

#[tokio::test]
async fn a_link_makes_nobody_a_member_and_ends_with_the_account() {
    let world = world().await;
    world.link(world.otto).await;
    // The ledger is to say it, and has no entry.
    standing::recorded(&world.pool, world.otto).await.unwrap();
    let answer = world.sign_in(json!({})).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{answer:?}");
    assert!(!answer.text.contains(SUBJECT), "known, and no member");
    assert_eq!(world.sessions().await, 0);
    accounts::erase(&world.pool, &"otto".parse().unwrap())
        .await
        .unwrap();
    let answer = world.sign_in(json!({})).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{answer:?}");
    assert!(answer.text.contains(SUBJECT), "nobody is linked any more");
}

#[tokio::test]
async fn a_link_that_ends_takes_its_sessions_with_it() {
    let world = world().await;
    world.link(world.otto).await;
    let answer = world.sign_in(json!({})).await;
    assert_eq!(world.sessions().await, 1, "{answer:?}");
    assert_eq!(links::unlink(&world.pool, world.otto).await.unwrap(), 1);
    assert_eq!(world.sessions().await, 0);
    let answer = world.sign_in(json!({})).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{answer:?}");
    assert_eq!(links::unlink(&world.pool, world.otto).await.unwrap(), 0);
}

#[tokio::test]
async fn signing_in_is_a_step_up_as_of_when_it_was_proved_at_the_provider() {
    let world = world().await;
    world.link(world.otto).await;
    let now = chrono::Utc::now().timestamp();
    let answer = world.sign_in(json!({"auth_time": now - 600})).await;
    assert_eq!(world.stepped_up(&answer).await, now - 600);
    let answer = world.sign_in(json!({"auth_time": null})).await;
    assert_eq!(world.stepped_up(&answer).await, 0);
    let answer = world.sign_in(json!({"auth_time": now + 3_600})).await;
    assert!(world.stepped_up(&answer).await < now + 600);
}

#[tokio::test]
async fn who_has_a_second_factor_here_has_not_proved_it_at_the_provider() {
    let world = world().await;
    world.link(world.otto).await;
    let name = "otto".parse().unwrap();
    let begun = world.gate.enrol(world.otto, &name).await.unwrap();
    let secret = Secret::Encoded(begun.secret).to_bytes().unwrap();
    let app = TOTP::new(Algorithm::SHA1, 6, 0, 30, secret).unwrap();
    let code = Code(app.generate_current().unwrap());
    world.gate.confirm(world.otto, &code, None).await.unwrap();
    let answer = world.sign_in(json!({})).await;
    assert_eq!(world.stepped_up(&answer).await, 0);
}

#[tokio::test]
async fn a_link_takes_an_issued_password_away_and_leaves_one_that_was_chosen() {
    let world = world().await;
    let (name, own) = ("erik".parse().unwrap(), "northsea".parse().unwrap());
    let issued = accounts::add(&world.pool, &name, Role::Operator, Some(&own)).await;
    let issued = issued.unwrap();
    let erik = accounts::find_id(&world.pool, &name)
        .await
        .unwrap()
        .unwrap();
    let enter = async |name: &str, password: &str| {
        let proof = sealrock_access::gate::Proof {
            username: name.to_owned(),
            password: Password::new(password),
            code: None,
        };
        let client = sessions::Client::default();
        world.gate.enter(proof, &client, false).await.is_ok()
    };
    assert!(enter("erik", issued.reveal()).await);
    world.link(erik).await;
    assert!(sessions::list(&world.pool, erik).await.unwrap().is_empty());
    let other = Subject {
        issuer: world.provider.issuer.clone(),
        subject: SUBJECT.to_owned(),
    };
    let taken = links::link(&world.pool, &other, world.otto).await;
    assert!(!taken.unwrap(), "a subject is one account");
    assert!(!enter("erik", issued.reveal()).await);
    let answer = world.sign_in(json!({})).await;
    let renewed = world.gate.renew(&answer.refresh_token().unwrap()).await;
    assert!(!renewed.unwrap().must_change_password());
    links::unlink(&world.pool, erik).await.unwrap();
    world.link(world.otto).await;
    assert!(enter("otto", PHRASE).await);
}

#[tokio::test]
async fn a_provider_that_is_away_or_calls_itself_otherwise_signs_nobody_in() {
    let world = world().await;
    world.provider.calls_itself("https://another.example");
    let begun = get(&format!("{}/oidc/start", world.http), "").await;
    assert_eq!(begun.status, StatusCode::SERVICE_UNAVAILABLE, "{begun:?}");
    world.provider.calls_itself(&world.provider.issuer);
    world.begin().await;
    let plain = OidcSettings {
        issuer: "http://provider.example".to_owned(),
        client_id: CLIENT.to_owned(),
        client_secret: SECRET.to_owned(),
        redirect_url: "https://sealrock.example/oidc/callback".parse().unwrap(),
    };
    assert!(Oidc::new(plain).is_err(), "not without TLS");
}
