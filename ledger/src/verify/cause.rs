//! The kinds of faults, by stable codes.

use std::fmt;

use serde::{Serialize, Serializer};

/// What a fault concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// What was signed is not what is there, or what is there contradicts itself.
    Integrity,
    /// It is what was signed, but not in the form that the format asks for.
    Form,
}

macro_rules! causes {
    ($($(#[$doc:meta])* $cause:ident = $code:literal $class:ident,)*) => {
        /// A kind of fault. Its code (`entry-changed`) never changes its meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Cause { $($(#[$doc])* $cause,)* }

        impl Cause {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$cause),*];

            /// The stable code, for programs.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$cause => $code,)* }
            }

            /// What it concerns.
            #[must_use]
            pub fn class(self) -> Class {
                match self { $(Self::$cause => Class::$class,)* }
            }
        }
    };
}

causes! {
    /// The `policy` file is another policy than the one that was asked for.
    PolicyDiffers = "policy-differs" Integrity,
    /// The `scope` file cannot be read, or promises what the ledger does not have.
    ScopeInvalid = "scope-invalid" Integrity,
    /// The checkpoint is malformed, of another ledger, or not signed by its key.
    CheckpointInvalid = "checkpoint-invalid" Integrity,
    /// Tiles and entries do not give the hash that vouches for them.
    TreeMismatch = "tree-mismatch" Integrity,
    /// A tile is not there.
    TileMissing = "tile-missing" Integrity,
    /// A tile has another length than its name says.
    TileMalformed = "tile-malformed" Integrity,
    /// A tile holds other hashes than the ones that were signed.
    TileChanged = "tile-changed" Integrity,
    /// A bundle of entries is not there.
    BundleMissing = "bundle-missing" Integrity,
    /// A bundle of entries cannot be decoded from an entry on.
    BundleUnreadable = "bundle-unreadable" Integrity,
    /// An entry's bytes are not the ones that were signed.
    EntryChanged = "entry-changed" Integrity,
    /// A signed entry is no entry of the format.
    EntryMalformed = "entry-malformed" Form,
    /// A signed entry is not in canonical form.
    EntryNotCanonical = "entry-not-canonical" Form,
    /// A signed entry has a format version that is not known.
    UnknownFormat = "unknown-format" Form,
    /// A signed entry names another position.
    WrongIndex = "wrong-index" Integrity,
    /// A signed entry names another ledger.
    WrongLedger = "wrong-ledger" Integrity,
    /// A signed entry does not name the entry before.
    WrongPrev = "wrong-prev" Integrity,
    /// The log's clock ran backwards.
    ClockBackwards = "clock-backwards" Integrity,
    /// A stream's versions are not 1, 2, 3, ….
    VersionGap = "version-gap" Integrity,
    /// A payload is missing or erased, and no entry says why.
    PayloadMissing = "payload-missing" Integrity,
    /// A payload is withheld that the package promises.
    PayloadWithheld = "payload-withheld" Integrity,
    /// A payload is not the one that its entry commits to.
    PayloadChanged = "payload-changed" Integrity,
    /// A bundle of payloads cannot be decoded from an entry's on.
    PayloadUnreadable = "payload-unreadable" Integrity,
    /// A signed payload of an event is not in canonical form.
    PayloadNotCanonical = "payload-not-canonical" Form,
    /// A signed payload is not what its entry's type and schema say.
    PayloadMalformed = "payload-malformed" Form,
    /// An entry erases what must not be erased, or was written by one who may not erase.
    ErasureNotPermitted = "erasure-not-permitted" Integrity,
    /// A record of the ledger itself in a place where it cannot be, or by one who may not write it.
    RecordNotPermitted = "record-not-permitted" Integrity,
    /// A log key was changed without both keys' signatures, or a key that was not in use.
    LogKeyInvalid = "log-key-invalid" Integrity,
    /// The policy's keys or their ranges are not those that the ledger records.
    PolicyKeysDiffer = "policy-keys-differ" Integrity,
    /// The checkpoint is signed by a key that does not sign trees of its size any more or yet, or
    /// not by one that does.
    CheckpointKeys = "checkpoint-keys" Integrity,
    /// Fewer of the policy's witnesses than it asks for cosigned the checkpoint.
    QuorumMissing = "quorum-missing" Integrity,
    /// A batch of a device that no entry before registers.
    DeviceUnknown = "device-unknown" Integrity,
    /// A batch without a signature, of a device that must sign.
    BatchUnsigned = "batch-unsigned" Integrity,
    /// A batch is signed by a key that is not the device's at that entry.
    DeviceKeyNotValid = "device-key-not-valid" Integrity,
    /// A batch's signature does not fit.
    DeviceSignatureInvalid = "device-signature-invalid" Integrity,
    /// Seqs below one that is sealed are in no entry, and no entry names the gap.
    SeqGap = "seq-gap" Integrity,
    /// Two batches of a device have the same boot and seq.
    SeqTwice = "seq-twice" Integrity,
    /// A seal does not say what its batches are.
    SealMismatch = "seal-mismatch" Integrity,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Cause {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}
