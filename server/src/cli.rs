//! The command line.
#![expect(
    clippy::doc_markdown,
    reason = "these comments are the help text, where backticks would show"
)]

use std::net::SocketAddr;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand, ValueEnum};
use sealrock_access::{ApiKeyId, Permission, Role};
use sealrock_domain::Slug;
use sealrock_domain::device::{Fingerprint, KeyId, PublicKey};
use serde::Serialize;

use crate::config::Config;
use crate::device_certificate;
use crate::device_key;
use crate::networks::Networks;
use crate::roles::Roles;

/// The system of record for carbon capture and storage.
///
/// `sealrock demo` shows everything on one machine. Exit codes: 0 done, 1 findings (verify, fsck,
/// doctor), 2 could not run.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
pub struct Cli {
    #[command(flatten)]
    pub settings: Settings,
    #[command(subcommand)]
    pub command: Command,
}

/// Settings that every command shares. Each can also be given as `SEALROCK_<NAME>` in the
/// environment or in `sealrock.toml`; a flag wins over the environment, that over the file.
#[derive(Debug, Default, Args, Serialize)]
pub struct Settings {
    /// A configuration file instead of ./sealrock.toml
    #[arg(long, global = true, value_name = "FILE")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// Folder of database, keys and sessions [default: ./sealrock-data]
    #[arg(long, global = true, value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
    /// Where HTTP listens; port 0 picks a free one [default: 127.0.0.1:8080]
    #[arg(long, global = true, value_name = "ADDR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<SocketAddr>,
    /// Proxies that are believed when they say whom they speak for: networks as CIDR, with commas between [default: nobody]
    #[arg(long, global = true, value_name = "NETWORKS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub behind_proxy: Option<Networks>,
    /// Where the MQTT broker listens; port 0 picks a free one [default: 127.0.0.1:1883]
    #[arg(long, global = true, value_name = "ADDR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mqtt: Option<SocketAddr>,
    /// Where the MQTT broker listens for WebSockets [default: 127.0.0.1:9001 in the demo, else off]
    #[arg(long, global = true, value_name = "ADDR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mqtt_ws: Option<SocketAddr>,
    /// An external MQTT broker instead of the embedded one: mqtt://HOST, mqtts://USER@HOST:8883.
    /// A password belongs into SEALROCK_MQTT_URL, where other users of the machine do not see it
    #[arg(long, global = true, value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mqtt_url: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Everything on one machine, with simulated devices
    #[command(after_help = "Example:\n  sealrock demo --fresh")]
    Demo(Demo),
    /// The platform
    #[command(
        after_help = "Examples:\n  sealrock serve --data /var/lib/sealrock --http 0.0.0.0:8080\n  \
                      DATABASE_URL=postgres://… sealrock serve --roles ingest"
    )]
    Serve(Serve),
    /// Devices only, against any broker; recorded data; or load
    #[command(
        after_help = "Examples:\n  sealrock simulate --credentials devices.json --interval 1s\n  \
                      sealrock simulate --credentials meter.json --replay steel.csv \\\n      \
                      --mapping steel-industry-energy --rate 50\n  \
                      sealrock simulate --credentials devices.json --devices 400 --rate 8000 --for 60s"
    )]
    Simulate(Simulate),
    /// Checks a ledger without trusting anybody: exit 0 verified, 1 findings, 2 could not run
    #[command(
        after_help = "Examples:\n  sealrock verify ./export --policy northsea.policy\n  \
                      sealrock verify year.tar.zst --policy northsea.policy --json\n  \
                      sealrock verify https://host/ledger/northsea --policy northsea.policy --user anna\n  \
                      sealrock verify 42.tlog-proof --entry 42.json --policy northsea.policy"
    )]
    Verify(Verify),
    /// Calculates by a rule set, without any platform: the density of CO2, what a stack emits, Subpart
    /// RR, net removals. Exit 0 calculated, 1 the inputs are refused, 2 could not run
    #[command(
        after_help = "Examples:\n  sealrock calc --list\n  sealrock calc stack-co2 --example > stack.json\n  \
                      sealrock calc stack-co2 --input stack.json\n  \
                      sealrock calc stack-co2 --input stack.json --json > kept.json\n  sealrock calc --rerun kept.json"
    )]
    Calc(Calc),
    /// Follows ledgers from outside: keeps their last checkpoint, files evidence of forks, alarms
    #[command(
        after_help = "Examples:\n  sealrock watch https://host/ledger/registry --policy registry.policy\n  \
                      sealrock watch https://host/ledger/northsea --policy northsea.policy --once"
    )]
    Watch(Watch),
    /// Writes the auditor's package of a ledger
    #[command(
        after_help = "Examples:\n  sealrock export northsea ./export && sealrock verify ./export\n  \
                      sealrock export northsea year.tar.zst --from 250000 --through 499999\n  \
                      sealrock export northsea ./meter-7 --only telemetry/0192…"
    )]
    Export(Export),
    /// Recomputes a ledger inside the database, every table against every other
    #[command(after_help = "Example:\n  sealrock fsck northsea")]
    Fsck(Fsck),
    /// Seals a ledger's hours that are over, as the server does some time later
    #[command(
        after_help = "Example:\n  sealrock seal northsea && sealrock export northsea ./export"
    )]
    Seal(Seal),
    /// The read models: how far behind they are, and building them anew
    #[command(
        subcommand,
        after_help = "Example:\n  sealrock projections rebuild rollups"
    )]
    Projections(Projections),
    /// Organisations
    #[command(
        subcommand,
        after_help = "Examples:\n  sealrock organisation add --name northsea\n  sealrock organisation add --name ccr --registry"
    )]
    Organisation(Organisation),
    /// Sites
    #[command(
        subcommand,
        after_help = "Example:\n  sealrock site add --org northsea --name plant-1 --kind capture_plant"
    )]
    Site(Site),
    /// Assets of a site
    #[command(
        subcommand,
        after_help = "Example:\n  sealrock asset add --org northsea --site plant-1 --name unit-1 --kind capture_unit"
    )]
    Asset(Asset),
    /// Devices, their credentials and their keys
    #[command(
        subcommand,
        after_help = "Example:\n  sealrock device add --org northsea --site plant-1 --name meter-7 --json"
    )]
    Device(Device),
    /// Accounts of people
    #[command(
        subcommand,
        after_help = "Examples:\n  sealrock user add ada --role auditor\n  \
                      sealrock user add otto --role operator --org northsea\n  \
                      sealrock user reset-password admin"
    )]
    User(User),
    /// Lets people of other organisations look, or ends that
    #[command(subcommand)]
    Grant(Grant),
    /// Issues, rotates, revokes or lists keys of programs
    #[command(subcommand)]
    ApiKey(ApiKey),
    /// The keys that sign a ledger: listing, rotation
    #[command(
        subcommand,
        after_help = "Example:\n  sealrock key rotate northsea && sealrock key retire northsea"
    )]
    Key(crate::key::Key),
    /// What to do when clocks or databases went wrong
    #[command(
        subcommand,
        after_help = "Examples:\n  sealrock ledger adopt northsea --copy /mnt/exports/northsea\n  \
                      sealrock ledger correct-clock northsea --reason \"the BIOS battery was empty\""
    )]
    Ledger(crate::keeping::Keeping),
    /// Erases payloads of telemetry for good, by an entry of the ledger with a reason; entries and
    /// proofs stay
    #[command(
        after_help = "Example:\n  sealrock redact northsea --index 4711 --index 4720..4729 --reason \"a name in a tag\""
    )]
    Redact(crate::erasing::Redact),
    /// Erases old batches that a seal holds and nobody cites; `retention` in the configuration lets
    /// the server do so daily
    #[command(after_help = "Example:\n  sealrock retention northsea --older-than 400d --dry-run")]
    Retention(crate::erasing::Retention),
    /// What devices sent and the platform could not take, newest first
    #[command(after_help = "Example:\n  sealrock dead-letters northsea")]
    DeadLetters(DeadLetters),
    /// Prints the effective configuration, secrets masked
    #[command(after_help = "Example:\n  SEALROCK_HTTP=0.0.0.0:8080 sealrock config")]
    Config,
    /// Brings the database's schema up to date (`serve` does so too)
    #[command(after_help = "Example:\n  DATABASE_URL=postgres://… sealrock migrate")]
    Migrate,
    /// Checks the surroundings: Postgres, its settings, clock, disk, ports
    #[command(after_help = "Example:\n  sealrock doctor --json")]
    Doctor(Json),
}

#[derive(Debug, Clone, Args)]
pub struct Json {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Calc {
    /// The rule set, such as us-98-rr; us-98-rr@1 for a version of it instead of the last
    #[arg(value_name = "RULE", required_unless_present_any = ["list", "rerun"])]
    pub rule: Option<String>,
    /// The inputs as JSON; - reads them from standard input
    #[arg(long, value_name = "FILE.json")]
    pub input: Option<PathBuf>,
    /// Print the calculation as JSON, which can be kept and made again
    #[arg(long)]
    pub json: bool,
    /// List the rule sets
    #[arg(long, conflicts_with_all = ["rule", "input", "example", "rerun"])]
    pub list: bool,
    /// Print inputs that show every field
    #[arg(long, conflicts_with_all = ["input", "rerun"])]
    pub example: bool,
    /// Make a kept calculation again: exit 0 if every digit is the same, else 1
    #[arg(long, value_name = "FILE.json", conflicts_with_all = ["rule", "input", "json"])]
    pub rerun: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Serve {
    /// What this node does, of several on one database: some of api, ingest, projector, parted by
    /// commas [default: all]
    #[arg(long)]
    roles: Option<Roles>,
}

impl Serve {
    /// The configuration with what the command line says of it.
    pub fn over(self, mut config: Config) -> Config {
        config.roles = self.roles.unwrap_or(config.roles);
        config
    }
}

#[derive(Debug, Args)]
pub struct Demo {
    /// Begin anew: deletes the data folder of an earlier demo
    #[arg(long)]
    pub fresh: bool,
    /// Time between two batches of a device
    #[arg(long, default_value = "2s", value_parser = duration)]
    pub interval: std::time::Duration,
    /// Seed of the simulated chain
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Days before today with which a new demonstration begins
    #[arg(long, default_value_t = 3)]
    pub days: u64,
    /// Time that a day of the past takes
    #[arg(long, default_value = "30s", value_parser = duration)]
    pub day: std::time::Duration,
}

#[derive(Debug, Args)]
pub struct Simulate {
    /// What `sealrock device add … --json` printed: one object, a list, or one object a line
    #[arg(long, value_name = "FILE", required = true)]
    pub credentials: Vec<PathBuf>,
    /// What the devices measure: tea_stack, bme280, solar, amine_capture, membrane_capture, pipeline,
    /// injection_well_1, injection_well_2, monitoring_well [default: by the devices' names in the demo, else bme280]
    #[arg(long)]
    pub model: Option<String>,
    /// Seed of the simulated chain; the same seed gives the same readings
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Time between two batches of a device
    #[arg(long, default_value = "5s", value_parser = duration)]
    pub interval: std::time::Duration,
    /// Batches a second of each device, instead of an interval; rows a second of a replay; with
    /// --devices, batches a second of all together
    #[arg(long)]
    pub rate: Option<f64>,
    /// Batches of each device, then end
    #[arg(long)]
    pub batches: Option<u64>,
    /// Plays recorded data
    #[arg(long, value_name = "FILE.csv", requires = "mapping")]
    pub replay: Option<PathBuf>,
    /// How the columns of the recording map to metrics: a built-in name or a TOML file
    #[arg(long)]
    pub mapping: Option<String>,
    /// Load: the first so many of the credentials send at --rate, each batch at its time whether or
    /// not earlier ones are answered
    #[arg(long, value_name = "COUNT", requires = "rate", conflicts_with_all = ["replay", "batches", "model"])]
    pub devices: Option<usize>,
    /// Of load: how it is sent
    #[arg(long, value_enum, default_value_t, requires = "devices")]
    pub over: Transport,
    /// Of load: where it is sent, host:port or a URL [default: what the credentials say]
    #[arg(long, value_name = "ADDRESS", requires = "devices")]
    pub to: Option<String>,
    /// Of load by HTTPS: a certificate (PEM) to trust beside the machine's
    #[arg(long, value_name = "FILE", requires = "devices")]
    pub ca: Option<PathBuf>,
    /// Of load: readings of a batch
    #[arg(long, default_value_t = 10, requires = "devices")]
    pub readings: usize,
    /// Of load: for how long
    #[arg(long = "for", value_name = "TIME", default_value = "60s", value_parser = duration, requires = "devices")]
    pub span: std::time::Duration,
    /// Of load: print what became of it as JSON
    #[arg(long, requires = "devices")]
    pub json: bool,
}

/// How load is sent.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub enum Transport {
    /// MQTT 5, a connection a device
    #[default]
    Mqtt,
    /// POST /ingest, a connection a device
    Http,
}

#[derive(Debug, Args)]
pub struct Verify {
    /// A directory or .tar.zst of an export, a URL, a .tlog-proof, or evidence of a fork
    pub path: PathBuf,
    /// The trust root: the ledger's keys and witnesses, from a source that you trust [default: what
    /// comes with the ledger]
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Certificates (PEM) of the authorities whose time stamps you trust
    #[arg(long, value_name = "FILE")]
    pub tsa_ca: Option<PathBuf>,
    /// Of a proof: the entry that it proves [default: the file beside it that ends in .entry]
    #[arg(long, value_name = "FILE")]
    pub entry: Option<PathBuf>,
    #[command(flatten)]
    pub remote: Remote,
    /// Print the findings as JSON
    #[arg(long)]
    pub json: bool,
}

/// How a ledger is read by its URL.
#[derive(Debug, Args)]
pub struct Remote {
    /// Where the last checkpoint of each ledger is kept [default: ~/.local/state/sealrock]
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// A token of an account that may read the ledger
    #[arg(
        long,
        env = "SEALROCK_TOKEN",
        hide_env_values = true,
        conflicts_with = "user"
    )]
    pub token: Option<String>,
    /// An account that may read the ledger; its password is in SEALROCK_PASSWORD or the password file
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// A file that holds the account's password
    #[arg(long, value_name = "FILE", requires = "user")]
    pub password_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Watch {
    /// Ledgers, such as https://host/ledger/northsea
    #[arg(required = true, value_name = "URL")]
    pub urls: Vec<String>,
    /// The trust root of each ledger, in the order of the URLs [default: what was served at the first
    /// contact]
    #[arg(long, value_name = "FILE")]
    pub policy: Vec<PathBuf>,
    /// Certificates (PEM) of the authorities whose time stamps you trust
    #[arg(long, value_name = "FILE")]
    pub tsa_ca: Option<PathBuf>,
    #[command(flatten)]
    pub remote: Remote,
    /// Time between two looks
    #[arg(long, default_value = "30s", value_parser = duration)]
    pub interval: std::time::Duration,
    /// A look reads what is new; one that reads the whole ledger is made at first, and so often
    #[arg(long, default_value = "24h", value_parser = duration)]
    pub whole_every: std::time::Duration,
    /// Looks once: exit 0 all is well, 1 an alarm, 2 a ledger could not be read
    #[arg(long)]
    pub once: bool,
    /// A program that is run at each alarm, with the event as JSON for its only argument
    #[arg(long, value_name = "PROGRAM")]
    pub alarm: Option<PathBuf>,
    /// Alarms when a ledger cannot be read for so long
    #[arg(long, default_value = "10m", value_parser = duration)]
    pub away: std::time::Duration,
    /// Alarms when a ledger does not grow for so long [default: never]
    #[arg(long, value_parser = duration)]
    pub still: Option<std::time::Duration>,
}

#[derive(Debug, Args)]
pub struct Export {
    /// Name of the ledger: its organisation's, or `registry`
    pub ledger: String,
    /// A directory, where an earlier export of the same ledger is extended, or a new file ….tar.zst
    pub path: PathBuf,
    /// The first entry; begins with the 256 that it stands among
    #[arg(long, value_name = "N")]
    pub from: Option<u64>,
    /// The last entry; ends with the 256 that it stands among
    #[arg(long, value_name = "M")]
    pub through: Option<u64>,
    /// Shows payloads of this stream alone, besides every entry; may be repeated
    #[arg(long, value_name = "STREAM")]
    pub only: Vec<String>,
    /// Print what was written as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Seal {
    /// Name of the ledger: its organisation's
    pub ledger: String,
    /// Seal the hours that are not over too; what comes for them later makes further seals
    #[arg(long)]
    pub all: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Fsck {
    /// Name of the ledger
    pub ledger: String,
    /// Rest four fifths of the time, for a server that is busy
    #[arg(long)]
    pub gentle: bool,
    /// Print the findings as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum Projections {
    /// How far each read model has come, and why if it stands
    Status(Json),
    /// Builds a read model anew beside the live one, then switches
    Rebuild {
        /// Which
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum Organisation {
    /// Registers an organisation and begins its ledger
    Add {
        /// Its short name, for ever: part of topics and of its ledger's origin
        #[arg(long)]
        name: Slug,
        /// Its name for people [default: the short name]
        #[arg(long)]
        display_name: Option<String>,
        /// It is a registry: it issues credits, and has no sites of its own
        #[arg(long)]
        registry: bool,
        #[command(flatten)]
        json: Json,
    },
}

#[derive(Debug, Subcommand)]
pub enum Site {
    /// Registers a site of an organisation
    Add {
        /// Its organisation
        #[arg(long)]
        org: Slug,
        /// Its short name, for ever: part of topics
        #[arg(long)]
        name: Slug,
        /// tea_factory, factory, capture_plant, pipeline, terminal, injection, monitoring, solar, other
        #[arg(long, default_value = "other")]
        kind: String,
        /// Its name for people [default: the short name]
        #[arg(long)]
        display_name: Option<String>,
        #[command(flatten)]
        json: Json,
    },
}

#[derive(Debug, Subcommand)]
pub enum Asset {
    /// Registers an asset of a site
    Add {
        /// Its organisation
        #[arg(long)]
        org: Slug,
        /// Its site
        #[arg(long)]
        site: Slug,
        /// Its short name, for ever
        #[arg(long)]
        name: Slug,
        /// stack, capture_unit, pipeline, injection_well, monitoring_well, production_well, inverter, battery, meter,
        /// weather_station, machine, other
        #[arg(long, default_value = "other")]
        kind: String,
        /// Its name for people [default: the short name]
        #[arg(long)]
        display_name: Option<String>,
        #[command(flatten)]
        json: Json,
    },
}

/// Which device, and how to answer.
#[derive(Debug, Clone, Args)]
pub struct DeviceName {
    /// Its organisation
    #[arg(long)]
    pub org: Slug,
    /// Its site
    #[arg(long)]
    pub site: Slug,
    /// Its short name
    #[arg(long)]
    pub name: Slug,
    #[command(flatten)]
    pub json: Json,
}

#[derive(Debug, Subcommand)]
pub enum Device {
    /// Registers a device, or many, and prints the credentials, this once
    #[command(
        after_help = "Example:\n  sealrock device add --org northsea --site plant-1 --name load \\\n      \
                      --count 400 --source simulator --json > devices.json"
    )]
    Add {
        #[command(flatten)]
        device: DeviceName,
        /// The asset that it measures
        #[arg(long)]
        asset: Option<Slug>,
        /// Registers so many: its name with -1, -2 and so on
        #[arg(long, conflicts_with = "key", value_parser = clap::value_parser!(u32).range(1..=100_000))]
        count: Option<u32>,
        /// With --count: the number to begin with, to go on where an earlier run ended
        #[arg(long, default_value_t = 1, requires = "count")]
        from: u32,
        /// real, simulator or migrated: only evidence of real devices can become credits
        #[arg(long, default_value = "real")]
        source: String,
        /// Its name for people [default: the short name]
        #[arg(long)]
        display_name: Option<String>,
        /// Its Ed25519 public key: hex, base64, or a PEM file. With one, its batches must be signed
        #[arg(long, value_name = "KEY|FILE", value_parser = device_key::read)]
        key: Option<PublicKey>,
    },
    /// Gives a device a new secret; the old one is invalid at once
    Rotate(DeviceName),
    /// Locks a device out until it is rotated
    Revoke(DeviceName),
    /// Lets a device sign with a further public key; the ones before stay valid until revoked
    #[command(
        after_help = "Example:\n  sealrock device rotate-key --org northsea --site plant-1 \
                      --name meter-7 --key meter-7.pub.pem"
    )]
    RotateKey {
        #[command(flatten)]
        device: DeviceName,
        /// The Ed25519 public key: hex, base64, or a PEM file
        #[arg(long, value_name = "KEY|FILE", value_parser = device_key::read)]
        key: PublicKey,
    },
    /// Takes a public key from a device for ever: what it signs is refused from now on
    #[command(
        after_help = "Example:\n  sealrock device revoke-key --org northsea --site plant-1 \
                      --name meter-7 --key 21fe31dfa154a261"
    )]
    RevokeKey {
        #[command(flatten)]
        device: DeviceName,
        /// The key's id, 16 hex digits: `device add` and `device rotate-key` print it
        #[arg(long, value_name = "KEY ID")]
        key: KeyId,
    },
    /// Lets a further TLS certificate sign a device in, of an authority that device_ca names
    #[command(
        after_help = "Example:\n  sealrock device add-certificate --org northsea --site plant-1 \
                      --name meter-7 --certificate meter-7.pem"
    )]
    AddCertificate {
        #[command(flatten)]
        device: DeviceName,
        /// Its SHA-256 fingerprint in hex, or a PEM file that begins with it
        #[arg(long, value_name = "SHA256|FILE", value_parser = device_certificate::read)]
        certificate: Fingerprint,
    },
    /// Takes a certificate from a device for ever; what it has open is closed
    #[command(
        after_help = "Example:\n  sealrock device revoke-certificate --org northsea --site plant-1 \
                      --name meter-7 --certificate meter-7.pem"
    )]
    RevokeCertificate {
        #[command(flatten)]
        device: DeviceName,
        /// Its SHA-256 fingerprint in hex, or a PEM file that begins with it
        #[arg(long, value_name = "SHA256|FILE", value_parser = device_certificate::read)]
        certificate: Fingerprint,
    },
    /// Takes a device out of use for good
    Decommission(DeviceName),
}

#[derive(Debug, Subcommand)]
pub enum User {
    /// Makes an account with a random password, shown this once, to be changed at the next sign-in;
    /// or with one that is given and need not be changed
    Add {
        /// The name that it signs in with
        name: String,
        /// What it may do; docs/permissions.md has the table
        #[arg(long, value_enum)]
        role: AccountRole,
        /// The organisation that it acts for, and the only one that it reaches; only admin and
        /// auditor can be of none, and reach all then
        #[arg(long)]
        org: Option<Slug>,
        /// Read the password from standard input: for programs, which cannot change it at the first
        /// sign-in
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Gives an account another role in its organisation
    Assign {
        /// The name that it signs in with
        name: String,
        /// What it may do from now on; docs/permissions.md has the table
        #[arg(long, value_enum)]
        role: AccountRole,
        /// A site that it is limited to, again for each; without it, all
        #[arg(long)]
        site: Vec<Slug>,
    },
    /// Ends the membership of an account in its organisation
    Deactivate {
        /// The name that it signs in with
        name: String,
    },
    /// The accounts, by name
    List(Json),
    /// Gives an account a new random password, shown this once, to be changed at the next sign-in;
    /// ends its sessions, and lets it in again if it was kept out
    ResetPassword {
        /// The name that it signs in with
        name: String,
    },
    /// Takes an account's second factor away: its owner has lost it
    ResetSecondFactor {
        /// The name that it signs in with
        name: String,
    },
    /// Says who a user is at the identity provider, and lets the user in by it; a password that was issued
    /// and never changed is void then
    #[cfg(feature = "oidc")]
    LinkOidc {
        /// The name of the account
        name: String,
        /// The claim `sub` of the provider's tokens: never a mail address
        #[arg(long)]
        subject: String,
    },
    /// Ends that, and the user's sessions
    #[cfg(feature = "oidc")]
    UnlinkOidc {
        /// The name of the account
        name: String,
    },
    /// Erases a person: name, password, second factor, sessions. Ledgers keep the account's id
    Erase {
        /// The name that it signs in with
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum Grant {
    /// Lets verifiers, regulators or auditors of another organisation look
    Add {
        /// The organisation that lets them look
        org: Slug,
        /// The organisation whose people may look
        to: Slug,
        /// Those of this role: verifier, regulator or auditor
        #[arg(long)]
        role: Role,
        /// From when on they may not any more, such as 2027-03-31T00:00:00Z
        #[arg(long)]
        until: DateTime<Utc>,
        /// A site that they may look at, again for each; without it, all
        #[arg(long)]
        site: Vec<Slug>,
    },
    /// Ends that before its time
    End {
        /// The organisation that let them look
        org: Slug,
        /// The organisation whose people may look
        to: Slug,
        /// Those of this role
        #[arg(long)]
        role: Role,
    },
    /// What others were granted
    List {
        /// The organisation
        org: Slug,
    },
}

#[derive(Debug, Subcommand)]
pub enum ApiKey {
    /// Issues a key, shown this once
    Issue {
        /// The organisation
        org: Slug,
        /// What people call it
        #[arg(long)]
        label: String,
        /// The role of which it has permissions
        #[arg(long)]
        role: Role,
        /// A permission, such as read-telemetry, again for each; docs/permissions.md lists them
        #[arg(long, required = true)]
        permission: Vec<Permission>,
        /// A site that it is limited to, again for each; without it, all
        #[arg(long)]
        site: Vec<Slug>,
        /// From when on it opens nothing, such as 2027-03-31T00:00:00Z
        #[arg(long)]
        until: DateTime<Utc>,
    },
    /// Gives a key another secret, shown this once
    Rotate {
        /// The organisation
        org: Slug,
        /// The key
        key: ApiKeyId,
        /// From when on it opens nothing
        #[arg(long)]
        until: DateTime<Utc>,
        /// How long the secret before is good too
        #[arg(long, default_value = "24h", value_parser = duration)]
        overlap: std::time::Duration,
    },
    /// Takes a key away
    Revoke {
        /// The organisation
        org: Slug,
        /// The key
        key: ApiKeyId,
    },
    /// The keys, revoked ones too
    List {
        /// The organisation
        org: Slug,
    },
}

/// A role that an account can have.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum AccountRole {
    /// Runs the platform
    Admin,
    /// Reads everything and writes nothing
    Auditor,
    /// Runs plants and wells: records captures and injection days
    Operator,
    /// Answers for a site: approves what operators record
    SiteManager,
    /// Answers for an organisation: approves permit limits, sets targets
    HqManager,
    /// Keeps machines and devices running
    Maintenance,
    /// Answers for monitoring, reporting and verification: requests credits
    Mrv,
    /// Verifies the reports of organisations that engaged its own
    Verifier,
    /// Supervises organisations for an authority
    Regulator,
    /// Acts for a registry: approves or refuses issuances
    Registry,
    /// Holds credits
    Holder,
}

impl From<AccountRole> for sealrock_access::Role {
    fn from(role: AccountRole) -> Self {
        match role {
            AccountRole::Admin => Self::Admin,
            AccountRole::Auditor => Self::Auditor,
            AccountRole::Operator => Self::Operator,
            AccountRole::SiteManager => Self::SiteManager,
            AccountRole::HqManager => Self::HqManager,
            AccountRole::Maintenance => Self::Maintenance,
            AccountRole::Mrv => Self::Mrv,
            AccountRole::Verifier => Self::Verifier,
            AccountRole::Regulator => Self::Regulator,
            AccountRole::Registry => Self::Registry,
            AccountRole::Holder => Self::Holder,
        }
    }
}

#[derive(Debug, Args)]
pub struct DeadLetters {
    /// The organisation whose devices sent them
    pub org: Slug,
    /// At most so many
    #[arg(long, default_value_t = 20)]
    pub most: u16,
    #[command(flatten)]
    pub json: Json,
}

/// `500ms`, `5s`, `2m`, `1h`.
///
/// # Errors
/// If it is no span of time; the message says what is.
pub fn duration(text: &str) -> Result<std::time::Duration, String> {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let seconds = match &text[number.len()..] {
        "ms" => 0.001,
        "s" | "" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        unit => return Err(format!("{unit:?} is no unit of time: use ms, s, m or h")),
    };
    let number: f64 = number
        .parse()
        .map_err(|_| format!("{text:?} is no duration, such as 5s"))?;
    std::time::Duration::try_from_secs_f64(number * seconds).map_err(|e| format!("{text:?}: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn durations_are_read_with_their_unit() {
        use std::time::Duration;
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("2m"), Ok(Duration::from_mins(2)));
        assert_eq!(duration("5"), Ok(Duration::from_secs(5)));
        for bad in ["", "s", "5 days", "-1s", "1e40h"] {
            assert!(duration(bad).is_err(), "{bad:?}");
        }
    }
}
