//! One device's requests by HTTP(S), one after the other on a connection that is kept.

use bytes::Bytes;
use reqwest::header::CONTENT_TYPE;
use tokio::time::{Instant, sleep_until};

use super::lane::Lane;
use crate::credential::Credential;
use crate::publisher::Stop;

/// The connections of all devices.
pub(super) fn shared(ca: Option<&[u8]>, devices: usize) -> Result<reqwest::Client, reqwest::Error> {
    // HTTP/1.1: a device has a connection of its own.
    let mut builder = reqwest::Client::builder()
        .pool_max_idle_per_host(devices)
        .tcp_nodelay(true)
        .http1_only();
    if let Some(pem) = ca {
        builder = builder.add_root_certificate(reqwest::Certificate::from_pem(pem)?);
    }
    builder.build()
}

/// What sends one device's batches.
pub(super) struct Sender {
    client: reqwest::Client,
    credential: Credential,
    url: reqwest::Url,
}

impl Sender {
    pub(super) fn new(
        client: reqwest::Client,
        credential: Credential,
        url: Option<&str>,
    ) -> Result<Self, String> {
        let url = url.or(credential.http.as_deref());
        let url = url.ok_or("its credential does not say where to send by HTTP")?;
        let url = url.parse().map_err(|error| format!("{url}: {error}"))?;
        Ok(Self {
            client,
            credential,
            url,
        })
    }

    /// Sends all that is due until all is answered.
    pub(super) async fn run(self, mut lane: Lane, mut stop: Stop) {
        tokio::select! {
            () = self.send_all(&mut lane) => {}
            () = stop.stopped() => {}
        }
    }

    async fn send_all(&self, lane: &mut Lane) {
        while let Some(due) = lane.due() {
            if due > Instant::now() {
                sleep_until(due).await;
            }
            let (bytes, due) = lane.take(&self.credential);
            lane.tally.sent(1);
            match self.send(bytes).await {
                Ok(()) => lane.tally.acknowledged(due),
                Err(reason) => lane.tally.failed(1, reason),
            }
        }
    }

    async fn send(&self, bytes: Bytes) -> Result<(), String> {
        let signed = bytes.first() == Some(&0x01);
        let media = if signed {
            "application/vnd.sealrock.signed-batch"
        } else {
            "application/json"
        };
        let Credential { device_id, .. } = &self.credential;
        let request = self
            .client
            .post(self.url.clone())
            .basic_auth(device_id, Some(self.credential.secret()))
            .header(CONTENT_TYPE, media)
            .body(bytes);
        let response = request.send().await.map_err(|error| error.to_string())?;
        let status = response.status();
        // Read, so that the connection can be used again.
        let _body = response.bytes().await;
        if status.is_success() {
            Ok(())
        } else {
            Err(status.to_string())
        }
    }
}
