//! A node that knows a provider, and a client that keeps cookies as a browser does.

use std::sync::Arc;

use reqwest::StatusCode;
use reqwest::header::{COOKIE, LOCATION, RETRY_AFTER, SET_COOKIE};
use sealrock_access::gate::Gate;
use sealrock_access::links::{self, Subject};
use sealrock_access::sessions::{self, RefreshToken};
use sealrock_access::{
    AccountId, FactorKey, Password, Principal, Role, TokenKey, Tokens, accounts,
};
use sealrock_commands::{Commands, Identities};
use sealrock_eventstore::{EventStore, KeyFiles};
use sealrock_oidc::{Oidc, OidcSettings, OidcState, router};
use sealrock_testkit::database;
use serde_json::Value;
use sqlx::PgPool;
use tempfile::TempDir;
use tokio::net::TcpListener;
use url::Url;

use crate::provider::{CLIENT, Provider, SECRET, SUBJECT};

pub const PHRASE: &str = "otter marzipan quilt";

pub struct World {
    pub provider: Provider,
    pub gate: Gate,
    pub pool: PgPool,
    pub http: String,
    pub otto: AccountId,
    _keys: TempDir,
}

/// A node that knows the provider, and account `otto` of `northsea`, whom nothing links yet.
pub async fn world() -> World {
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
pub struct Answer {
    pub status: StatusCode,
    pub location: String,
    pub cookies: Vec<String>,
    pub retry_after: Option<String>,
    pub text: String,
}

impl Answer {
    /// `name=value` of a cookie that it sets.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let named = |set: &&String| set.starts_with(&format!("{name}="));
        let set = self.cookies.iter().find(named)?;
        for part in ["Path=/", "Secure", "HttpOnly"] {
            assert!(set.split("; ").any(|found| found == part), "{set}");
        }
        set.split("; ").next()
    }

    pub fn refresh_token(&self) -> Option<RefreshToken> {
        let set = self.cookie(sessions::COOKIE)?;
        let (_, token) = set.split_once('=')?;
        Some(RefreshToken::new(token))
    }
}

pub async fn get(url: &str, cookie: &str) -> Answer {
    get_from(url, cookie, None).await
}

/// As a browser asks that says from where it was sent.
pub async fn get_from(url: &str, cookie: &str, site: Option<&str>) -> Answer {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let request = client.build().unwrap().get(url).header(COOKIE, cookie);
    let request = match site {
        Some(site) => request.header("sec-fetch-site", site),
        None => request,
    };
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
        retry_after: answer.headers().get(RETRY_AFTER).map(header),
        text: answer.text().await.unwrap(),
    }
}

impl World {
    pub async fn link(&self, account: AccountId) {
        let subject = Subject {
            issuer: self.provider.issuer.clone(),
            subject: SUBJECT.to_owned(),
        };
        assert!(links::link(&self.pool, &subject, account).await.unwrap());
    }

    /// The cookie of a sign-in that was begun, and where the provider is to send the browser.
    pub async fn begin(&self) -> (String, Url) {
        let begun = get(&format!("{}/oidc/start", self.http), "").await;
        assert_eq!(begun.status, StatusCode::SEE_OTHER, "{begun:?}");
        let cookie = begun.cookie("__Host-sealrock-oidc").unwrap().to_owned();
        let back = self.provider.authorize(&begun.location.parse().unwrap());
        (cookie, back)
    }

    /// The whole way, with an ID token that the provider has changed.
    pub async fn sign_in(&self, change: Value) -> Answer {
        let (cookie, back) = self.begin().await;
        self.provider.changes(change);
        get(back.as_str(), &cookie).await
    }

    /// When the session of this answer was last stepped up.
    pub async fn stepped_up(&self, answer: &Answer) -> i64 {
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

    pub async fn sessions(&self) -> usize {
        sessions::list(&self.pool, self.otto).await.unwrap().len()
    }
}
