use super::*;

/// From c2sp.org/signed-note, "Verifier keys".
const VKEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

fn key(name: &str, kind: KeyType, seed: u8) -> String {
    let secret = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]);
    VerifierKey::new(name, kind, secret.verifying_key()).to_text(kind)
}

fn log(seed: u8) -> String {
    key("example.com/foo", KeyType::Log, seed)
}

fn witness(seed: u8) -> String {
    key("witness.example/w", KeyType::Witness, seed)
}

/// The example of c2sp.org/tlog-policy, with keys.
fn example() -> String {
    let [x1, x2, x3, y1, y2, y3] = [1, 2, 3, 4, 5, 6].map(witness);
    format!(
        "log {VKEY}\n\n\
         witness X1 {x1}\nwitness X2 {x2}\nwitness X3 {x3}\n\
         group X-witnesses 2 X1 X2 X3\n\n\
         witness Y1 {y1}\nwitness Y2 {y2}\nwitness Y3 {y3}\n\
         group Y-witnesses any Y1 Y2 Y3\n\n\
         group X-and-Y all X-witnesses Y-witnesses\n\
         quorum X-and-Y\n"
    )
}

fn read(text: &str) -> Policy {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn refused(text: &str) -> String {
    match text.parse::<Policy>() {
        Err(error) => error.to_string(),
        Ok(policy) => panic!("{text:?} was read as {policy:?}"),
    }
}

#[test]
fn a_policy_of_one_log_has_the_text_that_it_always_had() {
    let policy = Policy::of_log(VKEY);
    assert_eq!(policy.to_string(), format!("log {VKEY}\nquorum none\n"));
    assert_eq!(read(&policy.to_string()), policy);
}

#[test]
fn the_specifications_example_asks_for_two_of_x_and_one_of_y() {
    let policy = read(&example());
    assert_eq!(policy.witnesses().len(), 6);
    assert_eq!(read(&policy.to_string()), policy, "{policy}");
    let met = |names: &[&str]| policy.quorum_met(&names.iter().copied().collect());
    for enough in [
        &["X1", "X2", "Y1"][..],
        &["X1", "X3", "Y3"],
        &["X1", "X2", "X3", "Y1", "Y2", "Y3"],
    ] {
        assert!(met(enough), "{enough:?}");
    }
    for too_few in [
        &[][..],
        &["X1", "X2"],
        &["X1", "Y1", "Y2", "Y3"],
        &["X1", "X2", "X3"],
        &["Z1", "Z2", "Z3"],
    ] {
        assert!(!met(too_few), "{too_few:?}");
    }
}

#[test]
fn a_quorum_of_one_witness_or_of_none_needs_no_group() {
    let one = read(&format!("log {VKEY}\nwitness w {}\nquorum w", witness(1)));
    assert!(one.quorum_met(&BTreeSet::from(["w"])));
    assert!(!one.quorum_met(&BTreeSet::new()));
    let none = read(&format!(
        "log {VKEY}\nwitness w {}\nquorum none",
        witness(1)
    ));
    assert!(none.quorum_met(&BTreeSet::new()));
}

#[test]
fn keys_of_a_rotation_carry_their_ranges() {
    let keys = [
        KeyRange {
            vkey: log(1),
            from: 0,
            through: Some(70_000),
        },
        KeyRange {
            vkey: log(2),
            from: 69_001,
            through: None,
        },
    ];
    let policy = Policy::of_keys(&keys).with_url("https://example.com/foo");
    let text = policy.to_string();
    assert!(text.contains("signs 0..70000\n"), "{text}");
    assert!(text.contains("signs 69001..\n"), "{text}");
    let read = read(&text);
    assert_eq!(read, policy);
    assert_eq!(read.keys(), keys);
    assert_eq!(read.url(), Some("https://example.com/foo"));
    assert_eq!(
        read.verifier().expect("keys").origin().as_str(),
        "example.com/foo"
    );
}

#[test]
fn witnesses_are_added_with_a_threshold() {
    let named = |name: &str, seed| Witness {
        name: name.to_owned(),
        vkey: witness(seed),
        url: Some(format!("https://{name}.example")),
    };
    let three = [named("a", 1), named("b", 2), named("c", 3)];
    let policy = Policy::of_log(VKEY)
        .with_witnesses(&three, Threshold::AtLeast(2))
        .expect("three witnesses");
    assert!(policy.quorum_met(&BTreeSet::from(["a", "c"])));
    assert!(!policy.quorum_met(&BTreeSet::from(["b"])));
    assert_eq!(read(&policy.to_string()), policy);

    let add = |witnesses: &[Witness], threshold| {
        Policy::of_log(VKEY).with_witnesses(witnesses, threshold)
    };
    assert!(add(&three, Threshold::AtLeast(4)).is_err());
    assert!(add(&three, Threshold::AtLeast(0)).is_err());
    assert!(add(&[], Threshold::All).is_err());
    assert!(add(&[named("a", 1), named("a", 2)], Threshold::Any).is_err());
    assert!(add(&[named("a", 1), named("b", 1)], Threshold::Any).is_err());
    assert!(add(&[named("a b", 1)], Threshold::Any).is_err());
    assert!(add(&[named("none", 1)], Threshold::Any).is_err());
    assert!(add(&[named("witnesses", 1)], Threshold::Any).is_err());
}

#[test]
fn space_and_comments_are_passed_over() {
    let text = format!("\t# who\n  log\t {VKEY}  \n\n#signs nothing\nquorum none # no\n");
    assert!(
        refused(&text).contains("line 5"),
        "a comment has its own line"
    );
    let policy = read(&text.replace(" # no", ""));
    assert_eq!(policy, Policy::of_log(VKEY));
}

#[test]
fn names_are_opaque() {
    let witness = witness(1);
    // A no-break space separates nothing, and a Kelvin sign is no K.
    read(&format!(
        "log {VKEY}\nwitness a\u{a0}b {witness}\nquorum a\u{a0}b\n"
    ));
    refused(&format!(
        "log {VKEY}\nwitness K {witness}\nquorum \u{212a}\n"
    ));
}

#[test]
fn what_is_not_understood_is_refused() {
    let [a, b] = [1, 2].map(witness);
    let other_type = key("witness.example/w", KeyType::Log, 1);
    let other_ledger = key("example.com/bar", KeyType::Log, 1);
    let same_key = key("example.com/foo", KeyType::Log, 1);
    for (lines, reason) in [
        ("quorum none\nquorum none".to_owned(), "a second quorum"),
        ("quorum all-of-them".to_owned(), "not defined"),
        (String::new(), "who must have cosigned"),
        ("quorum".to_owned(), "not understood"),
        ("Quorum none".to_owned(), "not understood"),
        ("quorum none\r".to_owned(), "control"),
        ("quorum none \u{7f}".to_owned(), "control"),
        (
            format!("witness a {a}\nwitness a {b}\nquorum a"),
            "defined already",
        ),
        (format!("witness a {a}\nwitness b {a}\nquorum a"), "as well"),
        (format!("witness none {a}\nquorum none"), "cannot be a name"),
        (format!("witness a {other_type}\nquorum a"), "0x01"),
        ("witness a nonsense\nquorum a".to_owned(), "not a valid key"),
        (
            format!("witness a {a} https://x y\nquorum a"),
            "not understood",
        ),
        (
            format!("group g any a\nwitness a {a}\nquorum g"),
            "not defined",
        ),
        (format!("witness a {a}\ngroup g any\nquorum g"), "members"),
        (format!("witness a {a}\ngroup g 0 a\nquorum g"), "members"),
        (format!("witness a {a}\ngroup g 2 a\nquorum g"), "members"),
        (
            format!("witness a {a}\ngroup g 01 a\nquorum g"),
            "nor a number",
        ),
        (
            format!("witness a {a}\ngroup g +1 a\nquorum g"),
            "nor a number",
        ),
        (
            format!("witness a {a}\ngroup g some a\nquorum g"),
            "nor a number",
        ),
        (
            format!("witness a {a}\ngroup a any a\nquorum a"),
            "defined already",
        ),
        (format!("witness a {a}\ngroup g any a a\nquorum g"), "twice"),
        (
            format!("witness a {a}\ngroup g any none\nquorum g"),
            "not defined",
        ),
        (
            format!("witness a {a}\ngroup g any g\nquorum g"),
            "not defined",
        ),
        (
            format!("witness a {a}\ngroup g any a\ngroup h any a\nquorum h"),
            "another group",
        ),
        (format!("log {VKEY}\nquorum none"), "already"),
        (format!("log {other_ledger}\nquorum none"), "of one ledger"),
        (
            format!("log {same_key}\nlog {same_key}\nquorum none"),
            "already",
        ),
        ("# 530d903a signs 7..3\nquorum none".to_owned(), "no range"),
        ("# 530d903a signs 07..\nquorum none".to_owned(), "no range"),
        (
            "# 530d903a signs 0..99 retired in May\nquorum none".to_owned(),
            "and no more",
        ),
        (
            "# 530d903a signs 0 .. 99\nquorum none".to_owned(),
            "and no more",
        ),
        ("\n".repeat(1000), "at most 1000 lines"),
        (
            "# 530d903a signs everything\nquorum none".to_owned(),
            "no range",
        ),
        (
            "# 530d903b signs 0..\nquorum none".to_owned(),
            "named above",
        ),
        (
            "# 530d903a signs 1..2\n#530d903a signs 3..4\nquorum none".to_owned(),
            "above already",
        ),
    ] {
        let error = refused(&format!("log {VKEY}\n{lines}"));
        assert!(error.contains(reason), "{lines:?}: {error}");
    }
    assert!(refused("quorum none\n").contains("names no log"));
    assert!(refused("log nonsense\nquorum none\n").contains("line 1"));
}
