//! Certificates of devices on the command line.

use std::path::Path;

use sealrock_domain::device::Fingerprint;
use sealrock_tls::ClientCertificate;

/// A fingerprint in hex, as `openssl x509 -fingerprint -sha256` shows it too, or of the first
/// certificate of a PEM file.
///
/// # Errors
/// If it is neither; the message says what would be.
pub fn read(text: &str) -> Result<Fingerprint, String> {
    let bare = text.rsplit('=').next().unwrap_or(text).replace(':', "");
    if let Ok(fingerprint) = bare.to_ascii_lowercase().parse() {
        return Ok(fingerprint);
    }
    match ClientCertificate::from_pem_file(Path::new(text)) {
        Ok(certificate) => Ok(Fingerprint::new(certificate.fingerprint.0)),
        Err(error) => Err(format!(
            "neither a SHA-256 fingerprint in hex nor a PEM file: {error}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_taken_as_openssl_shows_it() {
        let expected = Fingerprint::new([0xAB; 32]);
        let colons = vec!["AB"; 32].join(":");
        for text in [
            "ab".repeat(32),
            colons.clone(),
            format!("sha256 Fingerprint={colons}"),
        ] {
            assert_eq!(read(&text), Ok(expected), "{text}");
        }
        assert!(read("no-such-file.pem").is_err_and(|error| error.contains("no-such-file.pem")));
    }
}
