//! The auditor's trust root: C2SP tlog-policy.
//!
//! ```text
//! log <vkey> [<url>]                     a key of the ledger; one line for each it has had
//! # <key id> signs <from>..[<through>]   the trees that this key signs, in entries; else all
//! witness <name> <vkey> [<url>]          who may cosign, under a name that only this file uses
//! group <name> <any|all|K> <name>…       counts as one when K of its members do
//! quorum <name|none>                     what must have cosigned a checkpoint; exactly once
//! ```
//!
//! Words are separated by spaces and tabs. Names are defined on a line before they are used, and a
//! name is a member of one group at most, so each witness counts once. Lines that begin with `#`
//! are comments; the one above is ours: other programs pass over it and take the key for all trees.
//!
//! What is not understood is refused rather than passed over, because a policy that is not
//! understood must not be taken for fulfilled.

mod quorum;
mod text;

use std::collections::BTreeSet;
use std::fmt;

pub use quorum::Threshold;

use crate::checkpoint::{CheckpointError, KeyRange, LogVerifier};
use crate::vkey::{KeyType, VerifierKey};
use quorum::Group;

/// Whose checkpoints to trust, and which witnesses must have seen them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    keys: Vec<KeyRange>,
    /// Where the ledger is read, one for each key.
    urls: Vec<Option<String>>,
    witnesses: Vec<Witness>,
    groups: Vec<Group>,
    quorum: Option<String>,
}

/// A witness of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// What it is called in the policy; no white space.
    pub name: String,
    /// Its cosigning key in text form.
    pub vkey: String,
    /// Where checkpoints are sent to be cosigned: the submission prefix of C2SP tlog-witness.
    pub url: Option<String>,
}

/// Why a policy cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// A line that is not understood or not permitted.
    #[error("policy line {line}, {text:?}: {reason}")]
    Line {
        /// Line number, from 1.
        line: usize,
        /// The line.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No log.
    #[error(
        "the policy names no log; it must name one ledger, by a line `log <vkey>` for each key"
    )]
    NoLog,
    /// No quorum.
    #[error(
        "the policy does not say who must have cosigned; end it with `quorum <name>`, or with \
         `quorum none` to trust the log's signature alone"
    )]
    NoQuorum,
    /// Witnesses that cannot be added.
    #[error("the witnesses cannot be used: {0}")]
    Witnesses(String),
    /// The log's keys are malformed or of several ledgers.
    #[error(transparent)]
    Key(#[from] CheckpointError),
}

impl Policy {
    /// Trust the log with this key, for trees of every size, without witnesses.
    #[must_use]
    pub fn of_log(vkey: &str) -> Self {
        Self::of_keys(&[KeyRange::only(vkey)])
    }

    /// Trust the log with these keys, each for the trees of its range, without witnesses.
    #[must_use]
    pub fn of_keys(keys: &[KeyRange]) -> Self {
        Self {
            keys: keys.to_vec(),
            urls: vec![None; keys.len()],
            witnesses: Vec::new(),
            groups: Vec::new(),
            quorum: None,
        }
    }

    /// The same log, with where it is read from.
    #[must_use]
    pub fn with_url(mut self, url: &str) -> Self {
        self.urls = vec![Some(url.to_owned()); self.keys.len()];
        self
    }

    /// The same log, its checkpoints cosigned by as many of these witnesses as `threshold` says:
    /// one group with the name `witnesses`.
    ///
    /// # Errors
    /// If there is no witness, a name or key occurs twice or is malformed, or the threshold is more
    /// than all.
    pub fn with_witnesses(
        self,
        witnesses: &[Witness],
        threshold: Threshold,
    ) -> Result<Self, PolicyError> {
        const GROUP: &str = "witnesses";
        let mut policy = Self {
            witnesses: Vec::new(),
            groups: Vec::new(),
            quorum: Some(GROUP.to_owned()),
            ..self
        };
        for witness in witnesses {
            policy
                .add_witness(witness.clone())
                .map_err(PolicyError::Witnesses)?;
        }
        let group = Group {
            name: GROUP.to_owned(),
            threshold,
            members: witnesses.iter().map(|w| w.name.clone()).collect(),
        };
        policy.add_group(group).map_err(PolicyError::Witnesses)?;
        Ok(policy)
    }

    /// Whether this may be what became of `older`: its keys are the first ones here, and sign the same
    /// trees but that one in use may have been retired. A ledger's keys only become more.
    #[must_use]
    pub fn extends(&self, older: &Self) -> bool {
        let continues = |(old, new): (&KeyRange, &KeyRange)| {
            (&old.vkey, old.from) == (&new.vkey, new.from)
                && (old.through == new.through || old.through.is_none())
        };
        older.keys.len() <= self.keys.len() && older.keys.iter().zip(&self.keys).all(continues)
    }

    /// The log's keys and the trees that each signs.
    #[must_use]
    pub fn keys(&self) -> &[KeyRange] {
        &self.keys
    }

    /// Where the log is read from, if the policy says so.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.urls.iter().flatten().next().map(String::as_str)
    }

    /// The witnesses, those that no quorum asks for too.
    #[must_use]
    pub fn witnesses(&self) -> &[Witness] {
        &self.witnesses
    }

    /// The log's keys, ready to verify.
    ///
    /// # Errors
    /// If a key is malformed, or they are of several ledgers.
    pub fn verifier(&self) -> Result<LogVerifier, PolicyError> {
        Ok(LogVerifier::of(&self.keys)?)
    }

    /// Whether these witnesses, by their names in the policy, are enough.
    #[must_use]
    pub fn quorum_met(&self, cosigned_by: &BTreeSet<&str>) -> bool {
        let Some(quorum) = &self.quorum else {
            return true;
        };
        let mut counted = cosigned_by.clone();
        // Members are defined before their groups, so one pass in that order settles all.
        for group in &self.groups {
            if group.is_met(&counted) {
                counted.insert(&group.name);
            }
        }
        counted.contains(quorum.as_str())
    }

    fn add_witness(&mut self, witness: Witness) -> Result<(), String> {
        self.define(&witness.name)?;
        let key = |vkey: &str| VerifierKey::parse(vkey, KeyType::Witness);
        let new = key(&witness.vkey).map_err(|e| e.to_string())?;
        let known = |other: &&Witness| key(&other.vkey).is_ok_and(|k| k.public() == new.public());
        if let Some(other) = self.witnesses.iter().find(known) {
            return Err(format!("this is the key of {:?} as well", other.name));
        }
        if witness
            .url
            .as_deref()
            .is_some_and(|url| !text::is_word(url))
        {
            return Err("a URL holds no white space or control character".to_owned());
        }
        self.witnesses.push(witness);
        Ok(())
    }

    fn add_group(&mut self, group: Group) -> Result<(), String> {
        self.define(&group.name)?;
        group.check()?;
        for member in &group.members {
            if !self.is_defined(member) {
                return Err(format!("{member:?} is not defined above"));
            }
            if self
                .groups
                .iter()
                .any(|other| other.members.contains(member))
            {
                return Err(format!("{member:?} is a member of another group already"));
            }
        }
        self.groups.push(group);
        Ok(())
    }

    /// Whether a new witness or group may have this name.
    fn define(&self, name: &str) -> Result<(), String> {
        if !text::is_word(name) || name == text::NONE {
            return Err(format!("{name:?} cannot be a name"));
        }
        if self.is_defined(name) {
            return Err(format!("{name:?} is defined already"));
        }
        Ok(())
    }

    fn is_defined(&self, name: &str) -> bool {
        self.witnesses.iter().any(|witness| witness.name == name)
            || self.groups.iter().any(|group| group.name == name)
    }
}

impl fmt::Display for Policy {
    /// The canonical text, which reads back as this policy.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        text::write(self, f)
    }
}

#[cfg(test)]
mod tests;
