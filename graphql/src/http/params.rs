//! The GraphQL request in an HTTP request.

use std::collections::HashMap;

use axum::body::Bytes;
use axum::extract::Query;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use serde_json::{Map, Value};

use super::reply::Refusal;
use crate::code::Code;
use crate::document::Asked;

/// Reads the body of a POST.
pub(super) fn of_body(
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Asked, Refusal> {
    check_content_type(headers)?;
    let body = body.map_err(|rejection| unreadable(&rejection))?;
    let json = serde_json::from_slice(&body)
        .map_err(|error| Refusal::bad_request(format!("the body is not JSON: {error}")))?;
    match json {
        Value::Object(parameters) => request(parameters),
        Value::Array(_) => Err(Refusal::bad_request(
            "batches are not taken: send each operation in a request of its own",
        )),
        _ => Err(Refusal::bad_request(
            "the body must be a JSON object with a \"query\"",
        )),
    }
}

/// Reads the query string of a GET.
pub(super) fn of_query(uri: &Uri) -> Result<Asked, Refusal> {
    let Query(mut parameters) = Query::<HashMap<String, String>>::try_from_uri(uri)
        .map_err(|error| Refusal::bad_request(format!("the query string: {error}")))?;
    let mut object = Map::new();
    for name in ["query", "operationName"] {
        if let Some(text) = parameters.remove(name) {
            object.insert(name.to_owned(), Value::String(text));
        }
    }
    for name in ["variables", "extensions"] {
        if let Some(text) = parameters.remove(name) {
            let json = serde_json::from_str(&text).map_err(|error| {
                Refusal::bad_request(format!("\"{name}\" is not JSON: {error}"))
            })?;
            object.insert(name.to_owned(), json);
        }
    }
    request(object)
}

/// Reads the parameters of a request; also the payload of a `subscribe` message.
pub(crate) fn request(mut parameters: Map<String, Value>) -> Result<Asked, Refusal> {
    let hash = match object(&mut parameters, "extensions")? {
        Some(mut extensions) => hash(extensions.remove("persistedQuery"))?,
        None => None,
    };
    let document = match parameters.remove("query") {
        Some(Value::String(document)) => Some(document),
        None | Some(Value::Null) if hash.is_some() => None,
        _ => {
            return Err(Refusal::bad_request(
                "\"query\" must be a string with a GraphQL document",
            ));
        }
    };
    let operation_name = match parameters.remove("operationName") {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) => Some(name),
        Some(_) => return Err(Refusal::bad_request("\"operationName\" must be a string")),
    };
    Ok(Asked {
        document,
        hash,
        operation_name,
        variables: object(&mut parameters, "variables")?.unwrap_or_default(),
    })
}

/// The hash by which a document may be known, as clients of Apollo's protocol send it.
fn hash(persisted: Option<Value>) -> Result<Option<String>, Refusal> {
    let Some(persisted) = persisted else {
        return Ok(None);
    };
    match (&persisted["version"], &persisted["sha256Hash"]) {
        (Value::Number(version), Value::String(hash)) if version.as_u64() == Some(1) => {
            Ok(Some(hash.clone()))
        }
        _ => Err(Refusal::bad_request(
            "\"persistedQuery\" must be {\"version\": 1, \"sha256Hash\": \"<hash>\"}",
        )),
    }
}

fn object(
    parameters: &mut Map<String, Value>,
    name: &str,
) -> Result<Option<Map<String, Value>>, Refusal> {
    match parameters.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(_) => Err(Refusal::bad_request(format!(
            "\"{name}\" must be an object"
        ))),
    }
}

fn check_content_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let given = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    if given.is_some_and(is_json) {
        return Ok(());
    }
    let given = given.unwrap_or("nothing");
    Err(Refusal::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Code::UnsupportedMediaType,
        format!("the Content-Type is {given}: send application/json in UTF-8"),
    ))
}

fn is_json(content_type: &str) -> bool {
    let mut parts = content_type
        .split(';')
        .map(|part| part.trim().to_ascii_lowercase());
    let json = parts.next().is_some_and(|name| name == "application/json");
    json && parts
        .filter_map(|part| {
            part.strip_prefix("charset=")
                .map(|set| set.trim_matches('"').to_owned())
        })
        .all(|charset| charset == "utf-8")
}

fn unreadable(rejection: &BytesRejection) -> Refusal {
    let code = match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Code::PayloadTooLarge,
        _ => Code::BadRequest,
    };
    let message = format!("the body could not be read: {}", rejection.body_text());
    Refusal::new(rejection.status(), code, message)
}
