//! Documents that are nested deeper than the parser's stack.
//!
//! The parser recurses once per bracket before it counts anything, so a document of nothing but
//! brackets would end the process. Here brackets are counted without recursion.

/// Brackets that may be open at once. The schema's own limit on depth is lower; this also bounds
/// lists and objects in arguments.
const MOST_OPEN: usize = 64;

/// What a block string is enclosed in.
const QUOTES: &str = "\"\"\"";

/// Whether more brackets are open at once than any document of ours needs. What stands in strings
/// and comments is not counted.
pub(crate) fn is_too_deep(document: &str) -> bool {
    let mut open = 0usize;
    let mut rest = document;
    while let Some(next) = rest.chars().next() {
        rest = match next {
            '"' => after_string(rest),
            '#' => rest.find(['\n', '\r']).map_or("", |end| &rest[end..]),
            _ => {
                match next {
                    '{' | '[' | '(' => open += 1,
                    '}' | ']' | ')' => open = open.saturating_sub(1),
                    _ => {}
                }
                &rest[next.len_utf8()..]
            }
        };
        if open > MOST_OPEN {
            return true;
        }
    }
    false
}

/// What follows the string that `text` begins with; nothing if it does not end.
fn after_string(text: &str) -> &str {
    if text.starts_with(QUOTES) {
        return after_block_string(text);
    }
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            '"' if !escaped => return &text[at + 1..],
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    ""
}

/// A block string ends at three quotes that no backslash stands before.
fn after_block_string(text: &str) -> &str {
    let mut at = QUOTES.len();
    while let Some(found) = text[at..].find(QUOTES) {
        let (before, after) = (at + found, at + found + QUOTES.len());
        if !text[at..before].ends_with('\\') {
            return &text[after..];
        }
        at = after;
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hundreds_of_thousands_of_brackets_are_refused_and_sixty_four_are_not() {
        for bracket in ["{a", "[", "(", "{a(b:["] {
            assert!(is_too_deep(&bracket.repeat(300_000)), "{bracket}");
        }
        assert!(!is_too_deep(&format!(
            "{}{}",
            "{a".repeat(64),
            "}".repeat(64)
        )));
        assert!(is_too_deep(&"{a".repeat(65)));
    }

    #[test]
    fn brackets_in_strings_and_comments_do_not_count() {
        let many = "[".repeat(100);
        for document in [
            format!("{{ a(b: \"{many}\") }}"),
            format!("{{ a(b: \"\\\"{many}\") }}"),
            format!("{{ a(b: \"\"\"{many} \\\"\"\" {many}\"\"\") }}"),
            format!("# {many}\n{{ a }}"),
        ] {
            assert!(!is_too_deep(&document), "{document}");
        }
        assert!(is_too_deep(&format!("{{ a(b: \"\\\\\", c: {many}) }}")));
    }
}
