#![doc = include_str!("../README.md")]

mod accept;
mod certificate;
mod configuration;
mod files;
mod stream;
#[cfg(test)]
mod tests;

pub use accept::{Acceptor, Protocol};
pub use certificate::{CertificateError, ClientCertificate, Fingerprint};
pub use configuration::TlsError;
pub use files::{Files, Tls};
pub use stream::Stream;
pub use tokio_rustls::server::TlsStream;
