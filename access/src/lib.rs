#![doc = include_str!("../README.md")]

pub mod accounts;
pub mod api_keys;
mod client_address;
pub mod credentials;
mod device_secret;
mod error;
pub mod gate;
mod identify;
pub mod invitations;
mod key_file;
pub mod links;
mod password;
mod password_policy;
mod permission;
mod principal;
mod proved;
mod proxies;
mod rate_limit;
pub mod registrations;
pub mod second_factor;
pub mod sessions;
mod shares;
pub mod standing;
pub mod throttle;
mod token_key;
mod token_keys;
mod tokens;

pub use api_keys::ApiKeySecret;
pub use client_address::ClientAddress;
pub use device_secret::DeviceSecret;
pub use error::AccessError;
pub use gate::Gate;
pub use identify::{Identified, Identify, IdentifyError};
pub use key_file::KeyFileError;
pub use password::Password;
pub use password_policy::PasswordRefused;
pub use permission::{
    Denied, Permission, PermissionError, Refused, Rule, STEP_UP_HOLDS, Scope, TABLE, authorise,
};
pub use principal::{Grant, Principal, Username, UsernameError};
pub use proved::Proved;
pub use proxies::{Proxies, ProxyHeader};
pub use rate_limit::RateLimit;
pub use sealrock_domain::access::Role;
pub use sealrock_domain::{AccountId, ApiKeyId};
pub use second_factor::FactorKey;
pub use sessions::{RevokedSessions, SessionId};
pub use shares::{Share, Shares};
pub use token_key::TokenKey;
pub use token_keys::{RotateError, TokenKeys};
pub use tokens::{AUDIENCE, IssuedToken, LIFETIME, LOOK, TokenError, Tokens};
