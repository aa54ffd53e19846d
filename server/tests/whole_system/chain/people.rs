//! The people of the chain, signed in.

use std::collections::HashMap;
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::support::{Server, chosen_for};

const SIGN_IN: &str = "mutation ($input: SignInInput!) { signIn(input: $input) { accessToken } }";

const CHANGE: &str =
    "mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { accessToken } }";

/// Who acts: the name of an account.
pub type Who = &'static str;

/// Names, roles and organisations.
pub const PEOPLE: [(Who, &str, &str); 7] = [
    ("otto", "operator", "northsea"),
    ("sigrid", "site-manager", "northsea"),
    ("hanna", "hq-manager", "northsea"),
    ("vera", "mrv", "northsea"),
    ("nora", "auditor", "northsea"),
    ("ruth", "registry", "greenregister"),
    ("olaf", "hq-manager", "southsea"),
];

/// Accounts, and their tokens as long as they hold.
pub struct People {
    passwords: HashMap<Who, String>,
    tokens: Mutex<HashMap<Who, String>>,
}

impl People {
    /// Makes the accounts; their organisations must be there. `admin` is one of them.
    pub fn hired(server: &Server) -> Self {
        let add = |(name, role, org): (Who, &str, &str)| {
            let add = ["user", "add", name, "--role", role, "--org", org, "--json"];
            let made: Value = serde_json::from_str(&server.command(&add)).unwrap();
            (name, made["password"].as_str().unwrap().to_owned())
        };
        let mut passwords: HashMap<_, _> = PEOPLE.into_iter().map(add).collect();
        passwords.extend(server.admin_password.clone().map(|admin| ("admin", admin)));
        Self {
            passwords,
            tokens: Mutex::default(),
        }
    }

    /// Only the first administrator, before there are organisations.
    pub fn admin(server: &Server) -> Self {
        let password = server.admin_password.clone().unwrap();
        Self {
            passwords: HashMap::from([("admin", password)]),
            tokens: Mutex::default(),
        }
    }

    /// What a node answers to somebody; `None` while it does not answer.
    pub async fn ask(
        &self,
        server: &Server,
        who: Who,
        document: &str,
        variables: &Value,
    ) -> Option<Value> {
        let token = match self.token(who) {
            Some(token) => token,
            None => self.sign_in(server, who).await?,
        };
        let answer = post(server, Some(&token), document, variables).await?;
        if code(&answer) == Some("UNAUTHENTICATED") {
            let token = self.sign_in(server, who).await?;
            return post(server, Some(&token), document, variables).await;
        }
        Some(answer)
    }

    fn token(&self, who: Who) -> Option<String> {
        self.tokens.lock().unwrap().get(who).cloned()
    }

    async fn sign_in(&self, server: &Server, who: Who) -> Option<String> {
        let issued = &self.passwords[who];
        let chosen = chosen_for(issued);
        let input = json!({ "username": who, "password": chosen });
        let mut answer = post(server, None, SIGN_IN, &json!({ "input": input })).await?;
        if code(&answer) == Some("UNAUTHENTICATED") {
            let input = json!({ "username": who, "password": issued });
            let first = post(server, None, SIGN_IN, &json!({ "input": input })).await?;
            let token = first["data"]["signIn"]["accessToken"].as_str();
            let input = json!({ "currentPassword": issued, "newPassword": chosen });
            answer = post(server, token, CHANGE, &json!({ "input": input })).await?;
        }
        let data = &answer["data"];
        let signed_in = [&data["signIn"], &data["changePassword"]];
        let mut tokens = signed_in
            .iter()
            .map(|payload| payload["accessToken"].as_str());
        let token = tokens.find_map(|token| token)?.to_owned();
        self.tokens.lock().unwrap().insert(who, token.clone());
        Some(token)
    }
}

async fn post(
    server: &Server,
    token: Option<&str>,
    document: &str,
    variables: &Value,
) -> Option<Value> {
    let request = reqwest::Client::new().post(format!("{}/graphql", server.http));
    let request = token
        .iter()
        .fold(request, reqwest::RequestBuilder::bearer_auth);
    let body = json!({ "query": document, "variables": variables });
    request.json(&body).send().await.ok()?.json().await.ok()
}

/// `extensions.code` of an answer's first error.
pub fn code(answer: &Value) -> Option<&str> {
    answer["errors"][0]["extensions"]["code"].as_str()
}
