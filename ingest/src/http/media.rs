//! Does the content type say what the first byte says?

use axum::http::HeaderValue;
use sealrock_domain::telemetry::{CBOR, JSON, SIGNED_BATCH, media_type_of};

use crate::gate::{Rejection, RejectionCode};

/// The first byte decides what a batch is, over every transport; the content type must not
/// contradict it. Bytes that begin like no batch pass: decoding them tells more.
///
/// # Errors
/// A rejection as [`RejectionCode::MediaType`].
pub(super) fn check(content_type: Option<&HeaderValue>, body: &[u8]) -> Result<(), Rejection> {
    let said = content_type
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let said = said
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    if ![JSON, CBOR, SIGNED_BATCH].contains(&said.as_str()) {
        return Err(mismatch(format!(
            "content type \"{said}\" is none of {JSON}, {CBOR}, {SIGNED_BATCH}"
        )));
    }
    match body.first().and_then(|first| media_type_of(*first)) {
        Some(is) if is != said => Err(mismatch(format!(
            "the body begins as {is}, but its content type is {said}"
        ))),
        _ => Ok(()),
    }
}

fn mismatch(message: String) -> Rejection {
    Rejection {
        code: RejectionCode::MediaType,
        message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_text(content_type: &'static str, body: &[u8]) -> Result<(), Rejection> {
        check(Some(&HeaderValue::from_static(content_type)), body)
    }

    #[test]
    fn each_media_type_goes_with_its_first_byte() {
        assert_eq!(check_text("application/json", b"{}"), Ok(()));
        assert_eq!(check_text("Application/JSON; charset=utf-8", b"{}"), Ok(()));
        assert_eq!(check_text("application/cbor", &[0xA1]), Ok(()));
        assert_eq!(
            check_text("application/vnd.sealrock.signed-batch", &[1]),
            Ok(())
        );
    }

    #[test]
    fn a_contradiction_names_both() {
        let message = check_text("application/cbor", b"{}").map_err(|rejection| rejection.message);
        let text = "the body begins as application/json, but its content type is application/cbor";
        assert_eq!(message, Err(text.to_owned()));
    }

    #[test]
    fn a_missing_or_foreign_content_type_is_refused() {
        assert!(check(None, b"{}").is_err());
        assert!(check_text("text/plain", b"{}").is_err());
    }

    #[test]
    fn bytes_that_begin_like_no_batch_are_left_to_the_decoder() {
        assert_eq!(check_text("application/json", b"[]"), Ok(()));
        assert_eq!(check_text("application/json", b""), Ok(()));
    }
}
