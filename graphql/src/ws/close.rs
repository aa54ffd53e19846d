//! Why a socket is closed.

use std::borrow::Cow;

use axum::extract::ws::{CloseFrame, Utf8Bytes};
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::error::ProtocolError;

/// Why a socket is closed: the codes of graphql-transport-ws, and two of our own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Close {
    /// 1001: the server goes away; connect again.
    GoingAway,
    /// 1002: what came is no WebSocket frame.
    Unreadable,
    /// 1007: a text that is no UTF-8.
    NotText,
    /// 1009: a message that is too long.
    TooLong,
    /// 4400: a message that is none of the protocol's.
    Invalid(String),
    /// 4401: an operation before the connection was acknowledged.
    Unauthorized,
    /// 4403: no token, or one that is worth nothing (any more).
    Forbidden(String),
    /// 4408: no `connection_init` in time.
    InitTimeout,
    /// 4409: an operation with the id of one that runs.
    DuplicateId(String),
    /// 4413, our own: the client did not take a frame in time. Subscribe again after the position
    /// that was received last: this one, if one operation ran and its last item had a position.
    SlowConsumer(Option<String>),
    /// 4429: a second `connection_init`.
    TooManyInits,
    /// The client closed or is gone: nothing to say.
    Gone,
}

/// The longest reason that fits a close frame (RFC 6455, 5.5).
const MAX_REASON: usize = 123;

impl Close {
    /// Why a socket could not be read.
    pub(super) fn of(error: &axum::Error) -> Self {
        let source = std::error::Error::source(error);
        match source.and_then(|source| source.downcast_ref()) {
            Some(Error::Capacity(_)) => Self::TooLong,
            Some(Error::Utf8(_)) => Self::NotText,
            Some(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => Self::Gone,
            Some(Error::Protocol(_)) => Self::Unreadable,
            _ => Self::Gone,
        }
    }

    /// Whether what the client still sends is not read, so that hanging up throws away what is on its way
    /// to him.
    pub(super) fn leaves_unread(&self) -> bool {
        matches!(self, Self::Unreadable | Self::NotText | Self::TooLong)
    }

    pub(super) fn code(&self) -> u16 {
        match self {
            Self::Gone => 1000,
            Self::GoingAway => 1001,
            Self::Unreadable => 1002,
            Self::NotText => 1007,
            Self::TooLong => 1009,
            Self::Invalid(_) => 4400,
            Self::Unauthorized => 4401,
            Self::Forbidden(_) => 4403,
            Self::InitTimeout => 4408,
            Self::DuplicateId(_) => 4409,
            Self::SlowConsumer(_) => 4413,
            Self::TooManyInits => 4429,
        }
    }

    fn reason(&self) -> Cow<'_, str> {
        match self {
            Self::Gone => "".into(),
            Self::GoingAway => "the server is shutting down; connect again".into(),
            Self::Unreadable => "this is no frame of RFC 6455".into(),
            Self::NotText => "a text must be UTF-8".into(),
            Self::TooLong => "the message is too long: send less at a time".into(),
            Self::Invalid(reason) => format!("Invalid message: {reason}").into(),
            Self::Unauthorized => "Unauthorized".into(),
            Self::Forbidden(reason) => format!("Forbidden: {reason}").into(),
            Self::InitTimeout => "Connection initialisation timeout".into(),
            Self::DuplicateId(id) => format!("Subscriber for {id} already exists").into(),
            Self::SlowConsumer(None) => {
                "frames were not taken in time; subscribe again after the last position".into()
            }
            Self::SlowConsumer(Some(position)) => {
                let whole =
                    format!("frames were not taken in time; subscribe again after {position}");
                // Half a position would be none.
                if whole.len() > MAX_REASON {
                    return Self::SlowConsumer(None).reason().into_owned().into();
                }
                whole.into()
            }
            Self::TooManyInits => "Too many initialisation requests".into(),
        }
    }

    pub(super) fn frame(&self) -> CloseFrame {
        let reason = self.reason();
        let end = reason.floor_char_boundary(MAX_REASON);
        CloseFrame {
            code: self.code(),
            reason: Utf8Bytes::from(&reason[..end]),
        }
    }
}
