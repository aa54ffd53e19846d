#![doc = include_str!("../README.md")]

mod archive;
mod directory;
mod edge;
mod export;
mod follow;
mod fsck;
mod http;
mod proofs;
mod publish;
mod recompute;
mod stored_tiles;
pub mod timestamp;
mod url;
mod verified;
pub mod verify;
mod watch;
mod witness;

pub use archive::ArchiveSource;
pub use directory::DirectorySource;
pub use export::{ExportError, Exported, Selection, export, export_published, export_selected};
pub use follow::{Continuity, Extent, Marks, State, WholeLook, look};
pub use fsck::{Code, FsckFinding, FsckReport, Pace, fsck};
pub use http::{Begun, Exports, LedgerState, Readers, router};
pub use proofs::{FileKind, ProofFailure, verify_fork, verify_proof};
pub use publish::{Lag, PublishError, Published, Publisher, Publishing};
pub use recompute::{Recomputed, recompute};
pub use sealrock_ledger::verify::{CannotRun, Cause, Finding, Progress, Report};
pub use url::{SignIn, UrlSource};
pub use verified::{
    Grounds, Stamp, Trust, Verified, read_policy, verify_directory, verify_files, verify_source,
};
pub use watch::{Event, EventKind, Outcome, Stop, Watch, Watcher};
pub use witness::{Witnesses, WitnessesError};
