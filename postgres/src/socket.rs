//! The folder of the Unix socket: short (a socket's path may have 107 bytes, a data folder's is
//! often longer), private, and the same at every start as long as it is ours.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;
use serde::{Deserialize, Serialize};

use crate::StartError;
use crate::folder::{Folder, write_private};
use crate::identity::Identity;

const LONGEST_SOCKET_PATH: usize = 107;

/// What the data folder remembers. With the data folder's own path, because a copy of the folder
/// must not take the original's socket.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    data_folder: PathBuf,
    socket_folder: PathBuf,
}

/// The socket's folder: the remembered one if it is still ours or can be made again, otherwise a new one.
pub(crate) fn folder(data: &Folder, identity: &Identity) -> Result<PathBuf, StartError> {
    if let Some(known) = remembered(data)
        && (is_private(&known, identity) || make(&known, identity).is_ok())
    {
        return Ok(known);
    }
    let fresh = Path::new("/tmp").join(format!("sealrock-{:016x}", rand::random::<u64>()));
    if socket_in(&fresh).as_os_str().len() > LONGEST_SOCKET_PATH {
        return Err(StartError::SocketPathTooLong(fresh));
    }
    make(&fresh, identity)?;
    remember(data, &fresh)?;
    Ok(fresh)
}

/// The socket itself, named by Postgres after its port.
pub(crate) fn socket_in(folder: &Path) -> PathBuf {
    folder.join(".s.PGSQL.5432")
}

fn remembered(data: &Folder) -> Option<PathBuf> {
    let text = fs::read_to_string(data.socket_note()).ok()?;
    let note: Note = serde_json::from_str(&text).ok()?;
    (note.data_folder == data.root()).then_some(note.socket_folder)
}

fn remember(data: &Folder, socket_folder: &Path) -> Result<(), StartError> {
    let note = Note {
        data_folder: data.root().to_owned(),
        socket_folder: socket_folder.to_owned(),
    };
    write_private(&data.socket_note(), &serde_json::json!(note).to_string())
}

/// `/tmp` is everyone's: a folder of that name may be someone else's by now.
fn is_private(folder: &Path, identity: &Identity) -> bool {
    let owner = match identity {
        Identity::Ourselves => geteuid().as_raw(),
        Identity::Other { uid, .. } => *uid,
    };
    fs::symlink_metadata(folder)
        .is_ok_and(|found| found.is_dir() && found.uid() == owner && found.mode() & 0o777 == 0o700)
}

fn make(folder: &Path, identity: &Identity) -> Result<(), StartError> {
    fs::DirBuilder::new()
        .mode(0o700)
        .create(folder)
        .map_err(StartError::io("create", folder))?;
    identity.give(folder)
}
