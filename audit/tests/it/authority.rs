//! A timestamp authority of `openssl ts`, with a certification authority of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use reqwest::Url;
use tempfile::TempDir;

const CONFIG: &str = r"
[ca]
default_ca = here
[here]
dir = .
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = anything
[anything]
commonName = supplied
[req]
distinguished_name = names
prompt = no
[names]
CN = replaced
[root]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[stamping]
basicConstraints = critical,CA:false
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
subjectKeyIdentifier = hash
[signing_code]
basicConstraints = critical,CA:false
extendedKeyUsage = critical,codeSigning
[stamping_and_code]
extendedKeyUsage = critical,timeStamping,codeSigning
[stamping_uncritical]
extendedKeyUsage = timeStamping
[tsa]
default_tsa = desk
[desk]
serial = tsa-serial
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
signer_digest = sha256
accuracy = secs:1
clock_precision_digits = 3
ordering = no
tsa_name = yes
ess_cert_id_chain = no
";

/// Keys, certificates and the configuration of `openssl`, in a folder.
pub struct OpenSsl {
    folder: TempDir,
}

/// How a stamping key is made, and its certificate's days.
pub struct Stamper<'a> {
    pub name: &'a str,
    pub key: &'a [&'a str],
    pub extensions: &'a str,
    pub days: (&'a str, &'a str),
}

impl Default for Stamper<'_> {
    fn default() -> Self {
        Self {
            name: "desk",
            key: &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
            extensions: "stamping",
            days: ("20250101000000Z", "20401231000000Z"),
        }
    }
}

impl OpenSsl {
    /// A root, `root.pem`, and a stamper.
    pub fn new(stamper: &Stamper<'_>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let this = Self { folder };
        for (name, content) in [
            ("openssl.cnf", CONFIG),
            ("index.txt", ""),
            ("serial", "1000\n"),
            ("tsa-serial", "01\n"),
        ] {
            std::fs::write(this.path(name), content).unwrap();
        }
        this.run(&[
            "genpkey",
            "-out",
            "root.key",
            "-algorithm",
            "EC",
            "-pkeyopt",
            "ec_paramgen_curve:P-384",
        ]);
        this.run(&[
            "req",
            "-x509",
            "-new",
            "-key",
            "root.key",
            "-subj",
            "/CN=root",
            "-days",
            "9000",
            "-config",
            "openssl.cnf",
            "-extensions",
            "root",
            "-out",
            "root.pem",
        ]);
        this.stamper(stamper);
        this
    }

    fn stamper(&self, stamper: &Stamper<'_>) {
        let key = format!("{}.key", stamper.name);
        self.run(&[&["genpkey", "-out", &key], stamper.key].concat());
        self.certify(stamper.name, &key, stamper.extensions, stamper.days);
    }

    /// A certificate `<name>.pem` of the root for a key.
    fn certify(&self, name: &str, key: &str, extensions: &str, days: (&str, &str)) {
        let subject = format!("/CN={name}");
        let (request, out) = (format!("{name}.csr"), format!("{name}.pem"));
        self.run(&[
            "req",
            "-new",
            "-key",
            key,
            "-subj",
            &subject,
            "-config",
            "openssl.cnf",
            "-out",
            &request,
        ]);
        self.run(&[
            "ca",
            "-batch",
            "-notext",
            "-config",
            "openssl.cnf",
            "-cert",
            "root.pem",
            "-keyfile",
            "root.key",
            "-in",
            &request,
            "-out",
            &out,
            "-extensions",
            extensions,
            "-startdate",
            days.0,
            "-enddate",
            days.1,
        ]);
    }

    /// What a response of the stamper stamps, signed with its key again under a certificate of
    /// other extensions, as `openssl ts` itself would refuse to.
    pub fn resign(&self, response: &[u8], extensions: &str) -> Vec<u8> {
        std::fs::write(self.path("to-resign.tsr"), response).unwrap();
        self.certify(extensions, "desk.key", extensions, Stamper::default().days);
        let certificate = format!("{extensions}.pem");
        for arguments in [
            &[
                "ts",
                "-reply",
                "-in",
                "to-resign.tsr",
                "-token_out",
                "-out",
                "token",
            ][..],
            &[
                "cms",
                "-verify",
                "-noverify",
                "-binary",
                "-inform",
                "DER",
                "-in",
                "token",
                "-out",
                "info",
            ],
            &[
                "cms",
                "-sign",
                "-binary",
                "-nodetach",
                "-cades",
                "-econtent_type",
                "1.2.840.113549.1.9.16.1.4",
                "-outform",
                "DER",
                "-signer",
                &certificate,
                "-inkey",
                "desk.key",
                "-md",
                "sha256",
                "-in",
                "info",
                "-out",
                "resigned",
            ],
        ] {
            self.run(arguments);
        }
        let token = std::fs::read(self.path("resigned")).unwrap();
        // TimeStampResp: status granted, and the token.
        let content = [&[0x30, 0x03, 0x02, 0x01, 0x00][..], &token].concat();
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[0x30, 0x82][..], &length, &content].concat()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The trusted root, PEM.
    pub fn root(&self) -> String {
        std::fs::read_to_string(self.path("root.pem")).unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("openssl");
        command.args(arguments).current_dir(self.folder.path());
        command
    }

    pub fn run(&self, arguments: &[&str]) {
        let run = self
            .command(arguments)
            .output()
            .expect("openssl is installed");
        let told = String::from_utf8_lossy(&run.stderr);
        assert!(run.status.success(), "openssl {arguments:?}: {told}");
    }

    /// The answer of `openssl ts` to a request.
    pub fn reply(&self, stamper: &str, request: &[u8], more: &[&str]) -> Vec<u8> {
        let (certificate, key) = (format!("{stamper}.pem"), format!("{stamper}.key"));
        let folder = tempfile::tempdir_in(self.folder.path()).unwrap();
        let (query, answer) = (folder.path().join("query"), folder.path().join("answer"));
        std::fs::write(&query, request).unwrap();
        let arguments = [
            "ts",
            "-reply",
            "-config",
            "openssl.cnf",
            "-queryfile",
            text(&query),
            "-signer",
            &certificate,
            "-inkey",
            &key,
            "-out",
            text(&answer),
        ];
        self.run(&[&arguments, more].concat());
        std::fs::read(answer).unwrap()
    }

    /// Whether `openssl ts -verify` accepts a response over these bytes.
    pub fn verifies(&self, response: &[u8], bytes: &[u8]) -> bool {
        std::fs::write(self.path("to-verify.tsr"), response).unwrap();
        std::fs::write(self.path("to-verify"), bytes).unwrap();
        self.command(&[
            "ts",
            "-verify",
            "-in",
            "to-verify.tsr",
            "-data",
            "to-verify",
            "-CAfile",
            "root.pem",
        ])
        .output()
        .unwrap()
        .status
        .success()
    }

    /// Serves it over HTTP on a free port of loopback.
    pub async fn serve(self: &Arc<Self>) -> Url {
        let routes = Router::new()
            .route("/tsa", post(answer))
            .with_state(Arc::clone(self));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/tsa", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        url.parse().unwrap()
    }
}

async fn answer(
    State(openssl): State<Arc<OpenSsl>>,
    headers: HeaderMap,
    request: Bytes,
) -> Response {
    if headers
        .get("content-type")
        .is_none_or(|kind| kind != "application/timestamp-query")
    {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    }
    let reply = tokio::task::spawn_blocking(move || openssl.reply("desk", &request, &[]));
    (
        [("content-type", "application/timestamp-reply")],
        reply.await.unwrap(),
    )
        .into_response()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
