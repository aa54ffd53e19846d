//! What does not fit in the database.

use std::collections::BTreeMap;
use std::fmt;

use sealrock_ledger::{Index, Origin};
use serde::{Serialize, Serializer};

/// One thing that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FsckFinding {
    /// The ledger.
    pub ledger: Origin,
    /// What kind of fault.
    pub code: Code,
    /// The row: its table and key, such as `tiles level 0 n 3`.
    pub place: String,
    /// The entry, or the first of a run of neighbours that have the same fault; `None` if it
    /// concerns no single entry.
    pub index: Option<Index>,
    /// The last entry of that run.
    pub through: Option<Index>,
    /// What is wrong; for a run, with its first entry.
    pub cause: String,
    /// What to do now.
    pub next_step: String,
}

impl fmt::Display for FsckFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            ledger,
            code,
            place,
            cause,
            next_step,
            ..
        } = self;
        write!(f, "{ledger}: {code}: {place}")?;
        if let (true, Some(last)) = (self.index != self.through, self.through) {
            write!(f, " and all through {last}")?;
        }
        write!(f, ": {cause}. Next: {next_step}")
    }
}

const RESTORE: &str = "stop writing, keep the database as evidence, and restore these rows from a \
    backup or an export that `sealrock verify` passes";
const DERIVED: &str = "the entries are the truth: stop the server and set the row right as the \
    role sealrock_owner, then run fsck again";

macro_rules! codes {
    ($($(#[$doc:meta])* $code:ident = $text:literal, $next:expr;)*) => {
        /// A kind of fault. Its text (`entry-changed`) never changes its meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $($(#[$doc])* $code,)* }

        impl Code {
            /// The stable code, for programs.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$code => $text,)* }
            }

            fn next_step(self) -> &'static str {
                match self { $(Self::$code => $next,)* }
            }
        }
    };
}

codes! {
    /// Entries are not there.
    EventMissing = "event-missing", RESTORE;
    /// An entry's bytes are not the ones that its leaf hash and successor speak of.
    EntryChanged = "entry-changed", RESTORE;
    /// An entry is no entry of the format, or not in canonical form.
    EntryMalformed = "entry-malformed", RESTORE;
    /// An entry's index, ledger, prev, clock or version does not follow the one before.
    EntryMisplaced = "entry-misplaced", RESTORE;
    /// The stored leaf hash is not that of the entry.
    LeafHashChanged = "leaf-hash-changed", DERIVED;
    /// A column does not repeat what the entry says.
    ColumnDiffers = "column-differs", DERIVED;
    /// An entry has no payload, and no entry erases it.
    PayloadMissing = "payload-missing", RESTORE;
    /// A payload is not the one that its entry commits to.
    PayloadChanged = "payload-changed", RESTORE;
    /// A payload stands in the wrong table or day, or twice.
    PayloadMisplaced = "payload-misplaced", DERIVED;
    /// A payload belongs to no entry.
    PayloadStray = "payload-stray", DERIVED;
    /// An entry erases a payload, and it is still there.
    ErasureUnfinished = "erasure-unfinished", "the server deletes it by itself once every read model has \
        folded that entry, see `sealrock projections status`; if it does not, delete that entry's row \
        of sealrock.erasures as the role sealrock_erase, and the server does it again";
    /// An erasure is noted as finished that no entry decides.
    ErasureStray = "erasure-stray", DERIVED;
    /// An entry belongs to no command or to several, or a command to no entries.
    CommandRange = "command-range", DERIVED;
    /// A command is not the one that its entries name.
    CommandDiffers = "command-differs", DERIVED;
    /// A commit's checkpoint is not there.
    CheckpointMissing = "checkpoint-missing", RESTORE;
    /// A checkpoint does not verify with the ledger's key.
    CheckpointInvalid = "checkpoint-invalid", RESTORE;
    /// A signed root is not that of the entries: some before it are not the ones that were signed.
    RootMismatch = "root-mismatch", RESTORE;
    /// A full tile is not there.
    TileMissing = "tile-missing", DERIVED;
    /// A tile holds other hashes than the entries give.
    TileChanged = "tile-changed", DERIVED;
    /// A tile is of no full row of entries.
    TileStray = "tile-stray", DERIVED;
    /// The head row does not speak of the last entry.
    HeadDiffers = "head-differs", RESTORE;
    /// A log key's row is not what the entries say of that key.
    KeyDiffers = "key-differs", "the entries are the truth: stop the server, find out who changed the row, set it \
        right as the role sealrock_owner, then run fsck again; see that no checkpoint is about that a \
        key signed out of its turn";
    /// A role can do more than it may, or less than it must.
    Grant = "grant", "as superuser";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

/// Collects findings. Neighbours with the same fault become one.
pub(super) struct Findings {
    ledger: Origin,
    list: Vec<FsckFinding>,
    runs: BTreeMap<Code, usize>,
}

impl Findings {
    pub(super) fn of(ledger: Origin) -> Self {
        Self {
            ledger,
            list: Vec::new(),
            runs: BTreeMap::new(),
        }
    }

    /// A fault of a row that is no single entry's.
    pub(super) fn add(&mut self, code: Code, place: impl Into<String>, cause: impl Into<String>) {
        self.push(
            code,
            place.into(),
            None,
            cause.into(),
            code.next_step().to_owned(),
        );
    }

    /// A fault of one entry, or of the entries from the first through the last index.
    pub(super) fn at(
        &mut self,
        code: Code,
        table: &str,
        (first, last): (u64, u64),
        cause: impl Into<String>,
    ) {
        if let Some(run) = self.runs.get(&code).map(|at| &mut self.list[*at]) {
            let follows = run
                .through
                .is_some_and(|through| through.next() == Index(first));
            if follows && run.place.starts_with(table) {
                run.through = Some(Index(last));
                return;
            }
        }
        self.runs.insert(code, self.list.len());
        let place = format!("{table} index {first}");
        let range = Some((Index(first), Index(last)));
        self.push(
            code,
            place,
            range,
            cause.into(),
            code.next_step().to_owned(),
        );
    }

    /// A right that is wrong, and the statement that mends it.
    pub(super) fn grant(&mut self, place: String, cause: String, statement: &str) {
        let next_step = format!("{statement} ({})", Code::Grant.next_step());
        self.push(Code::Grant, place, None, cause, next_step);
    }

    fn push(
        &mut self,
        code: Code,
        place: String,
        range: Option<(Index, Index)>,
        cause: String,
        next_step: String,
    ) {
        let (index, through) = range.unzip();
        let ledger = self.ledger.clone();
        self.list.push(FsckFinding {
            ledger,
            code,
            place,
            index,
            through,
            cause,
            next_step,
        });
    }

    pub(super) fn into_list(self) -> Vec<FsckFinding> {
        self.list
    }
}
