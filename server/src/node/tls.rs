//! The node's TLS, if it is set.

use anyhow::Context as _;
use sealrock_ingest::BrokerTls;
use sealrock_tls::{Acceptor, Protocol, Tls};
use tokio_util::sync::CancellationToken;

use crate::config::Config;

/// Who shakes hands at each door.
#[derive(Clone, Default)]
pub(super) struct Doors {
    pub(super) http: Option<Acceptor>,
    pub(super) mqtt: Option<BrokerTls>,
}

impl Doors {
    /// By the certificate that is set, looked at until the node is `stopping`; without one, in plain.
    ///
    /// # Errors
    /// If its files cannot be used.
    pub(super) fn open(config: &Config, stopping: &CancellationToken) -> anyhow::Result<Self> {
        let Some(files) = config.tls()? else {
            return Ok(Self::default());
        };
        let tls = Tls::open(files).context("tls_cert, tls_key, device_ca")?;
        let http = tls.acceptor(Protocol::Http);
        let mqtt = BrokerTls {
            mqtt: tls.acceptor(Protocol::Mqtt),
            websocket: http.clone(),
        };
        tokio::spawn(stopping.clone().run_until_cancelled_owned(tls.follow()));
        Ok(Self {
            http: Some(http),
            mqtt: Some(mqtt),
        })
    }
}
