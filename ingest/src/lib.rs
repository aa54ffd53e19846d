#![doc = include_str!("../README.md")]

mod broker;
mod counters;
mod dead_letters;
mod external;
mod gate;
mod http;
mod mapping;
mod receipt;

pub use broker::{
    Broker, BrokerConfig, BrokerTls, CONNECTIONS_PER_DEVICE, EmbeddedBroker, MAX_BATCH_BYTES,
    MAX_PACKET_BYTES, Presence, PresenceStream, SESSIONS_PER_DEVICE, StartError, StrangerTerms,
};
pub use counters::Quiet;
pub use dead_letters::{
    DeadLetter, DeadLetters, DeadLettersUnavailable, KEPT_BYTES, KEPT_PER_DEVICE, KeptLetter,
    PostgresDeadLetters,
};
pub use external::{
    AddressError, BrokerLimits, BrokerUrl, ExternalBroker, ExternalConfig, Finding, HELD_BYTES,
    OptionsError, ProbeError, RECEIVE_MAXIMUM, SESSION_EXPIRY, probe,
};
pub use gate::{
    AuthError, BatchError, BatchReceipt, BatchSink, DeviceIdentity, Rejection, RejectionCode,
    SignIn, Suspect,
};
pub use http::{HttpLimits, router, router_within};
pub use mapping::{Fields, MappingError, Mappings, PayloadForm, TimeFormat, TopicMapping};
