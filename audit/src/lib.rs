#![doc = include_str!("../README.md")]

mod archive;
mod directory;
mod edge;
mod export;
mod fsck;
mod http;
mod publish;
mod recompute;
mod stored_tiles;
pub mod timestamp;
pub mod verify;
mod witness;

pub use archive::ArchiveSource;
pub use directory::{DirectorySource, Trust, Verified, verify_directory};
pub use export::{ExportError, Exported, Selection, export, export_selected};
pub use fsck::{Code, FsckFinding, FsckReport, Pace, fsck};
pub use http::{LedgerState, router};
pub use publish::{Lag, PublishError, Published, Publisher, Publishing};
pub use recompute::{Recomputed, recompute};
pub use sealrock_ledger::verify::{CannotRun, Cause, Finding, Progress, Report};
pub use witness::{Witnesses, WitnessesError};
