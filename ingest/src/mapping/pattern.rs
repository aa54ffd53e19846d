//! Patterns of topics, and texts that are made of what they take.

use std::collections::BTreeMap;

/// A topic with names for some of its levels.
#[derive(Debug)]
pub(super) struct Pattern(Vec<Level>);

#[derive(Debug)]
enum Level {
    Fixed(String),
    Named(String),
}

/// What the named levels of one topic are.
#[derive(Debug)]
pub(super) struct Levels<'a>(Vec<(&'a str, &'a str)>);

/// A text with names of a pattern in it.
#[derive(Debug)]
pub(super) struct Template(Vec<Level>);

impl Pattern {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let levels = text.split('/').map(level).collect::<Result<Vec<_>, _>>()?;
        let ours = matches!(levels.first(), Some(Level::Fixed(first)) if first == "sealrock");
        if ours || text.is_empty() || text.starts_with('$') {
            return Err("topics of sealrock and of the broker are not mapped".to_owned());
        }
        let mut names = levels.iter().filter_map(Level::name).collect::<Vec<_>>();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(format!("{{{}}} stands there twice", pair[0])),
            None => Ok(Self(levels)),
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|level| level.name() == Some(name))
    }

    /// The MQTT filter of the same topics.
    pub(super) fn filter(&self) -> String {
        let levels = self.0.iter().map(|level| match level {
            Level::Fixed(text) => text.as_str(),
            Level::Named(_) => "+",
        });
        levels.collect::<Vec<_>>().join("/")
    }

    pub(super) fn matches<'a>(&'a self, topic: &'a str) -> Option<Levels<'a>> {
        let mut taken = Vec::new();
        let mut levels = topic.split('/');
        for expected in &self.0 {
            let level = levels.next()?;
            match expected {
                Level::Fixed(text) if text == level => {}
                Level::Fixed(_) => return None,
                Level::Named(name) => taken.push((name.as_str(), level)),
            }
        }
        levels.next().is_none().then_some(Levels(taken))
    }
}

impl Level {
    fn name(&self) -> Option<&str> {
        match self {
            Self::Fixed(_) => None,
            Self::Named(name) => Some(name),
        }
    }
}

/// A level is a text, or one name and nothing else.
fn level(text: &str) -> Result<Level, String> {
    if let Some(name) = text
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        && is_name(name)
    {
        return Ok(Level::Named(name.to_owned()));
    }
    if text.contains(['{', '}', '+', '#', '\0']) {
        return Err(format!(
            "\"{text}\" is neither a text nor one {{name}}: a name takes a whole level, and there are \
             no other wildcards"
        ));
    }
    Ok(Level::Fixed(text.to_owned()))
}

fn is_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    !name.is_empty() && name.bytes().all(allowed)
}

impl Template {
    pub(super) fn parse(text: &str, pattern: &Pattern) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, behind) = after
                .split_once('}')
                .ok_or_else(|| format!("\"{text}\" has a {{ without its }}"))?;
            if !pattern.has(name) {
                return Err(format!(
                    "\"{text}\" needs {{{name}}}, which the pattern does not have"
                ));
            }
            parts.push(Level::Fixed(before.to_owned()));
            parts.push(Level::Named(name.to_owned()));
            rest = behind;
        }
        parts.push(Level::Fixed(rest.to_owned()));
        Ok(Self(parts))
    }

    /// The text, each level renamed first, and at last the whole.
    pub(super) fn fill(&self, levels: &Levels<'_>, renamed: &BTreeMap<String, String>) -> String {
        let rename = |text: &str| {
            renamed
                .get(text)
                .cloned()
                .unwrap_or_else(|| text.to_owned())
        };
        let parts = self.0.iter().map(|part| match part {
            Level::Fixed(text) => text.clone(),
            Level::Named(name) => rename(levels.get(name)),
        });
        rename(&parts.collect::<String>())
    }
}

impl Levels<'_> {
    fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(of, _)| *of == name);
        found.map_or("", |(_, level)| level)
    }
}
