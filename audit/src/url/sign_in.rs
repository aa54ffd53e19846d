//! Who asks for an operational ledger.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use reqwest::Url;
use reqwest::blocking::Client;
use sealrock_ledger::verify::SourceError;
use serde::Deserialize;
use serde_json::json;

use super::{MAX_TEXT_BYTES, request};
use crate::directory::refused;

/// A new token is fetched so long before the old one ends.
const BEFORE: Duration = Duration::from_mins(1);
const MUTATION: &str = "mutation($input: SignInInput!) \
                        { signIn(input: $input) { accessToken expiresAt } }";

/// How to sign in.
#[derive(Clone)]
pub enum SignIn {
    /// A token that somebody else keeps valid.
    Token(String),
    /// An account, whose tokens are renewed while they are needed.
    Account {
        /// Its name.
        username: String,
        /// Its password.
        password: String,
    },
}

/// The token of the moment.
pub(super) struct Bearer {
    sign_in: SignIn,
    /// Where accounts sign in.
    graphql: Url,
    token: Mutex<Option<(String, Instant)>>,
}

#[derive(Deserialize)]
struct Answer {
    data: Option<Data>,
    #[serde(default)]
    errors: Vec<Message>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    sign_in: Token,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Token {
    access_token: String,
    expires_at: DateTime<Utc>,
}

#[derive(Deserialize)]
struct Message {
    message: String,
}

impl Bearer {
    /// Accounts sign in at `/graphql` beside the `/ledger/` of the URL.
    pub(super) fn new(sign_in: SignIn, base: &Url) -> Result<Self, SourceError> {
        let mut graphql = base.clone();
        let below = base.path().rfind("/ledger/");
        match (below, &sign_in) {
            (Some(at), _) => graphql.set_path(&format!("{}/graphql", &base.path()[..at])),
            (None, SignIn::Token(_)) => {}
            (None, SignIn::Account { .. }) => {
                let reason = "it is not …/ledger/<name>, so it is not known where an account signs \
                              in: give a token instead";
                return Err(refused(base.as_str(), reason));
            }
        }
        Ok(Self {
            sign_in,
            graphql,
            token: Mutex::new(None),
        })
    }

    /// A token that is valid for a while; one that was not used before if `anew`.
    pub(super) fn token(&self, client: &Client, anew: bool) -> Result<String, SourceError> {
        let (username, password) = match &self.sign_in {
            SignIn::Token(token) => return Ok(token.clone()),
            SignIn::Account { username, password } => (username, password),
        };
        let mut held = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((token, until)) = &*held
            && !anew
            && Instant::now() < *until
        {
            return Ok(token.clone());
        }
        let token = self.sign_in(client, username, password)?;
        let left = (token.expires_at - Utc::now()).to_std().unwrap_or_default();
        let until = Instant::now() + left.saturating_sub(BEFORE);
        *held = Some((token.access_token.clone(), until));
        Ok(token.access_token)
    }

    fn sign_in(&self, client: &Client, name: &str, password: &str) -> Result<Token, SourceError> {
        let refuse = |reason: &str| refused(self.graphql.as_str(), &format!("sign-in: {reason}"));
        let input = json!({ "username": name, "password": password });
        let body = json!({ "query": MUTATION, "variables": { "input": input } });
        let request = || client.post(self.graphql.clone()).json(&body);
        let answer = request::send(&self.graphql, &request, MAX_TEXT_BYTES)?;
        let answer: Answer = serde_json::from_slice(&answer.body)
            .map_err(|e| refuse(&format!("the server says {}: {e}", answer.status)))?;
        match (answer.data, answer.errors.first()) {
            (Some(data), _) => Ok(data.sign_in),
            (None, Some(error)) => Err(refuse(&error.message)),
            (None, None) => Err(refuse("the server gives no token")),
        }
    }
}
