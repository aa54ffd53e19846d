//! Witnesses: who must have seen a checkpoint before others are shown it.

mod client;
mod memory;

use sealrock_ledger::{KeyRange, Policy, PolicyError};

pub(crate) use client::{AskError, Client, Question};
pub(crate) use memory::Memory;

/// A ledger that no one has, to read the witnesses' part of a policy by itself.
const NO_LEDGER: &str =
    "log example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\n";

/// The witnesses of an installation: the `witness`, `group` and `quorum` lines of a C2SP
/// tlog-policy, the same for all of its ledgers.
#[derive(Debug, Clone)]
pub struct Witnesses(String);

/// Why the witnesses cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WitnessesError {
    /// The lines are not those of a policy.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The key of a log is the ledger's own matter.
    #[error("line {0} names a log: give the witness, group and quorum lines alone")]
    Log(usize),
    /// Somebody is to be asked, and it is not said where.
    #[error(
        "the quorum cannot be met by the witnesses that have a URL: add where each one takes \
         checkpoints, as `witness <name> <vkey> <url>`"
    )]
    Unreachable,
    /// A URL that is none.
    #[error("the URL of witness {name}: {reason}")]
    Url {
        /// The witness.
        name: String,
        /// What is wrong.
        reason: String,
    },
}

impl Witnesses {
    /// Reads the lines, which end with `quorum <name>`.
    ///
    /// # Errors
    /// [`WitnessesError`], with the line where there is one.
    pub fn parse(lines: &str) -> Result<Self, WitnessesError> {
        let names_log = |line: &str| line.split_whitespace().next() == Some("log");
        if let Some(at) = lines.lines().position(names_log) {
            return Err(WitnessesError::Log(at + 1));
        }
        let this = Self(lines.to_owned());
        let policy: Policy = this.with(NO_LEDGER).parse()?;
        let mut reachable = std::collections::BTreeSet::new();
        for witness in policy.witnesses() {
            let Some(url) = &witness.url else { continue };
            url.parse::<reqwest::Url>()
                .map_err(|e| WitnessesError::Url {
                    name: witness.name.clone(),
                    reason: e.to_string(),
                })?;
            reachable.insert(witness.name.as_str());
        }
        if policy.quorum_met(&reachable) {
            return Ok(this);
        }
        Err(WitnessesError::Unreachable)
    }

    /// The policy of a ledger with these keys and these witnesses.
    ///
    /// # Errors
    /// If a key is malformed.
    pub fn policy(&self, keys: &[KeyRange]) -> Result<Policy, PolicyError> {
        let log = Policy::of_keys(keys).to_string();
        let log: String = log
            .split_inclusive('\n')
            .filter(|line| !line.starts_with("quorum "))
            .collect();
        self.with(&log).parse()
    }

    /// The lines stand first, so that errors name the line of the file.
    fn with(&self, log: &str) -> String {
        format!("{}\n{log}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sealrock_ledger::Cosigner;

    fn witness(name: &str, url: &str) -> String {
        let vkey = Cosigner::generate("w.example").expect("a name").vkey();
        format!("witness {name} {vkey} {url}\n")
    }

    #[test]
    fn the_lines_of_witnesses_become_the_policy_of_each_ledger() {
        let lines = witness("a", "http://127.0.0.1:1/w") + "quorum a\n";
        let key = NO_LEDGER.split_whitespace().nth(1).expect("a key");
        let policy = Witnesses::parse(&lines)
            .expect("a policy")
            .policy(&[KeyRange::only(key)])
            .expect("a policy");
        assert_eq!(policy.witnesses().len(), 1);
        assert!(!policy.quorum_met(&[].into()) && policy.quorum_met(&["a"].into()));
        assert_eq!(policy.keys(), [KeyRange::only(key)]);
    }

    #[test]
    fn what_could_never_be_published_is_refused_at_the_start() {
        let (near, nowhere) = (witness("a", "http://127.0.0.1:1"), witness("b", ""));
        let refused = |lines: String| Witnesses::parse(&lines).expect_err("refused").to_string();
        assert!(refused(format!("{near}{nowhere}group g all a b\nquorum g\n")).contains("URL"));
        assert!(refused(format!("{near}quorum c\n")).contains("line 2"));
        assert!(refused(format!("{near}{NO_LEDGER}quorum a\n")).contains("line 2 names a log"));
        assert!(refused(near.clone()).contains("quorum"));
        assert!(refused(witness("a", "nowhere") + "quorum a\n").contains("witness a"));
        assert!(Witnesses::parse(&format!("{near}{nowhere}group g any a b\nquorum g\n")).is_ok());
    }
}
