//! What an ID token proves (OIDC Core 1.0, 3.1.3.7).

use chrono::{DateTime, Utc};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::Value;

/// How far the provider's clock may differ, in seconds.
const LEEWAY: u64 = 60;
/// By a key that only the provider has: none by a shared secret, none without.
const ALGORITHMS: [Algorithm; 6] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::PS256,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// Why an ID token proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum IdTokenError {
    /// Its key is none of those that the provider publishes.
    #[error("it was signed with a key that the provider does not publish")]
    UnknownKey,
    /// Its key has the name of one that the provider publishes, and is another one.
    #[error("its signature is wrong")]
    Signature,
    /// It was not made for this sign-in.
    #[error("its nonce is not the one of this sign-in")]
    Nonce,
    /// It is for another program too, and was not given to us.
    #[error("it was issued to another program")]
    Party,
    /// It is from the future.
    #[error("it was issued in the future: look at the clocks")]
    Future,
    /// Anything else.
    #[error("{0}")]
    Invalid(String),
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    aud: Value,
    #[serde(default)]
    azp: Option<String>,
    #[serde(default)]
    nonce: Option<String>,
    iat: i64,
    #[serde(default)]
    auth_time: Option<i64>,
}

/// What an ID token proves.
#[derive(Debug)]
pub(crate) struct Proved {
    /// Who it is, at the provider.
    pub(crate) subject: String,
    /// When they proved it there, if the provider says so.
    pub(crate) at: Option<DateTime<Utc>>,
}

/// What is proved by an ID token that was made by the issuer, for this client and this sign-in.
pub(crate) fn check(
    token: &str,
    keys: &JwkSet,
    (issuer, client): (&str, &str),
    nonce: &str,
) -> Result<Proved, IdTokenError> {
    let header = decode_header(token).map_err(invalid)?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err(IdTokenError::Invalid(format!("algorithm {:?}", header.alg)));
    }
    let key = key_of(&header, keys).ok_or(IdTokenError::UnknownKey)?;
    let key = DecodingKey::from_jwk(key).map_err(invalid)?;
    let mut validation = Validation::new(header.alg);
    validation.leeway = LEEWAY;
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[client]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    let claims = decode::<Claims>(token, &key, &validation).map_err(invalid)?;
    let claims = claims.claims;
    if claims.nonce.as_deref() != Some(nonce) {
        return Err(IdTokenError::Nonce);
    }
    let several = claims.aud.as_array().is_some_and(|all| all.len() > 1);
    let ours = claims.azp.as_deref().map_or(!several, |azp| azp == client);
    if !ours {
        return Err(IdTokenError::Party);
    }
    if claims.iat > Utc::now().timestamp().saturating_add_unsigned(LEEWAY) {
        return Err(IdTokenError::Future);
    }
    if claims.sub.is_empty() || claims.sub.len() > 255 {
        return Err(IdTokenError::Invalid("no subject".to_owned()));
    }
    Ok(Proved {
        subject: claims.sub,
        at: claims
            .auth_time
            .and_then(|at| DateTime::from_timestamp(at, 0)),
    })
}

/// The key that it says it is signed with; where it says nothing, the only one that can have signed it.
fn key_of<'k>(header: &Header, keys: &'k JwkSet) -> Option<&'k Jwk> {
    let named = |key: &Jwk| header.kid.is_none() || key.common.key_id == header.kid;
    let fits = |key: &&Jwk| named(key) && signs(key, header.alg);
    let mut fit = keys.keys.iter().filter(fits);
    let first = fit.next()?;
    (header.kid.is_some() || fit.next().is_none()).then_some(first)
}

/// Whether signatures of this kind may be made with this key.
fn signs(key: &Jwk, algorithm: Algorithm) -> bool {
    use AlgorithmParameters::{EllipticCurve, OctetKeyPair, RSA};
    let kind = match algorithm {
        Algorithm::ES256 | Algorithm::ES384 => matches!(key.algorithm, EllipticCurve(_)),
        Algorithm::EdDSA => matches!(key.algorithm, OctetKeyPair(_)),
        _ => matches!(key.algorithm, RSA(_)),
    };
    let Jwk { common, .. } = key;
    let alone = common
        .key_algorithm
        .is_none_or(|one| one == algorithm.into());
    kind && alone && common.public_key_use != Some(PublicKeyUse::Encryption)
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn invalid(error: Error) -> IdTokenError {
    IdTokenError::Invalid(match error.kind() {
        ErrorKind::InvalidSignature => return IdTokenError::Signature,
        ErrorKind::ExpiredSignature => "it has expired".to_owned(),
        ErrorKind::InvalidIssuer => "another issuer made it".to_owned(),
        ErrorKind::InvalidAudience => "it is for another program".to_owned(),
        _ => error.to_string(),
    })
}
