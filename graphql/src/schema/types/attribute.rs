//! Free texts by name.

use std::collections::BTreeMap;

use async_graphql::{InputObject, SimpleObject};
use sealrock_domain::Attributes;

use crate::schema::problem::Problem;

/// A free text by name.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct Attribute {
    /// Its name.
    key: String,
    /// The text.
    value: String,
}

/// A free text by name.
#[derive(Debug, Clone, InputObject)]
pub(crate) struct AttributeInput {
    /// Its name, 1 to 64 characters.
    key: String,
    /// The text, at most 1,024 bytes.
    value: String,
}

impl Attribute {
    pub(crate) fn all(attributes: &Attributes) -> Vec<Self> {
        let one = |(key, value): (&str, &str)| Self {
            key: key.to_owned(),
            value: value.to_owned(),
        };
        attributes.iter().map(one).collect()
    }
}

impl AttributeInput {
    /// The attributes of this list, if no key comes twice and all of them fit.
    pub(crate) fn read(list: Option<Vec<Self>>) -> Result<Attributes, Problem> {
        let mut attributes = BTreeMap::new();
        for Self { key, value } in list.unwrap_or_default() {
            if let Some(twice) = attributes.insert(key.clone(), value) {
                let message =
                    format!("attribute {key:?} is there twice, once as {twice:?}: keep one");
                return Err(Problem::input(message));
            }
        }
        attributes
            .try_into()
            .map_err(|error: sealrock_domain::text::TextError| Problem::input(error.to_string()))
    }
}
