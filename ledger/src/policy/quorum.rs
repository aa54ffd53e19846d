//! Groups of witnesses that count as one.

use std::collections::BTreeSet;
use std::fmt;

/// How many of a group's members must have cosigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threshold {
    /// One.
    Any,
    /// Every one.
    All,
    /// That many, at least 1 and at most all.
    AtLeast(usize),
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::All => f.write_str("all"),
            Self::AtLeast(count) => count.fmt(f),
        }
    }
}

/// A group of witnesses and other groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) threshold: Threshold,
    pub(super) members: Vec<String>,
}

impl Group {
    /// Whether enough of its members are among those that count.
    pub(super) fn is_met(&self, counted: &BTreeSet<&str>) -> bool {
        let members = self.members.iter();
        members
            .filter(|name| counted.contains(name.as_str()))
            .count()
            >= self.needed()
    }

    /// Whether such a group can be: with members, none twice, and a threshold that they can reach.
    pub(super) fn check(&self) -> Result<(), String> {
        let distinct: BTreeSet<&String> = self.members.iter().collect();
        if distinct.len() < self.members.len() {
            return Err("a member is named twice".to_owned());
        }
        if (1..=self.members.len()).contains(&self.needed()) {
            return Ok(());
        }
        Err(format!(
            "{} of {} members cannot be met or always is",
            self.needed(),
            self.members.len()
        ))
    }

    fn needed(&self) -> usize {
        match self.threshold {
            Threshold::Any => 1,
            Threshold::All => self.members.len(),
            Threshold::AtLeast(count) => count,
        }
    }
}
