//! Documents that clients name instead of sending: Apollo's automatic persisted queries, and lists of
//! documents besides which nothing is answered.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::ServerError;
use lru::LruCache;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::code::Code;

/// Documents that are kept for those who name them by their hash.
const KEPT: NonZeroUsize = NonZeroUsize::new(1_000).expect("it is not zero");
/// Bytes of those documents.
const KEPT_BYTES: usize = 8 << 20;

/// Which documents are answered: all, of which some can be named, or those of a list.
#[derive(Debug, Clone)]
pub(crate) enum Documents {
    /// Every document; those that were sent with their hash are kept for a while.
    Any(Arc<Mutex<Kept>>),
    /// Those of a list, sent or named.
    Listed(Arc<AllowList>),
}

/// Documents by their SHA-256; those that are asked for least make room for others.
#[derive(Debug)]
pub(crate) struct Kept {
    documents: LruCache<String, Arc<str>>,
    bytes: usize,
}

/// The documents that are answered, where nothing else is: the setting `graphql_allow_list`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowList {
    by_id: HashMap<String, String>,
    documents: HashSet<String>,
}

/// A file that is no list of documents.
#[derive(Debug, thiserror::Error)]
#[error(
    "{file} is no list of GraphQL documents ({reason}): give a JSON object of hashes and documents, or \
     an Apollo persisted query manifest"
)]
pub struct AllowListError {
    file: String,
    reason: String,
}

/// The two forms that build tools of clients write.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Manifest { operations: Vec<Operation> },
    Map(HashMap<String, String>),
}

#[derive(Deserialize)]
struct Operation {
    id: String,
    body: String,
}

impl AllowList {
    /// Reads the file.
    ///
    /// # Errors
    /// If it cannot be read or has neither form.
    pub fn open(file: &Path) -> Result<Self, AllowListError> {
        let failed = |reason: String| AllowListError {
            file: file.display().to_string(),
            reason,
        };
        let text = std::fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
        Self::parse(&text).map_err(|error| failed(error.to_string()))
    }

    fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let by_id: HashMap<String, String> = match serde_json::from_str(text)? {
            Written::Map(documents) => documents,
            Written::Manifest { operations } => operations
                .into_iter()
                .map(|operation| (operation.id, operation.body))
                .collect(),
        };
        let documents = by_id.values().map(|text| text.trim().to_owned()).collect();
        Ok(Self { by_id, documents })
    }

    /// The document that is asked for.
    fn find(&self, document: Option<String>, hash: Option<&str>) -> Result<String, ServerError> {
        let found = match (document, hash) {
            (Some(document), _) => self.documents.contains(document.trim()).then_some(document),
            (None, Some(hash)) => self.by_id.get(hash).cloned(),
            (None, None) => None,
        };
        found.ok_or_else(|| {
            Code::PersistedQueryNotInList.error(
                "this server answers only the documents of its list, and this is none of them: have it \
                 put on the list",
            )
        })
    }
}

impl Documents {
    /// Every document, or those of the list.
    pub(crate) fn new(list: Option<AllowList>) -> Self {
        match list {
            Some(list) => Self::Listed(Arc::new(list)),
            None => Self::Any(Arc::new(Mutex::new(Kept::default()))),
        }
    }

    /// The document that a request has or names.
    ///
    /// # Errors
    /// `PERSISTED_QUERY_NOT_FOUND`, in the words that clients of the protocol wait for;
    /// `PERSISTED_QUERY_NOT_IN_LIST`; `BAD_REQUEST` for a hash of something else.
    pub(super) fn find(
        &self,
        document: Option<String>,
        hash: Option<&str>,
    ) -> Result<String, ServerError> {
        let kept = match self {
            Self::Listed(list) => return list.find(document, hash),
            Self::Any(kept) => kept,
        };
        match (document, hash) {
            (Some(document), Some(hash)) if hash_of(&document) != hash => Err(Code::BadRequest
                .error(
                    "provided sha does not match query: send the SHA-256 of the document in hex",
                )),
            (Some(document), _) => Ok(document),
            (None, hash) => {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                let found = hash.and_then(|hash| kept.documents.get(hash));
                found
                    .map(|document| document.as_ref().to_owned())
                    .ok_or_else(|| Code::PersistedQueryNotFound.error("PersistedQueryNotFound"))
            }
        }
    }

    /// Keeps a document that can be run, for those who name it by its hash.
    pub(super) fn keep(&self, hash: &str, document: &str) {
        if let Self::Any(kept) = self {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.keep(hash, document);
        }
    }
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            documents: LruCache::new(KEPT),
            bytes: 0,
        }
    }
}

impl Kept {
    fn keep(&mut self, hash: &str, document: &str) {
        if self.documents.contains(hash) {
            return;
        }
        self.bytes += document.len();
        let least = self.documents.push(hash.to_owned(), document.into());
        self.bytes -= least.map_or(0, |(_, document)| document.len());
        while self.bytes > KEPT_BYTES
            && let Some((_, document)) = self.documents.pop_lru()
        {
            self.bytes -= document.len();
        }
    }
}

fn hash_of(document: &str) -> String {
    hex::encode(Sha256::digest(document))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    fn code(error: &ServerError) -> String {
        let json = serde_json::to_value(error).unwrap();
        json["extensions"]["code"].as_str().unwrap().to_owned()
    }

    #[test]
    fn what_is_kept_has_a_bound_in_number_and_in_bytes() {
        let documents = Documents::new(None);
        for number in 0..3_000 {
            let document = format!("{{ a{number} }}");
            documents.keep(&hash_of(&document), &document);
        }
        let last = hash_of("{ a2999 }");
        assert_eq!(documents.find(None, Some(&last)).unwrap(), "{ a2999 }");
        let gone = documents.find(None, Some(&hash_of("{ a1 }"))).unwrap_err();
        assert_eq!(gone.message, "PersistedQueryNotFound");
        for letter in 'a'..='z' {
            let long = letter.to_string().repeat(1 << 20);
            documents.keep(&hash_of(&long), &long);
        }
        let Documents::Any(kept) = documents else {
            panic!("there is no list")
        };
        let kept = kept.lock().unwrap();
        assert!(kept.bytes <= KEPT_BYTES && kept.documents.len() == 8);
        let held: usize = kept
            .documents
            .iter()
            .map(|(_, document)| document.len())
            .sum();
        assert_eq!(held, kept.bytes);
    }

    #[test]
    fn a_hash_of_something_else_is_refused() {
        let documents = Documents::new(None);
        let other = documents.find(Some("{ a }".to_owned()), Some(&hash_of("{ b }")));
        assert_eq!(code(&other.unwrap_err()), "BAD_REQUEST");
    }

    #[test]
    fn a_list_answers_its_documents_by_text_and_by_name_and_nothing_else() {
        let map = r#"{"h1": "{ a }", "h2": "{ b }"}"#;
        let manifest = r#"{"format": "apollo-persisted-query-manifest", "version": 1, "operations":
            [{"id": "h1", "name": "A", "type": "query", "body": "{ a }"}, {"id": "h2", "body": "{ b }"}]}"#;
        assert_eq!(
            AllowList::parse(map).unwrap(),
            AllowList::parse(manifest).unwrap()
        );
        let documents = Documents::new(Some(AllowList::parse(map).unwrap()));
        assert_eq!(
            documents.find(Some("{ a }\n".to_owned()), None).unwrap(),
            "{ a }\n"
        );
        assert_eq!(documents.find(None, Some("h2")).unwrap(), "{ b }");
        for (document, hash) in [
            (Some("{ c }"), None),
            (None, Some("h3")),
            (Some("{ c }"), Some("h1")),
        ] {
            let refused = documents
                .find(document.map(str::to_owned), hash)
                .unwrap_err();
            assert_eq!(code(&refused), "PERSISTED_QUERY_NOT_IN_LIST");
        }
        assert!(AllowList::parse("[1]").is_err());
    }
}
