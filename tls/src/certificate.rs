//! What a client showed.

use std::fmt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use sha2::{Digest as _, Sha256};
use tokio_rustls::server::TlsStream;
use x509_cert::Certificate;
use x509_cert::der::asn1::{Ia5StringRef, PrintableStringRef, Utf8StringRef};
use x509_cert::der::oid::db::rfc4519::COMMON_NAME;
use x509_cert::der::{Any, Decode as _};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// The SHA-256 of a certificate as it is sent (DER): its name among all certificates.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub [u8; 32]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// A certificate, as far as it tells who shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// Which it is.
    pub fingerprint: Fingerprint,
    /// What it calls its holder: common names, and alternative names that are DNS names or URIs.
    pub names: Vec<String>,
    /// It proves nothing after this.
    pub not_after: SystemTime,
}

/// Why a certificate cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "{file} holds no certificate that can be read ({reason}): give a PEM file that begins with one"
)]
pub struct CertificateError {
    file: String,
    reason: String,
}

impl ClientCertificate {
    /// The one that the other side showed in this handshake, which has checked it.
    #[must_use]
    pub fn of<S>(stream: &TlsStream<S>) -> Option<Self> {
        let shown = stream.get_ref().1.peer_certificates()?.first()?;
        Self::read(shown)
    }

    /// The first of a PEM file.
    ///
    /// # Errors
    /// If there is none, or it cannot be read.
    pub fn from_pem_file(file: &Path) -> Result<Self, CertificateError> {
        let fault = |reason: String| CertificateError {
            file: file.display().to_string(),
            reason,
        };
        let der = CertificateDer::from_pem_file(file).map_err(|error| fault(error.to_string()))?;
        Self::read(&der).ok_or_else(|| fault("it is not X.509".to_owned()))
    }

    /// Whether its time is over.
    #[must_use]
    pub fn expired(&self) -> bool {
        self.not_after <= SystemTime::now()
    }

    pub(crate) fn read(der: &CertificateDer<'_>) -> Option<Self> {
        let certificate = Certificate::from_der(der).ok()?;
        let until = certificate.tbs_certificate.validity.not_after;
        Some(Self {
            fingerprint: Fingerprint(Sha256::digest(der).into()),
            names: names(&certificate),
            not_after: SystemTime::UNIX_EPOCH + until.to_unix_duration() + Duration::from_secs(1),
        })
    }
}

fn names(certificate: &Certificate) -> Vec<String> {
    let tbs = &certificate.tbs_certificate;
    let parts = tbs.subject.0.iter().flat_map(|part| part.0.iter());
    let common = parts.filter(|part| part.oid == COMMON_NAME);
    let mut names: Vec<String> = common.filter_map(|part| text(&part.value)).collect();
    if let Ok(Some((_, alternative))) = tbs.get::<SubjectAltName>() {
        names.extend(alternative.0.iter().filter_map(|name| match name {
            GeneralName::DnsName(name) | GeneralName::UniformResourceIdentifier(name) => {
                Some(name.to_string())
            }
            _ => None,
        }));
    }
    names
}

fn text(value: &Any) -> Option<String> {
    let utf8 = Utf8StringRef::try_from(value).map(|text| text.as_str().to_owned());
    let printable = PrintableStringRef::try_from(value).map(|text| text.as_str().to_owned());
    let ia5 = Ia5StringRef::try_from(value).map(|text| text.as_str().to_owned());
    utf8.or(printable).or(ia5).ok()
}
