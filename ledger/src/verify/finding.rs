//! What does not fit.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Serialize, Serializer};

use crate::{Index, Origin};

/// One thing that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The ledger.
    pub ledger: Origin,
    /// The entry, or the first of a run of neighbours that have the same fault; `None` if it
    /// concerns no single entry.
    pub index: Option<Index>,
    /// The last entry of that run.
    pub through: Option<Index>,
    /// What kind of fault.
    pub cause: Cause,
    /// The fault in words; for a run, that of its first entry.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.ledger)?;
        match (self.index, self.through) {
            (Some(first), Some(last)) if last != first => write!(f, "#{first} to #{last}")?,
            (Some(index), _) => write!(f, "#{index}")?,
            (None, _) => {}
        }
        write!(f, ": {}: {}", self.cause, self.message)
    }
}

macro_rules! causes {
    ($($(#[$doc:meta])* $cause:ident = $code:literal,)*) => {
        /// A kind of fault. Its code (`entry-changed`) never changes its meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Cause { $($(#[$doc])* $cause,)* }

        impl Cause {
            /// The stable code, for programs.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$cause => $code,)* }
            }
        }
    };
}

causes! {
    /// The `policy` file is another policy than the one that was asked for.
    PolicyDiffers = "policy-differs",
    /// The checkpoint is malformed, of another ledger, or not signed by its key.
    CheckpointInvalid = "checkpoint-invalid",
    /// Tiles and entries do not give the hash that vouches for them.
    TreeMismatch = "tree-mismatch",
    /// A tile is not there.
    TileMissing = "tile-missing",
    /// A tile has another length than its name says.
    TileMalformed = "tile-malformed",
    /// A tile holds other hashes than the ones that were signed.
    TileChanged = "tile-changed",
    /// A bundle of entries is not there.
    BundleMissing = "bundle-missing",
    /// A bundle of entries cannot be decoded from an entry on.
    BundleUnreadable = "bundle-unreadable",
    /// An entry's bytes are not the ones that were signed.
    EntryChanged = "entry-changed",
    /// A signed entry is no entry of the format.
    EntryMalformed = "entry-malformed",
    /// A signed entry is not in canonical form.
    EntryNotCanonical = "entry-not-canonical",
    /// A signed entry has a format version that is not known.
    UnknownFormat = "unknown-format",
    /// A signed entry names another position.
    WrongIndex = "wrong-index",
    /// A signed entry names another ledger.
    WrongLedger = "wrong-ledger",
    /// A signed entry does not name the entry before.
    WrongPrev = "wrong-prev",
    /// The log's clock ran backwards.
    ClockBackwards = "clock-backwards",
    /// A stream's versions are not 1, 2, 3, ….
    VersionGap = "version-gap",
    /// A payload is missing or erased, and no entry says why.
    PayloadMissing = "payload-missing",
    /// A payload is not the one that its entry commits to.
    PayloadChanged = "payload-changed",
    /// A bundle of payloads cannot be decoded from an entry's on.
    PayloadUnreadable = "payload-unreadable",
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

/// Collects findings. Neighbours with the same fault become one, so a ledger that is wrong from
/// some entry on has one finding that says so, not a million.
pub(super) struct Findings {
    ledger: Origin,
    list: Vec<Finding>,
    runs: BTreeMap<Cause, usize>,
}

impl Findings {
    pub(super) fn of(ledger: Origin) -> Self {
        Self {
            ledger,
            list: Vec::new(),
            runs: BTreeMap::new(),
        }
    }

    /// `place` is the first and last index concerned.
    pub(super) fn add(&mut self, cause: Cause, place: Option<(u64, u64)>, message: String) {
        if self.continues(cause, place) {
            return;
        }
        self.runs.insert(cause, self.list.len());
        self.list.push(Finding {
            ledger: self.ledger.clone(),
            index: place.map(|(first, _)| Index(first)),
            through: place.map(|(_, last)| Index(last)),
            cause,
            message,
        });
    }

    /// Lengthens the last run of that cause, if `place` follows it.
    fn continues(&mut self, cause: Cause, place: Option<(u64, u64)>) -> bool {
        let (Some((first, last)), Some(run)) = (place, self.runs.get(&cause)) else {
            return false;
        };
        let run = &mut self.list[*run];
        let follows = run
            .through
            .is_some_and(|through| through.next() == Index(first));
        if follows {
            run.through = Some(Index(last));
        }
        follows
    }

    pub(super) fn into_list(self) -> Vec<Finding> {
        self.list
    }
}
