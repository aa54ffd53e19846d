//! What handshakes are made by.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::certificate::ClientCertificate;
use crate::files::{Contents, Files};

/// Why TLS cannot be had from these files.
#[derive(Debug, thiserror::Error)]
#[error("TLS cannot use {file}: {reason}")]
pub struct TlsError {
    pub(crate) file: String,
    pub(crate) reason: String,
}

/// One for each protocol, of the same certificate.
#[derive(Debug, Clone)]
pub(crate) struct Configurations {
    pub(crate) http: Arc<ServerConfig>,
    pub(crate) mqtt: Arc<ServerConfig>,
    /// Our own certificate.
    pub(crate) own: Option<ClientCertificate>,
}

impl Configurations {
    /// # Errors
    /// [`TlsError`] that names the file to mend.
    pub(crate) fn of(files: &Files, contents: &Contents) -> Result<Self, TlsError> {
        let chain = certificates(&files.certificate, &contents.certificate)?;
        let own = chain.first().and_then(ClientCertificate::read);
        let key = PrivateKeyDer::from_pem_slice(&contents.key)
            .map_err(|error| fault(&files.key, format!("no PEM of a private key: {error}")))?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| fault(&files.certificate, error.to_string()))?;
        let clients = match (&files.client_ca, &contents.client_ca) {
            (Some(file), Some(pem)) => Some((file, roots(file, pem)?)),
            _ => None,
        };
        let asks = clients.is_some();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some((file, roots)) => {
                let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
                let verifier = verifier.allow_unauthenticated().build();
                let verifier = verifier.map_err(|error| fault(file, error.to_string()))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder.with_single_cert(chain, key).map_err(|error| {
            let pair = format!("it and the key {}: {error}", files.key.display());
            fault(&files.certificate, pair)
        })?;
        if asks {
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        Ok(Self {
            http: speaking(&config, b"http/1.1"),
            mqtt: speaking(&config, b"mqtt"),
            own,
        })
    }
}

fn speaking(config: &ServerConfig, protocol: &[u8]) -> Arc<ServerConfig> {
    let mut config = config.clone();
    config.alpn_protocols = vec![protocol.to_vec()];
    Arc::new(config)
}

fn roots(file: &Path, pem: &[u8]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file, pem)? {
        let added = roots.add(certificate);
        added.map_err(|error| fault(file, error.to_string()))?;
    }
    Ok(roots)
}

fn certificates(file: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let read = read.map_err(|error| fault(file, format!("no PEM of certificates: {error}")))?;
    if read.is_empty() {
        return Err(fault(file, "there is no certificate in it".to_owned()));
    }
    Ok(read)
}

pub(crate) fn fault(file: &Path, reason: String) -> TlsError {
    TlsError {
        file: file.display().to_string(),
        reason,
    }
}
