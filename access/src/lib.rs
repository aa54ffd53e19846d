#![doc = include_str!("../README.md")]

pub mod accounts;
pub mod api_keys;
mod client_address;
pub mod credentials;
mod device_secret;
mod error;
mod identify;
mod key_file;
mod password;
mod permission;
mod principal;
mod proxies;
mod rate_limit;
pub mod sessions;
pub mod standing;
mod token_key;
mod token_keys;
mod tokens;

pub use api_keys::ApiKeySecret;
pub use client_address::ClientAddress;
pub use device_secret::DeviceSecret;
pub use error::AccessError;
pub use identify::{Identified, Identify, IdentifyError};
pub use key_file::KeyFileError;
pub use password::{Password, PasswordRefused};
pub use permission::{
    Denied, Permission, PermissionError, Refused, Rule, STEP_UP_HOLDS, Scope, TABLE, authorise,
};
pub use principal::{Grant, Principal, Username, UsernameError};
pub use proxies::{Proxies, ProxyHeader};
pub use rate_limit::RateLimit;
pub use sealrock_domain::access::Role;
pub use sealrock_domain::{AccountId, ApiKeyId};
pub use sessions::{RevokedSessions, SessionId};
pub use token_key::TokenKey;
pub use token_keys::{RotateError, TokenKeys};
pub use tokens::{AUDIENCE, IssuedToken, LIFETIME, LOOK, TokenError, Tokens};
