//! The text of a policy: reading and writing.

use std::fmt;
use std::str::FromStr;

use super::quorum::{Group, Threshold};
use super::{Policy, PolicyError, Witness};
use crate::checkpoint::{KeyRange, LogVerifier};
use crate::decimal::decimal;
use crate::vkey::{KeyType, VerifierKey};

/// Each new key is held against all others, so somebody else's policy is not read without end.
const MAX_LINES: usize = 1000;

/// The quorum that asks for nobody, and no name.
pub(super) const NONE: &str = "none";

/// Whether the text can stand as one word of a line.
pub(super) fn is_word(text: &str) -> bool {
    let separates = |c: char| c == ' ' || c.is_ascii_control();
    !text.is_empty() && !text.contains(separates)
}

impl FromStr for Policy {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        let mut reader = Reader {
            policy: Policy::of_keys(&[]),
            quorum_seen: false,
        };
        for (number, line) in text.split('\n').enumerate() {
            let read = if number < MAX_LINES {
                reader.line(line)
            } else {
                Err(format!("a policy has at most {MAX_LINES} lines"))
            };
            read.map_err(|reason| PolicyError::Line {
                line: number + 1,
                text: line.to_owned(),
                reason,
            })?;
        }
        let policy = reader.policy;
        if policy.keys.is_empty() {
            return Err(PolicyError::NoLog);
        }
        if !reader.quorum_seen {
            return Err(PolicyError::NoQuorum);
        }
        LogVerifier::of(&policy.keys)?;
        Ok(policy)
    }
}

struct Reader {
    policy: Policy,
    quorum_seen: bool,
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<(), String> {
        if line.contains(|c: char| c.is_ascii_control() && c != '\t') {
            return Err("a control character".to_owned());
        }
        let words: Vec<&str> = line
            .split([' ', '\t'])
            .filter(|word| !word.is_empty())
            .collect();
        match words[..] {
            [] => Ok(()),
            [first, ..] if first.starts_with('#') => self.comment(line),
            ["log", vkey] => self.log(vkey, None),
            ["log", vkey, url] => self.log(vkey, Some(url)),
            ["witness", name, vkey] => self.witness(name, vkey, None),
            ["witness", name, vkey, url] => self.witness(name, vkey, Some(url)),
            ["group", name, threshold, ref members @ ..] => self.group(name, threshold, members),
            ["quorum", name] => self.quorum(name),
            _ => Err(
                "not understood; known are `log <vkey> [<url>]`, `witness <name> <vkey> \
                      [<url>]`, `group <name> <any|all|K> <name>…` and `quorum <name|none>`"
                    .to_owned(),
            ),
        }
    }

    fn log(&mut self, vkey: &str, url: Option<&str>) -> Result<(), String> {
        let parse = |vkey: &str| VerifierKey::parse(vkey, KeyType::Log).map_err(|e| e.to_string());
        let key = parse(vkey)?;
        for known in &self.policy.keys {
            let known = parse(&known.vkey)?;
            if known.name != key.name {
                return Err(format!(
                    "a policy is of one ledger, and this key is of {}, not of {}",
                    key.name, known.name
                ));
            }
            if known.public() == key.public() {
                return Err("this key is in the policy already".to_owned());
            }
        }
        self.policy.keys.push(KeyRange::only(vkey));
        self.policy.urls.push(url.map(str::to_owned));
        Ok(())
    }

    /// A comment, which may be the range of a key.
    fn comment(&mut self, line: &str) -> Result<(), String> {
        let words: Vec<&str> = line
            .split([' ', '\t', '#'])
            .filter(|w| !w.is_empty())
            .collect();
        let [id, "signs", ref range @ ..] = words[..] else {
            return Ok(());
        };
        if id.len() != 8 || !id.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Ok(());
        }
        // Passed over, it would leave a retired key in force for every tree.
        let [range] = range else {
            return Err(format!(
                "the range of the key {id} is written `# {id} signs <from>..<through>`, and no more"
            ));
        };
        let of_id = |key: &&mut KeyRange| key.vkey.split('+').nth(1) == Some(id);
        let key = self.policy.keys.iter_mut().find(of_id);
        let key = key.ok_or_else(|| format!("no key with the id {id} is named above"))?;
        if (key.from, key.through) != (0, None) {
            return Err(format!("the range of the key {id} is given above already"));
        }
        (key.from, key.through) = range_of(range)
            .ok_or_else(|| format!("{range:?} is no range; write <from>..<through> or <from>.."))?;
        Ok(())
    }

    fn witness(&mut self, name: &str, vkey: &str, url: Option<&str>) -> Result<(), String> {
        self.policy.add_witness(Witness {
            name: name.to_owned(),
            vkey: vkey.to_owned(),
            url: url.map(str::to_owned),
        })
    }

    fn group(&mut self, name: &str, threshold: &str, members: &[&str]) -> Result<(), String> {
        let threshold = match threshold {
            "any" => Threshold::Any,
            "all" => Threshold::All,
            count => decimal(count)
                .and_then(|count| usize::try_from(count).ok())
                .map(Threshold::AtLeast)
                .ok_or_else(|| format!("{count:?} is neither any, all nor a number"))?,
        };
        self.policy.add_group(Group {
            name: name.to_owned(),
            threshold,
            members: members.iter().map(|&member| member.to_owned()).collect(),
        })
    }

    fn quorum(&mut self, name: &str) -> Result<(), String> {
        if self.quorum_seen {
            return Err("a second quorum; there is exactly one".to_owned());
        }
        self.quorum_seen = true;
        if name == NONE {
            return Ok(());
        }
        if !self.policy.is_defined(name) {
            return Err(format!("{name:?} is not defined above"));
        }
        self.policy.quorum = Some(name.to_owned());
        Ok(())
    }
}

/// `<from>..<through>`, or `<from>..` where there is no end.
fn range_of(text: &str) -> Option<(u64, Option<u64>)> {
    let (from, through) = text.split_once("..")?;
    let from = decimal(from)?;
    if through.is_empty() {
        return Some((from, None));
    }
    let through = decimal(through)?;
    (from <= through).then_some((from, Some(through)))
}

pub(super) fn write(policy: &Policy, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (key, url) in policy.keys.iter().zip(&policy.urls) {
        writeln!(f, "log {}{}", key.vkey, optional(url.as_deref()))?;
        write_range(key, f)?;
    }
    for witness in &policy.witnesses {
        let url = optional(witness.url.as_deref());
        writeln!(f, "witness {} {}{url}", witness.name, witness.vkey)?;
    }
    for group in &policy.groups {
        let members = group.members.join(" ");
        writeln!(f, "group {} {} {members}", group.name, group.threshold)?;
    }
    writeln!(f, "quorum {}", policy.quorum.as_deref().unwrap_or(NONE))
}

fn write_range(key: &KeyRange, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if (key.from, key.through) == (0, None) {
        return Ok(());
    }
    let id = key.vkey.split('+').nth(1).unwrap_or_default();
    let through = key.through.map_or_else(String::new, |t| t.to_string());
    writeln!(f, "# {id} signs {}..{through}", key.from)
}

fn optional(url: Option<&str>) -> String {
    url.map_or_else(String::new, |url| format!(" {url}"))
}
