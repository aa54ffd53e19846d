//! Where a running server listens, for the commands beside it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::config::Config;

/// The addresses of a server; kept in the data folder while it runs.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Addresses {
    /// HTTP.
    pub http: SocketAddr,
    /// MQTT, if the node has a broker.
    pub mqtt: Option<SocketAddr>,
    /// MQTT over WebSocket.
    pub mqtt_ws: Option<SocketAddr>,
    /// Whether all of them speak TLS.
    pub tls: bool,
}

/// What the note holds: the addresses, and whose they are.
#[derive(Serialize)]
struct Content<'a> {
    pid: u32,
    #[serde(flatten)]
    addresses: &'a Addresses,
}

/// The note of a running server; it goes when this is dropped.
pub struct Note(PathBuf);

impl Addresses {
    /// Those of the server that runs on the data folder, else the configured ones.
    pub fn of(config: &Config) -> Self {
        let configured = Self {
            http: config.http,
            mqtt: config.embedded_broker(),
            mqtt_ws: config.mqtt_ws,
            tls: config.tls_cert.is_some(),
        };
        std::fs::read(path(&config.data))
            .ok()
            .and_then(|note| serde_json::from_slice(&note).ok())
            .unwrap_or(configured)
    }

    /// HTTP, as a URL without a path.
    pub fn http_url(&self) -> String {
        format!("http{}://{}", self.s(), self.http)
    }

    /// The same for sockets.
    pub fn ws_url(&self) -> String {
        format!("ws{}://{}", self.s(), self.http)
    }

    /// MQTT, as a URL.
    pub fn mqtt_url(&self) -> Option<String> {
        Some(format!("mqtt{}://{}", self.s(), self.mqtt?))
    }

    /// MQTT over WebSocket, as a URL.
    pub fn mqtt_ws_url(&self) -> Option<String> {
        Some(format!("ws{}://{}/mqtt", self.s(), self.mqtt_ws?))
    }

    fn s(&self) -> &'static str {
        if self.tls { "s" } else { "" }
    }

    /// Leaves the note.
    ///
    /// # Errors
    /// If the data folder cannot be written.
    pub fn note(&self, data: &Path) -> anyhow::Result<Note> {
        std::fs::create_dir_all(data)?;
        let content = Content {
            pid: std::process::id(),
            addresses: self,
        };
        std::fs::write(path(data), serde_json::to_vec(&content)?)?;
        Ok(Note(path(data)))
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        // A note that stays is overwritten by the next server.
        let _ = std::fs::remove_file(&self.0);
    }
}

fn path(data: &Path) -> PathBuf {
    data.join("server.json")
}
