//! Injecting, idle, shut in, plugged: what follows what.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{
    CloseShutIn, Decision, InjectionStarted, InjectionStopped, MitRecorded, Operate, ShutIn,
    ShutInClosed, Well, WellPlugged, WellRejection, WellShutIn,
};
use crate::quantity::Hours;
use crate::{Reason, Slug};

/// What a well does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum WellStatus {
    /// Nothing: it may be started.
    #[default]
    Idle,
    /// It injects.
    Injecting {
        /// Since then.
        since: DateTime<Utc>,
    },
    /// It is shut in, and may be started when the cause is closed.
    ShutIn {
        /// Since then.
        since: DateTime<Utc>,
        /// Why.
        reason: Reason,
    },
    /// It is plugged for good.
    Plugged {
        /// Since then.
        at: DateTime<Utc>,
    },
}

/// A well's status, and when it injected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Operation {
    status: WellStatus,
    /// From and until; the last one may be open.
    injected: Vec<(DateTime<Utc>, Option<DateTime<Utc>>)>,
    /// The last change.
    last: Option<DateTime<Utc>>,
}

impl Operation {
    pub(super) fn status(&self) -> &WellStatus {
        &self.status
    }

    /// For how long it injected on a UTC day; until the day's end, if it was not stopped.
    pub(super) fn hours_on(&self, day: NaiveDate) -> Hours {
        let (begin, end) = bounds(day);
        let within = |(from, until): &(DateTime<Utc>, Option<DateTime<Utc>>)| {
            let until = until.map_or(end, |until| until.min(end));
            (until - (*from).max(begin)).max(TimeDelta::zero())
        };
        Hours::full_of_day(self.injected.iter().map(within).sum())
    }

    /// Whether it injected at any moment of a UTC day.
    pub(super) fn injected_on(&self, day: NaiveDate) -> bool {
        let (begin, end) = bounds(day);
        let within = |(from, until): &(DateTime<Utc>, Option<DateTime<Utc>>)| {
            *from < end && until.is_none_or(|until| until > begin)
        };
        self.injected.iter().any(within)
    }

    /// The shut-in that a failed test leads to; `None` where nothing is injected.
    pub(super) fn shut_in_for(&self, test: &MitRecorded, now: DateTime<Utc>) -> Option<WellShutIn> {
        let WellStatus::Injecting { .. } = self.status else {
            return None;
        };
        let MitRecorded {
            mit_kind,
            certificate,
            tested_on,
            ..
        } = test;
        let reason = format!(
            "{mit_kind} mechanical integrity test {certificate} of {tested_on} was failed \
             (40 CFR 146.88(f))"
        );
        Some(WellShutIn {
            at: self.last.map_or(now, |last| last.max(now)),
            reason: reason.parse().ok()?,
            by: test.by.clone(),
        })
    }

    pub(super) fn started(&mut self, at: DateTime<Utc>) {
        self.injected.push((at, None));
        self.change(at, WellStatus::Injecting { since: at });
    }

    pub(super) fn stopped(&mut self, at: DateTime<Utc>) {
        self.change(at, WellStatus::Idle);
    }

    pub(super) fn is_shut_in(&mut self, at: DateTime<Utc>, reason: Reason) {
        self.change(at, WellStatus::ShutIn { since: at, reason });
    }

    pub(super) fn plugged(&mut self, at: DateTime<Utc>) {
        self.change(at, WellStatus::Plugged { at });
    }

    fn change(&mut self, at: DateTime<Utc>, status: WellStatus) {
        if !matches!(status, WellStatus::Injecting { .. })
            && let Some((_, until @ None)) = self.injected.last_mut()
        {
            *until = Some(at);
        }
        self.status = status;
        self.last = Some(at);
    }

    /// When a change happened: not ahead, and not before the last one.
    fn time_of(
        &self,
        well: &Slug,
        at: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<DateTime<Utc>, WellRejection> {
        let Some(at) = at else {
            // Clocks of two machines may differ a little: the order counts.
            return Ok(self.last.map_or(now, |last| last.max(now)));
        };
        if at > now {
            return Err(WellRejection::InTheFuture { at, now });
        }
        match self.last.filter(|last| at < *last) {
            None => Ok(at),
            Some(last) => Err(WellRejection::OutOfOrder {
                slug: well.clone(),
                at,
                last,
            }),
        }
    }
}

/// When a UTC day begins and ends.
fn bounds(day: NaiveDate) -> (DateTime<Utc>, DateTime<Utc>) {
    let begin = day.and_time(NaiveTime::MIN).and_utc();
    let end = begin.checked_add_days(Days::new(1)).unwrap_or(begin);
    (begin, end)
}

impl Well {
    pub(super) fn start(&self, command: Operate) -> Decision {
        let profile = self.in_use()?;
        self.injector()?;
        let slug = profile.slug.clone();
        match self.status() {
            WellStatus::Injecting { since } => {
                let since = *since;
                return Err(WellRejection::Injecting { slug, since });
            }
            WellStatus::ShutIn { .. } => return Err(self.still_shut_in(slug)),
            WellStatus::Idle | WellStatus::Plugged { .. } => {}
        }
        let at = self.operation.time_of(&slug, command.at, command.now)?;
        self.may_inject_on(profile, at.date_naive())?;
        // A start that is told late is of a well that injects now.
        self.may_inject_on(profile, command.now.date_naive())?;
        Ok(vec![InjectionStarted { at, by: command.by }.into()])
    }

    pub(super) fn stop(&self, command: Operate) -> Decision {
        let slug = self.in_use()?.slug.clone();
        let WellStatus::Injecting { .. } = self.status() else {
            return Err(WellRejection::NotInjecting { slug });
        };
        let at = self.operation.time_of(&slug, command.at, command.now)?;
        Ok(vec![InjectionStopped { at, by: command.by }.into()])
    }

    pub(super) fn shut_in(&self, command: ShutIn) -> Decision {
        let slug = self.in_use()?.slug.clone();
        if let WellStatus::ShutIn { .. } = self.status() {
            return Err(self.still_shut_in(slug));
        }
        let at = self.operation.time_of(&slug, command.at, command.now)?;
        let ShutIn { reason, by, .. } = command;
        Ok(vec![WellShutIn { at, reason, by }.into()])
    }

    pub(super) fn close_shut_in(&self, command: CloseShutIn) -> Decision {
        let slug = self.in_use()?.slug.clone();
        let WellStatus::ShutIn { .. } = self.status() else {
            return Err(WellRejection::NotShutIn { slug });
        };
        let at = self.operation.time_of(&slug, command.at, command.now)?;
        let CloseShutIn { remedy, by, .. } = command;
        Ok(vec![ShutInClosed { at, remedy, by }.into()])
    }

    pub(super) fn plug(&self, command: Operate) -> Decision {
        let slug = self.in_use()?.slug.clone();
        if let WellStatus::Injecting { since } = self.status() {
            let since = *since;
            return Err(WellRejection::StillInjecting { slug, since });
        }
        let at = self.operation.time_of(&slug, command.at, command.now)?;
        Ok(vec![WellPlugged { at, by: command.by }.into()])
    }

    fn still_shut_in(&self, slug: Slug) -> WellRejection {
        match self.status() {
            WellStatus::ShutIn { since, reason } => WellRejection::IsShutIn {
                slug,
                since: *since,
                reason: reason.clone(),
            },
            _ => WellRejection::NotShutIn { slug },
        }
    }
}
