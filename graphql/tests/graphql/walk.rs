//! Writes an operation for every field that the schema has, with all that can be selected below it.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::world::World;

/// Fields below a root field that are selected; deeper ones repeat what was seen.
const DEPTH: usize = 4;

const INTROSPECTION: &str = "{ __schema {
  queryType { name } mutationType { name } subscriptionType { name }
  types {
    name kind enumValues { name } possibleTypes { name }
    fields { name args { ...Input } type { ...Type } }
    inputFields { ...Input }
  }
} }
fragment Input on __InputValue { name defaultValue type { ...Type } }
fragment Type on __Type {
  kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } }
}";

/// The schema, and what to give for arguments.
pub struct Walk<'w> {
    types: HashMap<String, Value>,
    roots: Value,
    /// Every id that an argument of type `ID` is tried with.
    pub ids: Vec<String>,
    /// What to give for an argument or input field, as GraphQL spells it: `(field, argument)`.
    pub given: &'w dyn Fn(&str, &str) -> Option<String>,
}

/// A root field, and a whole operation that asks for it.
#[derive(Debug, Clone)]
pub struct Asked {
    pub field: String,
    pub operation: String,
}

/// A type without its wrappers.
struct Named {
    name: String,
    kind: String,
    list: bool,
}

impl<'w> Walk<'w> {
    pub async fn new(
        world: &World,
        ids: Vec<String>,
        given: &'w dyn Fn(&str, &str) -> Option<String>,
    ) -> Self {
        let mut schema = world.data(INTROSPECTION, json!({})).await["__schema"].take();
        let types = schema["types"].take();
        let named = |one: &Value| (one["name"].as_str().unwrap().to_owned(), one.clone());
        Self {
            types: types.as_array().unwrap().iter().map(named).collect(),
            roots: schema,
            ids,
            given,
        }
    }

    /// Operations for every field of `query`, `mutation` or `subscription`, each argument of type
    /// `ID` tried with each id.
    pub fn operations(&self, kind: &str) -> Vec<Asked> {
        self.operations_with(kind, |of| self.below(of))
    }

    /// The same, with nothing selected below but that something is there.
    pub fn shallow(&self, kind: &str) -> Vec<Asked> {
        self.operations_with(kind, |of| self.presence(of))
    }

    /// The types that have fields and can be reached from the fields of a root.
    pub fn types_below(&self, kind: &str) -> Vec<String> {
        let root = self.roots[format!("{kind}Type")]["name"].as_str().unwrap();
        let (mut met, mut next) = (Vec::new(), vec![root.to_owned()]);
        while let Some(of) = next.pop() {
            let of = &self.types[&of];
            for to in ["fields", "possibleTypes"] {
                for one in of[to].as_array().into_iter().flatten() {
                    let name = match to {
                        "fields" => named(&one["type"]).name,
                        _ => one["name"].as_str().unwrap().to_owned(),
                    };
                    if !met.contains(&name) {
                        met.push(name.clone());
                        next.push(name);
                    }
                }
            }
        }
        met.retain(|name| self.types[name]["kind"] == "OBJECT");
        met
    }

    fn operations_with(&self, kind: &str, below: impl Fn(&Value) -> String) -> Vec<Asked> {
        let root = self.roots[format!("{kind}Type")]["name"].as_str().unwrap();
        let fields = self.types[root]["fields"].as_array().unwrap();
        let asked = |field: &Value| {
            let name = field["name"].as_str().unwrap().to_owned();
            let below = below(&field["type"]);
            self.variations(field)
                .into_iter()
                .map(move |arguments| Asked {
                    operation: format!("{kind} {{ {name}{arguments}{below} }}"),
                    field: name.clone(),
                })
                .collect::<Vec<_>>()
        };
        fields.iter().flat_map(asked).collect()
    }

    /// The arguments of a root field: what it must have, and besides each id for each argument of
    /// type `ID`, or all optional ones that we know something for.
    fn variations(&self, field: &Value) -> Vec<String> {
        let name = field["name"].as_str().unwrap();
        let arguments = field["args"].as_array().unwrap();
        let (ids, rest): (Vec<&Value>, Vec<&Value>) = arguments
            .iter()
            .partition(|argument| named(&argument["type"]).name == "ID");
        let must: Vec<String> = rest
            .iter()
            .filter(|argument| is_required(argument) || argument["name"] == "first")
            .map(|argument| match argument["name"].as_str() {
                // A page of the usual size with all below it is more than the server answers at once.
                Some("first") => "first: 2".to_owned(),
                _ => self.argument(name, argument),
            })
            .collect();
        let may = rest
            .iter()
            .filter(|argument| !is_required(argument) && argument["name"] != "first");
        let may: Vec<String> = may
            .filter_map(|argument| {
                let argument = argument["name"].as_str().unwrap();
                let value = (self.given)(name, argument)?;
                Some(format!("{argument}: {value}"))
            })
            .collect();
        let all = [must.clone(), may.clone()].concat();
        let mut variations = Vec::new();
        for argument in &ids {
            let id_argument = argument["name"].as_str().unwrap();
            for id in &self.ids {
                let one = format!("{id_argument}: {}", quoted(id));
                variations.push([all.clone(), vec![one]].concat());
            }
        }
        if !ids.iter().any(|argument| is_required(argument)) {
            variations.push(all);
            if !may.is_empty() {
                variations.push(must);
            }
        }
        variations.iter().map(|list| bracketed(list)).collect()
    }

    fn argument(&self, field: &str, argument: &Value) -> String {
        let name = argument["name"].as_str().unwrap();
        format!("{name}: {}", self.value(field, name, &argument["type"]))
    }

    /// A value for an argument or a field of an input.
    fn value(&self, field: &str, argument: &str, of: &Value) -> String {
        if let Some(value) = (self.given)(field, argument) {
            return value;
        }
        let Named { name, kind, list } = named(of);
        let one = match (kind.as_str(), name.as_str()) {
            ("INPUT_OBJECT", _) => self.input(field, &name),
            ("ENUM", _) => self.types[&name]["enumValues"][0]["name"]
                .as_str()
                .unwrap()
                .to_owned(),
            (_, "Boolean") => "true".to_owned(),
            (_, "ID") => quoted(&self.ids[0]),
            _ => panic!("teach the walk what to give for {field}({argument}: {name})"),
        };
        if list { format!("[{one}]") } else { one }
    }

    /// An input with what it must have, and what is known besides.
    fn input(&self, field: &str, input: &str) -> String {
        let fields = self.types[input]["inputFields"].as_array().unwrap();
        let values: Vec<String> = fields
            .iter()
            .filter(|one| {
                is_required(one) || (self.given)(field, one["name"].as_str().unwrap()).is_some()
            })
            .map(|one| self.argument(field, one))
            .collect();
        format!("{{{}}}", values.join(", "))
    }

    fn presence(&self, of: &Value) -> String {
        let of = &self.types[&named(of).name];
        let has_nodes = |fields: &Vec<Value>| fields.iter().any(|field| field["name"] == "nodes");
        match of["kind"].as_str().unwrap() {
            "SCALAR" | "ENUM" => "",
            _ if of["fields"].as_array().is_some_and(has_nodes) => " { nodes { __typename } }",
            _ => " { __typename }",
        }
        .to_owned()
    }

    fn below(&self, of: &Value) -> String {
        let selected = self.selection(&named(of).name, &mut Vec::new());
        selected.unwrap_or_default()
    }

    /// `{ … }` with all fields of a type, `None` where nothing new is below; a scalar has nothing.
    fn selection(&self, of: &str, path: &mut Vec<String>) -> Option<String> {
        let kind = self.types[of]["kind"].as_str().unwrap();
        if kind == "SCALAR" || kind == "ENUM" {
            return Some(String::new());
        }
        if path.iter().any(|passed| passed == of) || path.len() == DEPTH {
            return None;
        }
        path.push(of.to_owned());
        let selected = match kind {
            "OBJECT" => self.fields(of, false, path),
            _ => self.fragments(of, path),
        };
        path.pop();
        // Not for a name alone: there is nothing new below.
        (selected != "__typename").then(|| format!(" {{ {selected} }}"))
    }

    /// Each possible type's fields, under names of their own: two types may have one name for two
    /// shapes.
    fn fragments(&self, of: &str, path: &mut Vec<String>) -> String {
        let possible = self.types[of]["possibleTypes"].as_array().unwrap().iter();
        let fragment = |one: &Value| {
            let name = one["name"].as_str().unwrap();
            path.push(name.to_owned());
            let fields = self.fields(name, true, path);
            path.pop();
            format!("... on {name} {{ {fields} }}")
        };
        possible.map(fragment).collect::<Vec<_>>().join(" ")
    }

    fn fields(&self, of: &str, renamed: bool, path: &mut Vec<String>) -> String {
        let mut selected = vec!["__typename".to_owned()];
        for field in self.types[of]["fields"].as_array().unwrap() {
            let name = field["name"].as_str().unwrap();
            // `nodes` is the same without cursors.
            if name == "edges" {
                continue;
            }
            let Some(below) = self.selection(&named(&field["type"]).name, path) else {
                continue;
            };
            let arguments = field["args"].as_array().unwrap().iter();
            let given = arguments.filter_map(|argument| match argument["name"].as_str() {
                Some("first") => Some("first: 2".to_owned()),
                _ => is_required(argument).then(|| self.argument(name, argument)),
            });
            let given = bracketed(&given.collect::<Vec<_>>());
            let alias = if renamed {
                format!("{of}_{name}: ")
            } else {
                String::new()
            };
            selected.push(format!("{alias}{name}{given}{below}"));
        }
        selected.join(" ")
    }
}

fn named(of: &Value) -> Named {
    let mut found = Named {
        name: String::new(),
        kind: String::new(),
        list: false,
    };
    let mut of = of;
    while !of.is_null() {
        of["kind"].as_str().unwrap().clone_into(&mut found.kind);
        of["name"]
            .as_str()
            .unwrap_or_default()
            .clone_into(&mut found.name);
        found.list |= found.kind == "LIST";
        of = &of["ofType"];
    }
    found
}

fn is_required(argument: &Value) -> bool {
    argument["type"]["kind"] == "NON_NULL" && argument["defaultValue"].is_null()
}

fn bracketed(arguments: &[String]) -> String {
    match arguments {
        [] => String::new(),
        arguments => format!("({})", arguments.join(", ")),
    }
}

/// As GraphQL spells a string.
pub fn quoted(text: &str) -> String {
    json!(text).to_string()
}
