//! A gate to the accounts of a database.
#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "each test file uses a part of it"
)]

use std::sync::Arc;

use sealrock_access::gate::{Code, EnterError, Entered, Gate, Proof};
use sealrock_access::sessions::Client;
use sealrock_access::{FactorKey, Password, TokenKey, Tokens};
use sqlx::PgPool;

/// A password that will do.
pub const PHRASE: &str = "correct horse battery";

/// Tokens of a fixed key.
pub fn tokens() -> Tokens {
    Tokens::new(TokenKey::from_seed(&[1; 32]), "sealrock.example")
}

pub fn gate(pool: &PgPool) -> Gate {
    let factors = Arc::new(FactorKey::from_bytes(&[2; 32]));
    Gate::new(pool.clone(), Arc::new(tokens()), factors)
}

pub fn proof(username: &str, password: impl Into<String>, code: Option<&str>) -> Proof {
    Proof {
        username: username.to_owned(),
        password: Password::new(password),
        code: code.map(|code| Code(code.to_owned())),
    }
}

/// A browser of which nothing else is known.
pub fn client() -> Client {
    Client {
        address: None,
        name: Some("a browser".to_owned()),
    }
}

/// Signs in by name and password.
pub async fn sign_in(
    pool: &PgPool,
    username: &str,
    password: Password,
) -> Result<Entered, EnterError> {
    let proof = proof(username, password.reveal(), None);
    gate(pool).enter(proof, &client(), true).await
}
