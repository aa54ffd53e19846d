//! What can be asked for below `/ledger/<name>/`.

use std::str::FromStr;

use sealrock_ledger::{Index, TILE_WIDTH, TilePath};

/// A path below a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resource {
    /// `checkpoint`
    Checkpoint,
    /// `policy`
    Policy,
    /// `timestamp.tsr`
    Timestamp,
    /// `tile/<L>/<N>[.p/<W>]`
    Hashes { level: u8, n: u64, width: u64 },
    /// `tile/entries/<N>[.p/<W>]`
    Entries { n: u64, width: u64 },
    /// `payloads/<N>[.p/<W>]`
    Payloads { n: u64, width: u64 },
    /// `payload/<index>`
    Payload(Index),
    /// `proof/<index>`
    Proof(Index),
}

impl FromStr for Resource {
    type Err = ();

    fn from_str(path: &str) -> Result<Self, ()> {
        match path {
            "checkpoint" => return Ok(Self::Checkpoint),
            "policy" => return Ok(Self::Policy),
            "timestamp.tsr" => return Ok(Self::Timestamp),
            _ => {}
        }
        if let Some(index) = path.strip_prefix("payload/") {
            return Ok(Self::Payload(read_index(index).ok_or(())?));
        }
        if let Some(index) = path.strip_prefix("proof/") {
            return Ok(Self::Proof(read_index(index).ok_or(())?));
        }
        Ok(match path.parse().map_err(|_| ())? {
            TilePath::Hashes { level, n, width } => Self::Hashes { level, n, width },
            TilePath::Entries { n, width } => Self::Entries { n, width },
            TilePath::Payloads { n, width } => Self::Payloads { n, width },
        })
    }
}

/// An index in its one spelling.
fn read_index(text: &str) -> Option<Index> {
    let index: u64 = text.parse().ok()?;
    (index.to_string() == text).then_some(Index(index))
}

impl Resource {
    /// Whether it shows what entries say, and not their hashes alone.
    pub(super) fn is_content(self) -> bool {
        matches!(
            self,
            Self::Entries { .. } | Self::Payloads { .. } | Self::Payload(_)
        )
    }

    /// Whether a tree of `size` entries has all of it.
    pub(super) fn is_covered(self, size: u64) -> bool {
        match self {
            Self::Checkpoint | Self::Policy | Self::Timestamp => true,
            Self::Payload(index) | Self::Proof(index) => index.0 < size,
            Self::Entries { n, width } | Self::Payloads { n, width } => holds(size, n, width),
            Self::Hashes { level, n, width } => {
                let row = size.checked_shr(8 * u32::from(level)).unwrap_or_default();
                holds(row, n, width)
            }
        }
    }
}

/// Whether a row of `count` items has `width` of those of tile `n`.
fn holds(count: u64, n: u64, width: u64) -> bool {
    let end = n.checked_mul(TILE_WIDTH).and_then(|n| n.checked_add(width));
    end.is_some_and(|end| end <= count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covered(path: &str, size: u64) -> bool {
        let resource: Resource = path.parse().expect("a path");
        resource.is_covered(size)
    }

    #[test]
    fn a_path_has_one_spelling() {
        for path in [
            "",
            "checkpoint/",
            "Checkpoint",
            "tile/0/0",
            "tile/00/000",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/x000/000",
            "tile/0/%30%30%30",
            "tile/0/000/",
            "payload/01",
            "payload/+1",
            "payload/",
            "proof/-1",
            "proof/1/",
            "payloads/0",
            "../policy",
        ] {
            assert_eq!(path.parse::<Resource>(), Err(()), "{path:?}");
        }
        assert_eq!("proof/10".parse(), Ok(Resource::Proof(Index(10))));
    }

    #[test]
    fn only_what_the_checkpoint_covers_is_there() {
        for (path, least) in [
            ("tile/0/000", 256),
            ("tile/0/000.p/7", 7),
            ("tile/0/001.p/1", 257),
            ("tile/1/000.p/1", 256),
            ("tile/1/000", 65_536),
            ("tile/2/000.p/1", 65_536),
            ("tile/entries/x001/000", 256_256),
            ("payloads/000.p/255", 255),
            ("payload/0", 1),
            ("proof/299", 300),
        ] {
            assert!(covered(path, least) && !covered(path, least - 1), "{path}");
        }
        let last = "x018/x446/x744/x073/x709/x551/615";
        for path in [
            format!("tile/63/{last}"),
            format!("tile/entries/{last}.p/1"),
        ] {
            assert!(!covered(&path, u64::MAX), "{path}");
        }
    }
}
