//! Why Postgres did not start, each with the way out.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

/// Why the private Postgres could not be started. Nothing is left running when one of these is returned.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No usable Postgres is installed: install one, or name its folder.
    #[error(
        "no PostgreSQL {supported} was found (looked in {searched}{others}). Install one (Debian: `apt-get install postgresql`), \
         name the folder that holds `postgres` and `initdb`, or point DATABASE_URL at a server you run"
    )]
    NoBinaries {
        /// The major versions that would do, for example `15–18`.
        supported: String,
        /// The places looked at, comma-separated.
        searched: String,
        /// What was found there and will not do; empty or starting with `; found `.
        others: String,
    },
    /// A program beside Postgres is missing: install its package.
    #[error("`{program}` was not found; install it (Debian: `apt-get install {package}`)")]
    MissingProgram {
        /// The program's name.
        program: &'static str,
        /// The Debian package that brings it.
        package: &'static str,
    },
    /// Running as root, and this machine has neither a user `postgres` nor `nobody`.
    #[error(
        "PostgreSQL refuses to run as root, and this machine has no user `postgres` or `nobody` to run it as; create one (`useradd --system postgres`) or start Sealrock as an ordinary user"
    )]
    NoRunUser,
    /// Running as root, and the user that Postgres runs as cannot reach the data folder.
    #[error(
        "PostgreSQL runs as user `{user}`, who cannot pass through {}, so it cannot reach {}. \
         Choose a data folder elsewhere (for example /var/lib/sealrock), allow passage (`chmod o+x {}`), or start Sealrock as an ordinary user",
        blocked.display(), folder.display(), blocked.display()
    )]
    NotTraversable {
        /// The user that Postgres would run as.
        user: String,
        /// The first folder on the way that shuts that user out.
        blocked: PathBuf,
        /// The data folder that was asked for.
        folder: PathBuf,
    },
    /// The data belong to another user, and this process may not change that.
    #[error(
        "{} belongs to user id {owner}, and this process runs as user id {ours}: start Sealrock as that user, or as root",
        folder.display()
    )]
    ForeignOwner {
        /// The database's folder.
        folder: PathBuf,
        /// Who owns it.
        owner: u32,
        /// Who we are.
        ours: u32,
    },
    /// Another supervisor holds the folder: talk to that one ([`attach`](crate::attach)), or stop it.
    #[error(
        "the data folder {} is in use by process {pid}; stop that process first, or choose another data folder",
        folder.display()
    )]
    Locked {
        /// The data folder.
        folder: PathBuf,
        /// The process that holds it, as far as it has said so.
        pid: String,
    },
    /// The data were written by another major version of Postgres.
    #[error(
        "{} was written by PostgreSQL {data}, but the PostgreSQL found is {program} ({}). \
         Install that version (Debian: `apt-get install postgresql-{data}`), or carry the data over with `pg_upgrade` or `pg_dump`",
        folder.display(), binaries.display()
    )]
    ForeignVersion {
        /// The database's folder.
        folder: PathBuf,
        /// The major version in its `PG_VERSION`.
        data: String,
        /// The major version of the programs found.
        program: u32,
        /// Where they are.
        binaries: PathBuf,
    },
    /// The socket's path would be longer than the operating system allows (107 bytes).
    #[error("the socket folder {} is too long: a socket's path may have 107 bytes at most", .0.display())]
    SocketPathTooLong(PathBuf),
    /// A setting was asked for that the supervisor owns, or that would give up durability.
    #[error("the PostgreSQL setting `{name}` cannot be changed here: {reason}")]
    SettingRefused {
        /// The setting's name.
        name: String,
        /// Why, and what to do instead.
        reason: &'static str,
    },
    /// One of Postgres's programs failed.
    #[error("`{program}` failed ({status}): {output}")]
    Program {
        /// The program's name.
        program: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// The last lines it printed.
        output: String,
    },
    /// Postgres ended before it was ready.
    #[error("PostgreSQL ended while starting ({status}); the end of {}: {tail}", log.display())]
    Ended {
        /// How it ended.
        status: ExitStatus,
        /// Its log file.
        log: PathBuf,
        /// The log's last lines.
        tail: String,
    },
    /// A Postgres that an earlier process left behind would not stop.
    #[error("PostgreSQL process {pid}, left behind on {}, could not be stopped; end it by hand (`kill -QUIT {pid}`) and start again", folder.display())]
    LeftBehind {
        /// A process that is still there.
        pid: i32,
        /// The database's folder.
        folder: PathBuf,
    },
    /// A file or process operation failed.
    #[error("could not {doing} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb phrase.
        doing: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

impl StartError {
    /// For `map_err`: an [`StartError::Io`] that names the deed and the path.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            doing,
            path,
            source,
        }
    }
}
