//! How much an address may ask before it is known who asks.

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use lru::LruCache;
use sealrock_access::{ClientAddress, Proved, RateLimit};
use sealrock_tls::ClientCertificate;

/// Proofs that are remembered as good; each takes some dozen bytes.
const REMEMBERED: usize = 100_000;
/// What tells whether the node runs: asked by those who would restart it.
const PROBES: [&str; 3] = ["/livez", "/readyz", "/metrics"];

/// Paths below which nobody looks at what a request shows: it excuses nothing there.
const UNSEEN: [&str; 2] = ["/oidc/", "/.well-known/"];

/// Limits who has proved nothing yet.
///
/// Behind one address there may be a whole plant. So who has shown a token, a secret or a certificate
/// that was good is limited as himself and no longer by his address; it is remembered, by a hash under a
/// key that nobody knows, until it is not good any more.
struct Strangers {
    limit: RateLimit<IpAddr>,
    good: Mutex<LruCache<u64, ()>>,
    key: RandomState,
}

/// The routes, with so many requests a second for each address of strangers.
pub(super) fn limited(routes: Router, per_second: NonZeroU32) -> Router {
    let strangers = Strangers {
        limit: RateLimit::new(per_second),
        good: Mutex::new(LruCache::unbounded()),
        key: RandomState::new(),
    };
    routes.layer(from_fn_with_state(Arc::new(strangers), admit))
}

async fn admit(State(strangers): State<Arc<Strangers>>, request: Request, next: Next) -> Response {
    if PROBES.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    let Some(address) = request.extensions().get::<ClientAddress>().copied() else {
        return next.run(request).await;
    };
    let proof = strangers.proof(address, &request);
    let unseen = UNSEEN
        .iter()
        .any(|path| request.uri().path().starts_with(path));
    let proof = proof.filter(|_| !unseen);
    let known = proof.is_some_and(|proof| strangers.knows(proof));
    if !known && let Err(wait) = strangers.limit.take(&address.network()) {
        metrics::counter!("sealrock_rate_limited_total", "who" => "address").increment(1);
        return too_many(wait);
    }
    let response = next.run(request).await;
    if let Some(proof) = proof {
        strangers.learn(proof, &response);
    }
    response
}

impl Strangers {
    /// What the request shows, and from where.
    fn proof(&self, address: ClientAddress, request: &Request) -> Option<u64> {
        let header = request
            .headers()
            .get(AUTHORIZATION)
            .map(HeaderValue::as_bytes);
        let certificate = request.extensions().get::<ClientCertificate>();
        let shown = certificate.map(|shown| shown.fingerprint);
        if header.is_none() && shown.is_none() {
            return None;
        }
        Some(self.key.hash_one((address.network(), header, shown)))
    }

    fn knows(&self, proof: u64) -> bool {
        self.good().get(&proof).is_some()
    }

    /// Who looked at it says that it was good; 401 is for who is nobody. That a request was answered
    /// well tells nothing, because much is answered to anybody.
    fn learn(&self, proof: u64, answer: &Response) {
        if answer.status() == StatusCode::UNAUTHORIZED {
            self.good().pop(&proof);
        } else if answer.extensions().get::<Proved>().is_some() {
            let mut good = self.good();
            good.put(proof, ());
            if good.len() > REMEMBERED {
                good.pop_lru();
            }
        }
    }

    fn good(&self) -> MutexGuard<'_, LruCache<u64, ()>> {
        self.good.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn too_many(wait: Duration) -> Response {
    let seconds = wait.as_secs() + 1;
    let message = format!(
        "too many requests from this address by nobody in particular: sign in, or ask again in \
         {seconds} s\n"
    );
    let mut response = (StatusCode::TOO_MANY_REQUESTS, message).into_response();
    response.headers_mut().insert(RETRY_AFTER, seconds.into());
    response
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use axum::Extension;
    use axum::body::Body;
    use axum::routing::get;
    use tower::ServiceExt as _;

    use super::*;

    /// Lets in who knows the word.
    fn routes() -> Router {
        let door = get(|request: Request| async move {
            match request.headers().get(AUTHORIZATION) {
                Some(word) if word == "sesame" => Extension(Proved).into_response(),
                _ => StatusCode::UNAUTHORIZED.into_response(),
            }
        });
        let routes = Router::new()
            .route("/", door)
            .route("/open", get(|| async {}))
            .route("/oidc/callback", get(|| async {}))
            .route("/livez", get(|| async {}));
        limited(routes, NonZeroU32::MIN)
    }

    async fn ask(routes: &Router, path: &str, from: &str, word: Option<&str>) -> u16 {
        let mut request = axum::http::Request::get(path).body(Body::empty()).unwrap();
        let address = ClientAddress(from.parse().unwrap());
        request.extensions_mut().insert(address);
        if let Some(word) = word {
            request
                .headers_mut()
                .insert(AUTHORIZATION, word.parse().unwrap());
        }
        let response = routes.clone().oneshot(request).await.unwrap();
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            assert!(response.headers().contains_key(RETRY_AFTER));
        }
        response.status().as_u16()
    }

    #[tokio::test]
    async fn a_stranger_spends_his_address_and_who_has_proved_himself_behind_it_goes_on() {
        let (routes, plant) = (routes(), "192.0.2.1");
        assert_eq!(ask(&routes, "/", plant, Some("sesame")).await, 200);
        for n in 0..9 {
            let guess = format!("guess-{n}");
            assert_eq!(ask(&routes, "/", plant, Some(&guess)).await, 401);
        }
        assert_eq!(ask(&routes, "/", plant, None).await, 429);
        assert_eq!(ask(&routes, "/", plant, Some("guess-1")).await, 429);
        for _ in 0..20 {
            assert_eq!(ask(&routes, "/", plant, Some("sesame")).await, 200);
        }
        assert_eq!(ask(&routes, "/livez", plant, None).await, 200);
        assert_eq!(ask(&routes, "/", "192.0.2.2", None).await, 401);
    }

    #[tokio::test]
    async fn what_nobody_looked_at_proves_nothing_although_it_is_answered() {
        let routes = routes();
        for _ in 0..10 {
            let answer = ask(&routes, "/open", "192.0.2.1", Some("made up")).await;
            assert_eq!(answer, 200);
        }
        assert_eq!(
            ask(&routes, "/open", "192.0.2.1", Some("made up")).await,
            429
        );
    }

    #[tokio::test]
    async fn a_proof_excuses_nothing_where_nobody_looks_at_it() {
        let (routes, here) = (routes(), "192.0.2.1");
        assert_eq!(ask(&routes, "/", here, Some("sesame")).await, 200);
        for _ in 0..9 {
            let answer = ask(&routes, "/oidc/callback", here, Some("sesame")).await;
            assert_eq!(answer, 200);
        }
        let answer = ask(&routes, "/oidc/callback", here, Some("sesame")).await;
        assert_eq!(answer, 429);
        assert_eq!(ask(&routes, "/", here, Some("sesame")).await, 200);
    }

    #[tokio::test]
    async fn a_proof_is_good_from_where_it_was_shown() {
        let (routes, here, elsewhere) = (routes(), "2001:db8::1", "2001:db8:0:1::1");
        assert_eq!(ask(&routes, "/", here, Some("sesame")).await, 200);
        for _ in 0..10 {
            assert_eq!(ask(&routes, "/", elsewhere, None).await, 401);
        }
        assert_eq!(ask(&routes, "/", elsewhere, Some("sesame")).await, 429);
        assert_eq!(ask(&routes, "/", here, Some("sesame")).await, 200);
    }
}
