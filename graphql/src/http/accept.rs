//! Which media type the answer has.

use axum::http::{HeaderMap, header};

/// A media type that we write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Media {
    /// `application/json`: for clients from before the specification.
    Json,
    /// `application/graphql-response+json`: the status code means something.
    GraphqlResponse,
}

impl Media {
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
        }
    }
}

/// The media type that the client likes best; of equals the first it named. `None` if it accepts
/// neither.
pub(crate) fn negotiate(headers: &HeaderMap) -> Option<Media> {
    if !headers.contains_key(header::ACCEPT) {
        return Some(Media::Json);
    }
    let mut best: Option<(Media, f32)> = None;
    for (range, weight) in ranges(headers) {
        let Some(media) = media_of(&range) else {
            continue;
        };
        if weight > best.map_or(0.0, |(_, best)| best) {
            best = Some((media, weight));
        }
    }
    best.map(|(media, _)| media)
}

/// Whether a person looks: browsers name `text/html`, programs do not.
pub(super) fn is_browser(headers: &HeaderMap) -> bool {
    ranges(headers).any(|(range, weight)| range == "text/html" && weight > 0.0)
}

fn media_of(range: &str) -> Option<Media> {
    match range {
        "application/graphql-response+json" => Some(Media::GraphqlResponse),
        "application/json" | "application/*" | "*/*" => Some(Media::Json),
        _ => None,
    }
}

/// Every media range with its weight.
fn ranges(headers: &HeaderMap) -> impl Iterator<Item = (String, f32)> {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(range)
}

fn range(text: &str) -> (String, f32) {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default().to_ascii_lowercase();
    let weight = parts
        .find_map(|part| part.strip_prefix("q="))
        .and_then(|q| q.parse().ok());
    (name, weight.unwrap_or(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(accept: &'static str) -> Option<Media> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, accept.parse().expect("a header value"));
        negotiate(&headers)
    }

    #[test]
    fn a_client_that_names_nothing_gets_json() {
        assert_eq!(negotiate(&HeaderMap::new()), Some(Media::Json));
        assert_eq!(chosen("*/*"), Some(Media::Json));
    }

    #[test]
    fn the_heavier_weight_wins_and_of_equals_the_first() {
        let both = "application/graphql-response+json; charset=utf-8, application/json";
        assert_eq!(chosen(both), Some(Media::GraphqlResponse));
        let json_first = "application/json, application/graphql-response+json";
        assert_eq!(chosen(json_first), Some(Media::Json));
        let weighted = "application/json;q=0.9, application/graphql-response+json;q=0.95";
        assert_eq!(chosen(weighted), Some(Media::GraphqlResponse));
    }

    #[test]
    fn a_client_that_accepts_neither_gets_neither() {
        assert_eq!(chosen("image/png"), None);
        assert_eq!(chosen("application/json;q=0"), None);
    }
}
