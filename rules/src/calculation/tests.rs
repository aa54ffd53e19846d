#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use proptest::prelude::*;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::*;

term_rules! {
    Q: "Q" in "t", "§1", Read, "mass of the stream";
    C: "C" in "1", "§1", Read, "fraction of CO2 in it";
    LOSS: "loss" in "t" = "0.5", "§2", Computed, "what is lost";
    NET: "net" in "t" = "Σ Q·C − loss", "§3", Read, "what is left";
}

static STREAM: RuleSet = RuleSet {
    id: "test-stream",
    version: 1,
    title: "A stream for tests",
    source: "this file",
    effective: Effective::since(2025, 1, 1).until(2026, 12, 31),
    terms: TERMS,
};

struct Stream;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    period: Period,
    masses: Vec<Decimal>,
    fraction: Decimal,
}

impl Rule for Stream {
    type Input = Input;
    const SET: &'static RuleSet = &STREAM;
    const EXAMPLE: &'static str = r#"{"period":{"from":"2026-01-01","to":"2026-12-31"},"masses":["10.5","2"],"fraction":"0.9"}"#;

    fn period(input: &Input) -> Option<Period> {
        Some(input.period)
    }

    fn outcome(input: &Input) -> Result<Outcome, RuleError> {
        net(input)
            .map(Outcome::from)
            .map_err(|error| error.within(&STREAM))
    }
}

fn net(input: &Input) -> Result<Term, TermError> {
    let parts = input.masses.iter().map(|mass| {
        let parts = vec![Term::input(&Q, *mass)?, Term::input(&C, input.fraction)?];
        Term::step("Q·C", "t", Operation::Product, parts)
    });
    let all = Term::step(
        "Σ Q·C",
        "t",
        Operation::Sum,
        parts.collect::<Result<_, _>>()?,
    )?;
    let loss = Term::constant(&LOSS, "0.5".parse::<Decimal>().unwrap())?;
    Term::of(&NET, Operation::Difference, vec![all, loss])
}

const RULES: &[RuleEntry] = &[RuleEntry::of::<Stream>()];

fn example() -> Calculation {
    let inputs = serde_json::from_str(RULES[0].example()).unwrap();
    RULES[0].calculate(&inputs).unwrap()
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[test]
fn a_calculation_is_shown_with_every_term_and_its_paragraph() {
    assert_eq!(
        example().to_string(),
        "test-stream version 1, published: A stream for tests\n\
         this file; 2025-01-01 to 2026-12-31\n\
         \n\
         net = 10.75 t    = Σ Q·C − loss  [§3] [V]\n  \
         Σ Q·C = 11.25 t\n    \
         Q·C = 9.45 t\n      \
         Q = 10.5 t    mass of the stream  [§1] [V]\n      \
         C = 0.9    fraction of CO2 in it  [§1] [V]\n    \
         Q·C = 1.8 t\n      \
         Q = 2 t    mass of the stream  [§1] [V]\n      \
         C = 0.9    fraction of CO2 in it  [§1] [V]\n  \
         loss = 0.5 t    = 0.5  [§2] [C]\n"
    );
}

#[test]
fn a_calculation_that_is_read_again_is_the_same_and_runs_again() {
    let json = serde_json::to_string_pretty(&example()).unwrap();
    let read: Calculation = serde_json::from_str(&json).unwrap();
    assert_eq!(read, example());
    read.rerun(RULES).unwrap();
    assert_eq!(
        Published::of(read, RULES).unwrap().calculation(),
        &example()
    );
}

#[test]
fn a_calculation_that_was_changed_is_found() {
    let mut changed = example();
    changed.results[0].value = decimal("10.76").into();
    let error = changed.rerun(RULES).unwrap_err().to_string();
    assert_eq!(
        error,
        "net says 10.76, but its parts give 10.75: the calculation was changed"
    );

    let mut consistent = example();
    consistent.inputs["fraction"] = json!("0.8");
    assert_eq!(consistent.check(), Ok(()));
    assert_eq!(consistent.rerun(RULES), Err(RerunError::Differs));

    let mut foreign = example();
    foreign.rule.version = 2;
    assert!(matches!(
        foreign.rerun(RULES),
        Err(RerunError::Unknown { .. })
    ));

    let mut promoted = example();
    promoted.rule.status = Status::Draft;
    assert_eq!(promoted.rerun(RULES), Err(RerunError::Differs));
}

#[test]
fn what_is_no_input_is_refused_with_its_path_and_the_rule() {
    let mut inputs: serde_json::Value = serde_json::from_str(RULES[0].example()).unwrap();
    let refused = |inputs: &serde_json::Value| RULES[0].calculate(inputs).unwrap_err().to_string();
    inputs["masses"][1] = json!("2 t");
    let error = refused(&inputs);
    assert!(
        error.starts_with("test-stream version 1, masses[1]: "),
        "{error}"
    );
    inputs["masses"][1] = json!("0.000000000000000000000000001");
    let error = refused(&inputs);
    assert!(error.contains("more digits"), "{error}");
    inputs["period"]["to"] = json!("2027-01-01");
    let error = refused(&inputs);
    assert!(error.contains("outside of the dates"), "{error}");
    inputs["period"]["to"] = json!("2025-01-01");
    let error = refused(&inputs);
    assert!(error.contains("before it begins"), "{error}");
}

#[test]
fn quantities_of_different_units_are_not_added() {
    let parts = vec![
        Term::input(&Q, decimal("1")).unwrap(),
        Term::input(&C, decimal("1")).unwrap(),
    ];
    let error = Term::of(&NET, Operation::Sum, parts).unwrap_err();
    assert_eq!(
        error.to_string(),
        "net: the unit is 1, but t is needed: convert it first"
    );
}

#[test]
fn a_number_that_is_not_finite_is_refused() {
    for value in [f64::NAN, f64::INFINITY] {
        let error = Term::input(&Q, value).unwrap_err();
        assert_eq!(error.problem, Problem::NotFinite);
        assert_eq!(accounted(value, 3), Err(Problem::NotFinite));
    }
    let zero = || Term::input(&Q, 0.0).unwrap();
    let error = Term::of(&C, Operation::Quotient { places: 6 }, vec![zero(), zero()]).unwrap_err();
    assert_eq!(error.problem, Problem::NotFinite);
}

#[test]
fn a_rule_set_with_a_term_from_memory_is_a_draft_and_nothing_rests_on_it() {
    term_rules! {
        READ: "a" in "t", "§1", Read, "read";
        REMEMBERED: "b" in "t", "§2", Remembered, "from memory";
    }
    static DRAFT: RuleSet = RuleSet {
        id: "test-draft",
        terms: TERMS,
        ..STREAM_LIKE
    };
    const STREAM_LIKE: RuleSet = RuleSet {
        id: "test-draft",
        version: 1,
        title: "A draft",
        source: "this file",
        effective: Effective::since(2025, 1, 1),
        terms: &[],
    };
    struct Draft;
    impl Rule for Draft {
        type Input = ();
        const SET: &'static RuleSet = &DRAFT;
        const EXAMPLE: &'static str = "null";
        fn period((): &()) -> Option<Period> {
            None
        }
        fn outcome((): &()) -> Result<Outcome, RuleError> {
            let term = Term::of(
                &READ,
                Operation::Sum,
                vec![Term::input(&REMEMBERED, Decimal::ONE).unwrap()],
            );
            Ok(term.unwrap().into())
        }
    }
    let rules = [RuleEntry::of::<Draft>()];
    let calculation = rules[0].calculate(&json!(null)).unwrap();
    assert_eq!(calculation.rule.status, Status::Draft);
    calculation.rerun(&rules).unwrap();
    let error = Published::of(calculation, &rules).unwrap_err().to_string();
    assert!(
        error.contains("draft") && error.contains("read b in"),
        "{error}"
    );
}

#[test]
fn measured_parts_make_a_measured_term_that_reads_back_to_the_bit() {
    let parts = vec![
        Term::input(&Q, 0.1).unwrap(),
        Term::input(&C, decimal("0.2")).unwrap(),
    ];
    let product = Term::of(&NET, Operation::Product, parts).unwrap();
    assert_eq!(product.value, Number::Measured(0.1 * 0.2));
    let json = serde_json::to_string(&product).unwrap();
    assert_eq!(serde_json::from_str::<Term>(&json).unwrap(), product);
    let accounted = Term::of(&NET, Operation::Rounded { places: 6 }, vec![product]).unwrap();
    assert_eq!(accounted.value, decimal("0.02").into());
}

#[test]
fn a_million_additions_do_not_drift() {
    let step = decimal("0.1");
    let sum = (0..1_000_000).try_fold(Decimal::ZERO, |sum, _| exact::sum(sum, step));
    assert_eq!(sum, Ok(decimal("100000")));
}

proptest! {
    #[test]
    fn exact_arithmetic_agrees_with_integers(a in -1_000_000_000_000_i64..1_000_000_000_000, b in -1_000_000_i64..1_000_000, (p, q) in (0_u32..7, 0_u32..7)) {
        let (x, y) = (Decimal::new(a, p), Decimal::new(b, q));
        prop_assert_eq!(exact::product(x, y), Ok(Decimal::from_i128_with_scale(i128::from(a) * i128::from(b), p + q)));
        let sum = i128::from(a) * 10_i128.pow(q) + i128::from(b) * 10_i128.pow(p);
        prop_assert_eq!(exact::sum(x, y), Ok(Decimal::from_i128_with_scale(sum, p + q)));
    }

    #[test]
    fn a_number_reads_back_from_json(mantissa in any::<i64>(), scale in 0_u32..20, measured in proptest::num::f64::NORMAL | proptest::num::f64::ZERO) {
        for number in [Number::from(Decimal::new(mantissa, scale)), Number::from(measured)] {
            let json = serde_json::to_string(&number).unwrap();
            prop_assert_eq!(serde_json::from_str::<Number>(&json).unwrap(), number);
        }
    }
}
