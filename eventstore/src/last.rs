//! `<ledger>.last`: how far a ledger has come, kept beside its key, where the restore of a database
//! does not take it back.

use std::collections::HashMap;
use std::fs::{DirBuilder, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use sealrock_ledger::{Checkpoint, ForkEvidence, Hash, LedgerName};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::evidence;
use crate::ledgers::LedgerId;
use crate::stops::Stops;

/// The shortest time between two writes.
const PAUSE: Duration = Duration::from_secs(1);

/// The file with the newest signed checkpoint. Several processes may share it.
#[derive(Debug, Clone)]
pub(crate) struct LastFile {
    folder: PathBuf,
    name: LedgerName,
}

impl LastFile {
    pub(crate) fn new(folder: &Path, name: &LedgerName) -> Self {
        Self {
            folder: folder.to_owned(),
            name: name.clone(),
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join(format!("{}.last", self.name))
    }

    /// The signed note in it, if there is one.
    pub(crate) fn read(&self) -> Result<Option<String>, std::io::Error> {
        match std::fs::read_to_string(self.path()) {
            Ok(note) => Ok(Some(note)),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Replaces the checkpoint in it by a later one; an earlier or equal one changes nothing.
    ///
    /// Written aside, synced and renamed under a lock: whoever reads finds a whole one, and it never
    /// goes back. What cannot be read as a checkpoint is left as it is: it may be evidence.
    pub(crate) fn advance(&self, checkpoint: &Checkpoint) -> Result<(), NotAdvanced> {
        let mut folder = DirBuilder::new();
        folder.recursive(true).mode(0o700).create(&self.folder)?;
        let lock = File::create(self.folder.join(format!(".{}.last.lock", self.name)))?;
        lock.lock()?;
        if let Some(note) = self.read()? {
            let (size, root) = tree_of(&note).ok_or(NotAdvanced::Unreadable)?;
            if size == checkpoint.size && root != checkpoint.root.to_string() {
                let shown = self.keep_evidence(&note, checkpoint);
                return Err(NotAdvanced::Contradicted { size, shown });
            }
            if size >= checkpoint.size {
                return Ok(());
            }
        }
        let aside = self.folder.join(format!(".{}.last", self.name));
        let mut file = File::create(&aside)?;
        file.write_all(checkpoint.note.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&aside, self.path())?;
        Ok(File::open(&self.folder)?.sync_all()?)
    }

    /// Both notes in one file; answers what to say of it. The signature of the note that was found
    /// is for whoever reads the evidence to verify.
    fn keep_evidence(&self, found: &str, checkpoint: &Checkpoint) -> String {
        let fork = tree_of(found).and_then(|(size, root)| {
            let root = BASE64_STANDARD.decode(root).ok()?.try_into().ok()?;
            let found = Checkpoint {
                size,
                root: Hash(root),
                note: found.to_owned(),
            };
            ForkEvidence::between(&found, checkpoint, &HashMap::new()).ok()?
        });
        let kept = fork.map(|fork| evidence::keep(&self.folder, &self.name, &fork));
        match kept {
            Some(Ok(file)) => format!("; `sealrock verify {}` shows it", file.display()),
            Some(Err(error)) => format!("; evidence of it could not be kept: {error}"),
            None => String::new(),
        }
    }
}

/// Why the file does not have a checkpoint that was committed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotAdvanced {
    #[error(
        "it holds another root for the tree of {size} entries: another history was signed{shown}"
    )]
    Contradicted { size: u64, shown: String },
    #[error("it holds no checkpoint: move it away and keep it")]
    Unreadable,
    #[error(transparent)]
    File(#[from] std::io::Error),
}

/// Size and root (in base64) that a note speaks of, its signatures not verified.
fn tree_of(note: &str) -> Option<(u64, &str)> {
    let mut lines = note.lines().skip(1);
    Some((lines.next()?.parse().ok()?, lines.next()?))
}

/// Writes the newest checkpoint of a writer into its file: at most once a second, and at its end.
/// Nobody waits for it, because the database has the checkpoint already: what a crash keeps from
/// the file was committed, and is found there.
pub(crate) struct LastKeeper {
    newest: watch::Sender<Option<Checkpoint>>,
    /// Dropped at the end: then it no longer waits out the second.
    ending: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl LastKeeper {
    pub(crate) fn start(file: LastFile, ledger: LedgerId, stops: Arc<Stops>) -> Self {
        let (newest, to_write) = watch::channel(None);
        let (ending, ended) = oneshot::channel();
        let task = tokio::spawn(keep(file, to_write, ended, ledger, stops));
        Self {
            newest,
            ending,
            task,
        }
    }

    /// This checkpoint is committed.
    pub(crate) fn committed(&self, checkpoint: Checkpoint) {
        self.newest.send_replace(Some(checkpoint));
    }

    /// Returns when the newest checkpoint is in the file.
    pub(crate) async fn finish(self) {
        let Self {
            newest,
            ending,
            task,
        } = self;
        drop((newest, ending));
        // A keeper that panicked has written nothing; the database still has all.
        let _ = task.await;
    }
}

async fn keep(
    file: LastFile,
    mut newest: watch::Receiver<Option<Checkpoint>>,
    mut ended: oneshot::Receiver<()>,
    ledger: LedgerId,
    stops: Arc<Stops>,
) {
    let mut ending = false;
    while newest.changed().await.is_ok() {
        let checkpoint = newest.borrow_and_update().clone();
        let Some(checkpoint) = checkpoint else {
            continue;
        };
        let (into, place) = (file.clone(), file.path());
        let written = tokio::task::spawn_blocking(move || into.advance(&checkpoint)).await;
        match written {
            Ok(Ok(())) => {}
            Ok(Err(error @ NotAdvanced::Contradicted { .. })) => {
                stops.stop(ledger, &format!("{}: {error}", place.display()));
            }
            Ok(Err(error)) => {
                tracing::error!(%error, file = %place.display(), "cannot note how far the ledger has come");
            }
            Err(error) => tracing::error!(%error, "cannot note how far the ledger has come"),
        }
        tokio::select! {
            // The receiver may not be asked again once it has answered.
            _ = &mut ended, if !ending => ending = true,
            () = tokio::time::sleep(PAUSE), if !ending => {}
            else => {}
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]
mod tests {
    use super::*;
    use sealrock_ledger::{LogKey, LogVerifier, Origin};

    struct Fixture {
        folder: tempfile::TempDir,
        file: LastFile,
        key: LogKey,
    }

    fn fixture() -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        let name = "northsea".parse().unwrap();
        Fixture {
            file: LastFile::new(&folder.path().join("keys"), &name),
            key: LogKey::generate(&Origin::new("sealrock.test", &name)).unwrap(),
            folder,
        }
    }

    impl Fixture {
        fn signed(&self, size: u64, root: u8) -> Checkpoint {
            self.key.sign(size, Hash([root; 32])).unwrap()
        }

        fn size(&self) -> u64 {
            tree_of(&self.file.read().unwrap().unwrap()).unwrap().0
        }
    }

    #[test]
    fn it_goes_forwards_only_and_is_the_signed_note_itself() {
        let f = fixture();
        assert_eq!(f.file.read().unwrap(), None);
        for (signed, then) in [(3, 3), (2, 3), (7, 7), (7, 7)] {
            f.file.advance(&f.signed(signed, 1)).unwrap();
            assert_eq!(f.size(), then);
        }
        assert_eq!(f.file.read().unwrap().unwrap(), f.signed(7, 1).note);
    }

    #[test]
    fn another_root_for_the_same_size_is_a_contradiction_and_changes_nothing() {
        let f = fixture();
        f.file.advance(&f.signed(3, 1)).unwrap();
        let other = f.file.advance(&f.signed(3, 2));
        assert!(
            matches!(other, Err(NotAdvanced::Contradicted { size: 3, .. })),
            "{other:?}"
        );
        assert_eq!(f.file.read().unwrap().unwrap(), f.signed(3, 1).note);
        // A file is kept that shows it to whoever has the public key.
        let why = other.unwrap_err().to_string();
        let kept = why.split('`').nth(1).unwrap();
        let kept = std::fs::read(kept.strip_prefix("sealrock verify ").unwrap()).unwrap();
        let verifier = LogVerifier::new(f.key.vkey()).unwrap();
        let fork = ForkEvidence::parse(&kept)
            .unwrap()
            .verify(&verifier)
            .unwrap();
        assert_eq!((fork.older.size, fork.newer.size), (3, 3));
    }

    #[test]
    fn what_is_no_checkpoint_is_left_as_it_is() {
        let f = fixture();
        f.file.advance(&f.signed(3, 1)).unwrap();
        std::fs::write(f.file.path(), "sealrock").unwrap();
        let refused = f.file.advance(&f.signed(4, 1));
        assert!(
            matches!(refused, Err(NotAdvanced::Unreadable)),
            "{refused:?}"
        );
        assert_eq!(f.file.read().unwrap().unwrap(), "sealrock");
    }

    #[test]
    fn of_many_that_write_at_once_the_latest_stays() {
        let f = fixture();
        std::thread::scope(|scope| {
            for size in 1..40 {
                let f = &f;
                scope.spawn(move || f.file.advance(&f.signed(size, 1)).unwrap());
            }
        });
        assert_eq!(f.size(), 39);
        assert!(f.folder.path().join("keys/northsea.last").is_file());
    }

    #[tokio::test]
    async fn the_newest_is_in_the_file_at_the_end() {
        let f = fixture();
        let keeper = LastKeeper::start(f.file.clone(), LedgerId(1), Arc::default());
        for size in 1..=50 {
            keeper.committed(f.signed(size, 1));
            tokio::task::yield_now().await;
        }
        keeper.finish().await;
        assert_eq!(f.size(), 50);
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_does_not_wait_out_the_pause() {
        let f = fixture();
        let keeper = LastKeeper::start(f.file.clone(), LedgerId(1), Arc::default());
        keeper.committed(f.signed(1, 1));
        while f.file.read().unwrap().is_none() {
            tokio::task::yield_now().await;
        }
        let began = tokio::time::Instant::now();
        keeper.committed(f.signed(2, 1));
        keeper.finish().await;
        assert_eq!(began.elapsed(), Duration::ZERO);
        assert_eq!(f.size(), 2);
    }
}
