//! The auditor's trust root: C2SP tlog-policy.

use std::fmt;
use std::str::FromStr;

use crate::checkpoint::{CheckpointError, LogVerifier};

/// Which log to trust, and how many witnesses must have seen its checkpoints.
///
/// Of the C2SP tlog-policy language this reads what Sealrock writes: `log <vkey>` and
/// `quorum none`. Other lines are refused rather than passed over, because a policy that is not
/// understood must not be taken for fulfilled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    vkey: String,
}

/// Why a policy cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// A line that is not understood.
    #[error(
        "policy line {line}: {text:?} is not understood; known are `log <vkey>` and `quorum none`"
    )]
    Line {
        /// Line number, from 1.
        line: usize,
        /// The line.
        text: String,
    },
    /// Not exactly one log.
    #[error("the policy names {0} logs; it must name one, by a line `log <vkey>`")]
    Logs(usize),
    /// The log's key is malformed.
    #[error(transparent)]
    Key(#[from] CheckpointError),
}

impl Policy {
    /// Trust the log with this key.
    #[must_use]
    pub fn of_log(vkey: &str) -> Self {
        Self {
            vkey: vkey.to_owned(),
        }
    }

    /// The log's key, ready to verify.
    ///
    /// # Errors
    /// If the key is malformed.
    pub fn verifier(&self) -> Result<LogVerifier, PolicyError> {
        Ok(LogVerifier::new(&self.vkey)?)
    }
}

impl FromStr for Policy {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        let mut logs = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                [] | ["quorum", "none"] => {}
                [first, ..] if first.starts_with('#') => {}
                ["log", vkey] => logs.push(vkey),
                _ => {
                    return Err(PolicyError::Line {
                        line: number + 1,
                        text: line.to_owned(),
                    });
                }
            }
        }
        let [vkey] = logs[..] else {
            return Err(PolicyError::Logs(logs.len()));
        };
        LogVerifier::new(vkey)?;
        Ok(Self::of_log(vkey))
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "log {}\nquorum none", self.vkey)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VKEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

    #[test]
    fn a_policy_survives_its_text() {
        let policy = Policy::of_log(VKEY);
        assert_eq!(
            policy.to_string().parse::<Policy>().expect("its own text"),
            policy
        );
    }

    #[test]
    fn a_policy_that_is_not_understood_is_refused() {
        let with_quorum = format!("log {VKEY}\nquorum all-of-them\n");
        assert!(matches!(
            with_quorum.parse::<Policy>(),
            Err(PolicyError::Line { line: 2, .. })
        ));
        assert!(matches!(
            "# empty\n".parse::<Policy>(),
            Err(PolicyError::Logs(0))
        ));
        assert!(matches!(
            "log nonsense".parse::<Policy>(),
            Err(PolicyError::Key(_))
        ));
    }
}
