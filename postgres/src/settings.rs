//! The settings Postgres is started with. They go on its command line at each start, so what is
//! written here is what runs, whatever `postgresql.conf` says.

use crate::StartError;

/// Name, value: chosen for an append-mostly ledger with read models beside it, on one machine.
const CHOSEN: &[(&str, &str)] = &[
    // What has been acknowledged must survive a power cut: these three are the promise.
    ("fsync", "on"),
    ("full_page_writes", "on"),
    ("synchronous_commit", "on"),
    // Room for the writers, projections and readers of one node and an operator's psql.
    ("max_connections", "100"),
    // The hot ends of the ledger and the rollups fit; small enough for a laptop.
    ("shared_buffers", "256MB"),
    // Rollups sort and hash some thousands of rows at a time.
    ("work_mem", "16MB"),
    // Index builds of a rebuild beside the live read model.
    ("maintenance_work_mem", "128MB"),
    // Fewer checkpoints mean fewer full-page images under a steady stream of inserts.
    ("checkpoint_timeout", "15min"),
    ("max_wal_size", "2GB"),
    ("min_wal_size", "256MB"),
    // Full-page images of sensor data shrink well.
    ("wal_compression", "on"),
    // Streaming replicas and base backups work without a restart.
    ("wal_level", "replica"),
    // Queries here are short; compiling them costs more than it saves.
    ("jit", "off"),
    // The data lie on an SSD in any sensible installation.
    ("random_page_cost", "1.1"),
    // A query over a year touches a partition a day, and each takes locks.
    ("max_locks_per_transaction", "256"),
    // Stored times are UTC; so are those people see in psql and in the log.
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    // The log goes to stderr, which is a file in the data folder, and only holds what matters.
    ("logging_collector", "off"),
    ("log_destination", "stderr"),
    ("log_min_messages", "warning"),
    ("log_checkpoints", "off"),
    ("log_line_prefix", "%m [%p] %q%u@%d "),
    // No TCP: only who may enter the socket's folder can even knock.
    ("listen_addresses", ""),
    ("port", "5432"),
    ("unix_socket_permissions", "0700"),
    ("password_encryption", "scram-sha-256"),
];

/// The supervisor relies on these.
const OWNED: &[&str] = &[
    "listen_addresses",
    "port",
    "unix_socket_directories",
    "unix_socket_permissions",
    "unix_socket_group",
    "data_directory",
    "hba_file",
    "ident_file",
    "external_pid_file",
    "logging_collector",
    "log_destination",
    "password_encryption",
];

/// Turning these off loses acknowledged facts.
const DURABILITY: &[&str] = &["fsync", "full_page_writes", "synchronous_commit"];

/// The settings to start with: ours, then the caller's, of which the later wins.
///
/// # Errors
/// [`StartError::SettingRefused`] for a setting the supervisor owns, and for one of durability
/// unless the database is `throw_away`.
pub(crate) fn merged(
    asked: &[(String, String)],
    throw_away: bool,
) -> Result<Vec<(String, String)>, StartError> {
    for (name, _) in asked {
        refuse_if_protected(name, throw_away)?;
    }
    let chosen = CHOSEN
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Ok(chosen.chain(asked.iter().cloned()).collect())
}

fn refuse_if_protected(name: &str, throw_away: bool) -> Result<(), StartError> {
    let is_in = |list: &[&str]| list.iter().any(|each| each.eq_ignore_ascii_case(name));
    let reason = if is_in(OWNED) {
        "the supervisor owns it; for a Postgres of your own making set DATABASE_URL"
    } else if is_in(DURABILITY) && !throw_away {
        "an acknowledged fact must survive a power cut; only throw-away test databases go without"
    } else {
        return Ok(());
    };
    Err(StartError::SettingRefused {
        name: name.to_owned(),
        reason,
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed step fails the test")]
    use super::*;

    fn asked(name: &str, value: &str) -> Vec<(String, String)> {
        vec![(name.to_owned(), value.to_owned())]
    }

    #[test]
    fn fsync_cannot_be_turned_off_except_in_a_throw_away_database() {
        let error = merged(&asked("FSYNC", "off"), false)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("`FSYNC`") && error.contains("power cut"),
            "{error}"
        );
        let settings = merged(&asked("fsync", "off"), true).unwrap();
        assert_eq!(
            settings.last().unwrap(),
            &("fsync".to_owned(), "off".to_owned())
        );
    }

    #[test]
    fn tcp_cannot_be_opened_by_a_setting() {
        assert!(merged(&asked("listen_addresses", "*"), true).is_err());
    }

    #[test]
    fn a_callers_setting_comes_after_ours_so_that_it_wins() {
        let settings = merged(&asked("shared_buffers", "1GB"), false).unwrap();
        let values: Vec<_> = settings
            .iter()
            .filter(|(name, _)| name == "shared_buffers")
            .collect();
        assert_eq!(values.last().unwrap().1, "1GB");
        assert_eq!(values.len(), 2);
    }
}
