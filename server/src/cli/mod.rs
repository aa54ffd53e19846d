//! The command line.
#![expect(
    clippy::doc_markdown,
    reason = "these comments are the help text, where backticks would show"
)]

mod ledgers;
mod people;
mod places;
mod running;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use sealrock_domain::Slug;
use serde::Serialize;

use crate::networks::Networks;

pub use ledgers::{Export, Fsck, Remote, Seal, Verify, Watch};
pub use people::{ApiKey, Grant, User};
pub use places::{Asset, Device, DeviceName, Organisation, Site};
pub use running::{Demo, Serve, Simulate, Transport};

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
