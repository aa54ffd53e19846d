//! The files, read anew while it runs.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::time::sleep;

use crate::accept::{Acceptor, Protocol};
use crate::configuration::{Configurations, TlsError, fault};

/// How often the files are looked at. Their bytes are compared, because links and clocks lie.
const LOOK: Duration = Duration::from_secs(2);
/// Before the end of our own certificate by this much it is warned of.
const SOON: Duration = Duration::from_hours(7 * 24);

/// Where certificates lie, as PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// Our certificate, and those between it and its authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Authorities whose clients are believed to hold the certificates that they show; without them
    /// nobody is asked for one.
    pub client_ca: Option<PathBuf>,
}

/// What lay in them.
#[derive(PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) certificate: Vec<u8>,
    pub(crate) key: Vec<u8>,
    pub(crate) client_ca: Option<Vec<u8>>,
}

impl Files {
    fn read(&self) -> Result<Contents, TlsError> {
        let client_ca = self.client_ca.as_deref();
        Ok(Contents {
            certificate: read(&self.certificate)?,
            key: read(&self.key)?,
            client_ca: client_ca.map(read).transpose()?,
        })
    }
}

fn read(file: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(file).map_err(|error| fault(file, error.to_string()))
}

/// The certificate that is shown now.
pub struct Tls {
    files: Files,
    read: Contents,
    /// What the last look found instead.
    found: Option<Contents>,
    current: watch::Sender<Configurations>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// If one is missing or no use, or certificate and key are not of each other.
    pub fn open(files: Files) -> Result<Self, TlsError> {
        let read = files.read()?;
        let configurations = Configurations::of(&files, &read)?;
        announce(&files, &configurations);
        let (current, _) = watch::channel(configurations);
        Ok(Self {
            files,
            read,
            found: None,
            current,
        })
    }

    /// Shakes hands by whatever certificate is the current one.
    #[must_use]
    pub fn acceptor(&self, protocol: Protocol) -> Acceptor {
        Acceptor::new(self.current.subscribe(), protocol)
    }

    /// Looks at the files for ever, and takes what is new in them and can be used.
    pub async fn follow(mut self) {
        let mut told = String::new();
        loop {
            sleep(LOOK).await;
            match self.look() {
                Ok(()) => told.clear(),
                Err(error) => {
                    let error = error.to_string();
                    if told != error {
                        metrics::counter!("sealrock_tls_reloads_total", "outcome" => "refused")
                            .increment(1);
                        tracing::error!("{error}; the certificate before it stays in use");
                        told = error;
                    }
                }
            }
        }
    }

    /// One look. What is new is taken when two looks agree about it: half of a file may be good PEM,
    /// if it ends between two certificates.
    ///
    /// # Errors
    /// If there is something new and it is no use; it is looked at again next time.
    pub(crate) fn look(&mut self) -> Result<(), TlsError> {
        let found = self.files.read()?;
        if found == self.read {
            self.found = None;
            return Ok(());
        }
        if self.found.as_ref() != Some(&found) {
            self.found = Some(found);
            return Ok(());
        }
        let configurations = Configurations::of(&self.files, &found)?;
        announce(&self.files, &configurations);
        self.read = found;
        self.found = None;
        self.current.send_replace(configurations);
        metrics::counter!("sealrock_tls_reloads_total", "outcome" => "taken").increment(1);
        Ok(())
    }
}

/// Says which certificate is shown from now on, and whether it ends soon.
fn announce(files: &Files, configurations: &Configurations) {
    let file = files.certificate.display();
    let Some(own) = &configurations.own else {
        return;
    };
    let since_1970 = own.not_after.duration_since(SystemTime::UNIX_EPOCH);
    let until = since_1970.unwrap_or_default().as_secs();
    #[expect(
        clippy::cast_precision_loss,
        reason = "seconds since 1970 are exact to 2^53"
    )]
    metrics::gauge!("sealrock_tls_certificate_not_after_seconds").set(until as f64);
    let fingerprint = own.fingerprint;
    if own.expired() {
        tracing::error!(%file, %fingerprint, "the TLS certificate has expired: clients refuse it until there is a new one");
    } else if own.not_after <= SystemTime::now() + SOON {
        tracing::warn!(%file, %fingerprint, "the TLS certificate ends within a week: put a new one in its place");
    } else {
        tracing::info!(%file, %fingerprint, "TLS certificate");
    }
}
