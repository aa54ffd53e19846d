//! Somebody who is signed in by a browser's cookie.

use reqwest::header::{COOKIE, SET_COOKIE};
use serde_json::{Value, json};

use crate::support::Server;

pub struct Browser {
    /// The access token.
    pub token: String,
    /// `name=value` of the cookie.
    pub cookie: String,
}

impl Browser {
    /// Signs in to keep a session.
    pub async fn sign_in(server: &Server, username: &str, password: &str) -> Self {
        let query = "mutation($input: SignInInput!) { signIn(input: $input) { accessToken } }";
        let input = json!({ "username": username, "password": password, "session": true });
        let body = json!({ "query": query, "variables": { "input": input } });
        Self::told(server, &body, None, "signIn").await
    }

    /// Goes on by the cookie alone.
    pub async fn refresh(&self, server: &Server) -> Self {
        let body = json!({ "query": "mutation { refreshSession { accessToken } }" });
        Self::told(server, &body, Some(&self.cookie), "refreshSession").await
    }

    async fn told(server: &Server, body: &Value, cookie: Option<&str>, field: &str) -> Self {
        let asked = reqwest::Client::new()
            .post(format!("{}/graphql", server.http))
            .json(body);
        let asked = cookie
            .iter()
            .fold(asked, |asked, cookie| asked.header(COOKIE, *cookie));
        let answer = asked.send().await.unwrap();
        let cookie = answer.headers()[SET_COOKIE].to_str().unwrap();
        let cookie = cookie.split("; ").next().unwrap().to_owned();
        let answer: Value = answer.json().await.unwrap();
        let token = answer["data"][field]["accessToken"].as_str();
        let token = token.unwrap_or_else(|| panic!("{answer}")).to_owned();
        Self { token, cookie }
    }
}
