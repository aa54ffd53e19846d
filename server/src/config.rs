//! The configuration: defaults, then file, then environment, then flags.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use sealrock_access::{Proxies, ProxyHeader};
use sealrock_graphql::GraphqlSettings;
use sealrock_ingest::{BrokerUrl, TopicMapping};
use sealrock_tls::Files;
use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

use crate::cli::{Settings, duration};
use crate::erasing::Age;
use crate::networks::Networks;
use crate::origins::Origins;
use crate::roles::Roles;

/// A text that is not printed.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// Form of the log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For log collectors: one JSON object a line.
    Json,
}

/// A span of time: `90s`, `15m`, `1h`, or a number of seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Span(pub Duration);

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Seconds(u64),
    Text(String),
}

impl TryFrom<Written> for Span {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::Seconds(seconds) => Ok(Self(Duration::from_secs(seconds))),
            Written::Text(text) => duration(&text).map(Self),
        }
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}s", self.0.as_secs_f64()))
    }
}

/// A limit, such as a rate a second; 0 is none.
mod rate {
    use super::{Deserialize, NonZeroU32, Serializer};

    #[expect(
        clippy::ref_option,
        clippy::trivially_copy_pass_by_ref,
        reason = "the signature is serde's"
    )]
    pub(super) fn serialize<S: Serializer>(
        rate: &Option<NonZeroU32>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(rate.map_or(0, NonZeroU32::get))
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<NonZeroU32>, D::Error> {
        u32::deserialize(deserializer).map(NonZeroU32::new)
    }
}

/// What the platform runs with. `docs/operators-guide.md` says why each setting exists.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Folder of the embedded database, keys, broker sessions.
    pub data: PathBuf,
    /// Folder of log keys and the token key, if it is not in the data folder: several nodes share it.
    pub keys: Option<PathBuf>,
    /// Host part of every ledger's origin; fixed at the first start, never changed.
    pub origin: String,
    /// What this node does.
    pub roles: Roles,
    /// Where HTTP listens.
    pub http: SocketAddr,
    /// Proxies that are believed when they say whom they speak for; others are not.
    pub behind_proxy: Networks,
    /// The header in which they say it.
    pub proxy_header: ProxyHeader,
    /// Pages of these origins may ask with their users' cookies, and open sockets.
    pub cors_origins: Origins,
    /// Requests a second of each address before it is known who asks; unlimited without it.
    #[serde(with = "rate")]
    pub stranger_rate: Option<NonZeroU32>,
    /// HTTP connections of each address at a time; as many as there are places without it.
    #[serde(with = "rate")]
    pub address_connections: Option<NonZeroU32>,
    /// Batches a second of each device; unlimited without it.
    #[serde(with = "rate")]
    pub device_rate: Option<NonZeroU32>,
    /// Our certificate, PEM: with it HTTP and the embedded broker speak TLS and nothing else.
    pub tls_cert: Option<PathBuf>,
    /// Its key, PEM.
    pub tls_key: Option<PathBuf>,
    /// Authorities whose certificates devices may sign in by, PEM.
    pub device_ca: Option<PathBuf>,
    /// An identity provider that people may sign in by, exactly as it calls itself in its tokens.
    pub oidc_issuer: Option<String>,
    /// Our name there.
    pub oidc_client_id: Option<String>,
    /// A file of our secret there.
    pub oidc_client_secret_file: Option<PathBuf>,
    /// Where it sends browsers back: our `/oidc/callback`, as they reach it.
    pub oidc_redirect_url: Option<String>,
    /// Where the embedded broker listens. Without it, on port 1883 of this machine, unless an external
    /// broker is set.
    pub mqtt: Option<SocketAddr>,
    /// Where the embedded broker listens for MQTT over WebSocket, if at all.
    pub mqtt_ws: Option<SocketAddr>,
    /// An external broker instead of the embedded one, or beside it.
    pub mqtt_url: Option<BrokerUrl>,
    /// The name of a shared subscription, so that several nodes share what it delivers.
    pub mqtt_group: Option<String>,
    /// Our client id there; the node's own, if it is not set.
    pub mqtt_client_id: Option<String>,
    /// Certificates to trust there instead of the machine's, PEM.
    pub mqtt_ca: Option<PathBuf>,
    /// Our certificate, PEM, if it asks for one.
    pub mqtt_cert: Option<PathBuf>,
    /// The key of that certificate, PEM.
    pub mqtt_key: Option<PathBuf>,
    /// Topics of devices of other makes.
    pub topics: Vec<TopicMapping>,
    /// Where `/metrics` is served instead of the HTTP port, if given.
    pub metrics: Option<SocketAddr>,
    /// An external Postgres instead of the embedded one.
    pub database_url: Option<Secret>,
    /// Folder of the Postgres programs, when they are not found by themselves.
    pub postgres_bin: Option<PathBuf>,
    /// A program that signs for the ledgers, and its arguments, instead of key files.
    pub log_signer: Option<String>,
    /// Another one, whose keys the next rotation takes.
    pub log_signer_next: Option<String>,
    /// Most connections to Postgres.
    pub database_connections: u32,
    /// Who must cosign checkpoints before others are shown them: a file with the `witness`, `group`
    /// and `quorum` lines of a C2SP tlog-policy.
    pub witnesses: Option<PathBuf>,
    /// Who stamps the time of published checkpoints (RFC 3161), if anybody.
    pub timestamp_authority: Option<String>,
    /// Least time between two published checkpoints of a ledger, where somebody cosigns or stamps.
    pub publish_every: Span,
    /// How long after an hour, and after a late batch, a device's hour is sealed.
    pub seal_after: Span,
    /// Age at which batches are erased that a seal holds and nobody cites; none are without it.
    pub retention: Option<Age>,
    /// Filter of the log, as `tracing` reads it.
    pub log: String,
    /// Form of the log.
    pub log_format: LogFormat,
    /// Whether who is signed in may ask for the description of the GraphQL schema; unset, in
    /// development.
    pub graphql_introspection: Option<bool>,
    /// A file of GraphQL documents besides which nothing is answered.
    pub graphql_allow_list: Option<PathBuf>,
    /// Files of ledgers that one account or key may ask for in a second, with ten seconds' worth at once.
    pub ledger_requests_per_second: NonZeroU32,
    /// GraphQL requests of one account in a second; twice as many may come at once.
    pub graphql_requests_per_second: NonZeroU32,
    /// What the GraphQL operations of one account may cost in a minute.
    pub graphql_cost_per_minute: NonZeroU32,
    /// Whether browsers get a page to try GraphQL queries on.
    pub development: bool,
    /// Whether new organisations' ledgers are marked as demonstrations.
    pub demo: bool,
}

/// The settings of an identity provider, all of them.
#[cfg_attr(
    not(any(feature = "oidc", test)),
    expect(dead_code, reason = "without the feature they are refused unread")
)]
pub struct OidcConfig<'a> {
    /// The provider.
    pub issuer: &'a str,
    /// Our name there.
    pub client_id: &'a str,
    /// A file of our secret there.
    pub secret_file: &'a Path,
    /// Our `/oidc/callback`.
    pub redirect_url: &'a str,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: PathBuf::from("sealrock-data"),
            keys: None,
            origin: "sealrock.localhost".to_owned(),
            roles: Roles::default(),
            http: SocketAddr::from(([127, 0, 0, 1], 8080)),
            behind_proxy: Networks::default(),
            proxy_header: ProxyHeader::default(),
            cors_origins: Origins::default(),
            stranger_rate: NonZeroU32::new(500),
            address_connections: NonZeroU32::new(1_000),
            device_rate: NonZeroU32::new(200),
            tls_cert: None,
            tls_key: None,
            device_ca: None,
            oidc_issuer: None,
            oidc_client_id: None,
            oidc_client_secret_file: None,
            oidc_redirect_url: None,
            mqtt: None,
            mqtt_ws: None,
            mqtt_url: None,
            mqtt_group: None,
            mqtt_client_id: None,
            mqtt_ca: None,
            mqtt_cert: None,
            mqtt_key: None,
            topics: Vec::new(),
            metrics: None,
            database_url: None,
            postgres_bin: None,
            log_signer: None,
            log_signer_next: None,
            database_connections: 24,
            witnesses: None,
            timestamp_authority: None,
            publish_every: Span(Duration::from_secs(1)),
            seal_after: Span(Duration::from_mins(15)),
            retention: None,
            log: "info,sqlx::postgres::notice=warn,mqtt5=warn".to_owned(),
            log_format: LogFormat::Text,
            graphql_introspection: None,
            graphql_allow_list: None,
            ledger_requests_per_second: NonZeroU32::new(1_000).expect("not 0"),
            graphql_requests_per_second: GraphqlSettings::default().requests_per_second,
            graphql_cost_per_minute: GraphqlSettings::default().cost_per_minute,
            development: false,
            demo: false,
        }
    }
}

impl Config {
    /// The effective configuration.
    ///
    /// # Errors
    /// If a value cannot be read; the message names it and where it came from.
    pub fn load(settings: &Settings) -> anyhow::Result<Self> {
        let file = settings
            .config
            .as_deref()
            .unwrap_or(Path::new("sealrock.toml"));
        if settings.config.is_some() && !file.exists() {
            anyhow::bail!("the configuration file {} does not exist", file.display());
        }
        Figment::from(Serialized::defaults(Self::default()))
            .merge(Toml::file(file))
            .merge(Env::raw().only(&["DATABASE_URL"]))
            .merge(Env::prefixed("SEALROCK_").filter(is_setting))
            .merge(Serialized::globals(settings))
            .extract()
            .context("the configuration cannot be used")
    }

    /// Folder of the embedded database: in the data folder, unless we are root and the user that
    /// Postgres then runs as cannot get there (below `/root`, say); then below `/var/lib/sealrock`,
    /// found again by the data folder's path.
    pub fn postgres_folder(&self) -> PathBuf {
        let data = std::path::absolute(&self.data).unwrap_or_else(|_| self.data.clone());
        let inside = data.join("postgres");
        let id = Uuid::new_v5(&Uuid::NAMESPACE_URL, data.as_os_str().as_encoded_bytes());
        let outside = Path::new("/var/lib/sealrock")
            .join(id.to_string())
            .join("postgres");
        let reachable = !nix::unistd::geteuid().is_root() || others_may_pass(&data);
        let choose_inside = inside.exists() || (reachable && !outside.exists());
        if choose_inside { inside } else { outside }
    }

    /// Folder of log keys and the token key.
    pub fn keys_folder(&self) -> PathBuf {
        let inside = || self.data.join("keys");
        self.keys.clone().unwrap_or_else(inside)
    }

    /// Where the embedded broker listens, if it is wanted: it is, unless an external one is set and
    /// nothing is said of this.
    pub fn embedded_broker(&self) -> Option<SocketAddr> {
        let asked_for = self.mqtt_ws.is_some() || self.mqtt_url.is_none();
        let usual = asked_for.then(|| SocketAddr::from(([127, 0, 0, 1], 1883)));
        self.mqtt.or(usual)
    }

    /// Who is believed when he says whom he speaks for.
    pub fn proxies(&self) -> Proxies {
        Proxies::new(self.behind_proxy.0.clone(), self.proxy_header)
    }

    /// The files of TLS, if it is wanted.
    ///
    /// # Errors
    /// If only some of the settings are there that go together.
    pub fn tls(&self) -> anyhow::Result<Option<Files>> {
        match (&self.tls_cert, &self.tls_key, &self.device_ca) {
            (Some(certificate), Some(key), client_ca) => Ok(Some(Files {
                certificate: certificate.clone(),
                key: key.clone(),
                client_ca: client_ca.clone(),
            })),
            (None, None, None) => Ok(None),
            (None, None, Some(_)) => {
                anyhow::bail!("device_ca is for TLS, which is off: set tls_cert and tls_key too")
            }
            _ => anyhow::bail!("tls_cert and tls_key go together: set both, or neither"),
        }
    }

    /// How people sign in by an identity provider, if they may.
    ///
    /// # Errors
    /// If only some of the settings are there that go together.
    pub fn oidc(&self) -> anyhow::Result<Option<OidcConfig<'_>>> {
        let given = (
            self.oidc_issuer.as_deref(),
            self.oidc_client_id.as_deref(),
            self.oidc_client_secret_file.as_deref(),
            self.oidc_redirect_url.as_deref(),
        );
        match given {
            (None, None, None, None) => Ok(None),
            (Some(issuer), Some(client_id), Some(secret_file), Some(redirect_url)) => {
                Ok(Some(OidcConfig {
                    issuer,
                    client_id,
                    secret_file,
                    redirect_url,
                }))
            }
            _ => anyhow::bail!(
                "oidc_issuer, oidc_client_id, oidc_client_secret_file and oidc_redirect_url go \
                 together: set all of them, or none"
            ),
        }
    }

    /// The programs that sign.
    pub fn signing_programs(&self) -> Vec<String> {
        let programs = [&self.log_signer, &self.log_signer_next];
        programs.into_iter().flatten().cloned().collect()
    }

    /// Folder where it is kept what a witness says against a ledger.
    pub fn evidence_folder(&self) -> PathBuf {
        self.data.join("evidence")
    }

    /// Folder of the broker's sessions.
    pub fn broker_folder(&self) -> PathBuf {
        self.data.join("broker")
    }

    /// Prints it, secrets masked.
    ///
    /// # Errors
    /// If standard output is closed.
    pub fn print(&self) -> anyhow::Result<()> {
        println!("{}", serde_json::to_string_pretty(self)?);
        Ok(())
    }
}

/// Whether every folder down to this one lets users pass who neither own it nor are in its group.
fn others_may_pass(folder: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    folder
        .ancestors()
        .all(|ancestor| match std::fs::metadata(ancestor) {
            Ok(found) => found.permissions().mode() & 0o001 != 0,
            Err(_) => true, // not there yet: we make it passable
        })
}

/// Log keys, and what an auditor signs in by, are in the environment too, and are no settings.
fn is_setting(name: &figment::value::UncasedStr) -> bool {
    let name = name.as_str().to_ascii_lowercase();
    !name.starts_with("log_key_") && !matches!(name.as_str(), "token" | "password")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]
#[expect(clippy::result_large_err, reason = "the signature is figment's")]
mod tests {
    use super::*;
    use figment::Jail;

    #[test]
    fn a_flag_wins_over_the_environment_and_that_over_the_file() {
        Jail::expect_with(|jail| {
            jail.create_file(
                "sealrock.toml",
                "http = \"127.0.0.1:1\"\nmqtt = \"127.0.0.1:2\"\nlog = \"warn\"",
            )?;
            jail.set_env("SEALROCK_MQTT", "127.0.0.1:3");
            jail.set_env("SEALROCK_HTTP", "127.0.0.1:4");
            let http = Some("127.0.0.1:5".parse().unwrap());
            let config = Config::load(&Settings {
                http,
                ..Settings::default()
            })
            .unwrap();
            assert_eq!(config.http.port(), 5);
            assert_eq!(config.embedded_broker().unwrap().port(), 3);
            assert_eq!(config.log, "warn");
            Ok(())
        });
    }

    #[test]
    fn a_span_of_time_is_read_with_its_unit_and_printed_so_that_it_reads_back() {
        Jail::expect_with(|jail| {
            for (text, seconds) in [("90s", 90), ("2h", 7_200), ("30", 30), ("0s", 0)] {
                jail.set_env("SEALROCK_SEAL_AFTER", text);
                let config = Config::load(&Settings::default()).unwrap();
                assert_eq!(config.seal_after.0, Duration::from_secs(seconds), "{text}");
                let printed = serde_json::to_string(&config.seal_after).unwrap();
                let read: Span = serde_json::from_str(&printed).unwrap();
                assert_eq!(read, config.seal_after);
            }
            jail.set_env("SEALROCK_SEAL_AFTER", "soon");
            let error = Config::load(&Settings::default()).unwrap_err();
            assert!(format!("{error:#}").contains("SEAL_AFTER"), "{error:#}");
            Ok(())
        });
    }

    #[test]
    fn an_external_broker_takes_the_place_of_the_embedded_one_and_its_password_is_masked() {
        Jail::expect_with(|jail| {
            let usual = Config::load(&Settings::default()).unwrap();
            assert_eq!(usual.embedded_broker().unwrap().port(), 1883);
            jail.set_env("SEALROCK_MQTT_URL", "mqtts://node:hush@broker.example");
            let config = Config::load(&Settings::default()).unwrap();
            assert_eq!(config.embedded_broker(), None);
            let printed = serde_json::to_string(&config).unwrap();
            assert!(
                printed.contains("mqtts://node:***@broker.example:8883"),
                "{printed}"
            );
            assert!(!printed.contains("hush") && !format!("{config:?}").contains("hush"));
            jail.set_env("SEALROCK_MQTT", "127.0.0.1:3");
            let both = Config::load(&Settings::default()).unwrap();
            assert_eq!(both.embedded_broker().unwrap().port(), 3);
            Ok(())
        });
    }

    #[test]
    fn proxies_are_a_list_or_a_text_parted_by_commas() {
        Jail::expect_with(|jail| {
            jail.create_file(
                "sealrock.toml",
                "behind_proxy = [\"10.0.0.0/8\", \"192.0.2.7\"]",
            )?;
            let listed = Config::load(&Settings::default()).unwrap().behind_proxy;
            jail.set_env("SEALROCK_BEHIND_PROXY", "10.0.0.0/8,192.0.2.7");
            let written = Config::load(&Settings::default()).unwrap().behind_proxy;
            assert_eq!((listed.0.len(), &listed), (2, &written));
            jail.set_env("SEALROCK_BEHIND_PROXY", "everybody");
            let error = Config::load(&Settings::default()).unwrap_err();
            assert!(format!("{error:#}").contains("everybody"), "{error:#}");
            Ok(())
        });
    }

    #[test]
    fn a_certificate_goes_with_its_key_and_a_list_of_pages_has_no_wildcard() {
        Jail::expect_with(|jail| {
            assert_eq!(
                Config::load(&Settings::default()).unwrap().tls().unwrap(),
                None
            );
            jail.set_env("SEALROCK_TLS_CERT", "cert.pem");
            let error = Config::load(&Settings::default())
                .unwrap()
                .tls()
                .unwrap_err();
            assert!(error.to_string().contains("tls_key"), "{error}");
            jail.set_env("SEALROCK_TLS_KEY", "key.pem");
            let files = Config::load(&Settings::default()).unwrap().tls().unwrap();
            assert_eq!(files.unwrap().client_ca, None);
            jail.set_env("SEALROCK_CORS_ORIGINS", "*");
            let error = Config::load(&Settings::default()).unwrap_err();
            assert!(
                format!("{error:#}").contains("https://app.example"),
                "{error:#}"
            );
            Ok(())
        });
    }

    #[test]
    fn an_identity_provider_is_set_whole_or_not_at_all() {
        Jail::expect_with(|jail| {
            let load = || Config::load(&Settings::default()).unwrap();
            assert!(load().oidc().unwrap().is_none());
            for (name, value) in [
                ("SEALROCK_OIDC_ISSUER", "https://id.example"),
                ("SEALROCK_OIDC_CLIENT_ID", "sealrock"),
                ("SEALROCK_OIDC_CLIENT_SECRET_FILE", "oidc.secret"),
            ] {
                jail.set_env(name, value);
                let error = load().oidc().err().unwrap().to_string();
                assert!(error.contains("oidc_redirect_url"), "{error}");
            }
            let back = "https://sealrock.example/oidc/callback";
            jail.set_env("SEALROCK_OIDC_REDIRECT_URL", back);
            let config = load();
            let whole = config.oidc().unwrap().unwrap();
            assert_eq!(
                (whole.issuer, whole.client_id),
                ("https://id.example", "sealrock")
            );
            assert_eq!(
                (whole.secret_file, whole.redirect_url),
                (Path::new("oidc.secret"), back)
            );
            Ok(())
        });
    }

    #[test]
    fn topics_of_other_makes_are_tables_of_the_file() {
        Jail::expect_with(|jail| {
            let example = include_str!("../../ingest/mappings/solar-and-battery.toml");
            jail.create_file("sealrock.toml", example)?;
            let config = Config::load(&Settings::default()).unwrap();
            assert_eq!(config.topics[0].pattern, "vidyutai/{site}/{asset}/{metric}");
            crate::external::mappings(&config).unwrap();
            jail.create_file("sealrock.toml", &example.replace("pattern", "patern"))?;
            let error = Config::load(&Settings::default()).unwrap_err();
            assert!(format!("{error:#}").contains("patern"), "{error:#}");
            Ok(())
        });
    }

    #[test]
    fn a_misspelt_setting_is_named() {
        Jail::expect_with(|jail| {
            jail.create_file("sealrock.toml", "htpp = \"127.0.0.1:1\"")?;
            let error = Config::load(&Settings::default()).unwrap_err();
            assert!(format!("{error:#}").contains("htpp"), "{error:#}");
            Ok(())
        });
    }

    #[test]
    fn secrets_are_not_printed_and_log_keys_are_no_settings() {
        Jail::expect_with(|jail| {
            jail.set_env("DATABASE_URL", "postgres://me:hush@db/sealrock");
            jail.set_env("SEALROCK_LOG_KEY_NORTHSEA", "PRIVATE+KEY+…");
            let config = Config::load(&Settings::default()).unwrap();
            assert_eq!(
                config.database_url.as_ref().unwrap().0,
                "postgres://me:hush@db/sealrock"
            );
            let printed = serde_json::to_string(&config).unwrap();
            assert!(!printed.contains("hush") && !format!("{config:?}").contains("hush"));
            Ok(())
        });
    }
}
