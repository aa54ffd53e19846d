//! Which node this is: the one of its data folder, of which there is one at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use anyhow::Context as _;
use sealrock_projections::device_status::NodeId;
use uuid::Uuid;

/// The node of a data folder, until it is dropped or the process ends.
pub(super) struct Identity {
    /// The same at every start.
    pub id: NodeId,
    _locked: File,
}

impl Identity {
    /// Takes the folder, which must be there, for this process.
    ///
    /// # Errors
    /// If another server has it, with the way out; if it cannot be written.
    pub(super) fn of(data: &Path) -> anyhow::Result<Self> {
        let path = data.join("node.id");
        let file = || format!("the node's own file {}", path.display());
        let mut locked = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .with_context(file)?;
        match locked.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => anyhow::bail!(
                "another server runs on the data folder {}: stop it first, or give this one a \
                 folder of its own by --data; several nodes share a Postgres by DATABASE_URL",
                data.display()
            ),
            Err(TryLockError::Error(error)) => return Err(error).with_context(file),
        }
        let mut text = String::new();
        locked.read_to_string(&mut text).with_context(file)?;
        let id = match text.trim().parse() {
            Ok(id) => id,
            // New, or cut off by a crash.
            Err(_) => write_new(&mut locked).with_context(file)?,
        };
        Ok(Self {
            id: NodeId(id),
            _locked: locked,
        })
    }
}

fn write_new(file: &mut File) -> std::io::Result<Uuid> {
    let id = Uuid::now_v7();
    file.rewind()?;
    file.set_len(0)?;
    writeln!(file, "{id}")?;
    Ok(id)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_one_node_at_a_time_and_the_same_at_every_start() {
        let data = tempfile::tempdir().unwrap();
        let first = Identity::of(data.path()).unwrap();
        let Err(error) = Identity::of(data.path()) else {
            panic!("two servers on one folder")
        };
        let error = error.to_string();
        assert!(
            error.contains("--data") && error.contains("DATABASE_URL"),
            "{error}"
        );
        let id = first.id;
        drop(first);
        assert_eq!(Identity::of(data.path()).unwrap().id, id);

        std::fs::write(data.path().join("node.id"), "0192").unwrap();
        let new = Identity::of(data.path()).unwrap().id;
        assert_ne!(new, id);
        assert_eq!(Identity::of(data.path()).unwrap().id, new);
    }
}
