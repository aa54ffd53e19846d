#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sealrock_testkit::{Authority, Pair};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream as Client;

use crate::configuration::TlsError;
use crate::{Acceptor, ClientCertificate, Files, Protocol, Stream, Tls};

struct House {
    folder: TempDir,
    authority: Authority,
    tls: Tls,
}

impl House {
    fn new() -> Self {
        let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
        let files = Files {
            certificate: folder.path().join("cert.pem"),
            key: folder.path().join("key.pem"),
            client_ca: Some(folder.path().join("ca.pem")),
        };
        let Pair { certificate, key } = authority.issue(&["localhost"], 2099);
        std::fs::write(&files.certificate, certificate).unwrap();
        std::fs::write(&files.key, key).unwrap();
        std::fs::write(files.client_ca.as_ref().unwrap(), authority.pem()).unwrap();
        let tls = Tls::open(files).unwrap();
        Self {
            folder,
            authority,
            tls,
        }
    }

    /// What is new is taken when two looks agree.
    fn look(&mut self) -> Result<(), TlsError> {
        self.tls.look()?;
        self.tls.look()
    }

    fn put(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// A client that trusts this house, and shows that certificate.
    fn client(&self, shows: Option<&Pair>, speaks: &str) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        let ca = CertificateDer::from_pem_slice(self.authority.pem().as_bytes()).unwrap();
        roots.add(ca).unwrap();
        let builder = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match shows {
            None => builder.with_no_client_auth(),
            Some(Pair { certificate, key }) => {
                let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        };
        config.alpn_protocols = vec![speaks.as_bytes().to_vec()];
        Arc::new(config).into()
    }
}

type Ends = (Client<DuplexStream>, Stream<DuplexStream>);

/// Shakes hands and says one byte each way, which tells TLS 1.3's clients of a refusal.
async fn meet(acceptor: &Acceptor, client: TlsConnector) -> std::io::Result<Ends> {
    let (near, far) = duplex(1 << 16);
    let mut server = Stream::encrypted(far, acceptor);
    let answering = tokio::spawn(async move {
        let byte = server.read_u8().await?;
        server.write_u8(byte + 1).await?;
        server.flush().await?;
        std::io::Result::Ok(server)
    });
    let mut client = client
        .connect("localhost".try_into().unwrap(), near)
        .await?;
    client.write_u8(1).await?;
    client.flush().await?;
    assert_eq!(client.read_u8().await?, 2);
    Ok((client, answering.await.unwrap()?))
}

fn shown_by(client: &Client<DuplexStream>) -> Vec<u8> {
    client.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

#[tokio::test]
async fn a_new_certificate_counts_for_new_connections_and_open_ones_stay() {
    let mut house = House::new();
    let door = house.tls.acceptor(Protocol::Http);
    let (mut open, mut server) = meet(&door, house.client(None, "http/1.1")).await.unwrap();
    let Pair { certificate, key } = house.authority.issue(&["localhost"], 2098);
    house.put("cert.pem", &certificate);
    let error = house.look().unwrap_err().to_string();
    assert!(error.contains("key.pem"), "{error}");
    let (same, _) = meet(&door, house.client(None, "http/1.1")).await.unwrap();
    assert_eq!(shown_by(&same), shown_by(&open));
    house.put("key.pem", &key);
    house.look().unwrap();
    let (new, _) = meet(&door, house.client(None, "http/1.1")).await.unwrap();
    assert_ne!(shown_by(&new), shown_by(&open));
    open.write_u8(7).await.unwrap();
    open.flush().await.unwrap();
    assert_eq!(server.read_u8().await.unwrap(), 7);
}

#[tokio::test]
async fn a_file_that_is_still_written_is_not_taken() {
    let mut house = House::new();
    let door = house.tls.acceptor(Protocol::Mqtt);
    let shows = async |house: &House| {
        let (client, _) = meet(&door, house.client(None, "mqtt")).await.unwrap();
        client.get_ref().1.peer_certificates().unwrap().len()
    };
    let (pair, path) = (
        house.authority.issue(&["localhost"], 2098),
        house.folder.path(),
    );
    let whole = format!("{}{}", pair.certificate, house.authority.pem());
    std::fs::write(path.join("key.pem"), &pair.key).unwrap();
    // The end of the first certificate is as far as its writer has come.
    house.put("cert.pem", &pair.certificate);
    house.tls.look().unwrap();
    house.put("cert.pem", &whole);
    house.tls.look().unwrap();
    assert_eq!(shows(&house).await, 1);
    let before = shown_by(&meet(&door, house.client(None, "mqtt")).await.unwrap().0);
    house.tls.look().unwrap();
    assert_eq!(shows(&house).await, 2);
    let after = shown_by(&meet(&door, house.client(None, "mqtt")).await.unwrap().0);
    assert_ne!(before, after);
}

#[tokio::test]
async fn what_cannot_be_used_changes_nothing_and_is_said_by_the_files_name() {
    let mut house = House::new();
    let door = house.tls.acceptor(Protocol::Mqtt);
    for (file, text) in [
        ("cert.pem", "nothing"),
        ("key.pem", ""),
        ("ca.pem", "-----BEGIN"),
    ] {
        let before = std::fs::read_to_string(house.folder.path().join(file)).unwrap();
        house.put(file, text);
        let error = house.look().unwrap_err().to_string();
        assert!(error.contains(file), "{error}");
        meet(&door, house.client(None, "mqtt")).await.unwrap();
        house.put(file, &before);
        house.look().unwrap();
    }
    std::fs::remove_file(house.folder.path().join("cert.pem")).unwrap();
    assert!(house.look().is_err());
    meet(&door, house.client(None, "mqtt")).await.unwrap();
}

#[tokio::test]
async fn a_client_is_known_by_a_certificate_of_the_named_authority_alone() {
    let house = House::new();
    let door = house.tls.acceptor(Protocol::Mqtt);
    let (_, nobody) = meet(&door, house.client(None, "mqtt")).await.unwrap();
    assert_eq!(nobody.shown().get(), None);

    let own = house.authority.issue(&["meter-7"], 2099);
    let (_, known) = meet(&door, house.client(Some(&own), "mqtt")).await.unwrap();
    let shown = known.shown();
    let certificate = shown.get().unwrap();
    assert_eq!(certificate.names, ["meter-7", "meter-7"]);
    house.put("meter.pem", &own.certificate);
    let read = ClientCertificate::from_pem_file(&house.folder.path().join("meter.pem"));
    assert_eq!(&read.unwrap(), certificate);
    assert!(!certificate.expired());

    let strangers = Authority::new().issue(&["meter-7"], 2099);
    assert!(
        meet(&door, house.client(Some(&strangers), "mqtt"))
            .await
            .is_err()
    );
    let expired = house.authority.issue(&["meter-7"], 2020);
    assert!(
        meet(&door, house.client(Some(&expired), "mqtt"))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn each_door_speaks_its_own_protocol_and_no_other() {
    let house = House::new();
    let door = house.tls.acceptor(Protocol::Http);
    assert!(meet(&door, house.client(None, "mqtt")).await.is_err());
    meet(&door, house.client(None, "http/1.1")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_does_not_shake_hands_is_left_after_ten_seconds() {
    let house = House::new();
    let (_silent, far) = duplex(64);
    let mut server = Stream::encrypted(far, &house.tls.acceptor(Protocol::Http));
    let error = server.read_u8().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    let (_silent, far) = duplex(64);
    let mqtt = house.tls.acceptor(Protocol::Mqtt);
    let error = mqtt.accept(far).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
}

#[test]
fn a_certificate_without_its_key_is_not_begun_with() {
    let house = House::new();
    house.put("key.pem", &Authority::new().issue(&["localhost"], 2099).key);
    let files = Files {
        certificate: house.folder.path().join("cert.pem"),
        key: house.folder.path().join("key.pem"),
        client_ca: None,
    };
    let error = Tls::open(files).err().unwrap().to_string();
    assert!(
        error.contains("cert.pem") && error.contains("key.pem"),
        "{error}"
    );
}
