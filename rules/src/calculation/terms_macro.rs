//! One line for a term: its rule, its documentation and its place in the rule set's list.

/// Declares the terms of a rule set as statics and lists them all in `TERMS`.
///
/// ```text
/// NAME: "symbol" in "unit" = "equation", "paragraph", Evidence, "meaning";
/// NAME: "symbol" in "unit", "paragraph", Evidence, "meaning";      // an input
/// ```
macro_rules! term_rules {
    (@equation) => { None };
    (@equation $equation:literal) => { Some($equation) };
    (@doc $symbol:literal $unit:literal $paragraph:literal $meaning:literal) => {
        concat!("`", $symbol, "` in ", $unit, ", given: ", $meaning, " (", $paragraph, ").")
    };
    (@doc $symbol:literal $unit:literal $paragraph:literal $meaning:literal $equation:literal) => {
        concat!(
            "`", $symbol, " = ", $equation, "` in ", $unit, ": ", $meaning, " (", $paragraph, ")."
        )
    };
    ($($name:ident: $symbol:literal in $unit:literal $(= $equation:literal)?,
       $paragraph:literal, $evidence:ident, $meaning:literal;)+) => {
        $(
            #[doc = $crate::calculation::term_rules!(@doc $symbol $unit $paragraph $meaning $($equation)?)]
            static $name: $crate::calculation::TermRule = $crate::calculation::TermRule {
                symbol: $symbol,
                unit: $unit,
                equation: $crate::calculation::term_rules!(@equation $($equation)?),
                paragraph: $paragraph,
                evidence: $crate::calculation::Evidence::$evidence,
                meaning: $meaning,
            };
        )+
        /// Every term, in the order of the source.
        static TERMS: &[&$crate::calculation::TermRule] = &[$(&$name),+];
    };
}
pub(crate) use term_rules;
