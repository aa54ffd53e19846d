//! TLS to the broker: by rustls with the provider of the whole platform.

use std::path::Path;
use std::sync::Arc;

use rumqttc::TlsConfiguration;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::ExternalConfig;
use super::options::OptionsError;

/// Who is trusted, and who we are.
pub(super) fn configuration(config: &ExternalConfig) -> Result<TlsConfiguration, OptionsError> {
    let unusable = |what: &str, reason: String| OptionsError {
        what: what.to_owned(),
        reason,
    };
    let roots = match &config.ca {
        Some(file) => from_file(file)?,
        None => of_this_machine(),
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable("TLS", error.to_string()))?
        .with_root_certificates(roots);
    let client = match &config.certificate {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => {
            let key_read = PrivateKeyDer::from_pem_file(key);
            let private = key_read.map_err(|error| fault(key, &error.to_string()))?;
            builder
                .with_client_auth_cert(certificates(chain)?, private)
                .map_err(|error| fault(chain, &error.to_string()))?
        }
    };
    Ok(TlsConfiguration::Rustls(Arc::new(client)))
}

fn from_file(file: &Path) -> Result<RootCertStore, OptionsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots
            .add(certificate)
            .map_err(|error| fault(file, &error.to_string()))?;
    }
    Ok(roots)
}

fn of_this_machine() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let (_, unusable) =
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    tracing::debug!(unusable, "certificates of this machine are trusted");
    roots
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, OptionsError> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    let certificates: Vec<_> = read.map_err(|error| fault(file, &error.to_string()))?;
    if certificates.is_empty() {
        return Err(fault(file, "there is no certificate in it"));
    }
    Ok(certificates)
}

fn fault(file: &Path, reason: &str) -> OptionsError {
    OptionsError {
        what: file.display().to_string(),
        reason: reason.to_owned(),
    }
}
