//! What browsers are told of every answer, and which pages may ask.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, ORIGIN,
    REFERRER_POLICY, RETRY_AFTER, STRICT_TRANSPORT_SECURITY, UPGRADE, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::origins::Origins;

/// An answer is data: no page, no frame, no script.
const DATA: &str =
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
/// The page to try queries on, which development has, carries its own style and script.
const PAGE: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                    connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
const A_YEAR: &str = "max-age=31536000";

/// Headers of every answer; with TLS, that browsers come back by TLS alone.
pub(super) fn secured(routes: Router, tls: bool) -> Router {
    routes.layer(from_fn(move |request: Request, next: Next| async move {
        let mut response = next.run(request).await;
        secure(response.headers_mut(), tls);
        response
    }))
}

fn secure(headers: &mut HeaderMap, tls: bool) {
    let is_page = headers
        .get(CONTENT_TYPE)
        .is_some_and(|of| of.as_bytes().starts_with(b"text/html"));
    let mut put = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    put(X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(X_FRAME_OPTIONS, "DENY");
    put(REFERRER_POLICY, "no-referrer");
    put(CONTENT_SECURITY_POLICY, if is_page { PAGE } else { DATA });
    put(
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    );
    put(
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    );
    if tls {
        put(STRICT_TRANSPORT_SECURITY, A_YEAR);
    }
    // Tiles and bundles of ledgers say themselves for how long they may be kept.
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
}

/// Pages of these origins may ask with the cookies and tokens of their users; others may not read what
/// is answered, and may open no socket.
pub(super) fn for_pages_of(routes: Router, origins: &Origins, encrypted: bool) -> Router {
    let known = Arc::new((origins.clone(), encrypted));
    let routes = routes.layer(from_fn_with_state(known, check_socket));
    let listed = origins.0.iter().filter_map(|origin| origin.parse().ok());
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::list(listed))
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([ACCEPT, AUTHORIZATION, CONTENT_TYPE])
        .expose_headers([RETRY_AFTER]);
    routes.layer(cors)
}

/// A browser lets any page open a socket anywhere, with cookies; that it says from where is all the
/// protection there is. Who is no browser names no origin.
async fn check_socket(
    State(known): State<Arc<(Origins, bool)>>,
    request: Request,
    next: Next,
) -> Response {
    let ((origins, encrypted), headers) = (&*known, request.headers());
    if headers.contains_key(UPGRADE) && !may_open_socket(origins, *encrypted, headers) {
        let message = "pages of this origin may open no sockets here: name it in cors_origins\n";
        return (StatusCode::FORBIDDEN, message).into_response();
    }
    next.run(request).await
}

/// Where we speak TLS alone, a page that came from our host in plain is somebody else's.
fn may_open_socket(origins: &Origins, encrypted: bool, headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else {
        return true;
    };
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    let own = || {
        let host = headers.get(HOST)?.to_str().ok()?;
        let named = origin
            .strip_prefix("https://")
            .or_else(|| origin.strip_prefix("http://").filter(|_| !encrypted))?;
        Some(named.eq_ignore_ascii_case(host))
    };
    origins.has(&origin.to_ascii_lowercase()) || own().unwrap_or(false)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    fn opens(origin: Option<&str>) -> bool {
        opens_at(true, origin)
    }

    fn opens_at(encrypted: bool, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("sealrock.example:8443"));
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().unwrap());
        }
        let origins = "https://app.example".parse().unwrap();
        may_open_socket(&origins, encrypted, &headers)
    }

    #[test]
    fn sockets_are_opened_by_listed_pages_our_own_and_by_who_is_no_browser() {
        assert!(opens(None));
        assert!(opens(Some("https://app.example")));
        assert!(opens(Some("https://sealrock.example:8443")));
        for stranger in [
            "https://evil.example",
            "null",
            "https://app.example.evil",
            "",
        ] {
            assert!(!opens(Some(stranger)), "{stranger}");
        }
    }

    #[test]
    fn a_page_of_our_host_in_plain_is_ours_only_where_we_speak_plain() {
        let page = Some("http://sealrock.example:8443");
        assert!(opens_at(false, page));
        assert!(!opens_at(true, page));
    }

    #[test]
    fn an_answer_is_not_kept_unless_it_says_so_and_a_page_has_its_own_policy() {
        let mut data = HeaderMap::new();
        secure(&mut data, false);
        assert_eq!(data[CACHE_CONTROL], "no-store");
        assert_eq!(data[CONTENT_SECURITY_POLICY], DATA);
        assert!(!data.contains_key(STRICT_TRANSPORT_SECURITY));
        let mut page = HeaderMap::new();
        page.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        );
        page.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=60"));
        secure(&mut page, true);
        assert_eq!(page[CACHE_CONTROL], "max-age=60");
        assert_eq!(page[CONTENT_SECURITY_POLICY], PAGE);
        assert_eq!(page[STRICT_TRANSPORT_SECURITY], A_YEAR);
    }
}
