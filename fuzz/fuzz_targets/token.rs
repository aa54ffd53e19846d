//! Bearer tokens: nothing panics, and nobody is taken for somebody whose token was not issued.
#![no_main]

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use sealrock_access::{Principal, TokenKey, Tokens};

struct Ours {
    tokens: Tokens,
    issued: String,
}

static OURS: LazyLock<Ours> = LazyLock::new(|| {
    let tokens = Tokens::new(TokenKey::from_seed(&[7; 32]), "fuzz.example");
    let name = "fuzz".parse().expect("a slug");
    let issued = tokens.issue(&Principal::Service { name }).token;
    Ours { tokens, issued }
});

/// What is made up: the whole text, or the JSON and the bytes of its parts, so that more than base64
/// is tried; or one part of a good token.
fn token(data: &[u8], issued: &str) -> Option<String> {
    let (way, rest) = data.split_first()?;
    let mut parts: Vec<String> = issued.split('.').map(str::to_owned).collect();
    match way % 5 {
        0 => return String::from_utf8(rest.to_vec()).ok(),
        1 => {
            let mut made = rest.splitn(3, |byte| *byte == 0);
            let mut part = || made.next().map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
            return Some(format!("{}.{}.{}", part()?, part()?, part()?));
        }
        part => parts[usize::from(part - 2)] = URL_SAFE_NO_PAD.encode(rest),
    }
    Some(parts.join("."))
}

fuzz_target!(|data: &[u8]| {
    let Ours { tokens, issued } = &*OURS;
    let Some(text) = token(data, issued) else {
        return;
    };
    if tokens.verify(&text).is_ok() {
        assert_eq!(&text, issued, "a token was accepted that nobody issued");
    }
});
