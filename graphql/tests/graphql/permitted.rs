//! Every mutation as every role: refused exactly where the table does not allow it.

use sealrock_access::Role;
use sealrock_graphql::{FOR_EVERYBODY, permission_of_mutation};
use serde_json::json;

use crate::organisations::{TwoOrganisations, for_northsea, person, two_organisations};
use crate::walk::{Asked, Walk};
use crate::world::World;

/// Whether the mutation itself was refused for want of a permission.
async fn is_forbidden(world: &World, token: &str, asked: &Asked) -> bool {
    let answer = world.ask_as(Some(token), &asked.operation, json!({})).await;
    let errors = answer["errors"].as_array().cloned().unwrap_or_default();
    let invalid = |error: &serde_json::Value| {
        let code = error["extensions"]["code"].as_str().unwrap_or_default();
        code.starts_with("GRAPHQL_") || code.ends_with("_REQUIRED") || code == "UNAUTHENTICATED"
    };
    assert!(!errors.iter().any(invalid), "{asked:#?} {answer:#}");
    errors
        .iter()
        .any(|error| error["extensions"]["code"] == "FORBIDDEN")
}

#[tokio::test]
async fn a_mutation_is_refused_exactly_where_the_table_does_not_allow_it() {
    let TwoOrganisations { world, ids } = two_organisations().await;
    let walk = Walk::new(&world, ids, &for_northsea).await;
    let mut operations = walk.operations("mutation");
    operations.retain(|asked| !FOR_EVERYBODY.contains(&asked.field.as_str()));
    for role in Role::ACCOUNTS {
        for asked in &operations {
            let field = asked.field.as_str();
            let permission = permission_of_mutation(field)
                .unwrap_or_else(|| panic!("say which permission {field} asks for"));
            // Issuances are decided in the registry.
            let own = if field.ends_with("eIssuance") && field != "requestIssuance" {
                "ccr"
            } else {
                "northsea"
            };
            let here = world.token_of(&person(role, own));
            let elsewhere = world.token_of(&person(role, "southsea"));
            assert!(
                is_forbidden(&world, &elsewhere, asked).await,
                "{role} of another organisation: {asked:#?}"
            );
            assert_eq!(
                is_forbidden(&world, &here, asked).await,
                !permission.allows(role),
                "{role}: {permission}: {asked:#?}"
            );
        }
    }
}

#[tokio::test]
async fn what_the_schema_lists_of_permissions_is_the_table_and_what_the_caller_may() {
    let TwoOrganisations { world, .. } = two_organisations().await;
    let query = r#"{ permissions(organisation: "northsea", site: "plant-1") {
      permission stepUp roles allowed
    } }"#;
    for role in [Role::Operator, Role::SiteManager] {
        for (own, here) in [("northsea", true), ("southsea", false)] {
            let token = world.token_of(&person(role, own));
            let answer = world.ask_as(Some(&token), query, json!({})).await;
            let listed = answer["data"]["permissions"].as_array().unwrap();
            assert_eq!(listed.len(), sealrock_access::TABLE.len());
            for (listed, rule) in listed.iter().zip(&sealrock_access::TABLE) {
                assert_eq!(listed["permission"], rule.permission.name());
                assert_eq!(listed["stepUp"], rule.step_up);
                assert_eq!(listed["roles"].as_array().unwrap().len(), rule.roles.len());
                let may = here && rule.permission.allows(role);
                assert_eq!(listed["allowed"], may, "{role}: {}", rule.text);
            }
        }
    }
}
