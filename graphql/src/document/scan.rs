//! Counts what a document is made of before anything parses it.
//!
//! The parser recurses once per bracket before it counts anything, so a document of nothing but
//! brackets would end the process. Here tokens and brackets are counted without recursion.

/// What a block string is enclosed in.
const QUOTES: &str = "\"\"\"";

/// What was counted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    /// Names, numbers, strings and punctuators, as the specification has them.
    pub(super) tokens: usize,
    /// The most brackets that are open at once.
    pub(super) open: usize,
}

/// Counts the tokens of a document. What stands in strings and comments is not counted, and what is
/// no token at all is one for each character: the parser will refuse it.
pub(super) fn scan(document: &str) -> Counts {
    let mut counts = Counts::default();
    let mut open = 0usize;
    let mut rest = document;
    while let Some(next) = rest.chars().next() {
        match next {
            '{' | '[' | '(' => open += 1,
            '}' | ']' | ')' => open = open.saturating_sub(1),
            _ => {}
        }
        counts.open = counts.open.max(open);
        let (is_token, after) = step(next, rest);
        counts.tokens += usize::from(is_token);
        rest = after;
    }
    counts
}

/// Whether a token begins here, and what follows it.
fn step(next: char, rest: &str) -> (bool, &str) {
    match next {
        '"' => (true, after_string(rest)),
        '#' => (
            false,
            rest.find(['\n', '\r']).map_or("", |end| &rest[end..]),
        ),
        ' ' | '\t' | '\n' | '\r' | ',' | '\u{feff}' => (false, &rest[next.len_utf8()..]),
        '.' => (true, rest.trim_start_matches('.')),
        _ if is_word(next) => (true, rest.trim_start_matches(is_word)),
        _ => (true, &rest[next.len_utf8()..]),
    }
}

/// A name or a number.
fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '-' | '+' | '.')
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
    fn brackets_are_counted_by_how_many_are_open_at_once() {
        for bracket in ["{a", "[", "(", "{a(b:["] {
            assert!(scan(&bracket.repeat(300_000)).open >= 300_000, "{bracket}");
        }
        let closed = format!("{}{}", "{a".repeat(64), "}".repeat(64));
        assert_eq!(scan(&closed.repeat(3)).open, 64);
    }

    #[test]
    fn what_stands_in_strings_and_comments_does_not_count() {
        let many = "[ a".repeat(100);
        for (document, tokens) in [
            (format!("{{ a(b: \"{many}\") }}"), 8),
            (format!("{{ a(b: \"\\\"{many}\") }}"), 8),
            (format!("{{ a(b: \"\"\"{many} \\\"\"\" {many}\"\"\") }}"), 8),
            (format!("# {many}\n{{ a }}"), 3),
        ] {
            let counts = scan(&document);
            assert!(counts.open <= 2, "{document}");
            assert_eq!(counts.tokens, tokens, "{document}");
        }
        assert!(scan(&format!("{{ a(b: \"\\\\\", c: {many}) }}")).open > 64);
    }

    #[test]
    fn tokens_are_counted_as_the_specification_has_them() {
        for (document, tokens) in [
            (
                "query($n: Int! = -1.5e+3) { a(n: $n) @skip(if: true) ...F }",
                28,
            ),
            ("{a,b,c}", 5),
            ("{ a ... on B { c } }", 9),
            ("\u{feff}{a}", 3),
            ("", 0),
        ] {
            assert_eq!(scan(document).tokens, tokens, "{document}");
        }
    }
}
