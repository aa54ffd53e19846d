//! Cookies: the token that is found in a line stands in it under its whole name, and ends where it should.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealrock_access::sessions::{COOKIE, RefreshToken};

fuzz_target!(|line: &str| {
    if let Some(token) = RefreshToken::in_cookies(line) {
        let token = token.reveal();
        assert!(!token.is_empty() && !token.contains(';'));
        assert!(line.contains(&format!("{COOKIE}={token}")));
    }
    // Whatever stands before it or behind it, a browser's own is found.
    if !line.contains(COOKIE) {
        let among = format!("{line}; {COOKIE}=x-y_z; {line}");
        let found = RefreshToken::in_cookies(&among);
        assert_eq!(found.as_ref().map(RefreshToken::reveal), Some("x-y_z"));
    }
});
