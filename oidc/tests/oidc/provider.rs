//! An identity provider, as far as a relying party sees one.

use std::collections::HashMap;
use std::process::Command;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use url::Url;

pub const CLIENT: &str = "sealrock of northsea";
pub const SECRET: &str = "a secret: with/signs";
pub const SUBJECT: &str = "248289761001";

/// A provider that everybody signs in at as [`SUBJECT`]. It makes of its tokens what a test tells it.
#[derive(Clone)]
pub struct Provider {
    pub issuer: String,
    plan: Arc<Mutex<Plan>>,
}

/// How often it was asked what it publishes, and for tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    pub metadata: usize,
    pub tokens: usize,
}

#[derive(Default)]
struct Plan {
    name: String,
    /// What signs, and what is published.
    keys: Option<(EncodingKey, Vec<Jwk>)>,
    unnamed: bool,
    hangs: bool,
    asked: Asked,
    change: Value,
    forge: Option<&'static str>,
    /// Codes that were not exchanged: challenge and nonce.
    codes: HashMap<String, (String, String)>,
}

/// As it is published.
pub fn public(key: &EncodingKey, algorithm: Algorithm) -> Jwk {
    let mut public = Jwk::from_encoding_key(key, algorithm).unwrap();
    public.common.key_id = Some("one".to_owned());
    public
}

/// A new key of the kind that most providers have.
pub fn rsa() -> EncodingKey {
    let made = Command::new("openssl")
        .args(["genrsa", "-traditional", "2048"])
        .output();
    EncodingKey::from_rsa_pem(&made.unwrap().stdout).unwrap()
}

impl Provider {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let provider = Self {
            plan: Arc::default(),
            issuer: issuer.clone(),
        };
        provider.calls_itself(&issuer);
        provider.takes_a_new_key();
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(metadata))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        provider
    }

    pub fn calls_itself(&self, name: &str) {
        name.clone_into(&mut self.plan.lock().unwrap().name);
    }

    /// Another key of the same name, in place of all others.
    pub fn takes_a_new_key(&self) {
        let key = rsa();
        let published = vec![public(&key, Algorithm::RS256)];
        self.plan.lock().unwrap().keys = Some((key, published));
    }

    /// Publishes another key besides, of no use to it, and says no more which one has signed.
    pub fn publishes_beside(&self, beside: Jwk) {
        let mut plan = self.plan.lock().unwrap();
        plan.unnamed = true;
        plan.keys.as_mut().unwrap().1.insert(0, beside);
    }

    /// Takes what it is asked, and does not answer.
    pub fn hangs(&self, hangs: bool) {
        self.plan.lock().unwrap().hangs = hangs;
    }

    pub fn asked(&self) -> Asked {
        self.plan.lock().unwrap().asked
    }

    /// The next tokens have these claims in place of theirs; null for none.
    pub fn changes(&self, change: Value) {
        self.plan.lock().unwrap().change = change;
    }

    /// The next tokens are signed in another way.
    pub fn forges(&self, how: &'static str) {
        self.plan.lock().unwrap().forge = Some(how);
    }

    /// Somebody signs in: where the browser is sent then.
    pub fn authorize(&self, asked: &Url) -> Url {
        let asked: HashMap<String, String> = asked.query_pairs().into_owned().collect();
        assert_eq!(asked["response_type"], "code");
        assert_eq!(asked["client_id"], CLIENT);
        assert_eq!(asked["code_challenge_method"], "S256");
        assert!(asked["scope"].split(' ').any(|scope| scope == "openid"));
        let mut back: Url = asked["redirect_uri"].parse().unwrap();
        let code = self.code(&asked["code_challenge"], &asked["nonce"]);
        back.query_pairs_mut()
            .append_pair("code", &code)
            .append_pair("state", &asked["state"]);
        back
    }

    /// The same way back with a code that was not used.
    pub fn with_new_code(&self, back: &Url) -> Url {
        let state = back.query_pairs().find(|(name, _)| name == "state");
        let mut again = back.clone();
        again
            .query_pairs_mut()
            .clear()
            .append_pair("code", &self.code("", ""))
            .append_pair("state", &state.unwrap().1);
        again
    }

    fn code(&self, challenge: &str, nonce: &str) -> String {
        let codes = &mut self.plan.lock().unwrap().codes;
        let code = format!("code {}", codes.len());
        codes.insert(code.clone(), (challenge.to_owned(), nonce.to_owned()));
        code
    }

    fn id_token(&self, nonce: &str) -> String {
        let plan = self.plan.lock().unwrap();
        let now = chrono::Utc::now().timestamp();
        let mut claims = json!({
            "iss": self.issuer, "aud": CLIENT, "sub": SUBJECT, "nonce": nonce,
            "iat": now, "exp": now + 300, "auth_time": now,
        });
        for (name, value) in plan.change.as_object().into_iter().flatten() {
            claims[name] = value.clone();
        }
        claims
            .as_object_mut()
            .unwrap()
            .retain(|_, value| !value.is_null());
        let header = |algorithm, kid: &str| Header {
            kid: (!plan.unnamed).then(|| kid.to_owned()),
            ..Header::new(algorithm)
        };
        let (header, key) = match plan.forge {
            None => {
                let (key, _) = plan.keys.clone().unwrap();
                (header(Algorithm::RS256, "one"), key)
            }
            Some("another-key") => (header(Algorithm::RS256, "one"), rsa()),
            Some("unknown-kid") => (header(Algorithm::RS256, "two"), rsa()),
            Some("hs256") => {
                let secret = EncodingKey::from_secret(SECRET.as_bytes());
                (header(Algorithm::HS256, "one"), secret)
            }
            Some(_) => {
                let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
                let header = part(&json!({"alg": "none", "kid": "one"}));
                return format!("{header}.{}.", part(&claims));
            }
        };
        encode(&header, &claims, &key).unwrap()
    }
}

async fn metadata(State(provider): State<Provider>) -> Json<Value> {
    let here = &provider.issuer;
    let (name, hangs) = {
        let mut plan = provider.plan.lock().unwrap();
        plan.asked.metadata += 1;
        (plan.name.clone(), plan.hangs)
    };
    if hangs {
        std::future::pending::<()>().await;
    }
    Json(json!({
        "issuer": name,
        "authorization_endpoint": format!("{here}/authorize?tenant=northsea"),
        "token_endpoint": format!("{here}/token"),
        "jwks_uri": format!("{here}/keys"),
    }))
}

async fn keys(State(provider): State<Provider>) -> Json<JwkSet> {
    let (_, keys) = provider.plan.lock().unwrap().keys.clone().unwrap();
    Json(JwkSet { keys })
}

async fn token(
    State(provider): State<Provider>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Result<Json<Value>, StatusCode> {
    let encoded =
        |text: &str| -> String { url::form_urlencoded::byte_serialize(text.as_bytes()).collect() };
    let pair = format!("{}:{}", encoded(CLIENT), encoded(SECRET));
    let basic = format!("Basic {}", STANDARD.encode(pair));
    if headers["authorization"] != basic.as_str() {
        return Err(StatusCode::UNAUTHORIZED);
    }
    assert_eq!(form["grant_type"], "authorization_code");
    let code = {
        let mut plan = provider.plan.lock().unwrap();
        plan.asked.tokens += 1;
        plan.codes.remove(&form["code"])
    };
    let (challenge, nonce) = code.ok_or(StatusCode::BAD_REQUEST)?;
    let shown = URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
    if shown != challenge {
        return Err(StatusCode::BAD_REQUEST);
    }
    let id_token = provider.id_token(&nonce);
    Ok(Json(
        json!({"access_token": "unused", "token_type": "Bearer", "id_token": id_token}),
    ))
}
