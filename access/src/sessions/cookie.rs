//! The cookie that renews a browser's session.

use super::{COOKIE, LONGEST, RefreshToken};

/// A `Set-Cookie` that has the browser keep this token.
#[must_use]
pub fn keep(token: &RefreshToken) -> String {
    let (token, age) = (token.reveal(), LONGEST.as_secs());
    format!("{COOKIE}={token}; Path=/; Max-Age={age}; Secure; HttpOnly; SameSite=Strict")
}

/// A `Set-Cookie` that has the browser forget it.
#[must_use]
pub fn forget() -> String {
    format!("{COOKIE}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_told_to_show_the_cookie_to_nobody_else() {
        for cookie in [keep(&RefreshToken::new("x")), forget()] {
            for part in ["Path=/", "Secure", "HttpOnly", "SameSite=Strict"] {
                assert!(cookie.split("; ").any(|found| found == part), "{cookie}");
            }
            assert!(!cookie.contains("Domain"), "{cookie}");
        }
    }
}
