//! Mechanical integrity (40 CFR 146.89): which test counts on which day.

use chrono::{Months, NaiveDate};

use super::{MitKind, MitRecorded, RecordMit, WellRejection};
use crate::Slug;

/// The test of a kind that counts on a day: the newest one made up to then, and of two on one day
/// the one that was recorded last.
fn newest(tests: &[MitRecorded], kind: MitKind, day: NaiveDate) -> Option<&MitRecorded> {
    let made = |test: &&MitRecorded| test.mit_kind == kind && test.tested_on <= day;
    tests.iter().filter(made).max_by_key(|test| test.tested_on)
}

/// Whether no other test of its kind was made later.
pub(super) fn is_newest(tests: &[MitRecorded], test: &MitRecorded) -> bool {
    newest(tests, test.mit_kind, NaiveDate::MAX)
        .is_none_or(|newest| newest.tested_on <= test.tested_on)
}

/// That the well has integrity on a day, inside and outside.
pub(super) fn check(
    tests: &[MitRecorded],
    well: &Slug,
    day: NaiveDate,
) -> Result<(), WellRejection> {
    for mit_kind in [MitKind::Internal, MitKind::External] {
        let found = match newest(tests, mit_kind, day) {
            None => "none was recorded".to_owned(),
            Some(test) if !test.passed => {
                let MitRecorded {
                    certificate,
                    tested_on,
                    ..
                } = test;
                format!("{certificate} of {tested_on} was failed")
            }
            Some(test) if test.valid_until < day => {
                let MitRecorded {
                    certificate,
                    valid_until,
                    ..
                } = test;
                format!("{certificate} ran out on {valid_until}")
            }
            Some(_) => continue,
        };
        let slug = well.clone();
        return Err(WellRejection::NoIntegrity {
            slug,
            mit_kind,
            day,
            found,
        });
    }
    Ok(())
}

/// That a test's days are possible, and that an external one counts for a year at most (146.89(c)).
pub(super) fn check_days(command: &RecordMit) -> Result<(), WellRejection> {
    let RecordMit {
        tested_on,
        valid_until,
        now,
        ..
    } = *command;
    if tested_on > now.date_naive() {
        let at = tested_on.and_time(chrono::NaiveTime::MIN).and_utc();
        return Err(WellRejection::InTheFuture { at, now });
    }
    if valid_until < tested_on {
        return Err(WellRejection::EndsBeforeItBegins {
            what: "integrity test",
            from: tested_on,
            until: valid_until,
        });
    }
    let a_year_later = tested_on.checked_add_months(Months::new(12));
    match a_year_later.filter(|last| command.mit_kind == MitKind::External && valid_until > *last) {
        Some(last) => Err(WellRejection::ExternalTestTooLong {
            until: valid_until,
            last,
        }),
        None => Ok(()),
    }
}
