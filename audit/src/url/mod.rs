//! A ledger that is read over HTTP: one of Sealrock's, or any server of static files that holds an
//! export.

mod request;
mod sign_in;

use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::blocking::Client;
use reqwest::{StatusCode, Url};
use sealrock_ledger::verify::{Source, SourceError};
use sealrock_ledger::{TILE_WIDTH, TilePath};

use crate::directory::{MAX_FILE_BYTES, refused};
use request::Answer;
use sign_in::Bearer;
pub use sign_in::SignIn;

/// Notes, policies, scopes and time stamps are far smaller.
const MAX_TEXT_BYTES: u64 = 1 << 20;

/// The files of a ledger below a URL such as `https://host/ledger/northsea`.
///
/// The server is not trusted: answers are bounded in size, packed ones too. A request that fails for
/// a reason which may pass is made again, for about ten seconds. Where a partial tile or bundle is
/// not there any more because it was filled meanwhile, its beginning is cut from the full one. What
/// says 404 or 410 is not there.
///
/// It blocks, so it is not for async threads, and asks from as many threads as the verifier has.
pub struct UrlSource {
    client: Client,
    base: Url,
    bearer: Option<Bearer>,
    bytes: AtomicU64,
}

impl UrlSource {
    /// Reads the ledger below `url`. Nothing is asked yet.
    ///
    /// # Errors
    /// If the URL is none of HTTP, or cannot be signed in to.
    pub fn open(url: &str, sign_in: Option<SignIn>) -> Result<Self, SourceError> {
        let mut base: Url = url.parse().map_err(|e| refused(url, &format!("{e}")))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(refused(url, "it is no URL of http or https"));
        }
        // Paths are put after the last slash.
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let client = request::client().map_err(|e| refused(url, &request::reason(&e)))?;
        let bearer = sign_in
            .map(|sign_in| Bearer::new(sign_in, &base))
            .transpose()?;
        Ok(Self {
            client,
            base,
            bearer,
            bytes: AtomicU64::new(0),
        })
    }

    /// The URL, with a slash at its end.
    #[must_use]
    pub fn url(&self) -> &str {
        self.base.as_str()
    }

    /// Bytes of the files that were read so far, unpacked.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    fn fetch(&self, path: &str, most: u64) -> Result<Option<Vec<u8>>, SourceError> {
        let url = self
            .base
            .join(path)
            .map_err(|e| refused(path, &e.to_string()))?;
        let token = self.token(false)?;
        let mut answer = request::get(&self.client, &url, token.as_deref(), most)?;
        if answer.status == StatusCode::UNAUTHORIZED && token.is_some() {
            let token = self.token(true)?;
            answer = request::get(&self.client, &url, token.as_deref(), most)?;
        }
        self.bytes
            .fetch_add(answer.body.len() as u64, Ordering::Relaxed);
        self.read(&url, answer)
    }

    fn token(&self, anew: bool) -> Result<Option<String>, SourceError> {
        let bearer = self.bearer.as_ref();
        bearer
            .map(|bearer| bearer.token(&self.client, anew))
            .transpose()
    }

    fn read(
        &self,
        url: &Url,
        Answer { status, body }: Answer,
    ) -> Result<Option<Vec<u8>>, SourceError> {
        let way_out = match status {
            StatusCode::OK => return Ok(Some(body)),
            StatusCode::NOT_FOUND | StatusCode::GONE => return Ok(None),
            StatusCode::UNAUTHORIZED if self.bearer.is_none() => {
                ": it wants a sign-in, give --token or --user"
            }
            StatusCode::UNAUTHORIZED => ": the token or account is not accepted",
            StatusCode::FORBIDDEN => ": the account may not read this ledger",
            _ => "",
        };
        Err(refused(
            url.as_str(),
            &format!("the server says {status}{way_out}"),
        ))
    }
}

impl Source for UrlSource {
    fn get(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        let tile = path.parse::<TilePath>().ok();
        let found = self.fetch(path, tile.map_or(MAX_TEXT_BYTES, most_bytes))?;
        match (found, tile) {
            (None, Some(tile)) if width(tile) < TILE_WIDTH => {
                let full = filled(tile);
                let found = self.fetch(&full.to_string(), most_bytes(full))?;
                Ok(found.map(|bytes| beginning(tile, bytes)))
            }
            (found, _) => Ok(found),
        }
    }
}

fn most_bytes(tile: TilePath) -> u64 {
    match tile {
        TilePath::Hashes { width, .. } => 32 * width,
        TilePath::Entries { width, .. } => 65_537 * width,
        TilePath::Payloads { .. } => MAX_FILE_BYTES,
    }
}

fn width(tile: TilePath) -> u64 {
    match tile {
        TilePath::Hashes { width, .. }
        | TilePath::Entries { width, .. }
        | TilePath::Payloads { width, .. } => width,
    }
}

fn filled(tile: TilePath) -> TilePath {
    let full = TILE_WIDTH;
    match tile {
        TilePath::Hashes { level, n, .. } => TilePath::Hashes {
            level,
            n,
            width: full,
        },
        TilePath::Entries { n, .. } => TilePath::Entries { n, width: full },
        TilePath::Payloads { n, .. } => TilePath::Payloads { n, width: full },
    }
}

/// The items of a partial tile or bundle, of the full one's bytes. Bytes that do not go so far are
/// left to the verifier as they are.
fn beginning(tile: TilePath, mut full: Vec<u8>) -> Vec<u8> {
    let mut end = 0usize;
    for _ in 0..width(tile) {
        let item = match tile {
            TilePath::Hashes { .. } => Some(32),
            TilePath::Entries { .. } => item(&full, end, 2),
            TilePath::Payloads { .. } => {
                item(&full, end, 2).and_then(|header| Some(header + item(&full, end + header, 4)?))
            }
        };
        end += item.unwrap_or(full.len());
    }
    full.truncate(end);
    full
}

/// Length of an item at `start` with its length before it, in that many big-endian bytes.
fn item(bytes: &[u8], start: usize, prefix: usize) -> Option<usize> {
    let length = bytes.get(start..start.checked_add(prefix)?)?;
    let length = length
        .iter()
        .fold(0usize, |length, byte| length << 8 | usize::from(*byte));
    Some(prefix + length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sealrock_ledger::{Payload, SALT_BYTES, Slot, encode_entries, encode_payloads};

    #[test]
    fn a_partial_bundle_is_cut_from_the_full_one() {
        let entries: Vec<Vec<u8>> = (0..256).map(|n: usize| vec![7; n * 3]).collect();
        let slices = |count| entries[..count].iter().map(Vec::as_slice);
        let cut = beginning(
            TilePath::Entries { n: 0, width: 9 },
            encode_entries(slices(256)),
        );
        assert_eq!(cut, encode_entries(slices(9)));

        let payload = Payload {
            media: "application/json".into(),
            salt: [1; SALT_BYTES],
            bytes: vec![9; 70_000],
        };
        let slots = |count| {
            let shown = Slot::Shown(&payload);
            encode_payloads([shown, Slot::Erased, Slot::Withheld, shown][..count].to_vec())
        };
        for width in 1..4u64 {
            let cut = beginning(TilePath::Payloads { n: 0, width }, slots(4));
            assert_eq!(
                cut,
                slots(usize::try_from(width).expect("small")),
                "{width}"
            );
        }
        let tile = TilePath::Hashes {
            level: 0,
            n: 0,
            width: 3,
        };
        assert_eq!(beginning(tile, vec![1; 8192]).len(), 96);
        let broken = TilePath::Entries { n: 0, width: 5 };
        assert_eq!(beginning(broken, vec![255; 10]), vec![255; 10]);
    }
}
