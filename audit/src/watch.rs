//! An auditor's daemon: looks at ledgers again and again, and says so when something is wrong.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use sealrock_ledger::verify::{CannotRun, Finding, Note};
use sealrock_ledger::{Index, Origin};
use serde::Serialize;

use crate::follow::{Continuity, Extent, Marks, look};
use crate::url::UrlSource;
use crate::verified::{Grounds, Stamp, Verified};
use crate::verify::Facts;

/// An event tells so many findings, and so many notes; the command `verify` tells all.
const FINDINGS: usize = 20;

/// How to watch.
#[derive(Debug, Clone)]
pub struct Watch {
    /// What the auditor brings.
    pub grounds: Grounds,
    /// Where what was seen is kept.
    pub state: PathBuf,
    /// Time between two looks.
    pub interval: Duration,
    /// Looks read what is new; one that reads everything is made at first, so often, and again as
    /// long as it has findings.
    pub whole_every: Duration,
    /// A server that cannot be read for so long is worth an alarm.
    pub away_after: Duration,
    /// A ledger that does not grow for so long is worth an alarm; `None` if it may rest.
    pub still_after: Option<Duration>,
}

/// What a watcher tells.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    /// When, by this machine's clock.
    pub time: DateTime<Utc>,
    /// Which ledger was looked at.
    pub url: String,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum EventKind {
    /// What was read was verified.
    Verified {
        /// The ledger.
        ledger: Origin,
        /// Its number of entries.
        size: u64,
        /// The first entry that was read: 0 where everything was.
        from: Index,
        /// What was verified by now, and by when all at once.
        marks: Option<Marks>,
        /// How much of what was recorded was checked in what was read.
        facts: Facts,
        /// What should be known, such as what was not checked.
        notes: Vec<Note>,
        /// When an authority stamped the checkpoint.
        timestamp: Option<Stamp>,
    },
    /// The ledger does not continue what it showed before.
    Discontinued {
        /// The ledger.
        ledger: Origin,
        /// In what way; with the file of evidence, if there is one.
        continuity: Continuity,
        /// The same in words.
        message: String,
    },
    /// Something does not fit.
    Findings {
        /// The ledger.
        ledger: Origin,
        /// Its number of entries.
        size: u64,
        /// How many there are.
        count: usize,
        /// The first of them.
        findings: Vec<Finding>,
        /// What should be known, such as what was not checked.
        notes: Vec<Note>,
    },
    /// The time stamp of the checkpoint does not verify.
    TimestampInvalid {
        /// The ledger.
        ledger: Origin,
        /// Why not.
        reason: String,
    },
    /// The ledger cannot be read, for longer than it may.
    Away {
        /// Since when, in seconds.
        seconds: u64,
        /// Why.
        reason: String,
    },
    /// A single look did not succeed.
    Unreadable {
        /// Why.
        reason: String,
    },
    /// The ledger can be read again.
    Back,
    /// The ledger has not grown, for longer than it may.
    Still {
        /// The ledger.
        ledger: Origin,
        /// Its number of entries.
        size: u64,
        /// Since when, in seconds.
        seconds: u64,
    },
}

impl EventKind {
    /// Whether somebody should be woken.
    #[must_use]
    pub fn is_alarm(&self) -> bool {
        !matches!(
            self,
            Self::Verified { .. } | Self::Back | Self::Unreadable { .. }
        )
    }
}

/// Ends a watch, also in the middle of a look.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    flag: Arc<AtomicBool>,
    woken: Arc<(Mutex<()>, Condvar)>,
}

impl Stop {
    /// Ends it.
    pub fn stop(&self) {
        let _held = self.woken.0.lock().unwrap_or_else(PoisonError::into_inner);
        self.flag.store(true, Ordering::Relaxed);
        self.woken.1.notify_all();
    }

    fn is_set(&self) -> bool {
        self.flag.load(Ordering::Relaxed)
    }

    fn wait(&self, time: Duration) {
        let held = self.woken.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = |(): &mut ()| !self.is_set();
        drop(self.woken.1.wait_timeout_while(held, time, waiting));
    }
}

/// What a look came to, as a single run's exit code tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// All is well.
    Good,
    /// Something is wrong with the ledger.
    Alarm,
    /// Nothing could be said.
    Unknown,
}

/// One ledger that is watched.
pub struct Watcher<'w> {
    watch: &'w Watch,
    source: UrlSource,
    /// Alarms that were told and still hold are not told again.
    told: BTreeSet<String>,
    read_at: Instant,
    grown_at: Instant,
    size: u64,
}

impl<'w> Watcher<'w> {
    /// Watches the ledger that `source` reads.
    #[must_use]
    pub fn new(watch: &'w Watch, source: UrlSource) -> Self {
        let now = Instant::now();
        Self {
            watch,
            source,
            told: BTreeSet::new(),
            read_at: now,
            grown_at: now,
            size: 0,
        }
    }

    /// Looks until it is stopped. `tell` is called for each event, alarms once as long as they hold.
    pub fn run(&mut self, stop: &Stop, tell: &mut dyn FnMut(Event)) {
        while !stop.is_set() {
            self.once(stop, tell);
            stop.wait(self.watch.interval);
        }
    }

    /// Looks once, at what is new.
    pub fn once(&mut self, stop: &Stop, tell: &mut dyn FnMut(Event)) -> Outcome {
        let Watch { grounds, state, .. } = self.watch;
        let whole_every = self.watch.whole_every;
        let seen = look(
            &self.source,
            grounds,
            state,
            Extent::New { whole_every },
            &stop.flag,
            &mut |_| {},
        );
        if stop.is_set() {
            return Outcome::Unknown;
        }
        let (kinds, outcome) = match seen {
            Ok(verified) => self.seen(verified),
            Err(error) => (self.unread(&error), Outcome::Unknown),
        };
        self.tell(kinds, tell);
        outcome
    }

    fn seen(&mut self, verified: Verified) -> (Vec<EventKind>, Outcome) {
        let now = Instant::now();
        let size = verified.report.size;
        let grown = size > self.size;
        let mut kinds = Vec::new();
        if self.told.contains("away") {
            kinds.push(EventKind::Back);
        }
        self.read_at = now;
        if grown {
            (self.size, self.grown_at) = (size, now);
        }
        let good = verified.is_verified();
        let ledger = verified.report.origin.clone();
        let from = first_read(&verified);
        // The newest entry is read at each look; of a ledger of one that is everything.
        let whole = from == Index(0) && size > 1;
        if good && (grown || whole) {
            kinds.push(EventKind::Verified {
                ledger: ledger.clone(),
                size,
                from,
                marks: verified.marks.clone(),
                facts: verified.facts.clone(),
                notes: first(verified.report.notes.clone()),
                timestamp: verified.timestamp.clone(),
            });
        }
        kinds.extend(faults(verified));
        let seconds = now.duration_since(self.grown_at).as_secs();
        let may_rest = self.watch.still_after.map(|most| most.as_secs());
        if may_rest.is_some_and(|most| seconds > most) {
            kinds.push(EventKind::Still {
                ledger,
                size,
                seconds,
            });
        }
        let outcome = if kinds.iter().any(EventKind::is_alarm) {
            Outcome::Alarm
        } else {
            Outcome::Good
        };
        (kinds, outcome)
    }

    fn unread(&mut self, error: &CannotRun) -> Vec<EventKind> {
        let (reason, away) = (error.to_string(), self.read_at.elapsed());
        let kind = if away > self.watch.away_after {
            let seconds = away.as_secs();
            EventKind::Away { seconds, reason }
        } else {
            EventKind::Unreadable { reason }
        };
        vec![kind]
    }

    /// Tells what is new: an alarm that holds is told once, and once more after it was over.
    fn tell(&mut self, kinds: Vec<EventKind>, tell: &mut dyn FnMut(Event)) {
        let mut holding = BTreeSet::new();
        for kind in kinds {
            let name = name(&kind);
            let known = self.told.contains(&name);
            if kind.is_alarm() {
                holding.insert(name);
            }
            if !(kind.is_alarm() && known) {
                tell(Event {
                    time: Utc::now(),
                    url: self.source.url().to_owned(),
                    kind,
                });
            }
        }
        self.told = holding;
    }
}

/// What makes two alarms the same.
fn name(kind: &EventKind) -> String {
    match kind {
        EventKind::Away { .. } => "away".into(),
        EventKind::Still { .. } => "still".into(),
        EventKind::Findings { findings, .. } => format!("findings {findings:?}"),
        EventKind::Discontinued { continuity, .. } => format!("{continuity:?}"),
        other => format!("{other:?}"),
    }
}

/// The alarms of one look.
fn faults(verified: Verified) -> Vec<EventKind> {
    let mut kinds = Vec::new();
    let ledger = verified.report.origin;
    if let Some(continuity) = verified.continuity.filter(|seen| !seen.is_good()) {
        kinds.push(EventKind::Discontinued {
            ledger: ledger.clone(),
            message: continuity.note(),
            continuity,
        });
    }
    if let Some(Stamp::Invalid { reason }) = verified.timestamp {
        kinds.push(EventKind::TimestampInvalid {
            ledger: ledger.clone(),
            reason,
        });
    }
    let findings = verified.report.findings;
    let count = findings.len();
    if count > 0 {
        kinds.push(EventKind::Findings {
            ledger,
            size: verified.report.size,
            count,
            findings: first(findings),
            notes: first(verified.report.notes),
        });
    }
    kinds
}

fn first<T>(mut all: Vec<T>) -> Vec<T> {
    all.truncate(FINDINGS);
    all
}

fn first_read(verified: &Verified) -> Index {
    let scope = verified.report.shown.scope.as_ref();
    scope
        .and_then(|scope| scope.range)
        .map_or(Index(0), |range| range.first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_is_told_once_while_it_holds_and_again_when_it_comes_back() {
        let watch = Watch {
            grounds: Grounds::default(),
            state: PathBuf::new(),
            interval: Duration::ZERO,
            whole_every: Duration::ZERO,
            away_after: Duration::ZERO,
            still_after: None,
        };
        let source = UrlSource::open("http://127.0.0.1:9/ledger/x", None).expect("a URL");
        let mut watcher = Watcher::new(&watch, source);
        let mut told = Vec::new();
        let away = || EventKind::Away {
            seconds: 1,
            reason: "refused".into(),
        };
        for kinds in [
            vec![away()],
            vec![away()],
            vec![EventKind::Back],
            vec![away()],
        ] {
            watcher.tell(kinds, &mut |event| told.push(event.kind));
        }
        assert_eq!(told, [away(), EventKind::Back, away()]);
    }
}
