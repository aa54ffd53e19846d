//! As whom Postgres runs: as ourselves, or, since it refuses to run as root, as `postgres` or `nobody`.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::unistd::{User, geteuid};

use crate::StartError;

/// The user that Postgres' programs run as.
#[derive(Debug, Clone)]
pub(crate) enum Identity {
    /// We are an ordinary user, and Postgres runs as the same.
    Ourselves,
    /// We are root, and Postgres runs as this user.
    Other { name: String, uid: u32, gid: u32 },
}

impl Identity {
    pub(crate) fn choose() -> Result<Self, StartError> {
        if !geteuid().is_root() {
            return Ok(Self::Ourselves);
        }
        ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| User::from_name(name).ok().flatten())
            .map(|user| Self::Other {
                name: user.name,
                uid: user.uid.as_raw(),
                gid: user.gid.as_raw(),
            })
            .ok_or(StartError::NoRunUser)
    }

    /// A command that runs as this user, in a place every user may be in, with nothing of our
    /// environment: a `PGPORT` or `LC_ALL` of the caller's shell must not reach Postgres.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("LC_ALL", "C")
            .env("PATH", "/usr/bin:/bin")
            .current_dir("/");
        if let Self::Other { uid, gid, .. } = self {
            command.uid(*uid).gid(*gid);
        }
        command
    }

    /// Makes a file or folder of ours this user's.
    pub(crate) fn give(&self, path: &Path) -> Result<(), StartError> {
        let Self::Other { uid, gid, .. } = self else {
            return Ok(());
        };
        lchown(path, Some(*uid), Some(*gid)).map_err(StartError::io("change the owner of", path))
    }

    /// Makes the database's folder usable by this user: it may have been copied or restored by
    /// another. Nothing outside `folder` is touched.
    pub(crate) fn take_over(&self, folder: &Path) -> Result<(), StartError> {
        let owner = fs::metadata(folder)
            .map_err(StartError::io("look at", folder))?
            .uid();
        match self {
            Self::Ourselves if owner == geteuid().as_raw() => {}
            Self::Ourselves => {
                let ours = geteuid().as_raw();
                return Err(StartError::ForeignOwner {
                    folder: folder.to_owned(),
                    owner,
                    ours,
                });
            }
            Self::Other { uid, .. } if owner == *uid => {}
            Self::Other { .. } => self.give_all(folder)?,
        }
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
            .map_err(StartError::io("change the mode of", folder))
    }

    fn give_all(&self, path: &Path) -> Result<(), StartError> {
        self.give(path)?;
        let kind = fs::symlink_metadata(path).map_err(StartError::io("look at", path))?;
        if kind.is_dir() {
            for entry in fs::read_dir(path).map_err(StartError::io("list", path))? {
                self.give_all(&entry.map_err(StartError::io("list", path))?.path())?;
            }
        }
        Ok(())
    }

    /// Checks that this user can pass through every folder above `folder` (absolute) and the folder itself.
    /// The user itself is asked, by a shell, because only that counts access lists and groups.
    pub(crate) fn must_reach(&self, folder: &Path) -> Result<(), StartError> {
        let Self::Other { name, .. } = self else {
            return Ok(());
        };
        let mut way: Vec<&Path> = folder.ancestors().collect();
        way.reverse();
        let mut shell = self.command("sh");
        shell.args([
            "-c",
            "for d; do [ -x \"$d\" ] || { printf %s \"$d\"; exit 1; }; done",
            "sh",
        ]);
        let output = shell
            .args(way)
            .output()
            .map_err(StartError::io("check the way to", folder))?;
        if output.status.success() {
            return Ok(());
        }
        let blocked = PathBuf::from(String::from_utf8_lossy(&output.stdout).into_owned());
        Err(StartError::NotTraversable {
            user: name.clone(),
            blocked,
            folder: folder.to_owned(),
        })
    }
}
