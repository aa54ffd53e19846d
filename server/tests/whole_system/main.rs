//! The whole platform as its users meet it: the real binary, Postgres, broker and clients.
#![expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod auditors;
mod browser;
mod chain;
mod crashes;
mod credits;
mod crowds;
mod demo;
mod devices;
mod doors;
mod encrypted;
mod erasing;
mod external;
mod intake;
mod nodes;
#[cfg(feature = "oidc")]
mod openid;
mod outside;
mod overload;
mod people;
#[cfg(feature = "oidc")]
#[path = "../../../oidc/tests/oidc/provider.rs"]
#[expect(dead_code, reason = "forging is for the tests of sealrock-oidc")]
mod provider;
mod sealing;
mod secrets;
mod signers;
mod strangers;
mod support;
mod together;
mod tour;
