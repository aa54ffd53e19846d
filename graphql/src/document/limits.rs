//! What one document and its variables may be made of.
//!
//! The library that runs documents follows every spread of every fragment again, so a few lines can
//! ask it for more than it can ever look at. Here each fragment is looked at once.

use std::collections::HashMap;

use async_graphql::parser::types::{
    ExecutableDocument, Field, FragmentDefinition, FragmentSpread, OperationDefinition, Selection,
    SelectionSet,
};
use async_graphql::{Name, Positioned, ServerError};
use async_graphql_value::Value;

use super::weight::Weight;
use crate::code::Code;

/// Bounds of a document and its variables; docs/operators-guide.md and the README list them.
#[derive(Debug, Clone)]
pub(crate) struct DocumentLimits {
    /// Bytes of the text.
    pub(crate) bytes: usize,
    /// Names, numbers, strings and punctuators.
    pub(crate) tokens: usize,
    /// Brackets that are open at once.
    pub(crate) brackets: usize,
    /// Selections within selections, fragments included.
    pub(crate) nesting: usize,
    /// Operations and fragments.
    pub(crate) definitions: usize,
    /// Fields, spreads and inline fragments, those of a fragment as often as it is spread: each is a
    /// step for who follows the document.
    pub(crate) fields: u64,
    /// Fields at the root, counted in the same way.
    pub(crate) root_fields: u64,
    /// Aliases, counted in the same way.
    pub(crate) aliases: u64,
    /// Directives, counted in the same way.
    pub(crate) directives: u64,
    /// Directives at one place.
    pub(crate) directives_at_once: usize,
    /// Lists within lists of the schema's description, such as the fields of the types of fields.
    pub(crate) introspection: u64,
    /// Items of one list among arguments or variables.
    pub(crate) items: usize,
    /// Values among variables, inner ones included.
    pub(crate) values: usize,
    /// Bytes of variables.
    pub(crate) variable_bytes: usize,
}

impl Default for DocumentLimits {
    fn default() -> Self {
        Self {
            bytes: 128 << 10,
            tokens: 10_000,
            brackets: 64,
            nesting: 40,
            definitions: 100,
            fields: 10_000,
            root_fields: 50,
            aliases: 200,
            directives: 50,
            directives_at_once: 5,
            introspection: 2,
            items: 1_000,
            values: 10_000,
            variable_bytes: 256 << 10,
        }
    }
}

/// The fields of the schema's description that lead from a type to many others.
const LISTS: [&str; 4] = ["fields", "interfaces", "possibleTypes", "inputFields"];

/// Whether a document asks for the schema's description.
pub(super) struct Looked {
    pub(super) introspects: bool,
}

/// Looks at a parsed document.
///
/// # Errors
/// `DOCUMENT_LIMIT_EXCEEDED`, naming the limit; `GRAPHQL_VALIDATION_FAILED` where a fragment spreads
/// itself or one that is not there.
pub(super) fn check(
    document: &ExecutableDocument,
    limits: &DocumentLimits,
) -> Result<Looked, ServerError> {
    let operations = document.operations.iter().count();
    let definitions = operations + document.fragments.len();
    within(definitions, limits.definitions, "operations and fragments")?;
    let mut scale = Scale {
        document,
        limits,
        known: HashMap::new(),
    };
    let mut whole = Weight::default();
    // The library looks at every operation, whichever of them is run.
    for (_, operation) in document.operations.iter() {
        let weight = scale.operation(&operation.node)?;
        whole.add(weight);
        whole = scale.bounded(whole)?;
    }
    let mut introspects = whole.introspects;
    // Those that no operation spreads are looked at too, so that nothing is missed.
    for (name, fragment) in &document.fragments {
        introspects |= scale.fragment(name, fragment, 0)?.introspects;
    }
    Ok(Looked { introspects })
}

/// Weighs selections, each fragment once.
struct Scale<'d> {
    document: &'d ExecutableDocument,
    limits: &'d DocumentLimits,
    /// What is known of a fragment; `None` while it is being weighed.
    known: HashMap<&'d str, Option<Weight>>,
}

impl<'d> Scale<'d> {
    fn operation(&mut self, operation: &'d OperationDefinition) -> Result<Weight, ServerError> {
        let mut weight = Weight::default();
        self.directives(operation.directives.len(), &mut weight)?;
        for variable in &operation.variable_definitions {
            self.directives(variable.node.directives.len(), &mut weight)?;
            if let Some(value) = &variable.node.default_value {
                self.lists(&value.node.clone().into_value())?;
            }
        }
        let selected = self.selection(&operation.selection_set.node, 0)?;
        weight.add(selected);
        let limits = self.limits;
        within(weight.root_fields, limits.root_fields, "fields at the root")?;
        self.bounded(weight)
    }

    fn selection(
        &mut self,
        selection: &'d SelectionSet,
        depth: usize,
    ) -> Result<Weight, ServerError> {
        within(depth, self.limits.nesting, "selections within selections")?;
        let mut weight = Weight::default();
        for item in &selection.items {
            let one = match &item.node {
                Selection::Field(field) => self.field(&field.node, depth)?,
                Selection::FragmentSpread(spread) => self.spread(&spread.node, depth)?,
                Selection::InlineFragment(inline) => {
                    let mut one = Weight::step();
                    self.directives(inline.node.directives.len(), &mut one)?;
                    one.add(self.selection(&inline.node.selection_set.node, depth + 1)?);
                    one
                }
            };
            weight.add(one);
        }
        weight.height += 1;
        self.bounded(weight)
    }

    fn spread(&mut self, spread: &'d FragmentSpread, depth: usize) -> Result<Weight, ServerError> {
        let mut weight = Weight::step();
        self.directives(spread.directives.len(), &mut weight)?;
        let name = &spread.fragment_name.node;
        let found = self.document.fragments.get_key_value(name);
        let (name, fragment) = found.ok_or_else(|| unknown(name))?;
        weight.add(self.fragment(name, fragment, depth + 1)?);
        Ok(weight)
    }

    fn field(&mut self, field: &'d Field, depth: usize) -> Result<Weight, ServerError> {
        let mut weight = Weight {
            aliases: u64::from(field.alias.is_some()),
            ..Weight::step()
        };
        self.directives(field.directives.len(), &mut weight)?;
        for (_, value) in &field.arguments {
            self.lists(&value.node)?;
        }
        let below = self.selection(&field.selection_set.node, depth + 1)?;
        weight.add(below);
        weight.root_fields = 1;
        let name = field.name.node.as_str();
        weight.lists += u64::from(LISTS.contains(&name));
        if matches!(name, "__schema" | "__type") {
            let most = self.limits.introspection;
            within(weight.lists, most, "lists within lists of types")?;
            weight.introspects = true;
        }
        Ok(weight)
    }

    fn fragment(
        &mut self,
        name: &'d Name,
        fragment: &'d Positioned<FragmentDefinition>,
        depth: usize,
    ) -> Result<Weight, ServerError> {
        match self.known.get(name.as_str()) {
            Some(Some(weight)) => {
                let height = depth + weight.height;
                within(height, self.limits.nesting, "selections within selections")?;
                return Ok(*weight);
            }
            Some(None) => return Err(circular(name)),
            None => {}
        }
        self.known.insert(name, None);
        let mut weight = Weight::default();
        self.directives(fragment.node.directives.len(), &mut weight)?;
        weight.add(self.selection(&fragment.node.selection_set.node, depth)?);
        self.known.insert(name, Some(weight));
        Ok(weight)
    }

    fn directives(&self, here: usize, weight: &mut Weight) -> Result<(), ServerError> {
        let most = self.limits.directives_at_once;
        within(here, most, "directives at one place")?;
        weight.directives = weight.directives.saturating_add(here as u64);
        Ok(())
    }

    fn bounded(&self, weight: Weight) -> Result<Weight, ServerError> {
        let limits = self.limits;
        within(weight.fields, limits.fields, "fields and fragments")?;
        within(weight.aliases, limits.aliases, "aliases")?;
        within(weight.directives, limits.directives, "directives")?;
        Ok(weight)
    }

    /// Lists among arguments. Brackets were counted, so this does not go deep.
    fn lists(&self, value: &Value) -> Result<(), ServerError> {
        match value {
            Value::List(items) => {
                within(items.len(), self.limits.items, "items of a list")?;
                items.iter().try_for_each(|item| self.lists(item))
            }
            Value::Object(fields) => fields.values().try_for_each(|field| self.lists(field)),
            _ => Ok(()),
        }
    }
}

fn circular(name: &Name) -> ServerError {
    Code::ValidationFailed.error(format!(
        "fragment {name} spreads itself: a fragment must end somewhere"
    ))
}

fn unknown(name: &Name) -> ServerError {
    Code::ValidationFailed.error(format!(
        "fragment {name} is spread and not defined: define it in the same document"
    ))
}

/// That there are not more than there may be.
pub(super) fn within<N: Copy + PartialOrd + std::fmt::Display>(
    found: N,
    most: N,
    what: &str,
) -> Result<(), ServerError> {
    if found <= most {
        return Ok(());
    }
    Err(Code::LimitExceeded.error(format!(
        "a request has at most {most} {what}: ask for less, or in several requests"
    )))
}
