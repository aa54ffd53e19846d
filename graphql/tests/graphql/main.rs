//! The schema over real HTTP and WebSocket, on a real Postgres with real commands and projections.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod access;
mod accounts;
mod below;
mod capturing;
mod crediting;
mod entries;
mod field;
mod invitations;
mod limits;
mod mutations;
mod organisations;
mod overview;
mod people;
mod permitted;
mod ranking;
mod reach;
mod revoking;
mod schema;
mod screens;
mod sessions;
mod statements;
mod subscriptions;
mod telemetry;
mod walk;
mod wells;
mod world;
