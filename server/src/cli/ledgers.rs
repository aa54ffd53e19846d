//! Ledgers: checking, following, exporting and sealing them.

use std::path::PathBuf;

use clap::Args;

use super::duration;

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
