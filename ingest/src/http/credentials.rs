//! `Authorization: Basic <device id>:<secret>`.

use axum::http::HeaderValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sealrock_domain::DeviceId;

/// The device and its secret, if the header holds such.
pub(super) fn basic(header: &HeaderValue) -> Option<(DeviceId, String)> {
    let (scheme, encoded) = header.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (device, secret) = decoded.split_once(':')?;
    Some((device.parse().ok()?, secret.to_owned()))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const ID: &str = "886313e1-3b8a-5372-9b90-0c9aee199e5d";

    fn parse(scheme: &str, text: &str) -> Option<(DeviceId, String)> {
        basic(
            &format!("{scheme} {}", STANDARD.encode(text))
                .parse()
                .unwrap(),
        )
    }

    #[test]
    fn a_secret_may_contain_colons_and_the_scheme_any_case() {
        let (device, secret) = parse("bASIC", &format!("{ID}:a:b")).unwrap();
        assert_eq!((device.to_string().as_str(), secret.as_str()), (ID, "a:b"));
    }

    #[test]
    fn anything_else_is_no_credentials() {
        assert_eq!(parse("Bearer", &format!("{ID}:secret")), None);
        assert_eq!(parse("Basic", "not-a-device:secret"), None);
        assert_eq!(parse("Basic", ID), None);
        assert_eq!(basic(&HeaderValue::from_static("Basic ***")), None);
    }
}
