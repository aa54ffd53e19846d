//! Tokens: who signed in, for ten minutes, without asking the database.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::token_keys::KeyRing;
use crate::{KeyFileError, Principal, RevokedSessions, TokenKey, TokenKeys};

/// How long a token holds.
pub const LIFETIME: Duration = Duration::from_mins(10);
/// For whom tokens are: every Sealrock API.
pub const AUDIENCE: &str = "sealrock";
/// How far the clocks of two nodes may differ.
pub(crate) const LEEWAY: Duration = Duration::from_secs(30);
/// How often the folder of keys is looked at. A key that another node begins to sign with is known
/// already: it was the next one.
pub const LOOK: Duration = Duration::from_secs(5);

/// Issues and checks tokens. Cheap to clone; all clones have the same keys.
#[derive(Clone, Debug)]
pub struct Tokens {
    keys: Arc<RwLock<KeyRing>>,
    issuer: String,
    revoked: RevokedSessions,
}

/// A bearer token; who has it is its principal until it expires. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct IssuedToken {
    /// The token, for `Authorization: Bearer <token>`.
    pub token: String,
    /// When it stops being accepted.
    pub expires_at: DateTime<Utc>,
}

impl fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IssuedToken(masked, until {})", self.expires_at)
    }
}

/// Why a token proves nothing. Each message tells the client what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It was good.
    #[error("the token has expired (tokens hold 10 minutes); sign in again")]
    Expired,
    /// Its session was ended.
    #[error("the session of this token was ended; sign in again")]
    Ended,
    /// It is no token of the kind we issue.
    #[error(
        "this is not a Sealrock token ({0}); send `Authorization: Bearer <token>` with the token from sign-in, unchanged"
    )]
    Malformed(String),
    /// It names a key that this server does not have, as after a change of key.
    #[error(
        "the token was signed with a key that this server does not have ({0}); sign in again here"
    )]
    WrongKey(String),
    /// It was changed, or signed by someone else in the key's name.
    #[error("the token's signature is wrong; sign in again, and send the token unchanged")]
    WrongSignature,
    /// It is for other servers.
    #[error("the token was issued by or for another platform; sign in again here")]
    Foreign,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    iat: i64,
    exp: i64,
    jti: Uuid,
    principal: Principal,
}

impl Tokens {
    /// Tokens of this key. `issuer` is the platform's host name, the same on all of its nodes.
    pub fn new(key: TokenKey, issuer: impl Into<String>) -> Self {
        Self::of(KeyRing::of(key), issuer)
    }

    /// Tokens of the keys in a folder, which are made where they are missing.
    ///
    /// # Errors
    /// [`KeyFileError`]: a key is unreadable, exposed to others, or not a key.
    pub fn of_keys(keys: &TokenKeys, issuer: impl Into<String>) -> Result<Self, KeyFileError> {
        Ok(Self::of(keys.read()?, issuer))
    }

    fn of(keys: KeyRing, issuer: impl Into<String>) -> Self {
        Self {
            keys: Arc::new(RwLock::new(keys)),
            issuer: issuer.into(),
            revoked: RevokedSessions::default(),
        }
    }

    /// Whose tokens prove nothing any more, though they have not expired: to be followed by whoever
    /// serves, and asked by who keeps a connection open.
    #[must_use]
    pub fn revoked(&self) -> &RevokedSessions {
        &self.revoked
    }

    /// Takes up what has changed in the folder since.
    ///
    /// # Errors
    /// As [`of_keys`](Self::of_keys); the keys stay as they were.
    pub fn take_up(&self, keys: &TokenKeys) -> Result<(), KeyFileError> {
        let read = keys.read()?;
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = read;
        Ok(())
    }

    fn keys(&self) -> KeyRing {
        let keys = self.keys.read();
        keys.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A token for a principal, from now for [`LIFETIME`].
    ///
    /// # Panics
    /// Never: signing a text with an Ed25519 key cannot fail.
    #[must_use]
    pub fn issue(&self, principal: &Principal) -> IssuedToken {
        self.issue_at(principal, Utc::now())
    }

    /// As [`issue`](Self::issue), from `now` on.
    ///
    /// # Panics
    /// Never, as `issue`.
    #[must_use]
    pub fn issue_at(&self, principal: &Principal, now: DateTime<Utc>) -> IssuedToken {
        let expires_at = now + LIFETIME;
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: AUDIENCE.to_owned(),
            sub: principal.actor(),
            iat: now.timestamp(),
            exp: expires_at.timestamp(),
            jti: Uuid::new_v4(),
            principal: principal.clone(),
        };
        let key = self.keys().current;
        let header = Header {
            kid: Some(key.id.clone()),
            ..Header::new(Algorithm::EdDSA)
        };
        let token = encode(&header, &claims, &key.signing).expect("Ed25519 signs any text");
        IssuedToken { token, expires_at }
    }

    /// Who the token's bearer is, if the token is ours and holds.
    ///
    /// # Errors
    /// [`TokenError`], whose message is for the client.
    pub fn verify(&self, token: &str) -> Result<Principal, TokenError> {
        let header = decode_header(token).map_err(malformed)?;
        if header.alg != Algorithm::EdDSA {
            return Err(TokenError::Malformed(format!("algorithm {:?}", header.alg)));
        }
        let kid = header.kid.unwrap_or_else(|| "no key id".into());
        let keys = self.keys();
        let Some(key) = keys.find(&kid) else {
            return Err(TokenError::WrongKey(kid));
        };
        let claims = decode::<Claims>(token, &key.verifying, &self.validation())
            .map_err(refusal)?
            .claims;
        // No node signs such: whoever had the key for a moment made it to keep.
        if claims.exp.saturating_sub(claims.iat) > LIFETIME.as_secs().cast_signed()
            || claims.iat > (Utc::now() + LEEWAY).timestamp()
        {
            return Err(TokenError::Malformed("it holds too long".to_owned()));
        }
        if claims.sub != claims.principal.actor() {
            return Err(TokenError::Malformed(
                "subject and principal differ".to_owned(),
            ));
        }
        match &claims.principal {
            Principal::User {
                session: Some(session),
                ..
            } if self.revoked.contains(*session) => Err(TokenError::Ended),
            _ => Ok(claims.principal),
        }
    }

    /// The public keys as a JSON Web Key Set, for `/.well-known/jwks.json`: the one that signs, the
    /// next one, and for as long as its tokens hold the one before.
    #[must_use]
    pub fn jwks(&self) -> serde_json::Value {
        let keys: Vec<_> = self.keys().all().map(TokenKey::jwk).collect();
        serde_json::json!({ "keys": keys })
    }

    fn validation(&self) -> Validation {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.leeway = LEEWAY.as_secs();
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[&self.issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn malformed(error: Error) -> TokenError {
    TokenError::Malformed(error.to_string())
}

fn refusal(error: Error) -> TokenError {
    match error.kind() {
        ErrorKind::ExpiredSignature => TokenError::Expired,
        ErrorKind::InvalidSignature => TokenError::WrongSignature,
        ErrorKind::InvalidIssuer | ErrorKind::InvalidAudience => TokenError::Foreign,
        _ => malformed(error),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;
    use crate::{AccountId, Role, RotateError, SessionId};
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use jsonwebtoken::{DecodingKey, EncodingKey};

    fn tokens() -> Tokens {
        Tokens::new(TokenKey::from_seed(&[1; 32]), "sealrock.example")
    }

    fn ada() -> Principal {
        let id = AccountId(Uuid::nil());
        let mut ada = Principal::signed_in(id, "ada".parse().unwrap(), Role::Admin, None);
        if let Principal::User { stepped_up, .. } = &mut ada {
            *stepped_up = None;
        }
        ada
    }

    fn header(token: &str) -> serde_json::Value {
        let part = token.split('.').next().unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    }

    #[test]
    fn a_token_proves_its_principal() {
        let ada = ada();
        let issued = tokens().issue(&ada);
        assert_eq!(tokens().verify(&issued.token), Ok(ada));
        assert_eq!(header(&issued.token)["alg"], "EdDSA");
    }

    /// As nodes of before sign them: a token is good on every node of a rolling update.
    #[test]
    fn a_token_that_says_nothing_of_an_organisation_is_of_none() {
        let before = serde_json::json!({
            "kind": "user", "id": Uuid::nil(), "username": "ada", "role": "admin",
        });
        let read = serde_json::from_value::<Principal>(before).unwrap();
        assert_eq!((read.organisation(), read.role()), (None, Role::Admin));
    }

    #[test]
    fn a_token_holds_ten_minutes() {
        let issued_ago = |seconds| {
            let then = Utc::now() - Duration::from_secs(seconds);
            tokens().verify(&tokens().issue_at(&ada(), then).token)
        };
        assert_eq!(issued_ago(595).map(|who| who.actor()), Ok(ada().actor()));
        assert_eq!(
            issued_ago(600 + LEEWAY.as_secs() + 5),
            Err(TokenError::Expired)
        );
    }

    #[test]
    fn a_token_that_would_hold_longer_was_not_made_here() {
        let from = |then| tokens().verify(&tokens().issue_at(&ada(), then).token);
        let refused = from(Utc::now() + Duration::from_secs(90));
        assert!(
            matches!(refused, Err(TokenError::Malformed(_))),
            "{refused:?}"
        );
        let (ada, now) = (ada(), Utc::now().timestamp());
        let claims = Claims {
            iss: "sealrock.example".to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: ada.actor(),
            iat: now,
            exp: now + 601,
            jti: Uuid::nil(),
            principal: ada,
        };
        let key = tokens().keys().current;
        let header = Header {
            kid: Some(key.id.clone()),
            ..Header::new(Algorithm::EdDSA)
        };
        let long = encode(&header, &claims, &key.signing).unwrap();
        let refused = tokens().verify(&long);
        assert!(
            matches!(refused, Err(TokenError::Malformed(_))),
            "{refused:?}"
        );
    }

    #[test]
    fn a_changed_token_is_refused() {
        let token = tokens().issue(&ada()).token;
        let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
        let claims = String::from_utf8(URL_SAFE_NO_PAD.decode(&parts[1]).unwrap()).unwrap();
        parts[1] = URL_SAFE_NO_PAD.encode(claims.replace("\"ada\"", "\"eve\""));
        assert_eq!(
            tokens().verify(&parts.join(".")),
            Err(TokenError::WrongSignature)
        );
    }

    #[test]
    fn a_token_of_another_key_is_refused_by_its_key_id() {
        let other = Tokens::new(TokenKey::from_seed(&[2; 32]), "sealrock.example");
        let result = tokens().verify(&other.issue(&ada()).token);
        assert!(matches!(result, Err(TokenError::WrongKey(_))), "{result:?}");
    }

    #[test]
    fn a_token_of_another_platform_is_refused_even_with_our_key() {
        let other = Tokens::new(TokenKey::from_seed(&[1; 32]), "elsewhere.example");
        assert_eq!(
            tokens().verify(&other.issue(&ada()).token),
            Err(TokenError::Foreign)
        );
    }

    #[test]
    fn what_is_no_token_is_told_how_to_send_one() {
        for text in ["", "abc", "a.b.c", "Bearer x.y.z"] {
            let error = tokens().verify(text).unwrap_err();
            assert!(matches!(error, TokenError::Malformed(_)), "{text}: {error}");
            assert!(
                error.to_string().contains("Authorization: Bearer"),
                "{error}"
            );
        }
    }

    /// The classic forgeries: no signature at all, and the public key used as a shared secret.
    #[test]
    fn only_eddsa_is_accepted() {
        let token = tokens().issue(&ada()).token;
        let kid = tokens().keys().current.id;
        let unsigned = format!(r#"{{"alg":"none","kid":"{kid}"}}"#);
        let claims = token.split('.').nth(1).unwrap();
        let forged = format!("{}.{claims}.", URL_SAFE_NO_PAD.encode(unsigned));
        assert!(matches!(
            tokens().verify(&forged),
            Err(TokenError::Malformed(_))
        ));

        let jwk = tokens().keys().current.jwk();
        let public = URL_SAFE_NO_PAD.decode(jwk["x"].as_str().unwrap()).unwrap();
        let header = Header {
            kid: Some(kid.clone()),
            ..Header::new(Algorithm::HS256)
        };
        let claims: serde_json::Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
        let forged = encode(&header, &claims, &EncodingKey::from_secret(&public)).unwrap();
        assert!(matches!(
            tokens().verify(&forged),
            Err(TokenError::Malformed(_))
        ));
    }

    #[test]
    fn another_program_can_check_a_token_by_the_published_keys() {
        let jwks: jsonwebtoken::jwk::JwkSet = serde_json::from_value(tokens().jwks()).unwrap();
        let issued = tokens().issue(&ada());
        let kid = decode_header(&issued.token).unwrap().kid.unwrap();
        let key = DecodingKey::from_jwk(jwks.find(&kid).unwrap()).unwrap();
        assert!(decode::<Claims>(&issued.token, &key, &tokens().validation()).is_ok());
        assert!(
            !tokens().jwks().to_string().contains("\"d\""),
            "no private part is published"
        );
    }

    fn kid(issued: &IssuedToken) -> String {
        header(&issued.token)["kid"].as_str().unwrap().to_owned()
    }

    #[test]
    fn a_token_proves_nothing_once_its_session_is_ended() {
        let mut ada = ada();
        let (own, other) = (SessionId(Uuid::from_u128(1)), SessionId(Uuid::from_u128(2)));
        if let Principal::User { session, .. } = &mut ada {
            *session = Some(own);
        }
        let tokens = tokens();
        let issued = tokens.issue(&ada);
        tokens.revoked().add(other);
        assert_eq!(tokens.verify(&issued.token), Ok(ada));
        tokens.clone().revoked().add(own);
        assert_eq!(tokens.verify(&issued.token), Err(TokenError::Ended));
    }

    #[test]
    fn a_rotation_signs_nobody_out_on_any_node_whenever_it_looks_at_the_keys() {
        let folder = tempfile::tempdir().unwrap();
        let keys = TokenKeys::new(folder.path());
        let node = || Tokens::of_keys(&keys, "sealrock.example").unwrap();
        let (one, other) = (node(), node());
        let ada = ada();
        let before = one.issue(&ada);
        assert_eq!(one.jwks()["keys"].as_array().unwrap().len(), 2);

        let current = keys.rotate().unwrap();
        one.take_up(&keys).unwrap();
        let after = one.issue(&ada);
        assert_ne!(kid(&before), kid(&after));
        assert_eq!(kid(&after), current);
        // The other node has not looked yet: it knows the new key as the next one.
        for node in [&one, &other, &node()] {
            assert_eq!(node.verify(&before.token), Ok(ada.clone()));
            assert_eq!(node.verify(&after.token), Ok(ada.clone()));
        }
        let published = one.jwks().to_string();
        assert!(published.contains(&kid(&before)) && published.contains(&kid(&after)));
    }

    #[test]
    fn keys_are_not_rotated_again_while_tokens_of_the_one_before_hold_and_then_it_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let keys = TokenKeys::new(folder.path());
        let tokens = Tokens::of_keys(&keys, "sealrock.example").unwrap();
        let before = tokens.issue(&ada());
        keys.rotate().unwrap();
        let refused = keys.rotate().unwrap_err();
        assert!(matches!(refused, RotateError::TooSoon(..)), "{refused}");

        let previous = std::fs::File::open(folder.path().join("token.previous.key")).unwrap();
        let then = std::time::SystemTime::now() - LIFETIME - 3 * LEEWAY;
        previous.set_modified(then).unwrap();
        tokens.take_up(&keys).unwrap();
        let gone = tokens.verify(&before.token);
        assert!(matches!(gone, Err(TokenError::WrongKey(_))), "{gone:?}");
        keys.rotate().unwrap();
    }

    #[test]
    fn what_a_rotation_leaves_that_was_cut_short_is_a_key_that_signs() {
        let folder = tempfile::tempdir().unwrap();
        let keys = TokenKeys::new(folder.path());
        let before = Tokens::of_keys(&keys, "sealrock.example").unwrap();
        let ada = ada();
        let token = before.issue(&ada).token;
        let at = |name: &str| folder.path().join(name);
        // After its first step: the key that signs is in two files.
        std::fs::copy(at("token.key"), at("token.previous.key")).unwrap();
        let cut = Tokens::of_keys(&keys, "sealrock.example").unwrap();
        assert_eq!(cut.jwks(), before.jwks());
        assert_eq!(cut.verify(&token), Ok(ada.clone()));
        // After its second: there is no next one, until somebody looks.
        std::fs::rename(at("token.next.key"), at("token.key")).unwrap();
        let cut = Tokens::of_keys(&keys, "sealrock.example").unwrap();
        assert_eq!(cut.jwks()["keys"].as_array().unwrap().len(), 3);
        assert_eq!(cut.verify(&token), Ok(ada));
    }

    #[test]
    fn stolen_keys_open_nothing_when_they_are_replaced_even_after_a_rotation() {
        let folder = tempfile::tempdir().unwrap();
        let keys = TokenKeys::new(folder.path());
        let node = Tokens::of_keys(&keys, "sealrock.example").unwrap();
        let before = node.issue(&ada());
        keys.rotate().unwrap();
        // A thief has a copy of the folder.
        let stolen = keys.read().unwrap();
        let theirs = |key: &TokenKey| {
            let thief = Tokens::new(key.clone(), "sealrock.example");
            thief.issue(&ada()).token
        };
        let forged: Vec<_> = stolen.all().map(theirs).collect();
        assert_eq!(forged.len(), 3);
        node.take_up(&keys).unwrap();
        for token in &forged {
            assert_eq!(node.verify(token), Ok(ada()));
        }

        let current = keys.replace().unwrap();
        node.take_up(&keys).unwrap();
        for token in forged.iter().chain([&before.token]) {
            let refused = node.verify(token);
            assert!(
                matches!(refused, Err(TokenError::WrongKey(_))),
                "{refused:?}"
            );
        }
        let after = node.issue(&ada());
        assert_eq!(kid(&after), current);
        assert_eq!(node.verify(&after.token), Ok(ada()));
        // The ordinary way goes on from there.
        keys.rotate().unwrap();
        node.take_up(&keys).unwrap();
        assert_eq!(node.verify(&after.token), Ok(ada()));
        let kept = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(kept, 4, "three keys and the lock");
    }

    /// Who reads between two steps of a rotation has the keys from before it or those from after it.
    #[test]
    fn keys_that_are_read_while_they_are_rotated_are_of_one_time() {
        let folder = tempfile::tempdir().unwrap();
        let keys = TokenKeys::new(folder.path());
        let next_of = |ring: &KeyRing| (ring.current.id.clone(), ring.others[0].id.clone());
        let mut order = vec![next_of(&keys.read().unwrap())];
        let done = std::sync::atomic::AtomicBool::new(false);
        let seen = std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut seen = Vec::new();
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    seen.push(next_of(&keys.read().unwrap()));
                }
                seen
            });
            let long_ago = std::time::SystemTime::now() - LIFETIME - 3 * LEEWAY;
            for _ in 0..300 {
                keys.rotate().unwrap();
                let previous = std::fs::File::open(folder.path().join("token.previous.key"));
                previous.unwrap().set_modified(long_ago).unwrap();
                order.push(next_of(&keys.read().unwrap()));
            }
            done.store(true, std::sync::atomic::Ordering::Relaxed);
            reader.join().unwrap()
        });
        for (current, next) in &seen {
            let at = order
                .iter()
                .position(|(known, _)| known == current)
                .unwrap();
            assert_eq!(next, &order[at].1, "what signs after it is not known");
        }
        assert!(!seen.is_empty());
    }

    #[test]
    fn debug_output_does_not_show_a_token() {
        let issued = tokens().issue(&ada());
        assert!(!format!("{issued:?} {:?}", tokens()).contains(&issued.token));
    }
}
