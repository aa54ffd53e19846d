//! What is answered: bodies with their media types and how long they may be kept.

use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
    VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode, Version};
use axum::response::{IntoResponse, Response};
use sealrock_ledger::{Payload, TILE_WIDTH};
use sha2::{Digest, Sha256};

/// Hex of a payload's salt, beside the payload.
const SALT: HeaderName = HeaderName::from_static("sealrock-salt");

/// A mark on answers that are worth compressing: hashes are not.
#[derive(Clone, Copy)]
struct Compressible;

/// Whether an answer has the mark.
pub(super) fn is_compressible(
    _: StatusCode,
    _: Version,
    _: &HeaderMap,
    extensions: &Extensions,
) -> bool {
    extensions.get::<Compressible>().is_some()
}

/// How long an answer may be kept.
#[derive(Clone, Copy)]
enum Keep {
    /// It never changes.
    ForEver,
    /// It does not change either, but soon nobody asks for it: a longer one is there.
    Hour,
    /// Ask each time whether it is the newest.
    Ask,
    /// Not at all: it may have to be erased.
    Never,
}

/// Who is answered.
pub(super) struct Reader<'a> {
    pub(super) headers: &'a HeaderMap,
    /// Whether anybody may read this ledger.
    pub(super) open: bool,
}

impl Reader<'_> {
    /// A text that changes as the ledger grows.
    pub(super) fn text(&self, text: String) -> Response {
        self.changing("text/plain; charset=utf-8", text.into_bytes())
    }

    pub(super) fn timestamp(&self, response: Vec<u8>) -> Response {
        self.changing("application/timestamp-reply", response)
    }

    pub(super) fn tile(&self, hashes: Vec<u8>, width: u64) -> Response {
        self.of("application/octet-stream", keep(width), Body::from(hashes))
    }

    pub(super) fn entries(&self, bundle: Body, width: u64) -> Response {
        compressible(self.of("application/octet-stream", keep(width), bundle))
    }

    pub(super) fn payloads(&self, bundle: Body) -> Response {
        compressible(self.of("application/octet-stream", Keep::Never, bundle))
    }

    /// A payload is what somebody sent: nothing in it is run by a browser that opens it here.
    pub(super) fn payload(&self, payload: Payload) -> Response {
        let mut response = self.of(
            "application/octet-stream",
            Keep::Never,
            Body::from(payload.bytes),
        );
        let headers = response.headers_mut();
        if let Ok(media) = HeaderValue::try_from(&payload.media) {
            headers.insert(CONTENT_TYPE, media);
        }
        let salt = HeaderValue::try_from(hex::encode(payload.salt)).expect("hex is a header value");
        headers.insert(SALT, salt);
        for (name, value) in [
            (CONTENT_DISPOSITION, "attachment"),
            (CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }

    /// Its tag spares the body to those who have it.
    fn changing(&self, media: &'static str, bytes: Vec<u8>) -> Response {
        let tag = format!("\"{}\"", hex::encode(&Sha256::digest(&bytes)[..16]));
        let known = self
            .headers
            .get_all(IF_NONE_MATCH)
            .iter()
            .any(|known| names(known, &tag));
        let mut response = if known {
            let mut response = self.of(media, Keep::Ask, Body::empty());
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response
        } else {
            self.of(media, Keep::Ask, Body::from(bytes))
        };
        let tag = HeaderValue::try_from(tag).expect("hex in quotes is a header value");
        response.headers_mut().insert(ETAG, tag);
        response
    }

    fn of(&self, media: &'static str, keep: Keep, body: Body) -> Response {
        let scope = if self.open { "public" } else { "private" };
        let keep = match keep {
            Keep::ForEver => format!("{scope}, max-age=31536000, immutable"),
            Keep::Hour => format!("{scope}, max-age=3600"),
            Keep::Ask => format!("{scope}, no-cache"),
            Keep::Never => "no-store".to_owned(),
        };
        let mut response = body.into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        let keep = HeaderValue::try_from(keep).expect("these are header values");
        headers.insert(CACHE_CONTROL, keep);
        if !self.open {
            headers.insert(VARY, HeaderValue::from_static("authorization"));
        }
        response
    }
}

fn keep(width: u64) -> Keep {
    if width == TILE_WIDTH {
        Keep::ForEver
    } else {
        Keep::Hour
    }
}

fn compressible(mut response: Response) -> Response {
    response.extensions_mut().insert(Compressible);
    response
}

/// Whether an `If-None-Match` names the tag.
fn names(value: &HeaderValue, tag: &str) -> bool {
    let listed = value.to_str().unwrap_or_default().split(',').map(str::trim);
    let mut plain = listed.map(|one| one.strip_prefix("W/").unwrap_or(one));
    plain.any(|one| one == tag || one == "*")
}
