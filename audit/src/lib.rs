#![doc = include_str!("../README.md")]

mod archive;
mod directory;
mod edge;
mod export;
mod fsck;
pub mod timestamp;
pub mod verify;

pub use archive::ArchiveSource;
pub use directory::{DirectorySource, Trust, Verified, verify_directory};
pub use export::{ExportError, Exported, Selection, export, export_selected};
pub use fsck::{Code, FsckFinding, FsckReport, fsck};
pub use sealrock_ledger::verify::{CannotRun, Cause, Finding, Progress, Report};
