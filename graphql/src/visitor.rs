//! What an HTTP request says of its client, besides who it is: where it is, what it calls itself, and
//! the cookie of a browser's session.

use axum::http::{HeaderMap, HeaderName, Uri, header};
use sealrock_access::ClientAddress;
use sealrock_access::sessions::{Client, RefreshToken};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// A client, as far as its request tells.
#[derive(Debug, Clone, Default)]
pub(crate) struct Visitor {
    pub(crate) client: Client,
    /// Whether a page of another site sent it: it has no say about sessions.
    pub(crate) foreign: bool,
    /// Of the cookie.
    pub(crate) refresh_token: Option<RefreshToken>,
}

impl Visitor {
    pub(crate) fn of(headers: &HeaderMap, uri: &Uri, address: Option<ClientAddress>) -> Self {
        Self {
            client: Client {
                address,
                name: text(headers, &header::USER_AGENT).map(str::to_owned),
            },
            foreign: is_foreign(headers, uri),
            refresh_token: cookie(headers),
        }
    }
}

impl Visitor {
    /// On a socket no cookie can be set, so sessions of browsers are not for it.
    pub(crate) fn without_cookies(self) -> Self {
        Self {
            foreign: true,
            refresh_token: None,
            ..self
        }
    }
}

/// Browsers say where a request comes from; what says nothing is no browser, and has no cookie that
/// somebody else could make it send.
fn is_foreign(headers: &HeaderMap, uri: &Uri) -> bool {
    if let Some(site) = text(headers, &SEC_FETCH_SITE) {
        return !matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text(headers, &header::ORIGIN) else {
        return false;
    };
    let asked = uri.authority().map(axum::http::uri::Authority::as_str);
    let asked = asked.or_else(|| text(headers, &header::HOST));
    let from = origin.split_once("://").map(|(_, authority)| authority);
    from.is_none() || from != asked
}

fn cookie(headers: &HeaderMap) -> Option<RefreshToken> {
    let lines = headers.get_all(header::COOKIE).iter();
    let mut lines = lines.filter_map(|line| line.to_str().ok());
    lines.find_map(RefreshToken::in_cookies)
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    fn visitor(headers: &[(&'static str, &str)]) -> Visitor {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        Visitor::of(&map, &"/graphql".parse().unwrap(), None)
    }

    #[test]
    fn a_page_of_another_site_is_foreign_and_what_is_no_browser_is_not() {
        let host = ("host", "sealrock.example:8443");
        let own = ("origin", "https://sealrock.example:8443");
        let other = ("origin", "https://evil.example");
        for headers in [
            vec![host],
            vec![host, own],
            vec![host, own, ("sec-fetch-site", "same-origin")],
        ] {
            assert!(!visitor(&headers).foreign, "{headers:?}");
        }
        for headers in [
            vec![host, other],
            vec![other],
            vec![host, ("origin", "null")],
            vec![host, ("origin", "https://sealrock.example")],
            vec![host, own, ("sec-fetch-site", "cross-site")],
            vec![host, own, ("sec-fetch-site", "same-site")],
        ] {
            assert!(visitor(&headers).foreign, "{headers:?}");
        }
    }

    #[test]
    fn the_cookie_is_found_among_others_and_only_by_its_whole_name() {
        let token = |cookies: &[(&'static str, &str)]| {
            let token = visitor(cookies).refresh_token;
            token.map(|token| token.reveal().to_owned())
        };
        let given = token(&[("cookie", "a=b; __Host-sealrock-refresh=x-y_z; c=d")]);
        assert_eq!(given.as_deref(), Some("x-y_z"));
        let given = token(&[("cookie", "a=b"), ("cookie", "__Host-sealrock-refresh=x")]);
        assert_eq!(given.as_deref(), Some("x"));
        assert_eq!(token(&[("cookie", "sealrock-refresh=x")]), None);
        assert_eq!(token(&[("cookie", "__Host-sealrock-refresh=")]), None);
        assert_eq!(token(&[]), None);
    }
}
