//! Who may connect, and what they may subscribe to.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mqtt5::broker::StorageBackend;
use mqtt5::broker::{AuthProvider, AuthResult};
use mqtt5::packet::connect::ConnectPacket;
use mqtt5::protocol::v5::reason_codes::ReasonCode;
use sealrock_domain::DeviceId;
use sealrock_domain::device::Fingerprint;

use super::connection::{Connection, Proof, SignedIn};
use super::topics::Topics;
use super::wire::NOT_AUTHORIZED;
use crate::counters;
use crate::gate::{AuthError, DeviceIdentity, named_in};

/// The library gives a connection 10 s to sign in and then closes it without an answer; a
/// device should rather hear "unavailable".
const SIGN_IN_LIMIT: Duration = Duration::from_secs(8);

/// A last will is the word `offline`; the library keeps a retained one on disk.
const MAX_WILL_BYTES: usize = 1024;

/// Why a connection was refused: the CONNACK's code (the library maps it for 3.1.1) and the
/// counter's label.
struct Refusal(ReasonCode, &'static str);

const BAD_CREDENTIALS: Refusal = Refusal(ReasonCode::BadUsernameOrPassword, "bad-credentials");
const UNAVAILABLE: Refusal = Refusal(ReasonCode::ServerUnavailable, "unavailable");
const WILL: Refusal = Refusal(ReasonCode::NotAuthorized, "will-topic");
const CLIENT_ID: Refusal = Refusal(ReasonCode::ClientIdentifierNotValid, "client-id");

impl Connection {
    async fn sign_in(&self, connect: &ConnectPacket) -> Result<DeviceIdentity, Refusal> {
        let (identity, proof) = self.check_credentials(connect).await?;
        let topics = Topics::of(&identity);
        check_will(connect, &topics)?;
        self.check_client_id(connect, &identity).await?;
        // A connection signs in once: the library treats a second CONNECT as a protocol error.
        let _ = self.signed_in.set(SignedIn {
            identity: identity.clone(),
            topics,
            proof: Mutex::new(Some(proof)),
        });
        let stranger = self.stranger.lock();
        drop(stranger.unwrap_or_else(PoisonError::into_inner).take());
        Ok(identity)
    }

    async fn check_credentials(
        &self,
        connect: &ConnectPacket,
    ) -> Result<(DeviceIdentity, Proof), Refusal> {
        let (device, proof) = self.claimed(connect).ok_or(BAD_CREDENTIALS)?;
        let identity = self.authenticated(device, &proof).await?;
        Ok((identity, proof))
    }

    /// Who the client says it is, and by what: its secret, or without one the certificate that it
    /// showed. With a certificate it may leave out its user name, if the certificate has it.
    fn claimed(&self, connect: &ConnectPacket) -> Option<(DeviceId, Proof)> {
        let user = connect.username.as_deref().filter(|name| !name.is_empty());
        let device = user.map(str::parse::<DeviceId>).transpose().ok()?;
        let password = connect.password.as_deref().filter(|some| !some.is_empty());
        if let Some(password) = password {
            let secret = std::str::from_utf8(password).ok()?;
            return Some((device?, Proof::Secret(secret.to_owned())));
        }
        let certificate = self.certificate.get()?;
        let device = device.or_else(|| named_in(certificate))?;
        let fingerprint = Fingerprint::new(certificate.fingerprint.0);
        Some((device, Proof::Certificate(fingerprint)))
    }

    async fn authenticated(
        &self,
        device: DeviceId,
        proof: &Proof,
    ) -> Result<DeviceIdentity, Refusal> {
        let sink = &self.house.sink;
        let answer = tokio::time::timeout(SIGN_IN_LIMIT, async {
            match proof {
                Proof::Secret(secret) => sink.authenticate(device, secret).await,
                Proof::Certificate(shown) => sink.recognise(device, *shown).await,
            }
        });
        match answer.await {
            Ok(Ok(identity)) => Ok(identity),
            Ok(Err(AuthError::Refused)) => Err(BAD_CREDENTIALS),
            Ok(Err(AuthError::Unavailable)) | Err(_) => Err(UNAVAILABLE),
        }
    }

    /// Checks the proof again, for a connection that is in the roster: a revocation after the
    /// sign-in and before that found no connection to end. Until it has ended well nothing is
    /// read; if it cannot be decided the device signs in anew.
    pub(super) async fn check_again(&self, signed_in: &SignedIn) {
        let proof = signed_in
            .proof
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(proof) = proof else { return };
        let device = signed_in.identity.device;
        if let Err(refusal) = self.authenticated(device, &proof).await {
            counters::mqtt_refused(refusal.1);
            tracing::info!(%device, reason = refusal.1, "MQTT connection closed: what it signed in by does not open it any more");
            self.line.cut_for(NOT_AUTHORIZED);
        }
    }

    /// Client ids are free, but one that another device's session holds would end that session
    /// (a clean start takes over without asking whose it was).
    async fn check_client_id(
        &self,
        connect: &ConnectPacket,
        identity: &DeviceIdentity,
    ) -> Result<(), Refusal> {
        let session = self
            .house
            .storage
            .get_session(&connect.client_id)
            .await
            .map_err(|_| UNAVAILABLE)?;
        let holder = session
            .filter(|session| !session.is_expired())
            .and_then(|session| session.user_id);
        match holder {
            Some(holder) if holder != identity.device.to_string() => Err(CLIENT_ID),
            _ => Ok(()),
        }
    }

    fn refused(&self, connect: &ConnectPacket, peer: SocketAddr, refusal: &Refusal) {
        counters::mqtt_refused(refusal.1);
        if let Some(kept_back) = self.house.logs.sign_in.turn() {
            let user = connect.username.as_deref().map(printable);
            let client_id = printable(&connect.client_id);
            tracing::warn!(%peer, user, client_id, kept_back, reason = refusal.1, "MQTT sign-in refused");
        }
    }
}

/// Wills bypass the publish hook, so a will is checked before it can exist.
fn check_will(connect: &ConnectPacket, topics: &Topics) -> Result<(), Refusal> {
    match &connect.will {
        Some(will) if will.topic != topics.status || will.payload.len() > MAX_WILL_BYTES => {
            Err(WILL)
        }
        _ => Ok(()),
    }
}

/// What an unknown client called itself, fit for a log line.
fn printable(text: &str) -> String {
    text.chars()
        .take(64)
        .flat_map(char::escape_default)
        .collect()
}

impl AuthProvider for Connection {
    fn authenticate<'a>(
        &'a self,
        connect: &'a ConnectPacket,
        peer: SocketAddr,
    ) -> Pin<Box<dyn Future<Output = mqtt5::Result<AuthResult>> + Send + 'a>> {
        if connect.protocol_version < 5 {
            self.line.speaks_v311();
        }
        Box::pin(async move {
            Ok(match self.sign_in(connect).await {
                Ok(identity) => AuthResult::success_with_user(identity.device.to_string()),
                Err(refusal) => {
                    self.refused(connect, peer, &refusal);
                    AuthResult::fail(refusal.0)
                }
            })
        })
    }

    /// Always yes: the publish hook decides, because the library answers a no with an MQTT 5
    /// PUBACK even to 3.1.1 clients, and without a dead letter.
    fn authorize_publish<'a>(
        &'a self,
        _: &str,
        _: Option<&'a str>,
        _: &'a str,
    ) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>> {
        Box::pin(std::future::ready(true))
    }

    fn authorize_subscribe<'a>(
        &'a self,
        _: &str,
        _: Option<&'a str>,
        filter: &'a str,
    ) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>> {
        let own = self
            .signed_in
            .get()
            .is_some_and(|signed_in| signed_in.topics.receipt == filter);
        if !own {
            counters::mqtt_refused("subscription");
            if let Some(kept_back) = self.house.logs.subscription.turn() {
                let device = self
                    .signed_in
                    .get()
                    .map(|signed_in| signed_in.identity.device.to_string());
                tracing::warn!(
                    device,
                    filter = printable(filter),
                    kept_back,
                    "MQTT subscription refused"
                );
            }
        }
        Box::pin(std::future::ready(own))
    }
}
