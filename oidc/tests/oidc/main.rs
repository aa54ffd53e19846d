//! A provider that these tests play, a real Postgres, and a browser's way between them.
#![expect(clippy::unwrap_used)]

mod provider;
mod published;
mod signing_in;
mod strangers;
mod world;
