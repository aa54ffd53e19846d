//! From what a client sent to a document that may be run: which one it is, that it is within its
//! limits, and whether it asks for the schema's description.

mod limits;
mod persisted;
mod scan;
#[cfg(test)]
mod tests;
mod weight;

use async_graphql::{Request, ServerError, Variables};
use serde_json::{Map, Value};

use crate::caller::Caller;
use crate::code::Code;
pub(crate) use limits::DocumentLimits;
use limits::within;
pub(crate) use persisted::Documents;
pub use persisted::{AllowList, AllowListError};

/// The parameters of a request, of a body, a query string or a frame. It has a document or a hash.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) document: Option<String>,
    /// Of a document that may be known: `extensions.persistedQuery.sha256Hash`.
    pub(crate) hash: Option<String>,
    pub(crate) operation_name: Option<String>,
    pub(crate) variables: Map<String, Value>,
}

/// What is read, and by which rules.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    pub(crate) limits: DocumentLimits,
    pub(crate) documents: Documents,
    /// Whether who is signed in may ask for the schema's description.
    pub(crate) introspection: bool,
}

impl Reader {
    /// The request that was asked, parsed and within its limits.
    ///
    /// # Errors
    /// What is wrong with it, with a code.
    pub(crate) fn read(&self, caller: &Caller, asked: Asked) -> Result<Request, ServerError> {
        let hash = asked.hash.as_deref();
        let document = self.documents.find(asked.document, hash)?;
        self.size(&document)?;
        self.variables(&asked.variables)?;
        let mut request = Request::new(document);
        request.operation_name = asked.operation_name;
        request.variables = Variables::from_json(Value::Object(asked.variables));
        let parsed = request.parsed_query().map_err(|mut error| {
            Code::ParseFailed.mark(&mut error);
            error
        })?;
        let known = matches!(caller, Caller::Known(_));
        if limits::check(parsed, &self.limits)?.introspects {
            self.introspection(known)?;
        }
        // Strangers, of whom there are many, keep nothing here.
        if let (Some(hash), true) = (hash, known) {
            self.documents.keep(hash, &request.query);
        }
        Ok(request)
    }

    /// Before it is parsed.
    fn size(&self, document: &str) -> Result<(), ServerError> {
        let limits = &self.limits;
        within(document.len(), limits.bytes, "bytes of document")?;
        let counts = scan::scan(document);
        within(counts.open, limits.brackets, "open brackets")?;
        within(counts.tokens, limits.tokens, "tokens")
    }

    fn variables(&self, variables: &Map<String, Value>) -> Result<(), ServerError> {
        let (mut values, mut bytes) = (0, 0);
        for (name, value) in variables {
            bytes += name.len();
            self.variable(value, &mut values, &mut bytes)?;
        }
        within(values, self.limits.values, "values among its variables")?;
        within(bytes, self.limits.variable_bytes, "bytes of variables")
    }

    /// Counts one, and what is in it; the parser of JSON has bounded how deep it is.
    fn variable(
        &self,
        value: &Value,
        values: &mut usize,
        bytes: &mut usize,
    ) -> Result<(), ServerError> {
        *values += 1;
        match value {
            Value::String(text) => *bytes += text.len(),
            Value::Array(items) => {
                within(items.len(), self.limits.items, "items of a list")?;
                for item in items {
                    self.variable(item, values, bytes)?;
                }
            }
            Value::Object(fields) => {
                for (name, field) in fields {
                    *bytes += name.len();
                    self.variable(field, values, bytes)?;
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => *bytes += 8,
        }
        Ok(())
    }

    fn introspection(&self, known: bool) -> Result<(), ServerError> {
        match (self.introspection, known) {
            (true, true) => Ok(()),
            (true, false) => Err(Code::IntrospectionDisabled
                .error("the schema is shown to who is signed in: sign in first")),
            (false, _) => Err(Code::IntrospectionDisabled.error(
                "this server does not show its schema: generate code from graphql/schema.graphql of its \
                 release, or set graphql_introspection",
            )),
        }
    }
}
