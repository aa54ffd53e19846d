//! Finding the installed Postgres.

use std::env;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::StartError;

/// The major versions of Postgres that Sealrock runs on.
pub const SUPPORTED_MAJORS: RangeInclusive<u32> = 15..=18;

/// A folder with Postgres's programs, and their major version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    /// The folder that holds `postgres` and `initdb`.
    pub folder: PathBuf,
    /// The major version, for example 15.
    pub major: u32,
}

impl Binaries {
    /// Finds the programs: in `explicit` alone if given; otherwise on `PATH`, in Debian's
    /// `/usr/lib/postgresql/*/bin` (newest first) and where `pg_config --bindir` says.
    /// Of several, the one whose major version is `wanted` (the data's) wins, otherwise the first.
    ///
    /// # Errors
    /// [`StartError::NoBinaries`] when there is none of a supported version; it says what to install.
    pub fn find(explicit: Option<&Path>, wanted: Option<u32>) -> Result<Self, StartError> {
        let places = explicit.map_or_else(usual_places, |folder| vec![folder.to_owned()]);
        let found: Vec<Self> = places
            .iter()
            .filter_map(|place| Self::inspect(place))
            .collect();
        let usable = || {
            found
                .iter()
                .filter(|each| SUPPORTED_MAJORS.contains(&each.major))
        };
        usable()
            .find(|each| Some(each.major) == wanted)
            .or_else(|| usable().next())
            .cloned()
            .ok_or_else(|| none_usable(&places, &found))
    }

    /// The path of one of the programs.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn inspect(folder: &Path) -> Option<Self> {
        folder.join("initdb").is_file().then_some(())?;
        let said = printed(folder.join("postgres"), "--version")?;
        Some(Self {
            folder: folder.to_owned(),
            major: major_version(&said)?,
        })
    }
}

fn usual_places() -> Vec<PathBuf> {
    let mut places = on_path();
    places.extend(debian_folders(Path::new("/usr/lib/postgresql")));
    places.extend(printed("pg_config", "--bindir").map(|said| PathBuf::from(said.trim())));
    places
}

/// `PATH` often holds only a link to `postgres`; its `initdb` lies beside the link's target.
fn on_path() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .filter_map(|folder| folder.join("postgres").canonicalize().ok())
        .filter_map(|program| program.parent().map(Path::to_owned))
        .collect()
}

fn debian_folders(root: &Path) -> Vec<PathBuf> {
    let versions = std::fs::read_dir(root).into_iter().flatten().flatten();
    let mut majors: Vec<u32> = versions
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    majors.sort_unstable_by(|a, b| b.cmp(a));
    majors
        .into_iter()
        .map(|major| root.join(major.to_string()).join("bin"))
        .collect()
}

fn printed(program: impl AsRef<std::ffi::OsStr>, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// From `postgres (Postgres) 15.14 (Debian 15.14-0+deb12u1)` or `… 18beta1` the leading number.
fn major_version(said: &str) -> Option<u32> {
    let version = said.split("(PostgreSQL)").nth(1)?.trim_start();
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn none_usable(places: &[PathBuf], found: &[Binaries]) -> StartError {
    let mut searched: Vec<String> = places.iter().map(|p| p.display().to_string()).collect();
    if searched.is_empty() {
        searched.push("PATH, /usr/lib/postgresql/*/bin, pg_config".to_owned());
    }
    searched.dedup();
    let others: Vec<String> = found
        .iter()
        .map(|each| format!("{} in {}", each.major, each.folder.display()))
        .collect();
    StartError::NoBinaries {
        supported: format!("{}–{}", SUPPORTED_MAJORS.start(), SUPPORTED_MAJORS.end()),
        searched: searched.join(", "),
        others: if others.is_empty() {
            String::new()
        } else {
            format!("; found {}", others.join(", "))
        },
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed step fails the test")]
    use super::*;

    #[test]
    fn the_major_version_is_read_from_releases_and_previews() {
        assert_eq!(
            major_version("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n"),
            Some(15)
        );
        assert_eq!(major_version("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major_version("something else 15"), None);
    }

    #[test]
    fn debians_newest_version_comes_first_by_number_not_by_letter() {
        let root = tempfile::tempdir().unwrap();
        for name in ["9", "15", "17", "common"] {
            std::fs::create_dir(root.path().join(name)).unwrap();
        }
        let folders = debian_folders(root.path());
        let expected = ["17/bin", "15/bin", "9/bin"].map(|each| root.path().join(each));
        assert_eq!(folders, expected);
    }

    #[test]
    fn without_programs_the_error_says_what_to_install() {
        let empty = tempfile::tempdir().unwrap();
        let error = Binaries::find(Some(empty.path()), None)
            .unwrap_err()
            .to_string();
        assert!(error.contains("apt-get install postgresql"), "{error}");
        assert!(
            error.contains(&empty.path().display().to_string()),
            "{error}"
        );
    }

    #[test]
    fn a_version_that_is_too_old_is_named_in_the_error() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        for name in ["postgres", "initdb"] {
            let program = folder.path().join(name);
            std::fs::write(&program, "#!/bin/sh\necho 'postgres (PostgreSQL) 9.6.24'\n").unwrap();
            std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let error = Binaries::find(Some(folder.path()), None)
            .unwrap_err()
            .to_string();
        assert!(error.contains("found 9 in"), "{error}");
    }
}
