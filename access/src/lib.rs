#![doc = include_str!("../README.md")]

pub mod accounts;
pub mod credentials;
mod device_secret;
mod error;
mod password;
mod permission;
mod principal;
mod token_key;
mod tokens;

pub use device_secret::DeviceSecret;
pub use error::AccessError;
pub use password::{Password, PasswordRefused};
pub use permission::{Denied, Permission, Scope, authorise};
pub use principal::{AccountId, Principal, Role, Username, UsernameError};
pub use token_key::{TokenKey, TokenKeyError};
pub use tokens::{AUDIENCE, IssuedToken, LIFETIME, TokenError, Tokens};
