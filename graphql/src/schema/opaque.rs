//! Texts that clients keep and give back without looking inside: cursors, ids, positions.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The text as clients see it.
pub(crate) fn seal(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

/// The text inside, if there is one.
pub(crate) fn open(sealed: &str) -> Option<String> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(sealed).ok()?).ok()
}
