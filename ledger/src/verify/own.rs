//! The ledger's own records.

use super::cause::Cause;
use super::observe::PayloadState;
use super::run::Run;
use crate::record::{
    ClockCorrected, LedgerContinued, LogKeyRetired, LogKeyRotated, PayloadRedacted, Record,
    RetentionApplied,
};
use crate::{Entry, PayloadRef};

/// One of them.
pub(super) enum Own {
    Rotated(LogKeyRotated),
    Retired(LogKeyRetired),
    Clock,
    Continued,
    Redacted(PayloadRedacted),
    Retention(RetentionApplied),
}

impl Own {
    /// Reads what an entry of the ledger's own stream says; `None` for what is not known here: a
    /// newer version may have written it.
    pub(super) fn read(entry: &Entry, payload: &PayloadRef<'_>) -> Option<Result<Self, String>> {
        fn of<T: Record>(payload: &PayloadRef<'_>, own: impl Fn(T) -> Own) -> Result<Own, String> {
            if payload.media != "application/json" {
                return Err(format!("its media type is {:?}", payload.media));
            }
            let record = serde_json::from_slice(payload.bytes).map_err(|e| e.to_string())?;
            Ok(own(record))
        }
        macro_rules! known {
            ($($record:ident => $own:expr,)+) => {
                match (entry.kind.as_str(), entry.schema) {
                    $((kind, $record::SCHEMA) if kind == $record::KIND => of::<$record>(payload, $own),)+
                    _ => return None,
                }
            };
        }
        let read = known! {
            LogKeyRotated => Self::Rotated,
            LogKeyRetired => Self::Retired,
            ClockCorrected => |_| Self::Clock,
            LedgerContinued => |_| Self::Continued,
            PayloadRedacted => Self::Redacted,
            RetentionApplied => Self::Retention,
        };
        Some(read.map_err(|reason| format!("it is no {}: {reason}", entry.kind)))
    }
}

/// Whether this actor may write the ledger's own records: a person or a part of the platform.
pub(super) fn may_record(actor: &str) -> bool {
    actor.starts_with("user/") || actor.starts_with("service/")
}

/// Whether a record of the ledger's own stream is of a type and schema that are known.
#[must_use]
pub fn is_known_record(entry: &Entry) -> bool {
    macro_rules! known {
        ($($record:ident)+) => {
            [$(($record::KIND, $record::SCHEMA)),+]
        };
    }
    known!(LogKeyRotated LogKeyRetired ClockCorrected LedgerContinued PayloadRedacted RetentionApplied)
        .contains(&(entry.kind.as_str(), entry.schema))
}

impl<J> Run<'_, J> {
    /// An entry of the ledger's own stream.
    pub(super) fn own(
        &mut self,
        index: u64,
        entry: &Entry,
        payload: PayloadState,
        own: Option<Result<Own, String>>,
    ) {
        if payload != PayloadState::Shown {
            self.keys.unread();
            self.erasures.own_unread();
        }
        let own = match own {
            // A newer version's record may have been of a key.
            None => {
                self.keys.unread();
                return;
            }
            Some(Err(message)) => {
                self.keys.unread();
                self.findings.at(index, Cause::PayloadMalformed, message);
                return;
            }
            Some(Ok(own)) => own,
        };
        let findings = &mut self.findings;
        match own {
            Own::Redacted(record) => {
                self.erasures
                    .record(index, entry, &record.payloads, findings);
                return;
            }
            Own::Retention(record) => {
                self.erasures
                    .record(index, entry, &record.payloads, findings);
                return;
            }
            _ => {}
        }
        if !may_record(&entry.actor) {
            let message = format!("{} may not record a {}", entry.actor, entry.kind);
            findings.at(index, Cause::RecordNotPermitted, message);
            self.keys.unread();
            return;
        }
        match own {
            Own::Rotated(record) => self.keys.rotated(index, &record, findings),
            Own::Retired(record) => self.keys.retired(index, &record.vkey, findings),
            Own::Continued if index > 0 => {
                let message = "a ledger continues another one by its first entry, not later";
                findings.at(index, Cause::RecordNotPermitted, message.into());
            }
            _ => {}
        }
    }
}
