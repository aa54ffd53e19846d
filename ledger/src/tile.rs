//! Where tiles and bundles lie: the paths of C2SP tlog-tiles.

use std::fmt;
use std::str::FromStr;

/// Hashes in a full tile, entries in a full bundle.
pub const TILE_WIDTH: u64 = 256;

/// The path of a tile or bundle below its ledger.
///
/// `width` below [`TILE_WIDTH`] names the partial tile of that many hashes at the right edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TilePath {
    /// `tile/<level>/<n>`: hashes.
    Hashes {
        /// Level, 0 for leaf hashes; each level up stands for 256 times as many leaves.
        level: u8,
        /// Number of the tile in its level.
        n: u64,
        /// Hashes in it.
        width: u64,
    },
    /// `tile/entries/<n>`: entries.
    Entries {
        /// Number of the bundle.
        n: u64,
        /// Entries in it.
        width: u64,
    },
    /// `payloads/<n>`: payloads of the same entries.
    Payloads {
        /// Number of the bundle.
        n: u64,
        /// Entries whose payloads it holds.
        width: u64,
    },
}

impl TilePath {
    /// The hash tiles that a tree of `size` leaves has, level by level, left to right, the partial
    /// one of each level last.
    pub fn of_tree(size: u64) -> impl Iterator<Item = Self> {
        (0u8..8)
            .map(move |level| (level, size >> (8 * u32::from(level))))
            .take_while(|(_, hashes)| *hashes > 0)
            .flat_map(|(level, hashes)| {
                rows(hashes).map(move |(n, width)| Self::Hashes { level, n, width })
            })
    }

    /// Number and width of each bundle of a tree of `size` leaves.
    pub fn bundles(size: u64) -> impl Iterator<Item = (u64, u64)> {
        rows(size)
    }
}

/// `(n, width)` of each row of 256 that `count` items fill.
fn rows(count: u64) -> impl Iterator<Item = (u64, u64)> {
    (0..count.div_ceil(TILE_WIDTH)).map(move |n| (n, (count - n * TILE_WIDTH).min(TILE_WIDTH)))
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (n, width) = match *self {
            Self::Hashes { level, n, width } => {
                write!(f, "tile/{level}/")?;
                (n, width)
            }
            Self::Entries { n, width } => {
                f.write_str("tile/entries/")?;
                (n, width)
            }
            Self::Payloads { n, width } => {
                f.write_str("payloads/")?;
                (n, width)
            }
        };
        write_number(f, n)?;
        if width < TILE_WIDTH {
            write!(f, ".p/{width}")
        } else {
            Ok(())
        }
    }
}

/// Groups of three digits, all but the last with an `x` before: 1234067 is `x001/x234/067`.
fn write_number(f: &mut fmt::Formatter<'_>, n: u64) -> fmt::Result {
    fn groups(f: &mut fmt::Formatter<'_>, n: u64) -> fmt::Result {
        if n >= 1000 {
            groups(f, n / 1000)?;
        }
        write!(f, "x{:03}/", n % 1000)
    }
    if n >= 1000 {
        groups(f, n / 1000)?;
    }
    write!(f, "{:03}", n % 1000)
}

/// Text that is no path of a tile or bundle in the one spelling that it has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no path of a tile: use tile/<level>/<n>, tile/entries/<n> or payloads/<n>, n as \
     001 or x001/234, a partial one with .p/<1 to 255> after it"
)]
pub struct TilePathError(String);

impl FromStr for TilePath {
    type Err = TilePathError;

    fn from_str(path: &str) -> Result<Self, TilePathError> {
        read(path)
            // What has another spelling than ours is read and then not found again.
            .filter(|read| read.to_string() == path)
            .ok_or_else(|| TilePathError(path.to_owned()))
    }
}

fn read(path: &str) -> Option<TilePath> {
    let (whole, width) = match path.split_once(".p/") {
        Some((whole, width)) => (whole, width.parse().ok()?),
        None => (path, TILE_WIDTH),
    };
    if !(1..=TILE_WIDTH).contains(&width) {
        return None;
    }
    if let Some(number) = whole.strip_prefix("payloads/") {
        let n = read_number(number)?;
        return Some(TilePath::Payloads { n, width });
    }
    let (level, number) = whole.strip_prefix("tile/")?.split_once('/')?;
    let n = read_number(number)?;
    if level == "entries" {
        return Some(TilePath::Entries { n, width });
    }
    let level = level.parse().ok().filter(|level| *level <= MAX_LEVEL)?;
    Some(TilePath::Hashes { level, n, width })
}

/// The highest level that the specification has room for.
const MAX_LEVEL: u8 = 63;

fn read_number(text: &str) -> Option<u64> {
    text.split('/').try_fold(0u64, |n, group| {
        let digits: u64 = group.strip_prefix('x').unwrap_or(group).parse().ok()?;
        n.checked_mul(1000)?.checked_add(digits)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_read_in_its_one_spelling_only() {
        for path in [
            "tile/0/000",
            "tile/0/x001/x234/067",
            "tile/63/x018/x446/x744/x073/x709/x551/615.p/255",
            "tile/1/x001/000.p/1",
            "tile/entries/005.p/112",
            "payloads/x001/001",
        ] {
            let read: TilePath = path.parse().expect("a path");
            assert_eq!(read.to_string(), path);
        }
        for path in [
            "",
            "tile",
            "tile/0",
            "tile/0/",
            "tile/0/0",
            "tile/0/0000",
            "tile/0/x000",
            "tile/0/x000/001",
            "tile/0/001/001",
            "tile/0/x001/001/",
            "/tile/0/001",
            "tile/00/001",
            "tile/+0/001",
            "tile/0/+01",
            "tile/64/001",
            "tile/payloads/001",
            "tile/0/000.p",
            "tile/0/000.p/",
            "tile/0/000.p/0",
            "tile/0/000.p/01",
            "tile/0/000.p/256",
            "tile/0/000.p/1/2",
            "tile/0/000.p/1.p/1",
            "tile/0/../001",
            "tile/entries/x018/x446/x744/x073/x709/x551/616",
            "payload/001",
            "checkpoint",
        ] {
            assert!(path.parse::<TilePath>().is_err(), "{path:?}");
        }
    }

    #[test]
    fn numbers_are_grouped_as_the_specification_shows() {
        let path = |n, width| TilePath::Entries { n, width }.to_string();
        assert_eq!(path(1_234_067, 256), "tile/entries/x001/x234/067");
        assert_eq!(path(0, 256), "tile/entries/000");
        assert_eq!(path(1000, 3), "tile/entries/x001/000.p/3");
        assert_eq!(
            TilePath::Payloads { n: 5, width: 256 }.to_string(),
            "payloads/005"
        );
    }

    #[test]
    fn seventy_thousand_entries_have_the_tiles_of_the_known_answer() {
        let paths: Vec<String> = TilePath::of_tree(70_000)
            .map(|tile| tile.to_string())
            .collect();
        assert_eq!(paths.len(), 273 + 1 + 1 + 1 + 1);
        assert_eq!(paths[272], "tile/0/272");
        assert_eq!(paths[273], "tile/0/273.p/112");
        assert_eq!(
            paths[274..],
            ["tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"]
        );
        assert_eq!(TilePath::of_tree(0).count(), 0);
    }
}
