#![doc = include_str!("../README.md")]

mod broker;
mod counters;
mod dead_letters;
mod gate;
mod http;
mod receipt;

pub use broker::{
    Broker, BrokerConfig, CONNECTIONS_PER_DEVICE, EmbeddedBroker, MAX_BATCH_BYTES,
    MAX_PACKET_BYTES, Presence, PresenceStream, SESSIONS_PER_DEVICE, StartError,
};
pub use dead_letters::{
    DeadLetter, DeadLetters, DeadLettersUnavailable, KEPT_BYTES, KEPT_PER_DEVICE, KeptLetter,
    PostgresDeadLetters,
};
pub use gate::{
    AuthError, BatchError, BatchReceipt, BatchSink, DeviceIdentity, Rejection, RejectionCode,
    SignIn, Suspect,
};
pub use http::{HttpLimits, router, router_within};
