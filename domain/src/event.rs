//! Event types by name: the bridge between an entry of the ledger and an event enum.
//!
//! An entry holds `type` and `schema` beside the payload, so the payload's JSON is
//! the bare fields of one event. [`EventType`] goes both ways; the `events!`
//! macro of this crate writes its implementation, and `cqrs_es`' `DomainEvent`, for
//! an enum of structs.

use serde_json::Value;

/// An event as an entry keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The event type's name, in the past tense: the entry's `type`.
    pub kind: &'static str,
    /// The schema version of the payload: the entry's `schema`.
    pub schema: u32,
    /// The fields, an object. Whoever stores it writes it as RFC 8785 JSON.
    pub payload: Value,
}

/// An enum of events that can be written to, and read from, entries.
pub trait EventType: Sized {
    /// Every (event type, schema version) that [`decode`](Self::decode) understands.
    const KNOWN: &'static [(&'static str, u32)];

    /// The event as an entry keeps it: always in the newest schema version.
    fn encode(&self) -> Encoded;

    /// Reads an event from an entry's `type`, `schema` and stored payload bytes.
    ///
    /// # Errors
    /// An event type or schema version that this version of Sealrock does not know, or
    /// bytes that are not that event. None of them goes away by trying again.
    fn decode(kind: &str, schema: u32, bytes: &[u8]) -> Result<Self, EventDecodeError>;

    /// Whether an event type of this name, in any schema version, belongs to this enum.
    #[must_use]
    fn has_kind(kind: &str) -> bool {
        Self::KNOWN.iter().any(|(known, _)| *known == kind)
    }
}

/// An entry that is not an event of the enum it was decoded as.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventDecodeError {
    /// The name is none of the enum's.
    #[error(
        "event type \"{kind}\" is not known here (known: {known}): a newer version of Sealrock \
         wrote it, or it belongs to another stream"
    )]
    UnknownType {
        /// The entry's `type`.
        kind: String,
        /// The names that are known.
        known: String,
    },
    /// The name is known, this schema version is not.
    #[error(
        "schema {schema} of event type {kind} is not known here (known: {known}): upgrade \
         Sealrock to the version that wrote it"
    )]
    UnknownSchema {
        /// The entry's `type`.
        kind: String,
        /// The entry's `schema`.
        schema: u32,
        /// The versions that are known.
        known: String,
    },
    /// The bytes are not this event.
    #[error("the payload is not a {kind} of schema {schema}: {reason}")]
    Malformed {
        /// The entry's `type`.
        kind: String,
        /// The entry's `schema`.
        schema: u32,
        /// What the JSON reader says.
        reason: String,
    },
}

/// Says which of type and schema is not among `known`.
pub(crate) fn unknown(kind: &str, schema: u32, known: &[(&'static str, u32)]) -> EventDecodeError {
    let kind = kind.to_owned();
    let versions = known.iter().filter(|(name, _)| *name == kind);
    let versions: Vec<_> = versions.map(|(_, version)| version.to_string()).collect();
    if versions.is_empty() {
        let names: Vec<_> = known.iter().map(|(name, _)| *name).collect();
        let known = names.join(", ");
        return EventDecodeError::UnknownType { kind, known };
    }
    let known = versions.join(", ");
    EventDecodeError::UnknownSchema {
        kind,
        schema,
        known,
    }
}

/// Writes an enum whose variants are structs of the same name, with [`EventType`] and
/// `cqrs_es::DomainEvent`: `events! { /// doc enum ThingEvent { /// doc Thing = 1 } }`.
/// The number is the schema version of the struct.
macro_rules! events {
    ($(#[$doc:meta])* enum $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $schema:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, ::serde::Serialize, ::serde::Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* $variant($variant),)+
        }

        impl $crate::event::EventType for $name {
            const KNOWN: &'static [(&'static str, u32)] = &[$((stringify!($variant), $schema)),+];

            fn encode(&self) -> $crate::event::Encoded {
                let (kind, schema, payload) = match self {
                    $(Self::$variant(event) =>
                        (stringify!($variant), $schema, ::serde_json::to_value(event)),)+
                };
                let payload = payload.expect("events are structs of texts and integers");
                $crate::event::Encoded { kind, schema, payload }
            }

            fn decode(
                kind: &str,
                schema: u32,
                bytes: &[u8],
            ) -> Result<Self, $crate::event::EventDecodeError> {
                let event = match (kind, schema) {
                    $((stringify!($variant), $schema) =>
                        ::serde_json::from_slice(bytes).map(Self::$variant),)+
                    _ => return Err($crate::event::unknown(kind, schema, Self::KNOWN)),
                };
                event.map_err(|error| $crate::event::EventDecodeError::Malformed {
                    kind: kind.to_owned(),
                    schema,
                    reason: error.to_string(),
                })
            }
        }

        impl ::cqrs_es::DomainEvent for $name {
            fn event_type(&self) -> String {
                match self { $(Self::$variant(_) => stringify!($variant).to_owned(),)+ }
            }

            fn event_version(&self) -> String {
                match self { $(Self::$variant(_) => stringify!($schema).to_owned(),)+ }
            }
        }

        $(impl From<$variant> for $name {
            fn from(event: $variant) -> Self {
                Self::$variant(event)
            }
        })+
    };
}

pub(crate) use events;
