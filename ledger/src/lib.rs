#![doc = include_str!("../README.md")]

mod bundle;
mod canonical;
mod checkpoint;
mod cosignature;
mod decimal;
mod entry;
mod envelope;
mod evidence;
mod key;
mod name;
mod note;
mod payload;
mod policy;
mod proof;
pub mod record;
mod tile;
mod tree;
pub mod verify;
mod vkey;

pub use bundle::{
    BundleError, Slot, decode_entries, decode_payloads, encode_entries, encode_payloads,
    payloads_in_place,
};
pub use canonical::canonical_json;
pub use checkpoint::{Checkpoint, CheckpointError, KeyRange, LogVerifier};
pub use cosignature::{CheckError, Checked, Cosignature, Cosigner, WitnessKey};
pub use entry::{Entry, EntryError, MAX_ENTRY_BYTES, micros};
pub use envelope::Envelope;
pub use evidence::{EvidenceError, Fork, ForkEvidence};
pub use key::{LogKey, LogSigner, SignError, sign_checkpoint, verify_statement};
pub use name::{Index, LedgerName, NameError, Origin};
pub use payload::{Payload, PayloadRef, SALT_BYTES, commitment};
pub use policy::{Policy, PolicyError, Threshold, Witness};
pub use proof::{
    AddCheckpoint, ProofError, ProofPlan, TlogProof, check_consistency, check_inclusion,
    latest_cosigned,
};
pub use tile::{TILE_WIDTH, TilePath, TilePathError};
pub use tlog_tiles::Hash;
pub use tree::{Frontier, FrontierError, leaf_hash, subtree_hash};
