//! What is refused before it runs, and that what people ask is not.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
#![expect(clippy::format_collect, reason = "documents of tests are short")]

use sealrock_access::Principal;
use serde_json::json;

use super::*;

fn reader() -> Reader {
    Reader {
        limits: DocumentLimits::default(),
        documents: Documents::new(None),
        introspection: true,
    }
}

fn known() -> Caller {
    let name = "tester".parse().unwrap();
    Caller::Known(Principal::Service { name })
}

fn asked(document: impl Into<String>) -> Asked {
    Asked {
        document: Some(document.into()),
        ..Asked::default()
    }
}

/// Code and message of what is wrong with it.
fn refused(asked: Asked) -> (String, String) {
    let error = reader().read(&known(), asked).unwrap_err();
    let json = serde_json::to_value(&error).unwrap();
    let code = json["extensions"]["code"].as_str().unwrap().to_owned();
    (code, error.message)
}

#[track_caller]
fn too_much(asked: Asked, limit: &str) {
    let (code, message) = refused(asked);
    assert_eq!(code, "DOCUMENT_LIMIT_EXCEEDED", "{message}");
    assert!(message.contains(limit), "{message}");
}

#[test]
fn each_limit_is_named_to_who_goes_beyond_it() {
    let fields = |count: usize, field: &str| format!("{{ a {{ {} }} }}", field.repeat(count));
    too_much(
        asked(format!("{{ a(b: \"{}\") }}", "x".repeat(200_000))),
        "131072 bytes of document",
    );
    too_much(asked(fields(11_000, "b ")), "10000 tokens");
    too_much(asked("{a".repeat(65)), "64 open brackets");
    too_much(asked(fields(201, "b: c ")), "200 aliases");
    too_much(
        asked(format!("{{ {} }}", "a ".repeat(51))),
        "50 fields at the root",
    );
    too_much(asked(fields(11, "b @x @x @x @x @x ")), "50 directives");
    too_much(
        asked("{ a @x @x @x @x @x @x }"),
        "5 directives at one place",
    );
    let items = format!("{{ a(b: [{}]) }}", "1,".repeat(1_001));
    too_much(asked(items), "1000 items of a list");
    let many: String = (0..101).map(|n| format!("query Q{n} {{ a }} ")).collect();
    too_much(asked(many), "100 operations and fragments");
    let deep = format!("{{ {} b {} }}", "a { ".repeat(45), "}".repeat(45));
    too_much(asked(deep), "40 selections within selections");
}

#[test]
fn variables_have_limits_too() {
    let with = |value: Value| Asked {
        variables: Map::from_iter([("v".to_owned(), value)]),
        ..asked("query($v: X) { a(v: $v) }")
    };
    too_much(
        with(json!("x".repeat(300_000))),
        "262144 bytes of variables",
    );
    too_much(with(json!(vec![1; 1_001])), "1000 items of a list");
    too_much(
        with(json!(vec![vec![1; 100]; 100])),
        "10000 values among its variables",
    );
    assert!(
        reader()
            .read(&known(), with(json!(vec![vec![1; 90]; 100])))
            .is_ok()
    );
}

/// Twenty lines that a library which follows every spread would follow for years.
#[test]
fn fragments_that_spread_fragments_are_weighed_once_and_counted_as_often_as_they_are_spread() {
    let chain: String = (0..20)
        .map(|n| {
            format!(
                "fragment F{n} on Query {{ {} }} ",
                format!("...F{} ", n + 1).repeat(10)
            )
        })
        .collect();
    let bomb = format!("{{ ...F0 }} {chain} fragment F20 on Query {{ a }}");
    too_much(asked(bomb), "fields");
    let aliases = "{ ...A ...A ...A } fragment A on Query { b { ...B ...B } } \
                   fragment B on Query { c { ...C } } fragment C on X { ";
    too_much(
        asked(format!("{aliases} {} }}", "d: e ".repeat(60))),
        "200 aliases",
    );
    let deep: String = (0..50)
        .map(|n| format!("fragment F{n} on Query {{ ...F{} }} ", n + 1))
        .collect();
    too_much(
        asked(format!("{{ ...F0 }} {deep}")),
        "40 selections within selections",
    );
}

/// A library that follows every spread follows these 3^29 times, though they select nothing.
#[test]
fn fragments_of_spreads_alone_are_counted_and_one_that_is_not_defined_is_refused() {
    let tree = |leaf: &str| {
        let fragment = |n: u32| {
            let spread = format!("...A{} ", n + 1).repeat(3);
            format!("fragment A{n} on Query {{ {spread} }} ")
        };
        let fragments: String = (0..29).map(fragment).collect();
        format!("{{ __typename {{ ...A0 }} }} {fragments} fragment A29 on Query {{ {leaf} }}")
    };
    too_much(asked(tree("__typename")), "fields and fragments");
    too_much(asked(tree("... { __typename }")), "fields and fragments");
    let (code, message) = refused(asked(tree("...Nope")));
    assert_eq!(code, "GRAPHQL_VALIDATION_FAILED");
    assert!(message.contains("Nope"), "{message}");
    let inline = "{ ...A } fragment A on Query { ...B ...B ...B ...B ...B ...B ...B ...B } \
                  fragment B on Query { "
        .to_owned();
    let inline = inline + &"... { a } ".repeat(700) + "}";
    too_much(asked(inline), "fields and fragments");
}

#[test]
fn the_operations_of_a_document_are_counted_together() {
    let fragment = format!("fragment F on Query {{ {} }}", "a ".repeat(40));
    let fragment = format!(
        "{fragment} fragment G on Query {{ b {{ {} }} }}",
        "...F ".repeat(40)
    );
    let operations = |count: u32| -> String {
        (0..count)
            .map(|n| format!("query Q{n} {{ ...G }} "))
            .collect()
    };
    assert!(
        reader()
            .read(&known(), asked(operations(5) + &fragment))
            .is_ok()
    );
    too_much(asked(operations(7) + &fragment), "fields and fragments");
}

#[test]
fn a_fragment_that_spreads_itself_is_no_fragment() {
    for circular in [
        "{ ...A } fragment A on Query { a ...A ...A }",
        "{ ...A } fragment A on Query { a { ...B } } fragment B on Query { ...A }",
        "{ a } fragment A on Query { ...A }",
    ] {
        let (code, message) = refused(asked(circular));
        assert_eq!(code, "GRAPHQL_VALIDATION_FAILED");
        assert!(message.contains("spreads itself"), "{message}");
    }
}

#[test]
fn the_schema_is_shown_to_who_is_signed_in_where_it_is_shown_at_all_and_not_in_circles() {
    let ask = "query { ...S } fragment S on Query { __schema { queryType { name } } }";
    let stranger = reader().read(&Caller::Anonymous, asked(ask)).unwrap_err();
    let hidden = Reader {
        introspection: false,
        ..reader()
    };
    let known_one = hidden.read(&known(), asked(ask)).unwrap_err();
    for error in [stranger, known_one] {
        let json = serde_json::to_value(&error).unwrap();
        assert_eq!(
            json["extensions"]["code"], "INTROSPECTION_DISABLED",
            "{error}"
        );
    }
    assert!(reader().read(&known(), asked(ask)).is_ok());
    assert!(
        hidden
            .read(&Caller::Anonymous, asked("{ __typename }"))
            .is_ok()
    );
    let circles =
        "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }";
    too_much(asked(circles), "2 lists within lists of types");
    let of_others = "{ a { fields { fields { fields { b } } } } }";
    assert!(reader().read(&known(), asked(of_others)).is_ok());
}

#[test]
fn a_document_that_was_sent_with_its_hash_is_known_by_it_and_one_of_a_stranger_is_not() {
    let hash = "1c3d0f3bc1ae2eb3f0e5e6b2b8b6fd7c";
    let reader = reader();
    let named = |hash: &str| Asked {
        hash: Some(hash.to_owned()),
        ..Asked::default()
    };
    let unknown = reader.read(&known(), named(hash)).unwrap_err();
    assert_eq!(unknown.message, "PersistedQueryNotFound");
    let document = "{ __typename }";
    let hash = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(document));
    let sent = || Asked {
        hash: Some(hash.clone()),
        ..asked(document)
    };
    reader.read(&Caller::Anonymous, sent()).unwrap();
    assert!(reader.read(&known(), named(&hash)).is_err());
    reader.read(&known(), sent()).unwrap();
    let found = reader.read(&Caller::Anonymous, named(&hash)).unwrap();
    assert_eq!(found.query, document);
}
