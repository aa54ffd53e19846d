//! Limits of documents.

use serde_json::json;

use crate::world::start;

#[tokio::test]
async fn a_document_that_is_too_deep_or_too_wide_is_refused_before_it_runs() {
    let world = start().await;
    let deep = format!(
        "{{ organisations {{ nodes {{ {} slug {} }} }} }}",
        "sites { nodes { organisation { ".repeat(8),
        "} } }".repeat(8)
    );
    let wide = r"{ organisations(first: 1000) { nodes { sites(first: 1000) { nodes { devices { nodes { name } } } } } } }";
    for query in [deep.as_str(), wide] {
        assert_eq!(
            world.code(query, json!({})).await,
            "GRAPHQL_VALIDATION_FAILED",
            "{query}"
        );
    }
}

/// What `GraphiQL`, graphql-js and code generators ask first.
#[tokio::test]
async fn the_usual_introspection_is_within_the_limits() {
    let world = start().await;
    let of_type = "ofType { kind name ".repeat(9) + &"}".repeat(9);
    let query = format!(
        "query {{ __schema {{ queryType {{ name }} types {{ ...Full }} directives {{ name args {{ ...Input }} }} }} }}
         fragment Full on __Type {{ kind name description fields(includeDeprecated: true) {{ name args {{ ...Input }} type {{ ...Ref }} }}
           inputFields {{ ...Input }} interfaces {{ ...Ref }} enumValues {{ name }} possibleTypes {{ ...Ref }} }}
         fragment Input on __InputValue {{ name type {{ ...Ref }} defaultValue }}
         fragment Ref on __Type {{ kind name {of_type} }}"
    );
    let schema = world.data(&query, json!({})).await;
    assert_eq!(schema["__schema"]["queryType"]["name"], "Query");
}
