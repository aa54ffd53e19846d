//! What a browser keeps on its way to the provider and back.

use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngCore;
use sha2::{Digest, Sha256};

/// Its prefix makes browsers take it from this host alone, over TLS (or on `localhost`), for all paths.
const COOKIE: &str = "__Host-sealrock-oidc";
/// How long somebody may take to sign in at the provider, in seconds.
const HOLDS: u32 = 600;

/// The three secrets of one way to the provider and back.
pub(crate) struct Flow {
    /// Comes back with the code: another site cannot have begun this.
    pub(crate) state: String,
    /// Comes back in the ID token: it was made for this.
    pub(crate) nonce: String,
    /// Goes with the code: who stole the code alone has nothing.
    pub(crate) verifier: String,
}

impl Flow {
    pub(crate) fn begin() -> Self {
        Self {
            state: random(),
            nonce: random(),
            verifier: random(),
        }
    }

    /// What the provider is shown of the verifier (RFC 7636, S256).
    pub(crate) fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(&self.verifier))
    }

    /// A `Set-Cookie` that has the browser keep it. `Lax`, because the provider sends the browser back.
    pub(crate) fn keep(&self) -> String {
        let Self {
            state,
            nonce,
            verifier,
        } = self;
        let mut cookie = format!("{COOKIE}={state}.{nonce}.{verifier}; Max-Age={HOLDS}");
        write!(cookie, "{ATTRIBUTES}").expect("a String takes all");
        cookie
    }

    /// The one that began in this browser, of its `Cookie` header.
    pub(crate) fn read(cookies: &str) -> Option<Self> {
        let mut pairs = cookies
            .split(';')
            .filter_map(|pair| pair.trim().split_once('='));
        let (_, value) = pairs.find(|(name, _)| *name == COOKIE)?;
        let mut parts = value.split('.').map(str::to_owned);
        let flow = Self {
            state: parts.next()?,
            nonce: parts.next()?,
            verifier: parts.next()?,
        };
        let whole = [&flow.state, &flow.nonce, &flow.verifier]
            .iter()
            .all(|part| part.len() == 43);
        (whole && parts.next().is_none()).then_some(flow)
    }
}

const ATTRIBUTES: &str = "; Path=/; Secure; HttpOnly; SameSite=Lax";

/// A `Set-Cookie` that has the browser forget it.
pub(crate) fn forget() -> String {
    format!("{COOKIE}=; Max-Age=0{ATTRIBUTES}")
}

/// 256 bits, as 43 characters.
fn random() -> String {
    let mut bytes = [0; 32];
    rand::rngs::OsRng.fill_bytes(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}
