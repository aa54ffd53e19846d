//! Which batches retention may erase: old ones that a seal holds and that nobody cites.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use sealrock_domain::Slug;
use sealrock_domain::telemetry::window::WindowSealed;
use sealrock_eventstore::{Erasure, IndexSet, LedgerInfo, Recorded, StoreError, Why, read_listed};
use sealrock_ledger::Index;
use sealrock_ledger::record::IndexRange;
use serde::Serialize;

use crate::commands::{Commands, ledger_name};
use crate::erasing::{MAX_ERASED, MAX_RANGES};
use crate::error::CommandError;
use crate::unsealed::{sealed, window};

/// Batches looked at a time.
const PAGE: u32 = 100;

/// Windows that are remembered. One that was forgotten is looked up again.
const WINDOWS: usize = 1_000;

/// What retention would erase, and what it leaves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RetentionPlan {
    /// What to erase, an entry each: whole windows, so that a seal speaks for all of its batches or
    /// for none.
    pub erase: Vec<Vec<IndexRange>>,
    /// Windows whose batches are erased.
    pub windows: u64,
    /// Batches that are erased.
    pub batches: u64,
    /// Batches that are as old and are kept, by the reason.
    pub kept: BTreeMap<Kept, u64>,
}

/// Why a batch is kept though it is old.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// No seal holds it.
    Unsealed,
    /// Its seal, or a batch of its window, is cited as evidence.
    Cited,
    /// Its window has batches that were recorded later.
    WindowIsYounger,
    /// A batch of its window was redacted after the seal: the seal says more than what is left.
    WindowRedacted,
    /// Its window has more batches than one entry can erase.
    WindowTooLarge,
    /// It cannot be read as a batch, so its window is not known.
    Unreadable,
}

impl Kept {
    /// The reason, in words.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Unsealed => "no seal holds them yet",
            Self::Cited => "cited as evidence",
            Self::WindowIsYounger => "their window has younger batches",
            Self::WindowRedacted => {
                "a batch of their window was redacted, so its seal says more than what is left"
            }
            Self::WindowTooLarge => "their window has more batches than one entry can erase",
            Self::Unreadable => "not readable as a batch: run `sealrock fsck`",
        }
    }
}

/// What becomes of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Erased,
    Kept(Kept),
}

/// The newest seal of a window.
struct Live {
    seal: WindowSealed,
    fate: Fate,
}

/// What is known while batches are looked through.
struct Survey<'a> {
    commands: &'a Commands,
    ledger: &'a LedgerInfo,
    before: DateTime<Utc>,
    erased: IndexSet,
    redacted: IndexSet,
    cited: HashSet<String>,
    /// By stream; `None` for a window without a seal.
    windows: HashMap<String, Option<Live>>,
    plan: RetentionPlan,
    /// The entry that is being filled.
    next: IndexSet,
}

impl Commands {
    /// Which batches of an organisation that were recorded before `before` may be erased. Reads the
    /// ledger, changes nothing.
    ///
    /// # Errors
    /// [`CommandError::NotFound`] for an organisation that does not exist; if the ledger cannot be
    /// read.
    pub async fn plan_retention(
        &self,
        organisation: &Slug,
        before: DateTime<Utc>,
    ) -> Result<RetentionPlan, CommandError> {
        let ledger = self.store.existing(&ledger_name(organisation)?).await?;
        let mut survey = Survey::begin(self, &ledger, before).await?;
        let mut after = None;
        loop {
            let page = self
                .store
                .batches_before(ledger.id, before, after, PAGE)
                .await?;
            let Some(last) = page.last() else { break };
            after = Some(*last);
            survey.page(&page).await?;
        }
        Ok(survey.end())
    }
}

impl<'a> Survey<'a> {
    async fn begin(
        commands: &'a Commands,
        ledger: &'a LedgerInfo,
        before: DateTime<Utc>,
    ) -> Result<Self, StoreError> {
        let erasures = commands.store.erasures(ledger, 0).await?;
        let set = |which: fn(&Erasure) -> bool| {
            let wanted = erasures.iter().filter(|erasure| which(erasure));
            wanted
                .flat_map(|erasure| erasure.payloads.clone())
                .collect()
        };
        Ok(Self {
            commands,
            ledger,
            before,
            erased: set(|_| true),
            redacted: set(|erasure| matches!(erasure.why, Why::Redacted(_))),
            cited: commands.store.cited().await?,
            windows: HashMap::new(),
            plan: RetentionPlan::default(),
            next: IndexSet::default(),
        })
    }

    async fn page(&mut self, indexes: &[Index]) -> Result<(), StoreError> {
        // Decided already, and deleted as soon as every read model has folded it.
        let left = indexes
            .iter()
            .filter(|index| !self.erased.contains(**index));
        let left: Vec<Index> = left.copied().collect();
        let mut connection = self.commands.store.pool().acquire().await?;
        let recorded = read_listed(&mut connection, self.ledger.id, &left).await?;
        drop(connection);
        for recorded in &recorded {
            if let Fate::Kept(why) = self.fate(recorded).await? {
                *self.plan.kept.entry(why).or_default() += 1;
            }
        }
        Ok(())
    }

    async fn fate(&mut self, recorded: &Recorded) -> Result<Fate, StoreError> {
        let index = recorded.entry.index;
        if self.erased.contains(index) {
            return Ok(Fate::Erased);
        }
        let Some(stream) = window(recorded) else {
            let fate = if self.is_cited(index) {
                Kept::Cited
            } else {
                Kept::Unreadable
            };
            return Ok(Fate::Kept(fate));
        };
        if !self.windows.contains_key(&stream) {
            if self.windows.len() >= WINDOWS {
                self.windows.clear();
            }
            let live = self.live(&stream).await?;
            self.windows.insert(stream.clone(), live);
        }
        let live = self.windows.get(&stream).and_then(Option::as_ref);
        Ok(match live {
            Some(live) if live.seal.holds(index.0) => live.fate,
            _ => Fate::Kept(Kept::Unsealed),
        })
    }

    /// The newest seal of a window; what it holds is put on the list if it may be erased.
    async fn live(&mut self, stream: &str) -> Result<Option<Live>, StoreError> {
        let seals = self
            .commands
            .store
            .read_stream(self.ledger.id, stream, 0)
            .await?;
        let indexes: Vec<Index> = seals.iter().map(|seal| seal.entry.index).collect();
        let Some(seal) = seals.last().and_then(sealed) else {
            return Ok(None);
        };
        let why = self.why_kept(&seal, &indexes).await?;
        let fate = match why {
            Some(why) => Fate::Kept(why),
            None => self.erase(&seal),
        };
        Ok(Some(Live { seal, fate }))
    }

    async fn why_kept(
        &self,
        seal: &WindowSealed,
        seals: &[Index],
    ) -> Result<Option<Kept>, StoreError> {
        let batches = || seal.indexes().map(Index);
        if seals
            .iter()
            .copied()
            .chain(batches())
            .any(|one| self.is_cited(one))
        {
            return Ok(Some(Kept::Cited));
        }
        if batches().any(|index| self.redacted.contains(index)) {
            return Ok(Some(Kept::WindowRedacted));
        }
        let last = Index(seal.last_entry().unwrap_or_default());
        let last = self.commands.store.read(self.ledger.id, last, 1).await?;
        let is_past = last.iter().all(|last| last.entry.recorded_at < self.before);
        Ok((!is_past).then_some(Kept::WindowIsYounger))
    }

    fn erase(&mut self, seal: &WindowSealed) -> Fate {
        let left = seal.indexes().map(Index);
        let left = left.filter(|index| !self.erased.contains(*index));
        let window: IndexSet = left.map(|index| IndexRange::from((index, index))).collect();
        let together: IndexSet = self.next.ranges().chain(window.ranges()).collect();
        let fits = |set: &IndexSet| set.count() <= MAX_ERASED && set.ranges().count() <= MAX_RANGES;
        if window.is_empty() {
            return Fate::Erased;
        }
        if !fits(&window) {
            return Fate::Kept(Kept::WindowTooLarge);
        }
        window.ranges().for_each(|range| self.erased.insert(range));
        self.plan.windows += 1;
        self.plan.batches += window.count();
        if fits(&together) {
            self.next = together;
        } else {
            self.finish_entry();
            self.next = window;
        }
        Fate::Erased
    }

    fn finish_entry(&mut self) {
        let full = std::mem::take(&mut self.next);
        if !full.is_empty() {
            self.plan.erase.push(full.ranges().collect());
        }
    }

    fn end(mut self) -> RetentionPlan {
        self.finish_entry();
        self.plan
    }

    fn is_cited(&self, index: Index) -> bool {
        // Almost always there is nothing to look up.
        !self.cited.is_empty()
            && self
                .cited
                .contains(&format!("{}#{index}", self.ledger.origin))
    }
}
